/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "testing.h"

static enum status parse(const char *text, struct refusal *why)
{
    CLEANUP(json_done) json_t *value = NULL;
    return json_parse(slice_of_text(text), 4096, why, &value);
}

static void test_refuses_duplicates_depth_and_rubbish(void **)
{
    struct refusal why = {};
    assert_ok(parse("{\"a\":1}", &why));
    assert_status(parse("{\"a\":1,\"a\":2}", &why), ERR_JSON_SYNTAX);
    assert_string_equal(why.expected, "each member once");
    assert_status(parse("{\"a\":1} x", &why), ERR_JSON_SYNTAX);
    assert_status(parse("{\"a\":\"\\u0000\"}", &why), ERR_JSON_SYNTAX);
    assert_status(parse("\"text\"", &why), ERR_JSON_SYNTAX);
    CLEANUP(json_done) json_t *with_nul = NULL;
    assert_status(json_parse(SLICE_LITERAL("[1\0]"), 4096, &why, &with_nul), ERR_JSON_SYNTAX);
    assert_string_equal(why.seen, "a NUL byte");
    assert_status(parse("", &why), ERR_JSON_SYNTAX);
    assert_string_equal(why.seen, "an empty text");
    char deep[200] = {};
    memset(deep, '[', JSON_MAX_DEPTH + 1);
    memset(deep + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
    assert_status(parse(deep, &why), ERR_JSON_SYNTAX);
    CLEANUP(json_done) json_t *value = NULL;
    assert_status(json_parse(SLICE_LITERAL("[1]"), 2, &why, &value), ERR_TOO_LARGE);
}

static void test_a_syntax_error_does_not_quote_the_text(void **)
{
    struct refusal why = {};
    assert_status(parse("{\"name\": Canary}", &why), ERR_JSON_SYNTAX);
    assert_null(strstr(why.seen, "Canary"));
}

static void test_getters_name_the_field(void **)
{
    CLEANUP(json_done) json_t *value = NULL;
    struct refusal why = {};
    assert_ok(json_parse(SLICE_LITERAL("{\"s\":\"text\",\"n\":5,\"b\":true,\"h\":\"00ff\",\"u\":\"AP8\",\"o\":{}}"),
                         4096, &why, &value));
    struct slice text;
    assert_ok(json_get_string(value, "top", "s", 10, &why, &text));
    assert_true(slice_equal_text(text, "text"));
    assert_status(json_get_string(value, "top", "s", 3, &why, &text), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "top.s");
    assert_status(json_get_string(value, "top", "missing", 3, &why, &text), ERR_FIELD_MISSING);
    assert_status(json_get_string(value, "top", "n", 3, &why, &text), ERR_FIELD_TYPE);
    assert_string_equal(why.seen, "an integer");
    int64_t number;
    assert_ok(json_get_integer(value, "", "n", 0, 5, &why, &number));
    assert_int_equal(number, 5);
    assert_status(json_get_integer(value, "", "n", 0, 4, &why, &number), ERR_FIELD_VALUE);
    bool flag = false;
    assert_ok(json_get_bool(value, "", "b", &why, &flag));
    assert_true(flag);
    uint8_t bytes[2];
    assert_ok(json_get_hex(value, "", "h", 2, &why, bytes));
    assert_memory_equal(bytes, "\x00\xff", 2);
    CLEANUP(buffer_done) struct buffer decoded = buffer_of_maximum(8);
    assert_ok(json_get_base64url(value, "", "u", 8, &why, &decoded));
    assert_slice_equal(buffer_slice(&decoded), SLICE_LITERAL("\x00\xff"));
    /* One byte too many, which the number of letters alone does not show. */
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(1);
    assert_status(json_get_base64url(value, "", "u", 1, &why, &small), ERR_TOO_LARGE);
    assert_string_equal(why.field, "u");
    assert_int_equal(why.status, ERR_TOO_LARGE);
    json_t *object;
    assert_ok(json_get_object(value, "", "o", &why, &object));
    assert_status(json_get_array(value, "", "o", 1, &why, &object), ERR_FIELD_TYPE);
}

static void test_unknown_members_are_refused_by_name(void **)
{
    CLEANUP(json_done) json_t *value = NULL;
    struct refusal why = {};
    assert_ok(json_parse(SLICE_LITERAL("{\"listen\":1,\"lisen\":2}"), 4096, &why, &value));
    const char *const names[] = {"listen", NULL};
    assert_status(json_only(value, "config", names, &why), ERR_FIELD_UNKNOWN);
    assert_string_equal(why.field, "config.lisen");
    CLEANUP(json_done) json_t *nameless = NULL;
    assert_ok(json_parse(SLICE_LITERAL("{\"\":1}"), 4096, &why, &nameless));
    assert_status(json_only(nameless, "", names, &why), ERR_FIELD_UNKNOWN);
    assert_string_equal(why.field, "\"\"");
}

static void test_write_is_canonical(void **)
{
    CLEANUP(json_done) json_t *value = NULL;
    assert_ok(json_parse(SLICE_LITERAL("{ \"b\" : 1, \"a\" : [ true, null ] }"), 4096, NULL, &value));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(100);
    assert_ok(json_write(value, &text));
    assert_true(slice_equal_text(buffer_slice(&text), "{\"a\":[true,null],\"b\":1}"));
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(5);
    assert_status(json_write(value, &small), ERR_TOO_LARGE);
}

/* Every character that has an escape, and the first and last of each length in UTF-8. */
static void test_a_string_alone_is_as_a_value_writes_it(void **)
{
    static const char last[] = "\"\\/ \x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf end";
    char text[32 + sizeof(last)];
    for (int i = 0; i < 32; i++) text[i] = (char)i;
    memcpy(text + 32, last, sizeof(last));
    const struct slice whole = slice_of(text, sizeof(text) - 1);
    CLEANUP(json_done) json_t *value = json_stringn(text, whole.size);
    CLEANUP(buffer_done) struct buffer expected = buffer_of_maximum(1024), seen = buffer_of_maximum(1024);
    assert_ok(json_write(value, &expected));
    assert_ok(json_append_string(whole, &seen));
    assert_slice_equal(buffer_slice(&seen), buffer_slice(&expected));
    buffer_clear(&seen);
    assert_ok(json_append_string((struct slice){}, &seen));
    assert_true(slice_equal_text(buffer_slice(&seen), "\"\""));
    assert_status(json_append_string(SLICE_LITERAL("\xc0\x80"), &seen), ERR_ENCODING);
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(5);
    assert_status(json_append_string(SLICE_LITERAL("abcd"), &small), ERR_TOO_LARGE);
}

/* Every byte of a string counts, wherever in it and however long it is. */
static void test_a_character_is_written_alike_at_every_place(void **)
{
    enum { LONGEST = 20 };
    CLEANUP(buffer_done) struct buffer expected = buffer_of_maximum(256), seen = buffer_of_maximum(256);
    for (size_t size = 1; size <= LONGEST; size++) {
        for (size_t at = 0; at < size; at++) {
            char text[LONGEST + 1];
            for (int c = 0; c < 128; c++) {
                memset(text, 'a', sizeof(text));
                text[at] = (char)c;
                CLEANUP(json_done) json_t *value = json_stringn(text, size);
                buffer_clear(&expected);
                buffer_clear(&seen);
                assert_ok(json_write(value, &expected));
                assert_ok(json_append_string(slice_of(text, size), &seen));
                assert_slice_equal(buffer_slice(&seen), buffer_slice(&expected));
            }
            text[at] = (char)0xe9; /* Latin-1 */
            assert_status(json_append_string(slice_of(text, size), &seen), ERR_ENCODING);
            memcpy(text + at, "\xc3\xa9", at + 1 < size ? 2 : 1);
            assert_status(json_append_string(slice_of(text, size), &seen), at + 1 < size ? OK : ERR_ENCODING);
        }
    }
}

static json_t *read_value(const char *text)
{
    json_t *value = NULL;
    assert_ok(json_parse(slice_of_text(text), 4096, NULL, &value));
    return value;
}

/* Values from before the switch are freed after it. */
static void test_values_live_on_when_freed_ones_are_wiped(void **)
{
    CLEANUP(json_done) json_t *before = read_value("{\"a\":\"b\"}"), *after = NULL;
    json_wipe_what_is_freed();
    after = read_value("{\"a\":{\"b\":[\"a longer text than one that fits anywhere beside its value\"]}}");
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(256);
    assert_ok(json_write(after, &text));
    assert_true(slice_equal_text(buffer_slice(&text),
                                 "{\"a\":{\"b\":[\"a longer text than one that fits anywhere beside its value\"]}}"));
    assert_string_equal(json_string_value(json_object_get(before, "a")), "b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_duplicates_depth_and_rubbish),
        cmocka_unit_test(test_a_syntax_error_does_not_quote_the_text),
        cmocka_unit_test(test_getters_name_the_field),
        cmocka_unit_test(test_unknown_members_are_refused_by_name),
        cmocka_unit_test(test_write_is_canonical),
        cmocka_unit_test(test_a_string_alone_is_as_a_value_writes_it),
        cmocka_unit_test(test_a_character_is_written_alike_at_every_place),
        cmocka_unit_test(test_values_live_on_when_freed_ones_are_wiped),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
