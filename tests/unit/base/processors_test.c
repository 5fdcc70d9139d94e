/* SPDX-License-Identifier: Apache-2.0 */
#include "base/processors.h"

#include "testing.h"

#include <pthread.h>

static void *note_allowed(void *context)
{
    *(struct processors *)context = processors_allowed();
    return NULL;
}

static void test_a_thread_keeps_to_one_and_those_it_starts_do(void **)
{
    const struct processors all = processors_allowed();
    assert_true(all.count >= 1);
    for (unsigned i = 0; i < all.count; i++) {
        struct processors inherited = {};
        pthread_t thread;
        assert_ok(processors_keep_to(all.numbers[i]));
        assert_int_equal(processors_current(), all.numbers[i]);
        assert_int_equal(pthread_create(&thread, NULL, note_allowed, &inherited), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(inherited.count, 1);
        assert_int_equal(inherited.numbers[0], all.numbers[i]);
    }
    assert_ok(processors_spread(&all));
    assert_int_equal(processors_allowed().count, all.count);
}

static void test_any_changes_nothing(void **)
{
    const struct processors all = processors_allowed();
    assert_ok(processors_keep_to(ANY_PROCESSOR));
    assert_int_equal(processors_allowed().count, all.count);
}

static void test_one_that_is_not_there_is_refused(void **)
{
    const struct processors all = processors_allowed();
    assert_int_equal(processors_keep_to(1023), ERR_IO);
    assert_int_equal(processors_allowed().count, all.count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_keeps_to_one_and_those_it_starts_do),
        cmocka_unit_test(test_any_changes_nothing),
        cmocka_unit_test(test_one_that_is_not_there_is_refused),
    };
    return cmocka_run_group_tests_name("base/processors", tests, NULL, NULL);
}
