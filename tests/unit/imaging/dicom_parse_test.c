/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/dicom.h"

#include "base/encoding.h"
#include "corpus.h"
#include "crypto/hash.h"
#include "csv.h"
#include "imaging/decode.h"

/* ---- a file of 4 by 3 pixels, of which a test changes one element ---- */

enum { COLUMNS = 4, ROWS = 3, FILE_MAX_BYTES = 1 << 16 };

#define EXPLICIT_LITTLE "1.2.840.10008.1.2.1"
#define IMPLICIT_LITTLE "1.2.840.10008.1.2"

struct part {
    uint32_t tag;
    const char *vr;
    struct slice value;
};

/* What differs from the plain file: an element with this tag replaces the plain one or comes in its place in the order;
 * a NULL representation leaves the element out. */
struct change {
    struct part part;
    const char *syntax;
};

static const struct part plain[] = {
    {0x00080060, "CS", SLICE_LITERAL("CR")},
    {0x00100010, "PN", SLICE_LITERAL("Doe^Jane")},
    {0x00101010, "AS", SLICE_LITERAL("006M")},
    {0x00180015, "CS", SLICE_LITERAL("chest-1 ")},
    {0x00185101, "CS", SLICE_LITERAL("PA")},
    {0x00280002, "US", SLICE_LITERAL("\1\0")},
    {0x00280004, "CS", SLICE_LITERAL("MONOCHROME2 ")},
    {0x00280010, "US", SLICE_LITERAL("\3\0")},
    {0x00280011, "US", SLICE_LITERAL("\4\0")},
    {0x00280100, "US", SLICE_LITERAL("\20\0")},
    {0x00280101, "US", SLICE_LITERAL("\14\0")},
    {0x00280102, "US", SLICE_LITERAL("\13\0")},
    {0x00280103, "US", SLICE_LITERAL("\0\0")},
    {0x7fe00010, "OW", SLICE_LITERAL("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27")},
};

static bool has_long_length(const char *vr)
{
    return strcmp(vr, "OW") == 0 || strcmp(vr, "OB") == 0 || strcmp(vr, "SQ") == 0 || strcmp(vr, "UN") == 0;
}

static void append_element(struct buffer *file, const struct part *part, bool is_explicit)
{
    assert_ok(buffer_append_u16_le(file, (uint16_t)(part->tag >> 16)));
    assert_ok(buffer_append_u16_le(file, (uint16_t)part->tag));
    if (is_explicit) assert_ok(buffer_append_text(file, part->vr));
    if (is_explicit && has_long_length(part->vr)) assert_ok(buffer_append_u16_le(file, 0));
    if (!is_explicit || has_long_length(part->vr))
        assert_ok(buffer_append_u32_le(file, (uint32_t)part->value.size));
    else
        assert_ok(buffer_append_u16_le(file, (uint16_t)part->value.size));
    assert_ok(buffer_append(file, part->value));
}

static void append_head(struct buffer *file, const char *syntax)
{
    uint8_t *preamble;
    const struct part uid = {0x00020010, "UI", slice_of_text(syntax)};
    assert_ok(buffer_extend(file, 128, &preamble));
    assert_ok(buffer_append_text(file, "DICM"));
    append_element(file, &uid, true);
}

static struct buffer file_with(const struct change *change)
{
    struct buffer file = buffer_of_maximum(FILE_MAX_BYTES);
    const char *const syntax = change->syntax != NULL ? change->syntax : EXPLICIT_LITTLE;
    const bool is_explicit = strcmp(syntax, IMPLICIT_LITTLE) != 0;
    bool placed = change->part.tag == 0;
    append_head(&file, syntax);
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (!placed && change->part.tag <= plain[i].tag) {
            placed = true;
            if (change->part.vr != NULL) append_element(&file, &change->part, is_explicit);
        }
        if (plain[i].tag != change->part.tag) append_element(&file, &plain[i], is_explicit);
    }
    return file;
}

static enum status parse_with(const struct change *change, struct refusal *why, struct dicom_picture *picture)
{
    /* The picture's slices point into the file; a test that looks at them keeps its own. */
    CLEANUP(buffer_done) struct buffer file = file_with(change);
    return dicom_parse(buffer_slice(&file), why, picture);
}

