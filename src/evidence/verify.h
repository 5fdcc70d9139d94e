/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying evidence of every kind by one interface: what a caller who does not care which hardware it is uses. Each
 * kind has its own header with the whole story: intel.h (SGX, Open Enclave, TDX), amd.h (SEV-SNP), tpm.h, azure.h.
 */
#pragma once

#include "evidence/azure.h"

enum evidence_kind {
    EVIDENCE_SGX,
    EVIDENCE_OPEN_ENCLAVE,
    EVIDENCE_TDX,
    EVIDENCE_SNP,
    EVIDENCE_AZURE_VTPM,
    EVIDENCE_TPM,
};
const char *evidence_kind_name(enum evidence_kind kind); /* "sgx", "oe", "tdx", "snp", "azure-vtpm", "tpm" */
bool evidence_kind_from_name(const char *name, enum evidence_kind *kind_out);

struct evidence {
    enum evidence_kind kind;
    struct slice bytes; /* quote, report or Open Enclave evidence; unused for the last two kinds */
    /* SGX, Open Enclave, TDX, SNP: report data must be its SHA-256 and 32 zeros. Azure: it must be the HCL report's.
     * TPM: the quote must be over its SHA-256. Not compared unless `has_runtime_data`. */
    struct slice runtime_data;
    bool has_runtime_data;
    struct slice pck_chain;               /* PEM; for quotes that carry no certificates; otherwise empty */
    const struct collateral *collateral;  /* Intel's, also for Azure; borrowed; NULL where there is none */
    struct snp_endorsements endorsements; /* AMD's, also for Azure */
    struct azure_evidence azure; /* its collateral, endorsements, roots and caches are not looked at: see above */
    struct tpm_quote tpm;
};

/* What verification keeps between calls. Any may be NULL. */
struct evidence_caches {
    struct verification_cache *intel;
    struct snp_cache *snp;
};

struct evidence_claims {
    enum evidence_kind kind;
    struct sgx_claims sgx; /* EVIDENCE_SGX, EVIDENCE_OPEN_ENCLAVE */
    struct tdx_claims tdx; /* EVIDENCE_TDX */
    struct snp_claims snp; /* EVIDENCE_SNP */
    struct azure_claims azure;
    struct tpm_claims tpm; /* EVIDENCE_TPM */
};

/* `roots` NULL stands for Intel's root alone, `caches` NULL for none. `claims_out` is of the evidence's kind, but
 * EVIDENCE_TDX for Open Enclave evidence of a TD. Errors: those of the kind's own function; ERR_COLLATERAL_MISSING for
 * Intel's without collateral; ERR_REPORT_DATA if runtime data is bound otherwise; ERR_UNSUPPORTED for no kind. */
enum status evidence_verify(const struct evidence *evidence, const struct trust_roots *roots, int64_t now_s,
                            const struct evidence_caches *caches, struct refusal *why,
                            struct evidence_claims *claims_out);

/* The platform's part of the claims, NULL for kinds without one (SNP, TPM, Azure on SNP). Borrowed. */
const struct intel_platform *evidence_intel_platform(const struct evidence_claims *claims);
int64_t evidence_expires_s(const struct evidence_claims *claims); /* INT64_MAX for a TPM: its key is trusted as given */
bool evidence_is_debug(const struct evidence_claims *claims);
