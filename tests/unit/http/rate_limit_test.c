/* SPDX-License-Identifier: Apache-2.0 */
#include "http/rate_limit.h"

#include "testing.h"

static struct client_address client_of(uint64_t number)
{
    struct client_address client = {.family = CLIENT_IPV6};
    memcpy(client.bytes, &number, sizeof(number));
    return client;
}

static struct rate_limiter *limiter_of(unsigned per_second, unsigned burst)
{
    struct rate_limiter *limiter = NULL;
    assert_ok(rate_limiter_new(&(struct rate_limit){.per_second = per_second, .burst = burst}, &limiter));
    return limiter;
}

static struct rate_verdict ask(struct rate_limiter *limiter, uint64_t number, int64_t now_ms)
{
    const struct client_address client = client_of(number);
    return rate_limiter_request(limiter, &client, now_ms);
}

static int64_t connect_one(struct rate_limiter *limiter, uint64_t number, int64_t now_ms)
{
    const struct client_address client = client_of(number);
    return rate_limiter_connection(limiter, &client, now_ms);
}

static void test_a_burst_then_the_rate(void **)
{
    struct rate_limiter *const limiter = limiter_of(10, 4);
    assert_int_equal(ask(limiter, 1, 1000).wait_ms, 0);
    for (int i = 0; i < 3; i++) assert_int_equal(ask(limiter, 1, 1000).wait_ms, 0);
    assert_int_equal(ask(limiter, 1, 1000).wait_ms, 100);
    assert_int_equal(ask(limiter, 1, 1099).wait_ms, 1);
    assert_int_equal(ask(limiter, 1, 1100).wait_ms, 0);
    assert_int_equal(ask(limiter, 1, 1100).wait_ms, 100);
    /* Never more than the burst. */
    for (int i = 0; i < 4; i++) assert_int_equal(ask(limiter, 1, 1000000).wait_ms, 0);
    assert_int_equal(ask(limiter, 1, 1000000).wait_ms, 100);
    /* A clock that goes back gives nothing, and takes nothing. */
    assert_int_equal(ask(limiter, 1, 0).wait_ms, 100);
    assert_int_equal(ask(limiter, 1, 1000100).wait_ms, 0);
    rate_limiter_free(limiter);
}

static void test_clients_do_not_share(void **)
{
    struct rate_limiter *const limiter = limiter_of(1, 1);
    for (uint64_t i = 0; i < 100; i++) assert_int_equal(ask(limiter, i, 5).wait_ms, 0);
    for (uint64_t i = 0; i < 100; i++) assert_int_equal(ask(limiter, i, 5).wait_ms, 1000);
    const struct client_address v4 = {.family = CLIENT_IPV4};
    assert_int_equal(rate_limiter_request(limiter, &v4, 5).wait_ms, 0);
    rate_limiter_free(limiter);
}

static void test_who_has_used_little_is_quiet(void **)
{
    struct rate_limiter *const limiter = limiter_of(10, 10);
    for (int i = 0; i < 5; i++) assert_true(ask(limiter, 1, 0).is_quiet);
    for (int i = 0; i < 5; i++) assert_false(ask(limiter, 1, 0).is_quiet);
    assert_false(ask(limiter, 1, 0).is_quiet);
    assert_true(ask(limiter, 1, 600).is_quiet);
    rate_limiter_free(limiter);
}

static void test_without_a_limit_nobody_waits(void **)
{
    struct rate_limiter *const none = limiter_of(0, 0), *const one = limiter_of(1, 1);
    const struct client_address unknown = {};
    for (int i = 0; i < 1000; i++) {
        const struct rate_verdict verdict = ask(none, 1, 0);
        assert_true(verdict.wait_ms == 0 && verdict.is_quiet);
        assert_int_equal(connect_one(none, 1, 0), 0);
        assert_int_equal(rate_limiter_request(one, &unknown, 0).wait_ms, 0);
        assert_int_equal(rate_limiter_connection(one, &unknown, 0), 0);
    }
    rate_limiter_free(none);
    rate_limiter_free(one);
}

static void test_the_burst_left_out_is_two_seconds(void **)
{
    struct rate_limiter *const limiter = limiter_of(3, 0);
    for (int i = 0; i < 6; i++) assert_int_equal(ask(limiter, 1, 0).wait_ms, 0);
    assert_int_equal(ask(limiter, 1, 0).wait_ms, 334);
    rate_limiter_free(limiter);
}

