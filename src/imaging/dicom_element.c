/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/dicom_element.h"

#include <string.h>

enum {
    TAG_ITEM = 0xfffee000U,
    TAG_ITEM_END = 0xfffee00dU,
    TAG_SEQUENCE_END = 0xfffee0ddU,
    TAG_NONE = 0xffffffffU,
    LENGTH_UNDEFINED = 0xffffffffU,
};

struct element {
    uint32_t tag, length;
    char representation[2];
};

/* What a walk has in common at every depth. */
struct walk {
    struct dicom_syntax syntax;
    struct refusal *why;
    size_t elements; /* seen so far: a bound on work */
};

uint32_t dicom_word(const uint8_t *bytes, bool is_big_endian)
{
    return is_big_endian ? (uint32_t)bytes[0] << 8 | bytes[1] : (uint32_t)bytes[1] << 8 | bytes[0];
}

static enum status refuse_element(const struct walk *walk, uint32_t tag, const char *expected, const char *seen)
{
    return refuse(walk->why, ERR_IMAGE_MALFORMED, "dicom.element", expected, "(%04x,%04x): %s", tag >> 16, tag & 0xffff,
                  seen);
}

static enum status read_u16(const struct walk *walk, struct reader *reader, uint16_t *value_out)
{
    return walk->syntax.is_big_endian ? reader_u16(reader, value_out) : reader_u16_le(reader, value_out);
}

static enum status read_u32(const struct walk *walk, struct reader *reader, uint32_t *value_out)
{
    return walk->syntax.is_big_endian ? reader_u32(reader, value_out) : reader_u32_le(reader, value_out);
}

/* Representations whose length takes four bytes, after two that are reserved (PS3.5 section 7.1.2). */
static bool has_long_length(const char representation[2])
{
    static const char names[][3] = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i][0] == representation[0] && names[i][1] == representation[1]) return true;
    }
    return false;
}

static enum status read_explicit_length(const struct walk *walk, struct reader *reader, struct element *element)
{
    TRY(reader_copy(reader, 2, (uint8_t *)element->representation));
    for (int i = 0; i < 2; i++) {
        if (element->representation[i] < 'A' || element->representation[i] > 'Z')
            return refuse_element(walk, element->tag, "a value representation of two letters", "something else");
    }
    if (has_long_length(element->representation)) {
        TRY(reader_skip(reader, 2));
        return read_u32(walk, reader, &element->length);
    }
    uint16_t length;
    TRY(read_u16(walk, reader, &length));
    element->length = length;
    return OK;
}

/* Items and delimiters have no representation in either syntax. */
static enum status read_element(struct walk *walk, struct reader *reader, struct element *element_out)
{
    uint16_t group, number;
    TRY(read_u16(walk, reader, &group));
    TRY(read_u16(walk, reader, &number));
    struct element element = {.tag = (uint32_t)group << 16 | number};
    if (++walk->elements > DICOM_ELEMENTS_MAX_COUNT)
        return refuse_element(walk, element.tag, "at most 100000 elements", "one more");
    if (walk->syntax.is_explicit && group != TAG_ITEM >> 16)
        TRY(read_explicit_length(walk, reader, &element));
    else
        TRY(read_u32(walk, reader, &element.length));
    *element_out = element;
    return OK;
}

static enum status walk_elements(struct walk *walk, struct reader *reader, uint32_t stop_tag, bool ends_with_item,
                                 struct dicom_wanted *wanted, size_t wanted_count, unsigned depth);

/* Steps over the items of a sequence of undefined length, up to and with its delimiter. Recursion is bounded by
 * `depth`. */
static enum status skip_items(struct walk *walk, struct reader *reader, unsigned depth)
{
    for (;;) {
        struct element item;
        TRY(read_element(walk, reader, &item));
        if (item.tag == TAG_SEQUENCE_END) return OK;
        if (item.tag != TAG_ITEM) return refuse_element(walk, item.tag, "an item of a sequence", "another element");
        if (item.length != LENGTH_UNDEFINED)
            TRY(reader_skip(reader, item.length));
        else
            TRY(walk_elements(walk, reader, TAG_NONE, true, NULL, 0, depth));
    }
}

/* An element of undefined length is a sequence, or unknown and then one in implicit little endian (PS3.5
 * section 6.2.2). */
