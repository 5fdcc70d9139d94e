/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains from an endorsement key to a root, each wrong in one respect: names, purposes, keys, signatures, extensions,
 * dates and revocation.
 */
#include "crypto/x509_issue.h"
#include "evidence/amd/authorities.h"

#include "amd_pki.h"
#include "testing.h"

static enum status verify_given(const struct amd_pki *pki, const struct snp_endorsements *endorsements,
                                struct refusal *why)
{
    struct snp_claims claims;
    return snp_report_verify(buffer_slice(&pki->report), endorsements, AMD_NOW_S, NULL, why, &claims);
}

static void assert_given_refused(const struct amd_pki *pki, const struct snp_endorsements *endorsements,
                                 enum status expected, const char *field)
{
    struct refusal why = {};
    const enum status status = verify_given(pki, endorsements, &why);
    if (status != expected || strcmp(why.field, field) != 0)
        fail_msg("%s at \"%s\" (%s), expected %s at %s", status_name(status), why.field, why.seen,
                 status_name(expected), field);
    assert_string_not_equal(why.expected, "");
    assert_string_not_equal(why.seen, "");
}

static void assert_refused(const struct amd_pki_options *options, enum status expected, const char *field)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(options);
    const struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    assert_given_refused(&pki, &endorsements, expected, field);
}

static void assert_accepted(const struct amd_pki_options *options)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(options);
    const struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct refusal why = {};
    const enum status status = verify_given(&pki, &endorsements, &why);
    if (status != OK) fail_msg("%s: %s, seen %s", status_name(status), why.field, why.seen);
}

static void test_a_good_chain_of_each_product_and_kind_is_accepted(void **)
{
    for (size_t i = 0; i < 2 * SNP_PRODUCT_COUNT; i++)
        assert_accepted(&(struct amd_pki_options){.product = (enum snp_product)(i / 2), .is_vlek = i % 2 == 1});
}

/* ---- which certificates are given ---- */

static void test_order_form_and_repetition_do_not_matter(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(MINT_MAX_BYTES);
    assert_ok(certificate_pem(pki.given[AMD_PKI_ISSUER], &pem));
    assert_ok(certificate_pem(pki.given[AMD_PKI_LEAF], &pem));
    assert_ok(certificate_pem(pki.given[AMD_PKI_ROOT], &pem));
    const struct slice given[] = {pki.given[AMD_PKI_ROOT], buffer_slice(&pem), pki.given[AMD_PKI_LEAF]};
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    endorsements.certificates = given;
    assert_ok(verify_given(&pki, &endorsements, NULL));
}

static void test_no_certificate_is_told_with_what_to_do(void **)
{
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.is_vlek = i == 1});
        struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
        struct refusal why = {};
        endorsements.certificate_count = 2; /* the authorities alone */
        assert_given_refused(&pki, &endorsements, ERR_COLLATERAL_MISSING, i == 1 ? "vlek" : "vcek");
        (void)verify_given(&pki, &endorsements, &why);
        assert_non_null(strstr(why.fix, i == 1 ? "the cloud hands" : "key distribution service"));
        endorsements.certificate_count = 0;
        assert_given_refused(&pki, &endorsements, ERR_COLLATERAL_MISSING, i == 1 ? "vlek" : "vcek");
    }
}

static void test_simulated_authorities_must_be_given(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    endorsements.certificates = pki.given + 1;
    endorsements.certificate_count = 2;
    assert_given_refused(&pki, &endorsements, ERR_COLLATERAL_MISSING, "ark");
    const struct slice given[] = {pki.given[AMD_PKI_ROOT], pki.given[AMD_PKI_LEAF]};
    endorsements.certificates = given;
    assert_given_refused(&pki, &endorsements, ERR_COLLATERAL_MISSING, "ask");
}

static void test_a_key_of_the_other_kind_is_refused(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki vcek = amd_pki_make(NULL);
    CLEANUP(amd_pki_done) struct amd_pki vlek = amd_pki_make(&(struct amd_pki_options){.is_vlek = true});
    const struct snp_endorsements of_vcek = amd_pki_endorsements(&vcek), of_vlek = amd_pki_endorsements(&vlek);
    struct refusal why = {};
    assert_given_refused(&vcek, &of_vlek, ERR_SNP_KEY, "report.key_info.signing_key");
    (void)verify_given(&vcek, &of_vlek, &why);
    assert_string_equal(why.expected, "1: VLEK");
    assert_string_equal(why.seen, "0: VCEK, while the certificate given is of the other kind");
    assert_given_refused(&vlek, &of_vcek, ERR_SNP_KEY, "report.key_info.signing_key");
    (void)verify_given(&vlek, &of_vcek, &why);
    assert_string_equal(why.expected, "0: VCEK");
    assert_string_equal(why.seen, "1: VLEK, while the certificate given is of the other kind");
}

