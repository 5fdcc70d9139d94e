/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise.h"

#include "crypto/hash.h"
#include "policy/default_policy.h"

#include <stdio.h>
#include <string.h>

static enum status check_evaluation(const struct appraiser *appraiser, const struct sgx_claims *claims,
                                    struct refusal *why)
{
    if (claims->platform.tcb_evaluation >= appraiser->minimum_tcb_evaluation) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at least %lld", (long long)appraiser->minimum_tcb_evaluation);
    return refuse(why, ERR_COLLATERAL_EXPIRED, "collateral.tcbEvaluationDataNumber", expected, "%lld",
                  (long long)claims->platform.tcb_evaluation);
}

/* `bound` is 64 bytes that must hold the data's SHA-256 and zeros. */
static enum status check_binding(const struct attest_data *data, struct slice bound, const char *field,
                                 struct refusal *why)
{
    if (!data->is_given) return OK;
    uint8_t expected[REPORT_DATA_BYTES] = {};
    TRY(sha256(buffer_slice(&data->bytes), expected));
    if (slice_equal(bound, SLICE_ARRAY(expected))) return OK;
    return refuse(why, ERR_REPORT_DATA, field, refusal_hex(SLICE_ARRAY(expected)).text, "%s", refusal_hex(bound).text);
}

/* Init time data stands in CONFIGID, which only enclaves with key separation and sharing have. */
static enum status check_init_time(const struct attest_data *data, const struct sgx_claims *claims, struct refusal *why)
{
    if (data->is_given && !claims->has_kss)
        return refuse(why, ERR_UNSUPPORTED, "initTimeData", "an enclave with a CONFIGID (KSS)", "an enclave without");
    return check_binding(data, SLICE_ARRAY(claims->config_id), "quote.report.configid", why);
}

static enum status verify_evidence(const struct appraiser *appraiser, const struct attest_request *request,
                                   struct slice pck_chain, const struct collateral *collateral, int64_t now_s,
                                   struct refusal *why, struct sgx_claims *claims)
{
    const struct intel_evidence evidence = {.quote = buffer_slice(&request->evidence), .pck_chain = pck_chain};
    TRY(sgx_quote_verify(&evidence, collateral, appraiser->roots, now_s, appraiser->cache, why, claims));
    TRY(check_evaluation(appraiser, claims, why));
    TRY(check_binding(&request->runtime, SLICE_ARRAY(claims->report_data), "quote.report.reportData", why));
    return check_init_time(&request->init_time, claims, why);
}

static enum status check_policy(const struct appraiser *appraiser, const struct sgx_claims *sgx, int64_t now_s,
                                struct refusal *why)
{
    const struct evidence_claims claims = {.kind = EVIDENCE_SGX, .sgx = *sgx};
    if (appraiser->policy != NULL) TRY(appraisal_check(appraiser->policy, &claims, now_s, why));
    attested_log_note(appraiser->attested_log, &claims, now_s);
    return OK;
}

static void copy_hashes(const struct sgx_claims *claims, struct attestation_collateral_hashes *hashes)
{
    enum { SIZE = SHA256_BYTES };
    memcpy(hashes->quote, claims->platform.quote_hash, SIZE);
    memcpy(hashes->qe_identity, claims->platform.qe_identity_hash, SIZE);
    memcpy(hashes->qe_identity_certificates, claims->platform.qe_identity_certificates_hash, SIZE);
    memcpy(hashes->qe_identity_crl, claims->platform.qe_identity_crl_hash, SIZE);
    memcpy(hashes->tcb_info, claims->platform.tcb_info_hash, SIZE);
    memcpy(hashes->tcb_info_certificates, claims->platform.tcb_info_certificates_hash, SIZE);
    memcpy(hashes->tcb_info_crl, claims->platform.tcb_info_crl_hash, SIZE);
}

static void copy_claims(const struct sgx_claims *claims, struct attestation_sgx_claims *sgx)
{
    *sgx = (struct attestation_sgx_claims){
        .debug = claims->debug,
        .simulated = claims->platform.simulated,
        .product_id = claims->product_id,
        .svn = claims->svn,
        .has_kss = claims->has_kss,
        .config_svn = claims->config_svn,
    };
    memcpy(sgx->mrenclave, claims->mrenclave, sizeof(sgx->mrenclave));
    memcpy(sgx->mrsigner, claims->mrsigner, sizeof(sgx->mrsigner));
    memcpy(sgx->report_data, claims->report_data, sizeof(sgx->report_data));
    memcpy(sgx->config_id, claims->config_id, sizeof(sgx->config_id));
    memcpy(sgx->extended_product_id, claims->extended_product_id, sizeof(sgx->extended_product_id));
    memcpy(sgx->family_id, claims->family_id, sizeof(sgx->family_id));
    copy_hashes(claims, &sgx->hashes);
}

