/* SPDX-License-Identifier: Apache-2.0
 *
 * What a policy issues, and what it cannot.
 */
#include "appraisal.h"
#include "attestation/appraise/reserved.h"

#define PERMIT "version= 1.0;authorizationrules{=> permit();};issuancerules{"

static json_t *token_under(struct appraisal *a, enum attestation_type type, const char *policy)
{
    appraisal_init(a, type);
    appraisal_bind(a, "{\"a\":1}", true, NULL);
    appraisal_use_policy(a, slice_of_text(policy));
    return appraisal_token(a);
}

static void assert_member(const json_t *payload, const char *name, const char *json)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4096);
    const char *seen;
    if (json_object_get(payload, name) == NULL) fail_msg("no %s", name);
    assert_ok(json_write(json_object_get(payload, name), &text));
    assert_ok(buffer_text(&text, &seen));
    assert_string_equal(seen, json);
}

static void test_issued_claims_keep_their_type(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(json_done)
    json_t *payload =
        token_under(&a, ATTESTATION_SGX_ENCLAVE,
                    PERMIT "=> issue(type=\"text\", value=\"a \\\"b\\\" \xc3\xa9\");=> issue(type=\"number\", value=7);"
                           "=> issue(type=\"flag\", value=true);=> issue(type=\"~last\", value=\"z\");"
                           "=> issue(type=\"A first\", value=false);};");
    assert_member(payload, "text", "\"a \\\"b\\\" \xc3\xa9\"");
    assert_member(payload, "number", "7");
    assert_member(payload, "flag", "true");
    assert_member(payload, "~last", "\"z\"");
    assert_member(payload, "A first", "false");
    CLEANUP(buffer_done) struct buffer text = appraisal_payload_text(&a), written = buffer_of_maximum(65536);
    assert_ok(json_write(payload, &written));
    assert_slice_equal(buffer_slice(&text), buffer_slice(&written));
}

static void test_several_of_one_type_are_an_array_in_their_order(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(json_done)
    json_t *payload = token_under(
        &a, ATTESTATION_SGX_ENCLAVE,
        PERMIT "=> issue(type=\"b\", value=\"z\");=> issue(type=\"bb\", value=1);=> issue(type=\"b\", value=2);"
               "=> issue(type=\"a\", value=0);=> issue(type=\"b\", value=\"y\");=> issue(type=\"b\", value=false);};");
    assert_member(payload, "b", "[\"z\",2,\"y\",false]");
    assert_member(payload, "bb", "1");
    assert_member(payload, "a", "0");
}

/* Every name that the service has in a token of any kind. */
static const char *const reserved[] = {
    "aas-ehd",
    "attester_tcb_status",
    "cnf",
    "dbgstat",
    "eat_profile",
    "exp",
    "iat",
    "intuse",
    "iss",
    "jti",
    "lazaret-simulated",
    "lazaret-anything",
    "maa-attestationcollateral",
    "maa-ehd",
    "maa-policyHash",
    "policy_hash",
    "policy_signer",
    "nbf",
    "nonce",
    "rp_data",
    "ver",
    "tdx_mrtd",
    "tdx_anything",
    "x-ms-attestation-type",
    "x-ms-compliance-status",
    "x-ms-inittime",
    "x-ms-policy",
    "x-ms-policy-hash",
    "x-ms-policy-signer",
    "x-ms-runtime",
    "x-ms-sevsnpvm-launchmeasurement",
    "x-ms-sgx-ehd",
    "x-ms-tpm-request-key",
    "x-ms-tpm-other-keys",
    "x-ms-sgx-mrenclave",
    "x-ms-sgx-anything",
    "x-ms-ver",
};
enum { RESERVED_COUNT = sizeof(reserved) / sizeof(reserved[0]) };

static void test_no_policy_overrides_the_service(void **)
{
    for (int type = 0; type < ATTESTATION_TPM; type++) {
        CLEANUP(appraisal_done) struct appraisal plain;
        CLEANUP(json_done) json_t *without = token_under(&plain, (enum attestation_type)type, PERMIT "};");
        for (size_t i = 0; i < RESERVED_COUNT; i++) {
            CLEANUP(appraisal_done) struct appraisal a;
            char policy[256];
            (void)snprintf(policy, sizeof(policy), PERMIT "=> issue(type=\"%s\", value=\"forged\");};", reserved[i]);
            CLEANUP(json_done) json_t *payload = token_under(&a, (enum attestation_type)type, policy);
            const json_t *const seen = json_object_get(payload, reserved[i]);
            assert_int_equal(json_object_size(payload), json_object_size(without));
            if (seen != NULL && json_is_string(seen)) assert_string_not_equal(json_string_value(seen), "forged");
            assert_false(json_is_array(seen));
        }
    }
}

