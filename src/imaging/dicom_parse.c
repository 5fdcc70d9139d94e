/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/dicom.h"

#include "base/reader.h"
#include "imaging/dicom_element.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DICOM_PREAMBLE_BYTES = 128,
    DICOM_NUMBER_MAX_BYTES = 16, /* decimal strings, VR DS */
    DICOM_NUMBER_MAX = 1000000000,
    TAG_TRANSFER_SYNTAX = 0x00020010U,
    TAG_MODALITY = 0x00080060U,
    TAG_PATIENT_AGE = 0x00101010U,
    TAG_BODY_PART = 0x00180015U,
    TAG_VIEW_POSITION = 0x00185101U,
    TAG_SAMPLES = 0x00280002U,
    TAG_PHOTOMETRIC = 0x00280004U,
    TAG_FRAMES = 0x00280008U,
    TAG_ROWS = 0x00280010U,
    TAG_COLUMNS = 0x00280011U,
    TAG_BITS_ALLOCATED = 0x00280100U,
    TAG_BITS_STORED = 0x00280101U,
    TAG_HIGH_BIT = 0x00280102U,
    TAG_SIGNED = 0x00280103U,
    TAG_PADDING = 0x00280120U,
    TAG_PADDING_LIMIT = 0x00280121U,
    TAG_WINDOW_CENTER = 0x00281050U,
    TAG_WINDOW_WIDTH = 0x00281051U,
    TAG_INTERCEPT = 0x00281052U,
    TAG_SLOPE = 0x00281053U,
    TAG_WINDOW_FUNCTION = 0x00281056U,
    TAG_MODALITY_TABLES = 0x00283000U,
    TAG_VOI_TABLES = 0x00283010U,
    TAG_TABLE_DESCRIPTOR = 0x00283002U,
    TAG_TABLE_ENTRIES = 0x00283006U,
    TAG_PIXELS = 0x7fe00010U,
};

/* What is read of a data set; nothing that names a patient is in this list. */
static const uint32_t wanted_tags[] = {
    TAG_MODALITY,        TAG_PATIENT_AGE,  TAG_BODY_PART, TAG_VIEW_POSITION, TAG_SAMPLES,
    TAG_PHOTOMETRIC,     TAG_FRAMES,       TAG_ROWS,      TAG_COLUMNS,       TAG_BITS_ALLOCATED,
    TAG_BITS_STORED,     TAG_HIGH_BIT,     TAG_SIGNED,    TAG_PADDING,       TAG_PADDING_LIMIT,
    TAG_WINDOW_CENTER,   TAG_WINDOW_WIDTH, TAG_INTERCEPT, TAG_SLOPE,         TAG_WINDOW_FUNCTION,
    TAG_MODALITY_TABLES, TAG_VOI_TABLES,   TAG_PIXELS,
};
enum { WANTED_COUNT = sizeof(wanted_tags) / sizeof(wanted_tags[0]) };

/* A data set as it was found, while it is being made into a picture. */
struct data_set {
    struct dicom_syntax syntax;
    struct dicom_wanted elements[WANTED_COUNT];
    struct refusal *why;
};

static const struct dicom_wanted *find(const struct data_set *set, uint32_t tag)
{
    for (size_t i = 0; i < WANTED_COUNT; i++) {
        if (set->elements[i].tag == tag && set->elements[i].is_there) return &set->elements[i];
    }
    return NULL;
}

/* ---- values ---- */

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (text.bytes[text.size - 1] == ' ' || text.bytes[text.size - 1] == '\0')) text.size--;
    while (text.size > 0 && text.bytes[0] == ' ') text = slice_part(text, 1, text.size - 1);
    return text;
}

/* The first of several values. */
static struct slice text_of(const struct data_set *set, uint32_t tag)
{
    const struct dicom_wanted *const element = find(set, tag);
    if (element == NULL) return (struct slice){};
    struct slice text = element->value, first, others;
    if (slice_split(text, '\\', &first, &others)) text = first;
    return trim(text);
}

/* Codes are shown to people and compared, so only what a code may hold is kept (PS3.5 section 6.2, CS). */
static void copy_code(struct slice text, char code_out[static FILM_CODE_MAX_BYTES + 1])
{
    size_t size = 0;
    for (size_t i = 0; i < text.size && size < FILM_CODE_MAX_BYTES; i++) {
        const char c = (char)text.bytes[i];
        const bool is_kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '_';
        if (c >= 'a' && c <= 'z')
            code_out[size++] = (char)(c - 'a' + 'A');
        else if (is_kept)
            code_out[size++] = c;
    }
    code_out[size] = '\0';
}

