/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/documents.h"

#include "base/encoding.h"
#include "base/json.h"
#include "token/jwk.h"

static enum status set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status make_key(const struct signer *signer, json_t **jwk_out)
{
    CLEANUP(json_done) json_t *jwk = NULL;
    CLEANUP(buffer_done) struct buffer certificate = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    TRY(jwk_from_key(signer->key, &jwk));
    TRY(base64_encode(buffer_slice(&signer->certificate), &certificate));
    TRY(set(jwk, "alg", json_string("RS256")));
    TRY(set(jwk, "use", json_string("sig")));
    TRY(set(jwk, "kid", json_string(signer->id.text)));
    TRY(set(jwk, "x5c", json_pack("[s#]", (const char *)certificate.bytes, (int)certificate.size)));
    *jwk_out = json_incref(jwk);
    return OK;
}

enum status document_certs(const struct signer *signer, struct buffer *text)
{
    CLEANUP(json_done) json_t *document = json_object();
    json_t *jwk = NULL;
    TRY(make_key(signer, &jwk));
    json_t *const keys = json_array();
    if (json_array_append_new(keys, jwk) != 0) {
        json_decref(keys);
        return ERR_NO_MEMORY;
    }
    TRY(set(document, "keys", keys));
    return json_write(document, text);
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

static enum status set_url(json_t *document, const char *name, const char *issuer, const char *path)
{
    CLEANUP(buffer_done) struct buffer url = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    const char *text;
    TRY(buffer_append_text(&url, issuer));
    TRY(buffer_append_text(&url, path));
    TRY(buffer_text(&url, &text));
    return set(document, name, json_string(text));
}

enum status document_openid(const char *issuer, struct buffer *text)
{
    CLEANUP(json_done) json_t *document = json_object();
    TRY(set(document, "response_types_supported", json_pack("[ss]", "token", "none")));
    TRY(set(document, "id_token_signing_alg_values_supported", json_pack("[s]", "RS256")));
    TRY(set(document, "issuer", json_string(issuer)));
    TRY(set_url(document, "jwks_uri", issuer, "/certs"));
    TRY(set_url(document, "revocation_endpoint", issuer, "/revoke"));
    TRY(set(document, "claims_supported", supported_claims()));
    return json_write(document, text);
}