static void test_only_those_names_are_reserved(void **)
{
    static const char *const free_names[] = {"",         "a",
                                             "expo",     "ex",
                                             "x-ms-sgx", "x-ms-policy-hash2",
                                             "tdx",      "svn",
                                             "tee",      "sgx-mrenclave",
                                             "sub",      "aud",
                                             "zz",       "x-lazaret-tcb-status"};
    for (size_t i = 0; i < RESERVED_COUNT; i++)
        if (!is_reserved_claim(slice_of_text(reserved[i]))) fail_msg("%s", reserved[i]);
    for (size_t i = 0; i < sizeof(free_names) / sizeof(free_names[0]); i++)
        if (is_reserved_claim(slice_of_text(free_names[i]))) fail_msg("%s", free_names[i]);
}

static void test_the_level_is_issued_as_it_was_found(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(json_done)
    json_t *payload = token_under(
        &a, ATTESTATION_TDX_VM,
        PERMIT
        "c:[type==\"x-lazaret-tcb-status\"] => issue(claim=c);c:[type==\"x-lazaret-tcb-date\"] => issue(claim=c);"
        "c:[type==\"x-lazaret-tcb-evaluation\"] => issue(type=\"x-lazaret-tcb-evaluation\", value=c.value);"
        "=> issue(type=\"x-lazaret-tcb-status\", value=\"OutOfDate\");"
        "=> issue(type=\"x-lazaret-tcb-evaluation\", value=17);"
        "=> issue(type=\"x-lazaret-tcb-advisories\", value=\"INTEL-SA-00000\");"
        "=> issue(type=\"x-lazaret-tcb-other\", value=true);};");
    assert_member(payload, "x-lazaret-tcb-status", "\"UpToDate\"");
    assert_member(payload, "x-lazaret-tcb-evaluation", "1");
    assert_true(json_is_integer(json_object_get(payload, "x-lazaret-tcb-date")));
    assert_null(json_object_get(payload, "x-lazaret-tcb-advisories"));
    assert_null(json_object_get(payload, "x-lazaret-tcb-other"));
}

/* What a rule adds is the policy's word, not the service's. */
static void test_the_level_is_not_what_a_rule_added(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(json_done)
    json_t *payload = token_under(&a, ATTESTATION_SGX_ENCLAVE,
                                  PERMIT "=> add(type=\"x-lazaret-tcb-advisories\", value=\"INTEL-SA-00000\");"
                                         "c:[type==\"x-lazaret-tcb-advisories\"] => issue(claim=c);};");
    assert_null(json_object_get(payload, "x-lazaret-tcb-advisories"));
}

static void test_simulated_evidence_says_so_under_every_policy(void **)
{
    for (int type = 0; type < ATTESTATION_TPM; type++) {
        CLEANUP(appraisal_done) struct appraisal a;
        CLEANUP(json_done)
        json_t *payload =
            token_under(&a, (enum attestation_type)type, PERMIT "=> issue(type=\"lazaret-simulated\", value=false);};");
        assert_member(payload, "lazaret-simulated", "true");
    }
}

/* Old names of policies' incoming claims are no names in tokens, unless a policy issues them. */
static void test_the_service_issues_no_old_name_by_itself(void **)
{
    static const char *const old[] = {"is-debuggable", "product-id", "svn", "sgx-mrenclave", "sgx-mrsigner", "tee"};
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(json_done) json_t *payload = token_under(&a, ATTESTATION_SGX_ENCLAVE, PERMIT "};");
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) assert_null(json_object_get(payload, old[i]));
    assert_non_null(json_object_get(payload, "maa-attestationcollateral"));
    assert_non_null(json_object_get(payload, "x-ms-sgx-is-debuggable"));
}

