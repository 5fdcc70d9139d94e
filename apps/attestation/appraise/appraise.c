/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/appraise.h"

#include "attestation/appraise/bindings.h"
#include "attestation/appraise/facts.h"
#include "attestation/tpm/tpm.h"
#include "base/encoding.h"

#include <stdio.h>
#include <stdlib.h>

enum status appraised_new(struct appraised **appraised_out)
{
    CLEANUP(appraised_cleanup) struct appraised *appraised = calloc(1, sizeof(*appraised));
    if (appraised == NULL) return ERR_NO_MEMORY;
    TRY(claim_set_new(&appraised->incoming));
    TRY(claim_set_new(&appraised->outgoing));
    TRY(claim_set_new(&appraised->properties));
    appraised->runtime_json = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    appraised->init_time_json = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    appraised->collateral_json = buffer_of_maximum(COLLATERAL_JSON_MAX_BYTES);
    *appraised_out = appraised;
    appraised = NULL;
    return OK;
}

void appraised_free(struct appraised *appraised)
{
    if (appraised == NULL) return;
    tpm_report_free(appraised->tpm);
    claim_set_free(appraised->incoming);
    claim_set_free(appraised->outgoing);
    claim_set_free(appraised->properties);
    buffer_done(&appraised->runtime_json);
    buffer_done(&appraised->init_time_json);
    buffer_done(&appraised->collateral_json);
    free(appraised);
}

void appraised_cleanup(struct appraised **appraised)
{
    appraised_free(*appraised);
    *appraised = NULL;
}

static void clear(struct appraised *appraised)
{
    appraised->is_permitted = false;
    tpm_report_cleanup(&appraised->tpm);
    claim_set_clear(appraised->incoming);
    claim_set_clear(appraised->outgoing);
    claim_set_clear(appraised->properties);
    buffer_clear(&appraised->runtime_json);
    buffer_clear(&appraised->init_time_json);
    buffer_clear(&appraised->collateral_json);
}

/* ---- verifying ---- */

static enum evidence_kind kind_of(enum attestation_type type)
{
    static const enum evidence_kind kinds[ATTESTATION_TYPE_COUNT] = {
        [ATTESTATION_SGX_ENCLAVE] = EVIDENCE_SGX,
        [ATTESTATION_OPEN_ENCLAVE] = EVIDENCE_OPEN_ENCLAVE,
        [ATTESTATION_SEV_SNP_VM] = EVIDENCE_SNP,
        [ATTESTATION_TDX_VM] = EVIDENCE_TDX,
    };
    return kinds[type];
}

static enum status verify(const struct appraiser *appraiser, const struct attest_request *request,
                          const struct appraisal_materials *materials, struct refusal *why,
                          struct evidence_claims *claims)
{
    const struct slice endorsements = buffer_slice(&request->endorsements);
    const struct evidence evidence = {
        .kind = kind_of(request->type),
        .bytes = buffer_slice(&request->evidence),
        .runtime_data = buffer_slice(&request->runtime.bytes),
        .has_runtime_data = request->runtime.is_given,
        .pck_chain = materials->pck_chain,
        .collateral = materials->collateral,
        .endorsements =
            {
                .certificates = &endorsements,
                .certificate_count = endorsements.size > 0 ? 1 : 0,
                .simulated_root = appraiser->simulated_snp_root,
            },
    };
    TRY(evidence_verify(&evidence, appraiser->roots, materials->now_s, appraiser->caches, why, claims));
    /* Open Enclave wraps quotes of TDs as well: whoever asks for an enclave gets none of another kind. */
    if (claims->kind == evidence.kind) return OK;
    return refuse(why, ERR_UNSUPPORTED, "report", "evidence of an SGX enclave", "that of a TDX domain");
}

/* ---- which collateral is new enough ---- */

enum { EVALUATION_MAX_DIGITS = 9 };

static enum status refuse_identifier(struct slice seen, struct refusal *why)
{
    return refuse(why, ERR_POLICY_VALUE, "configurationrules.x-ms-sgx-tcbidentifier",
                  "\"azuredefault\" or the number of a TCB evaluation", "%.*s", (int)seen.size,
                  seen.size == 0 ? (const uint8_t *)"" : seen.bytes);
}

static enum status read_identifier(const struct claim_value *value, struct refusal *why, int64_t *minimum_out)
{
    *minimum_out = 0;
    if (value->type == CLAIM_INTEGER && value->integer >= 0) {
        *minimum_out = value->integer;
        return OK;
    }
    if (value->type != CLAIM_STRING) return refuse_identifier((struct slice){}, why);
    if (slice_equal_text(value->text, "azuredefault")) return OK;
    if (value->text.size == 0 || value->text.size > EVALUATION_MAX_DIGITS) return refuse_identifier(value->text, why);
    for (size_t i = 0; i < value->text.size; i++) {
        const uint8_t digit = value->text.bytes[i];
        if (digit < '0' || digit > '9') return refuse_identifier(value->text, why);
        *minimum_out = *minimum_out * 10 + (digit - '0');
    }
    return OK;
}