static enum status get_word(const struct data_set *set, uint32_t tag, const char *field, uint32_t *value_out)
{
    const struct dicom_wanted *const element = find(set, tag);
    if (element == NULL) return refuse(set->why, ERR_IMAGE_MALFORMED, field, "a value", "none");
    if (element->value.size != 2)
        return refuse(set->why, ERR_IMAGE_MALFORMED, field, "two bytes", "%zu bytes", element->value.size);
    *value_out = dicom_word(element->value.bytes, set->syntax.is_big_endian);
    return OK;
}

static enum status parse_number(const struct data_set *set, struct slice text, const char *field, double *value_out)
{
    char copy[DICOM_NUMBER_MAX_BYTES + 1] = {};
    bool is_valid = text.size > 0 && text.size <= DICOM_NUMBER_MAX_BYTES;
    for (size_t i = 0; is_valid && i < text.size; i++) {
        copy[i] = (char)text.bytes[i];
        is_valid = strchr("0123456789+-.eE", copy[i]) != NULL && copy[i] != '\0';
    }
    char *end = copy;
    const double value = is_valid ? strtod(copy, &end) : 0;
    if (!is_valid || *end != '\0' || !isfinite(value) || fabs(value) > DICOM_NUMBER_MAX)
        return refuse(set->why, ERR_IMAGE_MALFORMED, field, "a decimal number", "%zu other characters", text.size);
    *value_out = value;
    return OK;
}

/* Leaves `value` as it is where the file has no such element. */
static enum status get_number(const struct data_set *set, uint32_t tag, const char *field, double *value)
{
    const struct slice text = text_of(set, tag);
    return text.size == 0 ? OK : parse_number(set, text, field, value);
}

static int32_t stored_to_int(uint32_t word, uint32_t bits, bool is_signed)
{
    const uint32_t value = word & ((1U << bits) - 1);
    return is_signed && value >> (bits - 1) != 0 ? (int32_t)value - (int32_t)(1U << bits) : (int32_t)value;
}

/* ---- the parts of the header ---- */

/* "012Y", "006M", "002W", "010D" (PS3.5 section 6.2, AS). Anything else says nothing. */
static int32_t age_in_days(struct slice text)
{
    if (text.size != 4) return FILM_AGE_UNKNOWN;
    int32_t number = 0;
    for (size_t i = 0; i < 3; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') return FILM_AGE_UNKNOWN;
        number = number * 10 + (text.bytes[i] - '0');
    }
    switch (text.bytes[3]) {
    case 'D': return number;
    case 'W': return number * 7;
    case 'M': return number * 365 / 12;
    case 'Y': return number * 365;
    default: return FILM_AGE_UNKNOWN;
    }
}

static void read_facts(const struct data_set *set, struct film_facts *facts)
{
    facts->format = FILM_DICOM;
    facts->age_days = age_in_days(text_of(set, TAG_PATIENT_AGE));
    copy_code(text_of(set, TAG_MODALITY), facts->modality);
    copy_code(text_of(set, TAG_BODY_PART), facts->body_part);
    copy_code(text_of(set, TAG_VIEW_POSITION), facts->view_position);
    copy_code(text_of(set, TAG_PHOTOMETRIC), facts->photometric);
}

static enum status refuse_form(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    (void)refuse(why, ERR_IMAGE_UNSUPPORTED, field, expected, "%s", seen);
    return refuse_fix(why, ERR_IMAGE_UNSUPPORTED, "export the film as one uncompressed grey picture");
}

static enum status check_photometric(const struct data_set *set, struct film_facts *facts)
{
    facts->was_inverted = strcmp(facts->photometric, "MONOCHROME1") == 0;
    if (facts->was_inverted || strcmp(facts->photometric, "MONOCHROME2") == 0) return OK;
    if (facts->photometric[0] == '\0')
        return refuse(set->why, ERR_IMAGE_MALFORMED, "PhotometricInterpretation", "a value", "none");
    return refuse_form(set->why, "PhotometricInterpretation", "MONOCHROME1 or MONOCHROME2", facts->photometric);
}