static void assert_refused(uint32_t tag, const char *vr, struct slice value, enum status status, const char *field)
{
    struct refusal why = {};
    struct dicom_picture picture;
    const struct change change = {.part = {tag, vr, value}};
    assert_status(parse_with(&change, &why, &picture), status);
    assert_string_equal(why.field, field);
    assert_string_not_equal(why.expected, "");
}

/* ---- what is read ---- */

static void the_plain_file_is_read(void **state)
{
    (void)state;
    static const char *const forms[] = {EXPLICIT_LITTLE, IMPLICIT_LITTLE};
    for (size_t i = 0; i < 2; i++) {
        const struct change change = {.syntax = forms[i]};
        CLEANUP(buffer_done) struct buffer file = file_with(&change);
        struct dicom_picture picture;
        assert_ok(dicom_parse(buffer_slice(&file), NULL, &picture));
        assert_int_equal(picture.columns, COLUMNS);
        assert_int_equal(picture.rows, ROWS);
        assert_int_equal(picture.bits_allocated, 16);
        assert_int_equal(picture.bits_stored, 12);
        assert_false(picture.is_signed);
        assert_true(picture.slope == 1 && picture.intercept == 0);
        assert_int_equal(picture.window, DICOM_WINDOW_NONE);
        assert_slice_equal(picture.pixels, plain[sizeof(plain) / sizeof(plain[0]) - 1].value);
        assert_string_equal(picture.facts.transfer_syntax, forms[i]);
        assert_string_equal(picture.facts.photometric, "MONOCHROME2");
    }
}

static void facts_are_cleaned(void **state)
{
    (void)state;
    struct dicom_picture picture;
    assert_ok(parse_with(&(struct change){}, NULL, &picture));
    assert_string_equal(picture.facts.modality, "CR");
    assert_string_equal(picture.facts.body_part, "CHEST1");
    assert_string_equal(picture.facts.view_position, "PA");
    assert_int_equal(picture.facts.age_days, 182);
    assert_int_equal(picture.facts.format, FILM_DICOM);
}

static int32_t age_of(const char *text)
{
    struct dicom_picture picture;
    const struct change change = {.part = {0x00101010, "AS", slice_of_text(text)}};
    assert_ok(parse_with(&change, NULL, &picture));
    return picture.facts.age_days;
}

static void ages_are_read_in_every_unit(void **state)
{
    (void)state;
    assert_int_equal(age_of("010D"), 10);
    assert_int_equal(age_of("003W"), 21);
    assert_int_equal(age_of("024M"), 730);
    assert_int_equal(age_of("018Y"), 18 * 365);
    assert_int_equal(age_of("18Y "), FILM_AGE_UNKNOWN);
    assert_int_equal(age_of("018X"), FILM_AGE_UNKNOWN);
    assert_int_equal(age_of("0-1Y"), FILM_AGE_UNKNOWN);
    assert_int_equal(age_of(""), FILM_AGE_UNKNOWN);
}

static void numbers_are_read(void **state)
{
    (void)state;
    struct dicom_picture picture;
    assert_ok(parse_with(&(struct change){.part = {0x00281053, "DS", SLICE_LITERAL(" -2.5e1 ")}}, NULL, &picture));
    assert_true(picture.slope == -25);
    assert_ok(parse_with(&(struct change){.part = {0x00281052, "DS", SLICE_LITERAL("-1024")}}, NULL, &picture));
    assert_true(picture.intercept == -1024);
}

static struct dicom_picture with_window(const char *center, const char *width, const char *function)
{
    const struct part parts[] = {{0x00281051, "DS", slice_of_text(width)}, {0x00281056, "CS", slice_of_text(function)}};
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILE_MAX_BYTES);
    const struct part first = {0x00281050, "DS", slice_of_text(center)};
    append_head(&file, EXPLICIT_LITTLE);
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (plain[i].tag == 0x7fe00010) {
            append_element(&file, &first, true);
            append_element(&file, &parts[0], true);
            append_element(&file, &parts[1], true);
        }
        append_element(&file, &plain[i], true);
    }
    struct dicom_picture picture;
    assert_ok(dicom_parse(buffer_slice(&file), NULL, &picture));
    return picture;
}

