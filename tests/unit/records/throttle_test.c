/* SPDX-License-Identifier: Apache-2.0 */
#include "records/throttle.h"

#include "testing.h"

static void test_the_limit_holds_within_the_window(void **)
{
    CLEANUP(throttle_cleanup) struct throttle *throttle = NULL;
    int64_t retry_after_s = -1;
    assert_ok(throttle_new(3, 900, &throttle));
    for (int i = 0; i < 3; i++) assert_ok(throttle_take(throttle, SLICE_LITERAL("ida"), 1000 + i, &retry_after_s));
    assert_int_equal(retry_after_s, -1);
    assert_status(throttle_take(throttle, SLICE_LITERAL("ida"), 1100, &retry_after_s), ERR_THROTTLED);
    assert_int_equal(retry_after_s, 800);
    assert_status(throttle_take(throttle, SLICE_LITERAL("ida"), 1899, &retry_after_s), ERR_THROTTLED);
    assert_ok(throttle_take(throttle, SLICE_LITERAL("ida"), 1900, &retry_after_s));
}

static void test_success_begins_anew(void **)
{
    CLEANUP(throttle_cleanup) struct throttle *throttle = NULL;
    int64_t retry_after_s;
    assert_ok(throttle_new(1, 900, &throttle));
    assert_ok(throttle_take(throttle, SLICE_LITERAL("ida"), 1000, &retry_after_s));
    throttle_forgive(throttle, SLICE_LITERAL("ida"));
    assert_ok(throttle_take(throttle, SLICE_LITERAL("ida"), 1000, &retry_after_s));
    assert_status(throttle_take(throttle, SLICE_LITERAL("ida"), 1000, &retry_after_s), ERR_THROTTLED);
}

static void test_other_names_have_their_own_count(void **)
{
    CLEANUP(throttle_cleanup) struct throttle *throttle = NULL;
    int64_t retry_after_s;
    assert_ok(throttle_new(1, 900, &throttle));
    assert_ok(throttle_take(throttle, SLICE_LITERAL("ida"), 1000, &retry_after_s));
    /* Two names can share a bucket by chance, three hundred do not. */
    unsigned passed = 0;
    for (unsigned i = 0; i < 300; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "n%u", i);
        passed += throttle_take(throttle, slice_of_text(name), 1000, &retry_after_s) == OK ? 1 : 0;
    }
    assert_true(passed > 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_limit_holds_within_the_window),
        cmocka_unit_test(test_success_begins_anew),
        cmocka_unit_test(test_other_names_have_their_own_count),
    };
    return cmocka_run_group_tests_name("records/throttle", tests, NULL, NULL);
}
