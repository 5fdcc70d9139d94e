/* SPDX-License-Identifier: Apache-2.0
 *
 * Stand-ins for signatures (--wrap of key_sign and key_verify in meson.build), for targets that sign every input and
 * verify a whole world around it: the library's arithmetic is nothing that a fuzzer could move. What the target signs
 * is a digest over key and message in the shape of r || s; what OpenSSL verified once is remembered; all else goes to
 * OpenSSL as in the product.
 */
#pragma once

#include "crypto/hash.h"
#include "crypto/key.h"
#include "parts.h"

#include <string.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
enum status __real_key_sign(const struct key *key, struct slice message, struct buffer *signature);
enum status __wrap_key_sign(const struct key *key, struct slice message, struct buffer *signature);
enum status __real_key_verify(const struct key *key, struct slice message, struct slice signature);
enum status __wrap_key_verify(const struct key *key, struct slice message, struct slice signature);
/* NOLINTEND(bugprone-reserved-identifier) */

static inline void signature_digest(const struct key *key, struct slice message, struct slice signature,
                                    uint8_t digest_out[static SHA256_BYTES])
{
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    must(key_public_bytes(key, &point));
    const struct slice parts[] = {buffer_slice(&point), signature, message};
    must(sha256_parts(parts, 3, digest_out));
}

/* The digest twice: both halves are numbers that a signature could have. */
static inline void quick_signature(const struct key *key, struct slice message,
                                   uint8_t signature_out[static P256_SIGNATURE_BYTES])
{
    signature_digest(key, message, (struct slice){}, signature_out);
    memcpy(signature_out + SHA256_BYTES, signature_out, SHA256_BYTES);
}

enum status __wrap_key_sign(const struct key *key, struct slice message, struct buffer *signature)
{
    if (key_kind(key) != KEY_P256 || !key_is_private(key)) return __real_key_sign(key, message, signature);
    uint8_t made[P256_SIGNATURE_BYTES];
    quick_signature(key, message, made);
    return buffer_append(signature, SLICE_ARRAY(made));
}

/* Of the library's good verifications so many are remembered, the latest. */
enum { REMEMBERED_COUNT = 32 };

enum status __wrap_key_verify(const struct key *key, struct slice message, struct slice signature)
{
    static uint8_t remembered[REMEMBERED_COUNT][SHA256_BYTES];
    static size_t next;
    if (key_kind(key) != KEY_P256) return __real_key_verify(key, message, signature);
    uint8_t quick[P256_SIGNATURE_BYTES], digest[SHA256_BYTES];
    quick_signature(key, message, quick);
    if (slice_equal(signature, SLICE_ARRAY(quick))) return OK;
    signature_digest(key, message, signature, digest);
    for (size_t i = 0; i < REMEMBERED_COUNT; i++) {
        if (slice_equal(SLICE_ARRAY(remembered[i]), SLICE_ARRAY(digest))) return OK;
    }
    TRY(__real_key_verify(key, message, signature));
    memcpy(remembered[next++ % REMEMBERED_COUNT], digest, sizeof(digest));
    return OK;
}
