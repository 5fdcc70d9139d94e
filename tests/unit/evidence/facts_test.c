/* SPDX-License-Identifier: Apache-2.0
 *
 * What is fetched and kept, looked at without evidence: PCK certificates, endorsements of AMD's chips, and which issue
 * collateral is.
 */
#include "amd_pki.h"
#include "test_pki.h"

/* ---- PCK certificates ---- */

static enum pki_role short_lived;

static void shorten(enum pki_role role, struct certificate_text *text)
{
    if (role == short_lived) text->not_after_s = PKI_NOW_S + PKI_DAY_S;
}

static enum status verify_pck(struct test_pki *pki, const struct trust_roots *roots, int64_t now_s, struct refusal *why,
                              struct pck_facts *facts)
{
    CLEANUP(buffer_done)
    struct buffer chain = pki_pem(pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    return pck_certificate_verify(buffer_slice(&chain), roots, now_s, why, facts);
}

static void test_a_pck_certificate_names_its_platform(void **)
{
    struct test_pki pki = pki_make(NULL);
    struct pck_facts facts;
    assert_ok(verify_pck(&pki, pki_roots(&pki), PKI_NOW_S, NULL, &facts));
    assert_memory_equal(facts.fmspc, ((const uint8_t[]){0, 0, 0, 0, 0, 7}), 6);
    assert_memory_equal(facts.pce_id, ((const uint8_t[]){0, 0}), 2);
    assert_int_equal(facts.pce_svn, 4);
    assert_string_equal(facts.ca, "platform");
    assert_int_equal(facts.expires_s, PKI_NOW_S + 100 * PKI_DAY_S + 1);
    assert_status(verify_pck(&pki, NULL, PKI_NOW_S, NULL, &facts), ERR_CHAIN);
    pki_done(&pki);
}

static void test_each_certificate_of_a_pck_chain_is_held_to_its_dates(void **)
{
    static const enum pki_role roles[] = {PKI_LEAF, PKI_CA, PKI_ROOT};
    static const char *const fields[] = {"pck_chain.pck_certificate.notAfter", "pck_chain.pck_ca.notAfter",
                                         "pck_chain.root_ca.notAfter"};
    for (size_t i = 0; i < 3; i++) {
        short_lived = roles[i];
        struct test_pki pki = pki_make(&(struct pki_options){.certificate = shorten});
        struct pck_facts facts;
        struct refusal why = {};
        assert_ok(verify_pck(&pki, pki_roots(&pki), PKI_NOW_S + PKI_DAY_S, &why, &facts));
        assert_int_equal(facts.expires_s, PKI_NOW_S + PKI_DAY_S + 1);
        assert_status(verify_pck(&pki, pki_roots(&pki), PKI_NOW_S + PKI_DAY_S + 1, &why, &facts),
                      ERR_CERTIFICATE_EXPIRED);
        assert_string_equal(why.field, fields[i]);
        pki_done(&pki);
    }
}

/* ---- AMD ---- */

static void test_endorsements_name_their_chip_and_list(void **)
{
    struct amd_pki pki = amd_pki_make(NULL);
    const struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_endorsement_facts facts;
    assert_ok(snp_endorsements_verify(&endorsements, false, AMD_NOW_S, NULL, &facts));
    assert_int_equal(facts.product, SNP_MILAN);
    assert_false(facts.is_vlek);
    assert_true(facts.simulated);
    assert_slice_equal(SLICE_ARRAY(facts.chip_id), amd_chip_id(SNP_MILAN));
    assert_int_equal(facts.tcb.boot_loader, 4);
    assert_int_equal(facts.tcb.snp, 24);
    assert_int_equal(facts.tcb.microcode, 217);
    assert_true(facts.has_crl);
    assert_int_equal(facts.crl_issued_s, AMD_NOW_S - 10 * AMD_DAY_S);
    assert_memory_equal(facts.crl_number, ((const uint8_t[20]){[19] = 4}), 20);
    assert_int_equal(facts.expires_s, AMD_NOW_S + 10 * AMD_DAY_S);
    amd_pki_done(&pki);
}

static void test_endorsements_without_a_list_say_so(void **)
{
    struct amd_pki pki = amd_pki_make(NULL);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_endorsement_facts facts;
    endorsements.crl = (struct slice){};
    assert_status(snp_endorsements_verify(&endorsements, false, AMD_NOW_S, NULL, &facts), ERR_COLLATERAL_MISSING);
    endorsements.crl_required = false;
    assert_ok(snp_endorsements_verify(&endorsements, false, AMD_NOW_S, NULL, &facts));
    assert_false(facts.has_crl);
    assert_int_equal(facts.crl_issued_s, 0);
    amd_pki_done(&pki);
}

static void test_endorsements_of_another_root_altered_or_late_are_refused(void **)
{
    struct amd_pki pki = amd_pki_make(NULL);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_endorsement_facts facts;
    struct refusal why = {};
    endorsements.simulated_root = NULL;
    assert_status(snp_endorsements_verify(&endorsements, false, AMD_NOW_S, &why, &facts), ERR_CHAIN);
    assert_string_equal(why.field, "ark.subjectPublicKeyInfo");
    endorsements = amd_pki_endorsements(&pki);
    assert_status(snp_endorsements_verify(&endorsements, false, AMD_NOW_S + 10 * AMD_DAY_S, &why, &facts),
                  ERR_CRL_EXPIRED);
    assert_status(snp_endorsements_verify(&endorsements, true, AMD_NOW_S, &why, &facts), ERR_SNP_KEY);
    pki.crl.bytes[pki.crl.size - 1] ^= 1;
    assert_status(snp_endorsements_verify(&endorsements, false, AMD_NOW_S, &why, &facts), ERR_CRL_SIGNATURE);
    amd_pki_done(&pki);
}

/* ---- which issue ---- */

static void number_crl(bool is_root, struct crl_text *text)
{
    text->number = is_root ? 0x0102 : 3;
    text->this_update_s -= is_root ? 60 : 0;
}

static void test_collateral_says_which_issue_each_part_is(void **)
{
    struct test_pki pki = pki_make(&(struct pki_options){.crl = number_crl});
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    const struct collateral_texts texts = pki_texts(&pki);
    struct collateral_facts facts;
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    collateral_facts(collateral, &facts);
    assert_int_equal(facts.issue.tcb_info_evaluation, 9);
    assert_int_equal(facts.issue.qe_identity_evaluation, 8);
    assert_int_equal(facts.issue.tcb_info_s, PKI_NOW_S - 5 * PKI_DAY_S);
    assert_int_equal(facts.issue.qe_identity_s, PKI_NOW_S - 4 * PKI_DAY_S);
    assert_int_equal(facts.issue.pck_crl_s, PKI_NOW_S - 10 * PKI_DAY_S);
    assert_int_equal(facts.issue.root_crl_s, PKI_NOW_S - 10 * PKI_DAY_S - 60);
    assert_memory_equal(facts.issue.pck_crl_number, ((const uint8_t[20]){[19] = 3}), 20);
    assert_memory_equal(facts.issue.root_crl_number, ((const uint8_t[20]){[18] = 1, [19] = 2}), 20);
    pki_done(&pki);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pck_certificate_names_its_platform),
        cmocka_unit_test(test_each_certificate_of_a_pck_chain_is_held_to_its_dates),
        cmocka_unit_test(test_endorsements_name_their_chip_and_list),
        cmocka_unit_test(test_endorsements_without_a_list_say_so),
        cmocka_unit_test(test_endorsements_of_another_root_altered_or_late_are_refused),
        cmocka_unit_test(test_collateral_says_which_issue_each_part_is),
    };
    return cmocka_run_group_tests_name("evidence/facts", tests, NULL, NULL);
}
