/* SPDX-License-Identifier: Apache-2.0
 *
 * A week with a source that is dead, slow, lying or rate-limiting, in a time of its own: what was kept serves until it
 * really expires, then is refused with the reason, the source is not stormed, and when it is well again all is well.
 */
#include "feeds/collateral.h"

#include "simulated_source.h"

enum {
    NOW = 1800000000,
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
    LEFT_S = 5 * DAY_S, /* of what was kept when the source fell ill */
    STEP_S = 300,       /* somebody asks this often */
    CALLS_A_WEEK = 700, /* one in five minutes while somebody is refused, fewer before */
};

enum illness { DEAD, SLOW, WRONG_CERTIFICATE, STALE, EXPIRED, TRUNCATED, ENDLESS, RATE_LIMITING, RATE_LIMITING_MUTELY };

static const struct symptom {
    enum illness illness;
    const char *name;
    enum status status; /* what the feed makes of it */
} symptoms[] = {
    {DEAD, "dead", ERR_CONNECT},
    {SLOW, "slow", ERR_TIMEOUT},
    {WRONG_CERTIFICATE, "wrong certificate", ERR_CHAIN},
    {STALE, "stale", ERR_COLLATERAL_OLD},
    {EXPIRED, "expired", ERR_COLLATERAL_OLD},
    {TRUNCATED, "truncated", ERR_COLLATERAL_MALFORMED},
    {ENDLESS, "10 GB", ERR_TOO_LARGE},
    {RATE_LIMITING, "rate-limiting", ERR_HTTP_STATUS},
    {RATE_LIMITING_MUTELY, "rate-limiting without a time", ERR_HTTP_STATUS},
};

struct week {
    struct simulated_source source, other;
    struct clock *clock;
    struct collateral_feed *feed;
    int64_t now_ms;
    bool is_ill;
    enum illness illness;
    unsigned calls;
};

static int64_t week_ms(void *context)
{
    const struct week *const week = context;
    return week->now_ms;
}

static void set_time(struct week *week, int64_t now_ms)
{
    week->now_ms = now_ms;
    clock_set(week->clock, now_ms / 1000);
}

static int64_t now_s(const struct week *week)
{
    return week->now_ms / 1000;
}

static enum status fall_ill(struct week *week, struct refusal *why, struct pacing_hint *hint,
                            struct collateral_files *files_out)
{
    switch (week->illness) {
    case SLOW: set_time(week, week->now_ms + 40000); return refuse(why, ERR_TIMEOUT, "http", "an answer", "none");
    case WRONG_CERTIFICATE: return simulated_files(week->other.authority, now_s(week), files_out);
    case STALE: return simulated_files(week->source.authority, week->source.signed_s - HOUR_S, files_out);
    case EXPIRED: return simulated_files(week->source.authority, NOW - 40 * DAY_S, files_out);
    case TRUNCATED:
        TRY(simulated_files(week->source.authority, now_s(week), files_out));
        buffer_truncate(&files_out->tcb_info, files_out->tcb_info.size / 2);
        return OK;
    case ENDLESS: return refuse(why, ERR_TOO_LARGE, "answer", "at most 524288 bytes", "more");
    case RATE_LIMITING:
        *hint = (struct pacing_hint){.is_limited = true, .retry_after_s = HOUR_S};
        return refuse(why, ERR_HTTP_STATUS, "/tcb", "200", "429");
    case RATE_LIMITING_MUTELY: hint->is_limited = true; return refuse(why, ERR_HTTP_STATUS, "/tcb", "200", "429");
    default: return refuse(why, ERR_CONNECT, "http", "an answer from the server", "Connection refused");
    }
}

static enum status fetch(void *context, const struct collateral_platform *, struct refusal *why,
                         struct pacing_hint *hint, struct collateral_files *files_out)
{
    struct week *const week = context;
    week->calls++;
    return week->is_ill ? fall_ill(week, why, hint, files_out)
                        : simulated_files(week->source.authority, week->source.signed_s, files_out);
}

static int set_up(void **state)
{
    struct week *const week = calloc(1, sizeof(*week));
    simulated_source_init(&week->source, NOW - 60 * DAY_S);
    simulated_source_init(&week->other, NOW - 60 * DAY_S);
    assert_ok(clock_new_fixed(NOW, &week->clock));
    set_time(week, (int64_t)NOW * 1000);
    const struct collateral_feed_options options = {
        .clock = week->clock,
        .roots = &week->source.roots,
        .fetch = fetch,
        .fetch_context = week,
        .timing = {.monotonic_ms = week_ms, .time = week, .seed = 7, .by_hand = true},
    };
    assert_ok(collateral_feed_start(&options, &week->feed));
    *state = week;
    return 0;
}

static int tear_down(void **state)
{
    struct week *const week = *state;
    collateral_feed_free(week->feed);
    simulated_source_done(&week->source);
    simulated_source_done(&week->other);
    clock_free(week->clock);
    free(week);
    return 0;
}

static enum status get(struct week *week, uint8_t last_byte, struct refusal *why)
{
    struct collateral_platform platform = simulated_platform();
    platform.fmspc[5] ^= last_byte;
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    return collateral_feed_get(week->feed, &platform, 0, why, &collateral);
}