static void test_a_signed_policy_names_its_signer(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    assert_ok(json_parse(SLICE_LITERAL("{\"x5c\":[\"MIIB\"],\"kty\":\"RSA\"}"), 256, NULL, &a.policy.signer));
    CLEANUP(json_done) json_t *payload = appraisal_token(&a);
    assert_member(payload, "x-ms-policy-signer", "{\"kty\":\"RSA\",\"x5c\":[\"MIIB\"]}");
}

/* What was refused last stands in no token, nor does what was permitted before it. */
static void test_what_is_refused_has_no_payload(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    appraisal_must_run(&a);
    appraisal_use_policy(&a, SLICE_LITERAL("version= 1.0;authorizationrules{=> deny();};"));
    assert_status(appraisal_run(&a), ERR_POLICY_DENIED);
    assert_status(appraised_payload(&a.appraiser, &a.request, &a.materials, a.appraised, TEST_JTI, NULL, &payload),
                  ERR_INTERNAL);
    assert_int_equal(payload.size, 0);
}

static void test_a_payload_has_its_maximum(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(1000);
    struct refusal why = {};
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    appraisal_must_run(&a);
    assert_status(appraised_payload(&a.appraiser, &a.request, &a.materials, a.appraised, TEST_JTI, &why, &payload),
                  ERR_TOO_LARGE);
    assert_string_equal(why.field, "token");
}

/* Each claim is within its own maximum, all together are not. */
static void test_a_policy_that_issues_too_much_has_no_token(void **)
{
    static char policy[POLICY_MAX_BYTES];
    static char data[ATTESTATION_RUNTIME_MAX_BYTES + 1];
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(2 * ATTESTATION_TOKEN_MAX_BYTES);
    struct refusal why = {};
    memset(data, 'a', ATTESTATION_RUNTIME_MAX_BYTES);
    (void)snprintf(policy, sizeof(policy), PERMIT "%s%s%s};",
                   "c:[type==\"$maa-ehd\"] => issue(type=\"a\", value=c.value);",
                   "c:[type==\"$maa-ehd\"] => issue(type=\"b\", value=c.value);",
                   "c:[type==\"$maa-ehd\"] => issue(type=\"c\", value=c.value);");
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, data, false, NULL);
    appraisal_use_policy(&a, slice_of_text(policy));
    appraisal_must_run(&a);
    assert_status(appraised_payload(&a.appraiser, &a.request, &a.materials, a.appraised, TEST_JTI, &why, &payload),
                  ERR_TOO_LARGE);
    assert_string_equal(why.field, "token");
}

static void test_a_token_of_a_draft_is_unsecured(void **)
{
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(256), header = token, payload = token;
    struct slice first, rest, second, third;
    assert_ok(unsecured_token(SLICE_LITERAL("{\"a\":1}"), &token));
    assert_true(slice_split(buffer_slice(&token), '.', &first, &rest) && slice_split(rest, '.', &second, &third));
    assert_int_equal(third.size, 0);
    assert_ok(base64url_decode(first, &header));
    assert_ok(base64url_decode(second, &payload));
    assert_true(slice_equal_text(buffer_slice(&header), "{\"alg\":\"none\",\"typ\":\"JWT\"}"));
    assert_true(slice_equal_text(buffer_slice(&payload), "{\"a\":1}"));
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(40);
    assert_status(unsecured_token(SLICE_LITERAL("{\"a\":1}"), &small), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_issued_claims_keep_their_type),
        cmocka_unit_test(test_several_of_one_type_are_an_array_in_their_order),
        cmocka_unit_test(test_no_policy_overrides_the_service),
        cmocka_unit_test(test_only_those_names_are_reserved),
        cmocka_unit_test(test_the_level_is_issued_as_it_was_found),
        cmocka_unit_test(test_the_level_is_not_what_a_rule_added),
        cmocka_unit_test(test_simulated_evidence_says_so_under_every_policy),
        cmocka_unit_test(test_the_service_issues_no_old_name_by_itself),
        cmocka_unit_test(test_a_signed_policy_names_its_signer),
        cmocka_unit_test(test_what_is_refused_has_no_payload),
        cmocka_unit_test(test_a_payload_has_its_maximum),
        cmocka_unit_test(test_a_policy_that_issues_too_much_has_no_token),
        cmocka_unit_test(test_a_token_of_a_draft_is_unsecured),
    };
    return cmocka_run_group_tests_name("attestation/payload", tests, NULL, NULL);
}
