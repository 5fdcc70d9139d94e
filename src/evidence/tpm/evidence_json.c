/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/evidence_json.h"

void tpm_evidence_done(struct tpm_evidence *evidence)
{
    key_cleanup(&evidence->key);
    buffer_done(&evidence->attest);
    buffer_done(&evidence->signature);
    buffer_done(&evidence->key_public);
    buffer_done(&evidence->event_log);
}

void tpm_evidence_join(struct tpm_evidence *evidence)
{
    struct tpm_quote *const quote = &evidence->quote;
    quote->attest = buffer_slice(&evidence->attest);
    quote->signature = buffer_slice(&evidence->signature);
    quote->is_bare_rsa = tpm_signature_is_bare_rsa(quote->signature);
    quote->key_public = buffer_slice(&evidence->key_public);
    quote->event_log = buffer_slice(&evidence->event_log);
    quote->pcrs = evidence->pcrs.known != 0 ? &evidence->pcrs : NULL;
}

static enum status read_optional(const json_t *object, const char *path, const char *name, size_t max_size,
                                 struct refusal *why, struct buffer *bytes)
{
    *bytes = buffer_of_maximum(max_size);
    return json_has(object, name) ? json_get_base64url(object, path, name, max_size, why, bytes) : OK;
}

static enum status read_required(const json_t *object, const char *path, const char *name, size_t max_size,
                                 struct refusal *why, struct buffer *bytes)
{
    *bytes = buffer_of_maximum(max_size);
    return json_get_base64url(object, path, name, max_size, why, bytes);
}

static enum status read_pcrs(const json_t *object, const char *path, struct refusal *why, struct tpm_evidence *evidence)
{
    CLEANUP(buffer_done) struct buffer bytes = {};
    TRY(read_optional(object, path, "pcrs", TPM_PCR_FILE_MAX_BYTES, why, &bytes));
    if (bytes.size == 0) return OK;
    return tpm_pcrs_read_quoted(buffer_slice(&bytes), buffer_slice(&evidence->attest), why, &evidence->pcrs);
}

static enum status read_key(const json_t *object, const char *path, struct refusal *why, struct tpm_evidence *evidence)
{
    struct slice pem;
    TRY(read_optional(object, path, "public", TPM_PUBLIC_MAX_BYTES, why, &evidence->key_public));
    if (json_has(object, "key")) {
        TRY(json_get_string(object, path, "key", KEY_PEM_MAX_BYTES, why, &pem));
        if (key_from_public_pem(pem, &evidence->key) == OK) return OK;
        return refuse(why, ERR_KEY_INVALID, json_path(path, "key").text, "PEM of a public key", "%zu other bytes",
                      pem.size);
    }
    if (evidence->key_public.size == 0) return OK;
    return tpm_public_key(buffer_slice(&evidence->key_public), why, &evidence->key);
}

enum status tpm_evidence_members(const json_t *object, const char *path, bool has_key, struct refusal *why,
                                 struct tpm_evidence *evidence)
{
    static const char *const names[] = {"attest", "signature", "pcrs", "event_log", NULL};
    static const char *const names_with_key[] = {"attest", "signature", "pcrs", "event_log", "key", "public", NULL};
    TRY(json_only(object, path, has_key ? names_with_key : names, why));
    TRY(read_required(object, path, "attest", TPM_ATTEST_MAX_BYTES, why, &evidence->attest));
    TRY(read_required(object, path, "signature", TPM_SIGNATURE_MAX_BYTES, why, &evidence->signature));
    TRY(read_optional(object, path, "event_log", TPM_EVENT_LOG_MAX_BYTES, why, &evidence->event_log));
    TRY(read_pcrs(object, path, why, evidence));
    TRY(read_key(object, path, why, evidence));
    tpm_evidence_join(evidence);
    return OK;
}

enum status tpm_evidence_json(struct slice text, struct refusal *why, struct tpm_evidence *evidence_out)
{
    CLEANUP(json_done) json_t *object = NULL;
    TRY(json_parse(text, TPM_EVIDENCE_JSON_MAX_BYTES, why, &object));
    *evidence_out = (struct tpm_evidence){};
    const enum status status = tpm_evidence_members(object, "", true, why, evidence_out);
    if (status == OK) return OK;
    tpm_evidence_done(evidence_out);
    *evidence_out = (struct tpm_evidence){};
    return status;
}
