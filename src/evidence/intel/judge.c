/* SPDX-License-Identifier: Apache-2.0
 *
 * Judging a platform without a quote, by the numbers that were noted when it was attested.
 */
#include "evidence/intel/claims.h"

#include <string.h>

static struct tcb_numbers numbers_of(const struct intel_platform *platform, enum intel_tee tee)
{
    struct tcb_numbers numbers = {.tee = tee, .pce_svn = platform->pce_svn, .qe_svn = platform->qe_svn};
    memcpy(numbers.fmspc, platform->fmspc, sizeof(numbers.fmspc));
    memcpy(numbers.pce_id, platform->pce_id, sizeof(numbers.pce_id));
    memcpy(numbers.components, platform->components, sizeof(numbers.components));
    return numbers;
}

struct tcb_numbers tcb_numbers_of_enclave(const struct sgx_claims *claims)
{
    return numbers_of(&claims->platform, INTEL_SGX);
}

struct tcb_numbers tcb_numbers_of_domain(const struct tdx_claims *claims)
{
    struct tcb_numbers numbers = numbers_of(&claims->platform, INTEL_TDX);
    numbers.is_td15 = claims->is_td15;
    memcpy(numbers.tee_tcb_svn, claims->tee_tcb_svn, sizeof(numbers.tee_tcb_svn));
    memcpy(numbers.tee_tcb_svn2, claims->tee_tcb_svn2, sizeof(numbers.tee_tcb_svn2));
    return numbers;
}

static struct pck pck_of(const struct tcb_numbers *numbers)
{
    struct pck pck = {.pce_svn = numbers->pce_svn};
    memcpy(pck.fmspc, numbers->fmspc, sizeof(pck.fmspc));
    memcpy(pck.pce_id, numbers->pce_id, sizeof(pck.pce_id));
    memcpy(pck.components, numbers->components, sizeof(pck.components));
    return pck;
}

/* All of a quote that levels are matched with. Borrows from the numbers. */
static struct quote quote_of(const struct tcb_numbers *numbers)
{
    return (struct quote){
        .tee = numbers->tee,
        .qe_report = {.svn = numbers->qe_svn},
        .td_report = {.is_td15 = numbers->is_td15,
                      .tee_tcb_svn = SLICE_ARRAY(numbers->tee_tcb_svn),
                      .tee_tcb_svn2 = SLICE_ARRAY(numbers->tee_tcb_svn2)},
    };
}

static enum status judge_domain(const struct quote *quote, const struct pck *pck, const struct collateral *collateral,
                                struct refusal *why, struct verdict *verdict)
{
    const struct tdx_module_identity *module;
    TRY(tdx_module_find(&collateral->tcb_info.modules, quote->td_report.tee_tcb_svn, why, &module));
    return verdict_of_domain(quote, pck, collateral, module, why, verdict);
}

enum status intel_tcb_judge(const struct tcb_numbers *numbers, const struct collateral *collateral, struct refusal *why,
                            struct intel_platform *platform_out)
{
    const struct pck pck = pck_of(numbers);
    const struct quote quote = quote_of(numbers);
    struct intel_platform platform;
    struct verdict verdict;
    TRY(collateral_check_tee(collateral, numbers->tee, why));
    TRY(collateral_check_model(collateral, &pck, why));
    TRY(numbers->tee == INTEL_TDX ? judge_domain(&quote, &pck, collateral, why, &verdict)
                                  : verdict_of_enclave(&quote, &pck, collateral, why, &verdict));
    TRY(claims_of_verdict(&verdict, &pck, collateral, why, &platform));
    platform.qe_svn = numbers->qe_svn;
    *platform_out = platform;
    return OK;
}
