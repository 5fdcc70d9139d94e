/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/pacing.h"

#include "testing.h"

enum { DRAWS = 1000, DAY_S = 24 * 3600 };

static void test_a_refresh_is_spread_and_comes_before_the_end(void **)
{
    struct pacing_random random = {.state = 1};
    int64_t lowest = INT64_MAX, highest = 0;
    for (int i = 0; i < DRAWS; i++) {
        const int64_t pause_ms = pacing_refresh_ms(&random, 30 * DAY_S, DAY_S);
        lowest = pause_ms < lowest ? pause_ms : lowest;
        highest = pause_ms > highest ? pause_ms : highest;
        assert_in_range(pacing_refresh_ms(&random, 4000, DAY_S), 2700000, 3000000);
    }
    assert_in_range(lowest, DAY_S * 900LL, DAY_S * 910LL);
    assert_in_range(highest, DAY_S * 990LL, DAY_S * 1000LL);
    assert_in_range(pacing_refresh_ms(&random, 7LL * 365 * DAY_S, INT64_MAX), 4LL * 365 * DAY_S * 1000,
                    6LL * 365 * DAY_S * 1000);
    assert_int_equal(pacing_refresh_ms(&random, 1, DAY_S), PACING_FIRST_RETRY_S * 1000);
}

static void test_the_same_seed_gives_the_same_times(void **)
{
    struct pacing_random a = {.state = 5}, b = {.state = 5}, c = {.state = 6};
    bool differs = false;
    for (int i = 0; i < DRAWS; i++) {
        const int64_t pause_ms = pacing_refresh_ms(&a, 30 * DAY_S, DAY_S);
        assert_int_equal(pause_ms, pacing_refresh_ms(&b, 30 * DAY_S, DAY_S));
        differs = differs || pause_ms != pacing_refresh_ms(&c, 30 * DAY_S, DAY_S);
    }
    assert_true(differs);
}

static void assert_retry(unsigned failures, int64_t left_s, int64_t retry_after_s, int64_t expected_s, int64_t spread_s)
{
    struct pacing_random random = {.state = 9};
    const struct pacing_hint hint = {.retry_after_s = retry_after_s};
    for (int i = 0; i < DRAWS; i++)
        assert_in_range(pacing_retry_ms(&random, failures, left_s, &hint), expected_s * 1000,
                        (expected_s + spread_s) * 1000);
}

static void test_retries_double_up_to_a_maximum(void **)
{
    assert_retry(1, 0, 0, 15, 8);
    assert_retry(2, 0, 0, 30, 15);
    assert_retry(3, 0, 0, 60, 30);
    assert_retry(6, 0, 0, PACING_MISS_RETRY_MAX_S, 150);
    assert_retry(6, 30 * DAY_S, 0, 480, 240);
    assert_retry(UINT16_MAX, 30 * DAY_S, 0, PACING_RETRY_MAX_S, 1800);
    assert_retry(UINT16_MAX, -5, 0, PACING_MISS_RETRY_MAX_S, 150);
}

static void test_the_end_of_what_is_kept_does_not_fall_into_a_long_pause(void **)
{
    assert_retry(20, 400, 0, 100, 50);
    assert_retry(20, 4, 0, 15, 8);
}

static void test_a_source_may_ask_for_a_longer_pause_within_bounds(void **)
{
    assert_retry(1, 0, 600, 600, 8);
    assert_retry(1, 0, 1, 15, 8);
    assert_retry(1, 0, INT64_MAX, PACING_RETRY_AFTER_MAX_S, 8);
    assert_retry(1, 0, -1, 15, 8);
    struct pacing_random random = {.state = 3};
    const struct pacing_hint mute = {.is_limited = true}, clear = {.is_limited = true, .retry_after_s = 300};
    assert_in_range(pacing_limited_ms(&random, &mute), PACING_LIMITED_S * 1000, (PACING_LIMITED_S + 15) * 1000);
    assert_in_range(pacing_limited_ms(&random, &clear), 300000, 315000);
}

static void test_retry_after_is_seconds_or_a_date(void **)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {
        {"0", 0},
        {"120", 120},
        {"9999999999", PACING_RETRY_AFTER_MAX_S},
        {"Sat, 21 Nov 2026 10:00:00 GMT", 60},
    };
    static const char *const faults[] = {"", "-1", "1.5", "12a", "99999999999", "tomorrow"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t seconds = -1;
        assert_ok(pacing_retry_after(slice_of_text(cases[i].text), 1795255140, &seconds));
        assert_int_equal(seconds, cases[i].seconds);
    }
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        int64_t seconds;
        assert_status(pacing_retry_after(slice_of_text(faults[i]), 0, &seconds), ERR_ENCODING);
    }
    int64_t seconds = -1;
    assert_ok(pacing_retry_after(SLICE_LITERAL("Sat, 21 Nov 2026 10:00:00 GMT"), INT64_MAX, &seconds));
    assert_int_equal(seconds, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refresh_is_spread_and_comes_before_the_end),
        cmocka_unit_test(test_the_same_seed_gives_the_same_times),
        cmocka_unit_test(test_retries_double_up_to_a_maximum),
        cmocka_unit_test(test_the_end_of_what_is_kept_does_not_fall_into_a_long_pause),
        cmocka_unit_test(test_a_source_may_ask_for_a_longer_pause_within_bounds),
        cmocka_unit_test(test_retry_after_is_seconds_or_a_date),
    };
    return cmocka_run_group_tests_name("feeds/pacing", tests, NULL, NULL);
}
