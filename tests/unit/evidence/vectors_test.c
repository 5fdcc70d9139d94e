/* SPDX-License-Identifier: Apache-2.0
 *
 * Every shared SGX and Open Enclave case, at every date that its expected.json evaluates.
 */
#include "evidence_cases.h"

#include "evidence/intel/quote.h"

/* The fields that the quote's own bytes give. */
static void check_structure(const json_t *fields, struct slice wire)
{
    struct quote quote;
    assert_ok(quote_parse(wire, NULL, &quote));
    assert_hex(fields, "user_data", quote.user_data);
    assert_hex(fields, "cpusvn", quote.report.cpu_svn);
    assert_int_equal(quote.report.misc_select, json_integer_value(json_object_get(fields, "miscselect")));
    assert_hex(fields, "attributes", quote.report.attributes);
    assert_hex(fields, "mrenclave", quote.report.mrenclave);
    assert_hex(fields, "mrsigner", quote.report.mrsigner);
    assert_hex(fields, "report_data", quote.report.report_data);
    assert_hex(fields, "sig", quote.signature);
    assert_hex(fields, "ak", quote.attestation_key);
    assert_hex(fields, "qe_mrsigner", quote.qe_report.mrsigner);
    assert_int_equal(quote.qe_report.svn, json_integer_value(json_object_get(fields, "qe_isvsvn")));
    assert_int_equal(quote.qe_authentication_data.size, json_integer_value(json_object_get(fields, "authlen")));
    assert_int_equal(quote.certification_type, json_integer_value(json_object_get(fields, "certtype")));
    assert_int_equal(quote.certification_data.size, json_integer_value(json_object_get(fields, "certlen")));
}

static void check_claims(const json_t *fields, const json_t *intel, const struct sgx_claims *claims)
{
    check_platform_claims(fields, intel, &claims->platform);
    assert_string_equal(time_iso8601(claims->platform.tcb_date_s).text,
                        text_at(json_object_get(intel, "detail"), "sgx_tcbDate"));
    assert_hex(fields, "mrenclave", SLICE_ARRAY(claims->mrenclave));
    assert_hex(fields, "mrsigner", SLICE_ARRAY(claims->mrsigner));
    assert_hex(fields, "report_data", SLICE_ARRAY(claims->report_data));
    assert_int_equal(claims->product_id, number_at(fields, "isvprodid"));
    assert_int_equal(claims->svn, number_at(fields, "isvsvn"));
    assert_int_equal(claims->debug, json_is_true(json_object_get(fields, "debug")));
}

static void check_evaluation(const char *folder, const json_t *expected, const json_t *evaluation, struct slice quote)
{
    char path[2 * PATH_MAX];
    collateral_path(folder, evaluation, path);
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_read(path);
    const struct collateral_texts texts = collateral_files_texts(&files);
    struct refusal why = {};
    struct sgx_claims claims = {};
    const enum status status = verify_with(quote, &texts, number_at(evaluation, "time_unix"), &why, &claims);
    print_message("%s: %s %s\n", path, status_name(status), why.field);
    if (!json_is_true(json_object_get(evaluation, "crls_current"))) {
        assert_lists_are_stale(status, &why);
        return;
    }
    assert_ok(status);
    check_claims(json_object_get(expected, "fields"), json_object_get(evaluation, "intel_algorithm"), &claims);
}

static void check_case(const char *folder, const char *quote_name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s", shared_path(folder));
    CLEANUP(json_done) json_t *expected = read_expected(path);
    CLEANUP(buffer_done) struct buffer wire = read_in(path, quote_name);
    struct oe_evidence opened;
    assert_ok(oe_evidence_open(buffer_slice(&wire), NULL, &opened));
    const struct slice quote = opened.quote;
    check_structure(json_object_get(expected, "fields"), quote);
    const json_t *const evaluations = json_object_get(expected, "evaluations");
    for (size_t i = 0; i < json_array_size(evaluations); i++)
        check_evaluation(folder, expected, json_array_get(evaluations, i), quote);
}

static void check_quote_case(const char *folder)
{
    check_case(folder, "quote.bin");
}

static void test_every_sgx_case_gives_its_verdict(void **)
{
    assert_true(each_case("vectors/sgx", check_quote_case) >= 14);
}

