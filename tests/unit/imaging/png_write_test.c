/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/png_write.h"

#include "imaging/decode.h"
#include "testing.h"

#include <math.h>

static struct film film_of(uint32_t width, uint32_t height)
{
    struct film film = {.width = width, .height = height, .pixels = buffer_of_maximum((size_t)width * height)};
    for (uint32_t i = 0; i < width * height; i++) assert_ok(buffer_append_u8(&film.pixels, (uint8_t)(i * 11)));
    return film;
}

static struct film read_back(const struct buffer *png)
{
    struct film film = {};
    assert_ok(png_decode(buffer_slice(png), NULL, &film));
    return film;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    CLEANUP(film_done) struct film film = film_of(61, 37);
    CLEANUP(buffer_done) struct buffer png = buffer_of_maximum(1 << 20);
    assert_ok(png_write_film(&film, 64, &png));
    CLEANUP(film_done) struct film back = read_back(&png);
    assert_int_equal(back.width, 61);
    assert_int_equal(back.height, 37);
    assert_slice_equal(buffer_slice(&back.pixels), buffer_slice(&film.pixels));
}

static void larger_films_are_scaled_to_the_longest_side(void **state)
{
    (void)state;
    CLEANUP(film_done) struct film wide = film_of(300, 200);
    CLEANUP(film_done) struct film thin = film_of(1, 300);
    CLEANUP(buffer_done) struct buffer png = buffer_of_maximum(1 << 20);
    assert_ok(png_write_film(&wide, 100, &png));
    CLEANUP(film_done) struct film back = read_back(&png);
    assert_int_equal(back.width, 100);
    assert_int_equal(back.height, 67);
    buffer_clear(&png);
    assert_ok(png_write_film(&thin, 64, &png));
    CLEANUP(film_done) struct film line = read_back(&png);
    assert_int_equal(line.width, 1);
    assert_int_equal(line.height, 64);
}

static void heat_maps_are_greys_from_nothing_to_one(void **state)
{
    (void)state;
    static const float values[] = {-1, 0, 0.5F, 1, 2, 0.25F};
    static const uint8_t greys[] = {0, 0, 128, 255, 255, 64};
    CLEANUP(buffer_done) struct buffer png = buffer_of_maximum(1 << 16);
    assert_ok(png_write_heatmap(SLICE_ARRAY(values), 3, 2, &png));
    CLEANUP(film_done) struct film back = read_back(&png);
    assert_int_equal(back.width, 3);
    assert_int_equal(back.height, 2);
    assert_slice_equal(buffer_slice(&back.pixels), SLICE_ARRAY(greys));
}

static void a_heat_map_with_no_number_in_it_is_refused(void **state)
{
    (void)state;
    const float values[] = {0, NAN};
    CLEANUP(buffer_done) struct buffer png = buffer_of_maximum(1 << 16);
    assert_status(png_write_heatmap(SLICE_ARRAY(values), 2, 1, &png), ERR_INTERNAL);
    assert_status(png_write_heatmap(SLICE_ARRAY(values), 3, 1, &png), ERR_INTERNAL);
    assert_int_equal(png.size, 0);
}

static void sides_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const uint8_t pixels[4] = {};
    CLEANUP(film_done) struct film film = film_of(4, 4);
    CLEANUP(buffer_done) struct buffer png = buffer_of_maximum(1 << 16);
    assert_status(png_write_grey(SLICE_ARRAY(pixels), 2, 3, &png), ERR_INTERNAL);
    assert_status(png_write_grey(SLICE_ARRAY(pixels), 0, 0, &png), ERR_INTERNAL);
    assert_status(png_write_film(&film, PNG_LONGEST_SIDE_MIN - 1, &png), ERR_INTERNAL);
    assert_status(png_write_film(&film, PNG_LONGEST_SIDE_MAX + 1, &png), ERR_INTERNAL);
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
    (void)state;
    CLEANUP(film_done) struct film film = film_of(64, 64);
    CLEANUP(buffer_done) struct buffer png = buffer_of_maximum(20);
    assert_ok(buffer_append_text(&png, "kept"));
    assert_status(png_write_film(&film, 64, &png), ERR_TOO_LARGE);
    assert_slice_equal(buffer_slice(&png), SLICE_LITERAL("kept"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(larger_films_are_scaled_to_the_longest_side),
        cmocka_unit_test(heat_maps_are_greys_from_nothing_to_one),
        cmocka_unit_test(a_heat_map_with_no_number_in_it_is_refused),
        cmocka_unit_test(sides_that_do_not_fit_are_refused),
        cmocka_unit_test(a_full_buffer_is_left_as_it_was),
    };
    return cmocka_run_group_tests_name("imaging/png_write", tests, NULL, NULL);
}
