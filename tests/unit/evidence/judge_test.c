/* SPDX-License-Identifier: Apache-2.0
 *
 * A platform that was attested once, judged again by its numbers: as verification judges it.
 */
#include "evidence_vectors.h"
#include "test_pki.h"

static enum status judge(const struct pki_options *options, const struct tcb_numbers *numbers, struct refusal *why,
                         struct intel_platform *platform_out)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(options);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    const struct collateral_texts texts = pki_texts(&pki);
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    return intel_tcb_judge(numbers, collateral, why, platform_out);
}

/* The platform and quoting enclave that test_pki.h mints. */
static struct tcb_numbers minted_numbers(enum intel_tee tee)
{
    struct tcb_numbers numbers = {.tee = tee, .fmspc = {[5] = 7}, .pce_svn = 4, .qe_svn = 8};
    memset(numbers.components, 4, sizeof(numbers.components));
    return numbers;
}

static void test_numbers_of_an_enclave_give_what_its_quote_gave(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    const struct collateral_texts texts = pki_texts(&pki);
    const struct intel_evidence evidence = {.quote = buffer_slice(&quote)};
    struct sgx_claims claims;
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    assert_ok(sgx_quote_verify(&evidence, collateral, pki_roots(&pki), PKI_NOW_S, NULL, NULL, &claims));
    const struct tcb_numbers numbers = tcb_numbers_of_enclave(&claims), minted = minted_numbers(INTEL_SGX);
    assert_memory_equal(&numbers, &minted, sizeof(numbers));
    assert_judged_alike(numbers, collateral, &claims.platform);
}

static void test_numbers_of_a_domain_are_taken(void **)
{
    const struct tdx_claims claims = {
        .platform = {.fmspc = {1}, .pce_id = {2}, .components = {3}, .pce_svn = 4, .qe_svn = 5},
        .is_td15 = true,
        .tee_tcb_svn = {6},
        .tee_tcb_svn2 = {7},
    };
    const struct tcb_numbers numbers = tcb_numbers_of_domain(&claims);
    assert_int_equal(numbers.tee, INTEL_TDX);
    assert_true(numbers.is_td15);
    assert_int_equal(numbers.fmspc[0], 1);
    assert_int_equal(numbers.pce_id[0], 2);
    assert_int_equal(numbers.components[0], 3);
    assert_int_equal(numbers.pce_svn, 4);
    assert_int_equal(numbers.qe_svn, 5);
    assert_int_equal(numbers.tee_tcb_svn[0], 6);
    assert_int_equal(numbers.tee_tcb_svn2[0], 7);
}

static void test_statuses_are_those_of_the_new_collateral(void **)
{
    static const struct {
        struct pki_options options;
        enum status status;
        enum tcb_status tcb_status;
        const char *field;
    } cases[] = {
        {{}, OK, TCB_UP_TO_DATE, ""},
        {{.tcb_status = "OutOfDate"}, OK, TCB_OUT_OF_DATE, ""},
        {{.qe_status = "OutOfDate"}, OK, TCB_OUT_OF_DATE, ""},
        {{.tcb_status = "Revoked"}, ERR_TCB_REVOKED, 0, "pck_certificate.tcb"},
        {{.lowest_component = 5}, ERR_TCB_NOT_SUPPORTED, 0, "pck_certificate.tcb"},
        {{.lowest_qe_svn = 9}, ERR_TCB_NOT_SUPPORTED, 0, "qe_report.isvsvn"},
        {{.fmspc = "000000000008"}, ERR_COLLATERAL_MISMATCH, 0, "tcbInfo.fmspc"},
        {{.pce_id = "0001"}, ERR_COLLATERAL_MISMATCH, 0, "tcbInfo.pceId"},
        {{.tcb_info_id = "TDX", .qe_identity_id = "TD_QE"}, ERR_COLLATERAL_MISMATCH, 0, "tcbInfo.id"},
    };
    const struct tcb_numbers numbers = minted_numbers(INTEL_SGX);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why = {};
        struct intel_platform platform = {};
        assert_status(judge(&cases[i].options, &numbers, &why, &platform), cases[i].status);
        assert_string_equal(why.field, cases[i].field);
        if (cases[i].status == OK) assert_int_equal(platform.tcb_status, cases[i].tcb_status);
    }
}

static void test_domains_are_judged_by_their_module_too(void **)
{
    const struct pki_options options = {.tcb_info_id = "TDX", .qe_identity_id = "TD_QE"};
    struct tcb_numbers numbers = minted_numbers(INTEL_TDX);
    struct refusal why = {};
    struct intel_platform platform = {};
    assert_ok(judge(&options, &numbers, &why, &platform));
    assert_int_equal(platform.tcb_status, TCB_UP_TO_DATE);
    assert_int_equal(platform.advisory_count, 3);
    assert_int_equal(platform.qe_svn, 8);
    numbers.tee_tcb_svn[1] = 9; /* a module for which this collateral has no identity */
    assert_status(judge(&options, &numbers, &why, &platform), ERR_TDX_MODULE);
    numbers = minted_numbers(INTEL_TDX);
    numbers.pce_svn = 3;
    assert_status(judge(&options, &numbers, &why, &platform), ERR_TCB_NOT_SUPPORTED);
}

/* What only trust domains have is not looked at for an enclave. */
static void test_an_enclave_has_no_module(void **)
{
    struct tcb_numbers numbers = minted_numbers(INTEL_SGX);
    struct intel_platform platform = {};
    numbers.tee_tcb_svn[1] = 9;
    assert_ok(judge(NULL, &numbers, NULL, &platform));
}

/* The quoting enclave's level brings two more. */
static void test_advisories_have_a_maximum(void **)
{
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096);
    const struct tcb_numbers numbers = minted_numbers(INTEL_SGX);
    struct pki_options options = {};
    struct refusal why = {};
    struct intel_platform platform = {};
    for (int i = 1; i <= ADVISORY_MAX_COUNT - 2; i++)
        assert_ok(buffer_append_format(&list, "%s\"A-%02d\"", i == 1 ? "" : ",", i));
    assert_ok(buffer_text(&list, &options.advisories));
    assert_ok(judge(&options, &numbers, &why, &platform));
    assert_int_equal(platform.advisory_count, ADVISORY_MAX_COUNT);
    assert_string_equal(platform.advisories[0], "A-01");
    assert_string_equal(platform.advisories[ADVISORY_MAX_COUNT - 1], "TEST-3");
    assert_ok(buffer_append_text(&list, ",\"B-01\""));
    assert_ok(buffer_text(&list, &options.advisories));
    assert_status(judge(&options, &numbers, &why, &platform), ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.field, "advisoryIDs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_an_enclave_give_what_its_quote_gave),
        cmocka_unit_test(test_numbers_of_a_domain_are_taken),
        cmocka_unit_test(test_statuses_are_those_of_the_new_collateral),
        cmocka_unit_test(test_domains_are_judged_by_their_module_too),
        cmocka_unit_test(test_an_enclave_has_no_module),
        cmocka_unit_test(test_advisories_have_a_maximum),
    };
    return cmocka_run_group_tests_name("evidence/judge", tests, NULL, NULL);
}
