/* SPDX-License-Identifier: Apache-2.0
 *
 * A TPM's request under a policy, to the payload of its report.
 */
#include "attestation/appraise/appraise.h"

#include "tpm_requests.h"

/* Errors end the test; the caller drops what is handed out. */
static enum status payload_of(const struct machine_request *options, const char *policy, struct refusal *why,
                              enum appraisal_step *step_out, json_t **payload_out)
{
    const struct appraiser appraiser = {.tpm_roots = machine()->roots, .issuer = "https://attest.example"};
    CLEANUP(policy_cleanup) struct policy *compiled = NULL;
    CLEANUP(appraised_cleanup) struct appraised *appraised = NULL;
    CLEANUP(buffer_done) struct buffer message = machine_message(options), text = buffer_of_maximum(1 << 20);
    struct refusal fault = {};
    if (policy_compile(slice_of_text(policy), &fault, &compiled) != OK) fail_msg("%s: %s", fault.field, fault.seen);
    const struct stored_policy stored = {.policy = compiled, .hash = "hash"};
    const struct appraisal_materials materials = {.policy = &stored, .now_s = MACHINE_NOW_S};
    const struct attest_request request = {.type = ATTESTATION_TPM, .evidence = message};
    assert_ok(appraised_new(&appraised));
    TRY(appraise(&appraiser, &request, &materials, why, step_out, appraised));
    TRY(appraised_payload(&appraiser, &request, &materials, appraised, "jti", why, &text));
    return json_parse(buffer_slice(&text), 1 << 20, why, payload_out);
}

static json_t *report_under(const char *policy)
{
    json_t *payload = NULL;
    struct refusal why = {};
    enum appraisal_step step;
    if (payload_of(&(struct machine_request){}, policy, &why, &step, &payload) != OK)
        fail_msg("%s: seen %s, expected %s", why.field, why.seen, why.expected);
    return payload;
}

static const char *text_of(const json_t *payload, const char *name)
{
    return json_string_value(json_object_get(payload, name));
}

static int64_t integer_of(const json_t *payload, const char *name)
{
    return json_integer_value(json_object_get(payload, name));
}

static void test_a_report(void **)
{
    CLEANUP(json_done)
    json_t *payload =
        report_under("version=1.0; authorizationrules { => permit(); };\n"
                     "issuancerules { [type==\"aikValidated\", value==true] &&\n"
                     "[type==\"secureBootEnabled\", value==true] && [type==\"vbsEnabled\", value==true] =>\n"
                     "issue(type=\"PlatformAttested\", value=true); };");
    assert_true(json_is_true(json_object_get(payload, "PlatformAttested")));
    assert_true(json_is_true(json_object_get(json_object_get(payload, "x-ms-policy"), "PlatformAttested")));
    assert_string_equal(text_of(payload, "x-ms-attestation-type"), "tpm");
    assert_string_equal(text_of(payload, "iss"), "https://attest.example");
    assert_string_equal(text_of(payload, "x-ms-ver"), "1.0");
    assert_string_equal(text_of(payload, "ver"), "1.0");
    assert_string_equal(text_of(payload, "rp_data"), "bm9uY2U");
    assert_string_equal(text_of(payload, "nonce"), "bm9uY2U");
    assert_string_equal(text_of(payload, "x-ms-policy-hash"), "hash");
    assert_int_equal(integer_of(payload, "iat"), MACHINE_NOW_S);
    assert_int_equal(integer_of(payload, "nbf"), MACHINE_NOW_S - 300);
    assert_int_equal(integer_of(payload, "exp"), MACHINE_NOW_S + 86400);
    assert_non_null(json_object_get(json_object_get(payload, "cnf"), "jwk"));
    assert_non_null(json_object_get(json_object_get(payload, "x-ms-tpm-request-key"), "info"));
    assert_null(json_object_get(payload, "events"));
}

static void test_policies_choose_how_long_a_report_lives(void **)
{
    CLEANUP(json_done)
    json_t *payload =
        report_under("version=1.1; configurationrules{ => issueproperty(type=\"report_validity_in_minutes\", "
                     "value=7); }; authorizationrules { => permit(); }; issuancerules {};");
    assert_int_equal(integer_of(payload, "exp"), MACHINE_NOW_S + 420);
    assert_null(json_object_get(payload, "x-ms-policy"));
}

