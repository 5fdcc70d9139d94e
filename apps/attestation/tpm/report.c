/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/report.h"

#include "attestation/tpm/keys.h"
#include "attestation/tpm/message.h"
#include "attestation/tpm/roots.h"
#include "base/encoding.h"
#include "crypto/pem.h"

#include <stdlib.h>
#include <string.h>

void tpm_report_free(struct tpm_report *report)
{
    if (report == NULL) return;
    struct buffer *const buffers[] = {&report->aik_hash,   &report->confirmation, &report->request_key,
                                      &report->other_keys, &report->events,       &report->boot_events,
                                      &report->pcrs};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) buffer_done(buffers[i]);
    tpm_request_done(&report->request);
    boot_facts_done(&report->facts);
    free(report);
}

void tpm_report_cleanup(struct tpm_report **report)
{
    tpm_report_free(*report);
    *report = NULL;
}

static enum status new_report(struct tpm_report **report_out)
{
    struct tpm_report *const report = calloc(1, sizeof(*report));
    if (report == NULL) return ERR_NO_MEMORY;
    report->aik_hash = buffer_of_maximum(AIK_HASH_TEXT_BYTES);
    report->confirmation = report->request_key = report->other_keys = buffer_of_maximum(4 * TPM_JWK_MAX_BYTES);
    report->events = report->boot_events = report->pcrs = buffer_of_maximum(CLAIM_TEXT_MAX_BYTES);
    *report_out = report;
    return OK;
}

/* ---- possession ---- */

static enum status check_possession(const struct tpm_request *request, struct refusal *why)
{
    if (key_kind(request->key.key) != KEY_RSA)
        return refuse(why, ERR_TOKEN_ALGORITHM, request->is_v2 ? "request_key.jwk.kty" : "att_data.attest_key.kty",
                      "RSA, for PS256", "another kind of key");
    /* RFC 7518 has salts of the digest's size; a TPM that holds the key chooses its own. */
    if (key_verify_with(request->key.key, HASH_SHA256, KEY_PSS_ANY_SALT, request->signing_input,
                        buffer_slice(&request->jws_signature)) == OK)
        return OK;
    return refuse(why, ERR_TOKEN_SIGNATURE, "signature", "a signature by the attested key", "%zu bytes that are not",
                  request->jws_signature.size);
}

/* ---- the attestation identity key ---- */

static enum status check_aik(const struct tpm_rules *rules, const struct tpm_side *side, int64_t now_s,
                             struct refusal *why, bool *is_valid_out)
{
    const enum status status = tpm_aik_check(rules->roots, buffer_slice(&side->aik_cert), side->aik, now_s, why);
    if (status == ERR_NO_MEMORY || (status != OK && rules->require_valid_aik_cert)) return status;
    *is_valid_out = status == OK;
    return OK;
}

/* The PEM text is the DER with lines. */
static enum status hash_aik(const struct key *aik, struct buffer *text)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    uint8_t digest[SHA256_BYTES];
    TRY(key_public_pem(aik, &pem));
    struct slice rest = buffer_slice(&pem);
    TRY(pem_read(&rest, "PUBLIC KEY", &der));
    TRY(sha256(buffer_slice(&der), digest));
    return base64_encode(SLICE_ARRAY(digest), text);
}

/* ---- quotes ---- */

static enum status verify_side(const struct tpm_side *side, struct slice nonce, uint32_t required, struct refusal *why,
                               struct tpm_platform_claims *claims_out)
{
    struct slice logs[TPM_LOG_MAX_COUNT];
    for (size_t i = 0; i < side->log_count; i++) logs[i] = buffer_slice(&side->logs[i]);
    const struct tpm_platform platform = {
        .attest = buffer_slice(&side->attest),
        .signature = buffer_slice(&side->signature),
        .key = side->aik,
        .nonce = nonce,
        .pcrs = &side->pcrs,
        .logs = logs,
        .log_count = side->log_count,
        .required = required,
    };
    return tpm_platform_verify(&platform, why, claims_out);
}

