/* SPDX-License-Identifier: Apache-2.0
 *
 * What appraise() refuses, by step, and what evidence of each kind binds.
 */
#include "appraisal.h"

static void assert_refused(struct appraisal *a, enum status status, enum appraisal_step step, const char *field)
{
    assert_status(appraisal_run(a), status);
    assert_int_equal(a->step, step);
    assert_status(a->why.status, status);
    assert_string_equal(a->why.field, field);
    assert_true(a->why.expected[0] != '\0');
}

enum { MACHINE_TYPE_COUNT = ATTESTATION_TPM };

/* ---- runtime data ---- */

static void test_runtime_data_are_bound_by_every_type(void **)
{
    for (int type = 0; type < MACHINE_TYPE_COUNT; type++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, (enum attestation_type)type);
        appraisal_bind(&a, "{}", true, NULL);
        appraisal_must_run(&a);
        assert_int_equal(a.step, APPRAISAL_POLICY);
        appraisal_set_data(&a.request.runtime, "{} ", true);
        assert_refused(&a, ERR_REPORT_DATA, APPRAISAL_EVIDENCE, "report_data");
    }
}

/* All 64 bytes count: the right digest with something behind it binds more than is shown. */
static void test_the_second_half_of_report_data_must_be_zero(void **)
{
    for (int type = 0; type < MACHINE_TYPE_COUNT; type++) {
        CLEANUP(appraisal_done) struct appraisal a;
        uint8_t report_data[64];
        assert_ok(runtime_data_report_data(SLICE_LITERAL("{}"), report_data));
        report_data[63] = 1;
        appraisal_init(&a, (enum attestation_type)type);
        appraisal_set_data(&a.request.runtime, "{}", true);
        appraisal_attest(&a, report_data, NULL);
        assert_refused(&a, ERR_REPORT_DATA, APPRAISAL_EVIDENCE, "report_data");
    }
}

static void test_json_data_must_be_one_object(void **)
{
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {{"[]", ERR_FIELD_TYPE},        {"", ERR_JSON_SYNTAX},     {"{", ERR_JSON_SYNTAX},
                 {"\"text\"", ERR_JSON_SYNTAX}, {"null", ERR_JSON_SYNTAX}, {"{\"a\":1,\"a\":1}", ERR_JSON_SYNTAX},
                 {"{} {}", ERR_JSON_SYNTAX}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
        appraisal_bind(&a, cases[i].text, true, NULL);
        assert_refused(&a, cases[i].status, APPRAISAL_REQUEST, "runtimeData.data");
        a.request.runtime.is_json = false; /* as bytes they are as good as any */
        appraisal_must_run(&a);
    }
}

static void test_data_have_a_maximum(void **)
{
    static char large[ATTESTATION_RUNTIME_MAX_BYTES + 2];
    memset(large, 'a', ATTESTATION_RUNTIME_MAX_BYTES + 1);
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, large, false, NULL);
    assert_refused(&a, ERR_TOO_LARGE, APPRAISAL_REQUEST, "runtimeData.data");
    large[ATTESTATION_RUNTIME_MAX_BYTES] = '\0';
    CLEANUP(appraisal_done) struct appraisal largest;
    appraisal_init(&largest, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&largest, large, false, NULL);
    CLEANUP(json_done) json_t *payload = appraisal_token(&largest);
    assert_int_equal(json_string_length(json_object_get(payload, "maa-ehd")), ATTESTATION_RUNTIME_MAX_BYTES / 3 * 4);
}

static void test_a_nonce_is_text(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    assert_ok(buffer_append_text(&a.request.nonce, "a\nb"));
    assert_refused(&a, ERR_FIELD_VALUE, APPRAISAL_REQUEST, "nonce");
    buffer_clear(&a.request.nonce);
    assert_ok(buffer_append_text(&a.request.nonce, "\xff"));
    assert_refused(&a, ERR_FIELD_VALUE, APPRAISAL_REQUEST, "nonce");
}

/* ---- init time data ---- */

static const struct place {
    enum attestation_type type;
    size_t size;
    const char *field;
} places[] = {
    {ATTESTATION_SGX_ENCLAVE, 64, "quote.report.configid"},
    {ATTESTATION_OPEN_ENCLAVE, 64, "quote.report.configid"},
    {ATTESTATION_TDX_VM, 48, "quote.report.mrconfigid"},
    {ATTESTATION_SEV_SNP_VM, 32, "report.host_data"},
};

