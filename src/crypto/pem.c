/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"

#include "base/encoding.h"

#include <stdio.h>

static bool is_blank(uint8_t c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

static struct slice skip_blank(struct slice text)
{
    size_t at = 0;
    while (at < text.size && is_blank(text.bytes[at])) at++;
    return slice_part(text, at, text.size - at);
}

bool pem_is_likely(struct slice text)
{
    return slice_starts_with(skip_blank(text), SLICE_LITERAL("-----BEGIN "));
}

/* The next line without its end, LF or CR LF; the last line may lack one. */
static struct slice take_line(struct slice *text)
{
    struct slice line = *text, rest = slice_part(*text, text->size, 0);
    (void)slice_split(*text, '\n', &line, &rest);
    *text = rest;
    if (line.size > 0 && line.bytes[line.size - 1] == '\r') line = slice_part(line, 0, line.size - 1);
    return line;
}

static bool is_boundary(struct slice line, const char *word, const char *label)
{
    char expected[64];
    if (!slice_starts_with(line, SLICE_LITERAL("-----"))) return false;
    (void)snprintf(expected, sizeof(expected), "-----%s %s-----", word, label);
    return slice_equal_text(line, expected);
}

enum status pem_read(struct slice *text, const char *label, struct buffer *der)
{
    struct slice rest = skip_blank(*text);
    if (!is_boundary(take_line(&rest), "BEGIN", label)) return ERR_ENCODING;
    CLEANUP(buffer_done) struct buffer digits = buffer_of_maximum(text->size);
    for (;;) {
        if (rest.size == 0) return ERR_ENCODING;
        const struct slice line = take_line(&rest);
        if (is_boundary(line, "END", label)) break;
        TRY(buffer_append(&digits, line));
    }
    if (digits.size == 0) return ERR_ENCODING;
    TRY(base64_decode(buffer_slice(&digits), der));
    *text = skip_blank(rest);
    return OK;
}
