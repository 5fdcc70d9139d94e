/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/jmespath/functions.h"

/* One more element of an array that is made. */
static enum status append(const struct call *call, json_t *array, json_t *value)
{
    struct work *const work = &call->search->work;
    TRY(work_steps(work, 1));
    TRY(work_made(work));
    return json_array_append(array, value) == 0 ? OK : ERR_NO_MEMORY;
}

enum status function_keys(const struct call *call, json_t **value_out)
{
    CLEANUP(json_done) json_t *names = NULL;
    const char *name;
    json_t *value;
    TRY(value_made(&call->search->work, json_array(), &names));
    json_object_foreach (call->arguments[0], name, value) {
        CLEANUP(json_done) json_t *text = NULL;
        TRY(value_made_text(&call->search->work, slice_of_text(name), &text));
        TRY(append(call, names, text));
    }
    *value_out = json_incref(names);
    return OK;
}

enum status function_values(const struct call *call, json_t **value_out)
{
    CLEANUP(json_done) json_t *values = NULL;
    const char *name;
    json_t *value;
    TRY(value_made(&call->search->work, json_array(), &values));
    json_object_foreach (call->arguments[0], name, value) TRY(append(call, values, value));
    *value_out = json_incref(values);
    return OK;
}

/* Here null stays, unlike in a projection. */
enum status function_map(const struct call *call, json_t **value_out)
{
    CLEANUP(json_done) json_t *mapped = NULL;
    const json_t *const array = call->arguments[1];
    TRY(value_made(&call->search->work, json_array(), &mapped));
    for (size_t i = 0; i < json_array_size(array); i++) {
        CLEANUP(json_done) json_t *value = NULL;
        TRY(search_node(call->search, call->reference, json_array_get(array, i), &value));
        TRY(append(call, mapped, value));
    }
    *value_out = json_incref(mapped);
    return OK;
}

enum status function_merge(const struct call *call, json_t **value_out)
{
    CLEANUP(json_done) json_t *merged = NULL;
    const char *name;
    json_t *value;
    TRY(value_made(&call->search->work, json_object(), &merged));
    for (size_t i = 0; i < call->count; i++) {
        json_object_foreach (call->arguments[i], name, value) {
            TRY(work_steps(&call->search->work, 1));
            TRY(work_made(&call->search->work));
            if (json_object_set_nocheck(merged, name, value) != 0) return ERR_NO_MEMORY;
        }
    }
    *value_out = json_incref(merged);
    return OK;
}

enum status function_not_null(const struct call *call, json_t **value_out)
{
    size_t i = 0;
    while (i + 1 < call->count && json_is_null(call->arguments[i])) i++;
    *value_out = json_incref(call->arguments[i]);
    return OK;
}

enum status function_to_array(const struct call *call, json_t **value_out)
{
    json_t *const value = call->arguments[0];
    if (json_is_array(value)) {
        *value_out = json_incref(value);
        return OK;
    }
    CLEANUP(json_done) json_t *array = NULL;
    TRY(value_made(&call->search->work, json_array(), &array));
    TRY(append(call, array, value));
    *value_out = json_incref(array);
    return OK;
}

enum status function_type(const struct call *call, json_t **value_out)
{
    return value_made_text(&call->search->work, slice_of_text(value_type(call->arguments[0])), value_out);
}