static void bind_init_time(struct appraisal *a, const struct place *place, const char *text, bool tail)
{
    uint8_t binding[64];
    assert_ok(runtime_data_report_data(slice_of_text(text), binding));
    if (tail) binding[place->size - 1] ^= 1;
    const struct evidence_change change = {.config_id = slice_of(binding, place->size)};
    appraisal_bind(a, "{}", true, &change);
}

static void test_init_time_data_are_bound_by_every_type(void **)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, places[i].type);
        bind_init_time(&a, &places[i], "{\"a\":1}", false);
        appraisal_set_data(&a.request.init_time, "{\"a\":1}", true);
        CLEANUP(json_done) json_t *payload = appraisal_token(&a);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(payload, "x-ms-inittime"), "a")), 1);
        appraisal_set_data(&a.request.init_time, "{\"a\":2}", true);
        assert_refused(&a, ERR_REPORT_DATA, APPRAISAL_EVIDENCE, places[i].field);
        appraisal_set_data(&a.request.init_time, "{\"a\":1}", false); /* only JSON has a claim */
        CLEANUP(json_done) json_t *binary = appraisal_token(&a);
        assert_null(json_object_get(binary, "x-ms-inittime"));
    }
}

/* The last byte counts as much as the first. */
static void test_init_time_data_are_bound_by_every_byte(void **)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, places[i].type);
        bind_init_time(&a, &places[i], "{}", true);
        appraisal_set_data(&a.request.init_time, "{}", true);
        assert_refused(&a, ERR_REPORT_DATA, APPRAISAL_EVIDENCE, places[i].field);
    }
}

static void test_init_time_data_need_an_enclave_with_a_config_id(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    appraisal_set_data(&a.request.init_time, "{}", true);
    assert_refused(&a, ERR_UNSUPPORTED, APPRAISAL_EVIDENCE, "initTimeData");
}

static void test_init_time_json_must_be_one_object(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_TDX_VM);
    bind_init_time(&a, &places[2], "[1]", false);
    appraisal_set_data(&a.request.init_time, "[1]", true);
    assert_refused(&a, ERR_FIELD_TYPE, APPRAISAL_REQUEST, "initTimeData.data");
}

/* ---- evidence ---- */

static void test_what_is_no_genuine_evidence_is_refused(void **)
{
    for (int type = 0; type < MACHINE_TYPE_COUNT; type++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, (enum attestation_type)type);
        appraisal_bind(&a, "{}", true, NULL);
        a.request.evidence.bytes[48 + 64 + 16] ^= 1;
        assert_int_not_equal(appraisal_run(&a), OK);
        assert_int_equal(a.step, APPRAISAL_EVIDENCE);
        buffer_truncate(&a.request.evidence, 100);
        assert_int_not_equal(appraisal_run(&a), OK);
        assert_int_equal(a.step, APPRAISAL_EVIDENCE);
    }
}

static void test_simulated_machines_need_their_root(void **)
{
    for (int type = 0; type < MACHINE_TYPE_COUNT; type++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, (enum attestation_type)type);
        appraisal_bind(&a, "{}", true, NULL);
        a.appraiser.roots = NULL;
        a.appraiser.simulated_snp_root = NULL;
        assert_int_not_equal(appraisal_run(&a), OK);
        assert_int_equal(a.step, APPRAISAL_EVIDENCE);
    }
}

static void test_intel_evidence_needs_collateral(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    a.materials.collateral = NULL;
    assert_refused(&a, ERR_COLLATERAL_MISSING, APPRAISAL_EVIDENCE, "collateral");
}

/* Open Enclave's plug-ins know evidence of domains too (format TDX_QUOTE_ECDSA), and it is genuine here. */
static void test_a_domain_is_no_open_enclave(void **)
{
    static const uint8_t header[] = {3,    0,    0,    0,    0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf,
                                     0x11, 0xed, 0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02};
    static const uint8_t report_data[64] = {};
    CLEANUP(appraisal_done) struct appraisal a;
    CLEANUP(buffer_done) struct buffer quote = buffer_of_maximum(QUOTE_MAX_BYTES);
    assert_ok(simulated_machine_td_quote(maker()->machine, &appraised_domain, report_data, &quote));
    appraisal_init(&a, ATTESTATION_OPEN_ENCLAVE);
    a.materials.collateral = maker()->tdx;
    assert_ok(buffer_append(&a.request.evidence, SLICE_ARRAY(header)));
    assert_ok(buffer_append_u32_le(&a.request.evidence, (uint32_t)quote.size));
    assert_ok(buffer_append_u32_le(&a.request.evidence, 0));
    assert_ok(buffer_append(&a.request.evidence, buffer_slice(&quote)));
    assert_refused(&a, ERR_UNSUPPORTED, APPRAISAL_EVIDENCE, "report");
    assert_string_equal(a.why.seen, "that of a TDX domain");
}

