/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"

#include "testing.h"

static void test_integers_in_both_orders(void **)
{
    const uint8_t bytes[] = {1, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8};
    struct reader reader = reader_over(SLICE_ARRAY(bytes));
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    assert_ok(reader_u8(&reader, &u8));
    assert_ok(reader_u16(&reader, &u16));
    assert_ok(reader_u32(&reader, &u32));
    assert_ok(reader_u64(&reader, &u64));
    assert_int_equal(u8, 1);
    assert_int_equal(u16, 0x0102);
    assert_int_equal(u32, 0x01020304);
    assert_int_equal(u64, 0x0102030405060708);
    assert_ok(reader_u16_le(&reader, &u16));
    assert_ok(reader_u32_le(&reader, &u32));
    assert_ok(reader_u64_le(&reader, &u64));
    assert_int_equal(u16, 0x0201);
    assert_int_equal(u32, 0x04030201);
    assert_int_equal(u64, 0x0807060504030201);
    assert_ok(reader_end(&reader));
}

static void test_a_failed_read_changes_nothing(void **)
{
    struct reader reader = reader_over(SLICE_LITERAL("abc"));
    uint32_t value = 7;
    struct slice bytes = SLICE_LITERAL("untouched");
    assert_status(reader_u32(&reader, &value), ERR_TRUNCATED);
    assert_status(reader_slice(&reader, 4, &bytes), ERR_TRUNCATED);
    assert_int_equal(value, 7);
    assert_true(slice_equal_text(bytes, "untouched"));
    assert_int_equal(reader_left(&reader), 3);
}

static void test_trailing_bytes_are_an_error(void **)
{
    struct reader reader = reader_over(SLICE_LITERAL("ab"));
    assert_ok(reader_skip(&reader, 1));
    assert_status(reader_end(&reader), ERR_TRAILING_BYTES);
    assert_ok(reader_skip(&reader, 1));
    assert_ok(reader_end(&reader));
}

static void test_sub_reader_is_bounded(void **)
{
    struct reader reader = reader_over(SLICE_LITERAL("abcd"));
    struct reader sub;
    uint8_t copy[3];
    assert_ok(reader_sub(&reader, 2, &sub));
    assert_status(reader_copy(&sub, 3, copy), ERR_TRUNCATED);
    assert_ok(reader_copy(&sub, 2, copy));
    assert_memory_equal(copy, "ab", 2);
    assert_int_equal(reader_left(&reader), 2);
}

static void test_the_empty_slice_can_be_read(void **)
{
    struct reader reader = reader_over((struct slice){});
    struct slice none;
    assert_ok(reader_slice(&reader, 0, &none));
    assert_ok(reader_end(&reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers_in_both_orders),     cmocka_unit_test(test_a_failed_read_changes_nothing),
        cmocka_unit_test(test_trailing_bytes_are_an_error), cmocka_unit_test(test_sub_reader_is_bounded),
        cmocka_unit_test(test_the_empty_slice_can_be_read),
    };
    return cmocka_run_group_tests_name("base/reader", tests, NULL, NULL);
}
