/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Keys (RFC 7517, 7518, 8037): public EC P-256, RSA and OKP X25519, in and out, and sets of them.
 */
#pragma once

#include "base/json.h"
#include "crypto/key.h"

enum { JWK_SET_MAX_COUNT = 32, JWK_SET_MAX_BYTES = 256 * 1024, JWK_KID_MAX_BYTES = 256, JWK_X5C_MAX_COUNT = 4 };

/* The public members of a JWK; ones that say nothing about the key ("use", "kid", ...) are passed over. Errors:
 * ERR_FIELD_UNKNOWN for private members, ERR_UNSUPPORTED for another kind or curve, ERR_KEY_INVALID for numbers that
 * are no key, ERR_FIELD_*. */
enum status jwk_to_key(const json_t *jwk, const char *path, struct refusal *why, struct key **key_out);

/* {"kty",...} without kid or use; the caller owns `jwk_out` and may add members. */
enum status jwk_from_key(const struct key *key, json_t **jwk_out);

/* Keys that verify signatures, each with its `kid`. All-zero is an empty set. */
struct jwk_set {
    struct {
        char kid[JWK_KID_MAX_BYTES + 1];
        struct key *key;
    } items[JWK_SET_MAX_COUNT];
    size_t count;
};
void jwk_set_done(struct jwk_set *set);

/* {"keys":[...]}. A key without `kid` takes its thumbprint (base64url). Keys that cannot verify RS256 or ES256, by
 * their kind, "use" or "alg", are passed over; keys with only x5c are read from the first certificate. One malformed
 * key or a `kid` that stands there twice refuses the set: ERR_FIELD_*, ERR_KEY_INVALID, ERR_CERTIFICATE_MALFORMED. */
enum status jwk_set_from_json(const json_t *set, const char *path, struct refusal *why, struct jwk_set *set_out);

/* Shares the key. ERR_FIELD_VALUE if the kid is there already, ERR_TOO_LARGE. */
enum status jwk_set_add(struct jwk_set *set, const char *kid, const struct key *key);
const struct key *jwk_set_find(const struct jwk_set *set, struct slice kid); /* NULL if none */
