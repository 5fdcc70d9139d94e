/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bounds ---- */

enum status work_steps(struct work *work, uint64_t steps)
{
    if (*work->steps < steps) {
        *work->steps = 0;
        return refuse(work->why, ERR_POLICY_LIMIT, "JMESPath search", "the steps that the caller allows", "more");
    }
    *work->steps -= steps;
    return OK;
}

enum status work_bytes(struct work *work, size_t bytes)
{
    return work_steps(work, bytes / WORK_BYTES_PER_STEP);
}

enum status work_made(struct work *work)
{
    if (work->made >= JMESPATH_RESULT_MAX_COUNT)
        return refuse(work->why, ERR_POLICY_LIMIT, "JMESPath search", "at most 100000 values made", "more");
    work->made++;
    return OK;
}

enum status value_made(struct work *work, json_t *value, json_t **value_out)
{
    CLEANUP(json_done) json_t *owned = value;
    if (owned == NULL) return ERR_NO_MEMORY;
    TRY(work_made(work));
    *value_out = json_incref(owned);
    return OK;
}

enum status value_made_text(struct work *work, struct slice text, json_t **value_out)
{
    TRY(work_bytes(work, text.size));
    if (text.size > JMESPATH_TEXT_MAX_BYTES - work->texts)
        return refuse(work->why, ERR_POLICY_LIMIT, "JMESPath search", "at most 4 MiB of strings made", "more");
    work->texts += text.size;
    return value_made(work, json_of_text(text), value_out);
}

enum status value_made_number(struct work *work, double number, json_t **value_out)
{
    /* Beyond 2^53 not every integer is a double: those stay fractions. */
    static const double exact = 9007199254740992.0;
    if (fabs(number) <= exact && trunc(number) == number)
        return value_made(work, json_integer((json_int_t)number), value_out);
    if (!isfinite(number))
        return refuse(work->why, ERR_JMESPATH, "JMESPath search", "a number that JSON can hold", "one beyond");
    return value_made(work, json_real(number), value_out);
}

/* ---- what values are ---- */

json_t *json_of_text(struct slice text)
{
    return json_stringn_nocheck(text.size > 0 ? (const char *)text.bytes : "", text.size);
}

struct slice value_text(const json_t *string)
{
    return slice_of(json_string_value(string), json_string_length(string));
}

const char *value_type(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "object";
    case JSON_ARRAY: return "array";
    case JSON_STRING: return "string";
    case JSON_INTEGER:
    case JSON_REAL: return "number";
    case JSON_TRUE:
    case JSON_FALSE: return "boolean";
    case JSON_NULL: break;
    }
    return "null";
}

bool value_is_true(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return json_object_size(value) > 0;
    case JSON_ARRAY: return json_array_size(value) > 0;
    case JSON_STRING: return json_string_length(value) > 0;
    case JSON_NULL:
    case JSON_FALSE: return false;
    default: return true;
    }
}

/* ---- equality and order ---- */

int numbers_order(const json_t *one, const json_t *other)
{
    if (json_is_integer(one) && json_is_integer(other)) {
        const json_int_t a = json_integer_value(one), b = json_integer_value(other);
        return (a > b) - (a < b);
    }
    /* An integer beyond 2^53 is not a double; on x86 a long double holds both exactly. */
    const long double a = json_is_integer(one) ? (long double)json_integer_value(one) : json_real_value(one);
    const long double b = json_is_integer(other) ? (long double)json_integer_value(other) : json_real_value(other);
    return (a > b) - (a < b);
}

/* UTF-8 sorts as its code points do. */
int texts_order(struct slice one, struct slice other)
{
    const size_t shorter = one.size < other.size ? one.size : other.size;
    const int order = shorter > 0 ? memcmp(one.bytes, other.bytes, shorter) : 0;
    return order != 0 ? order : (one.size > other.size) - (one.size < other.size);
}

