/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying TPM 2.0 quotes (TPM Library specification part 2: TPMS_ATTEST, TPMT_SIGNATURE, TPMT_PUBLIC) and replaying
 * event logs (TCG PC Client Platform Firmware Profile). Pure. All numbers are big endian, but for event logs.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "crypto/key.h"

enum {
    TPM_PCR_COUNT = 24,
    TPM_DIGEST_MAX_BYTES = 64,
    TPM_NAME_MAX_BYTES = 2 + TPM_DIGEST_MAX_BYTES,
    TPM_EXTRA_DATA_MAX_BYTES = 2 + TPM_DIGEST_MAX_BYTES, /* TPM2B_DATA */
    TPM_ATTEST_MAX_BYTES = 1024,
    TPM_SIGNATURE_MAX_BYTES = 1024,
    TPM_PUBLIC_MAX_BYTES = 1024,
    TPM_BANK_MAX_COUNT = 16,
    TPM_QUOTED_BANK_MAX = 4, /* of one quote */
    TPM_EVENT_LOG_MAX_BYTES = 1024 * 1024,
    TPM_EVENT_MAX_COUNT = 4096,
    TPM_PCR_FILE_MAX_BYTES = 16 * 1024,
    TPM_EVIDENCE_JSON_MAX_BYTES = 1536 * 1024,
};

/* TPM_ALG_ID. */
enum tpm_hash { TPM_HASH_SHA1 = 0x0004, TPM_HASH_SHA256 = 0x000b, TPM_HASH_SHA384 = 0x000c, TPM_HASH_SHA512 = 0x000d };

/* Values of PCRs of one bank, as far as they are known. */
struct tpm_pcrs {
    enum tpm_hash hash;
    uint32_t known; /* bit i: PCR i */
    uint8_t values[TPM_PCR_COUNT][TPM_DIGEST_MAX_BYTES];
};

struct tpm_claims {
    uint8_t extra_data[TPM_EXTRA_DATA_MAX_BYTES]; /* the nonce that the quote was asked for with */
    size_t extra_data_size;
    uint8_t qualified_signer[TPM_NAME_MAX_BYTES];
    size_t qualified_signer_size;
    uint64_t clock_ms, firmware_version;
    uint32_t reset_count, restart_count;
    bool is_clock_safe;
    enum tpm_hash bank; /* of the selection; quotes over several banks at once are refused */
    uint32_t selection; /* bit i: PCR i is quoted */
    uint8_t pcr_digest[TPM_DIGEST_MAX_BYTES];
    size_t pcr_digest_size;
    struct tpm_pcrs pcrs;   /* `known` is 0 if no values were given; those known are proven by the digest */
    bool has_event_log;     /* one was given, and replaying it gives the quoted PCRs that it names */
    bool is_key_restricted; /* the attestation key's attributes were given and are restricted, sign, fixedTPM, ... */
    uint8_t key_name[TPM_NAME_MAX_BYTES]; /* of that key, from its public area; size 0 without one */
    size_t key_name_size;
    uint8_t key_thumbprint[32]; /* of the attestation key, RFC 7638 */
};

struct tpm_quote {
    struct slice attest;    /* TPMS_ATTEST or TPM2B_ATTEST, whole */
    struct slice signature; /* TPMT_SIGNATURE, or the bare RSA signature (PKCS1-v1_5, SHA-256) if `is_bare_rsa` */
    bool is_bare_rsa;
    const struct key *key;   /* the attestation key, which the caller trusts */
    struct slice key_public; /* TPMT_PUBLIC or TPM2B_PUBLIC of that key, whose attributes are then checked; or empty */
    const struct tpm_pcrs *pcrs; /* or NULL */
    struct slice event_log;      /* or empty; needs `pcrs`, and must have events of one of the quoted PCRs at least */
    struct slice nonce;          /* must be the quote's extraData, whole; empty: any, left to the caller */
    uint32_t required_selection; /* PCRs that must be quoted; no others are needed, an empty quote signs nothing: 0
                                    means "at least one" */
};