/* ---- which collateral is new enough ---- */

static void test_an_old_evaluation_is_refused(void **)
{
    static const enum attestation_type types[] = {ATTESTATION_SGX_ENCLAVE, ATTESTATION_TDX_VM};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(appraisal_done) struct appraisal a;
        appraisal_init(&a, types[i]);
        appraisal_bind(&a, "{}", true, NULL);
        a.appraiser.minimum_tcb_evaluation = SIMULATED_TCB_EVALUATION;
        appraisal_must_run(&a);
        a.appraiser.minimum_tcb_evaluation = SIMULATED_TCB_EVALUATION + 1;
        assert_refused(&a, ERR_COLLATERAL_EXPIRED, APPRAISAL_EVIDENCE, "collateral.tcbEvaluationDataNumber");
        assert_string_equal(a.why.expected, "at least 2, by this service");
    }
}

#define WITH_IDENTIFIER(value)                                                                                         \
    "version= 1.1;configurationrules{=> issueproperty(type=\"x-ms-sgx-tcbidentifier\", value=" value ");};"            \
    "authorizationrules{=> permit();};"

static enum status run_with_identifier(enum attestation_type type, const char *policy, struct refusal *why)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, type);
    appraisal_bind(&a, "{}", true, NULL);
    appraisal_use_policy(&a, slice_of_text(policy));
    const enum status status = appraisal_run(&a);
    *why = a.why;
    if (status != OK) assert_int_equal(a.step, APPRAISAL_EVIDENCE);
    return status;
}

static void test_a_policy_asks_for_an_evaluation(void **)
{
    static const struct {
        const char *policy;
        enum status status;
    } cases[] = {{WITH_IDENTIFIER("\"azuredefault\""), OK},
                 {WITH_IDENTIFIER("\"0\""), OK},
                 {WITH_IDENTIFIER("\"1\""), OK},
                 {WITH_IDENTIFIER("1"), OK},
                 {WITH_IDENTIFIER("\"2\""), ERR_COLLATERAL_EXPIRED},
                 {WITH_IDENTIFIER("2"), ERR_COLLATERAL_EXPIRED},
                 {WITH_IDENTIFIER("\"999999999\""), ERR_COLLATERAL_EXPIRED},
                 {WITH_IDENTIFIER("\"1000000000\""), ERR_POLICY_VALUE},
                 {WITH_IDENTIFIER("\"\""), ERR_POLICY_VALUE},
                 {WITH_IDENTIFIER("\"-1\""), ERR_POLICY_VALUE},
                 {WITH_IDENTIFIER("\"1.0\""), ERR_POLICY_VALUE},
                 {WITH_IDENTIFIER("\"AzureDefault\""), ERR_POLICY_VALUE},
                 {WITH_IDENTIFIER("true"), ERR_POLICY_VALUE}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why;
        const enum status status = run_with_identifier(ATTESTATION_SGX_ENCLAVE, cases[i].policy, &why);
        if (status != cases[i].status) fail_msg("%s: %s", cases[i].policy, status_name(status));
        if (status == ERR_COLLATERAL_EXPIRED) assert_non_null(strstr(why.expected, "by the policy"));
        if (status == ERR_POLICY_VALUE) assert_string_equal(why.field, "configurationrules.x-ms-sgx-tcbidentifier");
        assert_status(run_with_identifier(ATTESTATION_OPEN_ENCLAVE, cases[i].policy, &why), cases[i].status);
        assert_ok(run_with_identifier(ATTESTATION_TDX_VM, cases[i].policy, &why)); /* of enclaves alone */
        assert_ok(run_with_identifier(ATTESTATION_SEV_SNP_VM, cases[i].policy, &why));
    }
}

/* ---- policies ---- */