static enum status check_single_grey(const struct data_set *set)
{
    uint32_t samples;
    double frames = 1;
    TRY(get_word(set, TAG_SAMPLES, "SamplesPerPixel", &samples));
    TRY(get_number(set, TAG_FRAMES, "NumberOfFrames", &frames));
    if (samples != 1) return refuse_form(set->why, "SamplesPerPixel", "1", "colour");
    if (frames != 1) return refuse_form(set->why, "NumberOfFrames", "1", "several frames");
    return OK;
}

static enum status read_shape(const struct data_set *set, struct dicom_picture *picture)
{
    TRY(get_word(set, TAG_ROWS, "Rows", &picture->rows));
    TRY(get_word(set, TAG_COLUMNS, "Columns", &picture->columns));
    return film_check_size(picture->columns, picture->rows, set->why);
}

static enum status read_depth(const struct data_set *set, struct dicom_picture *picture)
{
    uint32_t high_bit, is_signed;
    TRY(get_word(set, TAG_BITS_ALLOCATED, "BitsAllocated", &picture->bits_allocated));
    TRY(get_word(set, TAG_BITS_STORED, "BitsStored", &picture->bits_stored));
    TRY(get_word(set, TAG_HIGH_BIT, "HighBit", &high_bit));
    TRY(get_word(set, TAG_SIGNED, "PixelRepresentation", &is_signed));
    if (picture->bits_allocated != 8 && picture->bits_allocated != 16)
        return refuse_form(set->why, "BitsAllocated", "8 or 16", "another number");
    if (picture->bits_stored > picture->bits_allocated)
        return refuse(set->why, ERR_IMAGE_MALFORMED, "BitsStored", "no more than BitsAllocated", "%u of %u",
                      picture->bits_stored, picture->bits_allocated);
    if (picture->bits_stored < 8) return refuse_form(set->why, "BitsStored", "8 to 16", "fewer bits");
    if (high_bit != picture->bits_stored - 1) return refuse_form(set->why, "HighBit", "BitsStored - 1", "another bit");
    if (is_signed > 1) return refuse(set->why, ERR_IMAGE_MALFORMED, "PixelRepresentation", "0 or 1", "%u", is_signed);
    picture->is_signed = is_signed == 1;
    picture->facts.bits_stored = picture->bits_stored;
    return OK;
}

/* The limit may stand on either side of the padding value (PS3.3 C.7.5.1.1.2). */
static enum status read_padding(const struct data_set *set, struct dicom_picture *picture)
{
    if (find(set, TAG_PADDING) == NULL) return OK;
    uint32_t word, limit_word;
    TRY(get_word(set, TAG_PADDING, "PixelPaddingValue", &word));
    limit_word = word;
    if (find(set, TAG_PADDING_LIMIT) != NULL)
        TRY(get_word(set, TAG_PADDING_LIMIT, "PixelPaddingRangeLimit", &limit_word));
    const int32_t value = stored_to_int(word, picture->bits_stored, picture->is_signed);
    const int32_t limit = stored_to_int(limit_word, picture->bits_stored, picture->is_signed);
    picture->has_padding = true;
    picture->padding_low = value < limit ? value : limit;
    picture->padding_high = value < limit ? limit : value;
    return OK;
}

static enum dicom_window_kind window_kind(struct slice function)
{
    if (slice_equal_text(function, "LINEAR_EXACT")) return DICOM_WINDOW_LINEAR_EXACT;
    if (slice_equal_text(function, "SIGMOID")) return DICOM_WINDOW_SIGMOID;
    return DICOM_WINDOW_LINEAR;
}

/* A window narrower than one value shows nothing; files have it where they mean that there is no window. */
static enum status read_window(const struct data_set *set, struct dicom_picture *picture)
{
    picture->slope = 1;
    TRY(get_number(set, TAG_SLOPE, "RescaleSlope", &picture->slope));
    TRY(get_number(set, TAG_INTERCEPT, "RescaleIntercept", &picture->intercept));
    if (picture->slope == 0) return refuse(set->why, ERR_IMAGE_MALFORMED, "RescaleSlope", "not 0", "0");
    TRY(get_number(set, TAG_WINDOW_CENTER, "WindowCenter", &picture->window_center));
    TRY(get_number(set, TAG_WINDOW_WIDTH, "WindowWidth", &picture->window_width));
    if (find(set, TAG_WINDOW_CENTER) != NULL && picture->window_width >= 1)
        picture->window = window_kind(text_of(set, TAG_WINDOW_FUNCTION));
    return OK;
}

