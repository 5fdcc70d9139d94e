/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "testing.h"

static void test_the_floor_only_rises(void **)
{
    CLEANUP(clock_cleanup) struct clock *clock = NULL;
    assert_ok(clock_new_fixed(1000, &clock));
    assert_int_equal(clock_now_s(clock), 1000);
    clock_raise_floor(clock, 2000);
    clock_raise_floor(clock, 1500);
    assert_int_equal(clock_now_s(clock), 2000);
    clock_set(clock, 3000);
    assert_int_equal(clock_now_s(clock), 3000);
    clock_set(clock, 10);
    assert_int_equal(clock_now_s(clock), 2000);
}

static void test_iso8601(void **)
{
    int64_t time_s;
    assert_ok(time_parse_iso8601(SLICE_LITERAL("2025-02-05T13:04:05Z"), &time_s));
    assert_int_equal(time_s, 1738760645);
    assert_string_equal(time_iso8601(time_s).text, "2025-02-05T13:04:05Z");
    static const char *const bad[] = {"2025-02-30T00:00:00Z",
                                      "2025-02-05T24:00:00Z",
                                      "2025-02-05 13:04:05Z",
                                      "2025-02-05T13:04:05",
                                      "2025-02-05T13:04:05+00:00",
                                      "2025-2-05T13:04:05ZZ",
                                      ""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_status(time_parse_iso8601(slice_of_text(bad[i]), &time_s), ERR_ENCODING);
}

static void test_http_date(void **)
{
    int64_t time_s;
    assert_ok(time_parse_http(SLICE_LITERAL("Sun, 06 Nov 1994 08:49:37 GMT"), &time_s));
    assert_int_equal(time_s, 784111777);
    assert_string_equal(time_http(time_s).text, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_status(time_parse_http(SLICE_LITERAL("Sun, 06 Foo 1994 08:49:37 GMT"), &time_s), ERR_ENCODING);
    assert_status(time_parse_http(SLICE_LITERAL("Sunday, 06-Nov-94 08:49:37 GMT"), &time_s), ERR_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_floor_only_rises),
        cmocka_unit_test(test_iso8601),
        cmocka_unit_test(test_http_date),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
