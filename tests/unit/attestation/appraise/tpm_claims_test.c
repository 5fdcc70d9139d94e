/* SPDX-License-Identifier: Apache-2.0
 *
 * A TPM's request on its way to a report: what steers it, what it says. What verification finds in it is told apart in
 * tests/unit/attestation/tpm.
 */
#include "attestation/appraise/shelf.h"
#include "tpm_requests.h"

#define JTI "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct report {
    struct appraiser appraiser;
    struct appraisal_materials materials;
    struct stored_policy policy;
    struct attest_request request;
    struct appraised *appraised;
    struct refusal why;
    enum appraisal_step step;
};

static void report_init(struct report *report, const char *policy, const struct machine_request *options)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
    *report = (struct report){
        .appraiser = {.tpm_roots = machine()->roots, .issuer = "https://attest.example"},
        .materials = {.now_s = MACHINE_NOW_S},
        .request = {.type = ATTESTATION_TPM, .evidence = machine_message(options)},
    };
    report->materials.policy = &report->policy;
    assert_ok(buffer_append_text(&text, policy));
    assert_ok(stored_policy_compile(&text, NULL, &report->policy));
    assert_ok(appraised_new(&report->appraised));
}

static void report_done(struct report *report)
{
    stored_policy_done(&report->policy);
    attest_request_done(&report->request);
    appraised_free(report->appraised);
}

static enum status run(struct report *report)
{
    return appraise(&report->appraiser, &report->request, &report->materials, &report->why, &report->step,
                    report->appraised);
}

static json_t *payload_of(struct report *report)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    json_t *payload = NULL;
    if (run(report) != OK) fail_msg("%s: %s", report->why.field, report->why.seen);
    assert_ok(appraised_payload(&report->appraiser, &report->request, &report->materials, report->appraised, JTI, NULL,
                                &text));
    assert_ok(json_parse(buffer_slice(&text), ATTESTATION_TOKEN_MAX_BYTES, NULL, &payload));
    return payload;
}

static int64_t number(const json_t *payload, const char *name)
{
    assert_true(json_is_integer(json_object_get(payload, name)));
    return json_integer_value(json_object_get(payload, name));
}

#define PERMIT "version=1.2;authorizationrules{=> permit();};issuancerules{"

static void test_a_report_says_what_is_its_own_and_what_the_policy_issues(void **)
{
    CLEANUP(report_done) struct report report;
    report_init(&report,
                PERMIT "c:[type==\"aikValidated\", issuer==\"AttestationService\"] => issue(claim=c);"
                       "c:[type==\"tpmVersion\"] => issue(type=\"tpmVersion\", value=c.value);"
                       "=> issue(type=\"cnf\", value=\"forged\");=> issue(type=\"rp_data\", value=\"forged\");};",
                &(struct machine_request){});
    CLEANUP(json_done) json_t *payload = payload_of(&report);
    assert_true(json_is_true(json_object_get(payload, "aikValidated")));
    assert_int_equal(number(payload, "tpmVersion"), 2);
    assert_true(json_is_object(json_object_get(json_object_get(payload, "cnf"), "jwk")));
    assert_string_equal(json_string_value(json_object_get(payload, "x-ms-attestation-type")), "tpm");
    assert_string_equal(json_string_value(json_object_get(payload, "x-ms-ver")), "1.0");
    assert_true(json_is_object(json_object_get(payload, "x-ms-tpm-request-key")));
    assert_int_equal(json_string_length(json_object_get(payload, "x-ms-policy-hash")), 43);
    assert_int_equal(number(payload, "iat"), MACHINE_NOW_S);
    assert_int_equal(number(payload, "nbf"), MACHINE_NOW_S - TPM_REPORT_EARLY_S);
    assert_int_equal(number(payload, "exp"), MACHINE_NOW_S + TPM_REPORT_LIFE_DEFAULT_MIN * 60);
    assert_null(json_object_get(payload, "events"));
}