/* ERR_TPM_*, ERR_KEY_INVALID, ERR_TRAILING_BYTES, ERR_TOO_LARGE. */
enum status tpm_quote_verify(const struct tpm_quote *quote, struct refusal *why, struct tpm_claims *claims_out);

/* Whether these bytes can only be a bare RSA signature: no TPMT_SIGNATURE has 256, 384 or 512 bytes. */
bool tpm_signature_is_bare_rsa(struct slice signature);

/* An attestation key from TPM2B_PUBLIC or TPMT_PUBLIC: RSA of 2048 to 4096 bits, P-256 or P-384; restricted, sign,
 * fixedTPM, fixedParent, sensitiveDataOrigin, not decrypt. The caller frees it. ERR_TPM_MALFORMED, ERR_TPM_KEY,
 * ERR_KEY_INVALID, ERR_TRAILING_BYTES, ERR_TOO_LARGE. */
enum status tpm_public_key(struct slice area, struct refusal *why, struct key **key_out);

/* Its name (part 1, section 16): the name algorithm's identifier and the digest of the public area. Same errors. */
enum status tpm_public_name(struct slice area, struct refusal *why, uint8_t name_out[static TPM_NAME_MAX_BYTES],
                            size_t *size_out);

/* PCR values as tpm2_quote -o writes them, or all 24 digests of one bank one after the other. ERR_TPM_PCR. */
enum status tpm_pcrs_read(struct slice bytes, enum tpm_hash hash, struct refusal *why, struct tpm_pcrs *pcrs_out);

/* The same for the bank and PCRs of a quote, which is not verified here; then also as tpm2_pcrread -o writes them, the
 * quoted PCRs one after the other. ERR_TPM_PCR and those of the quote's form. */
enum status tpm_pcrs_read_quoted(struct slice bytes, struct slice attest, struct refusal *why,
                                 struct tpm_pcrs *pcrs_out);

/* Replays a log (TCG_PCR_EVENT2, or SHA-1's TCG_PCR_EVENT) into the bank; `known` are the PCRs that it names.
 * ERR_TPM_EVENT_LOG. */
enum status tpm_event_log_replay(struct slice log, enum tpm_hash bank, struct refusal *why, struct tpm_pcrs *pcrs_out);

/* A log event by event: a cursor, which borrows the bytes. What events say is not proven here: a PCR that replays to
 * what is quoted proves their digests, and a digest of their data proves the data. */
enum {
    TPM_EVENT_NO_ACTION = 3,        /* says something, measures nothing */
    TPM_EVENT_IMA = 0x14,           /* an entry of Linux' measurement list; not of the TCG's */
    TPM_EVENT_IMA_BUFFER = 0x10014, /* one of template ima-buf, whose last field holds what was measured */
};

struct tpm_event_log {
    struct slice rest;
    struct tpm_bank_size {
        uint16_t algorithm, size;
    } banks[TPM_BANK_MAX_COUNT];
    size_t bank_count, event_count;
    bool is_sha1; /* TCG_PCR_EVENT throughout */
};
struct tpm_event {
    uint32_t pcr, type; /* 0 to 23; of TPM_EVENT_NO_ACTION also 0xffffffff */
    struct slice data;
    struct slice digests[TPM_BANK_MAX_COUNT]; /* in the order of the log's banks */
};
enum status tpm_event_log_open(struct slice bytes, struct refusal *why, struct tpm_event_log *log_out);
/* `event_out` is written if there is another one. ERR_TPM_EVENT_LOG. */
enum status tpm_event_log_next(struct tpm_event_log *log, struct refusal *why, struct tpm_event *event_out,
                               bool *is_event_out);
bool tpm_event_log_has(const struct tpm_event_log *log, enum tpm_hash bank);
/* Empty if the log does not have the bank. */
struct slice tpm_event_digest(const struct tpm_event_log *log, const struct tpm_event *event, enum tpm_hash bank);

struct tpm_banks {
    struct tpm_pcrs items[TPM_QUOTED_BANK_MAX]; /* no bank twice */
    size_t count;
};

