/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encoding.h"

#include <string.h>

static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char alphabet_standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static enum status encode_64(struct slice bytes, const char *alphabet, bool pad, struct buffer *text)
{
    const size_t whole = bytes.size / 3;
    const size_t left = bytes.size % 3;
    if (bytes.size > SIZE_MAX / 2) return ERR_TOO_LARGE;
    const size_t size = whole * 4 + (left == 0 ? 0 : pad ? 4 : left + 1);
    uint8_t *out;
    TRY(buffer_extend(text, size, &out));
    const uint8_t *in = bytes.bytes;
    for (size_t i = 0; i < whole; i++, in += 3, out += 4) {
        const uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        const uint8_t digits[] = {(uint8_t)alphabet[group >> 18], (uint8_t)alphabet[group >> 12 & 63],
                                  (uint8_t)alphabet[group >> 6 & 63], (uint8_t)alphabet[group & 63]};
        memcpy(out, digits, sizeof(digits));
    }
    if (left == 0) return OK;
    const uint32_t group = (uint32_t)in[0] << 16 | (left == 2 ? (uint32_t)in[1] << 8 : 0);
    for (size_t digit = 0; digit < left + 1; digit++) out[digit] = (uint8_t)alphabet[group >> (18 - 6 * digit) & 63];
    if (pad) memset(out + left + 1, '=', 3 - left);
    return OK;
}

/* One more than the value of each digit in either alphabet; 0: none. */
static const uint8_t digit_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,
    ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18,
    ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27,
    ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,
    ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45,
    ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54,
    ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
    ['-'] = 63, ['/'] = 64, ['_'] = 64,
};

/* Above DIGIT_MAX for what is no digit in either alphabet. */
enum { DIGIT_MAX = 63 };

static inline uint32_t digit_value(uint8_t c)
{
    return (uint32_t)digit_values[c] - 1;
}

/* Bits that no byte uses must be zero, or two texts would stand for the same bytes. */
static bool decode_last(const uint8_t *in, size_t left, uint8_t *out)
{
    if (left == 0) return true;
    const uint32_t first = digit_value(in[0]), second = digit_value(in[1]);
    const uint32_t third = left == 3 ? digit_value(in[2]) : 0;
    if ((first | second | third) > DIGIT_MAX) return false;
    out[0] = (uint8_t)(first << 2 | second >> 4);
    if (left == 2) return (second & 0xf) == 0;
    out[1] = (uint8_t)(second << 4 | third >> 2);
    return (third & 3) == 0;
}

/* Quotes are all base64, so four digits at a time: this is on the path of every attestation. */
static bool decode_digits(struct slice text, uint8_t *out)
{
    const uint8_t *in = text.bytes;
    for (size_t i = 0; i < text.size / 4; i++, in += 4, out += 3) {
        const uint32_t first = digit_value(in[0]), second = digit_value(in[1]);
        const uint32_t third = digit_value(in[2]), fourth = digit_value(in[3]);
        if ((first | second | third | fourth) > DIGIT_MAX) return false;
        const uint32_t group = first << 18 | second << 12 | third << 6 | fourth;
        out[0] = (uint8_t)(group >> 16);
        out[1] = (uint8_t)(group >> 8);
        out[2] = (uint8_t)group;
    }
    return decode_last(in, text.size % 4, out);
}

static enum status decode_64(struct slice text, struct buffer *bytes)
{
    const size_t left = text.size % 4;
    if (left == 1) return ERR_ENCODING;
    const size_t before = bytes->size;
    uint8_t *out;
    TRY(buffer_extend(bytes, text.size / 4 * 3 + (left == 0 ? 0 : left - 1), &out));
    if (decode_digits(text, out)) return OK;
    buffer_truncate(bytes, before);
    return ERR_ENCODING;
}

/* Whether the two digits that only the other alphabet has are away. */
static bool has_neither(struct slice text, char one, char other)
{
    return text.size == 0 ||
           (memchr(text.bytes, one, text.size) == NULL && memchr(text.bytes, other, text.size) == NULL);
}

static enum status strip_padding(struct slice *text)
{
    if (text->size % 4 != 0) return ERR_ENCODING;
    for (int i = 0; i < 2 && text->size > 0 && text->bytes[text->size - 1] == '='; i++) text->size--;
    return OK;
}

enum status base64url_encode(struct slice bytes, struct buffer *text)
{
    return encode_64(bytes, alphabet_url, false, text);
}

enum status base64url_decode(struct slice text, struct buffer *bytes)
{
    return has_neither(text, '+', '/') ? decode_64(text, bytes) : ERR_ENCODING;
}

