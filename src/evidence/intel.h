/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying Intel's evidence, SGX enclaves and TDX domains: quote and collateral in, typed claims or a refusal out.
 * Pure; follows Intel's published algorithm (SGX/TDX DCAP quote verification library).
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
    TCB_TD_RELAUNCH_ADVISED, /* TDX alone: the module was updated under the TD, which still runs on the old one's word
                              */
    TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
};
const char *tcb_status_name(enum tcb_status status); /* Intel's spelling: "UpToDate", ... */

/* Which of Intel's two kinds of trusted execution environment. */
enum intel_tee { INTEL_SGX, INTEL_TDX };
const char *intel_tee_name(enum intel_tee tee); /* "sgx" or "tdx", as in the paths of the PCS */

/* Parsed and signature-checked collateral of one platform model and one kind of TEE: opaque, immutable, shared between
 * threads, with what is known of its chains kept so that a warm verification pays only for new signatures. */
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

/* Which issue of each part it is: what never goes back for one platform. */
struct collateral_issue {
    int64_t tcb_info_evaluation, qe_identity_evaluation;      /* tcbEvaluationDataNumber */
    int64_t tcb_info_s, qe_identity_s, pck_crl_s, root_crl_s; /* issueDate, thisUpdate */
    uint8_t pck_crl_number[20], root_crl_number[20];          /* cRLNumber, big endian; zero if there is none */
};

/* What collateral is for, and until when it serves. */
struct collateral_facts {
    enum intel_tee tee;
    uint8_t fmspc[6];
    char ca[16];               /* "processor" or "platform": whose PCK CRL it holds */
    int64_t tcb_evaluation;    /* the lower of TCB info's and QE identity's, so that a minimum holds for both */
    int64_t newest_tcb_date_s; /* of the newest level in the TCB info */
    int64_t issued_s;          /* latest issue date of all parts: raises the clock's floor */
    int64_t expires_s;         /* earliest nextUpdate or notAfter of all parts */
    bool simulated;
    struct collateral_issue issue;
};
void collateral_facts(const struct collateral *collateral, struct collateral_facts *facts_out);

/* Whether every part is current: certificates, lists, TCB info, QE identity. Names the first that is not.
 * ERR_CERTIFICATE_EXPIRED, ERR_CRL_EXPIRED, ERR_COLLATERAL_EXPIRED. Verification of a quote checks it, too. */
enum status collateral_check_time(const struct collateral *collateral, int64_t now_s, struct refusal *why);

/* A quote, and what it may lack. All borrowed during the call only. */
struct intel_evidence {
    struct slice quote;
    /* PEM, for quotes that do not carry their certificates (certification data types 1 to 4): PCK certificate, its CA
     * and the root, in any order; to type 4, which has the PCK certificate, only the other two, or nothing: then those
     * of the collateral serve. Not looked at for type 5. */
    struct slice pck_chain;
};

enum { ENCRYPTED_PPID_MAX_BYTES = 384, QE_ID_BYTES = 16 };

/* What a quote needs of a collateral source, read without verifying (reference: evidence-formats sections 2, 4 and 11).
 * With certification data types 5 and 4 the PCK certificate is there and names the platform model; with 1 to 3 a source
 * finds certificate and model by the rest. */
struct quote_facts {
    enum intel_tee tee;
    uint16_t version;            /* 3 to 5 */
    unsigned certification_type; /* 1 to 5 */
    bool has_platform;           /* types 4 and 5: fmspc and ca are known */
    bool has_chain;              /* type 5: no PCK certificate needs to be fetched */
    uint8_t fmspc[6];
    char ca[16]; /* "processor" or "platform" */
    uint8_t qe_id[QE_ID_BYTES];
    /* Types 1 to 3, in the order of bytes in which a source's query wants them; pce_svn is two bytes, low first, there.
     * The PPID is in clear (16 bytes) or encrypted to Intel with RSA (256 or 384). */
    uint8_t ppid[ENCRYPTED_PPID_MAX_BYTES];
    size_t ppid_size; /* 0: types 4 and 5 */
    uint8_t cpu_svn[16], pce_id[2];
    uint16_t pce_svn;
};

/* ERR_QUOTE_*, ERR_TRAILING_BYTES, ERR_TOO_LARGE; types 4 and 5 also ERR_CHAIN, ERR_CERTIFICATE_MALFORMED. */
enum status quote_facts_read(struct slice quote, struct refusal *why, struct quote_facts *facts_out);

/* What a quote brings to find its PCK certificate by, unread: the same bytes in all quotes of a machine until it is
 * certified anew, so that what quote_facts_read made of them can be kept. Costs next to nothing, where that reads
 * certificates. Errors as of quote_facts_read, but for the certificates'. */
