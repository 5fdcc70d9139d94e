/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/search.h"

#include "policy/jmespath/functions.h"

static const struct node *node_of(const struct search *s, node_id id)
{
    return &s->expression->nodes[id];
}

static node_id next_of(const struct search *s, node_id id)
{
    return node_of(s, id)->next;
}

/* For values that are there already; json_get functions give NULL where nothing is. */
static json_t *shared(json_t *value)
{
    return value != NULL ? json_incref(value) : json_null();
}

/* ---- paths ---- */

static json_t *index_of(const struct node *node, const json_t *current)
{
    const int64_t count = (int64_t)json_array_size(current);
    const int64_t index = node->index < 0 ? node->index + count : node->index;
    return index < 0 ? NULL : json_array_get(current, (size_t)index);
}

static enum status sequence(struct search *s, const struct node *node, json_t *current, json_t **value_out)
{
    CLEANUP(json_done) json_t *value = json_incref(current);
    for (node_id id = node->first; id != NODE_NONE; id = next_of(s, id)) {
        json_t *found;
        TRY(search_node(s, id, value, &found));
        json_decref(value);
        value = found;
    }
    *value_out = json_incref(value);
    return OK;
}

/* ---- conditions ---- */

/* The first that is true, or the first that is not, or the last. */
static enum status any_or_all(struct search *s, const struct node *node, json_t *current, json_t **value_out)
{
    const bool until = node->kind == NODE_OR;
    for (node_id id = node->first;; id = next_of(s, id)) {
        json_t *value;
        TRY(search_node(s, id, current, &value));
        if (value_is_true(value) == until || next_of(s, id) == NODE_NONE) {
            *value_out = value;
            return OK;
        }
        json_decref(value);
    }
}

static enum status negation(struct search *s, const struct node *node, json_t *current, json_t **value_out)
{
    CLEANUP(json_done) json_t *value = NULL;
    TRY(search_node(s, node->first, current, &value));
    *value_out = json_boolean(!value_is_true(value));
    return OK;
}

static bool order_holds(enum comparator comparator, int order)
{
    switch (comparator) {
    case LESS: return order < 0;
    case LESS_OR_EQUAL: return order <= 0;
    case GREATER: return order > 0;
    default: return order >= 0;
    }
}

static enum status comparison(struct search *s, const struct node *node, json_t *current, json_t **value_out)
{
    CLEANUP(json_done) json_t *left = NULL, *right = NULL;
    TRY(search_node(s, node->first, current, &left));
    TRY(search_node(s, node->last, current, &right));
    if (node->comparator == EQUAL || node->comparator == UNEQUAL) {
        bool equal;
        TRY(values_equal(&s->work, left, right, &equal));
        *value_out = json_boolean(equal == (node->comparator == EQUAL));
    } else if (json_is_number(left) && json_is_number(right)) {
        *value_out = json_boolean(order_holds(node->comparator, numbers_order(left, right)));
    } else {
        *value_out = json_null();
    }
    return OK;
}

/* ---- lists and hashes ---- */

static enum status list(struct search *s, const struct node *node, json_t *current, json_t **value_out)
{
    if (json_is_null(current)) {
        *value_out = json_null();
        return OK;
    }
    CLEANUP(json_done) json_t *made = NULL;
    TRY(value_made(&s->work, json_array(), &made));
    for (node_id id = node->first; id != NODE_NONE; id = next_of(s, id)) {
        json_t *value;
        TRY(work_made(&s->work));
        TRY(search_node(s, id, current, &value));
        if (json_array_append_new(made, value) != 0) return ERR_NO_MEMORY;
    }
    *value_out = json_incref(made);
    return OK;
}

static enum status hash(struct search *s, const struct node *node, json_t *current, json_t **value_out)
{
    if (json_is_null(current)) {
        *value_out = json_null();
        return OK;
    }
    CLEANUP(json_done) json_t *made = NULL;
    TRY(value_made(&s->work, json_object(), &made));
    for (node_id id = node->first; id != NODE_NONE; id = next_of(s, id)) {
        json_t *value;
        TRY(work_made(&s->work));
        TRY(search_node(s, node_of(s, id)->first, current, &value));
        if (json_object_set_new_nocheck(made, json_string_value(node_of(s, id)->value), value) != 0)
            return ERR_NO_MEMORY;
    }
    *value_out = json_incref(made);
    return OK;
}

/* ---- projections ---- */

struct projection {
    struct search *search;
    node_id each;      /* what is found in an element */
    node_id condition; /* NODE_NONE: any element */
    json_t *found;
};

