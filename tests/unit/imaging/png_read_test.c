/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"
#include "imaging/decode.h"

enum { WIDTH = 13, HEIGHT = 9 };

static enum status decode(const char *name, struct refusal *why, struct film *film)
{
    CLEANUP(buffer_done) struct buffer file = corpus_file(name);
    return png_decode(buffer_slice(&file), why, film);
}

static struct film decoded(const char *name)
{
    struct film film = {};
    assert_ok(decode(name, NULL, &film));
    assert_int_equal(film.width, WIDTH);
    assert_int_equal(film.height, HEIGHT);
    assert_int_equal(film.pixels.size, WIDTH * HEIGHT);
    assert_int_equal(film.facts.format, FILM_PNG);
    assert_int_equal(film.facts.age_days, FILM_AGE_UNKNOWN);
    return film;
}

static void assert_pattern(const struct film *film)
{
    for (unsigned y = 0; y < HEIGHT; y++) {
        for (unsigned x = 0; x < WIDTH; x++)
            assert_int_equal(film->pixels.bytes[y * WIDTH + x], corpus_grey(x, y, 255));
    }
}

static void every_form_of_grey_gives_the_same_film(void **state)
{
    (void)state;
    static const char *const names[] = {"imaging_png/grey8",   "imaging_png/grey16",         "imaging_png/rgb_of_greys",
                                        "imaging_png/palette", "imaging_png/grey_and_alpha", "imaging_png/interlaced"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CLEANUP(film_done) struct film film = decoded(names[i]);
        assert_pattern(&film);
        assert_false(film.facts.is_colour);
    }
}

static void one_bit_is_spread_over_the_range(void **state)
{
    (void)state;
    CLEANUP(film_done) struct film film = decoded("imaging_png/grey1");
    for (unsigned y = 0; y < HEIGHT; y++) {
        for (unsigned x = 0; x < WIDTH; x++)
            assert_int_equal(film.pixels.bytes[y * WIDTH + x], corpus_grey(x, y, 255) > 127 ? 255 : 0);
    }
}

static void colours_are_noticed(void **state)
{
    (void)state;
    CLEANUP(film_done) struct film film = decoded("imaging_png/rgb_of_colours");
    assert_true(film.facts.is_colour);
}

static void every_shorter_file_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"imaging_png/grey8", "imaging_png/interlaced", "imaging_png/palette"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CLEANUP(buffer_done) struct buffer file = corpus_file(names[i]);
        for (size_t size = 0; size < file.size; size++) {
            struct film film = {};
            assert_status(png_decode(slice_of(file.bytes, size), NULL, &film), ERR_IMAGE_MALFORMED);
            assert_null(film.pixels.bytes);
        }
    }
}

static void flipped_bytes_never_pass_as_the_film(void **state)
{
    (void)state;
    CLEANUP(buffer_done) struct buffer file = corpus_file("imaging_png/grey8");
    for (size_t at = 0; at < file.size; at++) {
        file.bytes[at] ^= 0x10;
        struct film film = {};
        const enum status status = png_decode(buffer_slice(&file), NULL, &film);
        assert_true(status == ERR_IMAGE_MALFORMED || status == ERR_TOO_LARGE);
        film_done(&film);
        file.bytes[at] ^= 0x10;
    }
}

static void a_file_without_pixels_is_refused(void **state)
{
    (void)state;
    struct film film = {};
    struct refusal why = {};
    assert_status(decode("imaging_png/no_pixels", &why, &film), ERR_IMAGE_MALFORMED);
    assert_string_equal(why.field, "png");
}

static void a_side_over_the_maximum_is_refused(void **state)
{
    (void)state;
    struct film film = {};
    const enum status status = decode("imaging_png/too_wide", NULL, &film);
    assert_true(status == ERR_IMAGE_MALFORMED || status == ERR_TOO_LARGE);
}

/* The sanitizer's, where the tests are built with it. */
__attribute__((weak)) extern int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *,
                                                                                             size_t),
                                                                           void (*on_free)(const volatile void *));
static size_t largest_allocation;

static void note_allocation(const volatile void *, size_t size)
{
    if (size > largest_allocation) largest_allocation = size;
}

static void note_free(const volatile void *)
{
}

/* Texts, profiles and whatever else is no part of the picture: passed over, without memory for what they claim to be.
 */
static void chunks_beside_the_picture_take_no_memory(void **state)
{
    (void)state;
    enum { HEAD_BYTES = 33, CHUNK_BYTES = 12, LARGEST = 1 << 20 };
    static const char *const names[] = {"tEXt", "zTXt", "iTXt", "iCCP", "sPLT", "eXIf", "pCAL", "hIST"};
    static const uint8_t length[] = {0x5e, 0xb8, 0xf4, 0x30};
    if (__sanitizer_install_malloc_and_free_hooks == NULL) skip();
    CLEANUP(buffer_done) struct buffer file = corpus_file("imaging_png/grey8");
    assert_true(__sanitizer_install_malloc_and_free_hooks(note_allocation, note_free) > 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CLEANUP(buffer_done) struct buffer changed = buffer_of_maximum(file.size + CHUNK_BYTES);
        assert_ok(buffer_append(&changed, slice_of(file.bytes, HEAD_BYTES)));
        assert_ok(buffer_append(&changed, SLICE_ARRAY(length)));
        assert_ok(buffer_append_text(&changed, names[i]));
        assert_ok(buffer_append(&changed, slice_of(file.bytes + HEAD_BYTES, file.size - HEAD_BYTES)));
        struct film film = {};
        largest_allocation = 0;
        assert_status(png_decode(buffer_slice(&changed), NULL, &film), ERR_IMAGE_MALFORMED);
        assert_in_range(largest_allocation, 1, LARGEST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_grey_gives_the_same_film),
        cmocka_unit_test(one_bit_is_spread_over_the_range),
        cmocka_unit_test(colours_are_noticed),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(flipped_bytes_never_pass_as_the_film),
        cmocka_unit_test(chunks_beside_the_picture_take_no_memory),
        cmocka_unit_test(a_file_without_pixels_is_refused),
        cmocka_unit_test(a_side_over_the_maximum_is_refused),
    };
    return cmocka_run_group_tests_name("imaging/png_read", tests, NULL, NULL);
}
