/* SPDX-License-Identifier: Apache-2.0 */
#include "records/name.h"

#include "base/encoding.h"

enum { LATIN_FIRST = 0xc0, LATIN_LAST = 0x17f };

/* The plain letters of U+00C0 to U+017F; the empty ones (the signs for times and divided) end a word. */
static const char *const latin_letters[] = {
    /* clang-format off */
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
    "d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "ss",
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i", "i",
    "d", "n", "o", "o", "o", "o", "o", "", "o", "u", "u", "u", "u", "y", "th", "y",
    "a", "a", "a", "a", "a", "a", "c", "c", "c", "c", "c", "c", "c", "c", "d", "d",
    "d", "d", "e", "e", "e", "e", "e", "e", "e", "e", "e", "e", "g", "g", "g", "g",
    "g", "g", "g", "g", "h", "h", "h", "h", "i", "i", "i", "i", "i", "i", "i", "i",
    "i", "i", "ij", "ij", "j", "j", "k", "k", "k", "l", "l", "l", "l", "l", "l", "l",
    "l", "l", "l", "n", "n", "n", "n", "n", "n", "n", "n", "n", "o", "o", "o", "o",
    "o", "o", "oe", "oe", "r", "r", "r", "r", "r", "r", "s", "s", "s", "s", "s", "s",
    "s", "s", "t", "t", "t", "t", "t", "t", "u", "u", "u", "u", "u", "u", "u", "u",
    "u", "u", "u", "u", "w", "w", "y", "y", "y", "z", "z", "z", "z", "z", "z", "s",
    /* clang-format on */
};
_Static_assert(sizeof(latin_letters) / sizeof(latin_letters[0]) == LATIN_LAST - LATIN_FIRST + 1, "one for each letter");

/* The next code point of text that is known to be valid UTF-8. */
static uint32_t next_code_point(struct slice *text)
{
    const uint8_t first = text->bytes[0];
    const size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t code = size == 1 ? first : first & (0x3fu >> (size - 1));
    for (size_t i = 1; i < size; i++) code = code << 6 | (text->bytes[i] & 0x3fu);
    *text = slice_part(*text, size, text->size);
    return code;
}

static bool is_between(uint32_t code, uint32_t first, uint32_t last)
{
    return code >= first && code <= last;
}

static bool is_dropped(uint32_t code)
{
    return code == '\'' || code == 0x2019 || code == 0x02bc || is_between(code, 0x0300, 0x036f);
}

static bool is_separator(uint32_t code)
{
    const bool is_ascii_sign = code < 0x80 && !is_between(code, '0', '9') && !is_between(code, 'a', 'z');
    return is_ascii_sign || is_between(code, 0x80, 0xbf) || is_between(code, 0x2000, 0x206f) || code == 0x3000;
}

static uint32_t small_letter(uint32_t code)
{
    if (is_between(code, 'A', 'Z')) return code + 0x20;
    if (is_between(code, 0x0391, 0x03a9) || is_between(code, 0x0410, 0x042f)) return code + 0x20; /* Greek, Cyrillic */
    if (is_between(code, 0x0400, 0x040f)) return code + 0x50;
    return code;
}

static enum status append_utf8(struct buffer *text, uint32_t code)
{
    if (code < 0x80) return buffer_append_u8(text, (uint8_t)code);
    const size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    TRY(buffer_append_u8(text, (uint8_t)(0xf00u >> size | code >> (6 * (size - 1)))));
    for (size_t left = size - 1; left > 0; left--)
        TRY(buffer_append_u8(text, (uint8_t)(0x80 | (code >> (6 * (left - 1)) & 0x3f))));
    return OK;
}

/* What `code` adds to a word: some letters, or the end of the word. */
static enum status fold_one(uint32_t code, bool *ends_word, struct buffer *folded)
{
    const bool is_latin = is_between(code, LATIN_FIRST, LATIN_LAST);
    const char *const letters = is_latin ? latin_letters[code - LATIN_FIRST] : "";
    const uint32_t small = small_letter(code);
    if (is_latin ? letters[0] == '\0' : is_separator(small)) {
        *ends_word = true;
        return OK;
    }
    if (*ends_word && folded->size > 0) TRY(buffer_append_u8(folded, ' '));
    *ends_word = false;
    return is_latin ? buffer_append_text(folded, letters) : append_utf8(folded, small);
}

enum status name_fold(struct slice name, struct buffer *folded)
{
    if (name.size > NAME_MAX_BYTES) return ERR_TOO_LARGE;
    if (!utf8_is_valid(name, true)) return ERR_ENCODING;
    bool ends_word = true;
    while (name.size > 0) {
        const uint32_t code = next_code_point(&name);
        if (!is_dropped(code)) TRY(fold_one(code, &ends_word, folded));
    }
    return OK;
}

bool name_next_word(struct slice *folded, struct slice *word_out)
{
    if (folded->size == 0) return false;
    struct slice word, rest;
    if (!slice_split(*folded, ' ', &word, &rest)) {
        word = *folded;
        rest = (struct slice){};
    }
    *word_out = word;
    *folded = rest;
    return true;
}

static bool begins_letter(uint8_t byte)
{
    return (byte & 0xc0) != 0x80;
}

size_t name_letters(struct slice word)
{
    size_t letters = 0;
    for (size_t i = 0; i < word.size; i++) letters += begins_letter(word.bytes[i]) ? 1 : 0;
    return letters;
}

struct slice name_prefix(struct slice word, size_t letters)
{
    size_t seen = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (begins_letter(word.bytes[i]) && seen++ == letters) return slice_part(word, 0, i);
    }
    return word;
}

static bool some_word_begins_with(struct slice name, struct slice start)
{
    struct slice word;
    while (name_next_word(&name, &word)) {
        if (slice_starts_with(word, start)) return true;
    }
    return false;
}

bool name_matches(struct slice name, struct slice question)
{
    struct slice word;
    while (name_next_word(&question, &word)) {
        if (!some_word_begins_with(name, word)) return false;
    }
    return true;
}
