/* SPDX-License-Identifier: Apache-2.0
 *
 * A release build takes no simulated evidence, whatever roots a caller names.
 */
#include "amd_pki.h"
#include "test_pki.h"

static void test_a_named_simulated_root_means_nothing(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    const struct collateral_texts texts = pki_texts(&pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct refusal why = {};
    assert_status(collateral_new(&texts, pki_roots(&pki), &why, &collateral), ERR_CHAIN);
    assert_string_equal(why.field, "pck_crl_issuer_chain.root_ca.subjectPublicKeyInfo");
}

static void test_a_named_simulated_amd_means_nothing(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    const struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct refusal why = {};
    struct snp_claims claims;
    assert_status(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, NULL, &why, &claims),
                  ERR_CHAIN);
    assert_string_equal(why.field, "ark.subjectPublicKeyInfo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_named_simulated_root_means_nothing),
        cmocka_unit_test(test_a_named_simulated_amd_means_nothing),
    };
    return cmocka_run_group_tests_name("evidence/release", tests, NULL, NULL);
}
