/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der_read.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { LONG_LENGTH = 0x80, LENGTH_MAX_BYTES = 4, TAG_NUMBER_MASK = 0x1f };

static enum status read_length(struct reader *reader, size_t *length_out)
{
    uint8_t first;
    TRY(reader_u8(reader, &first));
    if (first < LONG_LENGTH) {
        *length_out = first;
        return OK;
    }
    const size_t count = first & 0x7f;
    if (count == 0 || count > LENGTH_MAX_BYTES) return ERR_ENCODING;
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t digit;
        TRY(reader_u8(reader, &digit));
        if (i == 0 && digit == 0) return ERR_ENCODING;
        length = length << 8 | digit;
    }
    if (length < LONG_LENGTH) return ERR_ENCODING;
    *length_out = length;
    return OK;
}

enum status der_read(struct reader *reader, struct der_value *value_out)
{
    struct reader ahead = *reader;
    struct der_value value = {};
    size_t length;
    TRY(reader_u8(&ahead, &value.tag));
    if ((value.tag & TAG_NUMBER_MASK) == TAG_NUMBER_MASK) return ERR_ENCODING;
    TRY(read_length(&ahead, &length));
    TRY(reader_slice(&ahead, length, &value.content));
    value.whole = slice_part(reader->rest, 0, reader->rest.size - ahead.rest.size);
    *reader = ahead;
    *value_out = value;
    return OK;
}

bool der_is_next(const struct reader *reader, uint8_t tag)
{
    return reader->rest.size > 0 && reader->rest.bytes[0] == tag;
}

static enum status read_tagged(struct reader *reader, uint8_t tag, struct der_value *value_out)
{
    if (reader->rest.size == 0) return ERR_TRUNCATED;
    if (!der_is_next(reader, tag)) return ERR_ENCODING;
    return der_read(reader, value_out);
}

enum status der_content(struct reader *reader, uint8_t tag, struct slice *content_out)
{
    struct der_value value;
    TRY(read_tagged(reader, tag, &value));
    *content_out = value.content;
    return OK;
}

enum status der_whole(struct reader *reader, uint8_t tag, struct slice *whole_out)
{
    struct der_value value;
    TRY(read_tagged(reader, tag, &value));
    *whole_out = value.whole;
    return OK;
}

enum status der_enter(struct reader *reader, uint8_t tag, struct reader *content_out)
{
    struct slice content;
    TRY(der_content(reader, tag, &content));
    *content_out = reader_over(content);
    return OK;
}

/* X.690 section 8.3.2: not empty, and no first byte that only repeats the sign. */
static enum status check_non_negative(struct slice content)
{
    if (content.size == 0 || content.bytes[0] >= 0x80) return ERR_ENCODING;
    if (content.size > 1 && content.bytes[0] == 0 && content.bytes[1] < 0x80) return ERR_ENCODING;
    return OK;
}

static enum status read_unsigned(struct reader *reader, uint8_t tag, size_t max_size, struct slice *bytes_out)
{
    struct slice content;
    TRY(der_content(reader, tag, &content));
    TRY(check_non_negative(content));
    if (content.bytes[0] == 0) content = slice_part(content, 1, content.size - 1);
    if (content.size > max_size) return ERR_ENCODING;
    *bytes_out = content;
    return OK;
}

enum status der_big_number(struct reader *reader, size_t max_size, struct slice *bytes_out)
{
    struct reader ahead = *reader;
    TRY(read_unsigned(&ahead, DER_TAG_INTEGER, max_size, bytes_out));
    *reader = ahead;
    return OK;
}

enum status der_number(struct reader *reader, uint8_t tag, uint32_t maximum, uint32_t *value_out)
{
    struct reader ahead = *reader;
    struct slice bytes;
    TRY(read_unsigned(&ahead, tag, sizeof(*value_out), &bytes));
    uint32_t value = 0;
    for (size_t i = 0; i < bytes.size; i++) value = value << 8 | bytes.bytes[i];
    if (value > maximum) return ERR_ENCODING;
    *reader = ahead;
    *value_out = value;
    return OK;
}

enum status der_boolean(struct reader *reader, bool *value_out)
{
    struct reader ahead = *reader;
    struct slice content;
    TRY(der_content(&ahead, DER_TAG_BOOLEAN, &content));
    if (content.size != 1 || (content.bytes[0] != 0x00 && content.bytes[0] != 0xff)) return ERR_ENCODING;
    *reader = ahead;
    *value_out = content.bytes[0] == 0xff;
    return OK;
}

enum status der_bit_string(struct reader *reader, struct slice *bytes_out)
{
    struct reader ahead = *reader;
    struct slice content;
    TRY(der_content(&ahead, DER_TAG_BIT_STRING, &content));
    if (content.size == 0 || content.bytes[0] != 0) return ERR_ENCODING;
    *reader = ahead;
    *bytes_out = slice_part(content, 1, content.size - 1);
    return OK;
}

