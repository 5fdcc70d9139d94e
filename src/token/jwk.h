/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Web Keys (RFC 7517, 7518, 8037): public EC P-256, RSA and OKP X25519, in and out, and sets of them.
 */
#pragma once

#include "base/json.h"
#include "crypto/key.h"

enum { JWK_SET_MAX_COUNT = 32, JWK_SET_MAX_BYTES = 256 * 1024, JWK_KID_MAX_BYTES = 256, JWK_X5C_MAX_COUNT = 4 };

/* The public members of a JWK. A private member ("d") in the input is ERR_FIELD_UNKNOWN. */
enum status jwk_to_key(const json_t *jwk, const char *path, struct refusal *why, struct key **key_out);

/* {"kty",...} without kid or use; the caller owns `jwk_out` and may add members. */
enum status jwk_from_key(const struct key *key, json_t **jwk_out);

/* A set with the `kid` of each key. All-zero is an empty set. */
struct jwk_set {
    struct {
        char kid[JWK_KID_MAX_BYTES + 1];
        struct key *key;
    } items[JWK_SET_MAX_COUNT];
    size_t count;
};
void jwk_set_done(struct jwk_set *set);

/* {"keys":[...]}. A key without `kid` takes its thumbprint (base64url). Keys of unknown kind are passed over; keys with
 * only x5c are read from the first certificate. */
enum status jwk_set_from_json(const json_t *set, const char *path, struct refusal *why, struct jwk_set *set_out);
enum status jwk_set_add(struct jwk_set *set, const char *kid, const struct key *key);
const struct key *jwk_set_find(const struct jwk_set *set, struct slice kid); /* NULL if none */
