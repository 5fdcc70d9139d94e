/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "testing.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

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

/* Over the host's clock: a signed time ahead of it runs on, as time passes; the floor itself stays what was signed. */
static void test_the_floor_runs_on(void **)
{
    enum { AHEAD_S = 100000 };
    CLEANUP(clock_cleanup) struct clock *clock = NULL;
    assert_ok(clock_new(&clock));
    const int64_t signed_s = clock_now_s(clock) + AHEAD_S, started_ms = clock_monotonic_ms();
    clock_raise_floor(clock, signed_s);
    while (clock_monotonic_ms() - started_ms < 1100) (void)usleep(10000);
    assert_true(clock_now_s(clock) >= signed_s + 1);
    assert_true(clock_now_s(clock) <= signed_s + 1 + (clock_monotonic_ms() - started_ms) / 1000);
    assert_int_equal(clock_floor_s(clock), signed_s);
    assert_true(clock_proven_s(clock) >= signed_s + 1);
    clock_raise_floor(clock, signed_s - AHEAD_S);
    assert_true(clock_now_s(clock) >= signed_s + 1);
}

#ifdef LAZARET_SIMULATION
static bool is_about(int64_t seen_s, int64_t expected_s)
{
    return seen_s >= expected_s && seen_s <= expected_s + 600; /* a machine may be slow */
}

/* What the insecure clock shows is the host's word: it does not move the floor, and the floor holds against it. */
static void test_an_insecure_clock_follows_its_file(void **)
{
    const int64_t year_s = 365 * 24 * 3600;
    char path[] = "/tmp/lazaret-clock-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    CLEANUP(clock_cleanup) struct clock *clock = NULL;
    assert_ok(clock_new_insecure(path, &clock));
    const int64_t start_s = (int64_t)time(NULL);
    assert_true(is_about(clock_now_s(clock), start_s));
    assert_int_equal(pwrite(file, "31536000\n", 9, 0), 9);
    assert_true(is_about(clock_now_s(clock), start_s + year_s));
    assert_int_equal(clock_floor_s(clock), 0);
    assert_int_equal(clock_proven_s(clock), 0);
    assert_int_equal(ftruncate(file, 0), 0);
    assert_true(is_about(clock_now_s(clock), start_s + year_s)); /* the last number */
    assert_int_equal(pwrite(file, "-3600\n", 6, 0), 6);
    assert_true(is_about(clock_now_s(clock), start_s - 3600));
    clock_raise_floor(clock, start_s - 60);
    assert_true(is_about(clock_now_s(clock), start_s - 60));
    (void)close(file);
    (void)unlink(path);
    struct clock *none = NULL;
    assert_status(clock_new_insecure(path, &none), ERR_IO);
}
#endif

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
    assert_status(time_parse_http(SLICE_LITERAL("Mon, 06 Nov 1994 08:49:37 GMT"), &time_s), ERR_ENCODING);
    assert_status(time_parse_http(SLICE_LITERAL("sun, 06 Nov 1994 08:49:37 GMT"), &time_s), ERR_ENCODING);
    assert_status(time_parse_http(SLICE_LITERAL("Sunday, 06-Nov-94 08:49:37 GMT"), &time_s), ERR_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_floor_only_rises),
        cmocka_unit_test(test_the_floor_runs_on),
#ifdef LAZARET_SIMULATION
        cmocka_unit_test(test_an_insecure_clock_follows_its_file),
#endif
        cmocka_unit_test(test_iso8601),
        cmocka_unit_test(test_http_date),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
