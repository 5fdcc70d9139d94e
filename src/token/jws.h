/* SPDX-License-Identifier: Apache-2.0
 *
 * Compact JWS (RFC 7515) with RS256 or ES256. Every kind has its own `typ`, which is checked before the signature.
 * "none" is never accepted.
 */
#pragma once

#include "base/json.h"
#include "crypto/key.h"
#include "token/jwk.h"

enum { JWS_MAX_BYTES = 256 * 1024, JWS_HEADER_MAX_BYTES = 16 * 1024, JWS_SIGNATURE_MAX_BYTES = 512 };

/* `typ` of each kind that Lazaret signs. */
#define JWS_TYP_TOKEN "JWT"
#define JWS_TYP_MANIFEST "lazaret-manifest+jwt"
#define JWS_TYP_STATEMENT "lazaret-statement+jwt"
#define JWS_TYP_EVIDENCE_PROOF "lazaret-evidence-proof+jwt"
#define JWS_TYP_RECEIPT "lazaret-receipt+jwt"

/* A parsed, not yet verified JWS. */
struct jws {
    struct slice signing_input; /* header.payload, borrowed from the text */
    json_t *header;
    json_t *payload;
    struct buffer signature;
    struct slice algorithm, type, kid; /* borrowed from header; kid is empty if absent */
};
void jws_done(struct jws *jws);

/* The three parts of a compact JWS, still encoded. ERR_TOKEN_MALFORMED. */
enum status jws_split(struct slice text, struct refusal *why, struct slice parts_out[static 3]);

/* One part that is a JSON object, which the caller owns; refusals call it `field`. ERR_TOKEN_MALFORMED. */
enum status jws_decode_object(struct slice part, const char *field, size_t max_size, struct refusal *why,
                              json_t **object_out);

/* The part that is a signature, appended. ERR_TOKEN_MALFORMED. */
enum status jws_decode_signature(struct slice part, struct refusal *why, struct buffer *signature);

/* Parses without verifying. Header and payload are JSON objects; `crit` is refused, since no extension is known here
 * (RFC 7515 section 4.1.11). ERR_TOKEN_MALFORMED, ERR_TOO_LARGE. `text` must outlive `jws_out`. */
enum status jws_parse(struct slice text, struct refusal *why, struct jws *jws_out);

/* `typ` exactly, and `alg` one of RS256 and ES256: what can be judged before a key is chosen. ERR_TOKEN_TYPE,
 * ERR_TOKEN_ALGORITHM. */
enum status jws_check_header(const struct jws *jws, const char *type, struct refusal *why);

/* Checks `typ` (exactly), the algorithm (RS256 with an RSA key, ES256 with a P-256 key) and the signature.
 * ERR_TOKEN_TYPE, ERR_TOKEN_ALGORITHM, ERR_TOKEN_SIGNATURE. */
enum status jws_verify(const struct jws *jws, const char *type, const struct key *key, struct refusal *why);

/* Appends the compact form. The header is {"alg","kid"?,"typ"} plus the members of `extra_header` (NULL or an object).
 * The algorithm follows from the key's kind. ERR_UNSUPPORTED for a kind that does not sign, ERR_TOO_LARGE. */
enum status jws_sign(const char *type, const char *kid, const json_t *extra_header, const json_t *payload,
                     const struct key *key, struct buffer *text);

/* The same over a payload that is JSON text already, for whoever writes thousands a second: appended as it is. */
enum status jws_sign_text(const char *type, const char *kid, const json_t *extra_header, struct slice payload,
                          const struct key *key, struct buffer *text);

/* SHA-256 of a token's text, as it is named in statements and proofs. */
enum status jws_hash(struct slice text, uint8_t digest_out[static 32]);
