/* SPDX-License-Identifier: Apache-2.0 */
#include "token/attestation_token.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "token/jws.h"

#include <string.h>

static enum status set_slice(json_t *object, const char *name, struct slice text)
{
    return json_object_set_new(object, name, json_stringn((const char *)text.bytes, text.size)) == 0 ? OK
                                                                                                     : ERR_NO_MEMORY;
}

enum status attestation_token_new_id(struct attestation_token_id *id_out)
{
    uint8_t bytes[32];
    TRY(random_bytes(sizeof(bytes), bytes));
    memcpy(id_out->text, hex_of_32(bytes).text, sizeof(id_out->text));
    return OK;
}

enum status attestation_token_sign_text(const char *issuer, struct slice payload, const char *kid,
                                        const struct key *key, struct buffer *token)
{
    CLEANUP(buffer_done) struct buffer key_set = buffer_of_maximum(JWS_HEADER_MAX_BYTES);
    TRY(buffer_append_text(&key_set, issuer));
    TRY(buffer_append_text(&key_set, "/certs"));
    CLEANUP(json_done) json_t *header = json_object();
    TRY(set_slice(header, "jku", buffer_slice(&key_set)));
    CLEANUP(buffer_done) struct buffer signed_token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(jws_sign_text(JWS_TYP_TOKEN, kid, header, payload, key, &signed_token));
    return buffer_append(token, buffer_slice(&signed_token));
}

enum status attestation_token_sign(const json_t *payload, const char *kid, const struct key *key, struct buffer *token)
{
    struct slice issuer;
    TRY(json_get_string(payload, "claims", "iss", JWS_HEADER_MAX_BYTES / 2, NULL, &issuer));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(json_write(payload, &text));
    return attestation_token_sign_text((const char *)issuer.bytes, buffer_slice(&text), kid, key, token);
}

enum status attestation_key_id(const struct key *key, struct attestation_key_id *id_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTATION_KEY_ID_BYTES);
    struct attestation_key_id id = {};
    TRY(key_public_pem(key, &pem));
    TRY(buffer_append_u8(&pem, 0));
    TRY(sha256(buffer_slice(&pem), id.digest));
    TRY(base64_encode(SLICE_ARRAY(id.digest), &text));
    memcpy(id.text, text.bytes, text.size);
    *id_out = id;
    return OK;
}
