/* SPDX-License-Identifier: Apache-2.0 */
#include "token/jwk.h"

#include "base/encoding.h"
#include "crypto/x509.h"

#include <stdio.h>
#include <string.h>

enum { JWK_EXPONENT_MAX_BYTES = 8, JWK_WORD_MAX_BYTES = 32 };

static enum status require_curve(const json_t *jwk, const char *path, const char *curve, struct refusal *why)
{
    struct slice seen;
    TRY(json_get_string(jwk, path, "crv", JWK_WORD_MAX_BYTES, why, &seen));
    if (slice_equal_text(seen, curve)) return OK;
    return refuse(why, ERR_UNSUPPORTED, json_path(path, "crv").text, curve, "%.*s", (int)seen.size, seen.bytes);
}

/* RFC 7518 section 6.2.1.2: the full size of a coordinate, with its leading zeros. */
static enum status get_coordinate(const json_t *jwk, const char *path, const char *name, struct refusal *why,
                                  uint8_t bytes_out[static 32])
{
    struct slice text;
    TRY(json_get_string(jwk, path, name, JWK_WORD_MAX_BYTES * 2, why, &text));
    if (base64url_decode_exact(text, 32, bytes_out) == OK) return OK;
    return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, "32 bytes as base64url", "%zu characters",
                  text.size);
}

static enum status refuse_key(struct refusal *why, enum status status, const char *path, const char *expected)
{
    if (status == OK || status == ERR_NO_MEMORY) return status;
    return refuse(why, status, path, expected, "other numbers");
}

static enum status ec_key(const json_t *jwk, const char *path, struct refusal *why, struct key **key_out)
{
    uint8_t point[P256_POINT_BYTES];
    TRY(require_curve(jwk, path, "P-256", why));
    TRY(get_coordinate(jwk, path, "x", why, point));
    TRY(get_coordinate(jwk, path, "y", why, point + P256_COORDINATE_BYTES));
    return refuse_key(why, key_from_p256_point(SLICE_ARRAY(point), key_out), path, "a point on P-256");
}

static enum status okp_key(const json_t *jwk, const char *path, struct refusal *why, struct key **key_out)
{
    uint8_t bytes[X25519_BYTES];
    TRY(require_curve(jwk, path, "X25519", why));
    TRY(get_coordinate(jwk, path, "x", why, bytes));
    return refuse_key(why, key_from_x25519(SLICE_ARRAY(bytes), key_out), path, "an X25519 key");
}

static enum status rsa_key(const json_t *jwk, const char *path, struct refusal *why, struct key **key_out)
{
    CLEANUP(buffer_done) struct buffer modulus = buffer_of_maximum(RSA_MAX_BYTES + 1);
    CLEANUP(buffer_done) struct buffer exponent = buffer_of_maximum(JWK_EXPONENT_MAX_BYTES);
    TRY(json_get_base64url(jwk, path, "n", RSA_MAX_BYTES + 1, why, &modulus));
    TRY(json_get_base64url(jwk, path, "e", JWK_EXPONENT_MAX_BYTES, why, &exponent));
    return refuse_key(why, key_from_rsa(buffer_slice(&modulus), buffer_slice(&exponent), key_out), path,
                      "an RSA key of 2048 to 4096 bits with an odd exponent above 1");
}

enum status jwk_to_key(const json_t *jwk, const char *path, struct refusal *why, struct key **key_out)
{
    if (!json_is_object(jwk)) return refuse(why, ERR_FIELD_TYPE, path, "a JWK object", "another type");
    /* RFC 7518: "d" is the private part of every asymmetric kind, "k" is a symmetric key. */
    if (json_has(jwk, "d") || json_has(jwk, "k")) {
        (void)!refuse(why, ERR_FIELD_UNKNOWN, path, "a public key", "private members");
        return refuse_fix(why, ERR_FIELD_UNKNOWN, "publish the public half only, and replace this key");
    }
    struct slice kind;
    TRY(json_get_string(jwk, path, "kty", JWK_WORD_MAX_BYTES, why, &kind));
    if (slice_equal_text(kind, "EC")) return ec_key(jwk, path, why, key_out);
    if (slice_equal_text(kind, "RSA")) return rsa_key(jwk, path, why, key_out);
    if (slice_equal_text(kind, "OKP")) return okp_key(jwk, path, why, key_out);
    return refuse(why, ERR_UNSUPPORTED, json_path(path, "kty").text, "EC, RSA or OKP", "%.*s", (int)kind.size,
                  kind.bytes);
}