/* Descriptor: number of entries (0 stands for 65536), first value, bits of an entry (PS3.3 C.11.1.1). */
static enum status read_table(const struct data_set *set, uint32_t sequence_tag, const char *field, bool has_negatives,
                              struct dicom_table *table)
{
    const struct dicom_wanted *const sequence = find(set, sequence_tag);
    if (sequence == NULL || sequence->value.size == 0) return OK;
    struct dicom_wanted parts[] = {{.tag = TAG_TABLE_DESCRIPTOR}, {.tag = TAG_TABLE_ENTRIES}};
    TRY(dicom_walk_first_item(sequence->value, set->syntax, parts, 2, set->why));
    if (parts[0].value.size != 6)
        return refuse(set->why, ERR_IMAGE_MALFORMED, field, "a descriptor of six bytes", "%zu", parts[0].value.size);
    const bool big = set->syntax.is_big_endian;
    const uint8_t *const words = parts[0].value.bytes;
    const uint32_t count = dicom_word(words, big);
    struct dicom_table found = {
        .count = count == 0 ? 65536 : count,
        .first = stored_to_int(dicom_word(words + 2, big), 16, has_negatives),
        .bits = dicom_word(words + 4, big),
        .entries = parts[1].value,
    };
    found.is_wide = found.entries.size >= (size_t)found.count * 2;
    if (found.bits < 8 || found.bits > 16 || found.entries.size < found.count || (!found.is_wide && found.bits > 8))
        return refuse(set->why, ERR_IMAGE_MALFORMED, field, "as many entries as the descriptor says",
                      "%zu bytes for %u entries of %u bits", found.entries.size, found.count, found.bits);
    *table = found;
    return OK;
}

static enum status read_pixels(const struct data_set *set, struct dicom_picture *picture)
{
    const struct dicom_wanted *const pixels = find(set, TAG_PIXELS);
    const size_t needed = (size_t)picture->columns * picture->rows * (picture->bits_allocated / 8);
    if (pixels == NULL) return refuse(set->why, ERR_IMAGE_MALFORMED, "PixelData", "pixels", "none");
    if (pixels->is_encapsulated)
        return refuse(set->why, ERR_IMAGE_MALFORMED, "PixelData", "pixels as the transfer syntax says", "fragments");
    /* Bytes in words are swapped in pairs in big endian, and nobody writes that any more. */
    if (picture->is_big_endian && picture->bits_allocated == 8 && pixels->representation[1] == 'W')
        return refuse_form(set->why, "PixelData", "bytes (OB)", "8-bit pixels in big endian words");
    /* Padding may follow the pixels: one byte by the standard (PS3.5 section 8.1.1), more in files that are about. */
    if (pixels->value.size < needed)
        return refuse(set->why, ERR_IMAGE_MALFORMED, "PixelData", "as many bytes as the picture has", "%zu, not %zu",
                      pixels->value.size, needed);
    picture->pixels = slice_part(pixels->value, 0, needed);
    return OK;
}

static enum status read_picture(const struct data_set *set, struct dicom_picture *picture)
{
    read_facts(set, &picture->facts);
    picture->is_big_endian = set->syntax.is_big_endian;
    if (find(set, TAG_PIXELS) == NULL) return refuse(set->why, ERR_IMAGE_MALFORMED, "PixelData", "pixels", "none");
    TRY(check_photometric(set, &picture->facts));
    TRY(check_single_grey(set));
    TRY(read_shape(set, picture));
    TRY(read_depth(set, picture));
    TRY(read_padding(set, picture));
    TRY(read_window(set, picture));
    TRY(read_table(set, TAG_MODALITY_TABLES, "ModalityLUTSequence", picture->is_signed, &picture->modality_table));
    const bool is_negative = picture->modality_table.count == 0 && (picture->is_signed || picture->intercept < 0);
    TRY(read_table(set, TAG_VOI_TABLES, "VOILUTSequence", is_negative, &picture->voi_table));
    return read_pixels(set, picture);
}

/* ---- the file ---- */

struct syntax_name {
    const char *uid, *name;
    bool is_read;
    struct dicom_syntax syntax;
};

