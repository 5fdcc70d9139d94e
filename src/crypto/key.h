/* SPDX-License-Identifier: Apache-2.0
 *
 * Asymmetric keys, private or public, of the four kinds that Lazaret uses. A key object is parsed and checked once and
 * then reused: parsing again for each request costs more than the signature (reference: recipes, OpenSSL).
 * Keys are immutable and may be used by several threads. Errors: ERR_CRYPTO, ERR_KEY_INVALID.
 */
#pragma once

#include "base/buffer.h"
#include "base/secret.h"
#include "crypto/hash.h"

enum key_kind { KEY_P256, KEY_P384, KEY_X25519, KEY_RSA };

enum {
    P256_COORDINATE_BYTES = 32,
    P256_POINT_BYTES = 64,     /* x || y, big endian, without the 04 prefix */
    P256_SIGNATURE_BYTES = 64, /* r || s, big endian */
    P384_COORDINATE_BYTES = 48,
    P384_POINT_BYTES = 96,
    P384_SIGNATURE_BYTES = 96,
    X25519_BYTES = 32,
    RSA_MIN_BITS = 2048,
    RSA_MAX_BITS = 4096,
    RSA_MAX_BYTES = RSA_MAX_BITS / 8,
    KEY_PEM_MAX_BYTES = 8192,
    KEY_THUMBPRINT_BYTES = 32,
};

struct key;

void key_free(struct key *key);
void key_cleanup(struct key **key);
enum key_kind key_kind(const struct key *key);
bool key_is_private(const struct key *key);

/* Another owner of the same key; never fails. */
struct key *key_share(const struct key *key);

/* `bits` matters for RSA only. */
enum status key_generate(enum key_kind kind, unsigned bits, struct key **key_out);

/* Public keys from their numbers. Points off the curve, the point at infinity, even RSA exponents and sizes outside
 * RSA_MIN_BITS..RSA_MAX_BITS are ERR_KEY_INVALID. */
enum status key_from_p256_point(struct slice point, struct key **key_out);
enum status key_from_p384_point(struct slice point, struct key **key_out);
enum status key_from_x25519(struct slice public_bytes, struct key **key_out);
enum status key_from_rsa(struct slice modulus, struct slice exponent, struct key **key_out);

/* Private keys: P-256 from its 32-byte scalar (the public half is computed), X25519 from its 32 bytes. */
enum status key_private_from_p256(struct slice scalar, struct key **key_out);
enum status key_private_from_x25519(struct slice private_bytes, struct key **key_out);

/* PEM text: SubjectPublicKeyInfo ("PUBLIC KEY") and unencrypted PKCS#8 ("PRIVATE KEY"). */
enum status key_from_public_pem(struct slice pem, struct key **key_out);
enum status key_from_private_pem(struct slice pem, struct key **key_out);
enum status key_public_pem(const struct key *key, struct buffer *pem);
enum status key_private_pem(const struct key *key, struct secret *pem_out);

/* The numbers of the public half, appended: P-256 and P-384 x || y, X25519 (32), RSA modulus and exponent (big endian,
 * no leading zeros). ERR_UNSUPPORTED for another kind. */
enum status key_public_bytes(const struct key *key, struct buffer *bytes);
enum status key_rsa_numbers(const struct key *key, struct buffer *modulus, struct buffer *exponent);
enum status key_private_bytes(const struct key *key, struct secret *bytes_out); /* P-256 scalar, X25519 */

/* JWK thumbprint, RFC 7638 with SHA-256 (RFC 8037 for X25519). */
enum status key_thumbprint(const struct key *key, uint8_t thumbprint_out[static KEY_THUMBPRINT_BYTES]);

/* Whether two keys have the same public half. */
bool key_equal(const struct key *a, const struct key *b);

/* How RSA signatures are padded; other keys ignore it. PSS salts have the digest's length, or any (which a TPM may
 * choose, TPM 2.0 Library part 1 annex B.7). */
enum key_padding { KEY_PKCS1, KEY_PSS, KEY_PSS_ANY_SALT };

/* Signatures over a digest of `message`, SHA-256 or SHA-384 (ERR_UNSUPPORTED for another). P-256 and P-384: r || s.
 * RSA: RSASSA-PKCS1-v1_5 or RSASSA-PSS. `verify`: ERR_SIGNATURE. */
enum status key_sign_with(const struct key *key, enum hash hash, enum key_padding padding, struct slice message,
                          struct buffer *signature);
enum status key_verify_with(const struct key *key, enum hash hash, enum key_padding padding, struct slice message,
                            struct slice signature);

/* The two that most need: SHA-256 with PKCS1 (P-256 and RSA alone), and PS256 (RSA, a salt of 32 bytes). */
enum status key_sign(const struct key *key, struct slice message, struct buffer *signature);
enum status key_verify(const struct key *key, struct slice message, struct slice signature);
enum status key_verify_pss(const struct key *key, struct slice message, struct slice signature);

/* X25519 agreement, 32 bytes; an all-zero result is ERR_KEY_INVALID (RFC 9180 section 7.1.4). */
enum status key_agree(const struct key *mine, const struct key *peer, struct secret *shared_out);
