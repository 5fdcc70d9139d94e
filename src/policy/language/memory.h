/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is taken piece by piece and given back at once: of a claim set, a compiled policy, one evaluation.
 * Pieces keep their place until they are given back. All-zero with a maximum is valid and empty.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

struct memory_block;
struct memory {
    struct memory_block *first, *current;
    size_t used;    /* of the current block */
    size_t total;   /* taken */
    size_t maximum; /* of total */
};

void memory_done(struct memory *memory);

/* Gives everything back but keeps a small amount at hand. */
void memory_clear(struct memory *memory);

/* ERR_POLICY_LIMIT past the maximum, ERR_NO_MEMORY. */
enum status memory_take(struct memory *memory, size_t size, void **piece_out);
enum status memory_copy(struct memory *memory, struct slice bytes, struct slice *copy_out);

/* Gives back what was taken since the mark. */
struct memory_mark {
    struct memory_block *block;
    size_t used, total;
};
static inline struct memory_mark memory_mark(const struct memory *memory)
{
    return (struct memory_mark){.block = memory->current, .used = memory->used, .total = memory->total};
}
void memory_release(struct memory *memory, struct memory_mark mark);
