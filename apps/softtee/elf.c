/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/elf.h"

#include "base/reader.h"

enum { SEGMENT_BYTES = 56, SEGMENT_MAX_COUNT = 256, SEGMENT_INTERPRETER = 3, TYPE_EXECUTABLE = 2, TYPE_SHARED = 3 };

struct segment_table {
    uint64_t offset;
    uint16_t count;
};

/* The ELF header of 64 bytes: identification, type, ..., program headers at 32, their size at 54 and count at 56. */
static enum status read_header(struct slice program, struct refusal *why, struct segment_table *table_out)
{
    static const uint8_t identification[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    struct reader reader = reader_over(program);
    uint16_t type, segment_bytes;
    if (!slice_starts_with(program, SLICE_ARRAY(identification)))
        return refuse(why, ERR_UNSUPPORTED, "program", "a 64-bit ELF program", "another file");
    TRY(reader_skip(&reader, 16));
    TRY(reader_u16_le(&reader, &type));
    TRY(reader_skip(&reader, 14));
    TRY(reader_u64_le(&reader, &table_out->offset));
    TRY(reader_skip(&reader, 14));
    TRY(reader_u16_le(&reader, &segment_bytes));
    TRY(reader_u16_le(&reader, &table_out->count));
    if ((type != TYPE_EXECUTABLE && type != TYPE_SHARED) || segment_bytes != SEGMENT_BYTES ||
        table_out->count > SEGMENT_MAX_COUNT)
        return refuse(why, ERR_UNSUPPORTED, "program", "an ELF program", "type %u, %u segments", type,
                      table_out->count);
    return OK;
}

/* A reader over `size` bytes from `offset`, both from the file. */
static enum status reader_at(struct slice program, uint64_t offset, uint64_t size, struct reader *reader_out)
{
    if (offset > program.size || size > program.size - offset) return ERR_TRUNCATED;
    *reader_out = reader_over(slice_part(program, (size_t)offset, (size_t)size));
    return OK;
}

static enum status read_segment(struct reader *table, uint32_t *type_out, uint64_t *offset_out, uint64_t *size_out)
{
    struct reader segment;
    TRY(reader_sub(table, SEGMENT_BYTES, &segment));
    TRY(reader_u32_le(&segment, type_out));
    TRY(reader_skip(&segment, 4));
    TRY(reader_u64_le(&segment, offset_out));
    TRY(reader_skip(&segment, 16));
    return reader_u64_le(&segment, size_out);
}

enum status elf_interpreter(struct slice program, struct refusal *why, struct slice *path_out)
{
    struct segment_table segments;
    struct reader table;
    TRY(read_header(program, why, &segments));
    TRY(reader_at(program, segments.offset, (uint64_t)segments.count * SEGMENT_BYTES, &table));
    for (uint16_t i = 0; i < segments.count; i++) {
        uint32_t type;
        uint64_t offset, size;
        TRY(read_segment(&table, &type, &offset, &size));
        if (type != SEGMENT_INTERPRETER) continue;
        struct reader text;
        TRY(reader_at(program, offset, size, &text));
        if (size == 0 || text.rest.bytes[size - 1] != 0)
            return refuse(why, ERR_UNSUPPORTED, "program.interpreter", "text that ends with a NUL", "other bytes");
        *path_out = slice_part(text.rest, 0, (size_t)size - 1);
        return OK;
    }
    *path_out = (struct slice){};
    return OK;
}
