/* SPDX-License-Identifier: Apache-2.0
 * Hits json_parse, json_write, json_member_text. */
#include "base/json.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice text = slice_of(bytes, size);
    CLEANUP(json_done) json_t *value = NULL;
    if (json_parse(text, 1 << 20, NULL, &value) != OK) return 0;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(8 << 20);
    if (json_write(value, &written) != OK) return 0;
    const char *name;
    json_t *member;
    json_object_foreach (value, name, member) {
        /* The text of a member, parsed alone, is the member. */
        struct slice member_text;
        if (json_member_text(text, name, &member_text) != OK) continue;
        json_t *const alone = json_loadb((const char *)member_text.bytes, member_text.size, JSON_DECODE_ANY, NULL);
        if (alone == NULL || json_equal(alone, member) == 0) abort();
        json_decref(alone);
    }
    return 0;
}
