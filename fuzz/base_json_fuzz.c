/* SPDX-License-Identifier: Apache-2.0
 * Hits json_parse, json_write, json_tree_parse, json_node_text, json_node_write. */
#include "../tests/support/json_alike.h"
#include "base/json_tree.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice text = slice_of(bytes, size);
    CLEANUP(json_done) json_t *value = NULL;
    CLEANUP(json_tree_done) struct json_tree tree = {};
    if (!json_readers_agree(text, &value, &tree)) abort();
    if (value == NULL) return 0;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(8 << 20);
    if (json_write(value, &written) != OK || tree.nodes == NULL) return 0;
    /* The text of a member, parsed alone, is the member. */
    const struct json_node *member = json_node_first(tree.nodes);
    for (size_t i = 0; tree.nodes->type == JSON_OBJECT && i < tree.nodes->size; i++, member = json_node_next(member)) {
        const struct slice own = json_node_text(member, text);
        json_t *const alone = json_loadb((const char *)own.bytes, own.size, JSON_DECODE_ANY, NULL);
        if (alone == NULL || json_equal(alone, json_object_get(value, member->name)) == 0) abort();
        json_decref(alone);
    }
    return 0;
}