static enum status arrays_equal(struct work *work, const json_t *one, const json_t *other, bool *equal_out)
{
    bool equal = json_array_size(one) == json_array_size(other);
    for (size_t i = 0; equal && i < json_array_size(one); i++)
        TRY(values_equal(work, json_array_get(one, i), json_array_get(other, i), &equal));
    *equal_out = equal;
    return OK;
}

static enum status objects_equal(struct work *work, const json_t *one, const json_t *other, bool *equal_out)
{
    bool equal = json_object_size(one) == json_object_size(other);
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)one, name, value) {
        const json_t *const counterpart = json_object_get(other, name);
        if (equal) equal = counterpart != NULL;
        if (!equal) break;
        TRY(values_equal(work, value, counterpart, &equal));
    }
    *equal_out = equal;
    return OK;
}

enum status values_equal(struct work *work, const json_t *one, const json_t *other, bool *equal_out)
{
    TRY(work_steps(work, 1));
    if (json_is_number(one) && json_is_number(other)) {
        *equal_out = numbers_order(one, other) == 0;
        return OK;
    }
    if (json_typeof(one) != json_typeof(other)) {
        *equal_out = false;
        return OK;
    }
    if (json_is_array(one)) return arrays_equal(work, one, other, equal_out);
    if (json_is_object(one)) return objects_equal(work, one, other, equal_out);
    if (json_is_string(one) && json_string_length(one) == json_string_length(other)) {
        TRY(work_bytes(work, json_string_length(one)));
        *equal_out = slice_equal(value_text(one), value_text(other));
    } else {
        *equal_out = !json_is_string(one);
    }
    return OK;
}

/* ---- text ---- */

size_t utf8_count(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += (text.bytes[i] & 0xc0) != 0x80;
    return count;
}

/* jansson writes 17 digits always: 0.1 would become 0.10000000000000001. */
static enum status write_fraction(double number, struct buffer *text)
{
    enum { FEWEST_DIGITS = 15, ENOUGH_DIGITS = 17 };
    char digits[40];
    for (int precision = FEWEST_DIGITS; precision <= ENOUGH_DIGITS; precision++) {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, number);
        if (strtod(digits, NULL) == number) break;
    }
    if (strpbrk(digits, ".e") == NULL) (void)strncat(digits, ".0", 3);
    return buffer_append_text(text, digits);
}

static enum status write_text(struct work *work, struct slice string, struct buffer *text)
{
    TRY(work_bytes(work, string.size));
    return json_append_string(string, text);
}

static enum status write_array(struct work *work, const json_t *array, struct buffer *text)
{
    TRY(buffer_append_u8(text, '['));
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0) TRY(buffer_append_u8(text, ','));
        TRY(value_write(work, json_array_get(array, i), text));
    }
    return buffer_append_u8(text, ']');
}

static enum status write_object(struct work *work, const json_t *object, struct buffer *text)
{
    const char *name, *separator = "";
    json_t *value;
    TRY(buffer_append_u8(text, '{'));
    json_object_foreach ((json_t *)object, name, value) {
        TRY(buffer_append_text(text, separator));
        TRY(write_text(work, slice_of_text(name), text));
        TRY(buffer_append_u8(text, ':'));
        TRY(value_write(work, value, text));
        separator = ",";
    }
    return buffer_append_u8(text, '}');
}

enum status value_write(struct work *work, const json_t *value, struct buffer *text)
{
    TRY(work_steps(work, 1));
    switch (json_typeof(value)) {
    case JSON_OBJECT: return write_object(work, value, text);
    case JSON_ARRAY: return write_array(work, value, text);
    case JSON_STRING: return write_text(work, value_text(value), text);
    case JSON_INTEGER: return buffer_append_format(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL: return write_fraction(json_real_value(value), text);
    case JSON_TRUE: return buffer_append_text(text, "true");
    case JSON_FALSE: return buffer_append_text(text, "false");
    case JSON_NULL: break;
    }
    return buffer_append_text(text, "null");
}
