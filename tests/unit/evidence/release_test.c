/* SPDX-License-Identifier: Apache-2.0
 *
 * A release build takes no simulated evidence, whatever roots a caller names.
 */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_named_simulated_root_means_nothing),
    };
    return cmocka_run_group_tests_name("evidence/release", tests, NULL, NULL);
}
