/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions: one table with what each takes. Names, numbers of arguments and references are checked when an
 * expression is compiled, types of values when it searches.
 */
#pragma once

#include "policy/jmespath/search.h"

enum argument_type {
    TAKES_NUMBER = 1 << 0,
    TAKES_STRING = 1 << 1,
    TAKES_BOOLEAN = 1 << 2,
    TAKES_ARRAY = 1 << 3,
    TAKES_OBJECT = 1 << 4,
    TAKES_NULL = 1 << 5,
    TAKES_NUMBERS = 1 << 6, /* an array of numbers alone */
    TAKES_STRINGS = 1 << 7,
    TAKES_REFERENCE = 1 << 8,
    TAKES_ANY = TAKES_NUMBER | TAKES_STRING | TAKES_BOOLEAN | TAKES_ARRAY | TAKES_OBJECT | TAKES_NULL,
};

/* One call: values of its arguments, NULL for a reference, whose expression is `reference`. */
struct call {
    struct search *search;
    const struct node *node;
    node_id reference;
    json_t **arguments; /* borrowed */
    size_t count;
};

/* Hands out a value that the caller owns. */
typedef enum status function_body(const struct call *call, json_t **value_out);

enum { FUNCTION_MAX_PARAMETERS = 2 };
struct function {
    const char *name;
    function_body *body;
    uint16_t takes[FUNCTION_MAX_PARAMETERS];
    uint8_t count;    /* of parameters */
    bool is_variadic; /* the last one may be given again and again */
};

const struct function *function_find(struct slice name);

/* Whether `function` takes so many arguments, and a reference there and only there where it wants one. */
bool function_takes_count(const struct function *function, size_t count);
bool function_wants_reference(const struct function *function, size_t argument);

/* Evaluates the arguments, holds them to their types and runs the body. */
enum status function_call(struct search *search, const struct node *node, json_t *current, json_t **value_out);

/* functions_numbers.c */
function_body function_abs, function_avg, function_ceil, function_floor, function_sum, function_to_number;
/* functions_text.c */
function_body function_contains, function_ends_with, function_equals_ignore_case, function_join, function_length,
    function_reverse, function_starts_with, function_to_string;
/* functions_values.c */
function_body function_keys, function_map, function_merge, function_not_null, function_to_array, function_type,
    function_values;
/* functions_order.c */
function_body function_max, function_max_by, function_min, function_min_by, function_sort, function_sort_by;
