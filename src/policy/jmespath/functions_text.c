/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/functions.h"

#include <string.h>

static struct work *work_of(const struct call *call)
{
    return &call->search->work;
}

/* ---- questions ---- */

static enum status array_contains(const struct call *call, json_t **value_out)
{
    bool found = false;
    for (size_t i = 0; !found && i < json_array_size(call->arguments[0]); i++)
        TRY(values_equal(work_of(call), json_array_get(call->arguments[0], i), call->arguments[1], &found));
    *value_out = json_boolean(found);
    return OK;
}

/* A string contains strings only. */
enum status function_contains(const struct call *call, json_t **value_out)
{
    if (json_is_array(call->arguments[0])) return array_contains(call, value_out);
    if (!json_is_string(call->arguments[1])) {
        *value_out = json_false();
        return OK;
    }
    const struct slice text = value_text(call->arguments[0]), part = value_text(call->arguments[1]);
    TRY(work_bytes(work_of(call), text.size + part.size));
    *value_out = json_boolean(part.size == 0 || memmem(text.bytes, text.size, part.bytes, part.size) != NULL);
    return OK;
}

static enum status stands_at(const struct call *call, struct slice text, struct slice part, size_t at,
                             json_t **value_out)
{
    TRY(work_bytes(work_of(call), part.size));
    *value_out = json_boolean(part.size <= text.size && slice_equal(slice_part(text, at, part.size), part));
    return OK;
}

enum status function_starts_with(const struct call *call, json_t **value_out)
{
    return stands_at(call, value_text(call->arguments[0]), value_text(call->arguments[1]), 0, value_out);
}

enum status function_ends_with(const struct call *call, json_t **value_out)
{
    const struct slice text = value_text(call->arguments[0]), part = value_text(call->arguments[1]);
    return stands_at(call, text, part, text.size - part.size, value_out);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

enum status function_equals_ignore_case(const struct call *call, json_t **value_out)
{
    const struct slice one = value_text(call->arguments[0]), other = value_text(call->arguments[1]);
    bool equal = one.size == other.size;
    if (equal) TRY(work_bytes(work_of(call), one.size));
    for (size_t i = 0; equal && i < one.size; i++) equal = lower(one.bytes[i]) == lower(other.bytes[i]);
    *value_out = json_boolean(equal);
    return OK;
}

enum status function_length(const struct call *call, json_t **value_out)
{
    const json_t *const value = call->arguments[0];
    size_t length = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    if (json_is_string(value)) {
        TRY(work_bytes(work_of(call), json_string_length(value)));
        length = utf8_count(value_text(value));
    }
    return value_made(work_of(call), json_integer((json_int_t)length), value_out);
}

/* ---- new strings ---- */

/* A buffer that is full is the limit of texts. */
static enum status appended(const struct call *call, enum status status)
{
    if (status != ERR_TOO_LARGE) return status;
    return refuse(work_of(call)->why, ERR_POLICY_LIMIT, "JMESPath search", "at most 4 MiB of strings made", "more");
}

enum status function_join(const struct call *call, json_t **value_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(JMESPATH_TEXT_MAX_BYTES);
    const struct slice glue = value_text(call->arguments[0]);
    const json_t *const strings = call->arguments[1];
    TRY(work_steps(work_of(call), json_array_size(strings)));
    for (size_t i = 0; i < json_array_size(strings); i++) {
        if (i > 0) TRY(appended(call, buffer_append(&text, glue)));
        TRY(appended(call, buffer_append(&text, value_text(json_array_get(strings, i)))));
    }
    return value_made_text(work_of(call), buffer_slice(&text), value_out);
}

enum status function_to_string(const struct call *call, json_t **value_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(JMESPATH_TEXT_MAX_BYTES);
    json_t *const value = call->arguments[0];
    if (json_is_string(value)) {
        *value_out = json_incref(value);
        return OK;
    }
    TRY(appended(call, value_write(work_of(call), value, &text)));
    return value_made_text(work_of(call), buffer_slice(&text), value_out);
}

static enum status reversed_text(const struct call *call, struct slice text, json_t **value_out)
{
    CLEANUP(buffer_done) struct buffer reversed = buffer_of_maximum(text.size);
    for (size_t end = text.size; end > 0;) {
        size_t start = end - 1;
        while (start > 0 && (text.bytes[start] & 0xc0) == 0x80) start--;
        TRY(buffer_append(&reversed, slice_part(text, start, end - start)));
        end = start;
    }
    return value_made_text(work_of(call), buffer_slice(&reversed), value_out);
}

static enum status reversed_array(const struct call *call, const json_t *array, json_t **value_out)
{
    CLEANUP(json_done) json_t *reversed = NULL;
    TRY(value_made(work_of(call), json_array(), &reversed));
    for (size_t i = json_array_size(array); i > 0; i--) {
        TRY(work_steps(work_of(call), 1));
        TRY(work_made(work_of(call)));
        if (json_array_append(reversed, json_array_get(array, i - 1)) != 0) return ERR_NO_MEMORY;
    }
    *value_out = json_incref(reversed);
    return OK;
}

enum status function_reverse(const struct call *call, json_t **value_out)
{
    const json_t *const value = call->arguments[0];
    if (json_is_string(value)) return reversed_text(call, value_text(value), value_out);
    return reversed_array(call, value, value_out);
}
