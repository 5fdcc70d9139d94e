/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /attest/Tpm: the two messages of a TPM and of a VBS enclave behind one (reference: azure-attestation section 1.8
 * and the published protocol "virtualization-based security"; docs/tpm-attestation.md says what each claim rests on).
 * Pure: time, roots and keys are passed in.
 *
 *     {"data": base64url({"payload": {"type": "aikcert"}})}
 *         -> {"data": base64url({"payload": {"challenge": ..., "service_context": ...}})}
 *     {"data": base64url({"payload": {"request": JWS}})}
 *         -> {"data": base64url({"payload": {"report": JWT}})}
 *
 * Who calls what:
 *   - A parser: tpm_message_kind. An init message ends there: the service asks the signers for a challenge and answers
 *     with tpm_write_challenge. A request goes on to appraise().
 *   - Parser and signer in appraise(): tpm_rules_of_policy behind policy_configure, tpm_report_verify,
 * tpm_report_claims; in appraised_payload(): tpm_report_token, tpm_report_life.
 *   - A signer: tpm_challenge_make and tpm_challenge_check with a key that no parser has; tpm_report_omits_certificate
 *     for the token's header (x5c, or x5t).
 *   - The service: tpm_write_report around the token. Without a stored policy for Tpm both messages are answered with
 *     400, code TPM_NO_POLICY_CODE and TPM_NO_POLICY_TEXT, before anything is read.
 */
#pragma once

#include "base/json.h"
#include "base/refusal.h"
#include "crypto/x509.h"
#include "evidence/tpm.h"
#include "policy/claims.h"

#define TPM_NO_POLICY_CODE "Bad request"
#define TPM_NO_POLICY_TEXT "A policy for attestation type Tpm has not been set: VBS policy is not set."

enum {
    TPM_REQUEST_MAX_BYTES = 512 * 1024, /* the JWS */
    TPM_ROOT_MAX_COUNT = 64,
    TPM_ROOTS_MAX_BYTES = 512 * 1024,
    TPM_CHALLENGE_BYTES = 32,
    TPM_CHALLENGE_KEY_BYTES = 32,
    TPM_CHALLENGE_LIFE_S = 600,
    TPM_CHALLENGE_CLOCK_SLACK_S = 60, /* between replicas, whose clocks differ */
    TPM_CONTEXT_MAX_BYTES = 256,
    TPM_CUSTOM_CLAIM_MAX_COUNT = 32,
    TPM_OTHER_KEY_MAX_COUNT = 2,
    TPM_LOG_MAX_COUNT = 8, /* of one attestation */
    TPM_REPORT_LIFE_DEFAULT_MIN = 24 * 60,
    TPM_REPORT_LIFE_MAX_MIN = 365 * 24 * 60,
    TPM_REPORT_EARLY_S = 300, /* iat - nbf */
};

/* ---- messages ---- */

enum tpm_message_kind { TPM_MESSAGE_INIT, TPM_MESSAGE_REQUEST };

/* Of what stood in the body's `data`, decoded: the evidence of an attest_request of type Tpm. ERR_JSON_SYNTAX,
 * ERR_FIELD_*, ERR_TOO_LARGE. */
enum status tpm_message_kind(struct slice message, struct refusal *why, enum tpm_message_kind *kind_out);

/* Bodies of answers. Append. */
enum status tpm_write_challenge(struct slice challenge, struct slice context, struct buffer *body);
enum status tpm_write_report(struct slice token, struct buffer *body);

/* ---- the challenge: random bytes, and a context that only holders of `key` can make or open ---- */

/* Appends both. The context holds the challenge and when it ends; it names nobody and is kept nowhere. */
enum status tpm_challenge_make(struct slice key, int64_t now_s, struct buffer *challenge, struct buffer *context);

/* ---- authorities ---- */

/* Certificates that attestation identity keys (AIKs) are trusted by: roots, or the issuing authorities themselves.
 * Configuration `tpm_roots` names a PEM file of them. Immutable. */
