/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/libraries.h"

static struct slice skip_indent(struct slice line)
{
    while (line.size > 0 && (line.bytes[0] == '\t' || line.bytes[0] == ' ')) line = slice_part(line, 1, line.size);
    return line;
}

/* Cuts " (0x7f...)" off the end. */
static bool cut_address(struct slice *text)
{
    static const struct slice opening = {.bytes = (const uint8_t *)" (0x", .size = 4};
    if (text->size == 0 || text->bytes[text->size - 1] != ')') return false;
    for (size_t at = text->size; at-- > 0;) {
        if (!slice_starts_with(slice_part(*text, at, text->size), opening)) continue;
        *text = slice_part(*text, 0, at);
        return true;
    }
    return false;
}

static struct slice after_arrow(struct slice text)
{
    static const struct slice arrow = {.bytes = (const uint8_t *)" => ", .size = 4};
    for (size_t at = 0; at + arrow.size <= text.size; at++) {
        const struct slice rest = slice_part(text, at, text.size);
        if (slice_starts_with(rest, arrow)) return slice_part(rest, arrow.size, rest.size);
    }
    return text;
}

enum status library_from_line(struct slice line, struct refusal *why, struct slice *path_out)
{
    struct slice text = skip_indent(line);
    if (!cut_address(&text) || text.size == 0) {
        (void)!refuse(why, ERR_FIELD_VALUE, "library", "a library that the dynamic loader finds", "%.*s",
                      (int)line.size, (const char *)line.bytes);
        return refuse_fix(why, ERR_FIELD_VALUE, "install the library, or mend the program's run path");
    }
    text = after_arrow(text);
    const bool is_path = text.size > 0 && text.bytes[0] == '/';
    *path_out = is_path ? text : (struct slice){};
    return OK;
}
