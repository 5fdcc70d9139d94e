/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/memory.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 8 * 1024, KEPT_BYTES = 64 * 1024, ALIGNMENT = 16 };

struct memory_block {
    struct memory_block *next;
    size_t size;
    alignas(ALIGNMENT) uint8_t bytes[];
};

static void free_from(struct memory_block *block)
{
    while (block != NULL) {
        struct memory_block *const next = block->next;
        free(block);
        block = next;
    }
}

void memory_done(struct memory *memory)
{
    free_from(memory->first);
    *memory = (struct memory){.maximum = memory->maximum};
}

void memory_clear(struct memory *memory)
{
    struct memory_block **place = &memory->first;
    for (size_t kept = 0; *place != NULL && kept + (*place)->size <= KEPT_BYTES; place = &(*place)->next)
        kept += (*place)->size;
    free_from(*place);
    *place = NULL;
    *memory = (struct memory){.first = memory->first, .current = memory->first, .maximum = memory->maximum};
}

/* Goes on to the next block that is large enough, a new one if need be. */
static enum status next_block(struct memory *memory, size_t size)
{
    struct memory_block **place = memory->current != NULL ? &memory->current->next : &memory->first;
    if (*place == NULL || (*place)->size < size) {
        const size_t bytes = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct memory_block *const block = malloc(sizeof(*block) + bytes);
        if (block == NULL) return ERR_NO_MEMORY;
        block->size = bytes;
        block->next = *place;
        *place = block;
    }
    memory->current = *place;
    memory->used = 0;
    return OK;
}

enum status memory_take(struct memory *memory, size_t size, void **piece_out)
{
    if (size > memory->maximum || memory->total > memory->maximum - size) return ERR_POLICY_LIMIT;
    const size_t room = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (memory->current == NULL || room > memory->current->size - memory->used) TRY(next_block(memory, room));
    memory->total += size;
    *piece_out = memory->current->bytes + memory->used;
    memory->used += room;
    return OK;
}

enum status memory_copy(struct memory *memory, struct slice bytes, struct slice *copy_out)
{
    void *copy;
    TRY(memory_take(memory, bytes.size, &copy));
    if (bytes.size > 0) memcpy(copy, bytes.bytes, bytes.size);
    *copy_out = slice_of(copy, bytes.size);
    return OK;
}

void memory_release(struct memory *memory, struct memory_mark mark)
{
    memory->current = mark.block;
    memory->used = mark.used;
    memory->total = mark.total;
}
