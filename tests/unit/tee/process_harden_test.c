/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tee.h"

#include "base/sanitized.h"

#include "testing.h"

#include <sys/prctl.h>
#include <sys/resource.h>

static void test_no_core_no_tracing_no_new_privileges(void **)
{
    process_harden();
    struct rlimit core;
    assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
    assert_int_equal(core.rlim_max, 0);
    assert_int_equal(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
    /* The leak checker needs a process that can be looked into. */
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), UNDER_ADDRESS_SANITIZER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_core_no_tracing_no_new_privileges)};
    return cmocka_run_group_tests_name("tee/process_harden", tests, NULL, NULL);
}