/* Time goes by, and the thread's work with it. */
static void live_until(struct week *week, int64_t until_ms)
{
    while (week->now_ms < until_ms) {
        const int64_t left_ms = collateral_feed_turn(week->feed);
        if (left_ms == 0) continue;
        const int64_t next_ms = week->now_ms + left_ms;
        set_time(week, next_ms < until_ms ? next_ms : until_ms);
    }
}

static void begin_well(struct week *week)
{
    struct refusal why = {};
    week->source.signed_s = NOW + LEFT_S - SIMULATED_COLLATERAL_LIFE_S;
    assert_status(get(week, 0, &why), ERR_COLLATERAL_MISSING);
    assert_string_equal(why.fix, "ask again in 1 s");
    (void)collateral_feed_turn(week->feed);
    assert_ok(get(week, 0, &why));
    assert_int_equal(week->calls, 1);
}

static void check_refusal(const struct symptom *symptom, const struct refusal *why)
{
    assert_int_equal(why->status, ERR_COLLATERAL_EXPIRED);
    assert_non_null(strstr(why->seen, time_iso8601(NOW + LEFT_S).text));
    assert_non_null(strstr(why->seen, status_text(symptom->status)));
    assert_non_null(strstr(why->fix, "ask again in "));
}

static void spend_week(struct week *week, const struct symptom *symptom)
{
    struct refusal why = {};
    week->is_ill = true;
    week->illness = symptom->illness;
    while (now_s(week) < NOW + 7 * DAY_S) {
        live_until(week, week->now_ms + STEP_S * 1000);
        const enum status status = get(week, 0, &why);
        if (now_s(week) < NOW + LEFT_S)
            assert_ok(status);
        else if (status != ERR_COLLATERAL_MISSING) /* an attempt is due at this moment */
            check_refusal(symptom, &why);
    }
    print_message("%s: %u calls in a week\n", symptom->name, week->calls);
    assert_in_range(week->calls, 2, CALLS_A_WEEK);
}

/* The longest pause that is left: of a miss, or as long as the source itself asked for. */
static void recover(struct week *week)
{
    struct refusal why = {};
    week->is_ill = false;
    week->source.signed_s = now_s(week);
    live_until(week, week->now_ms + (PACING_RETRY_AFTER_MAX_S + STEP_S) * 1000);
    assert_ok(get(week, 0, &why));
}

static void test_a_week_with_an_ill_source(void **)
{
    for (size_t i = 0; i < sizeof(symptoms) / sizeof(symptoms[0]); i++) {
        void *state;
        set_up(&state);
        begin_well(state);
        spend_week(state, &symptoms[i]);
        recover(state);
        tear_down(&state);
    }
}

static void test_a_well_source_is_asked_once_a_day_and_nothing_ever_expires(void **state)
{
    struct week *const week = *state;
    struct refusal why = {};
    begin_well(week);
    for (int64_t until_s = now_s(week) + 60 * DAY_S; now_s(week) < until_s;) {
        week->source.signed_s = now_s(week);
        live_until(week, week->now_ms + STEP_S * 1000);
        assert_ok(get(week, 0, &why));
    }
    assert_in_range(week->calls, 60, 70);
}

/* A hundred quotes a second for an hour, of platforms that nobody knows. */
static void test_strangers_do_not_make_a_storm(void **state)
{
    struct week *const week = *state;
    struct refusal why = {};
    begin_well(week);
    week->is_ill = true;
    week->illness = DEAD;
    for (unsigned second = 0; second < HOUR_S; second++) {
        for (unsigned i = 0; i < 100; i++) assert_int_not_equal(get(week, (uint8_t)(1 + (second + i) % 255), &why), OK);
        live_until(week, week->now_ms + 1000);
    }
    print_message("strangers: %u calls in an hour for 360000 questions\n", week->calls);
    assert_in_range(week->calls, 64, HOUR_S * 1000 / KEEPER_NEW_INTERVAL_MS + KEEPER_NEW_BURST + 8);
    assert_ok(get(week, 0, &why));
}

/* While the source rests, nobody's question reaches it, whichever platform it is about. */
static void test_a_source_that_asked_for_a_pause_gets_one(void **state)
{
    struct week *const week = *state;
    struct refusal why = {};
    begin_well(week);
    week->is_ill = true;
    week->illness = RATE_LIMITING;
    assert_status(get(week, 1, &why), ERR_COLLATERAL_MISSING);
    (void)collateral_feed_turn(week->feed);
    assert_status(get(week, 1, &why), ERR_HTTP_STATUS);
    assert_int_equal(week->calls, 2);
    for (uint8_t i = 2; i < 40; i++) (void)!get(week, i, &why);
    live_until(week, week->now_ms + (HOUR_S - 1) * 1000);
    assert_int_equal(week->calls, 2);
    assert_status(get(week, 30, &why), ERR_BUSY);
    assert_non_null(strstr(why.seen, "asked for a pause"));
    assert_ok(get(week, 0, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_week_with_an_ill_source),
        cmocka_unit_test_setup_teardown(test_a_well_source_is_asked_once_a_day_and_nothing_ever_expires, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_strangers_do_not_make_a_storm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_source_that_asked_for_a_pause_gets_one, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("feeds/collateral_week", tests, NULL, NULL);
}
