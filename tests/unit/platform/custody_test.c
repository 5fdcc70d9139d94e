/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/custody.h"

#include "testing.h"

#include <pthread.h>

static struct custody *custody;

static int make(void **)
{
    return custody_new(&custody) == OK ? 0 : -1;
}

static int clear(void **)
{
    custody_free(custody);
    return 0;
}

static void change(enum custody_state from, enum custody_state to)
{
    assert_ok(custody_begin_change(custody, from, NULL));
    custody_end_change(custody, to);
}

static void test_lets_in_while_open_alone(void **)
{
    struct refusal why = {};
    assert_status(custody_enter(custody, &why), ERR_STORE_LOCKED);
    assert_int_equal(why.status, ERR_STORE_LOCKED);
    change(CUSTODY_LOCKED, CUSTODY_OPEN);
    assert_ok(custody_enter(custody, NULL));
    custody_leave(custody);
    change(CUSTODY_OPEN, CUSTODY_GIVEN);
    assert_status(custody_enter(custody, &why), ERR_STORE_LOCKED);
    assert_non_null(strstr(why.fix, "successor"));
}

static void test_tells_why_it_is_locked(void **)
{
    struct refusal reason = {}, why = {};
    (void)!refuse(&reason, ERR_PEER_REFUSED, "predecessor", "a hand-over", "a refusal");
    custody_explain(custody, &reason);
    assert_status(custody_enter(custody, &why), ERR_STORE_LOCKED);
    assert_int_equal(why.status, ERR_STORE_LOCKED);
    assert_string_equal(why.field, "predecessor");
    /* Of the past, once it was open. */
    change(CUSTODY_LOCKED, CUSTODY_GIVEN);
    assert_status(custody_enter(custody, &why), ERR_STORE_LOCKED);
    assert_string_equal(why.field, "records");
}

static void test_one_change_at_a_time_from_the_right_state(void **)
{
    struct refusal why = {};
    assert_status(custody_begin_change(custody, CUSTODY_OPEN, &why), ERR_NOT_FOUND);
    assert_ok(custody_begin_change(custody, CUSTODY_LOCKED, NULL));
    assert_status(custody_begin_change(custody, CUSTODY_LOCKED, &why), ERR_BUSY);
    custody_end_change(custody, CUSTODY_LOCKED);
    change(CUSTODY_LOCKED, CUSTODY_OPEN);
    assert_status(custody_begin_change(custody, CUSTODY_LOCKED, &why), ERR_NOT_FOUND);
    change(CUSTODY_OPEN, CUSTODY_GIVEN);
    /* What was given away is never had again. */
    assert_status(custody_begin_change(custody, CUSTODY_LOCKED, &why), ERR_NOT_FOUND);
    assert_status(custody_begin_change(custody, CUSTODY_OPEN, &why), ERR_NOT_FOUND);
}

static void *drain(void *drained)
{
    *(enum status *)drained = custody_drain(custody, CUSTODY_DRAIN_MS, NULL);
    return NULL;
}

static void test_waits_for_those_who_are_inside_and_lets_nobody_in(void **)
{
    enum status drained = ERR_INTERNAL;
    pthread_t thread;
    change(CUSTODY_LOCKED, CUSTODY_OPEN);
    assert_ok(custody_enter(custody, NULL));
    assert_ok(custody_begin_change(custody, CUSTODY_OPEN, NULL));
    assert_int_equal(pthread_create(&thread, NULL, drain, &drained), 0);
    while (custody_now(custody) != CUSTODY_LEAVING) {}
    assert_status(custody_enter(custody, NULL), ERR_STORE_LOCKED);
    assert_int_equal(custody_now(custody), CUSTODY_LEAVING);
    custody_leave(custody);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(drained);
    custody_end_change(custody, CUSTODY_GIVEN);
}

static void test_goes_on_if_they_do_not_leave_in_time(void **)
{
    struct refusal why = {};
    change(CUSTODY_LOCKED, CUSTODY_OPEN);
    assert_ok(custody_enter(custody, NULL));
    assert_ok(custody_begin_change(custody, CUSTODY_OPEN, NULL));
    assert_status(custody_drain(custody, 1, &why), ERR_TIMEOUT);
    custody_end_change(custody, CUSTODY_OPEN);
    assert_ok(custody_enter(custody, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lets_in_while_open_alone, make, clear),
        cmocka_unit_test_setup_teardown(test_tells_why_it_is_locked, make, clear),
        cmocka_unit_test_setup_teardown(test_one_change_at_a_time_from_the_right_state, make, clear),
        cmocka_unit_test_setup_teardown(test_waits_for_those_who_are_inside_and_lets_nobody_in, make, clear),
        cmocka_unit_test_setup_teardown(test_goes_on_if_they_do_not_leave_in_time, make, clear),
    };
    return cmocka_run_group_tests_name("platform/custody", tests, NULL, NULL);
}
