/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/replay.h"

#include "testing.h"

#include <pthread.h>

enum { NOW_S = 1764000000 };

struct key_bytes {
    uint8_t bytes[REPLAY_KEY_BYTES];
};

static struct key_bytes key_of(uint32_t number)
{
    struct key_bytes key = {};
    memcpy(key.bytes, &number, sizeof(number));
    return key;
}

static enum status admit(struct replay_window *window, uint32_t number, int64_t date_s, int64_t now_s)
{
    return replay_window_admit(window, key_of(number).bytes, date_s, now_s);
}

static int set_up(void **state)
{
    struct replay_window *window = NULL;
    if (replay_window_new(1000, &window) != OK) return -1;
    *state = window;
    return 0;
}

static int tear_down(void **state)
{
    replay_window_free(*state);
    return 0;
}

static void test_a_request_is_admitted_once(void **state)
{
    assert_ok(admit(*state, 1, NOW_S, NOW_S));
    assert_status(admit(*state, 1, NOW_S, NOW_S), ERR_REPLAY);
    /* Nor under another date: the key is what is remembered. */
    assert_status(admit(*state, 1, NOW_S + 10, NOW_S + 10), ERR_REPLAY);
    assert_ok(admit(*state, 2, NOW_S, NOW_S));
}

static void test_dates_outside_the_window_are_refused(void **state)
{
    assert_status(admit(*state, 1, NOW_S - REPLAY_WINDOW_S - 1, NOW_S), ERR_DATE);
    assert_status(admit(*state, 1, NOW_S + REPLAY_WINDOW_S + 1, NOW_S), ERR_DATE);
    assert_status(admit(*state, 1, INT64_MIN, NOW_S), ERR_DATE);
    assert_status(admit(*state, 1, INT64_MAX, NOW_S), ERR_DATE);
    assert_ok(admit(*state, 1, NOW_S - REPLAY_WINDOW_S, NOW_S));
    assert_ok(admit(*state, 2, NOW_S + REPLAY_WINDOW_S, NOW_S));
}

static void test_a_clock_out_of_its_range_is_refused(void **state)
{
    assert_status(admit(*state, 1, 0, -1), ERR_DATE);
    assert_status(admit(*state, 1, INT64_MAX, INT64_MAX), ERR_DATE);
    assert_ok(admit(*state, 1, NOW_S, NOW_S));
}

/* For each second in which the date is acceptable, the replay is refused as such; afterwards by its date. */
static void test_a_request_is_remembered_as_long_as_its_date_is_acceptable(void **state)
{
    const int64_t dates[] = {NOW_S - REPLAY_WINDOW_S, NOW_S - 1, NOW_S, NOW_S + 1, NOW_S + REPLAY_WINDOW_S};
    for (uint32_t i = 0; i < 5; i++) assert_ok(admit(*state, i, dates[i], NOW_S));
    for (int64_t now_s = NOW_S; now_s <= NOW_S + 2 * REPLAY_WINDOW_S + 2; now_s++) {
        for (uint32_t i = 0; i < 5; i++)
            assert_status(admit(*state, i, dates[i], now_s),
                          now_s <= dates[i] + REPLAY_WINDOW_S ? ERR_REPLAY : ERR_DATE);
    }
}

static void test_a_clock_set_back_reopens_nothing(void **state)
{
    assert_ok(admit(*state, 1, NOW_S, NOW_S));
    assert_ok(admit(*state, 2, NOW_S + 1000, NOW_S + 1000)); /* forgets request 1 */
    assert_status(admit(*state, 1, NOW_S, NOW_S), ERR_DATE);
    assert_status(admit(*state, 1, NOW_S, 0), ERR_DATE);
    /* Nor is any other let in whose date is not after what was forgotten: it may have been forgotten, too. */
    assert_status(admit(*state, 3, NOW_S, NOW_S), ERR_DATE);
    assert_status(admit(*state, 3, NOW_S - 1, NOW_S), ERR_DATE);
    /* Time that passes a second time still lets in what is new, once. */
    assert_ok(admit(*state, 3, NOW_S + 1, NOW_S));
    assert_status(admit(*state, 3, NOW_S + 1, NOW_S), ERR_REPLAY);
    assert_status(admit(*state, 2, NOW_S + 1000, NOW_S + 1000), ERR_REPLAY);
}

/* A year ahead for a moment, then right again: nothing is admitted twice, and what comes next is served. */
static void test_a_clock_that_was_ahead_leaves_no_floor(void **state)
{
    const int64_t year_s = 365 * 24 * 3600;
    assert_ok(admit(*state, 1, NOW_S - 20, NOW_S));
    assert_ok(admit(*state, 2, NOW_S, NOW_S));
    assert_status(admit(*state, 3, NOW_S + 1, NOW_S + year_s), ERR_DATE); /* by then 1 and 2 are forgotten */
    assert_status(admit(*state, 1, NOW_S - 20, NOW_S), ERR_DATE);
    assert_status(admit(*state, 2, NOW_S, NOW_S), ERR_DATE);
    assert_ok(admit(*state, 3, NOW_S + 1, NOW_S + 1));
    assert_status(admit(*state, 3, NOW_S + 1, NOW_S + 1), ERR_REPLAY);
}

/* A request of the wrong time is remembered as long as its own date would be accepted, whatever the clock does. */
static void test_a_request_of_a_clock_ahead_is_not_admitted_twice(void **state)
{
    const int64_t year_s = 365 * 24 * 3600;
    assert_ok(admit(*state, 1, NOW_S + year_s, NOW_S + year_s));
    for (uint32_t i = 0; i < 3000; i++) (void)!admit(*state, 10 + i, NOW_S + i, NOW_S + i);
    assert_status(admit(*state, 1, NOW_S + year_s, NOW_S + year_s + REPLAY_WINDOW_S), ERR_REPLAY);
}