enum status quote_certification(struct slice quote, struct refusal *why, enum intel_tee *tee_out,
                                struct slice *certification_out);

/* Some stacks hand quotes out in a larger buffer. Cuts `wire` to the length that its own fields give; what follows must
 * be zeros: ERR_TRAILING_BYTES. For callers that were told to accept that. */
enum status quote_without_padding(struct slice wire, struct refusal *why, struct slice *quote_out);

/* What is known of the Intel platform that signed, the same for SGX and TDX. */
struct intel_platform {
    bool simulated; /* the chain ends at a simulated root */
    enum tcb_status tcb_status;
    int64_t tcb_date_s;          /* of the platform's TCB level */
    int64_t newest_tcb_date_s;   /* of the newest level in the TCB info: when a recovery asked more of platforms */
    int64_t tcb_evaluation;      /* the lower of TCB info's and QE identity's, so that a minimum holds for both */
    int64_t collateral_issued_s; /* the earlier issue date of TCB info and QE identity: how old the judgement is */
    char advisories[ADVISORY_MAX_COUNT][ADVISORY_MAX_BYTES + 1];
    size_t advisory_count; /* of all levels that the status comes from, sorted, each once */
    uint8_t fmspc[6], pce_id[2], ppid[16];
    uint8_t components[16]; /* SVNs of the PCK certificate */
    uint16_t pce_svn, qe_svn;
    bool has_instance; /* what follows stands only in certificates of the Platform CA */
    uint8_t instance_id[16];
    bool is_dynamic, has_cached_keys, smt_enabled;
    int64_t expires_s; /* earliest end of validity of all that the verdict rests on */
    /* x-ms-sgx-collateral: SHA-256 of each part as it was given. Both CRL hashes are the root CA's list, which speaks
     * for the certificate that signs TCB info and QE identity. */
    uint8_t quote_hash[32], qe_identity_hash[32], qe_identity_certificates_hash[32], qe_identity_crl_hash[32],
        tcb_info_hash[32], tcb_info_certificates_hash[32], tcb_info_crl_hash[32];
};

struct sgx_claims {
    struct intel_platform platform;
    bool debug;
    uint64_t attribute_flags, attribute_xfrm;
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, svn, config_svn;
    uint8_t config_id[64], extended_product_id[16], family_id[16];
    bool has_kss;
    uint8_t report_data[64];
};

/* TDATTRIBUTES, of the little-endian number. */
#define TD_ATTRIBUTE_DEBUG (UINT64_C(1) << 0)
#define TD_ATTRIBUTE_SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define TD_ATTRIBUTE_MIGRATABLE (UINT64_C(1) << 29)
#define TD_ATTRIBUTE_PROTECTION_KEYS (UINT64_C(1) << 30)
#define TD_ATTRIBUTE_KEY_LOCKER (UINT64_C(1) << 31)
#define TD_ATTRIBUTE_PERFMON (UINT64_C(1) << 63)

enum { TD_RTMR_COUNT = 4, TD_MEASUREMENT_BYTES = 48 };

struct tdx_claims {
    struct intel_platform platform;
    bool debug;   /* any of the TUD group, bits 0 to 7 of the attributes */
    bool is_td15; /* a body of version 1.5: tee_tcb_svn2 and mrservicetd are there */
    uint8_t tee_tcb_svn[16], tee_tcb_svn2[16];
    uint8_t mrseam[48], mrsignerseam[48], mrtd[48], mrconfigid[48], mrowner[48], mrownerconfig[48], mrservicetd[48];
    uint8_t rtmr[TD_RTMR_COUNT][TD_MEASUREMENT_BYTES];
    uint8_t seam_attributes[8], td_attributes[8], xfam[8]; /* in the quote's order */
    uint64_t attributes;                                   /* td_attributes as a number */
    uint8_t report_data[64];
};

/* Keeps between calls, by digest, verified PCK chains, and attestation keys for which a quoting enclave's report with a
 * PCK key's signature vouches (all quotes of one key carry the same report); thread-safe. NULL is allowed: everything
 * is then verified anew. Only what was found good is kept, and under the digest of every byte that decided it, so that
 * a changed byte is verified anew; dates, revocation, the root, the quoting enclave's identity and what its report
 * binds are checked again on every use, and the quote's own signature always. Of more than `max_count` chains, and of
 * as many keys, the ones used longest ago go first. A quote of a known attestation key costs one P-256 verification, of
 * a known chain two, a new one three. ERR_NO_MEMORY. */
struct verification_cache;
enum status verification_cache_new(size_t max_count, struct verification_cache **cache_out);
void verification_cache_free(struct verification_cache *cache);