static void test_a_key_of_the_other_kind_may_stand_beside(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki vcek = amd_pki_make(NULL);
    CLEANUP(amd_pki_done) struct amd_pki vlek = amd_pki_make(&(struct amd_pki_options){.is_vlek = true});
    const struct slice given[] = {vlek.given[AMD_PKI_LEAF], vcek.given[0], vcek.given[1], vcek.given[2]};
    struct snp_endorsements endorsements = amd_pki_endorsements(&vcek);
    endorsements.certificates = given;
    endorsements.certificate_count = 4;
    assert_ok(verify_given(&vcek, &endorsements, NULL));
}

static void test_two_keys_or_authorities_are_refused(void **)
{
    static const char *const fields[] = {"ark", "ask", "vcek"};
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    CLEANUP(amd_pki_done) struct amd_pki again = amd_pki_make(NULL); /* other signatures */
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) {
        const struct slice given[] = {pki.given[0], pki.given[1], pki.given[2], again.given[i]};
        struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
        endorsements.certificates = given;
        endorsements.certificate_count = 4;
        assert_given_refused(&pki, &endorsements, ERR_CHAIN, fields[i]);
    }
    CLEANUP(amd_pki_done) struct amd_pki vlek = amd_pki_make(&(struct amd_pki_options){.is_vlek = true});
    CLEANUP(amd_pki_done) struct amd_pki other = amd_pki_make(&(struct amd_pki_options){.is_vlek = true});
    static const char *const vlek_fields[] = {"ark", "asvk", "vlek"};
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) {
        const struct slice given[] = {vlek.given[0], vlek.given[1], vlek.given[2], other.given[i]};
        struct snp_endorsements endorsements = amd_pki_endorsements(&vlek);
        endorsements.certificates = given;
        endorsements.certificate_count = 4;
        assert_given_refused(&vlek, &endorsements, ERR_CHAIN, vlek_fields[i]);
    }
}

static void test_authorities_of_another_product_are_refused(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki milan = amd_pki_make(NULL);
    CLEANUP(amd_pki_done) struct amd_pki genoa = amd_pki_make(&(struct amd_pki_options){.product = SNP_GENOA});
    const struct slice given[] = {milan.given[AMD_PKI_LEAF], genoa.given[AMD_PKI_ISSUER], genoa.given[AMD_PKI_ROOT]};
    struct snp_endorsements endorsements = amd_pki_endorsements(&milan);
    struct refusal why = {};
    endorsements.certificates = given;
    assert_given_refused(&milan, &endorsements, ERR_CHAIN, "certificates.subject");
    (void)verify_given(&milan, &endorsements, &why);
    assert_string_equal(why.seen, "Simulated SEV-Genoa");
    assert_string_equal(why.expected, "AMD's SEV-Milan or ARK-Milan");
}

static void test_the_authority_for_the_other_kind_is_refused(void **)
{
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.is_vlek = i == 1});
        CLEANUP(amd_pki_done) struct amd_pki other = amd_pki_make(&(struct amd_pki_options){.is_vlek = i == 0});
        const struct slice given[] = {pki.given[AMD_PKI_LEAF], pki.given[AMD_PKI_ROOT], other.given[AMD_PKI_ISSUER]};
        struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
        struct refusal why = {};
        endorsements.certificates = given;
        assert_given_refused(&pki, &endorsements, ERR_CHAIN, "certificates.subject");
        (void)verify_given(&pki, &endorsements, &why);
        assert_string_equal(why.expected,
                            i == 1 ? "AMD's SEV-VLEK-Milan or ARK-Milan" : "AMD's SEV-Milan or ARK-Milan");
    }
}

static void test_what_is_no_certificate_is_refused_by_its_place(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    CLEANUP(buffer_done) struct buffer trailing = buffer_of_maximum(MINT_MAX_BYTES);
    assert_ok(buffer_append(&trailing, pki.given[AMD_PKI_LEAF]));
    assert_ok(buffer_append_u8(&trailing, 0));
    const struct slice wrong[] = {
        {}, SLICE_LITERAL("\x30\x00"), buffer_slice(&trailing), SLICE_LITERAL("-----BEGIN CERTIFICATE-----\n")};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const struct slice given[] = {pki.given[0], wrong[i]};
        struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
        endorsements.certificates = given;
        endorsements.certificate_count = 2;
        assert_given_refused(&pki, &endorsements, ERR_CERTIFICATE_MALFORMED, "certificates[1]");
    }
}

static void test_more_than_8_certificates_are_refused(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct slice given[9];
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    for (size_t i = 0; i < 9; i++) given[i] = pki.given[i % AMD_PKI_ROLE_COUNT];
    endorsements.certificates = given;
    endorsements.certificate_count = 8;
    assert_ok(verify_given(&pki, &endorsements, NULL));
    endorsements.certificate_count = 9;
    assert_given_refused(&pki, &endorsements, ERR_TOO_LARGE, "certificates");
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(MINT_MAX_BYTES);
    assert_ok(certificate_pem(pki.given[0], &pem));
    assert_ok(certificate_pem(pki.given[1], &pem));
    given[7] = buffer_slice(&pem); /* eight texts, nine certificates */
    endorsements.certificate_count = 8;
    assert_given_refused(&pki, &endorsements, ERR_TOO_LARGE, "certificates[7]");
}