static void test_every_open_enclave_case_gives_its_verdict(void **)
{
    check_case("vectors/oe/maa-sample-debug", "evidence.bin");
    check_case("vectors/oe/maa-sample-release", "evidence.bin");
    check_case("vectors/oe/maa-sample-intelsdk-debug", "quote.bin");
    check_case("vectors/oe/maa-sample-intelsdk-release", "quote.bin");
    check_case("vectors/oe/oe-attestation-plugin-evidence", "evidence_raw_quote.bin");
    check_case("vectors/maa/uks-2020-oe-attest", "evidence.bin");
}

static enum status check_signature_alone(const char *path)
{
    CLEANUP(buffer_done) struct buffer wire = read_whole(shared_path(path));
    CLEANUP(key_cleanup) struct key *key = NULL;
    struct quote quote;
    assert_ok(quote_parse(buffer_slice(&wire), NULL, &quote));
    assert_ok(key_from_p256_point(quote.attestation_key, &key));
    return key_verify(key, quote.signed_part, quote.signature);
}

/* The lists in its folder are never current together with the TCB info, so the dates refuse it first; but not they
 * alone. */
static void test_the_corrupted_quote_fails_in_its_signature(void **)
{
    assert_status(check_signature_alone("vectors/sgx/sgx-v3-00906ea10000-6dc7792a/quote.bin"), ERR_SIGNATURE);
    assert_ok(check_signature_alone("vectors/sgx/sgx-v3-00906ea10000-e9794f00/quote.bin"));
}

static void test_certification_type_3_is_refused_clearly(void **)
{
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_read(GENUINE_COLLATERAL);
    CLEANUP(buffer_done) struct buffer wire = read_whole(shared_path("vectors/sgx/sgx-v3-ct3-2f59d4cb/quote.bin"));
    const struct collateral_texts texts = collateral_files_texts(&files);
    struct sgx_claims claims;
    struct refusal why = {};
    assert_status(verify_with(buffer_slice(&wire), &texts, GENUINE_TIME_S, &why, &claims), ERR_UNSUPPORTED);
    assert_string_equal(why.field, "certification_data.type");
    assert_non_null(strstr(why.seen, "3: the platform's id encrypted"));
}

static void test_a_certificate_is_not_evidence(void **)
{
    CLEANUP(buffer_done) struct buffer wire = read_whole(shared_path("vectors/oe/oe-sgx-cert-ec-bad/cert.der"));
    assert_false(oe_evidence_is_wrapped(buffer_slice(&wire)));
    struct quote parsed;
    assert_status(quote_parse(buffer_slice(&wire), NULL, &parsed), ERR_QUOTE_UNSUPPORTED);
}

static void test_intels_synthetic_quote_has_no_certificates(void **)
{
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_read(GENUINE_COLLATERAL);
    CLEANUP(buffer_done) struct buffer wire = read_whole(shared_path("vectors/intel-synthetic/sgx-v3/quote.dat"));
    const struct collateral_texts texts = collateral_files_texts(&files);
    struct sgx_claims claims;
    struct refusal why = {};
    assert_status(verify_with(buffer_slice(&wire), &texts, GENUINE_TIME_S, &why, &claims), ERR_UNSUPPORTED);
    assert_non_null(strstr(why.seen, "1: the platform's id in clear"));
}

static void test_quotes_say_which_collateral_they_need(void **)
{
    CLEANUP(buffer_done) struct buffer wire = read_whole(shared_path(GENUINE_QUOTE));
    struct quote_facts facts;
    assert_ok(quote_facts_read(buffer_slice(&wire), NULL, &facts));
    assert_memory_equal(facts.fmspc, "\x00\x60\x6a\x00\x00\x00", sizeof(facts.fmspc));
    assert_string_equal(facts.ca, "platform");
    CLEANUP(buffer_done)
    struct buffer processor = read_whole(shared_path("vectors/sgx/sgx-v3-00906ed50000-606ccfe1/quote.bin"));
    assert_ok(quote_facts_read(buffer_slice(&processor), NULL, &facts));
    assert_string_equal(facts.ca, "processor");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sgx_case_gives_its_verdict),
        cmocka_unit_test(test_every_open_enclave_case_gives_its_verdict),
        cmocka_unit_test(test_the_corrupted_quote_fails_in_its_signature),
        cmocka_unit_test(test_certification_type_3_is_refused_clearly),
        cmocka_unit_test(test_a_certificate_is_not_evidence),
        cmocka_unit_test(test_intels_synthetic_quote_has_no_certificates),
        cmocka_unit_test(test_quotes_say_which_collateral_they_need),
    };
    return cmocka_run_group_tests_name("evidence/vectors", tests, NULL, NULL);
}
