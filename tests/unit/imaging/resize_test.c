/* SPDX-License-Identifier: Apache-2.0
 *
 * Expected values are Pillow 9.4's resize with BILINEAR of the pattern of corpus_grey.
 */
#include "imaging/resize.h"

#include "base/encoding.h"
#include "corpus.h"
#include "crypto/hash.h"
#include "imaging/film.h"

static struct buffer resized(uint32_t width, uint32_t height, uint32_t out_width, uint32_t out_height)
{
    CLEANUP(buffer_done) struct buffer pattern = buffer_of_maximum((size_t)width * height);
    struct buffer out = buffer_of_maximum((size_t)out_width * out_height);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++)
            assert_ok(buffer_append_u8(&pattern, (uint8_t)((x * 37 + y * 91 + (x * y) % 7 * 13) % 256)));
    }
    assert_ok(resize_grey(buffer_slice(&pattern), width, height, out_width, out_height, &out));
    return out;
}

static void assert_resized(uint32_t width, uint32_t height, uint32_t out_width, uint32_t out_height,
                           struct slice expected)
{
    CLEANUP(buffer_done) struct buffer out = resized(width, height, out_width, out_height);
    assert_slice_equal(buffer_slice(&out), expected);
}

static void small_pictures_come_out_as_pillows(void **state)
{
    (void)state;
    static const uint8_t reduced[] = {120, 134, 131, 127, 118, 132};
    static const uint8_t reduced_unevenly[] = {82, 132, 148, 130, 130, 118};
    static const uint8_t enlarged[] = {0,  15, 37,  59,  74,  23, 39,  63,  87,  103,
                                       68, 87, 115, 143, 162, 91, 111, 141, 171, 191};
    static const uint8_t line[] = {32, 111, 190};
    static const uint8_t same[] = {0, 37, 74, 111, 91, 141, 191, 241, 182, 245, 52, 115, 17, 93, 169, 154};
    static const uint8_t point[] = {127};
    assert_resized(8, 6, 3, 2, SLICE_ARRAY(reduced));
    assert_resized(5, 5, 2, 3, SLICE_ARRAY(reduced_unevenly));
    assert_resized(3, 2, 5, 4, SLICE_ARRAY(enlarged));
    assert_resized(7, 1, 3, 1, SLICE_ARRAY(line));
    assert_resized(4, 4, 4, 4, SLICE_ARRAY(same));
    assert_resized(9, 9, 1, 1, SLICE_ARRAY(point));
}

static void films_come_out_as_pillows(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height, out_width, out_height;
        const char *sha256;
    } cases[] = {
        {1000, 680, 224, 224, "7817f33d483600ff1bed1812f8e9f193afdf507695ea842e77daa5ee97e71689"},
        {150, 97, 224, 224, "2d85eb1548155712964c9ff9be24d455a30a6c99832c559278b0aeb16e8ba040"},
        {2049, 1537, 224, 224, "3c400cbfa1ede7d33219eca5936ff7a007674c54d076c044c6e8e26fc7694e43"},
        {1300, 900, 512, 354, "99f28243174f882e9a51881b21f788477112651559448e30c97c2e30e644f282"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done)
        struct buffer out = resized(cases[i].width, cases[i].height, cases[i].out_width, cases[i].out_height);
        uint8_t digest[SHA256_BYTES];
        assert_ok(sha256(buffer_slice(&out), digest));
        assert_string_equal(hex_of_32(digest).text, cases[i].sha256);
    }
}

static void sides_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const uint8_t pixels[4] = {1, 2, 3, 4};
    CLEANUP(buffer_done) struct buffer out = buffer_of_maximum(64);
    assert_status(resize_grey(SLICE_ARRAY(pixels), 2, 3, 1, 1, &out), ERR_INTERNAL);
    assert_status(resize_grey(SLICE_ARRAY(pixels), 0, 4, 1, 1, &out), ERR_INTERNAL);
    assert_status(resize_grey(SLICE_ARRAY(pixels), 2, 2, 0, 1, &out), ERR_INTERNAL);
    assert_status(resize_grey(SLICE_ARRAY(pixels), 2, 2, 1, FILM_SIDE_MAX + 1, &out), ERR_INTERNAL);
    assert_status(resize_grey(SLICE_ARRAY(pixels), 2, 2, 9, 9, &out), ERR_TOO_LARGE);
    assert_int_equal(out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_pictures_come_out_as_pillows),
        cmocka_unit_test(films_come_out_as_pillows),
        cmocka_unit_test(sides_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests_name("imaging/resize", tests, NULL, NULL);
}