static void test_more_than_64_kilobytes_are_refused(void **)
{
    static uint8_t zeros[SNP_CERTIFICATES_MAX_BYTES];
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct slice given[] = {pki.given[0], slice_of(zeros, sizeof(zeros) - pki.given[0].size)};
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    endorsements.certificates = given;
    endorsements.certificate_count = 2;
    assert_given_refused(&pki, &endorsements, ERR_TOO_LARGE, "certificates[1]"); /* no certificate is so large */
    given[1].size++;
    assert_given_refused(&pki, &endorsements, ERR_TOO_LARGE, "certificates");
}

/* ---- names ---- */

static const char *wrong_name;

static void rename_issuer_of_root(enum amd_pki_role role, struct mint_certificate *text)
{
    if (role == AMD_PKI_ROOT) text->issuer = wrong_name;
}

static void rename_issuer_of_authority(enum amd_pki_role role, struct mint_certificate *text)
{
    if (role == AMD_PKI_ISSUER) text->issuer = wrong_name;
}

static void rename_issuer_of_leaf(enum amd_pki_role role, struct mint_certificate *text)
{
    if (role == AMD_PKI_LEAF) text->issuer = wrong_name;
}

static void rename_leaf(enum amd_pki_role role, struct mint_certificate *text)
{
    if (role == AMD_PKI_LEAF) text->subject = wrong_name;
}

static void test_every_issuer_is_named(void **)
{
    wrong_name = "Simulated ARK-Genoa";
    assert_refused(&(struct amd_pki_options){.certificate = rename_issuer_of_root}, ERR_CHAIN, "ark.issuer");
    assert_refused(&(struct amd_pki_options){.certificate = rename_issuer_of_authority}, ERR_CHAIN, "ask.issuer");
    wrong_name = "Simulated SEV-VLEK-Milan";
    assert_refused(&(struct amd_pki_options){.certificate = rename_issuer_of_leaf}, ERR_CHAIN, "vcek.issuer");
    wrong_name = "Simulated SEV-Milan";
    assert_refused(&(struct amd_pki_options){.is_vlek = true, .certificate = rename_issuer_of_leaf}, ERR_CHAIN,
                   "vlek.issuer");
}

static void test_a_key_with_another_name_is_none(void **)
{
    static const char *const names[] = {"Simulated SEV-VCEK2", "SEV-VCE", "simulated SEV-VCEK", "Simulated  SEV-VCEK"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        wrong_name = names[i];
        assert_refused(&(struct amd_pki_options){.certificate = rename_leaf}, ERR_COLLATERAL_MISSING, "vcek");
    }
}

/* Under the name of a genuine key the simulated authorities are no part of the chain. */
static void test_genuine_and_simulated_names_do_not_mix(void **)
{
    wrong_name = "SEV-VCEK";
    assert_refused(&(struct amd_pki_options){.certificate = rename_leaf}, ERR_CHAIN, "certificates.subject");
    wrong_name = "SEV-VLEK";
    assert_refused(&(struct amd_pki_options){.is_vlek = true, .certificate = rename_leaf}, ERR_CHAIN,
                   "certificates.subject");
}

static void take_genuine_names(enum amd_pki_role role, struct mint_certificate *text)
{
    static const char *const names[] = {"ARK-Milan", "SEV-Milan", "SEV-VCEK"};
    text->subject = names[role];
    text->issuer = names[role == AMD_PKI_LEAF ? AMD_PKI_ISSUER : AMD_PKI_ROOT];
}

/* An own root with AMD's names, even if the caller names it as a simulated one. */
static void test_a_root_with_the_genuine_name_must_have_the_pinned_key(void **)
{
    assert_refused(&(struct amd_pki_options){.certificate = take_genuine_names}, ERR_CHAIN, "ark.subjectPublicKeyInfo");
}

static void test_the_published_authorities_signed_nothing_of_ours(void **)
{
    static const char *const fields[] = {"vcek.signature", "ask.signature"};
    CLEANUP(amd_pki_done)
    struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.certificate = take_genuine_names});
    const struct slice given[] = {pki.given[AMD_PKI_LEAF], pki.given[AMD_PKI_ISSUER]};
    for (size_t count = 1; count <= 2; count++) {
        struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
        endorsements.certificates = given;
        endorsements.certificate_count = count;
        assert_given_refused(&pki, &endorsements, ERR_CHAIN, fields[count - 1]);
    }
}

/* ---- the root that is accepted ---- */

static void test_a_simulated_root_must_be_named(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    endorsements.simulated_root = NULL;
    assert_given_refused(&pki, &endorsements, ERR_CHAIN, "ark.subjectPublicKeyInfo");
    endorsements.simulated_root = amd_keys()->other_rsa;
    assert_given_refused(&pki, &endorsements, ERR_CHAIN, "ark.subjectPublicKeyInfo");
}

/* ---- signatures ---- */

static enum amd_pki_role wrong_role;

static void sign_with_another_key(enum amd_pki_role role, struct mint_certificate *text)
{
    if (role == wrong_role) text->issuer_key = amd_keys()->other_rsa;
}