static void test_queries_over_events_and_pcrs(void **)
{
    CLEANUP(json_done)
    json_t *payload = report_under(
        "version=1.2; configurationrules{}; authorizationrules { => permit(); }; issuancerules {\n"
        "c:[type==\"events\", issuer==\"AttestationService\"] => add(type=\"variables\", value=JmesPath(c.value,\n"
        "\"Events[?EventTypeString == 'EV_EFI_VARIABLE_DRIVER_CONFIG' && PcrIndex == `7`]\"));\n"
        "c:[type==\"variables\", issuer==\"AttestationPolicy\"] => issue(type=\"secureBoot\", value=JsonToClaimValue(\n"
        "JmesPath(c.value, \"[?ProcessedData.UnicodeName == 'SecureBoot'] | length(@) == `1` && "
        "@[0].ProcessedData.VariableData == 'AQ'\")));\n"
        "c:[type==\"events\"] => add(type=\"boundaries\", value=JmesPath(c.value, \"Events[?EventTypeString == "
        "'EV_EVENT_TAG'"
        " && (PcrIndex == `12` || PcrIndex == `13`)].ProcessedData.EVENT_TRUSTBOUNDARY\"));\n"
        "c:[type==\"boundaries\"] => add(type=\"integrity\", value=JsonToClaimValue(JmesPath(c.value, "
        "\"[*].EVENT_CODEINTEGRITY\")));\n"
        "c:[type==\"integrity\"] => issue(type=\"codeIntegrity\", value=ContainsOnlyValue(c.value, true));\n"
        "c:[type==\"pcrs\"] => add(type=\"first\", value=JmesPath(c.value, \"PCRs[?Index == `0`].Digests.SHA256 | "
        "length(@[0])\"));\n"
        "c:[type==\"first\"] => issue(type=\"digits\", value=JsonToClaimValue(c.value));\n"
        "c:[type==\"x-ms-tpm-request-key\"] => issue(type=\"kind\", value=JsonToClaimValue(JmesPath(c.value, "
        "\"jwk.kty\")));\n"
        "};");
    assert_true(json_is_true(json_object_get(payload, "secureBoot")));
    assert_true(json_is_true(json_object_get(payload, "codeIntegrity")));
    assert_string_equal(text_of(payload, "kind"), "RSA");
    assert_null(json_object_get(payload, "digits")); /* PCRs are read-only, and what comes of them */
}

static void test_no_policy_speaks_for_the_service(void **)
{
    CLEANUP(json_done)
    json_t *payload = report_under("version=1.0; authorizationrules { => permit(); }; issuancerules {\n"
                                   "=> issue(type=\"cnf\", value=\"mine\"); => issue(type=\"ver\", value=\"2\");\n"
                                   "=> issue(type=\"x-ms-tpm-request-key\", value=\"mine\");\n"
                                   "=> issue(type=\"rp_data\", value=\"mine\"); => issue(type=\"own\", value=1); };");
    assert_true(json_is_object(json_object_get(payload, "cnf")));
    assert_string_equal(text_of(payload, "ver"), "1.0");
    assert_true(json_is_object(json_object_get(payload, "x-ms-tpm-request-key")));
    assert_string_equal(text_of(payload, "rp_data"), "bm9uY2U");
    assert_int_equal(json_object_size(json_object_get(payload, "x-ms-policy")), 1);
}

static void test_failures_tell_their_step(void **)
{
    static const struct {
        const char *policy;
        struct machine_request options;
        enum status status;
        enum appraisal_step step;
    } bad[] = {
        {"version=1.0; authorizationrules { [type==\"vbsReportPresent\", value==true] => permit(); };",
         {},
         ERR_POLICY_DENIED,
         APPRAISAL_POLICY},
        {"version=1.1; configurationrules{ => issueproperty(type=\"required_pcr_mask\", value=true); }; "
         "authorizationrules { => permit(); };",
         {},
         ERR_POLICY_VALUE,
         APPRAISAL_POLICY},
        {"version=1.0; authorizationrules { => permit(); };",
         {.binding = MACHINE_NOT_BOUND},
         ERR_TPM_KEY,
         APPRAISAL_EVIDENCE},
        {"version=1.0; authorizationrules { => permit(); };", {.no_certificate = true}, ERR_CHAIN, APPRAISAL_EVIDENCE},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct refusal why = {};
        enum appraisal_step step;
        json_t *payload;
        assert_status(payload_of(&bad[i].options, bad[i].policy, &why, &step, &payload), bad[i].status);
        assert_int_equal(step, bad[i].step);
    }
}

static void test_the_configuration_decides_how_evidence_is_verified(void **)
{
    CLEANUP(json_done) json_t *payload = NULL;
    enum appraisal_step step;
    struct refusal why = {};
    assert_ok(
        payload_of(&(struct machine_request){.no_certificate = true, .selection = 0x80},
                   "version=1.1; configurationrules{ => issueproperty(type=\"require_valid_aik_cert\", value=false);"
                   "=> issueproperty(type=\"required_pcr_mask\", value=128); };"
                   "authorizationrules { => permit(); }; issuancerules {"
                   "c:[type==\"aikValidated\"] => issue(claim=c); };",
                   &why, &step, &payload));
    assert_true(json_is_false(json_object_get(payload, "aikValidated")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report),
        cmocka_unit_test(test_policies_choose_how_long_a_report_lives),
        cmocka_unit_test(test_queries_over_events_and_pcrs),
        cmocka_unit_test(test_no_policy_speaks_for_the_service),
        cmocka_unit_test(test_failures_tell_their_step),
        cmocka_unit_test(test_the_configuration_decides_how_evidence_is_verified),
    };
    return cmocka_run_group_tests_name("attestation/tpm/appraise", tests, NULL, NULL);
}