enum status der_named_bits(struct reader *reader, uint32_t *bits_out)
{
    struct reader ahead = *reader;
    struct slice content;
    TRY(der_content(&ahead, DER_TAG_BIT_STRING, &content));
    if (content.size < 1 || content.size > 3 || content.bytes[0] > 7) return ERR_ENCODING;
    const unsigned unused = content.bytes[0];
    const size_t size = content.size - 1;
    if (size == 0 && unused != 0) return ERR_ENCODING;
    if (size > 0 && (content.bytes[size] & ((1U << unused) - 1)) != 0) return ERR_ENCODING;
    uint32_t bits = 0;
    for (size_t bit = 0; bit < size * 8; bit++) {
        if ((content.bytes[1 + bit / 8] & (0x80U >> bit % 8)) != 0) bits |= 1U << bit;
    }
    *reader = ahead;
    *bits_out = bits;
    return OK;
}

static bool is_time_text(struct slice text, size_t digits)
{
    if (text.size != digits + 1 || text.bytes[digits] != 'Z') return false;
    for (size_t i = 0; i < digits; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') return false;
    }
    return true;
}

struct iso_time {
    uint8_t text[20];
};

/* The same digits with what stands between them in ISO 8601. Not by printf: a list of revoked certificates has
 * hundreds.
 */
static void write_iso_time(const uint8_t *digits, bool is_utc, struct iso_time *time_out)
{
    static const struct iso_time shape = {.text = "YYYY-MM-DDThh:mm:ssZ"};
    static const uint8_t places[] = {2, 5, 8, 11, 14, 17};
    *time_out = shape;
    memcpy(time_out->text, is_utc ? (digits[0] < '5' ? "20" : "19") : (const char *)digits, 2);
    if (!is_utc) digits += 2;
    for (size_t i = 0; i < sizeof(places); i++) memcpy(time_out->text + places[i], digits + 2 * i, 2);
}

enum status der_time(struct reader *reader, int64_t *time_s_out)
{
    enum { UTC_TIME_DIGITS = 12, GENERALIZED_TIME_DIGITS = 14 };
    struct reader ahead = *reader;
    struct der_value value;
    TRY(der_read(&ahead, &value));
    const bool is_utc = value.tag == DER_TAG_UTC_TIME;
    if (!is_utc && value.tag != DER_TAG_GENERALIZED_TIME) return ERR_ENCODING;
    if (!is_time_text(value.content, is_utc ? UTC_TIME_DIGITS : GENERALIZED_TIME_DIGITS)) return ERR_ENCODING;
    struct iso_time time;
    write_iso_time(value.content.bytes, is_utc, &time);
    TRY(time_parse_iso8601(SLICE_ARRAY(time.text), time_s_out));
    *reader = ahead;
    return OK;
}

/* One arc as base-128 digits, least significant first. */
struct arc {
    uint8_t digits[OID_MAX_BYTES];
    size_t count;
};

static enum status arc_multiply_add(struct arc *arc, unsigned factor, unsigned addend)
{
    unsigned carry = addend;
    for (size_t i = 0; i < arc->count; i++) {
        const unsigned product = arc->digits[i] * factor + carry;
        arc->digits[i] = product & 0x7f;
        carry = product >> 7;
    }
    while (carry > 0) {
        if (arc->count == sizeof(arc->digits)) return ERR_ENCODING;
        arc->digits[arc->count++] = carry & 0x7f;
        carry >>= 7;
    }
    return OK;
}

static enum status arc_from_text(const char **text, struct arc *arc_out)
{
    struct arc arc = {};
    if (**text < '0' || **text > '9') return ERR_ENCODING;
    if ((*text)[0] == '0' && (*text)[1] >= '0' && (*text)[1] <= '9') return ERR_ENCODING;
    for (; **text >= '0' && **text <= '9'; (*text)++) TRY(arc_multiply_add(&arc, 10, (unsigned)(**text - '0')));
    *arc_out = arc;
    return OK;
}

static enum status append_arc(struct oid *oid, const struct arc *arc)
{
    const size_t count = arc->count > 0 ? arc->count : 1;
    if (oid->size + count > sizeof(oid->bytes)) return ERR_ENCODING;
    for (size_t i = count; i > 0; i--)
        oid->bytes[oid->size++] = (uint8_t)(arc->digits[i - 1] | (i > 1 ? LONG_LENGTH : 0));
    return OK;
}

enum status oid_from_text(const char *dotted, struct oid *oid_out)
{
    struct oid oid = {};
    struct arc arc;
    /* The first two arcs share one number: 40 * first + second. */
    if (dotted[0] < '0' || dotted[0] > '2' || dotted[1] != '.') return ERR_ENCODING;
    const unsigned first = (unsigned)(dotted[0] - '0');
    dotted += 2;
    TRY(arc_from_text(&dotted, &arc));
    TRY(arc_multiply_add(&arc, 1, first * 40));
    TRY(append_arc(&oid, &arc));
    while (*dotted == '.') {
        dotted++;
        TRY(arc_from_text(&dotted, &arc));
        TRY(append_arc(&oid, &arc));
    }
    if (*dotted != '\0') return ERR_ENCODING;
    *oid_out = oid;
    return OK;
}
