/* SPDX-License-Identifier: Apache-2.0
 *
 * Both readers of JSON side by side, for the unit test and the fuzz target of json_tree.h.
 */
#pragma once

#include "base/json_tree.h"

#include <string.h>

/* Whether both say the same of a value and of everything in it. */
static inline bool json_is_alike(const struct json_node *node, const json_t *value)
{
    if (node->type != json_typeof(value)) return false;
    const struct json_node *inner = json_node_first(node);
    switch (node->type) {
    case JSON_STRING:
        return slice_equal(slice_of(node->string, node->size),
                           slice_of(json_string_value(value), json_string_length(value)));
    case JSON_INTEGER: return node->integer == json_integer_value(value);
    case JSON_ARRAY:
        if (node->size != json_array_size(value)) return false;
        for (size_t i = 0; i < node->size; i++, inner = json_node_next(inner)) {
            if (inner->name != NULL || !json_is_alike(inner, json_array_get(value, i))) return false;
        }
        return true;
    case JSON_OBJECT:
        if (node->size != json_object_size(value)) return false;
        for (size_t i = 0; i < node->size; i++, inner = json_node_next(inner)) {
            const json_t *const member = json_object_get(value, inner->name);
            if (member == NULL || json_node_member(node, inner->name) != inner || !json_is_alike(inner, member))
                return false;
        }
        return true;
    default: return true;
    }
}

/* Whether the text of a value, and of everything in it, is the value when it is parsed alone. For small documents. */
static inline bool json_texts_are_exact(const struct json_node *node, struct slice text, const json_t *value)
{
    const struct slice own = json_node_text(node, text);
    json_t *const alone = json_loadb((const char *)own.bytes, own.size, JSON_DECODE_ANY, NULL);
    bool is_exact = alone != NULL && json_equal(alone, value) != 0 && strchr(" \t\r\n", own.bytes[0]) == NULL &&
                    strchr(" \t\r\n", own.bytes[own.size - 1]) == NULL;
    json_decref(alone);
    const bool is_object = node->type == JSON_OBJECT;
    const struct json_node *inner = json_node_first(node);
    for (size_t i = 0; is_exact && (is_object || node->type == JSON_ARRAY) && i < node->size;
         i++, inner = json_node_next(inner)) {
        const json_t *const other = is_object ? json_object_get(value, inner->name) : json_array_get(value, i);
        is_exact = json_texts_are_exact(inner, text, other);
    }
    return is_exact;
}

/* Whether both write the same, unless there is a fraction in it. */
static inline bool json_is_written_alike(const struct json_node *node, const json_t *value)
{
    CLEANUP(buffer_done) struct buffer seen = buffer_of_maximum(8 << 20), expected = buffer_of_maximum(8 << 20);
    const enum status status = json_node_write(node, &seen);
    if (status == ERR_UNSUPPORTED) return seen.size == 0;
    return status == OK && json_write(value, &expected) == OK &&
           slice_equal(buffer_slice(&seen), buffer_slice(&expected));
}

/* Whether both accept the text and read the same, or both refuse it; but for what json_tree.h refuses besides, and for
 * fractions that no double can hold. The caller frees what is read. */
static inline bool json_readers_agree(struct slice text, json_t **value, struct json_tree *tree)
{
    enum { MAX_BYTES = 1 << 20 };
    struct refusal why = {};
    const enum status status = json_parse(text, MAX_BYTES, NULL, value);
    const enum status tree_status = json_tree_parse(text, MAX_BYTES, "json", &why, tree);
    if (status == OK && tree_status == OK)
        return json_is_alike(tree->nodes, *value) && json_is_written_alike(tree->nodes, *value);
    if (status == OK)
        return strcmp(why.expected, "names without escapes") == 0 ||
               strcmp(why.expected, "at most 64 members in an object") == 0 ||
               strcmp(why.expected, "at most 65536 values") == 0;
    if (tree_status == status) return true;
    json_error_t error = {};
    json_decref(json_loadb((const char *)text.bytes, text.size, JSON_REJECT_DUPLICATES, &error));
    return tree_status == OK && json_error_code(&error) == json_error_numeric_overflow;
}
