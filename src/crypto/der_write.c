/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der_write.h"

enum { OID_MAX_BYTES = 64 };

/* Big endian without leading zero bytes; zero is one zero byte. */
static size_t shortest_bytes(uint64_t value, uint8_t bytes_out[static 8])
{
    size_t size = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
        const uint8_t byte = (uint8_t)(value >> shift);
        if (byte != 0 || size > 0 || shift == 0) bytes_out[size++] = byte;
    }
    return size;
}

enum status der_append(struct buffer *der, enum der_tag tag, struct slice content)
{
    uint8_t length[8];
    const size_t size = shortest_bytes(content.size, length);
    TRY(buffer_append_u8(der, (uint8_t)tag));
    if (content.size >= 0x80) TRY(buffer_append_u8(der, (uint8_t)(0x80 | size)));
    TRY(buffer_append(der, slice_of(length, size)));
    return buffer_append(der, content);
}

enum status der_append_number(struct buffer *der, enum der_tag tag, uint64_t value)
{
    /* A set top bit would make the number negative: a zero byte goes before it. */
    uint8_t bytes[9] = {};
    const size_t size = shortest_bytes(value, bytes + 1);
    const bool looks_negative = (bytes[1] & 0x80) != 0;
    return der_append(der, tag, looks_negative ? slice_of(bytes, size + 1) : slice_of(bytes + 1, size));
}

enum status der_append_boolean(struct buffer *der, bool value)
{
    const uint8_t byte = value ? 0xff : 0x00;
    return der_append(der, DER_BOOLEAN, slice_of(&byte, 1));
}

/* One arc in base 128, the high bit on all bytes but the last (X.690 section 8.19.2). */
static enum status append_arc(struct buffer *content, uint64_t arc)
{
    for (int shift = 63; shift > 0; shift -= 7) {
        if (arc >> shift != 0) TRY(buffer_append_u8(content, (uint8_t)(0x80 | ((arc >> shift) & 0x7f))));
    }
    return buffer_append_u8(content, (uint8_t)(arc & 0x7f));
}

static enum status read_arc(struct slice *text, uint64_t *arc_out)
{
    struct slice digits = *text, rest = {};
    (void)slice_split(*text, '.', &digits, &rest);
    if (digits.size == 0 || digits.size > 19) return ERR_FIELD_VALUE;
    uint64_t arc = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') return ERR_FIELD_VALUE;
        arc = arc * 10 + (uint64_t)(digits.bytes[i] - '0');
    }
    /* A dot must be followed by something. */
    if (digits.size + 1 == text->size) return ERR_FIELD_VALUE;
    *text = rest;
    *arc_out = arc;
    return OK;
}

enum status der_append_oid(struct buffer *der, const char *dotted)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(OID_MAX_BYTES);
    struct slice text = slice_of_text(dotted);
    uint64_t first, second;
    TRY(read_arc(&text, &first));
    TRY(read_arc(&text, &second));
    /* The first two arcs share a number (section 8.19.4). */
    if (first > 2 || (first < 2 && second > 39)) return ERR_FIELD_VALUE;
    TRY(append_arc(&content, first * 40 + second));
    while (text.size > 0) {
        uint64_t arc;
        TRY(read_arc(&text, &arc));
        TRY(append_arc(&content, arc));
    }
    return der_append(der, DER_OBJECT_IDENTIFIER, buffer_slice(&content));
}
