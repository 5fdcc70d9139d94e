/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever fails while a policy is read, there is no policy, or the whole one.
 */
#include "failing.h"

#include "appraisals.h"

enum { CALLS_MAX_COUNT = 20000 };

static void assert_whole(const struct appraisal_policy *policy, struct evidence_claims *claims)
{
    assert_ok(appraisal_check(policy, claims, APPRAISAL_NOW_S, NULL));
    claims->tdx.mrtd[0] ^= 1;
    assert_status(appraisal_check(policy, claims, APPRAISAL_NOW_S, NULL), ERR_APPRAISAL);
    claims->tdx.mrtd[0] ^= 1;
}

static void test_a_policy_is_read_whole_or_not_at_all(void **)
{
    static struct evidence_claims claims;
    CLEANUP(json_done) json_t *json = example_policy("tdx");
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(APPRAISAL_POLICY_MAX_BYTES);
    accepted_claims(EVIDENCE_TDX, json, &claims);
    assert_ok(json_write(json, &text));
    for (size_t number = 1; number < CALLS_MAX_COUNT; number++) {
        CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
        failing_begin(number);
        const enum status status = appraisal_policy_new(buffer_slice(&text), NULL, &policy);
        const bool has_failed = failing_end();
        assert_int_equal(status == OK, policy != NULL);
        if (status == OK) assert_whole(policy, &claims);
        if (has_failed) continue;
        assert_ok(status);
        assert_true(number > 10);
        return;
    }
    fail_msg("no end of calls");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_policy_is_read_whole_or_not_at_all)};
    return cmocka_run_group_tests_name("evidence/appraisal_failing", tests, NULL, NULL);
}
