/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/functions.h"

#include "policy/jmespath/lexer.h"

#include <stdio.h>

/* Sorted by name. */
static const struct function functions[] = {
    {"abs", function_abs, {TAKES_NUMBER}, 1, false},
    {"avg", function_avg, {TAKES_NUMBERS}, 1, false},
    {"ceil", function_ceil, {TAKES_NUMBER}, 1, false},
    {"contains", function_contains, {TAKES_ARRAY | TAKES_STRING, TAKES_ANY}, 2, false},
    {"ends_with", function_ends_with, {TAKES_STRING, TAKES_STRING}, 2, false},
    {"equals_ignore_case", function_equals_ignore_case, {TAKES_STRING, TAKES_STRING}, 2, false},
    {"floor", function_floor, {TAKES_NUMBER}, 1, false},
    {"join", function_join, {TAKES_STRING, TAKES_STRINGS}, 2, false},
    {"keys", function_keys, {TAKES_OBJECT}, 1, false},
    {"length", function_length, {TAKES_STRING | TAKES_ARRAY | TAKES_OBJECT}, 1, false},
    {"map", function_map, {TAKES_REFERENCE, TAKES_ARRAY}, 2, false},
    {"max", function_max, {TAKES_NUMBERS | TAKES_STRINGS}, 1, false},
    {"max_by", function_max_by, {TAKES_ARRAY, TAKES_REFERENCE}, 2, false},
    {"merge", function_merge, {TAKES_OBJECT}, 1, true},
    {"min", function_min, {TAKES_NUMBERS | TAKES_STRINGS}, 1, false},
    {"min_by", function_min_by, {TAKES_ARRAY, TAKES_REFERENCE}, 2, false},
    {"not_null", function_not_null, {TAKES_ANY}, 1, true},
    {"reverse", function_reverse, {TAKES_ARRAY | TAKES_STRING}, 1, false},
    {"sort", function_sort, {TAKES_NUMBERS | TAKES_STRINGS}, 1, false},
    {"sort_by", function_sort_by, {TAKES_ARRAY, TAKES_REFERENCE}, 2, false},
    {"starts_with", function_starts_with, {TAKES_STRING, TAKES_STRING}, 2, false},
    {"sum", function_sum, {TAKES_NUMBERS}, 1, false},
    {"to_array", function_to_array, {TAKES_ANY}, 1, false},
    {"to_number", function_to_number, {TAKES_ANY}, 1, false},
    {"to_string", function_to_string, {TAKES_ANY}, 1, false},
    {"type", function_type, {TAKES_ANY}, 1, false},
    {"values", function_values, {TAKES_OBJECT}, 1, false},
};

const struct function *function_find(struct slice name)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (slice_equal_text(name, functions[i].name)) return &functions[i];
    return NULL;
}

static uint16_t takes(const struct function *function, size_t argument)
{
    const size_t last = function->count - 1U;
    return function->takes[argument < last ? argument : last];
}

bool function_takes_count(const struct function *function, size_t count)
{
    return count == function->count || (function->is_variadic && count > function->count);
}

bool function_wants_reference(const struct function *function, size_t argument)
{
    return takes(function, argument) == TAKES_REFERENCE;
}

/* ---- types ---- */

static enum argument_type type_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return TAKES_OBJECT;
    case JSON_ARRAY: return TAKES_ARRAY;
    case JSON_STRING: return TAKES_STRING;
    case JSON_INTEGER:
    case JSON_REAL: return TAKES_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE: return TAKES_BOOLEAN;
    case JSON_NULL: break;
    }
    return TAKES_NULL;
}

static enum status is_of(struct work *work, const json_t *value, unsigned wanted, bool *fits_out)
{
    *fits_out = (type_of(value) & wanted) != 0;
    if (*fits_out || !json_is_array(value)) return OK;
    bool numbers = (wanted & TAKES_NUMBERS) != 0, strings = (wanted & TAKES_STRINGS) != 0;
    TRY(work_steps(work, json_array_size(value)));
    for (size_t i = 0; (numbers || strings) && i < json_array_size(value); i++) {
        numbers = numbers && json_is_number(json_array_get(value, i));
        strings = strings && json_is_string(json_array_get(value, i));
    }
    *fits_out = numbers || strings;
    return OK;
}

static const char *description(unsigned wanted)
{
    switch (wanted) {
    case TAKES_NUMBER: return "a number";
    case TAKES_STRING: return "a string";
    case TAKES_ARRAY: return "an array";
    case TAKES_OBJECT: return "an object";
    case TAKES_NUMBERS: return "an array of numbers";
    case TAKES_STRINGS: return "an array of strings";
    case TAKES_NUMBERS | TAKES_STRINGS: return "an array of numbers, or one of strings";
    case TAKES_ARRAY | TAKES_STRING: return "an array or a string";
    default: return "a string, an array or an object";
    }
}

static enum status check(const struct call *call, size_t index)
{
    const struct function *const function = call->node->function;
    const json_t *const value = call->arguments[index];
    const unsigned wanted = takes(function, index);
    bool fits;
    TRY(is_of(&call->search->work, value, wanted, &fits));
    if (fits) return OK;
    char expected[96];
    (void)snprintf(expected, sizeof(expected), "%s as argument %zu of %s()", description(wanted), index + 1,
                   function->name);
    return jmespath_refuse_at(call->search->expression->text, call->node->at, slice_of_text(value_type(value)),
                              expected, call->search->work.why);
}

/* ---- calls ---- */

enum { FEW_ARGUMENTS = 4 }; /* more than these need memory of their own */

static enum status evaluate(struct call *call, json_t *current)
{
    const struct node *const nodes = call->search->expression->nodes;
    for (node_id id = call->node->first; id != NODE_NONE; id = nodes[id].next) {
        if (nodes[id].kind == NODE_REFERENCE) {
            call->reference = nodes[id].first;
            call->arguments[call->count++] = NULL;
            continue;
        }
        TRY(search_node(call->search, id, current, &call->arguments[call->count]));
        call->count++;
        TRY(check(call, call->count - 1));
    }
    return OK;
}

static size_t argument_count(const struct search *search, const struct node *node)
{
    size_t count = 0;
    for (node_id id = node->first; id != NODE_NONE; id = search->expression->nodes[id].next) count++;
    return count;
}

enum status function_call(struct search *search, const struct node *node, json_t *current, json_t **value_out)
{
    json_t *few[FEW_ARGUMENTS];
    const size_t count = argument_count(search, node);
    json_t **const arguments = count <= FEW_ARGUMENTS ? few : calloc(count, sizeof(json_t *));
    if (arguments == NULL) return ERR_NO_MEMORY;
    struct call call = {.search = search, .node = node, .reference = NODE_NONE, .arguments = arguments};
    enum status status = evaluate(&call, current);
    if (status == OK) status = node->function->body(&call, value_out);
    for (size_t i = 0; i < call.count; i++) json_decref(arguments[i]);
    if (arguments != few) free(arguments);
    return status;
}