static void windows_are_read(void **state)
{
    (void)state;
    const struct dicom_picture linear = with_window("600\\7", "200\\9 ", "");
    assert_int_equal(linear.window, DICOM_WINDOW_LINEAR);
    assert_true(linear.window_center == 600 && linear.window_width == 200);
    assert_int_equal(with_window("1", "2", "SIGMOID ").window, DICOM_WINDOW_SIGMOID);
    assert_int_equal(with_window("1", "2", "LINEAR_EXACT").window, DICOM_WINDOW_LINEAR_EXACT);
    assert_int_equal(with_window("1", "0", "").window, DICOM_WINDOW_NONE);
}

static void elements_that_are_not_asked_for_are_stepped_over(void **state)
{
    (void)state;
    static const struct slice nested = SLICE_LITERAL("\xfe\xff\x00\xe0\x08\x00\x00\x00"
                                                     "\x28\x00\x10\x00US\x02\x00");
    struct dicom_picture picture;
    assert_ok(parse_with(&(struct change){.part = {0x00081140, "SQ", nested}}, NULL, &picture));
    assert_ok(parse_with(&(struct change){.part = {0x00091001, "UN", nested}}, NULL, &picture));
    assert_int_equal(picture.rows, ROWS);
}

/* A sequence of undefined length, whose only item has undefined length too and holds an element of the picture's. */
static void nested_elements_are_not_the_pictures(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILE_MAX_BYTES);
    append_head(&file, EXPLICIT_LITTLE);
    assert_ok(buffer_append(&file, SLICE_LITERAL("\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"
                                                 "\xfe\xff\x00\xe0\xff\xff\xff\xff"
                                                 "\x28\x00\x10\x00US\x02\x00\x63\x00"
                                                 "\xfe\xff\x0d\xe0\0\0\0\0"
                                                 "\xfe\xff\xdd\xe0\0\0\0\0")));
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) append_element(&file, &plain[i], true);
    struct dicom_picture picture;
    assert_ok(dicom_parse(buffer_slice(&file), NULL, &picture));
    assert_int_equal(picture.rows, ROWS);
}

static void lookup_tables_are_read(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = corpus_file("imaging_dicom/table_8");
    struct dicom_picture picture;
    assert_ok(dicom_parse(buffer_slice(&file), NULL, &picture));
    assert_int_equal(picture.voi_table.count, 256);
    assert_int_equal(picture.voi_table.bits, 8);
    assert_false(picture.voi_table.is_wide);
    assert_int_equal(picture.modality_table.count, 0);
}

/* ---- what is refused ---- */

static void every_shorter_file_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = file_with(&(struct change){});
    for (size_t size = 0; size < file.size; size++) {
        struct dicom_picture picture;
        const enum status status = dicom_parse(slice_of(file.bytes, size), NULL, &picture);
        assert_status(status, size < 132 ? ERR_IMAGE_FORMAT : ERR_IMAGE_MALFORMED);
    }
}

static void missing_elements_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t tag;
        const char *field;
    } cases[] = {
        {0x00280002, "SamplesPerPixel"},
        {0x00280004, "PhotometricInterpretation"},
        {0x00280010, "Rows"},
        {0x00280011, "Columns"},
        {0x00280100, "BitsAllocated"},
        {0x00280101, "BitsStored"},
        {0x00280102, "HighBit"},
        {0x00280103, "PixelRepresentation"},
        {0x7fe00010, "PixelData"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(cases[i].tag, NULL, (struct slice){}, ERR_IMAGE_MALFORMED, cases[i].field);
}

static void a_file_without_transfer_syntax_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILE_MAX_BYTES);
    struct refusal why = {};
    struct dicom_picture picture;
    uint8_t *preamble;
    assert_ok(buffer_extend(&file, 128, &preamble));
    assert_ok(buffer_append_text(&file, "DICM"));
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) append_element(&file, &plain[i], true);
    assert_status(dicom_parse(buffer_slice(&file), &why, &picture), ERR_IMAGE_MALFORMED);
    assert_string_equal(why.field, "TransferSyntaxUID");
}

