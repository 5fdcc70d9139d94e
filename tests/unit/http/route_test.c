/* SPDX-License-Identifier: Apache-2.0 */
#include "http/route.h"

#include "testing.h"

static bool matches(const char *pattern, const char *path, struct http_segments *segments)
{
    return http_route_matches(pattern, slice_of_text(path), false, segments);
}

static void test_fixed_patterns(void **)
{
    struct http_segments segments;
    assert_true(matches("/", "/", &segments));
    assert_true(matches("/a/b", "/a/b", &segments));
    assert_int_equal(segments.count, 0);
    assert_false(matches("/a/b", "/a", &segments));
    assert_false(matches("/a", "/a/b", &segments));
    assert_false(matches("/a", "/a/", &segments));
    assert_false(matches("/a", "/A", &segments));
    assert_true(http_route_matches("/attest/SgxEnclave", SLICE_LITERAL("/Attest/sgxenclave"), true, &segments));
}

static void test_segments(void **)
{
    struct http_segments segments;
    assert_true(matches("/v2/models/{model}/versions/{version}/infer", "/v2/models/chest/versions/1/infer", &segments));
    assert_int_equal(segments.count, 2);
    assert_true(slice_equal_text(segments.items[0].name, "model"));
    assert_true(slice_equal_text(segments.items[0].value, "chest"));
    assert_true(slice_equal_text(segments.items[1].value, "1"));
    assert_false(matches("/a/{x}", "/a/", &segments));
    assert_false(matches("/a/{x}", "/a/b/c", &segments));
}

static void test_the_rest(void **)
{
    struct http_segments segments;
    assert_true(matches("/files/*", "/files/a/b", &segments));
    assert_true(slice_equal_text(segments.items[0].name, "*"));
    assert_true(slice_equal_text(segments.items[0].value, "a/b"));
    assert_true(matches("/files/*", "/files/", &segments));
    assert_int_equal(segments.items[0].value.size, 0);
    assert_false(matches("/files/*", "/files", &segments));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed_patterns),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_the_rest),
    };
    return cmocka_run_group_tests_name("http/route", tests, NULL, NULL);
}
