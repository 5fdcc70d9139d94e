/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/appraisal/sections.h"

#include <stdlib.h>

struct appraisal_policy {
    struct buffer values; /* of all rules */
    bool has_intel, has_sgx, has_tdx, has_snp, has_azure, has_tpm;
    struct intel_rules intel;
    struct sgx_rules sgx;
    struct tdx_rules tdx;
    struct snp_rules snp;
    struct azure_rules azure;
    struct tpm_rules tpm;
};

void appraisal_policy_free(struct appraisal_policy *policy)
{
    if (policy == NULL) return;
    buffer_done(&policy->values);
    free(policy);
}

void appraisal_policy_cleanup(struct appraisal_policy **policy)
{
    appraisal_policy_free(*policy);
    *policy = NULL;
}

/* ---- reading ---- */

static struct section_source source_of(const json_t *json, const char *name, struct appraisal_policy *policy,
                                       struct refusal *why, bool *is_given_out)
{
    const struct section_source source = {
        .json = json_object_get(json, name), .path = name, .values = &policy->values, .why = why};
    *is_given_out = source.json != NULL;
    return source;
}

/* One line for each section; the order is that of the refusals. */
static enum status read_sections(const json_t *json, struct refusal *why, struct appraisal_policy *policy)
{
    const struct section_source intel = source_of(json, "intel", policy, why, &policy->has_intel);
    const struct section_source sgx = source_of(json, "sgx", policy, why, &policy->has_sgx);
    const struct section_source tdx = source_of(json, "tdx", policy, why, &policy->has_tdx);
    const struct section_source snp = source_of(json, "snp", policy, why, &policy->has_snp);
    const struct section_source azure = source_of(json, "azure-vtpm", policy, why, &policy->has_azure);
    const struct section_source tpm = source_of(json, "tpm", policy, why, &policy->has_tpm);
    if (policy->has_intel) TRY(intel_rules_read(&intel, &policy->intel));
    if (policy->has_sgx) TRY(sgx_rules_read(&sgx, &policy->sgx));
    if (policy->has_tdx) TRY(tdx_rules_read(&tdx, &policy->tdx));
    if (policy->has_snp) TRY(snp_rules_read(&snp, &policy->snp));
    if (policy->has_azure) TRY(azure_rules_read(&azure, &policy->azure));
    if (policy->has_tpm) TRY(tpm_section_read(&tpm, &policy->tpm));
    return OK;
}

/* A section that nothing refers to is a mistake, as one that is missing is. */
static enum status check_sections(const struct appraisal_policy *policy, struct refusal *why)
{
    const bool needs_intel = policy->has_sgx || policy->has_tdx || policy->azure.has_tdx;
    if (!needs_intel && !policy->has_snp && !policy->has_azure && !policy->has_tpm)
        return refuse(why, ERR_FIELD_MISSING, "policy", "sgx, tdx, snp, azure-vtpm or tpm", "none of them");
    if (needs_intel && !policy->has_intel)
        return refuse(why, ERR_FIELD_MISSING, "intel", "rules over the platform below SGX and TDX", "nothing");
    if (!needs_intel && policy->has_intel)
        return refuse(why, ERR_FIELD_VALUE, "intel", "sgx or tdx, whose platform it is about", "neither");
    return OK;
}

static enum status read_policy(struct slice text, struct refusal *why, struct appraisal_policy *policy)
{
    static const char *const names[] = {"version", "intel", "sgx", "tdx", "snp", "azure-vtpm", "tpm", NULL};
    CLEANUP(json_done) json_t *json = NULL;
    int64_t version;
    TRY(json_parse(text, APPRAISAL_POLICY_MAX_BYTES, why, &json));
    if (!json_is_object(json)) return refuse(why, ERR_FIELD_TYPE, "policy", "an object", "another type");
    TRY(json_only(json, "", names, why));
    TRY(json_get_integer(json, "", "version", 1, 1, why, &version));
    TRY(read_sections(json, why, policy));
    return check_sections(policy, why);
}

enum status appraisal_policy_new(struct slice text, struct refusal *why, struct appraisal_policy **policy_out)
{
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL) return ERR_NO_MEMORY;
    policy->values = buffer_of_maximum(APPRAISAL_POLICY_MAX_BYTES);
    TRY(refuse_as(why, read_policy(text, why, policy), ERR_APPRAISAL_POLICY));
    *policy_out = policy;
    policy = NULL;
    return OK;
}

/* ---- checking ---- */

static struct appraisal appraisal_of(const struct appraisal_policy *policy, const char *path, int64_t now_s,
                                     struct refusal *why)
{
    return (struct appraisal){.values = buffer_slice(&policy->values), .path = path, .now_s = now_s, .why = why};
}

static enum status refuse_kind(const char *kind, struct refusal *why)
{
    (void)!refuse(why, ERR_APPRAISAL, "kind", "a kind of evidence that the policy has rules for", "%s", kind);
    return refuse_fix(why, ERR_APPRAISAL, "add a section for this kind to the policy");
}

static enum status check_sgx(const struct appraisal_policy *policy, const struct sgx_claims *claims, int64_t now_s,
                             struct refusal *why)
{
    const struct appraisal platform = appraisal_of(policy, "intel", now_s, why);
    const struct appraisal enclave = appraisal_of(policy, "sgx", now_s, why);
    if (!policy->has_sgx) return refuse_kind("sgx", why);
    TRY(intel_rules_check(&policy->intel, &platform, &claims->platform));
    return sgx_rules_check(&policy->sgx, &enclave, claims);
}

static enum status check_tdx(const struct appraisal_policy *policy, const struct tdx_claims *claims, int64_t now_s,
                             struct refusal *why)
{
    const struct appraisal platform = appraisal_of(policy, "intel", now_s, why);
    const struct appraisal domain = appraisal_of(policy, "tdx", now_s, why);
    if (!policy->has_tdx) return refuse_kind("tdx", why);
    TRY(intel_rules_check(&policy->intel, &platform, &claims->platform));
    return tdx_rules_check(&policy->tdx, &domain, claims);
}

enum status appraisal_check(const struct appraisal_policy *policy, const struct evidence_claims *claims, int64_t now_s,
                            struct refusal *why)
{
    const struct appraisal snp = appraisal_of(policy, "snp", now_s, why);
    const struct appraisal azure = appraisal_of(policy, "azure-vtpm", now_s, why);
    const struct appraisal tpm = appraisal_of(policy, "tpm", now_s, why);
    switch (claims->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE: return check_sgx(policy, &claims->sgx, now_s, why);
    case EVIDENCE_TDX: return check_tdx(policy, &claims->tdx, now_s, why);
    case EVIDENCE_SNP:
        return policy->has_snp ? snp_rules_check(&policy->snp, &snp, &claims->snp) : refuse_kind("snp", why);
    case EVIDENCE_AZURE_VTPM:
        return policy->has_azure ? azure_rules_check(&policy->azure, &policy->intel, &azure, &claims->azure)
                                 : refuse_kind("azure-vtpm", why);
    case EVIDENCE_TPM:
        return policy->has_tpm ? tpm_rules_check(&policy->tpm, &tpm, &claims->tpm) : refuse_kind("tpm", why);
    }
    return refuse_kind("another", why);
}

enum status appraisal_check_tcb(const struct appraisal_policy *policy, const struct intel_platform *platform,
                                int64_t now_s, struct refusal *why)
{
    const struct appraisal appraisal = appraisal_of(policy, "intel", now_s, why);
    return policy->has_intel ? intel_rules_check_tcb(&policy->intel, &appraisal, platform)
                             : refuse_kind("sgx or tdx", why);
}
