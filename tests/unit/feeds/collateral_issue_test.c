/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_issue.h"

#include "testing.h"

static const struct collateral_issue some = {
    .tcb_info_evaluation = 18,
    .qe_identity_evaluation = 17,
    .tcb_info_s = 1800000000,
    .qe_identity_s = 1800000001,
    .pck_crl_s = 1800000002,
    .root_crl_s = 1800000003,
    .pck_crl_number = {[18] = 1, [19] = 4},
    .root_crl_number = {[0] = 1},
};

static void refuse_older(struct collateral_issue issue, const char *field, const char *seen)
{
    struct refusal why = {};
    assert_status(collateral_issue_check(&issue, &some, &why), ERR_COLLATERAL_OLD);
    assert_string_equal(why.field, field);
    assert_non_null(strstr(why.seen, seen));
    assert_non_null(strstr(why.expected, "seen"));
}

static void test_each_part_that_goes_back_is_named(void **)
{
    struct collateral_issue issue = some;
    assert_ok(collateral_issue_check(&issue, &some, NULL));
    issue.tcb_info_evaluation--;
    refuse_older(issue, "tcbInfo.tcbEvaluationDataNumber", "17");
    issue = some;
    issue.qe_identity_evaluation--;
    refuse_older(issue, "enclaveIdentity.tcbEvaluationDataNumber", "16");
    issue = some;
    issue.tcb_info_s--;
    refuse_older(issue, "tcbInfo.issueDate", "2027-01-15T07:59:59Z");
    issue = some;
    issue.qe_identity_s--;
    refuse_older(issue, "enclaveIdentity.issueDate", "2027-01-15T08:00:00Z");
    issue = some;
    issue.pck_crl_s--;
    refuse_older(issue, "pck_crl.thisUpdate", "2027-01-15T08:00:01Z");
    issue = some;
    issue.root_crl_s--;
    refuse_older(issue, "root_ca_crl.thisUpdate", "2027-01-15T08:00:02Z");
    issue = some;
    issue.pck_crl_number[19]--;
    refuse_older(issue, "pck_crl.cRLNumber", "0103");
    issue = some;
    issue.root_crl_number[0] = 0;
    issue.root_crl_number[1] = 255;
    refuse_older(issue, "root_ca_crl.cRLNumber", "00ff");
}

static void test_both_numbers_are_held_to_the_minimum(void **)
{
    struct refusal why = {};
    assert_ok(collateral_issue_check_minimum(&some, 17, &why));
    assert_status(collateral_issue_check_minimum(&some, 18, &why), ERR_COLLATERAL_OLD);
    assert_string_equal(why.field, "enclaveIdentity.tcbEvaluationDataNumber");
    assert_string_equal(why.expected, "at least 18, the minimum that is configured");
    assert_status(collateral_issue_check_minimum(&some, 19, &why), ERR_COLLATERAL_OLD);
    assert_string_equal(why.field, "tcbInfo.tcbEvaluationDataNumber");
}

static void test_the_higher_of_each_part_is_taken(void **)
{
    struct collateral_issue highest = {}, other = some;
    collateral_issue_raise(&highest, &some);
    assert_memory_equal(&highest, &some, sizeof(some));
    other.tcb_info_evaluation = 19;
    other.qe_identity_s = 1;
    other.pck_crl_number[19] = 3;
    other.root_crl_number[19] = 1;
    collateral_issue_raise(&highest, &other);
    assert_int_equal(highest.tcb_info_evaluation, 19);
    assert_int_equal(highest.qe_identity_s, some.qe_identity_s);
    assert_int_equal(highest.pck_crl_number[19], 4);
    assert_int_equal(highest.root_crl_number[19], 1);
}

static void test_a_file_holds_it(void **)
{
    char path[] = "/tmp/lazaret-issue-test-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    (void)close(file);
    struct collateral_issue read = {};
    assert_ok(collateral_issue_write(path, &some, NULL));
    assert_ok(collateral_issue_read(path, NULL, &read));
    assert_memory_equal(&read, &some, sizeof(some));
    assert_int_equal(unlink(path), 0);
    assert_status(collateral_issue_read(path, NULL, &read), ERR_IO);
}

static void test_another_text_is_refused(void **)
{
    static const struct {
        const char *text;
        enum status status;
    } faults[] = {
        {"", ERR_JSON_SYNTAX},
        {"[]", ERR_FIELD_MISSING},
        {"{\"tcb_info_evaluation\":1}", ERR_FIELD_MISSING},
        {"{\"number\":1}", ERR_FIELD_UNKNOWN},
        {"{\"tcb_info_evaluation\":-1}", ERR_FIELD_VALUE},
        {"{\"tcb_info_evaluation\":\"1\"}", ERR_FIELD_TYPE},
        {"{\"tcb_info_evaluation\":1,\"qe_identity_evaluation\":1,\"tcb_info_issued\":1,\"qe_identity_issued\":1,"
         "\"pck_crl_issued\":1,\"root_ca_crl_issued\":1,\"pck_crl_number\":\"01\",\"root_ca_crl_number\":\"01\"}",
         ERR_FIELD_VALUE},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct collateral_issue issue;
        assert_status(collateral_issue_parse(slice_of_text(faults[i].text), NULL, &issue), faults[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_part_that_goes_back_is_named),
        cmocka_unit_test(test_both_numbers_are_held_to_the_minimum),
        cmocka_unit_test(test_the_higher_of_each_part_is_taken),
        cmocka_unit_test(test_a_file_holds_it),
        cmocka_unit_test(test_another_text_is_refused),
    };
    return cmocka_run_group_tests_name("feeds/collateral_issue", tests, NULL, NULL);
}
