/* SPDX-License-Identifier: Apache-2.0
 *
 * Text forms of bytes: base64url without padding (RFC 4648 section 5, as in RFC 7515), standard base64 with padding
 * (section 4) and lower-case hexadecimal. Decoders are strict unless named `_lenient`. All append to a buffer.
 * Errors: ERR_ENCODING, and those of buffer_append.
 */
#pragma once

#include "base/buffer.h"

enum status base64url_encode(struct slice bytes, struct buffer *text);
enum status base64url_decode(struct slice text, struct buffer *bytes);
enum status base64_encode(struct slice bytes, struct buffer *text);
enum status base64_decode(struct slice text, struct buffer *bytes);

/* Both alphabets, optional padding, as Azure Attestation's clients send (reference: its 2025 examples). */
enum status base64_decode_lenient(struct slice text, struct buffer *bytes);

enum status hex_encode(struct slice bytes, struct buffer *text);
enum status hex_decode(struct slice text, struct buffer *bytes); /* either case */

/* Exactly `size` bytes into an array; ERR_ENCODING if the text holds another number. */
enum status hex_decode_exact(struct slice text, size_t size, uint8_t *bytes_out);
enum status base64url_decode_exact(struct slice text, size_t size, uint8_t *bytes_out);

/* Fixed-size text of 32 bytes, for digests and thumbprints: 64 hex digits, 43 base64url characters, NUL-terminated. */
struct hex32 {
    char text[65];
};
struct base64url32 {
    char text[44];
};
struct hex32 hex_of_32(const uint8_t bytes[static 32]);
struct base64url32 base64url_of_32(const uint8_t bytes[static 32]);

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF; `allow_controls` false refuses U+0000..U+001F and
 * U+007F too. */
bool utf8_is_valid(struct slice text, bool allow_controls);
