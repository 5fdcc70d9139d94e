/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encoding.h"
#include "corpus.h"
#include "crypto/hash.h"
#include "csv.h"
#include "imaging/decode.h"
#include "imaging/dicom.h"

#include <math.h>

enum { WIDTH = 12, HEIGHT = 10 };

static struct dicom_picture row_of(struct slice pixels, uint32_t bits_allocated, uint32_t bits_stored)
{
    return (struct dicom_picture){
        .columns = (uint32_t)(pixels.size / (bits_allocated / 8)),
        .rows = 1,
        .bits_allocated = bits_allocated,
        .bits_stored = bits_stored,
        .slope = 1,
        .pixels = pixels,
    };
}

static void assert_greys(const struct dicom_picture *picture, struct slice expected)
{
    CLEANUP(film_done) struct film film = {};
    assert_ok(dicom_render(picture, &film));
    assert_slice_equal(buffer_slice(&film.pixels), expected);
}

static void eight_bits_stay_as_they_are(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 1, 100, 254, 255};
    const struct dicom_picture picture = row_of(SLICE_ARRAY(values), 8, 8);
    assert_greys(&picture, SLICE_ARRAY(values));
}

static void the_stored_range_is_shown_when_there_is_no_window(void **state)
{
    (void)state;
    static const uint8_t words[] = {0, 0, 0xff, 0x0f, 0x00, 0x08};
    static const uint8_t expected[] = {0, 255, 128};
    const struct dicom_picture picture = row_of(SLICE_ARRAY(words), 16, 12);
    assert_greys(&picture, SLICE_ARRAY(expected));
}

static void bits_that_no_pixel_uses_do_not_darken_the_film(void **state)
{
    (void)state;
    static const uint8_t words[] = {0, 0, 0xff, 0x0f, 0x00, 0x08};
    static const uint8_t expected[] = {0, 255, 128};
    const struct dicom_picture picture = row_of(SLICE_ARRAY(words), 16, 16);
    assert_greys(&picture, SLICE_ARRAY(expected));
}

static void bits_above_those_stored_are_not_looked_at(void **state)
{
    (void)state;
    static const uint8_t words[] = {0xff, 0xff, 0x00, 0xf0};
    static const uint8_t expected[] = {255, 0};
    const struct dicom_picture picture = row_of(SLICE_ARRAY(words), 16, 12);
    assert_greys(&picture, SLICE_ARRAY(expected));
}

static void signed_values_go_through_the_rescale(void **state)
{
    (void)state;
    static const uint8_t words[] = {0x00, 0xf8, 0xff, 0x07, 0x00, 0x00}; /* -2048, 2047, 0 in 12 bits */
    static const uint8_t expected[] = {0, 255, 128};
    static const uint8_t turned[] = {255, 0, 127};
    struct dicom_picture picture = row_of(SLICE_ARRAY(words), 16, 12);
    picture.is_signed = true;
    picture.intercept = 2048;
    assert_greys(&picture, SLICE_ARRAY(expected));
    picture.slope = -1;
    assert_greys(&picture, SLICE_ARRAY(turned));
}

static void big_endian_words_are_read(void **state)
{
    (void)state;
    static const uint8_t words[] = {0x0f, 0xff, 0x08, 0x00};
    static const uint8_t expected[] = {255, 128};
    struct dicom_picture picture = row_of(SLICE_ARRAY(words), 16, 12);
    picture.is_big_endian = true;
    assert_greys(&picture, SLICE_ARRAY(expected));
}

static void monochrome1_is_turned_around(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 55, 255};
    static const uint8_t expected[] = {255, 200, 0};
    struct dicom_picture picture = row_of(SLICE_ARRAY(values), 8, 8);
    picture.facts.was_inverted = true;
    assert_greys(&picture, SLICE_ARRAY(expected));
}

/* Values from the functions of PS3.3 C.11.2.1.2 and C.11.2.1.3. */
static void windows_are_applied(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 100, 127, 128, 150, 255};
    struct dicom_picture picture = row_of(SLICE_ARRAY(values), 8, 8);
    picture.window = DICOM_WINDOW_LINEAR;
    picture.window_center = 128;
    picture.window_width = 100;
    static const uint8_t linear[] = {0, 57, 126, 129, 185, 255};
    static const uint8_t exact[] = {0, 56, 125, 128, 184, 255};
    assert_greys(&picture, SLICE_ARRAY(linear));
    picture.window = DICOM_WINDOW_LINEAR_EXACT;
    assert_greys(&picture, SLICE_ARRAY(exact));
    picture.window = DICOM_WINDOW_SIGMOID;
    CLEANUP(film_done) struct film film = {};
    assert_ok(dicom_render(&picture, &film));
    for (size_t i = 0; i < sizeof(values); i++)
        assert_int_equal(film.pixels.bytes[i], lround(255 / (1 + exp(-4 * (values[i] - 128.0) / 100))));
}