static void test_every_signature_is_by_the_issuer(void **)
{
    static const char *const fields[] = {"ark.signature", "ask.signature", "vcek.signature"};
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) {
        wrong_role = (enum amd_pki_role)i;
        assert_refused(&(struct amd_pki_options){.certificate = sign_with_another_key}, ERR_CHAIN, fields[i]);
    }
}

/* ---- keys ---- */

static void give_another_kind_of_key(enum amd_pki_role role, struct mint_certificate *text)
{
    if (role != wrong_role) return;
    text->subject_key = role == AMD_PKI_LEAF ? amd_keys()->other_rsa : amd_keys()->other_p384;
}

static void test_every_key_is_of_its_kind(void **)
{
    static const char *const fields[] = {"ark.subjectPublicKeyInfo", "ask.subjectPublicKeyInfo",
                                         "vcek.subjectPublicKeyInfo"};
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) {
        wrong_role = (enum amd_pki_role)i;
        assert_refused(&(struct amd_pki_options){.certificate = give_another_kind_of_key}, ERR_CHAIN, fields[i]);
    }
}

static struct slice wrong_key_info;

static void give_key_info(enum amd_pki_role role, struct mint_certificate *text)
{
    if (role == AMD_PKI_LEAF) text->key_info = wrong_key_info;
}

static void test_a_key_off_its_curve_is_refused(void **)
{
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(256);
    assert_ok(mint_key(&info, amd_keys()->leaf));
    info.bytes[info.size - 1] ^= 1;
    wrong_key_info = buffer_slice(&info);
    assert_refused(&(struct amd_pki_options){.certificate = give_key_info}, ERR_KEY_INVALID, "certificates[2]");
}

/* ---- purposes ---- */

static struct amd_authority_text wrong_text;

static void change_authority(enum amd_pki_role role, struct amd_authority_text *text)
{
    if (role == wrong_role) *text = wrong_text;
}

static void assert_authority_refused(enum amd_pki_role role, struct amd_authority_text text, const char *field)
{
    wrong_role = role;
    wrong_text = text;
    assert_refused(&(struct amd_pki_options){.authority = change_authority}, ERR_CHAIN, field);
}

static void test_authorities_are_authorities(void **)
{
    assert_authority_refused(AMD_PKI_ROOT, (struct amd_authority_text){false, -1, 6, NULL}, "ark.basicConstraints");
    assert_authority_refused(AMD_PKI_ISSUER, (struct amd_authority_text){false, -1, 4, NULL}, "ask.basicConstraints");
}

static void test_the_root_may_have_an_authority_below_it(void **)
{
    assert_authority_refused(AMD_PKI_ROOT, (struct amd_authority_text){true, 0, 6, NULL},
                             "ark.basicConstraints.pathLenConstraint");
    wrong_text = (struct amd_authority_text){true, 1, 6, NULL};
    assert_accepted(&(struct amd_pki_options){.authority = change_authority});
}

static void test_authorities_may_sign_certificates_and_the_root_lists(void **)
{
    assert_authority_refused(AMD_PKI_ROOT, (struct amd_authority_text){true, -1, 2, NULL}, "ark.keyUsage");
    assert_authority_refused(AMD_PKI_ROOT, (struct amd_authority_text){true, -1, 4, NULL}, "ark.keyUsage");
    assert_authority_refused(AMD_PKI_ISSUER, (struct amd_authority_text){true, 0, 2, NULL}, "ask.keyUsage");
}

static void test_critical_extensions_of_authorities_must_be_understood(void **)
{
    assert_authority_refused(AMD_PKI_ROOT, (struct amd_authority_text){true, -1, 6, "2.5.29.30"}, "ark.extensions");
    assert_authority_refused(AMD_PKI_ISSUER, (struct amd_authority_text){true, 0, 4, "2.5.29.30"}, "ask.extensions");
}

static void make_leaf_an_authority(struct amd_extensions *extensions)
{
    amd_add_extension(extensions, "2.5.29.19", SLICE_LITERAL("\x30\x03\x01\x01\xff"));
    extensions->items[extensions->count - 1].critical = true;
}

static void test_an_endorsement_key_is_no_authority(void **)
{
    assert_refused(&(struct amd_pki_options){.leaf = make_leaf_an_authority}, ERR_CHAIN, "vcek.basicConstraints");
    assert_refused(&(struct amd_pki_options){.is_vlek = true, .leaf = make_leaf_an_authority}, ERR_CHAIN,
                   "vlek.basicConstraints");
}

static void add_critical(struct amd_extensions *extensions)
{
    amd_add_extension(extensions, "2.5.29.30", SLICE_LITERAL("\x05\x00"));
    extensions->items[extensions->count - 1].critical = true;
}

static void test_critical_extensions_of_a_key_must_be_understood(void **)
{
    assert_refused(&(struct amd_pki_options){.leaf = add_critical}, ERR_CHAIN, "vcek.extensions");
}

/* ---- AMD's extensions ---- */

static const char *wrong_oid;
static struct slice wrong_value;

