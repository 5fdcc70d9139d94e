/* SPDX-License-Identifier: Apache-2.0
 *
 * Collateral apart from quotes: lists of other forms than we issue, signatures of each part, and what it says of
 * itself.
 */
#include "evidence/intel/collateral.h"

#include "test_pki.h"

#include <time.h>

enum { TAG_UTC_TIME = 0x17, TAG_BIT_STRING = 0x03, TAG_EXTENSIONS = 0xa0 };

static void append_time(struct buffer *out, int64_t time_s)
{
    char text[32];
    struct tm parts;
    const time_t at = (time_t)time_s;
    assert_non_null(gmtime_r(&at, &parts));
    assert_true(strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &parts) > 0);
    assert_ok(der_append(out, (enum der_tag)TAG_UTC_TIME, slice_of_text(text + 2))); /* without the century */
}

static void append_integer(struct buffer *out, struct slice number)
{
    uint8_t content[P256_SIGNATURE_BYTES / 2 + 1] = {};
    memcpy(content + 1, number.bytes, number.size);
    size_t from = 0;
    while (from < number.size && content[from] == 0 && content[from + 1] < 0x80) from++;
    assert_ok(der_append(out, DER_INTEGER, slice_of(content + from, number.size + 1 - from)));
}

static void append_signature(struct buffer *out, const struct key *key, struct slice content)
{
    CLEANUP(buffer_done) struct buffer raw = buffer_of_maximum(P256_SIGNATURE_BYTES);
    CLEANUP(buffer_done) struct buffer numbers = buffer_of_maximum(256);
    CLEANUP(buffer_done) struct buffer bits = buffer_of_maximum(256);
    assert_ok(key_sign(key, content, &raw));
    append_integer(&numbers, slice_of(raw.bytes, 32));
    append_integer(&numbers, slice_of(raw.bytes + 32, 32));
    assert_ok(buffer_append_u8(&bits, 0));
    assert_ok(der_append(&bits, DER_SEQUENCE, buffer_slice(&numbers)));
    assert_ok(der_append(out, (enum der_tag)TAG_BIT_STRING, buffer_slice(&bits)));
}

/* cRLNumber 1, critical or not. */
static void append_extensions(struct buffer *out, bool is_critical)
{
    CLEANUP(buffer_done) struct buffer extension = buffer_of_maximum(256);
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(256);
    CLEANUP(buffer_done) struct buffer all = buffer_of_maximum(256);
    assert_ok(der_append_oid(&extension, "2.5.29.20"));
    if (is_critical) assert_ok(der_append_boolean(&extension, true));
    assert_ok(der_append(&extension, DER_OCTET_STRING, SLICE_LITERAL("\x02\x01\x01")));
    assert_ok(der_append(&list, DER_SEQUENCE, buffer_slice(&extension)));
    assert_ok(der_append(&all, DER_SEQUENCE, buffer_slice(&list)));
    assert_ok(der_append(out, (enum der_tag)TAG_EXTENSIONS, buffer_slice(&all)));
}

struct form {
    bool has_end, has_number, is_critical;
};

/* A list by `role` that is right but for its form. */
static struct buffer make_list_with(const struct test_pki *pki, enum pki_role role, const struct form *form)
{
    static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    CLEANUP(certificate_cleanup) struct certificate *issuer = NULL;
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(4096);
    CLEANUP(buffer_done) struct buffer parts = buffer_of_maximum(4096);
    struct buffer list = buffer_of_maximum(4096);
    assert_ok(certificate_from_der(buffer_slice(&pki->certificates[role]), &issuer));
    assert_ok(der_append_number(&content, DER_INTEGER, 1));
    assert_ok(buffer_append(&content, SLICE_ARRAY(algorithm)));
    assert_ok(buffer_append(&content, certificate_subject_der(issuer)));
    append_time(&content, PKI_NOW_S - PKI_DAY_S);
    if (form->has_end) append_time(&content, PKI_NOW_S + PKI_DAY_S);
    if (form->has_number) append_extensions(&content, form->is_critical);
    assert_ok(der_append(&parts, DER_SEQUENCE, buffer_slice(&content)));
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(256);
    append_signature(&signature, pki->keys[role], buffer_slice(&parts));
    assert_ok(buffer_append(&parts, SLICE_ARRAY(algorithm)));
    assert_ok(buffer_append(&parts, buffer_slice(&signature)));
    assert_ok(der_append(&list, DER_SEQUENCE, buffer_slice(&parts)));
    return list;
}

static struct buffer make_list(const struct test_pki *pki, enum pki_role role, bool has_end, bool is_critical)
{
    return make_list_with(pki, role, &(const struct form){has_end, true, is_critical});
}

