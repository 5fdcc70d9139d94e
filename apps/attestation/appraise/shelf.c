/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/shelf.h"

#include "attestation/appraise/needs.h"
#include "attestation/appraise/shelf_collateral.h"
#include "attestation/appraise/shelf_platform.h"
#include "attestation/appraise/shelf_policies.h"

#include <stdlib.h>

struct shelf {
    struct collateral_shelf *collateral;
    struct platform_shelf *platforms;
    struct policy_shelf *policies;
    struct stored_policy draft; /* of the request that is served */
};

static enum status fill(struct shelf *shelf, const struct trust_roots *roots)
{
    TRY(collateral_shelf_new(SHELF_COLLATERAL_MAX_COUNT, roots, &shelf->collateral));
    TRY(platform_shelf_new(roots, &shelf->platforms));
    return policy_shelf_new(SHELF_POLICY_MAX_COUNT, &shelf->policies);
}

enum status shelf_new(const struct trust_roots *roots, struct shelf **shelf_out)
{
    struct shelf *const shelf = calloc(1, sizeof(*shelf));
    if (shelf == NULL) return ERR_NO_MEMORY;
    const enum status status = fill(shelf, roots);
    if (status != OK)
        shelf_free(shelf);
    else
        *shelf_out = shelf;
    return status;
}

void shelf_free(struct shelf *shelf)
{
    if (shelf == NULL) return;
    collateral_shelf_free(shelf->collateral);
    platform_shelf_free(shelf->platforms);
    policy_shelf_free(shelf->policies);
    stored_policy_done(&shelf->draft);
    free(shelf);
}

/* ---- what stands beside evidence of Intel's ---- */

static enum status quote_of(const struct attest_request *request, struct refusal *why, struct slice *quote_out)
{
    struct oe_evidence evidence;
    *quote_out = buffer_slice(&request->evidence);
    if (request->type != ATTESTATION_OPEN_ENCLAVE) return OK;
    TRY(oe_evidence_open(*quote_out, why, &evidence));
    *quote_out = evidence.quote;
    return OK;
}

/* Before anything is fetched for it: an enclave's quote where a domain's belongs would bring a platform's collateral in
 * vain. */
static enum status check_tee(enum attestation_type type, enum intel_tee tee, struct refusal *why)
{
    if (type == ATTESTATION_OPEN_ENCLAVE) return OK;
    const enum intel_tee wanted = type == ATTESTATION_TDX_VM ? INTEL_TDX : INTEL_SGX;
    if (tee == wanted) return OK;
    return refuse(why, ERR_QUOTE_UNSUPPORTED, "quote.header.tee_type", intel_tee_name(wanted), "%s",
                  intel_tee_name(tee));
}

static enum status take_intel(struct shelf *shelf, struct link *link, const struct attest_request *request,
                              uint64_t generation, struct refusal *why, enum appraisal_step *step_out,
                              struct appraisal_materials *materials)
{
    struct collateral_platform platform;
    struct slice quote;
    *step_out = APPRAISAL_EVIDENCE;
    TRY(quote_of(request, why, &quote));
    TRY(platform_shelf_take(shelf->platforms, link, quote, materials->now_s, why, step_out, &platform,
                            &materials->pck_chain));
    TRY(check_tee(request->type, platform.tee, why));
    *step_out = APPRAISAL_COLLATERAL;
    return collateral_shelf_take(shelf->collateral, link, &platform, generation, materials->now_s, why,
                                 &materials->collateral);
}

/* ---- and AMD's ---- */

/* They go along with the request, to the signer as well. */
static enum status take_amd(struct link *link, struct attest_request *request, struct refusal *why,
                            enum appraisal_step *step_out)
{
    CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(NEED_KEY_MAX_BYTES);
    struct snp_report_facts facts;
    struct endorsement_request needed;
    *step_out = APPRAISAL_EVIDENCE;
    if (request->endorsements.size > 0) return OK;
    TRY(snp_report_facts(buffer_slice(&request->evidence), why, &facts));
    TRY(endorsement_request_of(&facts, why, &needed));
    TRY(need_endorsements_write(&needed, &key));
    const enum status status =
        link_ask_back(link, LINK_NEED_ENDORSEMENTS, buffer_slice(&key), why, &request->endorsements);
    if (status != ERR_UNSUPPORTED) *step_out = APPRAISAL_COLLATERAL;
    return status;
}

/* ---- the policy ---- */

static enum status take_draft(struct shelf *shelf, struct attest_request *request, struct refusal *why,
                              struct appraisal_materials *materials)
{
    TRY(stored_policy_compile(&request->draft, why, &shelf->draft));
    materials->policy = &shelf->draft;
    return OK;
}

static enum status take_policy(struct shelf *shelf, struct link *link, struct attest_request *request,
                               const uint8_t digest[static 32], struct refusal *why, enum appraisal_step *step_out,
                               struct appraisal_materials *materials)
{
    *step_out = APPRAISAL_REQUEST;
    stored_policy_done(&shelf->draft);
    if (request->has_draft) return take_draft(shelf, request, why, materials);
    /* What is stored was checked when it was set. */
    *step_out = APPRAISAL_SIGNING;
    return policy_shelf_take(shelf->policies, link, digest, why, &materials->policy);
}

enum status shelf_take(struct shelf *shelf, struct link *link, struct attest_request *request, uint64_t generation,
                       const uint8_t policy[static 32], int64_t now_s, struct refusal *why,
                       enum appraisal_step *step_out, struct appraisal_materials *materials_out)
{
    struct appraisal_materials materials = {.now_s = now_s};
    TRY(take_policy(shelf, link, request, policy, why, step_out, &materials));
    if (request->type == ATTESTATION_SEV_SNP_VM)
        TRY(take_amd(link, request, why, step_out));
    else if (request->type != ATTESTATION_TPM)
        TRY(take_intel(shelf, link, request, generation, why, step_out, &materials));
    *materials_out = materials;
    return OK;
}