/* What was quoted before the machine slept must be of the same TPM, and not of a later time than the quote of now. */
static enum status verify_boot(const struct tpm_rules *rules, struct refusal *why, struct tpm_report *report)
{
    const struct tpm_platform_claims *const now = &report->current, *const boot = &report->boot;
    if (!report->request.has_boot) return OK;
    if (!key_equal(report->request.boot.aik, report->request.current.aik))
        return refuse(why, ERR_TPM_KEY, "boot_attestation.aik_pub", "the key of current_attestation", "another key");
    TRY(verify_side(&report->request.boot, (struct slice){}, rules->required_pcr_mask, why, &report->boot));
    if (boot->reset_count <= now->reset_count && boot->clock_ms <= now->clock_ms) return OK;
    return refuse(why, ERR_TPM_MALFORMED, "boot_attestation.quote.clockInfo", "a time before current_attestation",
                  "clock %llu ms, reset %u", (unsigned long long)boot->clock_ms, (unsigned)boot->reset_count);
}

static enum status verify_quotes(const struct tpm_rules *rules, struct refusal *why, struct tpm_report *report)
{
    uint8_t nonce[HASH_MAX_BYTES];
    size_t size;
    TRY(keys_quote_nonce(&report->request, why, nonce, &size));
    TRY(verify_side(&report->request.current, slice_of(nonce, size), rules->required_pcr_mask, why, &report->current));
    return verify_boot(rules, why, report);
}

/* ---- what the logs say ---- */

static enum status read_logs(struct refusal *why, struct tpm_report *report)
{
    CLEANUP(boot_facts_done) struct boot_facts unused = {};
    TRY(events_pcrs(&report->current, &report->pcrs));
    TRY(events_read(&report->request.current, &report->current, why, &report->facts, &report->events));
    if (!report->request.has_boot) return OK;
    return events_read(&report->request.boot, &report->boot, why, &unused, &report->boot_events);
}

/* ---- the enclave ---- */

static enum status verify_enclave(struct refusal *why, struct tpm_report *report)
{
    const struct windows_facts *const windows = &report->facts.windows;
    const struct tpm_request *const request = &report->request;
    uint8_t digest[HASH_MAX_BYTES];
    if (!request->is_vbs) return OK;
    TRY(enclave_report_verify(buffer_slice(&request->enclave_report), windows->identity_keys,
                              windows->identity_key_count, why, &report->enclave));
    TRY(hash_parts(HASH_SHA512, &request->signed_text, 1, digest));
    const struct slice expected = slice_of(digest, SHA512_BYTES), seen = SLICE_ARRAY(report->enclave.data);
    if (slice_equal(expected, seen)) return OK;
    return refuse(why, ERR_REPORT_DATA, "vsm_report.EnclaveData", refusal_hex(expected).text, "%s",
                  refusal_hex(seen).text);
}

/* ---- the whole ---- */

static enum status verify(const struct tpm_rules *rules, int64_t now_s, struct refusal *why, struct tpm_report *report)
{
    TRY(check_possession(&report->request, why));
    TRY(check_aik(rules, &report->request.current, now_s, why, &report->is_aik_valid));
    TRY(hash_aik(report->request.current.aik, &report->aik_hash));
    TRY(verify_quotes(rules, why, report));
    TRY(read_logs(why, report));
    TRY(verify_enclave(why, report));
    return keys_verify(report, why);
}

enum status tpm_report_verify(struct slice message, const struct tpm_rules *rules, int64_t now_s, struct refusal *why,
                              struct tpm_report **report_out)
{
    CLEANUP(tpm_message_done) struct tpm_message parsed = {};
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = NULL;
    TRY(tpm_message_parse(message, why, &parsed));
    if (parsed.kind != TPM_MESSAGE_REQUEST)
        return refuse(why, ERR_FIELD_MISSING, "payload.request", "a JWS", "an init message");
    TRY(new_report(&report));
    TRY(tpm_request_read(parsed.request, why, &report->request));
    TRY(verify(rules, now_s, why, report));
    report->request.signing_input = (struct slice){}; /* the message's memory goes */
    *report_out = report;
    report = NULL;
    return OK;
}
