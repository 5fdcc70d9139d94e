/* SPDX-License-Identifier: Apache-2.0 */
#include "base/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_printable(char *text, size_t size, int wanted)
{
    for (char *c = text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~') *c = '?';
    }
    if (wanted >= (int)size) memcpy(text + size - 4, "...", 4);
}

enum status refuse(struct refusal *why, enum status status, const char *field, const char *expected,
                   const char *seen_format, ...)
{
    if (why == NULL) return status;
    *why = (struct refusal){.status = status};
    make_printable(why->field, sizeof(why->field), snprintf(why->field, sizeof(why->field), "%s", field));
    make_printable(why->expected, sizeof(why->expected),
                   snprintf(why->expected, sizeof(why->expected), "%s", expected));
    va_list arguments;
    va_start(arguments, seen_format);
    const int wanted = vsnprintf(why->seen, sizeof(why->seen), seen_format, arguments);
    va_end(arguments);
    make_printable(why->seen, sizeof(why->seen), wanted);
    return status;
}

enum status refuse_fix(struct refusal *why, enum status status, const char *fix)
{
    if (why == NULL) return status;
    make_printable(why->fix, sizeof(why->fix), snprintf(why->fix, sizeof(why->fix), "%s", fix));
    return why->status;
}

enum status refuse_as(struct refusal *why, enum status failure, enum status status)
{
    if (failure == OK || failure == ERR_NO_MEMORY) return failure;
    if (why != NULL) why->status = status;
    return status;
}

static bool is_printable(const char *text, size_t size)
{
    const char *const end = memchr(text, '\0', size);
    if (end == NULL) return false;
    for (const char *c = text; c < end; c++) {
        if (*c < ' ' || *c > '~') return false;
    }
    return true;
}

bool refusal_is_sound(const struct refusal *why)
{
    return why->status != OK && strcmp(status_name(why->status), "ERR_UNKNOWN") != 0 &&
           is_printable(why->field, sizeof(why->field)) && is_printable(why->seen, sizeof(why->seen)) &&
           is_printable(why->expected, sizeof(why->expected)) && is_printable(why->fix, sizeof(why->fix));
}

void refusal_text(const struct refusal *why, char *text_out, size_t size)
{
    if (size == 0) return;
    size_t at = 0;
    const struct {
        const char *before, *text;
    } parts[] = {
        {"", status_text(why->status)}, {": ", why->field},           {": seen ", why->seen},
        {", expected ", why->expected}, {"; what to do: ", why->fix},
    };
    text_out[0] = '\0';
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].text[0] == '\0' || at >= size) continue;
        const int wrote = snprintf(text_out + at, size - at, "%s%s", parts[i].before, parts[i].text);
        if (wrote > 0) at += (size_t)wrote;
    }
}

struct refusal_hex refusal_hex(struct slice bytes)
{
    enum { WHOLE = 32, HEAD = 16 };
    struct refusal_hex hex = {};
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    const bool whole = bytes.size <= WHOLE;
    for (size_t i = 0; i < bytes.size && i < (whole ? WHOLE : HEAD); i++) {
        hex.text[at++] = digits[bytes.bytes[i] >> 4];
        hex.text[at++] = digits[bytes.bytes[i] & 15];
    }
    if (!whole) {
        memcpy(hex.text + at, "...", 3);
        at += 3;
        for (size_t i = bytes.size - HEAD; i < bytes.size; i++) {
            hex.text[at++] = digits[bytes.bytes[i] >> 4];
            hex.text[at++] = digits[bytes.bytes[i] & 15];
        }
    }
    hex.text[at] = '\0';
    return hex;
}
