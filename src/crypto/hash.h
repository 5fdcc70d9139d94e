/* SPDX-License-Identifier: Apache-2.0
 *
 * Digests, HMAC and HKDF (RFC 5869), over algorithms that are fetched once. Errors: ERR_CRYPTO.
 */
#pragma once

#include "base/secret.h"

enum { SHA1_BYTES = 20, SHA256_BYTES = 32, SHA384_BYTES = 48, SHA512_BYTES = 64, HASH_MAX_BYTES = SHA512_BYTES };

/* SHA-1 is here for the PCR banks of old TPMs alone: no signature is taken over it. */
enum hash { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512 };
enum { HASH_COUNT = HASH_SHA512 + 1 };
size_t hash_bytes(enum hash hash);

/* The digest of several parts, one after the other, by an algorithm that is told at run time: hash_bytes(hash) bytes.
 */
enum status hash_parts(enum hash hash, const struct slice *parts, size_t count, uint8_t digest_out[static SHA1_BYTES]);

enum status sha256(struct slice bytes, uint8_t digest_out[static SHA256_BYTES]);
enum status sha384(struct slice bytes, uint8_t digest_out[static SHA384_BYTES]);

/* The digest of several parts, one after the other. */
enum status sha256_parts(const struct slice *parts, size_t count, uint8_t digest_out[static SHA256_BYTES]);

/* A digest in steps, for files. */
struct sha256_stream;
enum status sha256_stream_new(struct sha256_stream **stream_out);
enum status sha256_stream_add(struct sha256_stream *stream, struct slice bytes);
enum status sha256_stream_end(struct sha256_stream *stream, uint8_t digest_out[static SHA256_BYTES]);
void sha256_stream_cleanup(struct sha256_stream **stream);

enum status hmac_sha256(struct slice key, struct slice bytes, uint8_t mac_out[static SHA256_BYTES]);

/* HKDF-SHA256. `expand` writes `size` bytes, at most 255 * 32; ERR_TOO_LARGE. `key_out` may be used in place. */
enum status hkdf_extract(struct slice salt, struct slice input_key, uint8_t pseudo_random_key_out[static SHA256_BYTES]);
enum status hkdf_expand(struct slice pseudo_random_key, struct slice info, size_t size, uint8_t *key_out);

/* Extract, then expand, into a new secret: for deriving one key from another under a label. */
enum status hkdf_derive(struct slice input_key, struct slice salt, struct slice info, size_t size,
                        struct secret *key_out);
