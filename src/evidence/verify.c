/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/verify.h"

#include "crypto/hash.h"

#include <string.h>

static const char *const kind_names[] = {
    [EVIDENCE_SGX] = "sgx", [EVIDENCE_OPEN_ENCLAVE] = "oe",       [EVIDENCE_TDX] = "tdx",
    [EVIDENCE_SNP] = "snp", [EVIDENCE_AZURE_VTPM] = "azure-vtpm", [EVIDENCE_TPM] = "tpm",
};
enum { KIND_COUNT = sizeof(kind_names) / sizeof(kind_names[0]) };

const char *evidence_kind_name(enum evidence_kind kind)
{
    return kind_names[kind];
}

bool evidence_kind_from_name(const char *name, enum evidence_kind *kind_out)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(name, kind_names[i]) != 0) continue;
        *kind_out = (enum evidence_kind)i;
        return true;
    }
    return false;
}

/* ---- one kind each ---- */

static enum status need_collateral(const struct evidence *evidence, struct refusal *why)
{
    if (evidence->collateral != NULL) return OK;
    (void)refuse(why, ERR_COLLATERAL_MISSING, "collateral", "Intel's collateral for this platform", "nothing");
    return refuse_fix(why, ERR_COLLATERAL_MISSING, "fetch the collateral of this platform and give it");
}

static enum status verify_sgx(const struct evidence *evidence, struct slice quote, const struct trust_roots *roots,
                              int64_t now_s, const struct evidence_caches *caches, struct refusal *why,
                              struct evidence_claims *claims)
{
    const struct intel_evidence given = {.quote = quote, .pck_chain = evidence->pck_chain};
    TRY(need_collateral(evidence, why));
    return sgx_quote_verify(&given, evidence->collateral, roots, now_s, caches->intel, why, &claims->sgx);
}

static enum status verify_tdx(const struct evidence *evidence, struct slice quote, const struct trust_roots *roots,
                              int64_t now_s, const struct evidence_caches *caches, struct refusal *why,
                              struct evidence_claims *claims)
{
    const struct intel_evidence given = {.quote = quote, .pck_chain = evidence->pck_chain};
    TRY(need_collateral(evidence, why));
    return tdx_quote_verify(&given, evidence->collateral, roots, now_s, caches->intel, why, &claims->tdx);
}

/* Open Enclave hands its evidence out with headers and without, and knows TDX too. */
static enum status verify_open_enclave(const struct evidence *evidence, const struct trust_roots *roots, int64_t now_s,
                                       const struct evidence_caches *caches, struct refusal *why,
                                       struct evidence_claims *claims)
{
    struct oe_evidence opened;
    TRY(oe_evidence_open(evidence->bytes, why, &opened));
    if (opened.tee == INTEL_TDX) {
        claims->kind = EVIDENCE_TDX;
        return verify_tdx(evidence, opened.quote, roots, now_s, caches, why, claims);
    }
    TRY(verify_sgx(evidence, opened.quote, roots, now_s, caches, why, claims));
    return oe_claims_check(&opened, claims->sgx.report_data, why);
}

/* What all kinds share is given beside the kind's own part. */
static enum status verify_azure(const struct evidence *evidence, const struct trust_roots *roots, int64_t now_s,
                                const struct evidence_caches *caches, struct refusal *why, struct azure_claims *claims)
{
    struct azure_evidence azure = evidence->azure;
    azure.collateral = evidence->collateral;
    azure.endorsements = evidence->endorsements;
    azure.roots = roots;
    azure.cache = caches->intel;
    azure.snp_cache = caches->snp;
    return azure_vtpm_verify(&azure, now_s, why, claims);
}

static enum status verify_kind(const struct evidence *evidence, const struct trust_roots *roots, int64_t now_s,
                               const struct evidence_caches *caches, struct refusal *why,
                               struct evidence_claims *claims)
{
    switch (evidence->kind) {
    case EVIDENCE_SGX: return verify_sgx(evidence, evidence->bytes, roots, now_s, caches, why, claims);
    case EVIDENCE_OPEN_ENCLAVE: return verify_open_enclave(evidence, roots, now_s, caches, why, claims);
    case EVIDENCE_TDX: return verify_tdx(evidence, evidence->bytes, roots, now_s, caches, why, claims);
    case EVIDENCE_SNP:
        return snp_report_verify(evidence->bytes, &evidence->endorsements, now_s, caches->snp, why, &claims->snp);
    case EVIDENCE_AZURE_VTPM: return verify_azure(evidence, roots, now_s, caches, why, &claims->azure);
    case EVIDENCE_TPM: return tpm_quote_verify(&evidence->tpm, why, &claims->tpm);
    }
    return refuse(why, ERR_UNSUPPORTED, "kind", "one of enum evidence_kind", "another number");
}

