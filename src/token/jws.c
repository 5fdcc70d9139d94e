/* SPDX-License-Identifier: Apache-2.0 */
#include "token/jws.h"

#include "base/encoding.h"
#include "crypto/hash.h"

#include <string.h>

enum { JWS_NAME_MAX_BYTES = 64 };

void jws_done(struct jws *jws)
{
    json_done(&jws->header);
    json_done(&jws->payload);
    buffer_done(&jws->signature);
}

static enum status malformed(struct refusal *why, const char *field, const char *expected)
{
    return refuse(why, ERR_TOKEN_MALFORMED, field, expected, "something else");
}

enum status jws_decode_object(struct slice text, const char *field, size_t max_size, struct refusal *why,
                              json_t **object_out)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(max_size);
    CLEANUP(json_done) json_t *object = NULL;
    const enum status decoded = base64url_decode(text, &bytes);
    if (decoded == ERR_NO_MEMORY) return decoded;
    if (decoded != OK) return malformed(why, field, "base64url without padding, within the size limit");
    TRY(refuse_as(why, json_parse(buffer_slice(&bytes), max_size, why, &object), ERR_TOKEN_MALFORMED));
    if (!json_is_object(object)) return malformed(why, field, "a JSON object");
    *object_out = json_incref(object);
    return OK;
}

static enum status read_header(struct refusal *why, struct jws *jws)
{
    TRY(refuse_as(why, json_get_string(jws->header, "header", "alg", JWS_NAME_MAX_BYTES, why, &jws->algorithm),
                  ERR_TOKEN_MALFORMED));
    if (json_has(jws->header, "typ"))
        TRY(refuse_as(why, json_get_string(jws->header, "header", "typ", JWS_NAME_MAX_BYTES, why, &jws->type),
                      ERR_TOKEN_MALFORMED));
    if (json_has(jws->header, "kid"))
        TRY(refuse_as(why, json_get_string(jws->header, "header", "kid", JWK_KID_MAX_BYTES, why, &jws->kid),
                      ERR_TOKEN_MALFORMED));
    if (json_object_get(jws->header, "crit") != NULL) return malformed(why, "header.crit", "no critical extension");
    return OK;
}

enum status jws_split(struct slice text, struct refusal *why, struct slice parts_out[static 3])
{
    struct slice rest, more;
    if (!slice_split(text, '.', &parts_out[0], &rest) || !slice_split(rest, '.', &parts_out[1], &parts_out[2]) ||
        slice_split(parts_out[2], '.', &more, &rest))
        return malformed(why, "jws", "three parts with two dots between them");
    return OK;
}

enum status jws_decode_signature(struct slice part, struct refusal *why, struct buffer *signature)
{
    const enum status decoded = base64url_decode(part, signature);
    if (decoded == OK || decoded == ERR_NO_MEMORY) return decoded;
    return malformed(why, "signature", "base64url of at most 512 bytes");
}

enum status jws_parse(struct slice text, struct refusal *why, struct jws *jws_out)
{
    if (text.size > JWS_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "jws", "at most 262144 bytes", "%zu bytes", text.size);
    struct slice parts[3];
    TRY(jws_split(text, why, parts));
    CLEANUP(jws_done) struct jws parsed = {.signature = buffer_of_maximum(JWS_SIGNATURE_MAX_BYTES)};
    parsed.signing_input = slice_part(text, 0, parts[0].size + 1 + parts[1].size);
    TRY(jws_decode_object(parts[0], "header", JWS_HEADER_MAX_BYTES, why, &parsed.header));
    TRY(jws_decode_object(parts[1], "payload", JWS_MAX_BYTES, why, &parsed.payload));
    TRY(jws_decode_signature(parts[2], why, &parsed.signature));
    TRY(read_header(why, &parsed));
    *jws_out = parsed;
    parsed = (struct jws){};
    return OK;
}

