/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/film.h"

#include "testing.h"

static void sizes_up_to_the_maxima_pass(void **state)
{
    (void)state;
    assert_ok(film_check_size(1, 1, NULL));
    assert_ok(film_check_size(FILM_SIDE_MAX, FILM_PIXELS_MAX / FILM_SIDE_MAX, NULL));
}

static void sizes_over_a_maximum_are_refused(void **state)
{
    (void)state;
    assert_status(film_check_size(FILM_SIDE_MAX + 1, 1, NULL), ERR_TOO_LARGE);
    assert_status(film_check_size(1, FILM_SIDE_MAX + 1, NULL), ERR_TOO_LARGE);
    assert_status(film_check_size(FILM_SIDE_MAX, FILM_PIXELS_MAX / FILM_SIDE_MAX + 1, NULL), ERR_TOO_LARGE);
    assert_status(film_check_size(UINT64_MAX, UINT64_MAX, NULL), ERR_TOO_LARGE);
}

static void a_side_of_nothing_is_malformed(void **state)
{
    (void)state;
    assert_status(film_check_size(0, 1, NULL), ERR_IMAGE_MALFORMED);
    assert_status(film_check_size(1, 0, NULL), ERR_IMAGE_MALFORMED);
}

static void formats_have_names(void **state)
{
    (void)state;
    assert_string_equal(film_format_name(FILM_PNG), "png");
    assert_string_equal(film_format_name(FILM_JPEG), "jpeg");
    assert_string_equal(film_format_name(FILM_DICOM), "dicom");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_up_to_the_maxima_pass),
        cmocka_unit_test(sizes_over_a_maximum_are_refused),
        cmocka_unit_test(a_side_of_nothing_is_malformed),
        cmocka_unit_test(formats_have_names),
    };
    return cmocka_run_group_tests_name("imaging/film", tests, NULL, NULL);
}