/* ---- runtime data ---- */

/* What the evidence binds of its maker's choosing. */
static struct slice report_data_of(const struct evidence_claims *claims)
{
    switch (claims->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE: return SLICE_ARRAY(claims->sgx.report_data);
    case EVIDENCE_TDX: return SLICE_ARRAY(claims->tdx.report_data);
    case EVIDENCE_SNP: return SLICE_ARRAY(claims->snp.report_data);
    case EVIDENCE_AZURE_VTPM: return SLICE_ARRAY(claims->azure.runtime_data_hash);
    case EVIDENCE_TPM: return slice_of(claims->tpm.extra_data, claims->tpm.extra_data_size);
    }
    return (struct slice){};
}

static const char *binding_field(enum evidence_kind kind)
{
    if (kind == EVIDENCE_AZURE_VTPM) return "hcl_report.runtime_data";
    return kind == EVIDENCE_TPM ? "attest.extraData" : "report_data";
}

/* Hardware's report data hold SHA-256 of the data and 32 zeros, and every byte counts: who looks at the first half
 * alone accepts what another program bound in the second. The host of an Azure machine has bound its data, which
 * verification has hashed; a TPM signs as many bytes as it is given. */
static enum status check_runtime_data(const struct evidence *evidence, const struct evidence_claims *claims,
                                      struct refusal *why)
{
    if (!evidence->has_runtime_data) return OK;
    const bool is_digest = evidence->kind == EVIDENCE_AZURE_VTPM || evidence->kind == EVIDENCE_TPM;
    uint8_t expected[64] = {};
    TRY(sha256(evidence->runtime_data, expected));
    const struct slice binding = slice_of(expected, is_digest ? SHA256_BYTES : sizeof(expected));
    const struct slice seen = report_data_of(claims);
    if (slice_equal(seen, binding)) return OK;
    (void)refuse(why, ERR_REPORT_DATA, binding_field(evidence->kind), refusal_hex(binding).text, "%s",
                 refusal_hex(seen).text);
    return refuse_fix(why, ERR_REPORT_DATA, "give the very bytes that the evidence was made for");
}

enum status evidence_verify(const struct evidence *evidence, const struct trust_roots *roots, int64_t now_s,
                            const struct evidence_caches *caches, struct refusal *why,
                            struct evidence_claims *claims_out)
{
    static const struct evidence_caches no_caches = {};
    struct evidence_claims claims = {.kind = evidence->kind};
    TRY(verify_kind(evidence, roots, now_s, caches != NULL ? caches : &no_caches, why, &claims));
    TRY(check_runtime_data(evidence, &claims, why));
    *claims_out = claims;
    return OK;
}

/* ---- what the claims of each kind have in common ---- */

const struct intel_platform *evidence_intel_platform(const struct evidence_claims *claims)
{
    switch (claims->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE: return &claims->sgx.platform;
    case EVIDENCE_TDX: return &claims->tdx.platform;
    case EVIDENCE_AZURE_VTPM: return claims->azure.isolation == AZURE_TDX ? &claims->azure.tdx.platform : NULL;
    case EVIDENCE_SNP:
    case EVIDENCE_TPM: break;
    }
    return NULL;
}

int64_t evidence_expires_s(const struct evidence_claims *claims)
{
    switch (claims->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE: return claims->sgx.platform.expires_s;
    case EVIDENCE_TDX: return claims->tdx.platform.expires_s;
    case EVIDENCE_SNP: return claims->snp.expires_s;
    case EVIDENCE_AZURE_VTPM: return claims->azure.expires_s;
    case EVIDENCE_TPM: break;
    }
    return INT64_MAX;
}

bool evidence_is_debug(const struct evidence_claims *claims)
{
    switch (claims->kind) {
    case EVIDENCE_SGX:
    case EVIDENCE_OPEN_ENCLAVE: return claims->sgx.debug;
    case EVIDENCE_TDX: return claims->tdx.debug;
    case EVIDENCE_SNP: return claims->snp.debug;
    case EVIDENCE_AZURE_VTPM:
        return claims->azure.isolation == AZURE_TDX ? claims->azure.tdx.debug : claims->azure.snp.debug;
    case EVIDENCE_TPM: break;
    }
    return false;
}