static void assert_texts(struct test_pki *pki, const struct collateral_texts *texts, enum status expected,
                         const char *field)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct refusal why = {};
    assert_status(collateral_new(texts, pki_roots(pki), &why, &collateral), expected);
    assert_string_equal(why.field, field);
}

/* Both lists: `expected` and the rest of the field's name. */
static void assert_lists(bool has_end, bool is_critical, enum status expected, const char *field)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer root_list = make_list(&pki, PKI_ROOT, has_end, is_critical);
    CLEANUP(buffer_done) struct buffer pck_list = make_list(&pki, PKI_CA, has_end, is_critical);
    struct collateral_texts texts = pki_texts(&pki);
    char name[64];
    texts.root_ca_crl = buffer_slice(&root_list);
    (void)snprintf(name, sizeof(name), "root_ca_crl.%s", field);
    assert_texts(&pki, &texts, expected, expected == OK ? "" : name);
    texts = pki_texts(&pki);
    texts.pck_crl = buffer_slice(&pck_list);
    (void)snprintf(name, sizeof(name), "pck_crl.%s", field);
    assert_texts(&pki, &texts, expected, expected == OK ? "" : name);
}

static void test_lists_of_this_form_are_accepted(void **)
{
    assert_lists(true, false, OK, "");
}

static void test_a_list_without_an_end_is_refused(void **)
{
    assert_lists(false, false, ERR_CRL_MALFORMED, "nextUpdate");
}

static void test_a_list_with_a_critical_extension_is_refused(void **)
{
    assert_lists(true, true, ERR_CRL_MALFORMED, "extensions");
}

static void test_a_list_by_another_authority_is_refused_by_its_name(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    struct collateral_texts texts = pki_texts(&pki);
    texts.pck_crl = buffer_slice(&pki.root_crl);
    assert_texts(&pki, &texts, ERR_COLLATERAL_MISMATCH, "pck_crl.issuer");
    texts = pki_texts(&pki);
    texts.root_ca_crl = buffer_slice(&pki.pck_crl);
    assert_texts(&pki, &texts, ERR_COLLATERAL_MISMATCH, "root_ca_crl.issuer");
}

static void test_each_part_is_refused_by_its_own_name(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(pki_done) struct test_pki other = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer foreign = buffer_of_maximum(65536);
    struct collateral_texts texts = pki_texts(&pki);
    texts.qe_identity = buffer_slice(&other.qe_identity);
    assert_texts(&pki, &texts, ERR_COLLATERAL_SIGNATURE, "qe_identity.signature");
    texts = pki_texts(&pki);
    texts.tcb_info = SLICE_LITERAL("{}");
    assert_texts(&pki, &texts, ERR_COLLATERAL_MALFORMED, "tcb_info.tcbInfo");
    texts = pki_texts(&pki);
    texts.qe_identity = SLICE_LITERAL("{}");
    assert_texts(&pki, &texts, ERR_COLLATERAL_MALFORMED, "qe_identity.enclaveIdentity");
    texts = pki_texts(&pki);
    texts.qe_identity_issuer_chain = buffer_slice(&pki.ca_chain);
    assert_texts(&pki, &texts, ERR_CHAIN, "qe_identity_issuer_chain.signer.subject.commonName");
    texts = pki_texts(&pki);
    texts.root_ca_crl = SLICE_LITERAL("x");
    assert_texts(&pki, &texts, ERR_CRL_MALFORMED, "root_ca_crl");
}

/* TCB info and QE identity may come from different signers; each is looked up in the root's list. */
static void test_the_signer_of_the_qe_identity_may_be_revoked_alone(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(certificate_cleanup) struct certificate *root = NULL;
    CLEANUP(certificate_cleanup) struct certificate *signer = NULL;
    CLEANUP(buffer_done) struct buffer second = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    assert_ok(certificate_pem(buffer_slice(&pki.certificates[PKI_SIGNING]), &second));
    assert_ok(certificate_pem(buffer_slice(&pki.certificates[PKI_ROOT]), &second));
    assert_ok(certificate_from_der(buffer_slice(&pki.certificates[PKI_ROOT]), &root));
    assert_ok(certificate_from_der(buffer_slice(&pki.certificates[PKI_SIGNING]), &signer));
    const struct slice serial = certificate_serial(signer);
    const struct crl_text text = {.issuer_name = certificate_subject_der(root),
                                  .issuer_key = pki.keys[PKI_ROOT],
                                  .this_update_s = PKI_NOW_S - PKI_DAY_S,
                                  .next_update_s = PKI_NOW_S + PKI_DAY_S,
                                  .number = 2,
                                  .revoked = &serial,
                                  .revoked_count = 1};
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096);
    assert_ok(crl_issue(&text, &list));
    /* The same key under a certificate with another serial number signs the TCB info. */
    static const struct pki_options nothing = {};
    buffer_done(&pki.certificates[PKI_SIGNING]);
    pki_issue(&pki, PKI_SIGNING, &nothing);
    CLEANUP(buffer_done) struct buffer first = pki_pem(&pki, (const enum pki_role[]){PKI_SIGNING, PKI_ROOT}, 2);
    struct collateral_texts texts = pki_texts(&pki);
    texts.tcb_info_issuer_chain = buffer_slice(&first);
    texts.qe_identity_issuer_chain = buffer_slice(&second);
    assert_texts(&pki, &texts, OK, "");
    texts.root_ca_crl = buffer_slice(&list);
    assert_texts(&pki, &texts, ERR_CERTIFICATE_REVOKED, "qe_identity_issuer_chain.signer.serialNumber");
}

