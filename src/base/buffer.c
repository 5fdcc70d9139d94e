/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_FIRST_CAPACITY = 64 };

struct buffer buffer_of_maximum(size_t maximum)
{
    return (struct buffer){.maximum = maximum};
}

void buffer_done(struct buffer *buffer)
{
    if (buffer->bytes != NULL) explicit_bzero(buffer->bytes, buffer->capacity);
    free(buffer->bytes);
    *buffer = (struct buffer){.maximum = buffer->maximum};
}

struct buffer buffer_take(struct buffer *buffer)
{
    const struct buffer taken = *buffer;
    *buffer = (struct buffer){.maximum = taken.maximum};
    return taken;
}

void buffer_clear(struct buffer *buffer)
{
    buffer_truncate(buffer, 0);
}

struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_of(buffer->bytes, buffer->size);
}

/* realloc would leave a copy of the old content behind, so grow by hand and wipe. One byte more than asked for keeps
 * room for buffer_text. */
static enum status reserve(struct buffer *buffer, size_t more)
{
    if (more > buffer->maximum - buffer->size) return ERR_TOO_LARGE;
    const size_t needed = buffer->size + more + 1;
    if (needed <= buffer->capacity) return OK;
    size_t capacity = buffer->capacity < BUFFER_FIRST_CAPACITY ? BUFFER_FIRST_CAPACITY : buffer->capacity * 2;
    if (capacity < needed) capacity = needed;
    if (capacity > buffer->maximum + 1) capacity = buffer->maximum + 1;
    uint8_t *const grown = malloc(capacity);
    if (grown == NULL) return ERR_NO_MEMORY;
    if (buffer->size > 0) memcpy(grown, buffer->bytes, buffer->size);
    if (buffer->bytes != NULL) explicit_bzero(buffer->bytes, buffer->capacity);
    free(buffer->bytes);
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return OK;
}

enum status buffer_extend(struct buffer *buffer, size_t size, uint8_t **bytes_out)
{
    TRY(reserve(buffer, size));
    uint8_t *const place = buffer->bytes + buffer->size;
    memset(place, 0, size);
    buffer->size += size;
    *bytes_out = place;
    return OK;
}

enum status buffer_append(struct buffer *buffer, struct slice bytes)
{
    TRY(reserve(buffer, bytes.size));
    if (bytes.size > 0) memcpy(buffer->bytes + buffer->size, bytes.bytes, bytes.size);
    buffer->size += bytes.size;
    return OK;
}

enum status buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, slice_of_text(text));
}

enum status buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    const int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    enum status status = size < 0 ? ERR_ENCODING : reserve(buffer, (size_t)size);
    if (status == OK) {
        (void)vsnprintf((char *)buffer->bytes + buffer->size, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
    return status;
}

static enum status append_big_endian(struct buffer *buffer, uint64_t value, size_t size)
{
    uint8_t bytes[sizeof(value)];
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    return buffer_append(buffer, slice_of(bytes, size));
}

enum status buffer_append_u8(struct buffer *buffer, uint8_t value)
{
    TRY(reserve(buffer, 1));
    buffer->bytes[buffer->size++] = value;
    return OK;
}

enum status buffer_append_u16(struct buffer *buffer, uint16_t value)
{
    return append_big_endian(buffer, value, sizeof(value));
}

enum status buffer_append_u32(struct buffer *buffer, uint32_t value)
{
    return append_big_endian(buffer, value, sizeof(value));
}

enum status buffer_append_u64(struct buffer *buffer, uint64_t value)
{
    return append_big_endian(buffer, value, sizeof(value));
}

enum status buffer_append_u16_le(struct buffer *buffer, uint16_t value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8)};
    return buffer_append(buffer, SLICE_ARRAY(bytes));
}

enum status buffer_append_u32_le(struct buffer *buffer, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    return buffer_append(buffer, SLICE_ARRAY(bytes));
}

void buffer_truncate(struct buffer *buffer, size_t size)
{
    if (size >= buffer->size) return;
    explicit_bzero(buffer->bytes + size, buffer->size - size);
    buffer->size = size;
}

enum status buffer_text(struct buffer *buffer, const char **text_out)
{
    TRY(reserve(buffer, 0));
    buffer->bytes[buffer->size] = '\0';
    *text_out = (const char *)buffer->bytes;
    return OK;
}