static void a_window_of_one_value_is_a_step(void **state)
{
    (void)state;
    static const uint8_t values[] = {99, 100};
    static const uint8_t expected[] = {0, 255};
    struct dicom_picture picture = row_of(SLICE_ARRAY(values), 8, 8);
    picture.window = DICOM_WINDOW_LINEAR;
    picture.window_center = 100;
    picture.window_width = 1;
    assert_greys(&picture, SLICE_ARRAY(expected));
}

static void tables_are_applied(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 10, 11, 12, 200};
    static const uint8_t narrow_entries[] = {5, 100, 250};
    static const uint8_t wide_entries[] = {0, 0, 0xff, 0x07, 0xff, 0x0f};
    static const uint8_t narrow[] = {5, 5, 100, 250, 250};
    static const uint8_t wide[] = {0, 0, 127, 255, 255};
    struct dicom_picture picture = row_of(SLICE_ARRAY(values), 8, 8);
    picture.voi_table =
        (struct dicom_table){.count = 3, .first = 10, .bits = 8, .entries = SLICE_ARRAY(narrow_entries)};
    assert_greys(&picture, SLICE_ARRAY(narrow));
    picture.voi_table = (struct dicom_table){};
    picture.modality_table = (struct dicom_table){
        .count = 3, .first = 10, .bits = 12, .is_wide = true, .entries = SLICE_ARRAY(wide_entries)};
    assert_greys(&picture, SLICE_ARRAY(wide));
}

static void padding_is_black_in_either_polarity(void **state)
{
    (void)state;
    static const uint8_t words[] = {0x00, 0x00, 0xa0, 0x0f, 0xff, 0x0f}; /* 0, 4000, 4095 */
    static const uint8_t plain[] = {0, 0, 0};
    static const uint8_t inverted[] = {255, 0, 0};
    struct dicom_picture picture = row_of(SLICE_ARRAY(words), 16, 12);
    picture.has_padding = true;
    picture.padding_low = 4000;
    picture.padding_high = 4095;
    assert_greys(&picture, SLICE_ARRAY(plain));
    picture.facts.was_inverted = true;
    assert_greys(&picture, SLICE_ARRAY(inverted));
}

static void made_up_files_give_their_pattern(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned top;
        bool inverted;
    } cases[] = {{"imaging_dicom/explicit_8", 255, false},
                 {"imaging_dicom/implicit_12_inverted", 4095, true},
                 {"imaging_dicom/big_endian_signed_12", 4095, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer file = corpus_file(cases[i].name);
        CLEANUP(film_done) struct film film = {};
        assert_ok(dicom_decode(buffer_slice(&file), NULL, &film));
        assert_int_equal(film.pixels.size, WIDTH * HEIGHT);
        for (unsigned at = 0; at < WIDTH * HEIGHT; at++) {
            const double grey = corpus_grey(at % WIDTH, at / WIDTH, cases[i].top) * 255.0 / cases[i].top;
            assert_int_equal(film.pixels.bytes[at], cases[i].inverted ? 255 - lround(grey) : lround(grey));
        }
    }
}

/* Uncompressed films of the shared data come out as the films that they were made from. */
static void real_films_come_out_as_their_originals(void **state)
{
    (void)state;
    static struct csv_row head, row;
    CLEANUP(buffer_done) struct buffer manifest = read_whole(shared_path("data/chest-xray/dicom/manifest.csv"));
    struct slice rest = buffer_slice(&manifest);
    assert_true(csv_next(&rest, &head));
    size_t films = 0;
    while (csv_next(&rest, &row)) {
        char relative[640];
        (void)snprintf(relative, sizeof(relative), "data/chest-xray/%s", csv_field(&head, &row, "file"));
        CLEANUP(buffer_done) struct buffer file = read_whole(shared_path(relative));
        CLEANUP(film_done) struct film film = {};
        uint8_t digest[SHA256_BYTES];
        const enum status status = dicom_decode(buffer_slice(&file), NULL, &film);
        if (status == ERR_IMAGE_UNSUPPORTED) continue;
        assert_ok(status);
        assert_ok(sha256(buffer_slice(&film.pixels), digest));
        assert_string_equal(hex_of_32(digest).text, csv_field(&head, &row, "sha256_gray8_of_film"));
        films++;
    }
    assert_int_equal(films, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_bits_stay_as_they_are),
        cmocka_unit_test(the_stored_range_is_shown_when_there_is_no_window),
        cmocka_unit_test(bits_that_no_pixel_uses_do_not_darken_the_film),
        cmocka_unit_test(bits_above_those_stored_are_not_looked_at),
        cmocka_unit_test(signed_values_go_through_the_rescale),
        cmocka_unit_test(big_endian_words_are_read),
        cmocka_unit_test(monochrome1_is_turned_around),
        cmocka_unit_test(windows_are_applied),
        cmocka_unit_test(a_window_of_one_value_is_a_step),
        cmocka_unit_test(tables_are_applied),
        cmocka_unit_test(padding_is_black_in_either_polarity),
        cmocka_unit_test(made_up_files_give_their_pattern),
        cmocka_unit_test(real_films_come_out_as_their_originals),
    };
    return cmocka_run_group_tests_name("imaging/dicom_render", tests, NULL, NULL);
}