/* ---- what collateral says of itself ---- */

static void late_pck_list(bool is_root, struct crl_text *text)
{
    if (is_root) return;
    text->this_update_s = PKI_NOW_S - PKI_DAY_S;
    text->next_update_s = PKI_NOW_S + PKI_DAY_S;
    text->number = 0x0102;
}
static void late_signing_certificate(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_SIGNING) text->not_before_s = PKI_NOW_S - 100;
}

static void test_the_first_end_and_the_latest_issue_count_wherever_they_stand(void **)
{
    const struct pki_options options = {.crl = late_pck_list, .certificate = late_signing_certificate};
    CLEANUP(pki_done) struct test_pki pki = pki_make(&options);
    const struct collateral_texts texts = pki_texts(&pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct collateral_facts facts;
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    collateral_facts(collateral, &facts);
    assert_int_equal(facts.issued_s, PKI_NOW_S - PKI_DAY_S);
    assert_int_equal(facts.expires_s, PKI_NOW_S + PKI_DAY_S);
    assert_int_equal(facts.issue.pck_crl_number[18], 1);
    assert_int_equal(facts.issue.pck_crl_number[19], 2);
    assert_int_equal(facts.issue.root_crl_number[19], 1);
    assert_null(collateral_share(NULL));
}

static void test_a_list_without_a_number_has_none(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer list = make_list_with(&pki, PKI_CA, &(const struct form){.has_end = true});
    struct collateral_texts texts = pki_texts(&pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct collateral_facts facts;
    texts.pck_crl = buffer_slice(&list);
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    collateral_facts(collateral, &facts);
    for (size_t i = 0; i < sizeof(facts.issue.pck_crl_number); i++) assert_int_equal(facts.issue.pck_crl_number[i], 0);
}

static void test_the_lower_evaluation_number_counts(void **)
{
    const struct collateral first = {.tcb_info = {.evaluation = 7}, .qe_identity = {.evaluation = 8}};
    const struct collateral second = {.tcb_info = {.evaluation = 9}, .qe_identity = {.evaluation = 8}};
    assert_int_equal(collateral_evaluation(&first), 7);
    assert_int_equal(collateral_evaluation(&second), 8);
}

/* Some early TCB info has no PCE id: it fits no platform, not even one whose id is zero. */
static void test_collateral_without_a_pce_id_is_of_no_platform(void **)
{
    const struct pck pck = {};
    struct collateral collateral = {.tcb_info = {.has_pce_id = true}};
    struct refusal why = {};
    assert_ok(collateral_check_model(&collateral, &pck, NULL));
    collateral.tcb_info.has_pce_id = false;
    assert_status(collateral_check_model(&collateral, &pck, &why), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "tcbInfo.pceId");
    assert_string_equal(why.seen, "nothing");
    collateral.tcb_info.has_pce_id = true;
    collateral.tcb_info.pce_id[1] = 1;
    assert_status(collateral_check_model(&collateral, &pck, &why), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.seen, "0001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_of_this_form_are_accepted),
        cmocka_unit_test(test_a_list_without_an_end_is_refused),
        cmocka_unit_test(test_a_list_with_a_critical_extension_is_refused),
        cmocka_unit_test(test_a_list_by_another_authority_is_refused_by_its_name),
        cmocka_unit_test(test_each_part_is_refused_by_its_own_name),
        cmocka_unit_test(test_the_signer_of_the_qe_identity_may_be_revoked_alone),
        cmocka_unit_test(test_the_first_end_and_the_latest_issue_count_wherever_they_stand),
        cmocka_unit_test(test_a_list_without_a_number_has_none),
        cmocka_unit_test(test_the_lower_evaluation_number_counts),
        cmocka_unit_test(test_collateral_without_a_pce_id_is_of_no_platform),
    };
    return cmocka_run_group_tests_name("evidence/collateral", tests, NULL, NULL);
}