static void set_value(struct amd_extensions *extensions)
{
    struct amd_extension *const extension = amd_find_extension(extensions, wrong_oid);
    memcpy(extension->value, wrong_value.bytes, wrong_value.size);
    extension->size = wrong_value.size;
}

static void drop(struct amd_extensions *extensions)
{
    amd_drop_extension(extensions, wrong_oid);
}

static void repeat(struct amd_extensions *extensions)
{
    extensions->items[extensions->count] = *amd_find_extension(extensions, wrong_oid);
    extensions->count++;
}

static void assert_value_refused(struct amd_pki_options options, const char *oid, struct slice value, const char *field)
{
    wrong_oid = oid;
    wrong_value = value;
    options.leaf = set_value;
    assert_refused(&options, ERR_CERTIFICATE_MALFORMED, field);
}

static void test_every_extension_must_be_there_and_once(void **)
{
    static const struct {
        const char *oid, *field;
        enum snp_product product;
        bool is_vlek;
    } cases[] = {
        {"1", "vcek.structVersion", SNP_MILAN, false}, {"2", "vcek.productName", SNP_MILAN, false},
        {"3.1", "vcek.blSPL", SNP_MILAN, false},       {"3.2", "vcek.teeSPL", SNP_MILAN, false},
        {"3.3", "vcek.snpSPL", SNP_MILAN, false},      {"3.4", "vcek.spl4", SNP_MILAN, false},
        {"3.5", "vcek.spl5", SNP_MILAN, false},        {"3.6", "vcek.spl6", SNP_MILAN, false},
        {"3.7", "vcek.spl7", SNP_MILAN, false},        {"3.8", "vcek.ucodeSPL", SNP_GENOA, false},
        {"3.9", "vcek.fmcSPL", SNP_TURIN, false},      {"3.1", "vcek.blSPL", SNP_TURIN, false},
        {"4", "vcek.hwID", SNP_MILAN, false},          {"4", "vcek.hwID", SNP_TURIN, false},
        {"5", "vlek.cspID", SNP_MILAN, true},          {"2", "vlek.productName", SNP_MILAN, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wrong_oid = cases[i].oid;
        const struct amd_pki_options without = {.product = cases[i].product, .is_vlek = cases[i].is_vlek, .leaf = drop};
        assert_refused(&without, ERR_CERTIFICATE_MALFORMED, cases[i].field);
        const struct amd_pki_options twice = {.product = cases[i].product, .is_vlek = cases[i].is_vlek, .leaf = repeat};
        assert_refused(&twice, ERR_CERTIFICATE_MALFORMED, "certificates[2]");
    }
}

static void test_numbers_are_one_integer_of_a_byte(void **)
{
    static const struct slice wrong[] = {
        {(const uint8_t *)"\x02\x02\x01\x00", 4}, /* 256 */
        {(const uint8_t *)"\x02\x01\xff", 3},     /* negative */
        {(const uint8_t *)"\x02\x02\x00\x04", 4}, /* not the shortest */
        {(const uint8_t *)"\x0a\x01\x04", 3},     /* another type */
        {(const uint8_t *)"\x02\x01\x04\x00", 4}, /* a byte behind it */
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_value_refused((struct amd_pki_options){}, "3.1", wrong[i], "vcek.blSPL");
        assert_value_refused((struct amd_pki_options){}, "1", wrong[i], "vcek.structVersion");
    }
    assert_value_refused((struct amd_pki_options){}, "1", SLICE_LITERAL("\x02\x01\x02"), "vcek.structVersion");
}

static void test_product_names_are_known_ones(void **)
{
    static const struct slice wrong[] = {
        {(const uint8_t *)"\x16\x05Naple", 7},     {(const uint8_t *)"\x16\x06Milan-", 8},
        {(const uint8_t *)"\x16\x08Milan-00", 10}, {(const uint8_t *)"\x16\x08Milan-BB", 10},
        {(const uint8_t *)"\x16\x08Milan-b0", 10}, {(const uint8_t *)"\x16\x08Milan-[0", 10},
        {(const uint8_t *)"\x16\x08Milan-@0", 10}, {(const uint8_t *)"\x16\x08Milan-B:", 10},
        {(const uint8_t *)"\x16\x08Milan-B/", 10}, {(const uint8_t *)"\x16\x09Milan-B00", 11},
        {(const uint8_t *)"\x0c\x05Milan", 7},     {(const uint8_t *)"\x16\x05Milan\x00", 8},
        {(const uint8_t *)"\x16\x06Milan\x00", 8}, {(const uint8_t *)"\x16\x07Milan-B", 9},
    };
    static const struct slice right[] = {
        {(const uint8_t *)"\x16\x05Milan", 7},
        {(const uint8_t *)"\x16\x08Milan-A0", 10},
        {(const uint8_t *)"\x16\x08Milan-Z9", 10},
        {(const uint8_t *)"\x16\x08Milan-B1", 10},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_value_refused((struct amd_pki_options){}, "2", wrong[i], "vcek.productName");
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        wrong_value = right[i];
        assert_accepted(&(struct amd_pki_options){.leaf = set_value});
    }
}

static void test_a_hardware_id_has_the_size_of_its_product(void **)
{
    static const uint8_t zeros[65], ones[65] = {1};
    const struct amd_pki_options turin = {.product = SNP_TURIN};
    assert_value_refused((struct amd_pki_options){}, "4", slice_of(ones, 63), "vcek.hwID");
    assert_value_refused((struct amd_pki_options){}, "4", slice_of(ones, 65), "vcek.hwID");
    assert_value_refused((struct amd_pki_options){}, "4", slice_of(ones, 8), "vcek.hwID");
    assert_value_refused((struct amd_pki_options){}, "4", slice_of(zeros, 64), "vcek.hwID");
    assert_value_refused(turin, "4", slice_of(ones, 64), "vcek.hwID");
    assert_value_refused(turin, "4", slice_of(ones, 7), "vcek.hwID");
    assert_value_refused(turin, "4", slice_of(zeros, 8), "vcek.hwID");
}

static void test_a_cloud_id_is_printable_text(void **)
{
    const struct amd_pki_options vlek = {.is_vlek = true};
    uint8_t text[2 + SNP_CSP_ID_MAX_BYTES + 1] = {0x16, SNP_CSP_ID_MAX_BYTES};
    memset(text + 2, '~', SNP_CSP_ID_MAX_BYTES + 1);
    wrong_oid = "5";
    wrong_value = slice_of(text, 2 + SNP_CSP_ID_MAX_BYTES);
    assert_accepted(&(struct amd_pki_options){.is_vlek = true, .leaf = set_value});
    memset(text + 2, ' ', SNP_CSP_ID_MAX_BYTES);
    assert_accepted(&(struct amd_pki_options){.is_vlek = true, .leaf = set_value});
    text[1]++;
    assert_value_refused(vlek, "5", SLICE_ARRAY(text), "vlek.cspID");
    assert_value_refused(vlek, "5", SLICE_LITERAL("\x16\x00"), "vlek.cspID");
    assert_value_refused(vlek, "5",
                         SLICE_LITERAL("\x16\x02"
                                       "a\x1f"),
                         "vlek.cspID");
    assert_value_refused(vlek, "5",
                         SLICE_LITERAL("\x16\x02"
                                       "a\x7f"),
                         "vlek.cspID");
    assert_value_refused(vlek, "5",
                         SLICE_LITERAL("\x0c\x02"
                                       "ab"),
                         "vlek.cspID");
}

static void test_what_was_seen_in_an_extension_is_told(void **)
{
    static const struct {
        enum snp_product product;
        const char *expected;
    } cases[] = {{SNP_GENOA, "64 bytes, not all zero"}, {SNP_TURIN, "8 bytes, not all zero"}};
    for (size_t i = 0; i < 2; i++) {
        struct refusal why = {};
        wrong_oid = "4";
        wrong_value = SLICE_LITERAL("\x04\x01");
        CLEANUP(amd_pki_done)
        struct amd_pki wrong = amd_pki_make(&(struct amd_pki_options){.product = cases[i].product, .leaf = set_value});
        const struct snp_endorsements endorsements = amd_pki_endorsements(&wrong);
        assert_status(verify_given(&wrong, &endorsements, &why), ERR_CERTIFICATE_MALFORMED);
        assert_string_equal(why.seen, "0401");
        assert_string_equal(why.expected, cases[i].expected);
        CLEANUP(amd_pki_done)
        struct amd_pki none = amd_pki_make(&(struct amd_pki_options){.product = cases[i].product, .leaf = drop});
        const struct snp_endorsements without = amd_pki_endorsements(&none);
        assert_status(verify_given(&none, &without, &why), ERR_CERTIFICATE_MALFORMED);
        assert_string_equal(why.seen, "nothing");
    }
}

/* AMD's Name of this common name has 128 bytes: the first length that takes two. */
static void take_genuine_vlek_names(enum amd_pki_role role, struct mint_certificate *text)
{
    static const char *const names[] = {"ARK-Milan", "SEV-VLEK-Milan", "SEV-VLEK"};
    text->subject = names[role];
    text->issuer = names[role == AMD_PKI_LEAF ? AMD_PKI_ISSUER : AMD_PKI_ROOT];
}

static void test_names_of_any_length_are_recognised(void **)
{
    CLEANUP(amd_pki_done)
    struct amd_pki pki =
        amd_pki_make(&(struct amd_pki_options){.is_vlek = true, .certificate = take_genuine_vlek_names});
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    endorsements.certificates += AMD_PKI_ISSUER;
    endorsements.certificate_count = 2;
    assert_given_refused(&pki, &endorsements, ERR_CHAIN, "asvk.signature");
}

static void add_mark_of_a_vlek(struct amd_extensions *extensions)
{
    amd_add_value(extensions, "5", MINT_IA5_STRING, SLICE_LITERAL("CN=cloud.example"));
}

static void add_mark_of_a_vcek(struct amd_extensions *extensions)
{
    amd_add_extension(extensions, "4", amd_chip_id(SNP_MILAN));
}

static void test_the_mark_of_the_other_kind_is_refused(void **)
{
    assert_refused(&(struct amd_pki_options){.leaf = add_mark_of_a_vlek}, ERR_CERTIFICATE_MALFORMED, "vcek.cspID");
    assert_refused(&(struct amd_pki_options){.is_vlek = true, .leaf = add_mark_of_a_vcek}, ERR_CERTIFICATE_MALFORMED,
                   "vlek.hwID");
}

/* ---- dates ---- */

static void assert_at(const struct amd_pki *pki, int64_t now_s, enum status expected, const char *field)
{
    const struct snp_endorsements endorsements = amd_pki_endorsements(pki);
    struct refusal why = {};
    struct snp_claims claims;
    assert_status(snp_report_verify(buffer_slice(&pki->report), &endorsements, now_s, NULL, &why, &claims), expected);
    assert_string_equal(why.field, field);
}

static int64_t wrong_from_s, wrong_until_s;

static void change_dates(enum amd_pki_role role, struct mint_certificate *text)
{
    if (role != wrong_role) return;
    text->not_before_s = wrong_from_s;
    text->not_after_s = wrong_until_s;
}

static void test_every_certificate_is_valid_now(void **)
{
    static const char *const before[] = {"ark.notBefore", "ask.notBefore", "vcek.notBefore"};
    static const char *const after[] = {"ark.notAfter", "ask.notAfter", "vcek.notAfter"};
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) {
        wrong_role = (enum amd_pki_role)i;
        wrong_from_s = AMD_NOW_S - AMD_DAY_S;
        wrong_until_s = AMD_NOW_S + AMD_DAY_S;
        CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.certificate = change_dates});
        assert_at(&pki, wrong_from_s, OK, "");
        assert_at(&pki, wrong_from_s - 1, ERR_CERTIFICATE_EXPIRED, before[i]);
        assert_at(&pki, wrong_from_s - AMD_DAY_S, ERR_CERTIFICATE_EXPIRED, before[i]);
        assert_at(&pki, wrong_until_s, OK, "");
        assert_at(&pki, wrong_until_s + 1, ERR_CERTIFICATE_EXPIRED, after[i]);
        assert_at(&pki, wrong_until_s + AMD_DAY_S, ERR_CERTIFICATE_EXPIRED, after[i]);
        const struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
        struct snp_claims claims;
        assert_ok(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, NULL, NULL, &claims));
        assert_int_equal(claims.expires_s, wrong_until_s + 1); /* the verdict ends with what ends first */
    }
}