static void compressed_syntaxes_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *uid, *name;
    } cases[] = {
        {"1.2.840.10008.1.2.1.99", "deflated"},      {"1.2.840.10008.1.2.4.50", "JPEG baseline"},
        {"1.2.840.10008.1.2.4.90", "JPEG 2000"},     {"1.2.840.10008.1.2.5", "RLE"},
        {"1.2.840.10008.1.2.4.80", "JPEG-LS"},       {"1.2.3.4", "another transfer syntax"},
        {"1.2.840.10008.1.2.4.70", "JPEG lossless"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why = {};
        struct dicom_picture picture;
        assert_status(parse_with(&(struct change){.syntax = cases[i].uid}, &why, &picture), ERR_IMAGE_UNSUPPORTED);
        assert_non_null(strstr(why.seen, cases[i].name));
        assert_non_null(strstr(why.seen, cases[i].uid));
        assert_non_null(strstr(why.fix, "uncompressed"));
    }
}

static void colour_is_refused(void **state)
{
    (void)state;
    assert_refused(0x00280004, "CS", SLICE_LITERAL("RGB "), ERR_IMAGE_UNSUPPORTED, "PhotometricInterpretation");
    assert_refused(0x00280002, "US", SLICE_LITERAL("\3\0"), ERR_IMAGE_UNSUPPORTED, "SamplesPerPixel");
}

static void several_frames_are_refused(void **state)
{
    (void)state;
    assert_refused(0x00280008, "IS", SLICE_LITERAL("2 "), ERR_IMAGE_UNSUPPORTED, "NumberOfFrames");
    assert_refused(0x00280008, "IS", SLICE_LITERAL("two "), ERR_IMAGE_MALFORMED, "NumberOfFrames");
}

static void sizes_out_of_bounds_are_refused(void **state)
{
    (void)state;
    assert_refused(0x00280010, "US", SLICE_LITERAL("\0\0"), ERR_IMAGE_MALFORMED, "size");
    assert_refused(0x00280011, "US", SLICE_LITERAL("\xff\xff"), ERR_TOO_LARGE, "size");
}

static void depths_out_of_bounds_are_refused(void **state)
{
    (void)state;
    assert_refused(0x00280100, "US", SLICE_LITERAL("\40\0"), ERR_IMAGE_UNSUPPORTED, "BitsAllocated");
    assert_refused(0x00280100, "US", SLICE_LITERAL("\10\0"), ERR_IMAGE_MALFORMED, "BitsStored");
    assert_refused(0x00280101, "US", SLICE_LITERAL("\7\0"), ERR_IMAGE_UNSUPPORTED, "BitsStored");
    assert_refused(0x00280101, "US", SLICE_LITERAL("\0\0"), ERR_IMAGE_UNSUPPORTED, "BitsStored");
    assert_refused(0x00280102, "US", SLICE_LITERAL("\17\0"), ERR_IMAGE_UNSUPPORTED, "HighBit");
    assert_refused(0x00280103, "US", SLICE_LITERAL("\2\0"), ERR_IMAGE_MALFORMED, "PixelRepresentation");
}

static void a_value_of_another_size_is_refused(void **state)
{
    (void)state;
    assert_refused(0x00280010, "US", SLICE_LITERAL("\3\0\0\0"), ERR_IMAGE_MALFORMED, "Rows");
    assert_refused(0x00280120, "US", SLICE_LITERAL("\3"), ERR_IMAGE_MALFORMED, "PixelPaddingValue");
}

static void broken_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"1,5", "nan", "0x10", "1e99", "--1", "12345678901234567", "1 2"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_refused(0x00281052, "DS", slice_of_text(texts[i]), ERR_IMAGE_MALFORMED, "RescaleIntercept");
    assert_refused(0x00281053, "DS", SLICE_LITERAL("0 "), ERR_IMAGE_MALFORMED, "RescaleSlope");
}

