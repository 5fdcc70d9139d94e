/* SPDX-License-Identifier: Apache-2.0
 *
 * Signed JSON from outside, read once: one flat array of values and the exact text of each. jansson (json.h) serves
 * everything else; here its hundreds of small allocations took a quarter as long as all signatures of a quote's
 * verification together, and it does not tell where a value stands in the text.
 *
 * Accepts what json_parse accepts, in the same words where it does not, but for: names of members have no escapes (so
 * that a name has one spelling), an object has at most JSON_NODE_MAX_MEMBERS, a document at most JSON_TREE_MAX_NODES;
 * and a number may be of any size: one that is no integer of 64 bits is a JSON_REAL, of which none is ever computed.
 * For public documents: what is freed is not wiped.
 */
#pragma once

#include "base/json.h"

enum { JSON_NODE_MAX_MEMBERS = 64, JSON_TREE_MAX_NODES = 1 << 16 };

/* A value; what is in it follows in the array, in the order of the text. */
struct json_node {
    const char *name; /* of a member; NULL for elements and the document */
    union {
        const char *string; /* decoded, NUL-terminated */
        int64_t integer;
    };
    uint32_t size;       /* bytes of a string, elements of an array, members of an object */
    uint32_t span;       /* nodes of the value with all that is in it: where the next one stands */
    uint32_t start, end; /* the value's text, in the text that was parsed */
    json_type type;
};

struct json_tree {
    struct json_node *nodes; /* owned; the first is the document */
    size_t count;
    char *strings; /* owned */
};

/* Parses one JSON object or array that fills `text`, which is not borrowed, and which refusals call `field`.
 * ERR_TOO_LARGE over `max_size`, ERR_JSON_SYNTAX, ERR_NO_MEMORY. Nodes live until json_tree_done. */
enum status json_tree_parse(struct slice text, uint32_t max_size, const char *field, struct refusal *why,
                            struct json_tree *tree_out);
void json_tree_done(struct json_tree *tree);

/* The value's exact text within the text that was parsed. */
struct slice json_node_text(const struct json_node *node, struct slice text);

/* Appends the value in the bytes in which json_write has it: compact, members sorted. ERR_UNSUPPORTED, and nothing
 * appended, where there is a fraction in it, whose digits jansson chooses. */
enum status json_node_write(const struct json_node *node, struct buffer *text);

/* The member; NULL if there is none or `object` is no object. */
const struct json_node *json_node_member(const struct json_node *object, const char *name);

/* The first of `array->size` elements, and the one after an element. */
const struct json_node *json_node_first(const struct json_node *array);
const struct json_node *json_node_next(const struct json_node *element);

/* As the getters of json.h, word for word. */
enum status json_node_get_string(const struct json_node *object, const char *path, const char *name, size_t max_size,
                                 struct refusal *why, struct slice *text_out);
enum status json_node_get_integer(const struct json_node *object, const char *path, const char *name, int64_t minimum,
                                  int64_t maximum, struct refusal *why, int64_t *value_out);
enum status json_node_get_object(const struct json_node *object, const char *path, const char *name,
                                 struct refusal *why, const struct json_node **value_out);
enum status json_node_get_array(const struct json_node *object, const char *path, const char *name, size_t max_count,
                                struct refusal *why, const struct json_node **value_out);
enum status json_node_get_hex(const struct json_node *object, const char *path, const char *name, size_t size,
                              struct refusal *why, uint8_t *bytes_out);
enum status json_node_only(const struct json_node *object, const char *path, const char *const *names,
                           struct refusal *why);
