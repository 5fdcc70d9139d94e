/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/text.h"

#include "base/encoding.h"
#include "base/reader.h"

static enum status append_utf8(uint32_t point, struct buffer *text)
{
    if (point < 0x80) return buffer_append_u8(text, (uint8_t)point);
    if (point < 0x800) {
        TRY(buffer_append_u8(text, (uint8_t)(0xc0 | point >> 6)));
        return buffer_append_u8(text, (uint8_t)(0x80 | (point & 0x3f)));
    }
    if (point < 0x10000) {
        TRY(buffer_append_u8(text, (uint8_t)(0xe0 | point >> 12)));
    } else {
        TRY(buffer_append_u8(text, (uint8_t)(0xf0 | point >> 18)));
        TRY(buffer_append_u8(text, (uint8_t)(0x80 | (point >> 12 & 0x3f))));
    }
    TRY(buffer_append_u8(text, (uint8_t)(0x80 | (point >> 6 & 0x3f))));
    return buffer_append_u8(text, (uint8_t)(0x80 | (point & 0x3f)));
}

static bool is_high(uint16_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint16_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* One code point: a unit, or a pair of them. */
static uint32_t next_point(struct reader *reader, uint16_t unit)
{
    struct reader ahead = *reader;
    uint16_t low;
    if (!is_high(unit)) return is_low(unit) ? 0xfffd : unit;
    if (reader_u16_le(&ahead, &low) != OK || !is_low(low)) return 0xfffd;
    *reader = ahead;
    return 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
}

static enum status take_text(const struct buffer *text, json_t **text_out)
{
    *text_out = json_stringn(text->size == 0 ? "" : (const char *)text->bytes, text->size);
    return *text_out == NULL ? ERR_NO_MEMORY : OK;
}

enum status text_of_utf16(struct slice utf16, json_t **text_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(utf16.size / 2 * 3);
    struct reader reader = reader_over(utf16);
    uint16_t unit;
    while (reader_u16_le(&reader, &unit) == OK && unit != 0) TRY(append_utf8(next_point(&reader, unit), &text));
    return take_text(&text, text_out);
}

enum status text_of_base64url(struct slice bytes, json_t **text_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(bytes.size / 3 * 4 + 4);
    TRY(base64url_encode(bytes, &text));
    return take_text(&text, text_out);
}

enum status text_of_hex(struct slice bytes, json_t **text_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * bytes.size);
    TRY(hex_encode(bytes, &text));
    return take_text(&text, text_out);
}

enum status text_put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}
