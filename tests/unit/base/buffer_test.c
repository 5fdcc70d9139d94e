/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "base/secret.h"
#include "testing.h"

static void test_the_maximum_holds_and_nothing_is_half_written(void **)
{
    CLEANUP(buffer_done) struct buffer buffer = buffer_of_maximum(5);
    assert_ok(buffer_append_text(&buffer, "abc"));
    assert_status(buffer_append_text(&buffer, "def"), ERR_TOO_LARGE);
    assert_status(buffer_append_format(&buffer, "%d", 1000), ERR_TOO_LARGE);
    assert_true(slice_equal_text(buffer_slice(&buffer), "abc"));
    assert_ok(buffer_append_text(&buffer, "de"));
    assert_true(slice_equal_text(buffer_slice(&buffer), "abcde"));
}

static void test_all_zero_is_an_empty_buffer_of_maximum_zero(void **)
{
    CLEANUP(buffer_done) struct buffer buffer = {};
    assert_ok(buffer_append(&buffer, (struct slice){}));
    assert_status(buffer_append_u8(&buffer, 1), ERR_TOO_LARGE);
}

static void test_growth_keeps_content(void **)
{
    CLEANUP(buffer_done) struct buffer buffer = buffer_of_maximum(100000);
    for (int i = 0; i < 1000; i++) assert_ok(buffer_append_format(&buffer, "%04d", i));
    assert_int_equal(buffer.size, 4000);
    assert_memory_equal(buffer.bytes + 3996, "0999", 4);
}

static void test_integers(void **)
{
    CLEANUP(buffer_done) struct buffer buffer = buffer_of_maximum(64);
    assert_ok(buffer_append_u16(&buffer, 0x0102));
    assert_ok(buffer_append_u32(&buffer, 0x03040506));
    assert_ok(buffer_append_u64(&buffer, 0x0708090a0b0c0d0e));
    assert_ok(buffer_append_u16_le(&buffer, 0x0102));
    assert_ok(buffer_append_u32_le(&buffer, 0x03040506));
    const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 2, 1, 6, 5, 4, 3};
    assert_slice_equal(buffer_slice(&buffer), SLICE_ARRAY(expected));
}

static void test_take_text_and_truncate(void **)
{
    CLEANUP(buffer_done) struct buffer buffer = buffer_of_maximum(10);
    assert_ok(buffer_append_text(&buffer, "0123456789"));
    const char *text;
    assert_ok(buffer_text(&buffer, &text));
    assert_string_equal(text, "0123456789");
    buffer_truncate(&buffer, 4);
    assert_ok(buffer_text(&buffer, &text));
    assert_string_equal(text, "0123");
    CLEANUP(buffer_done) struct buffer taken = buffer_take(&buffer);
    assert_int_equal(buffer.size, 0);
    assert_true(slice_equal_text(buffer_slice(&taken), "0123"));
}

static void test_secrets_are_bounded_and_move(void **)
{
    CLEANUP(secret_done) struct secret secret = {};
    assert_status(secret_alloc(SECRET_MAX_BYTES + 1, &secret), ERR_TOO_LARGE);
    assert_ok(secret_copy(SLICE_LITERAL("key"), &secret));
    CLEANUP(secret_done) struct secret moved = secret_take(&secret);
    assert_null(secret.bytes);
    assert_true(slice_equal_text(secret_slice(&moved), "key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_maximum_holds_and_nothing_is_half_written),
        cmocka_unit_test(test_all_zero_is_an_empty_buffer_of_maximum_zero),
        cmocka_unit_test(test_growth_keeps_content),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_take_text_and_truncate),
        cmocka_unit_test(test_secrets_are_bounded_and_move),
    };
    return cmocka_run_group_tests_name("base/buffer", tests, NULL, NULL);
}