/* The full verification of an ECDSA quote (SGX: versions 3 to 5, TDX: versions 4 and 5 with TD reports 1.0 and 1.5) at
 * `now_s`, in the order and with the merges of Intel's library. Genuine debug enclaves and TDs are OK, with `debug`
 * set: whether to accept them is appraisal's business. `roots` NULL stands for Intel's root alone. Errors: all ERR_* of
 * the evidence block, ERR_TRAILING_BYTES, ERR_TOO_LARGE, ERR_KEY_INVALID, ERR_CERTIFICATE_MALFORMED; ERR_UNSUPPORTED
 * for a quote without certificates to which none were given; ERR_QUOTE_UNSUPPORTED for a quote of the other kind of
 * TEE. */
enum status sgx_quote_verify(const struct intel_evidence *evidence, const struct collateral *collateral,
                             const struct trust_roots *roots, int64_t now_s, struct verification_cache *cache,
                             struct refusal *why, struct sgx_claims *claims_out);
enum status tdx_quote_verify(const struct intel_evidence *evidence, const struct collateral *collateral,
                             const struct trust_roots *roots, int64_t now_s, struct verification_cache *cache,
                             struct refusal *why, struct tdx_claims *claims_out);

/* What a PCK certificate is for, without a quote: for whoever fetches and keeps it. */
struct pck_facts {
    uint8_t fmspc[6], pce_id[2];
    uint16_t pce_svn;
    char ca[16]; /* "processor" or "platform" */
    int64_t expires_s;
};

/* PEM of PCK certificate, its CA and the root, up to an accepted root and with its dates at `now_s`. Revocation needs
 * collateral, and is looked at with each quote. ERR_CHAIN, ERR_CERTIFICATE_*, ERR_KEY_INVALID, ERR_TOO_LARGE. */
enum status pck_certificate_verify(struct slice chain, const struct trust_roots *roots, int64_t now_s,
                                   struct refusal *why, struct pck_facts *facts_out);

/* ---- Open Enclave ---- */

/* What Open Enclave wraps quotes in (openenclave include/openenclave/internal/report.h and plugin.h): reports, with
 * `oe_report_header`, and evidence of its attestation plug-ins, with `oe_attestation_header` and a format's UUID. */
enum oe_form {
    OE_BARE_QUOTE,
    OE_REPORT,
    OE_EVIDENCE_SGX_ECDSA,     /* quote and custom claims */
    OE_EVIDENCE_LEGACY_REPORT, /* a report once more inside */
    OE_EVIDENCE_SGX_QUOTE,
    OE_EVIDENCE_TDX_QUOTE,
};

/* Slices borrow from the evidence. */
struct oe_evidence {
    enum oe_form form;
    enum intel_tee tee;
    struct slice quote;
    bool has_claims; /* OE_EVIDENCE_SGX_ECDSA alone: report data must bind the claims, even if there are none */
    struct slice claims;
};

/* Unwraps. ERR_QUOTE_MALFORMED, ERR_TRAILING_BYTES, ERR_TOO_LARGE; ERR_QUOTE_UNSUPPORTED for what only its own machine
 * can check and for formats that are no ECDSA quotes, named. A bare quote passes unread. */
enum status oe_evidence_open(struct slice bytes, struct refusal *why, struct oe_evidence *evidence_out);

/* Whether a verified report holds SHA-256 of the custom claims and 32 zeros: ERR_REPORT_DATA. OK without claims. */
enum status oe_claims_check(const struct oe_evidence *evidence, const uint8_t report_data[static 64],
                            struct refusal *why);

/* Whether the bytes begin like an Open Enclave report or evidence and not like a bare quote. */
bool oe_evidence_is_wrapped(struct slice bytes);

/* What TCB levels are matched with: all that is needed of a platform, once attested, to judge it again under other
 * collateral. */
struct tcb_numbers {
    enum intel_tee tee;
    uint8_t fmspc[6], pce_id[2], components[16];
    uint16_t pce_svn, qe_svn;
    bool is_td15; /* this and what follows: TDX alone, else zero */
    uint8_t tee_tcb_svn[16], tee_tcb_svn2[16];
};
struct tcb_numbers tcb_numbers_of_enclave(const struct sgx_claims *claims);
struct tcb_numbers tcb_numbers_of_domain(const struct tdx_claims *claims);

/* Judges a platform as verification judges a quote with these numbers, under collateral of its model: status, dates,
 * evaluation number and advisories of `platform_out`, and the numbers. What only a quote can show is not looked at
 * (signatures, identities, revocation of the PCK certificate), nor is the time. ERR_COLLATERAL_MISMATCH,
 * ERR_TCB_NOT_SUPPORTED, ERR_TCB_REVOKED, ERR_TDX_MODULE, ERR_COLLATERAL_MALFORMED. */
enum status intel_tcb_judge(const struct tcb_numbers *numbers, const struct collateral *collateral, struct refusal *why,
                            struct intel_platform *platform_out);