static enum status skip_undefined(struct walk *walk, struct reader *reader, const struct element *element,
                                  unsigned depth)
{
    if (depth >= DICOM_SEQUENCE_MAX_DEPTH)
        return refuse_element(walk, element->tag, "sequences at most 16 deep", "one deeper");
    const struct dicom_syntax outer = walk->syntax;
    if (memcmp(element->representation, "UN", 2) == 0) walk->syntax = (struct dicom_syntax){};
    const enum status status = skip_items(walk, reader, depth + 1);
    walk->syntax = outer;
    return status;
}

/* Pixel data that is compressed: a list of fragments, of which only the form matters here. */
static enum status skip_fragments(struct walk *walk, struct reader *reader)
{
    for (;;) {
        struct element item;
        TRY(read_element(walk, reader, &item));
        if (item.tag == TAG_SEQUENCE_END) return OK;
        if (item.tag != TAG_ITEM || item.length == LENGTH_UNDEFINED)
            return refuse_element(walk, item.tag, "a fragment of pixel data", "another element");
        TRY(reader_skip(reader, item.length));
    }
}

enum { TAG_PIXEL_DATA = 0x7fe00010U };

static enum status take_value(struct walk *walk, struct reader *reader, const struct element *element, unsigned depth,
                              struct slice *value_out)
{
    if (element->length != LENGTH_UNDEFINED) return reader_slice(reader, element->length, value_out);
    const struct slice before = reader->rest;
    if (element->tag == TAG_PIXEL_DATA)
        TRY(skip_fragments(walk, reader));
    else
        TRY(skip_undefined(walk, reader, element, depth));
    *value_out = slice_part(before, 0, before.size - reader->rest.size);
    return OK;
}

static enum status keep_wanted(const struct walk *walk, const struct element *element, struct slice value,
                               struct dicom_wanted *wanted, size_t wanted_count)
{
    for (size_t i = 0; i < wanted_count; i++) {
        if (wanted[i].tag != element->tag) continue;
        if (wanted[i].is_there) return refuse_element(walk, element->tag, "the element once", "it twice");
        wanted[i].is_there = true;
        wanted[i].is_encapsulated = element->length == LENGTH_UNDEFINED;
        wanted[i].representation[0] = element->representation[0];
        wanted[i].representation[1] = element->representation[1];
        wanted[i].value = value;
    }
    return OK;
}

static enum status walk_elements(struct walk *walk, struct reader *reader, uint32_t stop_tag, bool ends_with_item,
                                 struct dicom_wanted *wanted, size_t wanted_count, unsigned depth)
{
    while (reader_left(reader) > 0 || ends_with_item) {
        struct element element;
        struct slice value;
        TRY(read_element(walk, reader, &element));
        if (ends_with_item && element.tag == TAG_ITEM_END) return OK;
        TRY(take_value(walk, reader, &element, depth, &value));
        TRY(keep_wanted(walk, &element, value, wanted, wanted_count));
        if (element.tag == stop_tag) return OK;
    }
    return OK;
}

/* A truncated element is a malformed picture; the refusal says where. */
static enum status name_truncation(enum status status, struct refusal *why)
{
    if (status != ERR_TRUNCATED) return status;
    return refuse(why, ERR_IMAGE_MALFORMED, "dicom", "a whole data set", "the file ends inside an element");
}

enum status dicom_walk(struct reader *reader, struct dicom_syntax syntax, uint32_t stop_tag,
                       struct dicom_wanted *wanted, size_t wanted_count, struct refusal *why)
{
    struct walk walk = {.syntax = syntax, .why = why};
    return name_truncation(walk_elements(&walk, reader, stop_tag, false, wanted, wanted_count, 0), why);
}

enum status dicom_walk_first_item(struct slice sequence, struct dicom_syntax syntax, struct dicom_wanted *wanted,
                                  size_t wanted_count, struct refusal *why)
{
    struct walk walk = {.syntax = syntax, .why = why};
    struct reader reader = reader_over(sequence);
    struct element item;
    enum status status = read_element(&walk, &reader, &item);
    if (status == OK && item.tag != TAG_ITEM)
        status = refuse_element(&walk, item.tag, "an item of a sequence", "another element");
    struct reader content = reader;
    const bool is_open = status == OK && item.length == LENGTH_UNDEFINED;
    if (status == OK && !is_open) status = reader_sub(&reader, item.length, &content);
    if (status == OK) status = walk_elements(&walk, &content, TAG_NONE, is_open, wanted, wanted_count, 1);
    return name_truncation(status, why);
}