/* Writes the measurement list of Linux' IMA as a log of events (SHA-1 to SHA-512, the data of each event those of its
 * template, as kernels since 5.8 extend every bank), up to the entry behind which the last of these banks holds what it
 * is said to hold: a list goes on while a quote is taken. Appends. ERR_TPM_EVENT_LOG, ERR_TOO_LARGE; ERR_UNSUPPORTED
 * for the template "ima". */
enum status tpm_ima_log_convert(struct slice list, const struct tpm_banks *pcrs, struct refusal *why,
                                struct buffer *log);

/* ---- a whole platform: one quote over the PCRs of one bank or several, and the logs that lead there ---- */

struct tpm_platform {
    struct slice attest, signature; /* TPMS_ATTEST or TPM2B_ATTEST, TPMT_SIGNATURE */
    const struct key *key;          /* the attestation key, which the caller trusts or not */
    struct slice nonce;             /* must be the quote's extraData, whole; empty: any, left to the caller */
    const struct tpm_banks *pcrs;   /* values of all quoted PCRs; others are passed over */
    const struct slice *logs;       /* in the order in which they were measured */
    size_t log_count;
    uint32_t required; /* PCRs that must be quoted, each in one bank at least */
};

struct tpm_platform_claims {
    uint8_t extra_data[TPM_EXTRA_DATA_MAX_BYTES];
    size_t extra_data_size;
    uint64_t clock_ms, firmware_version;
    uint32_t reset_count, restart_count;
    bool is_clock_safe;
    struct tpm_banks pcrs; /* as quoted: `known` are those of the quote */
    /* PCRs that the logs explain wholly: replayed, they give what is quoted, in every quoted bank that all logs have; a
     * PCR that no log names is explained if it was never extended. Only events of such PCRs are proven. */
    uint32_t explained;
};

/* A PCR that the logs name must replay to what is quoted, or all is refused. ERR_TPM_*, ERR_TRAILING_BYTES,
 * ERR_TOO_LARGE. */
enum status tpm_platform_verify(const struct tpm_platform *platform, struct refusal *why,
                                struct tpm_platform_claims *claims_out);

/* ---- keys certified by an attestation key (TPM2_Certify) ---- */

struct tpm_certification {
    struct slice area;              /* TPMT_PUBLIC or TPM2B_PUBLIC of the key */
    struct slice attest, signature; /* TPMS_ATTEST or TPM2B_ATTEST, TPMT_SIGNATURE */
    const struct key *key;          /* the attestation key */
    struct slice nonce;             /* must be extraData, whole */
};

struct tpm_certified {
    struct key *key; /* owned */
    uint16_t name_hash;
    uint32_t attributes; /* TPMA_OBJECT: whether it may leave the TPM, sign, decrypt, ... is for the caller to weigh */
    uint8_t policy[TPM_DIGEST_MAX_BYTES];
    size_t policy_size; /* 0: none */
};
void tpm_certified_done(struct tpm_certified *certified);

/* An RSA key of 2048 to 4096 bits, or one on P-256 or P-384, with any attributes. ERR_TPM_*, ERR_KEY_INVALID,
 * ERR_TRAILING_BYTES, ERR_TOO_LARGE. The caller ends it with tpm_certified_done. */
enum status tpm_certification_verify(const struct tpm_certification *certification, struct refusal *why,
                                     struct tpm_certified *certified_out);

/* All of a TPM's evidence in one JSON text, bytes in base64url (docs/evidence.md):
 *   {"attest","signature","key": PEM,"public": TPM2B_PUBLIC,"pcrs": as tpm_pcrs_read_quoted has them,"event_log"}
 * The first two must be there. `quote` borrows from the other members, so that the whole must stay where it is; it has
 * no key: the one that the text names is in `key` (NULL: none), for the caller to trust or not. ERR_FIELD_*,
 * ERR_JSON_SYNTAX, ERR_TPM_*, ERR_KEY_INVALID, ERR_TOO_LARGE. */
struct tpm_evidence {
    struct tpm_quote quote;
    struct key *key;
    struct buffer attest, signature, key_public, event_log;
    struct tpm_pcrs pcrs;
};
enum status tpm_evidence_json(struct slice text, struct refusal *why, struct tpm_evidence *evidence_out);
void tpm_evidence_done(struct tpm_evidence *evidence);
