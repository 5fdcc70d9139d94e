/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/claims.h"
#include "cli/evidence/verdict.h"

static const struct intel_platform *platform_of(const struct evidence_result *result)
{
    return result->is_genuine ? evidence_intel_platform(&result->claims) : NULL;
}

static void put_advisories(struct claims_object *verdict, const struct evidence_result *result)
{
    const struct intel_platform *const platform = platform_of(result);
    CLEANUP(json_done) json_t *advisories = json_array();
    for (size_t i = 0; platform != NULL && i < platform->advisory_count; i++) {
        if (json_array_append_new(advisories, json_string(platform->advisories[i])) != 0)
            verdict->status = ERR_NO_MEMORY;
    }
    claims_put(verdict, "advisories", json_incref(advisories));
}

/* Intel's word; two refusals are statuses of Intel's as well. Other makers have none. */
static void put_status(struct claims_object *verdict, const struct evidence_result *result)
{
    const struct intel_platform *const platform = platform_of(result);
    const char *status = platform != NULL ? tcb_status_name(platform->tcb_status) : NULL;
    if (result->status == ERR_TCB_REVOKED) status = "Revoked";
    if (result->status == ERR_TCB_NOT_SUPPORTED) status = "TCB_NOT_SUPPORTED";
    claims_put(verdict, "status", status != NULL ? json_string(status) : json_null());
}

static void put_reason(struct claims_object *verdict, const struct evidence_result *result)
{
    if (result->status == OK) {
        claims_put(verdict, "reason", json_null());
        return;
    }
    char reason[1024];
    refusal_text(&result->why, reason, sizeof(reason));
    claims_put_text(verdict, "field", result->why.field);
    claims_put_text(verdict, "seen", result->why.seen);
    claims_put_text(verdict, "expected", result->why.expected);
    if (result->why.fix[0] != '\0') claims_put_text(verdict, "fix", result->why.fix);
    claims_put_text(verdict, "reason", reason);
}

static void put_claims_of_kind(struct claims_object *object, const struct evidence_claims *claims)
{
    switch (claims->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE:
        claims_put_sgx(object, &claims->sgx);
        claims_put_sgx_token(object, &claims->sgx);
        break;
    case EVIDENCE_TDX:
        claims_put_tdx(object, &claims->tdx);
        claims_put_tdx_token(object, &claims->tdx);
        break;
    case EVIDENCE_SNP:
        claims_put_snp(object, &claims->snp);
        claims_put_snp_token(object, &claims->snp);
        break;
    case EVIDENCE_AZURE_VTPM: claims_put_azure(object, &claims->azure); break;
    case EVIDENCE_TPM: claims_put_tpm(object, &claims->tpm); break;
    }
}

static void put_claims(struct claims_object *verdict, const struct evidence_result *result)
{
    if (!result->is_genuine) {
        claims_put(verdict, "claims", json_null());
        return;
    }
    CLEANUP(claims_object_cleanup) struct claims_object claims = claims_object_new();
    put_claims_of_kind(&claims, &result->claims);
    if (result->quote.size != 0) claims_put_quote(&claims, result->quote);
    if (result->hcl_report.size != 0) claims_put_azure_runtime(&claims, result->hcl_report);
    claims_put_object(verdict, "claims", &claims);
}

enum status evidence_result_json(const struct evidence_result *result, struct buffer *text)
{
    CLEANUP(claims_object_cleanup) struct claims_object verdict = claims_object_new();
    claims_put_flag(&verdict, "genuine", result->is_genuine);
    if (result->has_policy) claims_put_flag(&verdict, "accepted", result->status == OK);
    claims_put_text(&verdict, "code", status_name(result->status));
    if (result->tee != NULL) {
        claims_put_text(&verdict, "tee", result->tee);
        claims_put_time(&verdict, "at", result->at_s);
    }
    if (result->padding != 0) claims_put_number(&verdict, "padding", (int64_t)result->padding);
    put_status(&verdict, result);
    put_advisories(&verdict, result);
    put_reason(&verdict, result);
    put_claims(&verdict, result);
    TRY(verdict.status);
    return json_write(verdict.json, text);
}