/* AMD's published authorities stand in for certificates that are not given: with their dates and serial numbers. */
static void test_published_authorities_have_dates(void **)
{
    for (size_t i = 0; i < SNP_PRODUCT_COUNT; i++) {
        for (size_t j = 0; j < AMD_ROLE_COUNT; j++) {
            const struct amd_authority *const authority = amd_authority((enum snp_product)i, (enum amd_role)j);
            assert_true(authority->not_before_s > 1600000000 && authority->not_after_s > authority->not_before_s);
            assert_int_equal(authority->serial[0], i + 1);
            assert_int_equal(authority->serial[1] == 1, j == AMD_ASVK);
        }
    }
}

/* ---- the revocation list ---- */

static uint64_t wrong_serial;
static const char *wrong_crl_issuer;

static void list_serial(struct mint_crl *text)
{
    text->revoked = wrong_serial;
}

static void rename_crl_issuer(struct mint_crl *text)
{
    text->issuer = wrong_crl_issuer;
}

static void sign_crl_with_another_key(struct mint_crl *text)
{
    text->issuer_key = amd_keys()->issuer;
}

static void make_crl_critical(struct mint_crl *text)
{
    text->is_critical = true;
}

static void test_revoked_authorities_are_refused(void **)
{
    wrong_serial = 0x10001;
    assert_refused(&(struct amd_pki_options){.crl = list_serial}, ERR_CERTIFICATE_REVOKED, "ask.serialNumber");
    assert_refused(&(struct amd_pki_options){.is_vlek = true, .crl = list_serial}, ERR_CERTIFICATE_REVOKED,
                   "asvk.serialNumber");
    wrong_serial = 0x10000;
    assert_refused(&(struct amd_pki_options){.crl = list_serial}, ERR_CERTIFICATE_REVOKED, "ark.serialNumber");
    wrong_serial = 0x10002;
    assert_accepted(&(struct amd_pki_options){.crl = list_serial});
}