static enum status check_evaluation_is(int64_t seen, int64_t minimum, const char *who, struct refusal *why)
{
    if (seen >= minimum) return OK;
    char expected[96];
    (void)snprintf(expected, sizeof(expected), "at least %lld, by %s", (long long)minimum, who);
    return refuse(why, ERR_COLLATERAL_EXPIRED, "collateral.tcbEvaluationDataNumber", expected, "%lld", (long long)seen);
}

/* The service's minimum holds for all of Intel's evidence, the policy's property for enclaves alone, as Azure's. */
static enum status check_evaluation(const struct appraiser *appraiser, const struct appraised *appraised,
                                    struct refusal *why)
{
    const struct intel_platform *const platform = evidence_intel_platform(&appraised->evidence);
    const struct claim *const property = claim_set_find(appraised->properties, "x-ms-sgx-tcbidentifier");
    int64_t minimum;
    if (platform == NULL) return OK;
    TRY(check_evaluation_is(platform->tcb_evaluation, appraiser->minimum_tcb_evaluation, "this service", why));
    if (property == NULL || appraised->evidence.kind == EVIDENCE_TDX) return OK;
    TRY(read_identifier(&property->value, why, &minimum));
    return check_evaluation_is(platform->tcb_evaluation, minimum, "the policy", why);
}

/* ---- the whole ---- */

/* Up to its claims, an enclave or a machine. */
static enum status verify_platform(const struct appraiser *appraiser, const struct attest_request *request,
                                   const struct appraisal_materials *materials, struct refusal *why,
                                   enum appraisal_step *step_out, struct appraised *appraised)
{
    *step_out = APPRAISAL_EVIDENCE;
    TRY(verify(appraiser, request, materials, why, &appraised->evidence));
    TRY(check_init_time(&request->init_time, &appraised->evidence, why));
    TRY(check_evaluation(appraiser, appraised, why));
    *step_out = APPRAISAL_REQUEST;
    TRY(embed_data(&request->runtime, "runtimeData.data", why, &appraised->runtime_json));
    TRY(embed_data(&request->init_time, "initTimeData.data", why, &appraised->init_time_json));
    TRY(check_nonce(buffer_slice(&request->nonce), why));
    TRY(embed_collateral(&appraised->evidence, &appraised->collateral_json));
    *step_out = APPRAISAL_POLICY;
    if (appraiser->operator_policy == NULL) return OK;
    return appraisal_check(appraiser->operator_policy, &appraised->evidence, materials->now_s, why);
}

static enum status verify_tpm(const struct appraiser *appraiser, const struct attest_request *request, int64_t now_s,
                              struct refusal *why, enum appraisal_step *step_out, struct appraised *appraised)
{
    struct tpm_rules rules;
    *step_out = APPRAISAL_POLICY;
    TRY(tpm_rules_of_policy(appraised->properties, appraiser->tpm_roots, why, &rules));
    *step_out = APPRAISAL_EVIDENCE;
    TRY(tpm_report_verify(buffer_slice(&request->evidence), &rules, now_s, why, &appraised->tpm));
    appraised->evidence = (struct evidence_claims){.kind = EVIDENCE_TPM};
    TRY(tpm_report_quote(appraised->tpm, &appraised->evidence.tpm));
    *step_out = APPRAISAL_POLICY;
    if (appraiser->operator_policy != NULL)
        TRY(appraisal_check(appraiser->operator_policy, &appraised->evidence, now_s, why));
    return tpm_report_claims(appraised->tpm, appraiser->issuer, why, appraised->incoming);
}

/* How long the token lives: a policy can say so for TPMs alone. */
static enum status set_life(struct refusal *why, struct appraised *appraised)
{
    appraised->life_s = ATTESTATION_TOKEN_LIFE_S;
    appraised->early_s = 0;
    if (appraised->tpm == NULL) return OK;
    appraised->early_s = TPM_REPORT_EARLY_S;
    return tpm_report_life(appraised->properties, why, &appraised->life_s);
}

static enum status evaluate(const struct attest_request *request, const struct appraisal_materials *materials,
                            struct refusal *why, struct appraised *appraised)
{
    const struct policy_result result = {appraised->outgoing, appraised->properties};
    struct facts facts;
    facts_of(request, appraised, &facts);
    TRY(facts_show(&facts, why, appraised->incoming));
    TRY(policy_evaluate(materials->policy->policy, appraised->incoming, NULL, why, &result));
    return set_life(why, appraised);
}

enum status appraise(const struct appraiser *appraiser, const struct attest_request *request,
                     const struct appraisal_materials *materials, struct refusal *why, enum appraisal_step *step_out,
                     struct appraised *appraised)
{
    const struct policy_result result = {appraised->outgoing, appraised->properties};
    clear(appraised);
    *step_out = APPRAISAL_POLICY;
    TRY(policy_configure(materials->policy->policy, appraised->incoming, NULL, why, &result));
    if (request->type == ATTESTATION_TPM)
        TRY(verify_tpm(appraiser, request, materials->now_s, why, step_out, appraised));
    else
        TRY(verify_platform(appraiser, request, materials, why, step_out, appraised));
    TRY(evaluate(request, materials, why, appraised));
    appraised->is_permitted = true;
    return OK;
}
