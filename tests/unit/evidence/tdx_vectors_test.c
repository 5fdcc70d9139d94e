/* SPDX-License-Identifier: Apache-2.0
 *
 * Every shared TDX case, at every date that its expected.json evaluates.
 */
#include "evidence_cases.h"

#include "evidence/intel/quote.h"

static enum status verify_domain(struct slice quote, const struct collateral_texts *texts, int64_t now_s,
                                 struct refusal *why, struct tdx_claims *claims_out)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(collateral_new(texts, NULL, why, &collateral));
    const struct intel_evidence evidence = {.quote = quote};
    TRY(tdx_quote_verify(&evidence, collateral, NULL, now_s, NULL, why, claims_out));
    assert_judged_alike(tcb_numbers_of_domain(claims_out), collateral, &claims_out->platform);
    return OK;
}

static void check_structure(const json_t *fields, struct slice wire)
{
    struct quote quote;
    assert_ok(quote_parse(wire, NULL, &quote));
    assert_int_equal(quote.tee, INTEL_TDX);
    assert_int_equal(quote.version, number_at(fields, "version"));
    assert_hex(fields, "user_data", quote.user_data);
    assert_hex(fields, "sig", quote.signature);
    assert_hex(fields, "ak", quote.attestation_key);
    assert_hex(fields, "qe_mrsigner", quote.qe_report.mrsigner);
    assert_int_equal(quote.qe_report.svn, number_at(fields, "qe_isvsvn"));
    assert_int_equal(quote.qe_report.product_id, number_at(fields, "qe_isvprodid"));
    assert_int_equal(quote.qe_authentication_data.size, number_at(fields, "authlen"));
    assert_int_equal(quote.certification_type, number_at(fields, "certtype"));
    assert_int_equal(quote.certification_data.size, number_at(fields, "certlen"));
    assert_int_equal(quote.td_report.is_td15, json_object_get(fields, "tee_tcb_svn2") != NULL);
}

static void check_domain(const json_t *fields, const struct tdx_claims *claims)
{
    static const char *const rtmr[] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3"};
    assert_hex(fields, "tee_tcb_svn", SLICE_ARRAY(claims->tee_tcb_svn));
    assert_hex(fields, "mrseam", SLICE_ARRAY(claims->mrseam));
    assert_hex(fields, "mrsignerseam", SLICE_ARRAY(claims->mrsignerseam));
    assert_hex(fields, "seamattr", SLICE_ARRAY(claims->seam_attributes));
    assert_hex(fields, "tdattributes", SLICE_ARRAY(claims->td_attributes));
    assert_hex(fields, "xfam", SLICE_ARRAY(claims->xfam));
    assert_hex(fields, "mrtd", SLICE_ARRAY(claims->mrtd));
    assert_hex(fields, "mrconfigid", SLICE_ARRAY(claims->mrconfigid));
    assert_hex(fields, "mrowner", SLICE_ARRAY(claims->mrowner));
    assert_hex(fields, "mrownerconfig", SLICE_ARRAY(claims->mrownerconfig));
    for (size_t i = 0; i < TD_RTMR_COUNT; i++) assert_hex(fields, rtmr[i], SLICE_ARRAY(claims->rtmr[i]));
    assert_hex(fields, "report_data", SLICE_ARRAY(claims->report_data));
    assert_int_equal(claims->debug, json_is_true(json_object_get(fields, "debug")));
    if (!claims->is_td15) return;
    assert_hex(fields, "tee_tcb_svn2", SLICE_ARRAY(claims->tee_tcb_svn2));
    assert_hex(fields, "mrservicetd", SLICE_ARRAY(claims->mrservicetd));
}

static void check_evaluation(const char *folder, const json_t *fields, const json_t *evaluation, struct slice quote)
{
    char path[2 * PATH_MAX];
    collateral_path(folder, evaluation, path);
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_read(path);
    const struct collateral_texts texts = collateral_files_texts(&files);
    const json_t *const intel = json_object_get(evaluation, "intel_algorithm");
    struct refusal why = {};
    struct tdx_claims claims = {};
    const enum status status = verify_domain(quote, &texts, number_at(evaluation, "time_unix"), &why, &claims);
    print_message("%s: %s %s %s\n", path, status_name(status), why.field,
                  status == OK ? tcb_status_name(claims.platform.tcb_status) : "");
    if (!json_is_true(json_object_get(evaluation, "crls_current"))) {
        assert_lists_are_stale(status, &why);
        return;
    }
    if (slice_starts_with(slice_of_text(text_at(intel, "status")), SLICE_LITERAL("TCB_NOT_SUPPORTED"))) {
        assert_status(status, ERR_TCB_NOT_SUPPORTED);
        assert_string_equal(why.field, "pck_certificate.tcb");
        return;
    }
    assert_ok(status);
    check_platform_claims(fields, intel, &claims.platform);
    assert_string_equal(time_iso8601(claims.platform.tcb_date_s).text,
                        text_at(json_object_get(intel, "detail"), "tdx_tcbDate"));
    check_domain(fields, &claims);
}

