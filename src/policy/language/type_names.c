/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/type_names.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOT_COUNT = 64 };

/* FNV-1a. Names are the policy's own; those of claims are only looked up, so nobody can make them collide. */
static uint64_t hash_of(struct slice name)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < name.size; i++) hash = (hash ^ name.bytes[i]) * 0x100000001b3;
    return hash ^ hash >> 32;
}

void type_names_done(struct type_names *types)
{
    free(types->names);
    free(types->slots);
    *types = (struct type_names){};
}

/* The slot of the name, or the free one where it belongs. */
static size_t slot_of(const struct type_names *types, struct slice name, uint64_t hash)
{
    size_t slot = hash & (types->slot_count - 1);
    while (types->slots[slot] != TYPE_NONE) {
        const struct type_name *const held = &types->names[types->slots[slot]];
        if (held->hash == hash && slice_equal(held->name, name)) break;
        slot = (slot + 1) & (types->slot_count - 1);
    }
    return slot;
}

uint16_t type_names_find(const struct type_names *types, struct slice name)
{
    return types->count == 0 ? TYPE_NONE : types->slots[slot_of(types, name, hash_of(name))];
}

/* At most half of the slots are taken. */
static enum status grow(struct type_names *types)
{
    const size_t slot_count = types->slot_count == 0 ? FIRST_SLOT_COUNT : types->slot_count * 2;
    uint16_t *const slots = malloc(slot_count * sizeof(*slots));
    if (slots == NULL) return ERR_NO_MEMORY;
    struct type_name *const names = realloc(types->names, slot_count / 2 * sizeof(*names));
    if (names == NULL) {
        free(slots);
        return ERR_NO_MEMORY;
    }
    free(types->slots);
    types->names = names;
    types->slots = slots;
    types->slot_count = slot_count;
    memset(slots, 0xff, slot_count * sizeof(*slots));
    for (size_t i = 0; i < types->count; i++) slots[slot_of(types, names[i].name, names[i].hash)] = (uint16_t)i;
    return OK;
}

enum status type_names_add(struct type_names *types, struct slice name, uint16_t *type_out)
{
    if (types->count * 2 >= types->slot_count) TRY(grow(types));
    const uint64_t hash = hash_of(name);
    const size_t slot = slot_of(types, name, hash);
    if (types->slots[slot] == TYPE_NONE) {
        types->names[types->count] = (struct type_name){.name = name, .hash = hash};
        types->slots[slot] = (uint16_t)types->count++;
    }
    *type_out = types->slots[slot];
    return OK;
}
