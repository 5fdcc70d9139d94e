/* SPDX-License-Identifier: Apache-2.0
 *
 * The claim types that a policy names, numbered, so that rules find their claims without comparing texts.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

enum { TYPE_NONE = UINT16_MAX /* of a type that the policy does not name */ };

struct type_name {
    struct slice name;
    uint64_t hash;
};

/* A hash table with linear probing. All-zero is valid and empty; fewer than TYPE_NONE names fit into a policy's text.
 */
struct type_names {
    struct type_name *names;
    uint16_t *slots; /* index into names, or TYPE_NONE */
    size_t count, slot_count;
};

void type_names_done(struct type_names *types);

/* The name's number, TYPE_NONE if it was not added. */
uint16_t type_names_find(const struct type_names *types, struct slice name);

/* Borrows the name. Adding it again gives the same number. ERR_NO_MEMORY. */
enum status type_names_add(struct type_names *types, struct slice name, uint16_t *type_out);