static void test_a_policy_decides(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    appraisal_use_policy(
        &a, SLICE_LITERAL("version= 1.0;authorizationrules{c:[type==\"$is-debuggable\", value==false] => deny();};"));
    assert_status(appraisal_run(&a), ERR_POLICY_DENIED);
    assert_int_equal(a.step, APPRAISAL_POLICY);
    appraisal_use_policy(&a,
                         SLICE_LITERAL("version= 1.0;authorizationrules{c:[type==\"$product-id\", value==3] && "
                                       "[type==\"$svn\", value>=4] && [type==\"x-ms-runtime\", value==\"{}\"] && "
                                       "[type==\"x-lazaret-tcb-evaluation\", value>=1, issuer==\"AttestationService\"]"
                                       "=> permit();};"));
    appraisal_must_run(&a);
}

/* What an operator does not accept has no token, whatever the attestation policy says. */
static void test_the_operators_policy_can_refuse_more(void **)
{
    static const char text[] = "{\"version\":1,\"snp\":{\"products\":[\"Genoa\"]}}";
    CLEANUP(appraisal_done) struct appraisal a;
    struct appraisal_policy *policy = NULL;
    assert_int_not_equal(appraisal_policy_new(SLICE_LITERAL(text), NULL, &policy), OK);
    CLEANUP(buffer_done) struct buffer whole = buffer_of_maximum(4096);
    assert_ok(buffer_append_format(
        &whole,
        "{\"version\":1,\"intel\":{\"statuses\":[\"UpToDate\"],\"advisories\":\"any\",\"grace\":\"none\","
        "\"minimum_tcb_evaluation\":\"any\",\"maximum_collateral_age_s\":\"any\",\"fmspc\":\"any\","
        "\"instance_id\":\"any\",\"allow_smt\":true,\"allow_dynamic_platform\":true,\"allow_cached_keys\":true,"
        "\"insecure_allow_simulated\":true},\"sgx\":{\"identities\":[{\"mrenclave\":\"%s\"}],\"denied\":\"none\","
        "\"family_id\":\"any\",\"extended_product_id\":\"any\",\"config_id\":\"any\",\"minimum_config_svn\":0,"
        "\"allow_provision_key\":false}}",
        hex_of_32(appraised_program.mrsigner).text));
    assert_ok(appraisal_policy_new(buffer_slice(&whole), NULL, &policy));
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{}", true, NULL);
    a.appraiser.operator_policy = policy;
    assert_refused(&a, ERR_APPRAISAL, APPRAISAL_POLICY, "sgx.mrenclave");
    appraisal_policy_free(policy);
}

/* Sets are used again from request to request: nothing of the last one is left. */
static void test_an_appraisal_leaves_nothing_for_the_next(void **)
{
    CLEANUP(appraisal_done) struct appraisal a;
    appraisal_init(&a, ATTESTATION_SGX_ENCLAVE);
    appraisal_bind(&a, "{\"a\":1}", true, NULL);
    CLEANUP(json_done) json_t *first = appraisal_token(&a);
    const size_t incoming = claim_set_count(a.appraised->incoming);
    CLEANUP(json_done) json_t *second = appraisal_token(&a);
    assert_true(json_equal(first, second));
    assert_int_equal(claim_set_count(a.appraised->incoming), incoming);
    a.request.runtime.is_given = false;
    CLEANUP(json_done) json_t *third = appraisal_token(&a);
    assert_null(json_object_get(third, "x-ms-runtime"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runtime_data_are_bound_by_every_type),
        cmocka_unit_test(test_the_second_half_of_report_data_must_be_zero),
        cmocka_unit_test(test_json_data_must_be_one_object),
        cmocka_unit_test(test_data_have_a_maximum),
        cmocka_unit_test(test_a_nonce_is_text),
        cmocka_unit_test(test_init_time_data_are_bound_by_every_type),
        cmocka_unit_test(test_init_time_data_are_bound_by_every_byte),
        cmocka_unit_test(test_init_time_data_need_an_enclave_with_a_config_id),
        cmocka_unit_test(test_init_time_json_must_be_one_object),
        cmocka_unit_test(test_what_is_no_genuine_evidence_is_refused),
        cmocka_unit_test(test_simulated_machines_need_their_root),
        cmocka_unit_test(test_intel_evidence_needs_collateral),
        cmocka_unit_test(test_a_domain_is_no_open_enclave),
        cmocka_unit_test(test_an_old_evaluation_is_refused),
        cmocka_unit_test(test_a_policy_asks_for_an_evaluation),
        cmocka_unit_test(test_a_policy_decides),
        cmocka_unit_test(test_the_operators_policy_can_refuse_more),
        cmocka_unit_test(test_an_appraisal_leaves_nothing_for_the_next),
    };
    return cmocka_run_group_tests_name("attestation/appraisal", tests, NULL, NULL);
}
