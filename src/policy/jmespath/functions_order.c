/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorting and extremes. Keys are numbers alone or strings alone; elements with equal keys keep their order, and of
 * several extremes the first counts.
 */
#include "policy/jmespath/functions.h"

#include "policy/jmespath/lexer.h"

struct sortable {
    json_t *key; /* owned */
    json_t *value;
    size_t place;
};

struct sortables {
    struct sortable *items;
    size_t count;
};

static void sortables_done(struct sortables *sortables)
{
    for (size_t i = 0; i < sortables->count; i++) json_decref(sortables->items[i].key);
    free(sortables->items);
}

static int keys_order(const json_t *one, const json_t *other)
{
    return json_is_string(one) ? texts_order(value_text(one), value_text(other)) : numbers_order(one, other);
}

static int sortables_order(const void *one, const void *other)
{
    const struct sortable *const a = one, *const b = other;
    const int order = keys_order(a->key, b->key);
    return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

/* ---- keys ---- */

static enum status check_key(const struct call *call, const json_t *first, const json_t *key)
{
    if (json_is_number(first) && json_is_number(key)) return OK;
    if (json_is_string(first) && json_is_string(key)) return OK;
    return jmespath_refuse_at(call->search->expression->text, call->node->at, slice_of_text(value_type(key)),
                              "an expression that finds numbers only, or strings only", call->search->work.why);
}

static enum status key_of(const struct call *call, json_t *element, json_t **key_out)
{
    if (call->reference != NODE_NONE) return search_node(call->search, call->reference, element, key_out);
    *key_out = json_incref(element);
    return OK;
}

/* What comparing this key takes, as often as sorting `count` of them may: twice the logarithm. */
static enum status charge(const struct call *call, const json_t *key, size_t count)
{
    uint64_t times = 2;
    for (; count > 1; count /= 2) times += 2;
    return work_steps(&call->search->work, times * (1 + json_string_length(key) / WORK_BYTES_PER_STEP));
}

static enum status sortables_fill(const struct call *call, struct sortables *sortables)
{
    const json_t *const array = call->arguments[0];
    const size_t count = json_array_size(array);
    TRY(work_steps(&call->search->work, count)); /* before memory of that size is taken */
    sortables->items = calloc(count > 0 ? count : 1, sizeof(struct sortable));
    if (sortables->items == NULL) return ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        struct sortable *const item = &sortables->items[i];
        *item = (struct sortable){.value = json_array_get(array, i), .place = i};
        TRY(key_of(call, item->value, &item->key));
        sortables->count++;
        TRY(check_key(call, sortables->items[0].key, item->key));
        TRY(charge(call, item->key, count));
    }
    return OK;
}

/* ---- sort ---- */

enum status function_sort(const struct call *call, json_t **value_out)
{
    CLEANUP(sortables_done) struct sortables sortables = {};
    CLEANUP(json_done) json_t *sorted = NULL;
    TRY(sortables_fill(call, &sortables));
    qsort(sortables.items, sortables.count, sizeof(struct sortable), sortables_order);
    TRY(value_made(&call->search->work, json_array(), &sorted));
    for (size_t i = 0; i < sortables.count; i++) {
        TRY(work_made(&call->search->work));
        if (json_array_append(sorted, sortables.items[i].value) != 0) return ERR_NO_MEMORY;
    }
    *value_out = json_incref(sorted);
    return OK;
}

enum status function_sort_by(const struct call *call, json_t **value_out)
{
    return function_sort(call, value_out);
}

/* ---- extremes ---- */

/* `sign` is 1 for the greatest, -1 for the least. */
static enum status extreme(const struct call *call, int sign, json_t **value_out)
{
    CLEANUP(sortables_done) struct sortables sortables = {};
    TRY(sortables_fill(call, &sortables));
    const struct sortable *best = sortables.items;
    for (size_t i = 1; i < sortables.count; i++)
        if (sign * keys_order(sortables.items[i].key, best->key) > 0) best = &sortables.items[i];
    *value_out = sortables.count > 0 ? json_incref(best->value) : json_null();
    return OK;
}

enum status function_max(const struct call *call, json_t **value_out)
{
    return extreme(call, 1, value_out);
}

enum status function_min(const struct call *call, json_t **value_out)
{
    return extreme(call, -1, value_out);
}

enum status function_max_by(const struct call *call, json_t **value_out)
{
    return extreme(call, 1, value_out);
}

enum status function_min_by(const struct call *call, json_t **value_out)
{
    return extreme(call, -1, value_out);
}