static enum status set_base64url(json_t *object, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(RSA_MAX_BYTES * 2);
    TRY(base64url_encode(bytes, &text));
    json_t *const value = json_stringn((const char *)text.bytes, text.size);
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status set_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, json_string(text)) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status describe_rsa(const struct key *key, json_t *jwk)
{
    CLEANUP(buffer_done) struct buffer modulus = buffer_of_maximum(RSA_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer exponent = buffer_of_maximum(JWK_EXPONENT_MAX_BYTES);
    TRY(key_rsa_numbers(key, &modulus, &exponent));
    TRY(set_text(jwk, "kty", "RSA"));
    TRY(set_base64url(jwk, "n", buffer_slice(&modulus)));
    return set_base64url(jwk, "e", buffer_slice(&exponent));
}

static enum status describe_curve(const struct key *key, json_t *jwk)
{
    const bool is_p256 = key_kind(key) == KEY_P256;
    if (!is_p256 && key_kind(key) != KEY_X25519) return ERR_UNSUPPORTED;
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(P256_POINT_BYTES);
    TRY(key_public_bytes(key, &bytes));
    TRY(set_text(jwk, "kty", is_p256 ? "EC" : "OKP"));
    TRY(set_text(jwk, "crv", is_p256 ? "P-256" : "X25519"));
    TRY(set_base64url(jwk, "x", slice_part(buffer_slice(&bytes), 0, 32)));
    return is_p256 ? set_base64url(jwk, "y", slice_part(buffer_slice(&bytes), 32, 32)) : OK;
}

enum status jwk_from_key(const struct key *key, json_t **jwk_out)
{
    CLEANUP(json_done) json_t *jwk = json_object();
    if (jwk == NULL) return ERR_NO_MEMORY;
    TRY(key_kind(key) == KEY_RSA ? describe_rsa(key, jwk) : describe_curve(key, jwk));
    *jwk_out = json_incref(jwk);
    return OK;
}

/* ---- sets ---- */

void jwk_set_done(struct jwk_set *set)
{
    for (size_t i = 0; i < set->count; i++) key_free(set->items[i].key);
    set->count = 0;
}

enum status jwk_set_add(struct jwk_set *set, const char *kid, const struct key *key)
{
    const size_t size = strlen(kid);
    if (set->count == JWK_SET_MAX_COUNT || size > JWK_KID_MAX_BYTES) return ERR_TOO_LARGE;
    /* Two keys under one name: which of them a token means would be its sender's choice. */
    if (jwk_set_find(set, slice_of_text(kid)) != NULL) return ERR_FIELD_VALUE;
    memcpy(set->items[set->count].kid, kid, size + 1);
    set->items[set->count].key = key_share(key);
    set->count++;
    return OK;
}

const struct key *jwk_set_find(const struct jwk_set *set, struct slice kid)
{
    for (size_t i = 0; i < set->count; i++) {
        if (slice_equal_text(kid, set->items[i].kid)) return set->items[i].key;
    }
    return NULL;
}

/* The key of the first certificate: RFC 7517 section 4.7, standard base64 of DER. */
static enum status key_of_certificate(const json_t *jwk, const char *path, struct refusal *why, struct key **key_out)
{
    json_t *chain;
    TRY(json_get_array(jwk, path, "x5c", JWK_X5C_MAX_COUNT, why, &chain));
    const json_t *const first = json_array_get(chain, 0);
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    const struct json_path place = json_path(path, "x5c");
    if (!json_is_string(first) ||
        base64_decode(slice_of(json_string_value(first), json_string_length(first)), &der) != OK)
        return refuse(why, ERR_FIELD_VALUE, place.text, "certificates as standard base64", "something else");
    const enum status status = certificate_from_der(buffer_slice(&der), &certificate);
    if (status == ERR_KEY_INVALID) return refuse(why, ERR_UNSUPPORTED, place.text, "a key of a known kind", "another");
    if (status != OK) return refuse(why, status, place.text, "an X.509 certificate", "something else");
    *key_out = key_share(certificate_key(certificate));
    return OK;
}

/* Whether the members "use" and "alg", where they are there, allow our verification of signatures. */
static bool is_for_signatures(const json_t *jwk)
{
    static const char *const algorithms[] = {"RS256", "ES256"};
    const json_t *const use = json_object_get(jwk, "use"), *const algorithm = json_object_get(jwk, "alg");
    if (use != NULL && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0)) return false;
    if (algorithm == NULL) return true;
    if (!json_is_string(algorithm)) return false;
    const char *const kind = json_string_value(json_object_get(jwk, "kty"));
    const char *const wanted = kind != NULL && strcmp(kind, "EC") == 0 ? algorithms[1] : algorithms[0];
    return strcmp(json_string_value(algorithm), wanted) == 0;
}