struct tpm_roots;
enum status tpm_roots_from_pem(struct slice pem, struct refusal *why, struct tpm_roots **roots_out);
void tpm_roots_free(struct tpm_roots *roots);
void tpm_roots_cleanup(struct tpm_roots **roots);

/* ---- a request, verified ---- */

/* What the policy's configuration rules ask for: properties require_valid_aik_cert (Boolean, true) and
 * required_pcr_mask (Integer, 0xFFFFFF). */
struct tpm_rules {
    const struct tpm_roots *roots; /* borrowed; NULL: no AIK certificate is valid */
    bool require_valid_aik_cert;
    uint32_t required_pcr_mask;
};

/* ERR_POLICY_VALUE for properties of another type or range. */
enum status tpm_rules_of_policy(const struct claim_set *properties, const struct tpm_roots *roots, struct refusal *why,
                                struct tpm_rules *rules_out);

/* Everything that verification found. */
struct tpm_report;
void tpm_report_free(struct tpm_report *report);
void tpm_report_cleanup(struct tpm_report **report);

/* Verifies all of a message with a request that can be judged without the challenge's key: form, proof of possession
 * (PS256 by the attested key), quotes, PCR values, event logs, AIK certificates, keys certified by the AIK, the
 * enclave's report. That the quotes are over the challenge of the request is checked here; that it is ours and fresh,
 * by tpm_challenge_check alone. ERR_TOKEN_*, ERR_TPM_*, ERR_CHAIN, ERR_CERTIFICATE_*, ERR_FIELD_*, ERR_UNSUPPORTED,
 * ERR_TOO_LARGE. */
enum status tpm_report_verify(struct slice message, const struct tpm_rules *rules, int64_t now_s, struct refusal *why,
                              struct tpm_report **report_out);

/* Whether the request's challenge is one that tpm_challenge_make made with `key` at most TPM_CHALLENGE_LIFE_S ago. A
 * signer never signs a report without it. ERR_TPM_NONCE. */
enum status tpm_challenge_check(const struct tpm_report *report, struct slice key, int64_t now_s, struct refusal *why);

/* Adds the incoming claims: of the service aikValidated, aikPubHash, ...; of the client its custom claims, whose type
 * is `issuer` with "/" and their name. ERR_POLICY_LIMIT, ERR_NO_MEMORY. */
enum status tpm_report_claims(const struct tpm_report *report, const char *issuer, struct refusal *why,
                              struct claim_set *incoming);

/* The quote of now as the host's appraisal policy judges it: over the bank with the longest digests. What the key may
 * do is not known here, for requests name it without its public area. */
enum status tpm_report_quote(const struct tpm_report *report, struct tpm_claims *claims_out);

/* What of a report stands in the token besides what the policy issues. Borrowed; an empty slice: not there. */
struct tpm_report_token {
    struct slice confirmation; /* cnf, JSON {"jwk"}: the attested key, if the evidence binds it */
    struct slice rp_data;      /* rp_data and nonce, base64url as sent */
    struct slice request_key;  /* x-ms-tpm-request-key, JSON */
    struct slice other_keys;   /* x-ms-tpm-other-keys, JSON */
};
struct tpm_report_token tpm_report_token(const struct tpm_report *report);

/* exp - iat, in seconds, by property report_validity_in_minutes (Integer, 1 to TPM_REPORT_LIFE_MAX_MIN). Reports are
 * valid TPM_REPORT_EARLY_S before they were issued, as Azure's. ERR_POLICY_VALUE. */
enum status tpm_report_life(const struct claim_set *properties, struct refusal *why, int64_t *life_s_out);

/* Property omit_x5c: the token's header has x5t (SHA-1 of the signing certificate, base64url) instead of x5c. */
enum status tpm_report_omits_certificate(const struct claim_set *properties, struct refusal *why, bool *omits_out);
