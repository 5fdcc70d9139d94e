/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include <string.h>

struct slice slice_of_text(const char *text)
{
    return text == NULL ? (struct slice){} : slice_of(text, strlen(text));
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

bool slice_equal_text(struct slice a, const char *text)
{
    return slice_equal(a, slice_of_text(text));
}

bool slice_equal_secret(struct slice a, struct slice b)
{
    if (a.size != b.size) return false;
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < a.size; i++) difference = (uint8_t)(difference | (a.bytes[i] ^ b.bytes[i]));
    return difference == 0;
}

bool slice_starts_with(struct slice text, struct slice prefix)
{
    return text.size >= prefix.size && slice_equal(slice_of(text.bytes, prefix.size), prefix);
}

bool slice_is_zero(struct slice bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++) any |= bytes.bytes[i];
    return any == 0;
}

bool slice_split(struct slice text, uint8_t separator, struct slice *before_out, struct slice *after_out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] != separator) continue;
        *before_out = slice_of(text.bytes, i);
        *after_out = slice_of(text.bytes + i + 1, text.size - i - 1);
        return true;
    }
    return false;
}

struct slice slice_part(struct slice text, size_t offset, size_t size)
{
    if (offset >= text.size) return (struct slice){};
    const size_t rest = text.size - offset;
    return slice_of(text.bytes + offset, size < rest ? size : rest);
}

uint64_t slice_number_le(struct slice bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes.size && i < sizeof(number); i++) number |= (uint64_t)bytes.bytes[i] << 8 * i;
    return number;
}