static void test_another_limit_applies_at_once(void **)
{
    struct rate_limiter *const limiter = limiter_of(1, 100);
    for (int i = 0; i < 10; i++) assert_int_equal(ask(limiter, 1, 0).wait_ms, 0);
    rate_limiter_set(limiter, &(struct rate_limit){.per_second = 1, .burst = 2});
    for (int i = 0; i < 2; i++) assert_int_equal(ask(limiter, 1, 0).wait_ms, 0);
    assert_int_equal(ask(limiter, 1, 0).wait_ms, 1000);
    rate_limiter_set(limiter, &(struct rate_limit){});
    assert_int_equal(ask(limiter, 1, 0).wait_ms, 0);
    rate_limiter_free(limiter);
}

static void test_connections_wait_longer_and_longer(void **)
{
    /* Ten a second. */
    struct rate_limiter *const limiter = limiter_of(10 * RATE_REQUESTS_PER_CONNECTION, 1);
    for (int i = 0; i < RATE_CONNECTIONS_AT_ONCE; i++) assert_int_equal(connect_one(limiter, 1, 0), 0);
    for (int i = 1; i <= 20; i++) assert_int_equal(connect_one(limiter, 1, 0), 100 * i);
    assert_int_equal(connect_one(limiter, 1, 0), -1);
    assert_int_equal(connect_one(limiter, 1, 0), -1);
    assert_int_equal(connect_one(limiter, 2, 0), 0);
    /* Requests have a bucket of their own. */
    assert_int_equal(ask(limiter, 1, 0).wait_ms, 0);
    assert_int_equal(connect_one(limiter, 1, 100), 2000);
    assert_int_equal(connect_one(limiter, 1, 2300), 0);
    rate_limiter_free(limiter);
}

static void test_a_slow_rate_gains_nonetheless(void **)
{
    struct rate_limiter *const limiter = limiter_of(1, 1);
    for (int i = 0; i < RATE_CONNECTIONS_AT_ONCE; i++) assert_int_equal(connect_one(limiter, 1, 0), 0);
    assert_int_equal(connect_one(limiter, 1, 0), -1);
    /* A connection's worth takes so many seconds; two of them may be waited for. */
    const int64_t soon_ms = (RATE_REQUESTS_PER_CONNECTION - 2) * 1000;
    for (int64_t now_ms = 1; now_ms < soon_ms; now_ms++) assert_int_equal(connect_one(limiter, 1, now_ms), -1);
    assert_int_equal(connect_one(limiter, 1, soon_ms), 2000);
    rate_limiter_free(limiter);
}

static void test_the_table_is_bounded_and_forgets_who_asked_longest_ago(void **)
{
    struct rate_limiter *const limiter = limiter_of(1, 1);
    for (uint64_t i = 0; i < RATE_CLIENTS_MAX; i++) assert_int_equal(ask(limiter, i, 0).wait_ms, 0);
    for (uint64_t i = 0; i < RATE_CLIENTS_MAX; i++) assert_int_equal(ask(limiter, i, 0).wait_ms, 1000);
    assert_int_equal(ask(limiter, 0, 0).wait_ms, 1000);
    /* A newcomer takes the place of number 1, number 0 has just asked. */
    assert_int_equal(ask(limiter, RATE_CLIENTS_MAX, 0).wait_ms, 0);
    assert_int_equal(ask(limiter, 0, 0).wait_ms, 1000);
    assert_int_equal(ask(limiter, 1, 0).wait_ms, 0);
    for (uint64_t i = 0; i < 100000; i++) assert_int_equal(ask(limiter, 1000000 + i, 0).wait_ms, 0);
    for (uint64_t i = 99999; i > 100000 - RATE_CLIENTS_MAX; i--)
        assert_int_equal(ask(limiter, 1000000 + i, 0).wait_ms, 1000);
    rate_limiter_free(limiter);
}

static void test_limits_that_are_too_large(void **)
{
    struct rate_limiter *const limiter = limiter_of(UINT32_MAX, UINT32_MAX);
    for (int i = 0; i < RATE_BURST_MAX; i++) assert_int_equal(ask(limiter, 1, 0).wait_ms, 0);
    assert_int_equal(ask(limiter, 1, 0).wait_ms, 1);
    assert_int_equal(ask(limiter, 1, INT64_MAX).wait_ms, 0);
    rate_limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_then_the_rate),
        cmocka_unit_test(test_clients_do_not_share),
        cmocka_unit_test(test_who_has_used_little_is_quiet),
        cmocka_unit_test(test_without_a_limit_nobody_waits),
        cmocka_unit_test(test_the_burst_left_out_is_two_seconds),
        cmocka_unit_test(test_another_limit_applies_at_once),
        cmocka_unit_test(test_connections_wait_longer_and_longer),
        cmocka_unit_test(test_a_slow_rate_gains_nonetheless),
        cmocka_unit_test(test_the_table_is_bounded_and_forgets_who_asked_longest_ago),
        cmocka_unit_test(test_limits_that_are_too_large),
    };
    return cmocka_run_group_tests_name("http/rate_limit", tests, NULL, NULL);
}
