/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/functions.h"

#include <math.h>
#include <string.h>

static enum status rounded(const struct call *call, double (*round)(double), json_t **value_out)
{
    json_t *const number = call->arguments[0];
    if (!json_is_integer(number))
        return value_made_number(&call->search->work, round(json_real_value(number)), value_out);
    *value_out = json_incref(number);
    return OK;
}

enum status function_ceil(const struct call *call, json_t **value_out)
{
    return rounded(call, ceil, value_out);
}

enum status function_floor(const struct call *call, json_t **value_out)
{
    return rounded(call, floor, value_out);
}

enum status function_abs(const struct call *call, json_t **value_out)
{
    json_t *const number = call->arguments[0];
    const double value = json_number_value(number);
    if (value >= 0) {
        *value_out = json_incref(number);
        return OK;
    }
    const bool has_opposite = json_is_integer(number) && json_integer_value(number) > INT64_MIN;
    return value_made(&call->search->work, has_opposite ? json_integer(-json_integer_value(number)) : json_real(-value),
                      value_out);
}

/* Of integers an integer, as long as it fits. */
static enum status summed(const struct call *call, json_t **value_out)
{
    const json_t *const numbers = call->arguments[0];
    int64_t integer = 0;
    double number = 0;
    bool is_integer = true;
    TRY(work_steps(&call->search->work, json_array_size(numbers)));
    for (size_t i = 0; i < json_array_size(numbers); i++) {
        const json_t *const element = json_array_get(numbers, i);
        number += json_number_value(element);
        is_integer = is_integer && json_is_integer(element) &&
                     !__builtin_add_overflow(integer, json_integer_value(element), &integer);
    }
    if (is_integer) return value_made(&call->search->work, json_integer(integer), value_out);
    return value_made_number(&call->search->work, number, value_out);
}

enum status function_sum(const struct call *call, json_t **value_out)
{
    return summed(call, value_out);
}

enum status function_avg(const struct call *call, json_t **value_out)
{
    CLEANUP(json_done) json_t *sum = NULL;
    const size_t count = json_array_size(call->arguments[0]);
    if (count == 0) {
        *value_out = json_null();
        return OK;
    }
    TRY(summed(call, &sum));
    return value_made_number(&call->search->work, json_number_value(sum) / (double)count, value_out);
}

/* A string must be a number as JSON writes it, and nothing else. */
static enum status number_of(const struct call *call, struct slice text, json_t **value_out)
{
    static const char characters[] = "0123456789+-.eE";
    enum { MAX_DIGITS = 64 };
    char element[MAX_DIGITS + 3] = "[";
    *value_out = json_null();
    if (text.size == 0 || text.size > MAX_DIGITS) return OK;
    for (size_t i = 0; i < text.size; i++)
        if (text.bytes[i] == 0 || strchr(characters, text.bytes[i]) == NULL) return OK;
    memcpy(element + 1, text.bytes, text.size);
    element[text.size + 1] = ']';
    /* An integer that is none of 64 bits is a fraction. */
    json_t *read = json_loadb(element, text.size + 2, 0, NULL);
    if (read == NULL) read = json_loadb(element, text.size + 2, JSON_DECODE_INT_AS_REAL, NULL);
    if (read == NULL) return OK;
    const enum status status = value_made(&call->search->work, json_incref(json_array_get(read, 0)), value_out);
    json_decref(read);
    return status;
}

enum status function_to_number(const struct call *call, json_t **value_out)
{
    json_t *const value = call->arguments[0];
    if (json_is_string(value)) return number_of(call, value_text(value), value_out);
    *value_out = json_is_number(value) ? json_incref(value) : json_null();
    return OK;
}
