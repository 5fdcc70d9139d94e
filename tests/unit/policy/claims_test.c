/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

static void test_a_set_keeps_order_and_copies(void **)
{
    struct claim_set *set = NULL;
    char type[] = "one", text[] = "abc";
    assert_ok(claim_set_new(&set));
    assert_int_equal(claim_set_count(set), 0);
    assert_null(claim_set_find(set, "one"));
    assert_ok(claim_set_add_text(set, type, slice_of_text(text), CLAIM_OF_SERVICE, NULL));
    assert_ok(claim_set_add_integer(set, "two", -7, CLAIM_OF_POLICY, NULL));
    assert_ok(claim_set_add_boolean(set, "one", true, CLAIM_OF_CLIENT, NULL));
    memset(type, 'x', 3);
    memset(text, 'x', 3);
    assert_int_equal(claim_set_count(set), 3);
    assert_string_equal(text_of_claims(set).text, "one='abc' two=-7 one=true");
    assert_int_equal(claim_set_at(set, 2)->issuer, CLAIM_OF_CLIENT);
    assert_ptr_equal(claim_set_find(set, "one"), claim_set_at(set, 0));
    assert_ptr_equal(claim_set_find(set, "two"), claim_set_at(set, 1));
    assert_null(claim_set_find(set, "on"));
    claim_set_clear(set);
    assert_int_equal(claim_set_count(set), 0);
    assert_null(claim_set_find(set, "one"));
    claim_set_cleanup(&set);
    assert_null(set);
    claim_set_free(NULL);
}

/* Texts of all sizes, so that memory grows, is kept and is given back. */
static void test_many_claims_and_large_ones(void **)
{
    static uint8_t text[CLAIM_TEXT_MAX_BYTES];
    for (size_t i = 0; i < sizeof(text); i++) text[i] = (uint8_t)('a' + i % 23);
    struct claim_set *set = NULL;
    assert_ok(claim_set_new(&set));
    for (size_t round = 0; round < 3; round++) {
        claim_set_clear(set);
        for (size_t i = 0; i < 300; i++)
            assert_ok(claim_set_add_text(set, "t", slice_of(text + i, i * 19), CLAIM_OF_SERVICE, NULL));
        assert_ok(claim_set_add_text(set, "t", SLICE_ARRAY(text), CLAIM_OF_SERVICE, NULL));
        assert_ok(claim_set_add_text(set, "t", slice_of(text, 1), CLAIM_OF_SERVICE, NULL));
        for (size_t i = 0; i < 300; i++)
            assert_slice_equal(claim_set_at(set, i)->value.text, slice_of(text + i, i * 19));
        assert_slice_equal(claim_set_at(set, 300)->value.text, SLICE_ARRAY(text));
        assert_slice_equal(claim_set_at(set, 301)->value.text, slice_of(text, 1));
    }
    claim_set_free(set);
}

static void assert_limit(struct claim_set *set, struct slice type, struct slice text, const char *maximum)
{
    const struct claim claim = {.type = type, .value = {.type = CLAIM_STRING, .text = text}};
    struct refusal why = {};
    const size_t count = claim_set_count(set);
    assert_status(claim_set_add(set, &claim, &why), ERR_POLICY_LIMIT);
    assert_string_equal(why.field, maximum);
    assert_status(claim_set_add(set, &claim, NULL), ERR_POLICY_LIMIT);
    assert_int_equal(claim_set_count(set), count);
}

static void test_limits(void **)
{
    static uint8_t text[CLAIM_TEXT_MAX_BYTES + 1];
    struct claim_set *set = NULL;
    assert_ok(claim_set_new(&set));
    assert_limit(set, slice_of(text, CLAIM_TYPE_MAX_BYTES + 1), slice_of(text, 0), "CLAIM_TYPE_MAX_BYTES");
    assert_limit(set, slice_of(text, 1), SLICE_ARRAY(text), "CLAIM_TEXT_MAX_BYTES");
    const struct claim longest = {.type = slice_of(text, CLAIM_TYPE_MAX_BYTES)};
    assert_ok(claim_set_add(set, &longest, NULL));
    claim_set_clear(set);
    for (size_t i = 0; i < 3; i++)
        assert_ok(claim_set_add_text(set, "a", slice_of(text, CLAIM_TEXT_MAX_BYTES), CLAIM_OF_SERVICE, NULL));
    assert_ok(claim_set_add_text(set, "a", slice_of(text, CLAIM_TEXT_MAX_BYTES - 4), CLAIM_OF_SERVICE, NULL));
    assert_limit(set, slice_of(text, 1), slice_of(text, 0), "CLAIM_SET_MAX_BYTES");
    claim_set_clear(set);
    for (size_t i = 0; i < CLAIM_SET_MAX_COUNT; i++)
        assert_ok(claim_set_add_integer(set, "a", (int64_t)i, CLAIM_OF_SERVICE, NULL));
    assert_limit(set, slice_of(text, 1), slice_of(text, 0), "CLAIM_SET_MAX_COUNT");
    claim_set_free(set);
}