static void too_few_pixels_are_refused(void **state)
{
    (void)state;
    const struct slice pixels = plain[sizeof(plain) / sizeof(plain[0]) - 1].value;
    assert_refused(0x7fe00010, "OW", slice_part(pixels, 0, 22), ERR_IMAGE_MALFORMED, "PixelData");
}

static void padding_after_the_pixels_is_left_out(void **state)
{
    (void)state;
    static const uint8_t longer[26] = {};
    struct dicom_picture picture;
    assert_ok(parse_with(&(struct change){.part = {0x7fe00010, "OW", SLICE_ARRAY(longer)}}, NULL, &picture));
    assert_int_equal(picture.pixels.size, COLUMNS * ROWS * 2);
}

static void fragments_in_an_uncompressed_file_are_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILE_MAX_BYTES);
    struct refusal why = {};
    struct dicom_picture picture;
    append_head(&file, EXPLICIT_LITTLE);
    for (size_t i = 0; i + 1 < sizeof(plain) / sizeof(plain[0]); i++) append_element(&file, &plain[i], true);
    assert_ok(buffer_append(&file, SLICE_LITERAL("\xe0\x7f\x10\x00OW\0\0\xff\xff\xff\xff"
                                                 "\xfe\xff\x00\xe0\x04\x00\x00\x00"
                                                 "abcd\xfe\xff\xdd\xe0\0\0\0\0")));
    assert_status(dicom_parse(buffer_slice(&file), &why, &picture), ERR_IMAGE_MALFORMED);
    assert_string_equal(why.seen, "fragments");
}

static void an_element_twice_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILE_MAX_BYTES);
    struct dicom_picture picture;
    append_head(&file, EXPLICIT_LITTLE);
    append_element(&file, &plain[0], true);
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) append_element(&file, &plain[i], true);
    assert_status(dicom_parse(buffer_slice(&file), NULL, &picture), ERR_IMAGE_MALFORMED);
}

static void an_impossible_representation_is_refused(void **state)
{
    (void)state;
    assert_refused(0x00080070, "9#", SLICE_LITERAL("ab"), ERR_IMAGE_MALFORMED, "dicom.element");
}

static void sequences_that_are_too_deep_are_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(FILE_MAX_BYTES);
    struct refusal why = {};
    struct dicom_picture picture;
    append_head(&file, EXPLICIT_LITTLE);
    for (int depth = 0; depth < 17; depth++)
        assert_ok(buffer_append(&file, SLICE_LITERAL("\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff"
                                                     "\xfe\xff\x00\xe0\xff\xff\xff\xff")));
    assert_status(dicom_parse(buffer_slice(&file), &why, &picture), ERR_IMAGE_MALFORMED);
    assert_non_null(strstr(why.expected, "16 deep"));
}

static void broken_tables_are_refused(void **state)
{
    (void)state;
    /* Says 256 entries and has two; a descriptor of four bytes; no descriptor. */
    static const struct slice sequences[] = {
        SLICE_LITERAL("\xfe\xff\x00\xe0\x1c\0\0\0\x28\0\x02\x30US\x06\0\0\1\0\0\x08\0\x28\0\x06\x30OW\0\0\2\0\0\0ab"),
        SLICE_LITERAL("\xfe\xff\x00\xe0\x0c\0\0\0\x28\0\x02\x30US\x04\0\0\1\0\0"),
        SLICE_LITERAL("\xfe\xff\x00\xe0\0\0\0\0"),
        SLICE_LITERAL("\x28\0\x02\x30\0\0\0\0"),
    };
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        struct dicom_picture picture;
        assert_status(parse_with(&(struct change){.part = {0x00283010, "SQ", sequences[i]}}, NULL, &picture),
                      ERR_IMAGE_MALFORMED);
    }
}

/* ---- real files ---- */

