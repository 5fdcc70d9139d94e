/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"

#include <string.h>

struct reader reader_over(struct slice bytes)
{
    return (struct reader){.rest = bytes};
}

size_t reader_left(const struct reader *reader)
{
    return reader->rest.size;
}

enum status reader_slice(struct reader *reader, size_t size, struct slice *bytes_out)
{
    if (size > reader->rest.size) return ERR_TRUNCATED;
    *bytes_out = slice_of(reader->rest.bytes, size);
    if (size > 0) reader->rest = slice_of(reader->rest.bytes + size, reader->rest.size - size);
    return OK;
}

static enum status read_big_endian(struct reader *reader, size_t size, uint64_t *value_out)
{
    struct slice bytes;
    TRY(reader_slice(reader, size, &bytes));
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | bytes.bytes[i];
    *value_out = value;
    return OK;
}

static enum status read_little_endian(struct reader *reader, size_t size, uint64_t *value_out)
{
    struct slice bytes;
    TRY(reader_slice(reader, size, &bytes));
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--) value = value << 8 | bytes.bytes[i - 1];
    *value_out = value;
    return OK;
}

enum status reader_u8(struct reader *reader, uint8_t *value_out)
{
    uint64_t value;
    TRY(read_big_endian(reader, sizeof(*value_out), &value));
    *value_out = (uint8_t)value;
    return OK;
}

enum status reader_u16(struct reader *reader, uint16_t *value_out)
{
    uint64_t value;
    TRY(read_big_endian(reader, sizeof(*value_out), &value));
    *value_out = (uint16_t)value;
    return OK;
}

enum status reader_u32(struct reader *reader, uint32_t *value_out)
{
    uint64_t value;
    TRY(read_big_endian(reader, sizeof(*value_out), &value));
    *value_out = (uint32_t)value;
    return OK;
}

enum status reader_u64(struct reader *reader, uint64_t *value_out)
{
    return read_big_endian(reader, sizeof(*value_out), value_out);
}

enum status reader_u16_le(struct reader *reader, uint16_t *value_out)
{
    uint64_t value;
    TRY(read_little_endian(reader, sizeof(*value_out), &value));
    *value_out = (uint16_t)value;
    return OK;
}

enum status reader_u32_le(struct reader *reader, uint32_t *value_out)
{
    uint64_t value;
    TRY(read_little_endian(reader, sizeof(*value_out), &value));
    *value_out = (uint32_t)value;
    return OK;
}

enum status reader_u64_le(struct reader *reader, uint64_t *value_out)
{
    return read_little_endian(reader, sizeof(*value_out), value_out);
}

enum status reader_copy(struct reader *reader, size_t size, uint8_t *bytes_out)
{
    struct slice bytes;
    TRY(reader_slice(reader, size, &bytes));
    if (size > 0) memcpy(bytes_out, bytes.bytes, size);
    return OK;
}

enum status reader_sub(struct reader *reader, size_t size, struct reader *sub_out)
{
    struct slice bytes;
    TRY(reader_slice(reader, size, &bytes));
    *sub_out = reader_over(bytes);
    return OK;
}

enum status reader_skip(struct reader *reader, size_t size)
{
    struct slice skipped;
    return reader_slice(reader, size, &skipped);
}

enum status reader_end(const struct reader *reader)
{
    return reader->rest.size == 0 ? OK : ERR_TRAILING_BYTES;
}