static const char *const all_kinds = "a='x' client:b=-1 policy:c=true ro:d='' e=false client:a='\xc3\xa4' "
                                     "f=9223372036854775807";

static void test_equality(void **)
{
    static const char *const others[] = {
        "",          "a=1",           "a='1'", "a=true", "a=false", "b=true", "client:a=true",
        "ro:a=true", "a=true a=true", "a=2",   "a='2'",
    };
    struct claim_set *one = NULL, *other = NULL;
    assert_ok(claim_set_new(&one));
    assert_ok(claim_set_new(&other));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        for (size_t k = 0; k < sizeof(others) / sizeof(others[0]); k++) {
            claims_of_text(others[i], one);
            claims_of_text(others[k], other);
            assert_int_equal(claim_set_equal(one, other), i == k);
        }
    }
    claim_set_free(one);
    claim_set_free(other);
}

static void test_sets_pass_between_processes(void **)
{
    struct claim_set *set = NULL, *read = NULL;
    CLEANUP(buffer_done) struct buffer wire = buffer_of_maximum(4096);
    assert_ok(claim_set_new(&set));
    assert_ok(claim_set_new(&read));
    claims_of_text(all_kinds, set);
    assert_ok(claim_set_write(set, &wire));
    claims_of_text("left=1", read);
    assert_ok(claim_set_read(buffer_slice(&wire), NULL, read));
    assert_true(claim_set_equal(set, read));
    for (size_t size = 0; size < wire.size; size++)
        assert_status(claim_set_read(slice_of(wire.bytes, size), NULL, read), ERR_TRUNCATED);
    assert_ok(buffer_append_u8(&wire, 0));
    assert_status(claim_set_read(buffer_slice(&wire), NULL, read), ERR_TRAILING_BYTES);
    for (size_t maximum = 0; maximum + 1 < wire.size; maximum++) {
        CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(maximum);
        assert_status(claim_set_write(set, &small), ERR_TOO_LARGE);
    }
    claim_set_free(set);
    claim_set_free(read);
}

static void test_bytes_that_are_no_set(void **)
{
    /* count; issuer, read-only, type size, type, value type, value */
    static const struct {
        uint8_t bytes[16];
        size_t size;
        enum status status;
        const char *field;
    } cases[] = {
        {{0, 1, 2, 1, 0, 1, 'a', 2, 1}, 9, OK, ""},
        {{0, 1, 3, 0, 0, 1, 'a', 2, 1}, 9, ERR_FIELD_VALUE, "claim.issuer"},
        {{0, 1, 0, 2, 0, 1, 'a', 2, 1}, 9, ERR_FIELD_VALUE, "claim.read_only"},
        {{0, 1, 0, 0, 0, 1, 'a', 3, 1}, 9, ERR_FIELD_VALUE, "claim.value_type"},
        {{0, 1, 0, 0, 0, 1, 'a', 2, 2}, 9, ERR_FIELD_VALUE, "claim.value"},
        {{0, 1, 0, 0, 0, 1, 0xff, 2, 1}, 9, ERR_ENCODING, "claim.type"},
        {{0, 1, 0, 0, 0, 1, 'a', 0, 0, 0, 0, 1, 0xff}, 13, ERR_ENCODING, "claim.value"},
    };
    struct claim_set *set = NULL;
    assert_ok(claim_set_new(&set));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why = {};
        assert_status(claim_set_read(slice_of(cases[i].bytes, cases[i].size), &why, set), cases[i].status);
        assert_string_equal(why.field, cases[i].field);
    }
    claim_set_free(set);
}

/* What comes from another process is held to the maxima, too. */
static void test_a_set_with_too_many_claims_is_not_read(void **)
{
    CLEANUP(buffer_done) struct buffer wire = buffer_of_maximum(65536);
    struct claim_set *set = NULL;
    struct refusal why = {};
    assert_ok(claim_set_new(&set));
    assert_ok(buffer_append_u16(&wire, CLAIM_SET_MAX_COUNT + 1));
    for (size_t i = 0; i <= CLAIM_SET_MAX_COUNT; i++) {
        static const uint8_t claim[] = {0, 0, 0, 1, 'a', 2, 1};
        assert_ok(buffer_append(&wire, SLICE_ARRAY(claim)));
    }
    assert_status(claim_set_read(buffer_slice(&wire), &why, set), ERR_POLICY_LIMIT);
    assert_string_equal(why.field, "CLAIM_SET_MAX_COUNT");
    claim_set_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set_keeps_order_and_copies),
        cmocka_unit_test(test_many_claims_and_large_ones),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_sets_pass_between_processes),
        cmocka_unit_test(test_bytes_that_are_no_set),
        cmocka_unit_test(test_a_set_with_too_many_claims_is_not_read),
    };
    return cmocka_run_group_tests_name("policy/claims", tests, NULL, NULL);
}