static bool is_symmetric(const json_t *jwk)
{
    const char *const kind = json_string_value(json_object_get(jwk, "kty"));
    return kind != NULL && strcmp(kind, "oct") == 0;
}

static bool has_numbers(const json_t *jwk)
{
    return json_has(jwk, "n") || json_has(jwk, "x") || !json_has(jwk, "x5c");
}

static enum status add_member(const json_t *jwk, const char *path, const struct key *key, struct refusal *why,
                              struct jwk_set *set)
{
    struct slice kid;
    char name[JWK_KID_MAX_BYTES + 1] = {};
    if (json_has(jwk, "kid")) {
        TRY(json_get_string(jwk, path, "kid", JWK_KID_MAX_BYTES, why, &kid));
        memcpy(name, kid.bytes, kid.size);
    } else {
        uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
        TRY(key_thumbprint(key, thumbprint));
        (void)snprintf(name, sizeof(name), "%s", base64url_of_32(thumbprint).text);
    }
    const enum status status = jwk_set_add(set, name, key);
    if (status == ERR_FIELD_VALUE)
        return refuse(why, status, json_path(path, "kid").text, "a kid that no other key has", "%s", name);
    return status;
}

/* What could never verify a signature here is passed over: real key sets hold keys for other purposes too. */
static enum status read_member(const json_t *jwk, const char *path, struct refusal *why, struct jwk_set *set)
{
    if (!json_is_object(jwk)) return refuse(why, ERR_FIELD_TYPE, path, "a JWK object", "another type");
    if (is_symmetric(jwk) || !is_for_signatures(jwk)) return OK;
    CLEANUP(key_cleanup) struct key *key = NULL;
    const enum status status =
        has_numbers(jwk) ? jwk_to_key(jwk, path, why, &key) : key_of_certificate(jwk, path, why, &key);
    if (status == ERR_UNSUPPORTED || (status == OK && key_kind(key) != KEY_P256 && key_kind(key) != KEY_RSA)) return OK;
    TRY(status);
    return add_member(jwk, path, key, why, set);
}

enum status jwk_set_from_json(const json_t *set, const char *path, struct refusal *why, struct jwk_set *set_out)
{
    json_t *keys;
    if (!json_is_object(set)) return refuse(why, ERR_FIELD_TYPE, path, "a JWK set", "another type");
    TRY(json_get_array(set, path, "keys", JWK_SET_MAX_COUNT, why, &keys));
    CLEANUP(jwk_set_done) struct jwk_set made = {};
    for (size_t i = 0; i < json_array_size(keys); i++) {
        TRY(read_member(json_array_get(keys, i), json_path_at(path, "keys", i).text, why, &made));
    }
    *set_out = made;
    made.count = 0;
    return OK;
}
