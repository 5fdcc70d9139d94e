/* SPDX-License-Identifier: Apache-2.0
 *
 * What only the evaluator does with a claim set: takes back what a rule added that then failed, and keeps its index in
 * the set's memory, so that an evaluation allocates nothing. Texts of claims keep their place until they are taken
 * back.
 */
#pragma once

#include "policy/claims.h"
#include "policy/language/memory.h"

struct claim_set_mark {
    size_t count, bytes;
    struct memory_mark text;
};
struct claim_set_mark claim_set_mark(const struct claim_set *set);
void claim_set_take_back(struct claim_set *set, struct claim_set_mark mark);

/* Memory of the set's for the length of an evaluation, not initialized; the same piece at each call. ERR_NO_MEMORY. */
enum status claim_set_room(struct claim_set *set, size_t size, void **room_out);

bool claim_value_equal(const struct claim_value *one, const struct claim_value *other);
