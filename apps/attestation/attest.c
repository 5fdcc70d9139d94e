/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/attest.h"

#include "policy/default_policy.h"

#include <string.h>

enum status attest_default_policies(struct stored_policy policies_out[static ATTESTATION_TYPE_COUNT])
{
    for (int type = 0; type < ATTESTATION_TYPE_COUNT; type++) {
        const struct slice text = default_policy_text(attestation_type_name((enum attestation_type)type));
        CLEANUP(buffer_done) struct buffer copy = buffer_of_maximum(POLICY_MAX_BYTES);
        if (text.size == 0) continue;
        TRY(buffer_append(&copy, text));
        TRY(stored_policy_compile(&copy, NULL, &policies_out[type]));
    }
    return OK;
}

/* ---- what a request needs besides itself ---- */

struct needs {
    struct collateral_platform platform;
    struct pck_certificate *pck; /* NULL: the quote carries its own */
    struct collateral *collateral;
    struct stored_policy draft;
};

static void needs_done(struct needs *needs)
{
    pck_certificate_free(needs->pck);
    collateral_free(needs->collateral);
    stored_policy_done(&needs->draft);
}

/* By the certificate that the source has for it. */
static enum status find_platform(const struct attest_service *service, const struct quote_facts *facts, int wait_ms,
                                 struct refusal *why, struct needs *needs)
{
    struct pck_request request;
    if (service->pck == NULL)
        return refuse(why, ERR_UNSUPPORTED, "certification_data.type", "4 or 5: a PCK certificate", "%u",
                      facts->certification_type);
    TRY(pck_request_of(facts, why, &request));
    TRY(pck_feed_get(service->pck, &request, wait_ms, why, &needs->pck));
    const struct pck_facts *const pck = pck_certificate_facts(needs->pck);
    memcpy(needs->platform.fmspc, pck->fmspc, sizeof(needs->platform.fmspc));
    memcpy(needs->platform.ca, pck->ca, sizeof(needs->platform.ca));
    return OK;
}

static enum status read_platform(const struct attest_service *service, struct slice quote, int wait_ms,
                                 struct refusal *why, enum appraisal_step *step_out, struct needs *needs)
{
    struct quote_facts facts;
    TRY(quote_facts_read(quote, why, &facts));
    needs->platform.tee = facts.tee;
    memcpy(needs->platform.fmspc, facts.fmspc, sizeof(needs->platform.fmspc));
    memcpy(needs->platform.ca, facts.ca, sizeof(needs->platform.ca));
    if (facts.has_platform) return OK;
    if (service->pck != NULL) *step_out = APPRAISAL_COLLATERAL;
    return find_platform(service, &facts, wait_ms, why, needs);
}

static enum status quote_of(const struct attest_request *request, struct refusal *why, struct slice *quote_out)
{
    struct oe_evidence evidence;
    *quote_out = buffer_slice(&request->evidence);
    if (request->type != ATTESTATION_OPEN_ENCLAVE) return OK;
    TRY(oe_evidence_open(*quote_out, why, &evidence));
    *quote_out = evidence.quote;
    return OK;
}

static enum status find_collateral(const struct attest_service *service, const struct attest_request *request,
                                   int wait_ms, struct refusal *why, enum appraisal_step *step_out, struct needs *needs)
{
    struct slice quote;
    if (request->type == ATTESTATION_SEV_SNP_VM || request->type == ATTESTATION_TPM) return OK;
    *step_out = APPRAISAL_EVIDENCE;
    TRY(quote_of(request, why, &quote));
    TRY(read_platform(service, quote, wait_ms, why, step_out, needs));
    *step_out = APPRAISAL_COLLATERAL;
    return collateral_feed_get(service->collateral, &needs->platform, wait_ms, why, &needs->collateral);
}

static enum status find_policy(const struct attest_service *service, const struct attest_request *request,
                               struct refusal *why, struct needs *needs, const struct stored_policy **policy_out)
{
    *policy_out = &service->policies[request->type];
    if (request->has_draft) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
        TRY(buffer_append(&text, buffer_slice(&request->draft)));
        TRY(stored_policy_compile(&text, why, &needs->draft));
        *policy_out = &needs->draft;
    }
    if ((*policy_out)->policy != NULL) return OK;
    return refuse(why, ERR_UNSUPPORTED, "attestation type", "one with a policy", "%s",
                  attestation_type_name(request->type));
}

/* ---- the token ---- */

static enum status make_token(const struct attest_service *service, const struct attest_request *request,
                              struct slice payload, struct buffer *token)
{
    if (request->has_draft) return unsecured_token(payload, token);
    return attestation_token_sign_text(service->appraiser.issuer, payload, service->signer->id.text,
                                       service->signer->key, token);
}

static enum status appraise_and_sign(const struct attest_service *service, const struct attest_request *request,
                                     const struct appraisal_materials *materials, struct refusal *why,
                                     enum appraisal_step *step_out, struct buffer *token)
{
    CLEANUP(appraised_cleanup) struct appraised *appraised = NULL;
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    struct attestation_token_id id;
    TRY(appraised_new(&appraised));
    TRY(appraise(&service->appraiser, request, materials, why, step_out, appraised));
    attested_log_note(service->attested_log, &appraised->evidence, materials->now_s);
    *step_out = APPRAISAL_SIGNING;
    TRY(attestation_token_new_id(&id));
    TRY(appraised_payload(&service->appraiser, request, materials, appraised, id.text, why, &payload));
    return make_token(service, request, buffer_slice(&payload), token);
}

enum status attest(const struct attest_service *service, const struct attest_request *request, int wait_ms,
                   struct refusal *why, enum appraisal_step *step_out, struct buffer *token)
{
    CLEANUP(needs_done) struct needs needs = {};
    struct appraisal_materials materials = {.now_s = clock_now_s(service->clock)};
    *step_out = APPRAISAL_REQUEST;
    TRY(find_policy(service, request, why, &needs, &materials.policy));
    TRY(find_collateral(service, request, wait_ms, why, step_out, &needs));
    materials.collateral = needs.collateral;
    if (needs.pck != NULL) materials.pck_chain = pck_certificate_chain(needs.pck);
    return appraise_and_sign(service, request, &materials, why, step_out, token);
}
