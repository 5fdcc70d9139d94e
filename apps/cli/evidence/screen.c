/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/screen.h"

#include "base/encoding.h"

enum status screen_line(struct buffer *text, const char *title, const char *value)
{
    return buffer_append_format(text, SCREEN_TITLE "%s\n", title, value);
}

enum status screen_hex(struct buffer *text, const char *title, struct slice bytes)
{
    TRY(buffer_append_format(text, SCREEN_TITLE, title));
    TRY(hex_encode(bytes, text));
    return buffer_append_text(text, "\n");
}

enum status screen_wide_hex(struct buffer *text, const char *title, struct slice bytes)
{
    TRY(screen_hex(text, title, slice_part(bytes, 0, 32)));
    return screen_hex(text, "", slice_part(bytes, 32, 32));
}

enum status screen_fault(struct faults *faults, bool is_there, const char *what)
{
    if (!is_there) return OK;
    const char *const title = faults->has_any ? "" : "what is wrong";
    faults->has_any = true;
    return screen_line(faults->text, title, what);
}
