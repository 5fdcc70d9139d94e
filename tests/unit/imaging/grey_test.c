/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/grey.h"

#include "testing.h"

/* Values from Pillow's convert("L"). */
static void colours_get_the_usual_weights(void **state)
{
    (void)state;
    static const uint8_t rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30, 255, 255, 255, 0, 0, 0};
    static const uint8_t expected[] = {76, 150, 29, 18, 255, 0};
    uint8_t grey[sizeof(expected)];
    struct colour_count colours = {};
    grey_from_rgb(rgb, sizeof(expected), grey, &colours);
    assert_memory_equal(grey, expected, sizeof(expected));
    assert_int_equal(colours.pixels, 6);
    assert_int_equal(colours.colourful, 3);
}

static void a_few_coloured_marks_do_not_make_a_photograph(void **state)
{
    (void)state;
    const struct colour_count marks = {.pixels = 1000, .colourful = 5};
    const struct colour_count photograph = {.pixels = 1000, .colourful = 6};
    assert_false(colour_count_is_colour(&marks));
    assert_true(colour_count_is_colour(&photograph));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_get_the_usual_weights),
        cmocka_unit_test(a_few_coloured_marks_do_not_make_a_photograph),
    };
    return cmocka_run_group_tests_name("imaging/grey", tests, NULL, NULL);
}
