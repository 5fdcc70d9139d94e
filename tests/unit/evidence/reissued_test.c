/* SPDX-License-Identifier: Apache-2.0
 *
 * A quote whose PCK certificate was issued by another CA certificate of the same root than the collateral holds.
 */
#include "test_pki.h"

/* `other` becomes a second branch below the root of `pki`: CA (with the key of `pki`'s, or its own) and PCK
 * certificate. */
static void branch(struct test_pki *other, const struct test_pki *pki, bool same_key, const struct pki_options *options)
{
    *other = pki_make(NULL);
    key_free(other->keys[PKI_ROOT]);
    other->keys[PKI_ROOT] = key_share(pki->keys[PKI_ROOT]);
    if (same_key) {
        key_free(other->keys[PKI_CA]);
        other->keys[PKI_CA] = key_share(pki->keys[PKI_CA]);
    }
    buffer_clear(&other->certificates[PKI_ROOT]);
    assert_ok(buffer_append(&other->certificates[PKI_ROOT], buffer_slice(&pki->certificates[PKI_ROOT])));
    for (enum pki_role role = PKI_CA; role <= PKI_LEAF; role++) {
        buffer_done(&other->certificates[role]);
        pki_issue(other, role, options);
    }
}

static enum status verify(struct test_pki *pki, const struct collateral_texts *texts, const struct test_pki *quoted,
                          const struct minted_quote_options *options, struct refusal *why, struct sgx_claims *claims)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    CLEANUP(buffer_done) struct buffer quote = mint_quote(quoted, options);
    assert_ok(collateral_new(texts, pki_roots(pki), NULL, &collateral));
    return sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&quote)}, collateral, pki_roots(pki),
                            PKI_NOW_S, NULL, why, claims);
}

static void named_processor(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->subject.common_name = "Simulated SGX PCK Processor CA";
}

static void assert_other_ca(bool same_key, void (*change)(enum pki_role role, struct certificate_text *text),
                            enum status expected, const char *field)
{
    const struct pki_options options = {.certificate = change};
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(pki_done) struct test_pki other;
    branch(&other, &pki, same_key, &options);
    const struct collateral_texts texts = pki_texts(&pki);
    struct refusal why = {};
    struct sgx_claims claims;
    assert_status(verify(&pki, &texts, &other, NULL, &why, &claims), expected);
    assert_string_equal(why.field, field);
}

static void test_a_list_is_of_the_ca_by_name_and_key(void **)
{
    assert_other_ca(true, NULL, OK, ""); /* issued anew, with the same name and key */
    assert_other_ca(true, named_processor, ERR_COLLATERAL_MISMATCH, "pck_crl.issuer");
    assert_other_ca(false, NULL, ERR_COLLATERAL_MISMATCH, "pck_crl.issuer");
}

static void test_the_quotes_own_ca_certificate_may_be_revoked_alone(void **)
{
    static const struct pki_options nothing = {};
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(pki_done) struct test_pki other;
    branch(&other, &pki, true, &nothing);
    CLEANUP(certificate_cleanup) struct certificate *root = NULL;
    CLEANUP(certificate_cleanup) struct certificate *ca = NULL;
    assert_ok(certificate_from_der(buffer_slice(&pki.certificates[PKI_ROOT]), &root));
    assert_ok(certificate_from_der(buffer_slice(&other.certificates[PKI_CA]), &ca));
    const struct slice serial = certificate_serial(ca);
    const struct crl_text text = {.issuer_name = certificate_subject_der(root),
                                  .issuer_key = pki.keys[PKI_ROOT],
                                  .this_update_s = PKI_NOW_S - PKI_DAY_S,
                                  .next_update_s = PKI_NOW_S + PKI_DAY_S,
                                  .number = 2,
                                  .revoked = &serial,
                                  .revoked_count = 1};
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096);
    assert_ok(crl_issue(&text, &list));
    struct collateral_texts texts = pki_texts(&pki);
    texts.root_ca_crl = buffer_slice(&list);
    struct refusal why = {};
    struct sgx_claims claims;
    assert_status(verify(&pki, &texts, &other, NULL, &why, &claims), ERR_CERTIFICATE_REVOKED);
    assert_string_equal(why.field, "pck_ca.serialNumber");
}

static void short_leaf(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_LEAF) text->not_after_s = PKI_NOW_S + 99;
}

static void test_a_verdict_ends_with_the_pck_certificate(void **)
{
    const struct pki_options options = {.certificate = short_leaf};
    CLEANUP(pki_done) struct test_pki pki = pki_make(&options);
    const struct collateral_texts texts = pki_texts(&pki);
    struct sgx_claims claims;
    assert_ok(verify(&pki, &texts, &pki, NULL, NULL, &claims));
    assert_int_equal(claims.platform.expires_s, PKI_NOW_S + 100);
}

static void test_key_separation_is_told(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    const struct collateral_texts texts = pki_texts(&pki);
    const struct minted_quote_options with_kss = {.report_flags = 0x81};
    struct sgx_claims claims;
    assert_ok(verify(&pki, &texts, &pki, NULL, NULL, &claims));
    assert_false(claims.has_kss);
    assert_ok(verify(&pki, &texts, &pki, &with_kss, NULL, &claims));
    assert_true(claims.has_kss);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_list_is_of_the_ca_by_name_and_key),
        cmocka_unit_test(test_the_quotes_own_ca_certificate_may_be_revoked_alone),
        cmocka_unit_test(test_a_verdict_ends_with_the_pck_certificate),
        cmocka_unit_test(test_key_separation_is_told),
    };
    return cmocka_run_group_tests_name("evidence/reissued", tests, NULL, NULL);
}
