/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"
#include "imaging/decode.h"

enum { WIDTH = 40, HEIGHT = 24 };

static enum status decode(const char *name, struct refusal *why, struct film *film)
{
    CLEANUP(buffer_done) struct buffer file = corpus_file(name);
    return jpeg_decode(buffer_slice(&file), why, film);
}

static void grey_and_grey_as_rgb_give_nearly_the_same_film(void **state)
{
    (void)state;
    CLEANUP(film_done) struct film grey = {};
    CLEANUP(film_done) struct film rgb = {};
    assert_ok(decode("imaging_jpeg/grey", NULL, &grey));
    assert_ok(decode("imaging_jpeg/rgb_of_greys", NULL, &rgb));
    assert_int_equal(grey.width, WIDTH);
    assert_int_equal(grey.height, HEIGHT);
    assert_int_equal(grey.pixels.size, WIDTH * HEIGHT);
    assert_int_equal(grey.facts.format, FILM_JPEG);
    assert_false(grey.facts.is_colour);
    assert_false(rgb.facts.is_colour);
    for (size_t i = 0; i < grey.pixels.size; i++)
        assert_true(abs((int)grey.pixels.bytes[i] - (int)rgb.pixels.bytes[i]) <= 2);
}

static void colours_are_noticed(void **state)
{
    (void)state;
    CLEANUP(film_done) struct film film = {};
    assert_ok(decode("imaging_jpeg/rgb_of_colours", NULL, &film));
    assert_true(film.facts.is_colour);
}

static void progressive_is_refused_with_what_to_do(void **state)
{
    (void)state;
    struct film film = {};
    struct refusal why = {};
    assert_status(decode("imaging_jpeg/progressive", &why, &film), ERR_IMAGE_UNSUPPORTED);
    assert_string_equal(why.seen, "progressive");
    assert_non_null(strstr(why.fix, "baseline"));
}

static void four_channels_are_refused(void **state)
{
    (void)state;
    struct film film = {};
    struct refusal why = {};
    assert_status(decode("imaging_jpeg/four_channels", &why, &film), ERR_IMAGE_UNSUPPORTED);
    assert_string_equal(why.field, "jpeg.components");
}

/* libjpeg itself would paint what is missing grey. */
static void every_shorter_file_is_refused(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = corpus_file("imaging_jpeg/grey");
    for (size_t size = 0; size < file.size; size++) {
        struct film film = {};
        assert_status(jpeg_decode(slice_of(file.bytes, size), NULL, &film), ERR_IMAGE_MALFORMED);
        assert_null(film.pixels.bytes);
    }
}

static size_t start_of_frame(const struct buffer *file)
{
    for (size_t at = 2; at + 9 < file->size; at++) {
        if (file->bytes[at] == 0xff && file->bytes[at + 1] == 0xc0) return at;
    }
    fail_msg("no baseline frame");
    return 0;
}

static enum status decode_with_byte(size_t offset, uint8_t value, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer file = corpus_file("imaging_jpeg/grey");
    CLEANUP(film_done) struct film film = {};
    file.bytes[start_of_frame(&file) + offset] = value;
    return jpeg_decode(buffer_slice(&file), why, &film);
}

static void a_side_over_the_maximum_is_refused_before_it_is_allocated(void **state)
{
    (void)state;
    struct refusal why = {};
    assert_status(decode_with_byte(5, 0xf0, &why), ERR_TOO_LARGE);
    assert_string_equal(why.field, "size");
}

static void a_larger_picture_than_the_data_is_refused(void **state)
{
    (void)state;
    assert_status(decode_with_byte(6, 2 * HEIGHT, NULL), ERR_IMAGE_MALFORMED);
}

static void twelve_bits_are_refused(void **state)
{
    (void)state;
    const enum status status = decode_with_byte(4, 12, NULL);
    assert_true(status == ERR_IMAGE_UNSUPPORTED || status == ERR_IMAGE_MALFORMED);
}

static void arithmetic_coding_is_refused(void **state)
{
    (void)state;
    struct refusal why = {};
    assert_status(decode_with_byte(1, 0xc9, &why), ERR_IMAGE_UNSUPPORTED);
    assert_string_equal(why.seen, "arithmetic coding");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grey_and_grey_as_rgb_give_nearly_the_same_film),
        cmocka_unit_test(colours_are_noticed),
        cmocka_unit_test(progressive_is_refused_with_what_to_do),
        cmocka_unit_test(four_channels_are_refused),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(a_side_over_the_maximum_is_refused_before_it_is_allocated),
        cmocka_unit_test(a_larger_picture_than_the_data_is_refused),
        cmocka_unit_test(twelve_bits_are_refused),
        cmocka_unit_test(arithmetic_coding_is_refused),
    };
    return cmocka_run_group_tests_name("imaging/jpeg_read", tests, NULL, NULL);
}
