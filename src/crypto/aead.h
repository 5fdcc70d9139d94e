/* SPDX-License-Identifier: Apache-2.0
 *
 * AES-GCM with 12-byte nonces and 16-byte tags (NIST SP 800-38D; AEAD_AES_128_GCM and AEAD_AES_256_GCM of RFC 5116).
 * The key's size chooses the algorithm: 16 or 32 bytes, anything else is ERR_KEY_INVALID.
 */
#pragma once

#include "base/buffer.h"

enum { AEAD_NONCE_BYTES = 12, AEAD_TAG_BYTES = 16 };

/* Appends ciphertext and tag. */
enum status aead_seal(struct slice key, struct slice nonce, struct slice associated_data, struct slice plaintext,
                      struct buffer *sealed);

/* Appends the plaintext; nothing is appended unless the tag verifies. ERR_AUTHENTICATION, ERR_TRUNCATED. */
enum status aead_open(struct slice key, struct slice nonce, struct slice associated_data, struct slice sealed,
                      struct buffer *plaintext);
