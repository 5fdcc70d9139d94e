/* SPDX-License-Identifier: Apache-2.0 */
#include "base/refusal.h"

#include "testing.h"

static void test_one_line_says_all_four(void **)
{
    struct refusal why = {};
    assert_status(refuse(&why, ERR_QUOTE_UNSUPPORTED, "header.version", "3", "%d", 9), ERR_QUOTE_UNSUPPORTED);
    assert_status(refuse_fix(&why, ERR_INTERNAL, "send a version 3 quote"), ERR_QUOTE_UNSUPPORTED);
    char line[512];
    refusal_text(&why, line, sizeof(line));
    assert_string_equal(line, "the quote's version or kind is not supported: header.version: seen 9, expected 3; "
                              "what to do: send a version 3 quote");
    refusal_text(&why, line, 10);
    assert_int_equal(strlen(line), 9);
}

static void test_nobody_need_ask_why(void **)
{
    assert_status(refuse(NULL, ERR_REPLAY, "x", "y", "z"), ERR_REPLAY);
}

static void test_long_and_unprintable_texts_are_tamed(void **)
{
    struct refusal why = {};
    assert_status(refuse(&why, ERR_FIELD_VALUE, "f\n", "e", "%0500d", 1), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "f?");
    assert_int_equal(strlen(why.seen), REFUSAL_TEXT_BYTES - 1);
    assert_string_equal(why.seen + REFUSAL_TEXT_BYTES - 4, "...");
}

static void test_hex_is_cut_in_the_middle(void **)
{
    uint8_t bytes[64] = {0xab};
    assert_string_equal(refusal_hex(slice_of(bytes, 2)).text, "ab00");
    assert_int_equal(strlen(refusal_hex(SLICE_ARRAY(bytes)).text), 67);
}

static void test_a_failure_takes_the_status_of_its_layer(void **)
{
    struct refusal why = {};
    const enum status inner = refuse(&why, ERR_FIELD_MISSING, "claims.iat", "an integer", "nothing");
    assert_status(refuse_as(&why, inner, ERR_TOKEN_CLAIM), ERR_TOKEN_CLAIM);
    assert_int_equal(why.status, ERR_TOKEN_CLAIM);
    assert_string_equal(why.field, "claims.iat");
    assert_ok(refuse_as(&why, OK, ERR_TOKEN_CLAIM));
    assert_status(refuse_as(&why, ERR_NO_MEMORY, ERR_TOKEN_CLAIM), ERR_NO_MEMORY);
    assert_status(refuse_as(NULL, ERR_FIELD_TYPE, ERR_TOKEN_CLAIM), ERR_TOKEN_CLAIM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line_says_all_four),
        cmocka_unit_test(test_nobody_need_ask_why),
        cmocka_unit_test(test_a_failure_takes_the_status_of_its_layer),
        cmocka_unit_test(test_long_and_unprintable_texts_are_tamed),
        cmocka_unit_test(test_hex_is_cut_in_the_middle),
    };
    return cmocka_run_group_tests_name("base/refusal", tests, NULL, NULL);
}