/* What is null is left out. */
static enum status take(struct projection *p, json_t *element)
{
    CLEANUP(json_done) json_t *holds = NULL, *value = NULL;
    TRY(work_steps(&p->search->work, 1));
    if (p->condition != NODE_NONE) {
        TRY(search_node(p->search, p->condition, element, &holds));
        if (!value_is_true(holds)) return OK;
    }
    TRY(search_node(p->search, p->each, element, &value));
    if (json_is_null(value)) return OK;
    TRY(work_made(&p->search->work));
    return json_array_append(p->found, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status take_all(struct projection *p, json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) TRY(take(p, json_array_get(array, i)));
    return OK;
}

static enum status take_flat(struct projection *p, json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *const element = json_array_get(array, i);
        TRY(work_steps(&p->search->work, 1));
        if (json_is_array(element))
            TRY(take_all(p, element));
        else
            TRY(take(p, element));
    }
    return OK;
}

static enum status take_values(struct projection *p, json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach (object, name, value) TRY(take(p, value));
    return OK;
}

/* A bound as a place: from the end if negative, then within `lowest` to `highest`. */
static int64_t place_of(int64_t bound, int64_t count, int64_t lowest, int64_t highest)
{
    const int64_t place = bound < 0 ? bound + count : bound;
    return place < lowest ? lowest : place > highest ? highest : place;
}

static enum status take_sliced(struct projection *p, const struct slicing *by, json_t *array)
{
    const int64_t count = (int64_t)json_array_size(array);
    const bool is_up = by->step > 0;
    const int64_t lowest = is_up ? 0 : -1, highest = is_up ? count : count - 1;
    const int64_t start = by->has_start ? place_of(by->start, count, lowest, highest) : is_up ? 0 : count - 1;
    const int64_t stop = by->has_stop ? place_of(by->stop, count, lowest, highest) : is_up ? count : -1;
    for (int64_t i = start; is_up ? i < stop : i > stop; i += by->step) TRY(take(p, json_array_get(array, (size_t)i)));
    return OK;
}

static enum status project(struct search *s, const struct node *node, json_t *current, json_t **value_out)
{
    CLEANUP(json_done) json_t *source = NULL, *found = NULL;
    const node_id each = next_of(s, node->first);
    TRY(search_node(s, node->first, current, &source));
    if (node->kind == NODE_EACH_VALUE ? !json_is_object(source) : !json_is_array(source)) {
        *value_out = json_null();
        return OK;
    }
    TRY(value_made(&s->work, json_array(), &found));
    struct projection p = {.search = s, .each = each, .condition = next_of(s, each), .found = found};
    switch (node->kind) {
    case NODE_EACH_VALUE: TRY(take_values(&p, source)); break;
    case NODE_EACH_FLAT: TRY(take_flat(&p, source)); break;
    case NODE_EACH_SLICED: TRY(take_sliced(&p, &node->slicing, source)); break;
    default: TRY(take_all(&p, source)); break;
    }
    *value_out = json_incref(found);
    return OK;
}

/* ---- the whole ---- */

enum status search_node(struct search *s, node_id id, json_t *current, json_t **value_out)
{
    const struct node *const node = node_of(s, id);
    TRY(work_steps(&s->work, 1));
    switch (node->kind) {
    case NODE_CURRENT: *value_out = json_incref(current); return OK;
    case NODE_FIELD: *value_out = shared(json_object_get(current, json_string_value(node->value))); return OK;
    case NODE_INDEX: *value_out = shared(index_of(node, current)); return OK;
    case NODE_LITERAL: *value_out = json_incref(node->value); return OK;
    case NODE_SEQUENCE: return sequence(s, node, current, value_out);
    case NODE_OR:
    case NODE_AND: return any_or_all(s, node, current, value_out);
    case NODE_NOT: return negation(s, node, current, value_out);
    case NODE_COMPARISON: return comparison(s, node, current, value_out);
    case NODE_LIST: return list(s, node, current, value_out);
    case NODE_HASH: return hash(s, node, current, value_out);
    case NODE_CALL: return function_call(s, node, current, value_out);
    case NODE_MEMBER: /* of a hash, which looks into it */
    case NODE_REFERENCE: /* of a call, likewise */ return ERR_INTERNAL;
    case NODE_EACH:
    case NODE_EACH_VALUE:
    case NODE_EACH_FLAT:
    case NODE_EACH_SLICED:
    case NODE_EACH_MATCHING: return project(s, node, current, value_out);
    }
    return ERR_INTERNAL;
}

enum status jmespath_search(const struct jmespath *expression, json_t *document, uint64_t *steps, struct refusal *why,
                            json_t **result_out)
{
    struct search search = {.expression = expression, .work = {.steps = steps, .why = why}};
    return search_node(&search, expression->root, document, result_out);
}

enum status jmespath_write(const json_t *result, uint64_t *steps, struct refusal *why, struct buffer *text)
{
    struct work work = {.steps = steps, .why = why};
    return value_write(&work, result, text);
}
