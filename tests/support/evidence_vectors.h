/* SPDX-License-Identifier: Apache-2.0
 *
 * Evidence and collateral from the shared vectors, for tests.
 */
#pragma once

#include "testing.h"

#include "evidence/intel.h"

struct collateral_files {
    struct buffer tcb_info, tcb_chain, qe_identity, pck_crl, pck_crl_chain, root_crl;
};

static inline struct buffer read_in(const char *folder, const char *name)
{
    char path[2 * PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return read_whole(path);
}

/* `folder` is a path below the shared vectors; the test is skipped if they are absent. */
static inline struct collateral_files collateral_files_read(const char *folder)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s", shared_path(folder));
    return (struct collateral_files){
        .tcb_info = read_in(path, "tcbinfo.json"),
        .tcb_chain = read_in(path, "tcb_issuer_chain.pem"),
        .qe_identity = read_in(path, "qe_identity.json"),
        .pck_crl = read_in(path, "pck.crl"),
        .pck_crl_chain = read_in(path, "pck_crl_issuer_chain.pem"),
        .root_crl = read_in(path, "root_ca.crl"),
    };
}

static inline void collateral_files_done(struct collateral_files *files)
{
    buffer_done(&files->tcb_info);
    buffer_done(&files->tcb_chain);
    buffer_done(&files->qe_identity);
    buffer_done(&files->pck_crl);
    buffer_done(&files->pck_crl_chain);
    buffer_done(&files->root_crl);
}

static inline struct collateral_texts collateral_files_texts(const struct collateral_files *files)
{
    return (struct collateral_texts){
        .tcb_info = buffer_slice(&files->tcb_info),
        .tcb_info_issuer_chain = buffer_slice(&files->tcb_chain),
        .qe_identity = buffer_slice(&files->qe_identity),
        .qe_identity_issuer_chain = buffer_slice(&files->tcb_chain),
        .pck_crl = buffer_slice(&files->pck_crl),
        .pck_crl_issuer_chain = buffer_slice(&files->pck_crl_chain),
        .root_ca_crl = buffer_slice(&files->root_crl),
    };
}

/* One genuine case that is current at its date, used where any would do. */
#define GENUINE_QUOTE "vectors/sgx/sgx-v3-00606a000000-268c0681/quote.bin"
#define GENUINE_COLLATERAL "vectors/sgx/sgx-v3-00606a000000-268c0681/collateral-20250620-ev17"
enum { GENUINE_TIME_S = 1750416906 };

/* The numbers of evidence alone, judged under the same collateral, give what verification gave. */
static inline void assert_judged_alike(struct tcb_numbers numbers, const struct collateral *collateral,
                                       const struct intel_platform *verified)
{
    struct intel_platform judged;
    assert_ok(intel_tcb_judge(&numbers, collateral, NULL, &judged));
    assert_int_equal(judged.tcb_status, verified->tcb_status);
    assert_int_equal(judged.tcb_date_s, verified->tcb_date_s);
    assert_int_equal(judged.newest_tcb_date_s, verified->newest_tcb_date_s);
    assert_int_equal(judged.tcb_evaluation, verified->tcb_evaluation);
    assert_int_equal(judged.collateral_issued_s, verified->collateral_issued_s);
    assert_int_equal(judged.simulated, verified->simulated);
    assert_int_equal(judged.pce_svn, verified->pce_svn);
    assert_int_equal(judged.qe_svn, verified->qe_svn);
    assert_memory_equal(judged.fmspc, verified->fmspc, sizeof(judged.fmspc));
    assert_memory_equal(judged.pce_id, verified->pce_id, sizeof(judged.pce_id));
    assert_memory_equal(judged.components, verified->components, sizeof(judged.components));
    assert_int_equal(judged.advisory_count, verified->advisory_count);
    for (size_t i = 0; i < judged.advisory_count; i++)
        assert_string_equal(judged.advisories[i], verified->advisories[i]);
}

/* The whole way, as a command does it. */
static inline enum status verify_with(struct slice quote, const struct collateral_texts *texts, int64_t now_s,
                                      struct refusal *why, struct sgx_claims *claims_out)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(collateral_new(texts, NULL, why, &collateral));
    TRY(sgx_quote_verify(&(struct intel_evidence){.quote = quote}, collateral, NULL, now_s, NULL, why, claims_out));
    assert_judged_alike(tcb_numbers_of_enclave(claims_out), collateral, &claims_out->platform);
    return OK;
}