/* Padding is refused unless somebody asks for it to be cut, and cut only if it is zeros. */
static struct slice without_trailing_bytes(const json_t *expected, struct slice wire)
{
    const size_t core = (size_t)number_at(expected, "quote_core_len");
    const bool is_zero = slice_is_zero(slice_part(wire, core, wire.size));
    struct quote quote;
    struct slice cut = {};
    if (core < wire.size) assert_status(quote_parse(wire, NULL, &quote), ERR_TRAILING_BYTES);
    assert_status(quote_without_padding(wire, NULL, &cut), is_zero ? OK : ERR_TRAILING_BYTES);
    if (is_zero) assert_int_equal(cut.size, core);
    return slice_part(wire, 0, core);
}

static void check_case(const char *folder)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s", shared_path(folder));
    CLEANUP(json_done) json_t *expected = read_expected(path);
    CLEANUP(buffer_done) struct buffer wire = read_in(path, "quote.bin");
    const struct slice quote = without_trailing_bytes(expected, buffer_slice(&wire));
    const json_t *const fields = json_object_get(expected, "fields");
    check_structure(fields, quote);
    const json_t *const evaluations = json_object_get(expected, "evaluations");
    for (size_t i = 0; i < json_array_size(evaluations); i++)
        check_evaluation(folder, fields, json_array_get(evaluations, i), quote);
}

static void test_every_tdx_case_gives_its_verdict(void **)
{
    assert_true(each_case("vectors/tdx", check_case) >= 17);
}

#define TDX_CASE "vectors/tdx/tdx10-v4-90c06f000000-cbdb5b2f/"
enum { TDX_TIME_S = 1772900000 };

static void test_collateral_of_the_two_kinds_is_not_exchanged(void **)
{
    CLEANUP(collateral_files_done)
    struct collateral_files domain = collateral_files_read(TDX_CASE "collateral-20260225-ev18");
    CLEANUP(collateral_files_done) struct collateral_files enclave = collateral_files_read(GENUINE_COLLATERAL);
    CLEANUP(buffer_done) struct buffer td_quote = read_whole(shared_path(TDX_CASE "quote.bin"));
    CLEANUP(buffer_done) struct buffer sgx_quote = read_whole(shared_path(GENUINE_QUOTE));
    struct collateral_texts domain_texts = collateral_files_texts(&domain);
    const struct collateral_texts enclave_texts = collateral_files_texts(&enclave);
    struct refusal why = {};
    struct tdx_claims td_claims;
    struct sgx_claims sgx_claims;
    assert_status(verify_domain(buffer_slice(&td_quote), &enclave_texts, GENUINE_TIME_S, &why, &td_claims),
                  ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "tcbInfo.id");
    assert_status(verify_with(buffer_slice(&sgx_quote), &domain_texts, TDX_TIME_S, &why, &sgx_claims),
                  ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "tcbInfo.id");
    assert_status(verify_with(buffer_slice(&td_quote), &domain_texts, TDX_TIME_S, &why, &sgx_claims),
                  ERR_QUOTE_UNSUPPORTED);
    assert_string_equal(why.field, "header.tee_type");
    /* The other kind's QE identity beside the right TCB info. */
    domain_texts.qe_identity = enclave_texts.qe_identity;
    domain_texts.qe_identity_issuer_chain = enclave_texts.qe_identity_issuer_chain;
    CLEANUP(collateral_cleanup) struct collateral *mixed = NULL;
    assert_status(collateral_new(&domain_texts, NULL, &why, &mixed), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "enclaveIdentity.id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tdx_case_gives_its_verdict),
        cmocka_unit_test(test_collateral_of_the_two_kinds_is_not_exchanged),
    };
    return cmocka_run_group_tests_name("evidence/tdx_vectors", tests, NULL, NULL);
}