static const struct syntax_name syntaxes[] = {
    {"1.2.840.10008.1.2", "implicit VR little endian", true, {false, false}},
    {"1.2.840.10008.1.2.1", "explicit VR little endian", true, {true, false}},
    {"1.2.840.10008.1.2.2", "explicit VR big endian", true, {true, true}},
    {"1.2.840.10008.1.2.1.99", "deflated", false, {}},
    {"1.2.840.10008.1.2.4.50", "JPEG baseline", false, {}},
    {"1.2.840.10008.1.2.4.51", "JPEG extended", false, {}},
    {"1.2.840.10008.1.2.4.57", "JPEG lossless", false, {}},
    {"1.2.840.10008.1.2.4.70", "JPEG lossless, first-order prediction", false, {}},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS lossless", false, {}},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS near-lossless", false, {}},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 lossless", false, {}},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000", false, {}},
    {"1.2.840.10008.1.2.4.201", "high-throughput JPEG 2000 lossless", false, {}},
    {"1.2.840.10008.1.2.4.202", "high-throughput JPEG 2000 lossless, RPCL", false, {}},
    {"1.2.840.10008.1.2.4.203", "high-throughput JPEG 2000", false, {}},
    {"1.2.840.10008.1.2.5", "RLE lossless", false, {}},
};

static enum status find_syntax(struct slice uid, struct refusal *why, const struct syntax_name **syntax_out)
{
    const char *name = "another transfer syntax";
    for (size_t i = 0; i < sizeof(syntaxes) / sizeof(syntaxes[0]); i++) {
        if (!slice_equal_text(uid, syntaxes[i].uid)) continue;
        if (syntaxes[i].is_read) {
            *syntax_out = &syntaxes[i];
            return OK;
        }
        name = syntaxes[i].name;
    }
    (void)refuse(why, ERR_IMAGE_UNSUPPORTED, "TransferSyntaxUID", "an uncompressed transfer syntax", "%s (%.*s)", name,
                 (int)(uid.size < FILM_UID_MAX_BYTES ? uid.size : FILM_UID_MAX_BYTES), (const char *)uid.bytes);
    return refuse_fix(why, ERR_IMAGE_UNSUPPORTED, "export the film uncompressed (explicit VR little endian)");
}

/* The file meta group is always explicit VR little endian (PS3.10 section 7.1) and ends with the first element of
 * another group; its stated length is not needed, and not believed. */
static enum status read_meta(struct reader *reader, struct refusal *why, const struct syntax_name **syntax_out)
{
    const struct dicom_syntax meta = {.is_explicit = true};
    struct dicom_wanted uid = {.tag = TAG_TRANSFER_SYNTAX};
    for (;;) {
        struct reader ahead = *reader;
        uint16_t group, number;
        if (reader_u16_le(&ahead, &group) != OK || reader_u16_le(&ahead, &number) != OK || group != 2) break;
        TRY(dicom_walk(reader, meta, (uint32_t)group << 16 | number, &uid, 1, why));
    }
    if (!uid.is_there) return refuse(why, ERR_IMAGE_MALFORMED, "TransferSyntaxUID", "a value", "none");
    return find_syntax(trim(uid.value), why, syntax_out);
}

enum status dicom_parse(struct slice file, struct refusal *why, struct dicom_picture *picture_out)
{
    struct reader reader = reader_over(file);
    struct slice magic;
    const struct syntax_name *syntax;
    if (reader_skip(&reader, DICOM_PREAMBLE_BYTES) != OK || reader_slice(&reader, 4, &magic) != OK ||
        !slice_equal_text(magic, "DICM"))
        return refuse(why, ERR_IMAGE_FORMAT, "dicom", "the preamble and DICM", "something else");
    TRY(read_meta(&reader, why, &syntax));
    struct data_set set = {.syntax = syntax->syntax, .why = why};
    for (size_t i = 0; i < WANTED_COUNT; i++) set.elements[i].tag = wanted_tags[i];
    TRY(dicom_walk(&reader, set.syntax, TAG_PIXELS, set.elements, WANTED_COUNT, why));
    struct dicom_picture picture = {};
    TRY(read_picture(&set, &picture));
    (void)snprintf(picture.facts.transfer_syntax, sizeof(picture.facts.transfer_syntax), "%s", syntax->uid);
    *picture_out = picture;
    return OK;
}
