/* SPDX-License-Identifier: Apache-2.0
 *
 * The interpreter, as functions see it: map and sort_by search on their own.
 */
#pragma once

#include "policy/jmespath/tree.h"
#include "policy/jmespath/values.h"

struct search {
    const struct jmespath *expression;
    struct work work;
};

/* What `id` finds in `current`: a value that the caller owns, JSON null if nothing. */
enum status search_node(struct search *search, node_id id, json_t *current, json_t **value_out);
