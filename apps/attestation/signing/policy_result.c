/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/policy_result.h"

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/x509.h"

#include <ctype.h>

/* jansson's setters take over the new value and fail on NULL, so one check covers both allocations. */
static enum status set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static json_t *text_of(const struct buffer *text)
{
    return json_stringn((const char *)text->bytes, text->size);
}

static enum status start(const char *issuer, int64_t now_s, json_t *payload)
{
    TRY(set(payload, "iss", json_string(issuer)));
    TRY(set(payload, "iat", json_integer(now_s)));
    TRY(set(payload, "nbf", json_integer(now_s)));
    return set(payload, "exp", json_integer(now_s + POLICY_RESULT_LIFE_S));
}

/* {"alg","kty","use","x5c"}, as Azure describes a policy's signer: of whichever way it wrote the algorithm's name. */
static enum status describe(const struct slice *chain, size_t count, json_t **jwk_out)
{
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    CLEANUP(json_done) json_t *x5c = json_array();
    TRY(certificate_from_der(chain[0], &certificate));
    const enum key_kind kind = key_kind(certificate_key(certificate));
    if (kind != KEY_RSA && kind != KEY_P256) return ERR_UNSUPPORTED;
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(CERTIFICATE_MAX_BYTES * 2);
        TRY(base64_encode(chain[i], &text));
        if (json_array_append_new(x5c, text_of(&text)) != 0) return ERR_NO_MEMORY;
    }
    *jwk_out = json_pack("{s:s, s:s, s:s, s:O}", "alg", kind == KEY_RSA ? "RS256" : "ES256", "kty",
                         kind == KEY_RSA ? "RSA" : "EC", "use", "sig", "x5c", x5c);
    return *jwk_out == NULL ? ERR_NO_MEMORY : OK;
}

static enum status add_policy(struct slice jws, struct refusal *why, json_t *payload)
{
    for (size_t i = 0; i < jws.size; i++) {
        const uint8_t c = jws.bytes[i];
        if (c < 0x80 && (isalnum(c) || c == '-' || c == '_' || c == '.')) continue;
        return refuse(why, ERR_FIELD_VALUE, "policy", "a compact JWS", "byte %zu is %02x", i, c);
    }
    return set(payload, "x-ms-policy", json_stringn((const char *)jws.bytes, jws.size));
}

static enum status add_update(const struct policy_result_question *question, json_t *payload)
{
    CLEANUP(buffer_done) struct buffer hash = buffer_of_maximum(64);
    TRY(base64url_encode(SLICE_ARRAY(question->token_hash), &hash));
    TRY(set(payload, "x-ms-policy-result", json_string("Updated")));
    TRY(set(payload, "x-ms-policy-token-hash", text_of(&hash)));
    if (question->certificate_count == 0) return OK;
    json_t *signer;
    TRY(describe(question->certificates, question->certificate_count, &signer));
    return set(payload, "x-ms-policy-signer", signer);
}

static enum status add_certificates(const struct policy_result_question *question, json_t *payload)
{
    CLEANUP(json_done) json_t *keys = json_array();
    for (size_t i = 0; i < question->certificate_count; i++) {
        json_t *jwk;
        TRY(describe(&question->certificates[i], 1, &jwk));
        if (json_array_append_new(keys, jwk) != 0) return ERR_NO_MEMORY;
    }
    return set(payload, "x-ms-policy-certificates", json_pack("{s:O}", "keys", keys));
}

static enum status add_certificate_result(const struct policy_result_question *question, json_t *payload)
{
    static const char digits[] = "0123456789ABCDEF";
    char thumbprint[2 * sizeof(question->thumbprint) + 1] = "";
    for (size_t i = 0; i < sizeof(question->thumbprint); i++) {
        thumbprint[2 * i] = digits[question->thumbprint[i] >> 4];
        thumbprint[2 * i + 1] = digits[question->thumbprint[i] & 15];
    }
    TRY(set(payload, "x-ms-certificate-thumbprint", json_string(thumbprint)));
    return set(payload, "x-ms-policycertificates-result",
               json_string(question->kind == RESULT_CERTIFICATE_PRESENT ? "IsPresent" : "IsAbsent"));
}

static enum status add_result(const struct policy_result_question *question, struct refusal *why, json_t *payload)
{
    switch (question->kind) {
    case RESULT_POLICY: return add_policy(question->jws, why, payload);
    case RESULT_POLICY_UPDATED: return add_update(question, payload);
    case RESULT_POLICY_REMOVED: return set(payload, "x-ms-policy-result", json_string("Removed"));
    case RESULT_CERTIFICATES: return add_certificates(question, payload);
    case RESULT_CERTIFICATE_PRESENT:
    case RESULT_CERTIFICATE_ABSENT: return add_certificate_result(question, payload);
    }
    return ERR_UNSUPPORTED;
}

enum status policy_result_payload(const char *issuer, const struct policy_result_question *question,
                                  struct refusal *why, struct buffer *payload)
{
    CLEANUP(json_done) json_t *json = json_object();
    TRY(start(issuer, question->now_s, json));
    TRY(add_result(question, why, json));
    return json_write(json, payload);
}