static void test_a_policy_says_how_long_a_report_is_valid(void **)
{
    CLEANUP(report_done) struct report report;
    report_init(&report, PERMIT "=> issueproperty(type=\"report_validity_in_minutes\", value=5);};",
                &(struct machine_request){});
    CLEANUP(json_done) json_t *payload = payload_of(&report);
    assert_int_equal(number(payload, "exp"), MACHINE_NOW_S + 300);
    CLEANUP(report_done) struct report wrong;
    report_init(&wrong, PERMIT "=> issueproperty(type=\"report_validity_in_minutes\", value=0);};",
                &(struct machine_request){});
    assert_status(run(&wrong), ERR_POLICY_VALUE);
    assert_int_equal(wrong.step, APPRAISAL_POLICY);
}

static void test_a_policy_steers_what_is_asked_of_the_certificate(void **)
{
    static const char lenient[] =
        "version=1.2;configurationrules{=> issueproperty(type=\"require_valid_aik_cert\", value=false);};"
        "authorizationrules{=> permit();};issuancerules{c:[type==\"aikValidated\"] => issue(claim=c);};";
    CLEANUP(report_done) struct report strict;
    report_init(&strict, PERMIT "};", &(struct machine_request){.no_certificate = true});
    assert_int_not_equal(run(&strict), OK);
    assert_int_equal(strict.step, APPRAISAL_EVIDENCE);
    CLEANUP(report_done) struct report report;
    report_init(&report, lenient, &(struct machine_request){.no_certificate = true});
    CLEANUP(json_done) json_t *payload = payload_of(&report);
    assert_true(json_is_false(json_object_get(payload, "aikValidated")));
}

static void test_a_policy_denies_a_report(void **)
{
    CLEANUP(report_done) struct report report;
    report_init(&report, "version=1.2;authorizationrules{[type==\"aikValidated\"] => deny();};",
                &(struct machine_request){});
    assert_status(run(&report), ERR_POLICY_DENIED);
    assert_int_equal(report.step, APPRAISAL_POLICY);
}

/* It has no section for requests of this kind: what it cannot judge it does not accept. */
static void test_an_operators_policy_refuses_what_it_cannot_judge(void **)
{
    static const char text[] =
        "{\"version\":1,\"intel\":{\"statuses\":[\"UpToDate\"],\"advisories\":\"any\",\"grace\":\"none\","
        "\"minimum_tcb_evaluation\":\"any\",\"maximum_collateral_age_s\":\"any\",\"fmspc\":\"any\","
        "\"instance_id\":\"any\",\"allow_smt\":true,\"allow_dynamic_platform\":true,\"allow_cached_keys\":true},"
        "\"sgx\":{\"identities\":[{\"mrenclave\":"
        "\"0000000000000000000000000000000000000000000000000000000000000001\"}],\"denied\":\"none\","
        "\"family_id\":\"any\",\"extended_product_id\":\"any\",\"config_id\":\"any\",\"minimum_config_svn\":0,"
        "\"allow_provision_key\":false}}";
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    CLEANUP(report_done) struct report report;
    assert_ok(appraisal_policy_new(SLICE_LITERAL(text), NULL, &policy));
    report_init(&report, PERMIT "};", &(struct machine_request){});
    report.appraiser.operator_policy = policy;
    assert_status(run(&report), ERR_APPRAISAL);
    assert_int_equal(report.step, APPRAISAL_POLICY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report_says_what_is_its_own_and_what_the_policy_issues),
        cmocka_unit_test(test_a_policy_says_how_long_a_report_is_valid),
        cmocka_unit_test(test_a_policy_steers_what_is_asked_of_the_certificate),
        cmocka_unit_test(test_a_policy_denies_a_report),
        cmocka_unit_test(test_an_operators_policy_refuses_what_it_cannot_judge),
    };
    return cmocka_run_group_tests_name("attestation/tpm_claims", tests, NULL, NULL);
}
