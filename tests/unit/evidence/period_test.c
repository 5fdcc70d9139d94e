/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/period.h"

#include "testing.h"

/* 1000 s and 2000 s after 1970 began: from 00:16:40 until 00:33:20. */
static const struct period json = {ERR_COLLATERAL_EXPIRED, "tcb_info", "issueDate", "nextUpdate", 1000, 2000};
static const struct period list = {ERR_CRL_EXPIRED, "pck_crl", "thisUpdate", "nextUpdate", 1000, 2000};
static const struct period certificate = {ERR_CERTIFICATE_EXPIRED, "pck_ca", "notBefore", "notAfter", 1000, 2000};

static void test_a_period_holds_its_first_second_and_not_the_one_after_its_last(void **)
{
    assert_ok(period_check(&list, 1000, NULL));
    assert_ok(period_check(&list, 1999, NULL));
    assert_status(period_check(&list, 999, NULL), ERR_CRL_EXPIRED);
    assert_status(period_check(&list, 2000, NULL), ERR_CRL_EXPIRED);
}

static void assert_told(const struct period *period, int64_t now_s, const char *field, const char *seen,
                        const char *expected, const char *fix)
{
    struct refusal why = {};
    assert_status(period_check(period, now_s, &why), period->status);
    assert_string_equal(why.field, field);
    assert_string_equal(why.seen, seen);
    assert_string_equal(why.expected, expected);
    assert_string_equal(why.fix, fix);
}

static void test_a_refusal_tells_the_bound_both_times_and_what_to_do(void **)
{
    static const char early[] = "use collateral that was already issued at this time, or mend the clock";
    static const char by_certificate[] = "use evidence whose certificates are valid at this time";
    assert_told(&json, 999, "tcb_info.issueDate", "1970-01-01T00:16:40Z", "not after 1970-01-01T00:16:39Z", early);
    assert_told(&list, 999, "pck_crl.thisUpdate", "1970-01-01T00:16:40Z", "not after 1970-01-01T00:16:39Z", early);
    assert_told(&list, 2000, "pck_crl.nextUpdate", "1970-01-01T00:33:20Z", "later than 1970-01-01T00:33:20Z",
                "fetch current collateral");
    assert_told(&certificate, 999, "pck_ca.notBefore", "1970-01-01T00:16:40Z", "not after 1970-01-01T00:16:39Z",
                by_certificate);
    assert_told(&certificate, 2000, "pck_ca.notAfter", "1970-01-01T00:33:20Z", "later than 1970-01-01T00:33:20Z",
                by_certificate);
}

static void test_a_period_that_ends_as_it_begins_is_over(void **)
{
    const struct period none = {ERR_CRL_EXPIRED, "pck_crl", "thisUpdate", "nextUpdate", 1000, 1000};
    assert_told(&none, 1000, "pck_crl.nextUpdate", "1970-01-01T00:16:40Z", "later than 1970-01-01T00:16:40Z",
                "fetch current collateral");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_period_holds_its_first_second_and_not_the_one_after_its_last),
        cmocka_unit_test(test_a_refusal_tells_the_bound_both_times_and_what_to_do),
        cmocka_unit_test(test_a_period_that_ends_as_it_begins_is_over),
    };
    return cmocka_run_group_tests_name("evidence/period", tests, NULL, NULL);
}