static void test_a_list_is_of_the_root_by_name_and_key(void **)
{
    wrong_crl_issuer = "Simulated ARK-Genoa";
    assert_refused(&(struct amd_pki_options){.crl = rename_crl_issuer}, ERR_COLLATERAL_MISMATCH, "crl.issuer");
    assert_refused(&(struct amd_pki_options){.crl = sign_crl_with_another_key}, ERR_CRL_SIGNATURE, "crl.signature");
}

static void test_a_list_with_a_critical_extension_is_refused(void **)
{
    assert_refused(&(struct amd_pki_options){.crl = make_crl_critical}, ERR_CRL_MALFORMED, "crl.extensions");
}

static void test_a_list_is_current(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    assert_at(&pki, AMD_NOW_S - 10 * AMD_DAY_S, OK, "");
    assert_at(&pki, AMD_NOW_S - 10 * AMD_DAY_S - 1, ERR_CRL_EXPIRED, "crl.thisUpdate");
    assert_at(&pki, AMD_NOW_S + 10 * AMD_DAY_S - 1, OK, "");
    assert_at(&pki, AMD_NOW_S + 10 * AMD_DAY_S, ERR_CRL_EXPIRED, "crl.nextUpdate");
}

static void test_a_list_may_be_required(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct refusal why = {};
    struct snp_claims claims;
    endorsements.crl = (struct slice){};
    assert_given_refused(&pki, &endorsements, ERR_COLLATERAL_MISSING, "crl");
    (void)verify_given(&pki, &endorsements, &why);
    assert_string_not_equal(why.fix, "");
    endorsements.crl_required = false;
    assert_ok(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, NULL, NULL, &claims));
    assert_false(claims.crl_checked);
    assert_int_equal(claims.expires_s, AMD_NOW_S + 100 * AMD_DAY_S + 1);
}

