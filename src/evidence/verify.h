/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying evidence: bytes and collateral in, typed claims or a refusal out. Pure; follows Intel's published algorithm
 * (reference: evidence-formats section 10). This header is what the rest of Lazaret sees of src/evidence.
 */
#pragma once

#include "base/refusal.h"
#include "base/slice.h"
#include "crypto/key.h"

enum {
    QUOTE_MAX_BYTES = 64 * 1024,
    ADVISORY_MAX_COUNT = 64,
    ADVISORY_MAX_BYTES = 32,
    TCB_INFO_MAX_BYTES = 512 * 1024,
    QE_IDENTITY_MAX_BYTES = 64 * 1024,
};

/* Statuses of genuine evidence, which appraisal weighs. Terminal ones (revoked, not supported) are errors instead, so
 * that nobody can pass over them. */
enum tcb_status {
    TCB_UP_TO_DATE,
    TCB_SW_HARDENING_NEEDED,
    TCB_CONFIGURATION_NEEDED,
    TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
    TCB_OUT_OF_DATE,
    TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
};
const char *tcb_status_name(enum tcb_status status); /* Intel's spelling: "UpToDate", ... */

/* Parsed and signature-checked collateral of one platform model: opaque, immutable, shared between threads, with what
 * is known of its chains kept so that a warm verification pays only for new signatures. */
struct collateral;

/* The texts as PCS serves them. Chains are PEM, CRLs DER or PEM. All borrowed during the call only. */
struct collateral_texts {
    struct slice tcb_info; /* {"tcbInfo":{...},"signature":"..."} */
    struct slice tcb_info_issuer_chain;
    struct slice qe_identity; /* {"enclaveIdentity":{...},"signature":"..."} */
    struct slice qe_identity_issuer_chain;
    struct slice pck_crl;
    struct slice pck_crl_issuer_chain;
    struct slice root_ca_crl;
};

/* Pinned roots. Intel's is always in; simulated ones only in a simulation build and by the manifest's word. */
struct trust_roots {
    const struct key *const *simulated; /* borrowed */
    size_t simulated_count;
    bool simulated_only; /* Intel's root is not accepted: for tests of the rule that the two never mix */
};

/* Checks form, chains, signatures and revocation: everything that does not depend on time or quote. All chains must end
 * at one and the same root. `roots` NULL stands for Intel's root alone. Errors: ERR_COLLATERAL_*, ERR_CRL_*, ERR_CHAIN,
 * ERR_CERTIFICATE_MALFORMED, ERR_CERTIFICATE_REVOKED. The caller frees with collateral_free. */
enum status collateral_new(const struct collateral_texts *texts, const struct trust_roots *roots, struct refusal *why,
                           struct collateral **collateral_out);
struct collateral *collateral_share(const struct collateral *collateral); /* another owner */
void collateral_free(struct collateral *collateral);
void collateral_cleanup(struct collateral **collateral);

/* FMSPC that the TCB info is for, its evaluation number, and the earliest nextUpdate of all parts. */
struct collateral_facts {
    uint8_t fmspc[6];
    char ca[16]; /* "processor" or "platform": whose PCK CRL it holds */
    int64_t tcb_evaluation;
    int64_t issued_s; /* latest issue date of all parts: raises the clock's floor */
    int64_t expires_s;
    bool simulated;
};
void collateral_facts(const struct collateral *collateral, struct collateral_facts *facts_out);

/* What a quote needs, read without verifying: FMSPC and CA of the PCK certificate in it. ERR_QUOTE_*. */
enum status quote_platform(struct slice quote, struct refusal *why, uint8_t fmspc_out[static 6],
                           char ca_out[static 16]);

struct sgx_claims {
    bool simulated; /* the chain ends at a simulated root */
    bool debug;
    uint64_t attribute_flags, attribute_xfrm;
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, svn, config_svn;
    uint8_t config_id[64], extended_product_id[16], family_id[16];
    bool has_kss;
    uint8_t report_data[64];
    enum tcb_status tcb_status;
    int64_t tcb_date_s;     /* of the platform's TCB level */
    int64_t tcb_evaluation; /* the lower of TCB info's and QE identity's, so that a minimum holds for both */
    char advisories[ADVISORY_MAX_COUNT][ADVISORY_MAX_BYTES + 1];
    size_t advisory_count; /* of the platform's and the quoting enclave's levels, sorted, each once */
    uint8_t fmspc[6];
    int64_t expires_s; /* earliest end of validity of all that the verdict rests on */
    /* x-ms-sgx-collateral: SHA-256 of each part as it was given. Both CRL hashes are the root CA's list, which speaks
     * for the certificate that signs TCB info and QE identity. */
    uint8_t quote_hash[32], qe_identity_hash[32], qe_identity_certificates_hash[32], qe_identity_crl_hash[32],
        tcb_info_hash[32], tcb_info_certificates_hash[32], tcb_info_crl_hash[32];
};

/* Keeps verified PCK chains by digest between calls; thread-safe. NULL is allowed: everything is then verified anew.
 * Dates, revocation and the root are checked again on every use. Of more than `max_count` chains the ones used longest
 * ago go first. A known chain costs two P-256 verifications, a new one three. ERR_NO_MEMORY. */
struct verification_cache;
enum status verification_cache_new(size_t max_count, struct verification_cache **cache_out);
void verification_cache_free(struct verification_cache *cache);

/* The full verification of an SGX ECDSA quote (version 3, with its PCK chain inside) at `now_s`. Genuine debug enclaves
 * are OK, with `debug` set: whether to accept them is appraisal's business. `roots` NULL stands for Intel's root alone.
 * Errors: all ERR_* of the evidence block, ERR_TRAILING_BYTES, ERR_TOO_LARGE, ERR_KEY_INVALID,
 * ERR_CERTIFICATE_MALFORMED; ERR_UNSUPPORTED for a quote that carries no certificates. */
enum status sgx_quote_verify(struct slice quote, const struct collateral *collateral, const struct trust_roots *roots,
                             int64_t now_s, struct verification_cache *cache, struct refusal *why,
                             struct sgx_claims *claims_out);

/* The SGX quote inside an Open Enclave report (16-byte header, remote type); borrowed. ERR_QUOTE_MALFORMED,
 * ERR_TRAILING_BYTES, ERR_QUOTE_UNSUPPORTED (a local report, or evidence in another wrapper). */
enum status oe_report_quote(struct slice report, struct refusal *why, struct slice *quote_out);

/* Whether the bytes begin like an Open Enclave report and not like a bare quote. */
bool oe_report_is_likely(struct slice bytes);
