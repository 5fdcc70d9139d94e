/* SPDX-License-Identifier: Apache-2.0
 *
 * An owned, growable run of bytes with a maximum that must be named at init. All-zero is a valid empty buffer of
 * maximum 0. Its memory is wiped when it grows and when it is freed, so it may hold patient data.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

struct buffer {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    size_t maximum;
};

struct buffer buffer_of_maximum(size_t maximum);
void buffer_done(struct buffer *buffer);

/* Moves the content out and leaves an empty buffer of the same maximum. */
struct buffer buffer_take(struct buffer *buffer);

/* Empties without freeing; the old content is wiped. */
void buffer_clear(struct buffer *buffer);

struct slice buffer_slice(const struct buffer *buffer);

/* Appends. ERR_TOO_LARGE if the maximum would be passed, ERR_NO_MEMORY; the buffer is then unchanged. */
enum status buffer_append(struct buffer *buffer, struct slice bytes);
enum status buffer_append_text(struct buffer *buffer, const char *text);
[[gnu::format(printf, 2, 3)]] enum status buffer_append_format(struct buffer *buffer, const char *format, ...);
enum status buffer_append_u8(struct buffer *buffer, uint8_t value);
enum status buffer_append_u16(struct buffer *buffer, uint16_t value);
enum status buffer_append_u32(struct buffer *buffer, uint32_t value);
enum status buffer_append_u64(struct buffer *buffer, uint64_t value);
enum status buffer_append_u16_le(struct buffer *buffer, uint16_t value);
enum status buffer_append_u32_le(struct buffer *buffer, uint32_t value);

/* Appends `size` zero bytes and returns where they stand, for calls that write into place. The pointer is valid until
 * the next append. */
enum status buffer_extend(struct buffer *buffer, size_t size, uint8_t **bytes_out);

/* Shortens to `size`; the tail is wiped. A larger size is ignored. */
void buffer_truncate(struct buffer *buffer, size_t size);

/* Makes sure that a NUL stands behind the content (not counted in size) and returns it as text. The content may
 * itself contain NUL bytes: the caller has checked, or does not care. */
enum status buffer_text(struct buffer *buffer, const char **text_out);