enum status base64_encode(struct slice bytes, struct buffer *text)
{
    return encode_64(bytes, alphabet_standard, true, text);
}

enum status base64_decode(struct slice text, struct buffer *bytes)
{
    TRY(strip_padding(&text));
    return has_neither(text, '-', '_') ? decode_64(text, bytes) : ERR_ENCODING;
}

enum status base64_decode_lenient(struct slice text, struct buffer *bytes)
{
    if (text.size > 0 && text.bytes[text.size - 1] == '=') TRY(strip_padding(&text));
    return decode_64(text, bytes);
}

static const char hex_digits[] = "0123456789abcdef";

enum status hex_encode(struct slice bytes, struct buffer *text)
{
    if (bytes.size > SIZE_MAX / 2) return ERR_TOO_LARGE;
    uint8_t *out;
    TRY(buffer_extend(text, bytes.size * 2, &out));
    for (size_t i = 0; i < bytes.size; i++) {
        *out++ = (uint8_t)hex_digits[bytes.bytes[i] >> 4];
        *out++ = (uint8_t)hex_digits[bytes.bytes[i] & 15];
    }
    return OK;
}

static bool hex_value(uint8_t c, uint8_t *value_out)
{
    if (c >= '0' && c <= '9')
        *value_out = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *value_out = (uint8_t)(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
        *value_out = (uint8_t)(c - 'A' + 10);
    else
        return false;
    return true;
}

static enum status hex_decode_into(struct slice text, uint8_t *out)
{
    for (size_t i = 0; i < text.size / 2; i++) {
        uint8_t high, low;
        if (!hex_value(text.bytes[2 * i], &high) || !hex_value(text.bytes[2 * i + 1], &low)) return ERR_ENCODING;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return OK;
}

enum status hex_decode(struct slice text, struct buffer *bytes)
{
    if (text.size % 2 != 0) return ERR_ENCODING;
    const size_t before = bytes->size;
    uint8_t *out;
    TRY(buffer_extend(bytes, text.size / 2, &out));
    const enum status status = hex_decode_into(text, out);
    if (status != OK) buffer_truncate(bytes, before);
    return status;
}

enum status hex_decode_exact(struct slice text, size_t size, uint8_t *bytes_out)
{
    if (text.size != size * 2) return ERR_ENCODING;
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(size);
    TRY(hex_decode(text, &bytes));
    if (size > 0) memcpy(bytes_out, bytes.bytes, size);
    return OK;
}

enum status base64url_decode_exact(struct slice text, size_t size, uint8_t *bytes_out)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(size);
    const enum status status = base64url_decode(text, &bytes);
    if (status == ERR_TOO_LARGE || (status == OK && bytes.size != size)) return ERR_ENCODING;
    TRY(status);
    if (size > 0) memcpy(bytes_out, bytes.bytes, size);
    return OK;
}

struct hex32 hex_of_32(const uint8_t bytes[static 32])
{
    struct hex32 hex = {};
    for (size_t i = 0; i < 32; i++) {
        hex.text[2 * i] = hex_digits[bytes[i] >> 4];
        hex.text[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
    return hex;
}

struct base64url32 base64url_of_32(const uint8_t bytes[static 32])
{
    struct base64url32 text = {};
    size_t at = 0;
    for (size_t i = 0; i < 32; i += 3) {
        const uint32_t group =
            (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | (i + 2 < 32 ? bytes[i + 2] : 0U);
        for (int digit = 0; digit < 4 && at < sizeof(text.text) - 1; digit++)
            text.text[at++] = alphabet_url[group >> (18 - 6 * digit) & 63];
    }
    return text;
}

/* The size of what begins with a byte above 0x7f; 0: it is no sequence. */
static size_t utf8_sequence(struct slice text)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const uint8_t first = text.bytes[0];
    const size_t size = first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (size == 0 || size > text.size) return 0;
    uint32_t code_point = first & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if (text.bytes[i] >> 6 != 2) return 0;
        code_point = code_point << 6 | (text.bytes[i] & 63U);
    }
    return code_point < smallest[size] || code_point > 0x10ffff || code_point >> 11 == 0x1b ? 0 : size;
}

bool utf8_is_valid(struct slice text, bool allow_controls)
{
    for (size_t at = 0; at < text.size;) {
        const uint8_t first = text.bytes[at];
        if (!allow_controls && (first < 0x20 || first == 0x7f)) return false;
        const size_t size = first < 0x80 ? 1 : utf8_sequence(slice_part(text, at, text.size));
        if (size == 0) return false;
        at += size;
    }
    return true;
}
