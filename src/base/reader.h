/* SPDX-License-Identifier: Apache-2.0
 *
 * A cursor over a slice: the only way in which bytes from outside are parsed. Every call either moves past what it
 * read or fails and leaves the cursor and the outputs as they were.
 * Errors of all calls: ERR_TRUNCATED, unless said otherwise.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

struct reader {
    struct slice rest; /* what has not been read yet */
};

struct reader reader_over(struct slice bytes);
size_t reader_left(const struct reader *reader);

/* Unsigned integers, big endian (network order) and little endian (`_le`). */
enum status reader_u8(struct reader *reader, uint8_t *value_out);
enum status reader_u16(struct reader *reader, uint16_t *value_out);
enum status reader_u32(struct reader *reader, uint32_t *value_out);
enum status reader_u64(struct reader *reader, uint64_t *value_out);
enum status reader_u16_le(struct reader *reader, uint16_t *value_out);
enum status reader_u32_le(struct reader *reader, uint32_t *value_out);
enum status reader_u64_le(struct reader *reader, uint64_t *value_out);

/* The next `size` bytes, borrowed from the source. */
enum status reader_slice(struct reader *reader, size_t size, struct slice *bytes_out);

/* The next `size` bytes, copied into `bytes_out`. */
enum status reader_copy(struct reader *reader, size_t size, uint8_t *bytes_out);

/* A reader over the next `size` bytes. */
enum status reader_sub(struct reader *reader, size_t size, struct reader *sub_out);

enum status reader_skip(struct reader *reader, size_t size);

/* Nothing may be left. ERR_TRAILING_BYTES. */
enum status reader_end(const struct reader *reader);
