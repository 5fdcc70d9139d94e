/* SPDX-License-Identifier: Apache-2.0 */
#include "http/target.h"

#include "testing.h"

static void decodes(const char *raw, const char *expected)
{
    CLEANUP(buffer_done) struct buffer path = buffer_of_maximum(64);
    assert_ok(http_path_decode(slice_of_text(raw), NULL, &path));
    assert_true(slice_equal_text(buffer_slice(&path), expected));
}

static void refuses_path(struct slice raw, enum status expected)
{
    CLEANUP(buffer_done) struct buffer path = buffer_of_maximum(64);
    struct refusal why = {};
    assert_status(http_path_decode(raw, &why, &path), expected);
    /* A path may name a patient: nothing of it is repeated. */
    assert_null(strstr(why.seen, "Anna"));
}

static void test_paths_are_decoded(void **)
{
    decodes("/", "/");
    decodes("/a/b", "/a/b");
    decodes("/a%20b%c3%a4", "/a b\xc3\xa4");
    decodes("/Patient/1/$everything", "/Patient/1/$everything");
    decodes("/a+b", "/a+b");
}

static void test_bad_paths_are_refused(void **)
{
    static const char *const bad[] = {
        "",         "Anna", "*",       "http://h/Anna", "/%",        "/%4",        "/Anna%zz",    "/%00",
        "/Anna%0a", "/%ff", "/%c0%af", "/a b",          "/a%2fb",    "/Anna/../b", "/a/%2e%2e/b", "/.",
        "/a/.",     "/a#b", "/a\"b",   "/a\\b",         "/\xc3\xa4", "/a\tb",      "/%+1Anna",    "/% 1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) refuses_path(slice_of_text(bad[i]), ERR_HTTP_MALFORMED);
    char path_of_66[67] = "/";
    memset(path_of_66 + 1, 'a', 65);
    refuses_path(slice_of(path_of_66, 66), ERR_TOO_LARGE);
}

static void test_queries_are_decoded(void **)
{
    CLEANUP(http_query_done) struct http_query query = {};
    assert_ok(
        http_query_parse(SLICE_LITERAL("name=Anna+M%c3%bcller&id=urn%3Ax%7C7&empty=&flag&&a%3Db=c=d"), NULL, &query));
    assert_int_equal(query.count, 5);
    assert_string_equal(http_query_value(&query, "name"), "Anna M\xc3\xbcller");
    assert_string_equal(http_query_value(&query, "id"), "urn:x|7");
    assert_string_equal(http_query_value(&query, "empty"), "");
    assert_string_equal(http_query_value(&query, "flag"), "");
    assert_string_equal(http_query_value(&query, "a=b"), "c=d");
    assert_null(http_query_value(&query, "other"));
}

static void test_bad_queries_are_refused(void **)
{
    static const char *const bad[] = {"a=%", "a=%1", "a=%00", "a=%ff", "a=1&a=2", "a=b c", "a=#"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct http_query query = {};
        assert_status(http_query_parse(slice_of_text(bad[i]), NULL, &query), ERR_HTTP_MALFORMED);
    }
    CLEANUP(buffer_done) struct buffer many = buffer_of_maximum(1024);
    for (int i = 0; i <= HTTP_QUERY_MAX_COUNT; i++) assert_ok(buffer_append_format(&many, "p%d=1&", i));
    struct http_query query = {};
    assert_status(http_query_parse(buffer_slice(&many), NULL, &query), ERR_TOO_LARGE);
}

static void test_fields(void **)
{
    assert_true(http_is_token(SLICE_LITERAL("content-type")));
    assert_false(http_is_token(SLICE_LITERAL("")));
    assert_false(http_is_token(SLICE_LITERAL("host ")));
    assert_false(http_is_token(SLICE_LITERAL("a\0b")));
    assert_true(http_is_field_value(SLICE_LITERAL("a b\tc")));
    assert_false(http_is_field_value(SLICE_LITERAL("a\rb")));
    assert_true(http_media_type_is("application/json", "application/json"));
    assert_true(http_media_type_is("Application/JSON; charset=utf-8", "application/json"));
    assert_false(http_media_type_is("application/jsonx", "application/json"));
    assert_false(http_media_type_is("application/js", "application/json"));
    assert_false(http_media_type_is(NULL, "application/json"));
}

static void test_content_lengths(void **)
{
    uint64_t size = 0;
    assert_ok(http_content_length(SLICE_LITERAL("0012"), &size));
    assert_int_equal(size, 12);
    static const char *const bad[] = {"", "-1", "+1", "1 ", "0x10", "1,1", "9999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_status(http_content_length(slice_of_text(bad[i]), &size), ERR_HTTP_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_decoded),
        cmocka_unit_test(test_bad_paths_are_refused),
        cmocka_unit_test(test_queries_are_decoded),
        cmocka_unit_test(test_bad_queries_are_refused),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_content_lengths),
    };
    return cmocka_run_group_tests_name("http/target", tests, NULL, NULL);
}