/* Stored pixels as the manifest hashes them: little endian words. */
static struct hex32 stored_hash(const struct dicom_picture *picture)
{
    CLEANUP(buffer_done) struct buffer words = buffer_of_maximum(FILM_FILE_MAX_BYTES);
    uint8_t digest[SHA256_BYTES];
    assert_ok(buffer_append(&words, picture->pixels));
    for (size_t i = 0; picture->is_big_endian && picture->bits_allocated == 16 && i < words.size; i += 2) {
        const uint8_t first = words.bytes[i];
        words.bytes[i] = words.bytes[i + 1];
        words.bytes[i + 1] = first;
    }
    assert_ok(sha256(buffer_slice(&words), digest));
    return hex_of_32(digest);
}

static bool is_uncompressed(const char *syntax)
{
    return strcmp(syntax, EXPLICIT_LITTLE) == 0 || strcmp(syntax, IMPLICIT_LITTLE) == 0 ||
           strcmp(syntax, "1.2.840.10008.1.2.2") == 0;
}

static void check_real_file(const char *name, const char *syntax, const char *expected, const char *sha256_text)
{
    char relative[640];
    (void)snprintf(relative, sizeof(relative), "data/dicom/%s", name);
    CLEANUP(buffer_done) struct buffer file = read_whole(shared_path(relative));
    CLEANUP(film_done) struct film film = {};
    struct dicom_picture picture;
    struct refusal why = {};
    const enum status status = dicom_parse(buffer_slice(&file), &why, &picture);
    if (strcmp(expected, "decode") == 0 && is_uncompressed(syntax) && status != OK) {
        char text[512];
        refusal_text(&why, text, sizeof(text));
        fail_msg("%s: %s", name, text);
    }
    if (strcmp(expected, "refuse") == 0 && status == OK) fail_msg("%s should be refused", name);
    if (status == OK) {
        if (strcmp(stored_hash(&picture).text, sha256_text) != 0) fail_msg("%s: other pixels", name);
        assert_ok(dicom_render(&picture, &film));
    }
    assert_true(status == OK || status == ERR_IMAGE_FORMAT || status == ERR_IMAGE_MALFORMED ||
                status == ERR_IMAGE_UNSUPPORTED);
}

static void real_files_give_their_pixels_or_a_clean_refusal(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer manifest = read_whole(shared_path("data/dicom/manifest.csv"));
    struct slice rest = buffer_slice(&manifest);
    static struct csv_row head, row;
    assert_true(csv_next(&rest, &head));
    size_t files = 0;
    for (; csv_next(&rest, &row); files++)
        check_real_file(csv_field(&head, &row, "file"), csv_field(&head, &row, "transfer_syntax"),
                        csv_field(&head, &row, "expected"), csv_field(&head, &row, "sha256_pixels"));
    assert_true(files > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_file_is_read),
        cmocka_unit_test(facts_are_cleaned),
        cmocka_unit_test(ages_are_read_in_every_unit),
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(windows_are_read),
        cmocka_unit_test(elements_that_are_not_asked_for_are_stepped_over),
        cmocka_unit_test(nested_elements_are_not_the_pictures),
        cmocka_unit_test(lookup_tables_are_read),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(missing_elements_are_refused),
        cmocka_unit_test(a_file_without_transfer_syntax_is_refused),
        cmocka_unit_test(compressed_syntaxes_are_refused_by_name),
        cmocka_unit_test(colour_is_refused),
        cmocka_unit_test(several_frames_are_refused),
        cmocka_unit_test(sizes_out_of_bounds_are_refused),
        cmocka_unit_test(depths_out_of_bounds_are_refused),
        cmocka_unit_test(a_value_of_another_size_is_refused),
        cmocka_unit_test(broken_numbers_are_refused),
        cmocka_unit_test(too_few_pixels_are_refused),
        cmocka_unit_test(padding_after_the_pixels_is_left_out),
        cmocka_unit_test(fragments_in_an_uncompressed_file_are_refused),
        cmocka_unit_test(an_element_twice_is_refused),
        cmocka_unit_test(an_impossible_representation_is_refused),
        cmocka_unit_test(sequences_that_are_too_deep_are_refused),
        cmocka_unit_test(broken_tables_are_refused),
        cmocka_unit_test(real_files_give_their_pixels_or_a_clean_refusal),
    };
    return cmocka_run_group_tests_name("imaging/dicom_parse", tests, NULL, NULL);
}