enum status jws_check_header(const struct jws *jws, const char *type, struct refusal *why)
{
    if (!slice_equal_text(jws->type, type))
        return refuse(why, ERR_TOKEN_TYPE, "header.typ", type, "%.*s", (int)jws->type.size,
                      jws->type.size == 0 ? (const uint8_t *)"" : jws->type.bytes);
    if (!slice_equal_text(jws->algorithm, "RS256") && !slice_equal_text(jws->algorithm, "ES256"))
        return refuse(why, ERR_TOKEN_ALGORITHM, "header.alg", "RS256 or ES256", "%.*s", (int)jws->algorithm.size,
                      jws->algorithm.bytes);
    return OK;
}

/* The key decides, not the token: otherwise a token could have its signature read as another kind. */
static const char *algorithm_of(const struct key *key)
{
    switch (key_kind(key)) {
    case KEY_RSA: return "RS256";
    case KEY_P256: return "ES256";
    case KEY_P384:
    case KEY_X25519: break;
    }
    return NULL;
}

enum status jws_verify(const struct jws *jws, const char *type, const struct key *key, struct refusal *why)
{
    TRY(jws_check_header(jws, type, why));
    const char *const algorithm = algorithm_of(key);
    if (algorithm == NULL || !slice_equal_text(jws->algorithm, algorithm))
        return refuse(why, ERR_TOKEN_ALGORITHM, "header.alg", algorithm == NULL ? "a key that signs" : algorithm,
                      "%.*s", (int)jws->algorithm.size, jws->algorithm.bytes);
    const enum status status = key_verify(key, jws->signing_input, buffer_slice(&jws->signature));
    if (status == OK || status == ERR_NO_MEMORY) return status;
    return refuse(why, ERR_TOKEN_SIGNATURE, "signature", "a signature by the trusted key", "%zu bytes that are not",
                  jws->signature.size);
}

static enum status make_header(const char *type, const char *kid, const json_t *extra_header, const struct key *key,
                               json_t **header_out)
{
    const char *const algorithm = algorithm_of(key);
    if (algorithm == NULL) return ERR_UNSUPPORTED;
    CLEANUP(json_done) json_t *header = json_object();
    if (extra_header != NULL && json_object_update(header, (json_t *)extra_header) != 0) return ERR_NO_MEMORY;
    if (json_object_set_new(header, "alg", json_string(algorithm)) != 0 ||
        json_object_set_new(header, "typ", json_string(type)) != 0 ||
        (kid != NULL && json_object_set_new(header, "kid", json_string(kid)) != 0))
        return ERR_NO_MEMORY;
    *header_out = json_incref(header);
    return OK;
}

static enum status append_json(const json_t *value, struct buffer *text)
{
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(JWS_MAX_BYTES);
    TRY(json_write(value, &json));
    return base64url_encode(buffer_slice(&json), text);
}

static enum status write_signed(const json_t *header, struct slice payload, const struct key *key, struct buffer *text)
{
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(JWS_SIGNATURE_MAX_BYTES);
    TRY(append_json(header, text));
    TRY(buffer_append_u8(text, '.'));
    TRY(base64url_encode(payload, text));
    TRY(key_sign(key, buffer_slice(text), &signature));
    TRY(buffer_append_u8(text, '.'));
    return base64url_encode(buffer_slice(&signature), text);
}

enum status jws_sign_text(const char *type, const char *kid, const json_t *extra_header, struct slice payload,
                          const struct key *key, struct buffer *text)
{
    CLEANUP(json_done) json_t *header = NULL;
    TRY(make_header(type, kid, extra_header, key, &header));
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
    TRY(write_signed(header, payload, key, &jws));
    return buffer_append(text, buffer_slice(&jws));
}

enum status jws_sign(const char *type, const char *kid, const json_t *extra_header, const json_t *payload,
                     const struct key *key, struct buffer *text)
{
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(JWS_MAX_BYTES);
    TRY(json_write(payload, &json));
    return jws_sign_text(type, kid, extra_header, buffer_slice(&json), key, text);
}

enum status jws_hash(struct slice text, uint8_t digest_out[static 32])
{
    return sha256(text, digest_out);
}
