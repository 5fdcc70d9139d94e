/* SPDX-License-Identifier: Apache-2.0
 *
 * A borrowed, read-only run of bytes, valid as long as its source. The empty slice may have a NULL pointer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const uint8_t *bytes;
    size_t size;
};

static inline struct slice slice_of(const void *bytes, size_t size)
{
    return (struct slice){.bytes = bytes, .size = size};
}

/* A string literal or array without its terminating NUL. */
#define SLICE_LITERAL(text) ((struct slice){.bytes = (const uint8_t *)(text), .size = sizeof(text) - 1})

/* A whole array object. */
#define SLICE_ARRAY(array) ((struct slice){.bytes = (const uint8_t *)(array), .size = sizeof(array)})

/* The text of a NUL-terminated string; NULL gives the empty slice. */
struct slice slice_of_text(const char *text);

/* Equality in time that depends on content: for public values only. Secrets are compared with slice_equal_secret. */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_text(struct slice a, const char *text);
bool slice_equal_secret(struct slice a, struct slice b);

bool slice_starts_with(struct slice text, struct slice prefix);
bool slice_is_zero(struct slice bytes);

/* Splits at the first `separator`: the part before and the part after. False (and nothing written) if there is none. */
bool slice_split(struct slice text, uint8_t separator, struct slice *before_out, struct slice *after_out);

/* The bytes from `offset` of at most `size`; clipped to the slice, so always valid. */
struct slice slice_part(struct slice text, size_t offset, size_t size);

/* The unsigned number that at most 8 bytes are in little endian; of more, the first 8. */
uint64_t slice_number_le(struct slice bytes);
