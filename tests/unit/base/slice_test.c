/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include "testing.h"

static void test_equality_looks_at_size_and_content(void **)
{
    assert_true(slice_equal(SLICE_LITERAL("abc"), SLICE_LITERAL("abc")));
    assert_false(slice_equal(SLICE_LITERAL("abc"), SLICE_LITERAL("abcd")));
    assert_false(slice_equal(SLICE_LITERAL("abc"), SLICE_LITERAL("abd")));
    assert_true(slice_equal((struct slice){}, slice_of_text("")));
    assert_true(slice_equal_secret(SLICE_LITERAL("key"), SLICE_LITERAL("key")));
    assert_false(slice_equal_secret(SLICE_LITERAL("key"), SLICE_LITERAL("kez")));
    assert_false(slice_equal_secret(SLICE_LITERAL("key"), SLICE_LITERAL("ke")));
}

static void test_split_at_the_first_separator(void **)
{
    struct slice before, after;
    assert_true(slice_split(SLICE_LITERAL("a.b.c"), '.', &before, &after));
    assert_true(slice_equal_text(before, "a"));
    assert_true(slice_equal_text(after, "b.c"));
    assert_false(slice_split(SLICE_LITERAL("abc"), '.', &before, &after));
}

static void test_part_is_clipped(void **)
{
    assert_true(slice_equal_text(slice_part(SLICE_LITERAL("hello"), 1, 3), "ell"));
    assert_true(slice_equal_text(slice_part(SLICE_LITERAL("hello"), 3, 100), "lo"));
    assert_int_equal(slice_part(SLICE_LITERAL("hello"), 9, 1).size, 0);
}

static void test_zero_and_prefix(void **)
{
    const uint8_t zeros[4] = {};
    assert_true(slice_is_zero(SLICE_ARRAY(zeros)));
    assert_false(slice_is_zero(SLICE_LITERAL("\0\0\1")));
    assert_true(slice_starts_with(SLICE_LITERAL("prefix"), SLICE_LITERAL("pre")));
    assert_false(slice_starts_with(SLICE_LITERAL("pr"), SLICE_LITERAL("pre")));
}

static void test_numbers_in_little_endian(void **)
{
    assert_int_equal(slice_number_le((struct slice){}), 0);
    assert_int_equal(slice_number_le(SLICE_LITERAL("\x01\x02\x80")), 0x800201);
    assert_true(slice_number_le(SLICE_LITERAL("\x01\x02\x03\x04\x05\x06\x07\x88\x09")) == UINT64_C(0x8807060504030201));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality_looks_at_size_and_content),
        cmocka_unit_test(test_split_at_the_first_separator),
        cmocka_unit_test(test_part_is_clipped),
        cmocka_unit_test(test_zero_and_prefix),
        cmocka_unit_test(test_numbers_in_little_endian),
    };
    return cmocka_run_group_tests_name("base/slice", tests, NULL, NULL);
}
