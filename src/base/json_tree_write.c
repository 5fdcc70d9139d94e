/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_tree.h"

#include <string.h>

static enum status write_value(const struct json_node *node, struct buffer *text);

/* By insertion: at most JSON_NODE_MAX_MEMBERS, and most objects' members are in order already. */
static void sort_members(const struct json_node *object, const struct json_node *sorted_out[JSON_NODE_MAX_MEMBERS])
{
    const struct json_node *member = json_node_first(object);
    for (size_t i = 0; i < object->size; i++, member = json_node_next(member)) {
        size_t at = i;
        for (; at > 0 && strcmp(sorted_out[at - 1]->name, member->name) > 0; at--) sorted_out[at] = sorted_out[at - 1];
        sorted_out[at] = member;
    }
}

static enum status write_object(const struct json_node *object, struct buffer *text)
{
    const struct json_node *sorted[JSON_NODE_MAX_MEMBERS];
    sort_members(object, sorted);
    TRY(buffer_append_u8(text, '{'));
    for (size_t i = 0; i < object->size; i++) {
        if (i > 0) TRY(buffer_append_u8(text, ','));
        TRY(json_append_string(slice_of_text(sorted[i]->name), text));
        TRY(buffer_append_u8(text, ':'));
        TRY(write_value(sorted[i], text));
    }
    return buffer_append_u8(text, '}');
}

static enum status write_array(const struct json_node *array, struct buffer *text)
{
    const struct json_node *element = json_node_first(array);
    TRY(buffer_append_u8(text, '['));
    for (size_t i = 0; i < array->size; i++, element = json_node_next(element)) {
        if (i > 0) TRY(buffer_append_u8(text, ','));
        TRY(write_value(element, text));
    }
    return buffer_append_u8(text, ']');
}

/* By recursion no deeper than JSON_MAX_DEPTH, as it was read. */
static enum status write_value(const struct json_node *node, struct buffer *text)
{
    switch (node->type) {
    case JSON_OBJECT: return write_object(node, text);
    case JSON_ARRAY: return write_array(node, text);
    case JSON_STRING: return json_append_string(slice_of(node->string, node->size), text);
    case JSON_INTEGER: return buffer_append_format(text, "%lld", (long long)node->integer);
    case JSON_REAL: return ERR_UNSUPPORTED;
    case JSON_TRUE: return buffer_append_text(text, "true");
    case JSON_FALSE: return buffer_append_text(text, "false");
    case JSON_NULL: break;
    }
    return buffer_append_text(text, "null");
}

enum status json_node_write(const struct json_node *node, struct buffer *text)
{
    const size_t before = text->size;
    const enum status status = write_value(node, text);
    if (status != OK) buffer_truncate(text, before);
    return status;
}