static void test_a_full_window_refuses_until_time_has_passed(void **)
{
    struct replay_window *window = NULL;
    assert_ok(replay_window_new(10, &window));
    for (uint32_t i = 0; i < 10; i++) assert_ok(admit(window, i, NOW_S + i % 2, NOW_S));
    assert_status(admit(window, 10, NOW_S, NOW_S), ERR_REPLAY_FULL);
    assert_status(admit(window, 3, NOW_S, NOW_S), ERR_REPLAY);
    assert_status(admit(window, 10, NOW_S + REPLAY_WINDOW_S, NOW_S + REPLAY_WINDOW_S), ERR_REPLAY_FULL);
    /* Now those of the even second are forgotten: five places. */
    const int64_t later_s = NOW_S + REPLAY_WINDOW_S + 1;
    for (uint32_t i = 10; i < 15; i++) assert_ok(admit(window, i, later_s, later_s));
    assert_status(admit(window, 15, later_s, later_s), ERR_REPLAY_FULL);
    replay_window_free(window);
}

static void test_a_long_pause_forgets_everything(void **)
{
    struct replay_window *window = NULL;
    assert_ok(replay_window_new(3, &window));
    for (int64_t round = 0; round < 5; round++) {
        const int64_t now_s = NOW_S + round * 100000;
        for (uint32_t i = 0; i < 3; i++) assert_ok(admit(window, i, now_s + i, now_s));
        assert_status(admit(window, 9, now_s, now_s), ERR_REPLAY_FULL);
    }
    replay_window_free(window);
}

/* Against a plain list, with a clock that jumps: every answer is the same. */
static void test_agrees_with_a_plain_list(void **)
{
    enum { STEPS = 20000, KEYS = 64 };
    static struct {
        int64_t date_s;
        bool is_there;
    } list[KEYS];
    memset(list, 0, sizeof(list));
    struct replay_window *window = NULL;
    assert_ok(replay_window_new(KEYS, &window));
    uint32_t random = 12345;
    int64_t forgotten_s = 0, now_s = NOW_S;
    unsigned admitted = 0;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1103515245U + 12345U;
        const uint32_t key = random >> 16 & (KEYS - 1);
        now_s += (int64_t)(random >> 8 & 31) - 10 + (random % 997 == 0 ? 3000 : 0) - (random % 991 == 0 ? 2500 : 0);
        const int64_t date_s = now_s + (int64_t)(random >> 4 & 1023) - 512;
        for (size_t i = 0; i < KEYS; i++) {
            if (!list[i].is_there || list[i].date_s + REPLAY_WINDOW_S >= now_s) continue;
            list[i].is_there = false;
            if (list[i].date_s > forgotten_s) forgotten_s = list[i].date_s;
        }
        enum status expected = OK;
        if (date_s < now_s - REPLAY_WINDOW_S || date_s > now_s + REPLAY_WINDOW_S || date_s <= forgotten_s)
            expected = ERR_DATE;
        else if (list[key].is_there)
            expected = ERR_REPLAY;
        assert_status(admit(window, key, date_s, now_s), expected);
        if (expected != OK) continue;
        admitted++;
        list[key].date_s = date_s;
        list[key].is_there = true;
    }
    assert_true(admitted > 100);
    replay_window_free(window);
}

struct racer {
    struct replay_window *window;
    unsigned admitted;
};

static void *race(void *argument)
{
    struct racer *const racer = argument;
    for (uint32_t i = 0; i < 1000; i++) {
        if (admit(racer->window, i, NOW_S, NOW_S) == OK) racer->admitted++;
    }
    return NULL;
}

static void test_of_racing_copies_one_is_admitted(void **state)
{
    struct racer racers[4];
    pthread_t threads[4];
    unsigned admitted = 0;
    for (size_t i = 0; i < 4; i++) {
        racers[i] = (struct racer){.window = *state};
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        admitted += racers[i].admitted;
    }
    assert_int_equal(admitted, 1000);
}

static void test_sizes_are_bounded(void **)
{
    struct replay_window *window = NULL;
    assert_status(replay_window_new(0, &window), ERR_FIELD_VALUE);
    assert_status(replay_window_new(REPLAY_MAX_COUNT + 1, &window), ERR_FIELD_VALUE);
    assert_ok(replay_window_new(REPLAY_MAX_COUNT, &window));
    replay_window_free(window);
    replay_window_free(NULL);
}

#define WINDOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WINDOW_TEST(test_a_request_is_admitted_once),
        WINDOW_TEST(test_dates_outside_the_window_are_refused),
        WINDOW_TEST(test_a_clock_out_of_its_range_is_refused),
        WINDOW_TEST(test_a_request_is_remembered_as_long_as_its_date_is_acceptable),
        WINDOW_TEST(test_a_clock_set_back_reopens_nothing),
        WINDOW_TEST(test_a_clock_that_was_ahead_leaves_no_floor),
        WINDOW_TEST(test_a_request_of_a_clock_ahead_is_not_admitted_twice),
        cmocka_unit_test(test_a_full_window_refuses_until_time_has_passed),
        cmocka_unit_test(test_a_long_pause_forgets_everything),
        cmocka_unit_test(test_agrees_with_a_plain_list),
        WINDOW_TEST(test_of_racing_copies_one_is_admitted),
        cmocka_unit_test(test_sizes_are_bounded),
    };
    return cmocka_run_group_tests_name("channel/replay", tests, NULL, NULL);
}