static struct attestation_data data_of(const struct attest_data *data)
{
    return (struct attestation_data){.bytes = buffer_slice(&data->bytes), .is_json = data->is_json};
}

static enum status make_payload(const struct appraiser *appraiser, const struct attest_request *request,
                                const struct sgx_claims *claims, int64_t now_s, struct refusal *why,
                                json_t **payload_out)
{
    struct attestation_token_id id;
    TRY(attestation_token_new_id(&id));
    struct attestation_token text = {
        .issuer = appraiser->issuer,
        .issued_s = now_s,
        .id = id.text,
        .nonce = buffer_slice(&request->nonce),
        .runtime = data_of(&request->runtime),
        .init_time = data_of(&request->init_time),
        .policy_hash = default_policy_hash(),
    };
    copy_claims(claims, &text.sgx);
    return attestation_token_payload(&text, why, payload_out);
}

/* What a quote needs besides itself. */
struct needs {
    struct collateral_platform platform;
    struct pck_certificate *pck; /* NULL: it carries its own */
};

static void needs_done(struct needs *needs)
{
    pck_certificate_free(needs->pck);
}

/* By the certificate that the source has for it. */
static enum status find_platform(const struct appraiser *appraiser, const struct quote_facts *facts, int wait_ms,
                                 struct refusal *why, struct needs *needs)
{
    struct pck_request request;
    if (appraiser->pck == NULL)
        return refuse(why, ERR_UNSUPPORTED, "certification_data.type", "4 or 5: a PCK certificate", "%u",
                      facts->certification_type);
    TRY(pck_request_of(facts, why, &request));
    TRY(pck_feed_get(appraiser->pck, &request, wait_ms, why, &needs->pck));
    const struct pck_facts *const pck = pck_certificate_facts(needs->pck);
    memcpy(needs->platform.fmspc, pck->fmspc, sizeof(needs->platform.fmspc));
    memcpy(needs->platform.ca, pck->ca, sizeof(needs->platform.ca));
    return OK;
}

static enum status read_needs(const struct appraiser *appraiser, struct slice quote, int wait_ms, struct refusal *why,
                              enum appraisal_step *step_out, struct needs *needs)
{
    struct quote_facts facts;
    TRY(quote_facts_read(quote, why, &facts));
    needs->platform.tee = facts.tee;
    memcpy(needs->platform.fmspc, facts.fmspc, sizeof(needs->platform.fmspc));
    memcpy(needs->platform.ca, facts.ca, sizeof(needs->platform.ca));
    if (facts.has_platform) return OK;
    if (appraiser->pck != NULL) *step_out = APPRAISAL_COLLATERAL;
    return find_platform(appraiser, &facts, wait_ms, why, needs);
}

enum status appraise(const struct appraiser *appraiser, const struct attest_request *request, int wait_ms,
                     struct refusal *why, enum appraisal_step *step_out, struct buffer *token)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    CLEANUP(json_done) json_t *payload = NULL;
    struct sgx_claims claims;
    const int64_t now_s = clock_now_s(appraiser->clock);
    CLEANUP(needs_done) struct needs needs = {};
    *step_out = APPRAISAL_EVIDENCE;
    TRY(read_needs(appraiser, buffer_slice(&request->evidence), wait_ms, why, step_out, &needs));
    *step_out = APPRAISAL_COLLATERAL;
    TRY(collateral_feed_get(appraiser->collateral, &needs.platform, wait_ms, why, &collateral));
    *step_out = APPRAISAL_EVIDENCE;
    const struct slice pck_chain = needs.pck != NULL ? pck_certificate_chain(needs.pck) : (struct slice){};
    TRY(verify_evidence(appraiser, request, pck_chain, collateral, now_s, why, &claims));
    *step_out = APPRAISAL_POLICY;
    TRY(check_policy(appraiser, &claims, now_s, why));
    *step_out = APPRAISAL_REQUEST;
    TRY(make_payload(appraiser, request, &claims, now_s, why, &payload));
    *step_out = APPRAISAL_POLICY;
    TRY(default_policy_apply(payload));
    *step_out = APPRAISAL_SIGNING;
    return attestation_token_sign(payload, appraiser->signer->id.text, appraiser->signer->key, token);
}