/* Whoever gives a list has it looked at, required or not. */
static void test_a_list_that_is_none_is_refused(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    CLEANUP(buffer_done) struct buffer trailing = buffer_of_maximum(MINT_MAX_BYTES);
    struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    assert_ok(buffer_append(&trailing, buffer_slice(&pki.crl)));
    assert_ok(buffer_append_u8(&trailing, 0));
    endorsements.crl_required = false;
    endorsements.crl = buffer_slice(&trailing);
    assert_given_refused(&pki, &endorsements, ERR_CRL_MALFORMED, "crl");
    endorsements.crl = SLICE_LITERAL("none");
    assert_given_refused(&pki, &endorsements, ERR_CRL_MALFORMED, "crl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_chain_of_each_product_and_kind_is_accepted),
        cmocka_unit_test(test_order_form_and_repetition_do_not_matter),
        cmocka_unit_test(test_no_certificate_is_told_with_what_to_do),
        cmocka_unit_test(test_simulated_authorities_must_be_given),
        cmocka_unit_test(test_a_key_of_the_other_kind_is_refused),
        cmocka_unit_test(test_a_key_of_the_other_kind_may_stand_beside),
        cmocka_unit_test(test_two_keys_or_authorities_are_refused),
        cmocka_unit_test(test_authorities_of_another_product_are_refused),
        cmocka_unit_test(test_the_authority_for_the_other_kind_is_refused),
        cmocka_unit_test(test_what_is_no_certificate_is_refused_by_its_place),
        cmocka_unit_test(test_more_than_8_certificates_are_refused),
        cmocka_unit_test(test_more_than_64_kilobytes_are_refused),
        cmocka_unit_test(test_every_issuer_is_named),
        cmocka_unit_test(test_a_key_with_another_name_is_none),
        cmocka_unit_test(test_genuine_and_simulated_names_do_not_mix),
        cmocka_unit_test(test_a_root_with_the_genuine_name_must_have_the_pinned_key),
        cmocka_unit_test(test_the_published_authorities_signed_nothing_of_ours),
        cmocka_unit_test(test_a_simulated_root_must_be_named),
        cmocka_unit_test(test_every_signature_is_by_the_issuer),
        cmocka_unit_test(test_every_key_is_of_its_kind),
        cmocka_unit_test(test_a_key_off_its_curve_is_refused),
        cmocka_unit_test(test_authorities_are_authorities),
        cmocka_unit_test(test_the_root_may_have_an_authority_below_it),
        cmocka_unit_test(test_authorities_may_sign_certificates_and_the_root_lists),
        cmocka_unit_test(test_critical_extensions_of_authorities_must_be_understood),
        cmocka_unit_test(test_an_endorsement_key_is_no_authority),
        cmocka_unit_test(test_critical_extensions_of_a_key_must_be_understood),
        cmocka_unit_test(test_every_extension_must_be_there_and_once),
        cmocka_unit_test(test_numbers_are_one_integer_of_a_byte),
        cmocka_unit_test(test_product_names_are_known_ones),
        cmocka_unit_test(test_a_hardware_id_has_the_size_of_its_product),
        cmocka_unit_test(test_a_cloud_id_is_printable_text),
        cmocka_unit_test(test_what_was_seen_in_an_extension_is_told),
        cmocka_unit_test(test_names_of_any_length_are_recognised),
        cmocka_unit_test(test_the_mark_of_the_other_kind_is_refused),
        cmocka_unit_test(test_every_certificate_is_valid_now),
        cmocka_unit_test(test_published_authorities_have_dates),
        cmocka_unit_test(test_revoked_authorities_are_refused),
        cmocka_unit_test(test_a_list_is_of_the_root_by_name_and_key),
        cmocka_unit_test(test_a_list_with_a_critical_extension_is_refused),
        cmocka_unit_test(test_a_list_is_current),
        cmocka_unit_test(test_a_list_may_be_required),
        cmocka_unit_test(test_a_list_that_is_none_is_refused),
    };
    return cmocka_run_group_tests_name("evidence/amd_chain", tests, NULL, NULL);
}
