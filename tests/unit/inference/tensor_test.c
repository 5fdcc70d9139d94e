/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/tensor.h"

#include "testing.h"

#include <math.h>

static void sizes_follow_from_the_shape(void **state)
{
    (void)state;
    const struct tensor_spec picture = {.rank = 4, .shape = {0, 1, 224, 224}};
    const struct tensor_spec score = {.rank = 2, .shape = {0, 1}};
    assert_int_equal(tensor_item_bytes(&picture), 224 * 224 * 4);
    assert_int_equal(tensor_item_bytes(&score), 4);
}

static void bounds_include_their_ends_and_no_others(void **state)
{
    (void)state;
    const float good[] = {0, 255, 1.5F};
    const float low[] = {0, -0.001F};
    const float high[] = {255.01F};
    assert_true(tensor_is_within(SLICE_ARRAY(good), 0, 255));
    assert_false(tensor_is_within(SLICE_ARRAY(low), 0, 255));
    assert_false(tensor_is_within(SLICE_ARRAY(high), 0, 255));
    assert_false(tensor_is_within(slice_of(good, 5), 0, 255));
}

static void what_is_not_a_number_is_not_finite(void **state)
{
    (void)state;
    const float good[] = {-3e38F, 3e38F};
    const float nan[] = {1, NAN};
    const float infinite[] = {INFINITY};
    const float negative[] = {-INFINITY};
    assert_true(tensor_is_finite(SLICE_ARRAY(good)));
    assert_false(tensor_is_finite(SLICE_ARRAY(nan)));
    assert_false(tensor_is_finite(SLICE_ARRAY(infinite)));
    assert_false(tensor_is_finite(SLICE_ARRAY(negative)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_from_the_shape),
        cmocka_unit_test(bounds_include_their_ends_and_no_others),
        cmocka_unit_test(what_is_not_a_number_is_not_finite),
    };
    return cmocka_run_group_tests_name("inference/tensor", tests, NULL, NULL);
}
