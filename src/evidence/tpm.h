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
