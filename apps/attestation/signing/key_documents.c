/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/key_documents.h"

#include "attestation/signing/rotation.h"
#include "base/encoding.h"
#include "base/json.h"
#include "crypto/x509.h"
#include "token/jwk.h"

static enum status set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status describe(const struct signing_key *key, json_t **jwk_out)
{
    CLEANUP(json_done) json_t *jwk = NULL;
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNING_KEY_MAX_BYTES * 2);
    TRY(certificate_from_der(buffer_slice(&key->certificate), &certificate));
    TRY(jwk_from_key(certificate_key(certificate), &jwk));
    TRY(base64_encode(buffer_slice(&key->certificate), &text));
    TRY(set(jwk, "alg", json_string(key_kind(certificate_key(certificate)) == KEY_RSA ? "RS256" : "ES256")));
    TRY(set(jwk, "use", json_string("sig")));
    TRY(set(jwk, "kid", json_string(key->kid)));
    TRY(set(jwk, "x5c", json_pack("[s#]", (const char *)text.bytes, (int)text.size)));
    *jwk_out = json_incref(jwk);
    return OK;
}

static enum status append(json_t *keys, json_t *jwk)
{
    return json_array_append_new(keys, jwk) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status append_listed(const struct state_view *view, enum state_key_use use, int64_t now_s, json_t *keys)
{
    /* Newest first: those that do not fit are the ones that nobody needs any more. */
    for (size_t i = view->key_count; i > 0; i--) {
        const struct state_key *const key = &view->keys[i - 1];
        json_t *jwk;
        if (key->use != use || !rotation_is_listed(key, now_s)) continue;
        if (json_array_size(keys) == ROTATION_LISTED_MAX_COUNT) return OK;
        TRY(describe(&key->key, &jwk));
        TRY(append(keys, jwk));
    }
    return OK;
}

static enum status write_set(json_t *keys, struct buffer *text)
{
    CLEANUP(json_done) json_t *document = json_pack("{s:O}", "keys", keys);
    return document == NULL ? ERR_NO_MEMORY : json_write(document, text);
}

enum status key_documents_certs(const struct state_view *view, int64_t now_s, struct buffer *text)
{
    static const enum state_key_use uses[] = {STATE_KEY_CURRENT, STATE_KEY_NEXT, STATE_KEY_RETIRED};
    CLEANUP(json_done) json_t *keys = json_array();
    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) TRY(append_listed(view, uses[i], now_s, keys));
    return write_set(keys, text);
}

static enum status set_time(json_t *jwk, const char *name, int64_t time_s)
{
    return time_s == 0 ? OK : set(jwk, name, json_integer(time_s));
}

enum status key_documents_history(const struct state_view *view, struct buffer *text)
{
    static const char *const names[] = {
        [STATE_KEY_NEXT] = "next", [STATE_KEY_CURRENT] = "current", [STATE_KEY_RETIRED] = "retired"};
    CLEANUP(json_done) json_t *keys = json_array();
    for (size_t i = 0; i < view->key_count; i++) {
        const struct state_key *const key = &view->keys[i];
        json_t *jwk;
        TRY(describe(&key->key, &jwk));
        TRY(append(keys, jwk));
        TRY(set(jwk, "status", json_string(names[key->use])));
        TRY(set_time(jwk, "made", key->made_s));
        TRY(set_time(jwk, "current_since", key->current_since_s));
        TRY(set_time(jwk, "retired", key->retired_s));
    }
    return write_set(keys, text);
}

/* In the order of Azure's own document. */
static json_t *supported_claims(void)
{
    static const char *const names[] = {
        "cnf",
        "nonce",
        "x-ms-ver",
        "x-ms-attestation-type",
        "x-ms-policy-hash",
        "x-ms-policy-signer",
        "x-ms-sgx-is-debuggable",
        "x-ms-sgx-mrenclave",
        "x-ms-sgx-mrsigner",
        "x-ms-sgx-svn",
        "x-ms-sgx-ehd",
        "x-ms-sgx-collateral",
        "is-debuggable",
        "sgx-mrsigner",
        "sgx-mrenclave",
        "product-id",
        "svn",
        "tee",
    };
    json_t *const claims = json_array();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)json_array_append_new(claims, json_string(names[i]));
    return claims;
}

enum status key_documents_metadata(const char *issuer, enum signing_algorithm algorithm, struct buffer *text)
{
    CLEANUP(json_done) json_t *document = json_object();
    TRY(set(document, "response_types_supported", json_pack("[ss]", "token", "none")));
    TRY(set(document, "id_token_signing_alg_values_supported",
            json_pack("[s]", algorithm == SIGNING_ES256 ? "ES256" : "RS256")));
    TRY(set(document, "issuer", json_string(issuer)));
    TRY(set(document, "jwks_uri", json_pack("s+", issuer, "/certs")));
    TRY(set(document, "revocation_endpoint", json_pack("s+", issuer, "/revoke")));
    TRY(set(document, "claims_supported", supported_claims()));
    return json_write(document, text);
}
