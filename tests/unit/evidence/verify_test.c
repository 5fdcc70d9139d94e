/* SPDX-License-Identifier: Apache-2.0
 *
 * Every way in which evidence that is well signed can still be wrong, under a vendor of the test's own making.
 */
#include "evidence_vectors.h"
#include "test_pki.h"

#include "base/json.h"

static enum status verify_quote(struct test_pki *pki, struct slice quote, int64_t now_s, struct refusal *why,
                                struct sgx_claims *claims)
{
    const struct collateral_texts texts = pki_texts(pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(collateral_new(&texts, pki_roots(pki), why, &collateral));
    return sgx_quote_verify(&(struct intel_evidence){.quote = quote}, collateral, pki_roots(pki), now_s, NULL, why,
                            claims);
}

static void assert_refused(const struct pki_options *options, const struct minted_quote_options *quote_options,
                           enum status expected, const char *field)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(options);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, quote_options);
    struct refusal why = {};
    struct sgx_claims claims;
    const enum status status = verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, &why, &claims);
    if (status != expected) print_error("refused at %s, seen %s\n", why.field, why.seen);
    assert_status(status, expected);
    assert_string_equal(why.field, field);
}

static struct sgx_claims assert_genuine(const struct pki_options *options,
                                        const struct minted_quote_options *quote_options)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(options);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, quote_options);
    struct refusal why = {};
    struct sgx_claims claims = {};
    const enum status status = verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, &why, &claims);
    if (status != OK) print_error("refused at %s, seen %s\n", why.field, why.seen);
    assert_ok(status);
    return claims;
}

/* ---- good evidence ---- */

static void test_claims_of_good_evidence(void **)
{
    const struct sgx_claims claims = assert_genuine(NULL, NULL);
    assert_true(claims.platform.simulated);
    assert_false(claims.debug);
    assert_int_equal(claims.product_id, 3);
    assert_int_equal(claims.svn, 2);
    assert_int_equal(claims.mrenclave[0], 0x4d);
    assert_memory_equal(claims.report_data, "report data", sizeof("report data"));
    assert_int_equal(claims.platform.tcb_status, TCB_UP_TO_DATE);
    assert_int_equal(claims.platform.tcb_evaluation, 8); /* the lower of 9 and 8 */
    assert_int_equal(claims.platform.collateral_issued_s, PKI_NOW_S - 5 * PKI_DAY_S);
    assert_int_equal(claims.platform.expires_s, PKI_NOW_S + 4 * PKI_DAY_S);
    assert_int_equal(claims.platform.advisory_count, 3);
    assert_string_equal(claims.platform.advisories[0], "TEST-1");
    assert_string_equal(claims.platform.advisories[2], "TEST-3");
}

static void test_debug_is_told_and_not_refused(void **)
{
    const struct minted_quote_options options = {.report_flags = 0x03};
    assert_true(assert_genuine(NULL, &options).debug);
}

/* The verdict is as old as the older part that it rests on. */
static void test_the_older_text_tells_the_age(void **)
{
    const struct pki_options young = {.tcb_info_days = 3}, old = {.tcb_info_days = 6};
    assert_int_equal(assert_genuine(&young, NULL).platform.collateral_issued_s, PKI_NOW_S - 4 * PKI_DAY_S);
    assert_int_equal(assert_genuine(&old, NULL).platform.collateral_issued_s, PKI_NOW_S - 6 * PKI_DAY_S);
}

/* The quoting enclave's level brings two more than the platform's. */
static void test_more_advisories_than_claims_hold_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096);
    struct pki_options options = {};
    for (int i = 1; i <= ADVISORY_MAX_COUNT - 2; i++)
        assert_ok(buffer_append_format(&list, "%s\"A-%02d\"", i == 1 ? "" : ",", i));
    assert_ok(buffer_text(&list, &options.advisories));
    assert_int_equal(assert_genuine(&options, NULL).platform.advisory_count, ADVISORY_MAX_COUNT);
    assert_ok(buffer_append_text(&list, ",\"B-01\""));
    assert_ok(buffer_text(&list, &options.advisories));
    assert_refused(&options, NULL, ERR_COLLATERAL_MALFORMED, "advisoryIDs");
}

static void test_statuses_are_merged(void **)
{
    const struct pki_options options = {.tcb_status = "ConfigurationNeeded", .qe_status = "OutOfDate"};
    assert_int_equal(assert_genuine(&options, NULL).platform.tcb_status, TCB_OUT_OF_DATE_CONFIGURATION_NEEDED);
}

static void test_certificates_stand_in_any_order(void **)
{
    static const enum pki_role orders[][3] = {
        {PKI_LEAF, PKI_ROOT, PKI_CA}, {PKI_ROOT, PKI_CA, PKI_LEAF}, {PKI_CA, PKI_LEAF, PKI_ROOT}};
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    struct sgx_claims claims;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        CLEANUP(buffer_done) struct buffer chain = pki_pem(&pki, orders[i], 3);
        const struct minted_quote_options options = {.certification_data = buffer_slice(&chain)};
        CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, &options);
        assert_ok(verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, NULL, &claims));
    }
}

/* ---- roots ---- */

static void test_a_simulated_root_needs_to_be_named(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    const struct collateral_texts texts = pki_texts(&pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct refusal why = {};
    assert_status(collateral_new(&texts, NULL, &why, &collateral), ERR_CHAIN);
    assert_string_equal(why.field, "pck_crl_issuer_chain.root_ca.subjectPublicKeyInfo");
    /* Nor does it help that the collateral was accepted earlier. */
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    struct sgx_claims claims;
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    assert_status(sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&quote)}, collateral, NULL, PKI_NOW_S,
                                   NULL, &why, &claims),
                  ERR_CHAIN);
    assert_string_equal(why.field, "root_ca");
}

static void test_two_accepted_roots_do_not_mix(void **)
{
    CLEANUP(pki_done) struct test_pki mine = pki_make(NULL);
    CLEANUP(pki_done) struct test_pki other = pki_make(NULL);
    const struct key *const keys[] = {mine.keys[PKI_ROOT], other.keys[PKI_ROOT]};
    const struct trust_roots both = {.simulated = keys, .simulated_count = 2};
    struct collateral_texts texts = pki_texts(&mine);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&other, NULL);
    struct refusal why = {};
    struct sgx_claims claims;
    assert_ok(collateral_new(&texts, &both, NULL, &collateral));
    assert_status(sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&quote)}, collateral, &both,
                                   PKI_NOW_S, NULL, &why, &claims),
                  ERR_CHAIN);
    assert_string_equal(why.field, "root_ca");
    texts.tcb_info = buffer_slice(&other.tcb_info);
    texts.tcb_info_issuer_chain = buffer_slice(&other.signing_chain);
    CLEANUP(collateral_cleanup) struct collateral *mixed = NULL;
    assert_status(collateral_new(&texts, &both, &why, &mixed), ERR_CHAIN);
    assert_string_equal(why.field, "tcb_info_issuer_chain");
    texts = pki_texts(&mine);
    texts.qe_identity = buffer_slice(&other.qe_identity);
    texts.qe_identity_issuer_chain = buffer_slice(&other.signing_chain);
    assert_status(collateral_new(&texts, &both, &why, &mixed), ERR_CHAIN);
    assert_string_equal(why.field, "qe_identity_issuer_chain");
    texts = pki_texts(&mine);
    texts.root_ca_crl = buffer_slice(&other.root_crl);
    assert_status(collateral_new(&texts, &both, &why, &mixed), ERR_CRL_SIGNATURE);
    texts = pki_texts(&mine);
    texts.pck_crl = buffer_slice(&other.pck_crl);
    assert_status(collateral_new(&texts, &both, &why, &mixed), ERR_CRL_SIGNATURE);
}

static void test_simulated_and_genuine_do_not_mix(void **)
{
    (void)shared_path(GENUINE_QUOTE); /* Skips, if at all, before anything is allocated. */
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_read(GENUINE_COLLATERAL);
    CLEANUP(buffer_done) struct buffer genuine = read_whole(shared_path(GENUINE_QUOTE));
    CLEANUP(buffer_done) struct buffer simulated = mint_quote(&pki, NULL);
    const struct collateral_texts intel_texts = collateral_files_texts(&files), my_texts = pki_texts(&pki);
    CLEANUP(collateral_cleanup) struct collateral *intel = NULL;
    CLEANUP(collateral_cleanup) struct collateral *mine = NULL;
    struct sgx_claims claims;
    assert_ok(collateral_new(&intel_texts, pki_roots(&pki), NULL, &intel));
    assert_ok(collateral_new(&my_texts, pki_roots(&pki), NULL, &mine));
    assert_status(sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&simulated)}, intel, pki_roots(&pki),
                                   PKI_NOW_S, NULL, NULL, &claims),
                  ERR_CHAIN);
    assert_status(sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&genuine)}, mine, pki_roots(&pki),
                                   PKI_NOW_S, NULL, NULL, &claims),
                  ERR_CHAIN);
    const struct trust_roots simulated_only = {.simulated_only = true};
    CLEANUP(collateral_cleanup) struct collateral *none = NULL;
    struct collateral_texts other_role = intel_texts;
    struct refusal why = {};
    other_role.pck_crl_issuer_chain = intel_texts.tcb_info_issuer_chain;
    assert_status(collateral_new(&other_role, NULL, &why, &none), ERR_CHAIN);
    assert_string_equal(why.field, "pck_crl_issuer_chain.signer.subject.commonName");
    assert_string_equal(why.expected, "Intel SGX PCK Platform CA");
    assert_status(collateral_new(&intel_texts, &simulated_only, NULL, &none), ERR_CHAIN);
    assert_status(sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&genuine)}, intel, &simulated_only,
                                   GENUINE_TIME_S, NULL, NULL, &claims),
                  ERR_CHAIN);
}

/* ---- certificates ---- */

static void intels_name_on_root(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_ROOT) text->subject.common_name = "Intel SGX Root CA";
}
static void intels_name_on_ca(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->subject.common_name = "Intel SGX PCK Platform CA";
}
static void other_name_on_leaf(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_LEAF) text->subject.common_name = "Simulated SGX TCB Signing";
}
static void other_name_on_signing(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_SIGNING) text->subject.common_name = "Simulated SGX PCK Certificate";
}
static void root_without_room(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_ROOT) text->path_length = 0;
}
static void ca_that_is_none(enum pki_role role, struct certificate_text *text)
{
    if (role != PKI_CA) return;
    text->is_ca = false;
    text->path_length = CERTIFICATE_NO_PATH_LIMIT;
}
static void ca_that_may_not_sign(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->usage = CERTIFICATE_USAGE_SIGN_CRLS;
}
static void leaf_that_is_a_ca(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_LEAF) text->is_ca = true;
}
static void leaf_without_usage(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_LEAF) text->usage = 0;
}
static void leaf_without_extension(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_LEAF) text->extension_count = 0;
}
static void unknown_critical_on_signing(enum pki_role role, struct certificate_text *text)
{
    static const uint8_t null[] = {0x05, 0x00};
    static const struct extension_text extension = {
        .oid = "1.2.3.4", .critical = true, .value = {.bytes = null, .size = sizeof(null)}};
    if (role != PKI_SIGNING) return;
    text->extensions = &extension;
    text->extension_count = 1;
}
static void signing_by_itself(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_SIGNING) text->issuer_key = text->subject_key;
}
static void leaf_by_itself(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_LEAF) text->issuer_key = text->subject_key;
}

static void test_certificates_must_be_what_their_role_asks(void **)
{
    static const struct {
        void (*change)(enum pki_role role, struct certificate_text *text);
        enum status expected;
        const char *field;
    } cases[] = {
        {intels_name_on_root, ERR_CHAIN, "pck_crl_issuer_chain.root_ca.subject.commonName"},
        {intels_name_on_ca, ERR_CHAIN, "pck_crl_issuer_chain.signer.subject.commonName"},
        {other_name_on_leaf, ERR_CHAIN, "pck_certificate.subject.commonName"},
        {other_name_on_signing, ERR_CHAIN, "tcb_info_issuer_chain.signer.subject.commonName"},
        {root_without_room, ERR_CHAIN, "pck_crl_issuer_chain.root_ca.basicConstraints.pathLenConstraint"},
        {ca_that_is_none, ERR_CHAIN, "pck_crl_issuer_chain.signer.basicConstraints"},
        {ca_that_may_not_sign, ERR_CHAIN, "pck_crl_issuer_chain.signer.keyUsage"},
        {leaf_that_is_a_ca, ERR_CHAIN, "pck_certificate.basicConstraints"},
        {leaf_without_usage, ERR_CHAIN, "pck_certificate.keyUsage"},
        {leaf_without_extension, ERR_CERTIFICATE_MALFORMED, "pck_certificate.sgx_extension"},
        {unknown_critical_on_signing, ERR_CHAIN, "tcb_info_issuer_chain.signer.extensions"},
        {signing_by_itself, ERR_CHAIN, "tcb_info_issuer_chain.signer.signature"},
        {leaf_by_itself, ERR_CHAIN, "pck_certificate.signature"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct pki_options options = {.certificate = cases[i].change};
        assert_refused(&options, NULL, cases[i].expected, cases[i].field);
    }
    const struct pki_options twice = {.second_extension_element = true};
    assert_refused(&twice, NULL, ERR_CERTIFICATE_MALFORMED, "pck_certificate.sgx_extension");
}

/* The quote's own chain is checked as strictly as the one that comes with the lists: here the latter is good. */
static void test_a_false_ca_in_the_quote_is_refused(void **)
{
    CLEANUP(pki_done) struct test_pki good = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer chain = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    CLEANUP(certificate_cleanup) struct certificate *root = NULL;
    assert_ok(certificate_from_der(buffer_slice(&good.certificates[PKI_ROOT]), &root));
    /* Somebody with a genuine end-entity certificate issues a PCK certificate of his own with its key. */
    CLEANUP(pki_done) struct test_pki forged = pki_make(NULL);
    const struct certificate_text end_entity = {
        .subject = {.common_name = "Simulated SGX PCK Platform CA"},
        .subject_key = forged.keys[PKI_CA],
        .issuer_name = certificate_subject_der(root),
        .issuer_key = good.keys[PKI_ROOT],
        .not_before_s = PKI_NOW_S - PKI_DAY_S,
        .not_after_s = PKI_NOW_S + PKI_DAY_S,
        .path_length = CERTIFICATE_NO_PATH_LIMIT,
        .usage = CERTIFICATE_USAGE_SIGN_DATA,
    };
    buffer_clear(&forged.certificates[PKI_CA]);
    assert_ok(certificate_issue(&end_entity, &forged.certificates[PKI_CA]));
    static const struct pki_options nothing = {};
    buffer_done(&forged.certificates[PKI_LEAF]);
    pki_issue(&forged, PKI_LEAF, &nothing);
    assert_ok(certificate_pem(buffer_slice(&forged.certificates[PKI_LEAF]), &chain));
    assert_ok(certificate_pem(buffer_slice(&forged.certificates[PKI_CA]), &chain));
    assert_ok(certificate_pem(buffer_slice(&good.certificates[PKI_ROOT]), &chain));
    const struct minted_quote_options options = {.certification_data = buffer_slice(&chain)};
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&forged, &options);
    struct refusal why = {};
    struct sgx_claims claims;
    assert_status(verify_quote(&good, buffer_slice(&quote), PKI_NOW_S, &why, &claims), ERR_CHAIN);
    assert_string_equal(why.field, "pck_ca.basicConstraints");
}

static void assert_chain_refused(struct test_pki *pki, struct slice chain, enum status expected, const char *field)
{
    const struct minted_quote_options options = {.certification_data = chain};
    CLEANUP(buffer_done) struct buffer quote = mint_quote(pki, &options);
    struct refusal why = {};
    struct sgx_claims claims;
    assert_status(verify_quote(pki, buffer_slice(&quote), PKI_NOW_S, &why, &claims), expected);
    assert_string_equal(why.field, field);
}

static void test_chains_have_exactly_three_certificates(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(pki_done) struct test_pki other = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer two = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA}, 2);
    CLEANUP(buffer_done)
    struct buffer four = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT, PKI_SIGNING}, 4);
    CLEANUP(buffer_done)
    struct buffer roots = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_ROOT, PKI_ROOT}, 3);
    CLEANUP(buffer_done)
    struct buffer signing = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_SIGNING, PKI_ROOT}, 3);
    CLEANUP(buffer_done) struct buffer nine = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    for (int i = 0; i < 9; i++) assert_ok(certificate_pem(buffer_slice(&pki.certificates[PKI_LEAF]), &nine));
    assert_chain_refused(&pki, buffer_slice(&two), ERR_CHAIN, "certification_data.count");
    assert_chain_refused(&pki, buffer_slice(&four), ERR_CHAIN, "certification_data.count");
    assert_chain_refused(&pki, buffer_slice(&roots), ERR_CHAIN, "certification_data.root_ca");
    assert_chain_refused(&pki, buffer_slice(&signing), ERR_CHAIN, "certification_data.issuer");
    assert_chain_refused(&pki, buffer_slice(&nine), ERR_TOO_LARGE, "certification_data");
    assert_chain_refused(&pki, SLICE_LITERAL("no PEM at all"), ERR_CERTIFICATE_MALFORMED, "certification_data");
}

static void test_der_with_a_tail_is_refused(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done)
    struct buffer good = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
    for (size_t role = PKI_ROOT; role <= PKI_LEAF; role++) {
        assert_ok(buffer_append_u8(&pki.certificates[role], 0));
        CLEANUP(buffer_done)
        struct buffer chain = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
        assert_chain_refused(&pki, buffer_slice(&chain), ERR_CERTIFICATE_MALFORMED, "certification_data");
        buffer_truncate(&pki.certificates[role], pki.certificates[role].size - 1);
    }
    CLEANUP(buffer_done) struct buffer padded = buffer_of_maximum(65536);
    assert_ok(buffer_append(&padded, buffer_slice(&good)));
    assert_ok(buffer_append(&padded, SLICE_LITERAL("\0\0")));
    assert_chain_refused(&pki, buffer_slice(&padded), ERR_CERTIFICATE_MALFORMED, "certification_data");
    assert_ok(buffer_append_u8(&pki.pck_crl, 0));
    struct refusal why = {};
    struct sgx_claims claims;
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    assert_status(verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, &why, &claims), ERR_CRL_MALFORMED);
    assert_string_equal(why.field, "pck_crl");
}

/* ---- revocation ---- */

static struct slice serial_of(const struct buffer *der, uint8_t *serial)
{
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(der), &certificate));
    const struct slice bytes = certificate_serial(certificate);
    memcpy(serial, bytes.bytes, bytes.size);
    return slice_of(serial, bytes.size);
}

static void assert_revoked(enum pki_role role, const char *field)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    uint8_t bytes[CERTIFICATE_SERIAL_MAX_BYTES];
    const struct slice serial = serial_of(&pki.certificates[role], bytes);
    const bool is_root = role != PKI_LEAF;
    CLEANUP(certificate_cleanup) struct certificate *issuer = NULL;
    assert_ok(certificate_from_der(buffer_slice(&pki.certificates[is_root ? PKI_ROOT : PKI_CA]), &issuer));
    const struct crl_text text = {.issuer_name = certificate_subject_der(issuer),
                                  .issuer_key = pki.keys[is_root ? PKI_ROOT : PKI_CA],
                                  .this_update_s = PKI_NOW_S - PKI_DAY_S,
                                  .next_update_s = PKI_NOW_S + PKI_DAY_S,
                                  .number = 2,
                                  .revoked = &serial,
                                  .revoked_count = 1};
    struct buffer *const crl = is_root ? &pki.root_crl : &pki.pck_crl;
    struct sgx_claims claims;
    struct refusal why = {};
    assert_ok(verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, NULL, &claims));
    buffer_clear(crl);
    assert_ok(crl_issue(&text, crl));
    assert_status(verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, &why, &claims), ERR_CERTIFICATE_REVOKED);
    assert_string_equal(why.field, field);
}

static void test_revoked_certificates_are_refused(void **)
{
    assert_revoked(PKI_LEAF, "pck_certificate.serialNumber");
    assert_revoked(PKI_CA, "pck_crl_issuer_chain.signer.serialNumber");
    assert_revoked(PKI_SIGNING, "tcb_info_issuer_chain.signer.serialNumber");
}

static void list_by_the_wrong_name(bool is_root, struct crl_text *text)
{
    static const uint8_t name[] = {0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'x'};
    if (!is_root) text->issuer_name = SLICE_ARRAY(name);
}
static void stale_pck_list(bool is_root, struct crl_text *text)
{
    if (!is_root) text->next_update_s = PKI_NOW_S;
}
static void stale_root_list(bool is_root, struct crl_text *text)
{
    if (is_root) text->next_update_s = PKI_NOW_S - 1;
}
static void early_pck_list(bool is_root, struct crl_text *text)
{
    if (!is_root) text->this_update_s = PKI_NOW_S + 1;
}

static void test_lists_must_be_right_and_current(void **)
{
    static const struct {
        void (*change)(bool is_root, struct crl_text *text);
        enum status expected;
        const char *field;
    } cases[] = {
        {list_by_the_wrong_name, ERR_COLLATERAL_MISMATCH, "pck_crl.issuer"},
        {stale_pck_list, ERR_CRL_EXPIRED, "pck_crl.nextUpdate"},
        {stale_root_list, ERR_CRL_EXPIRED, "root_ca_crl.nextUpdate"},
        {early_pck_list, ERR_CRL_EXPIRED, "pck_crl.thisUpdate"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct pki_options options = {.crl = cases[i].change};
        assert_refused(&options, NULL, cases[i].expected, cases[i].field);
    }
}

/* ---- collateral ---- */

static void test_collateral_of_another_platform(void **)
{
    static const struct {
        struct pki_options options;
        enum status expected;
        const char *field;
    } cases[] = {
        {{.fmspc = "000000000008"}, ERR_COLLATERAL_MISMATCH, "tcbInfo.fmspc"},
        {{.pce_id = "0001"}, ERR_COLLATERAL_MISMATCH, "tcbInfo.pceId"},
        {{.tcb_info_id = "TDX"}, ERR_COLLATERAL_MISMATCH, "enclaveIdentity.id"},
        {{.tcb_info_id = "TDX", .qe_identity_id = "TD_QE"}, ERR_COLLATERAL_MISMATCH, "tcbInfo.id"},
        {{.qe_identity_id = "TD_QE"}, ERR_COLLATERAL_MISMATCH, "enclaveIdentity.id"},
        {{.qe_identity_id = "QVE"}, ERR_COLLATERAL_MISMATCH, "enclaveIdentity.id"},
        {{.tcb_status = "Revoked"}, ERR_TCB_REVOKED, "pck_certificate.tcb"},
        {{.qe_status = "Revoked"}, ERR_TCB_REVOKED, "qe_report.isvsvn"},
        {{.lowest_component = 5}, ERR_TCB_NOT_SUPPORTED, "pck_certificate.tcb"},
        {{.lowest_qe_svn = 9}, ERR_TCB_NOT_SUPPORTED, "qe_report.isvsvn"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(&cases[i].options, NULL, cases[i].expected, cases[i].field);
}

static void test_collateral_signed_by_another_key(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    const struct pki_options options = {.signing_key = key};
    assert_refused(&options, NULL, ERR_COLLATERAL_SIGNATURE, "tcb_info.signature");
}

static void test_collateral_written_anew_is_refused(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(json_done) json_t *value = NULL;
    assert_ok(json_parse(buffer_slice(&pki.tcb_info), 1 << 20, NULL, &value));
    buffer_clear(&pki.tcb_info);
    assert_ok(json_write(value, &pki.tcb_info)); /* the same content, members sorted */
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    struct refusal why = {};
    struct sgx_claims claims;
    assert_status(verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, &why, &claims), ERR_COLLATERAL_SIGNATURE);
}

static void test_space_outside_of_the_signed_text_does_no_harm(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer spaced = buffer_of_maximum(65536);
    const struct slice text = buffer_slice(&pki.tcb_info);
    assert_ok(buffer_append_text(&spaced, " { "));
    assert_ok(buffer_append(&spaced, slice_part(text, 1, text.size)));
    assert_ok(buffer_append_text(&spaced, "\n"));
    buffer_clear(&pki.tcb_info);
    assert_ok(buffer_append(&pki.tcb_info, buffer_slice(&spaced)));
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    struct sgx_claims claims;
    assert_ok(verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, NULL, &claims));
}

/* ---- the quote ---- */

static void test_quoting_enclave_and_attestation_key(void **)
{
    static const uint8_t zero[P256_POINT_BYTES] = {}, off_curve[P256_POINT_BYTES] = {[31] = 1, [63] = 1};
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    const struct {
        struct minted_quote_options options;
        enum status expected;
        const char *field;
    } cases[] = {
        {{.attestation_point = SLICE_ARRAY(zero)}, ERR_KEY_INVALID, "attestation_key"},
        {{.attestation_point = SLICE_ARRAY(off_curve)}, ERR_KEY_INVALID, "attestation_key"},
        {{.qe_report_data_tail = true}, ERR_QE_REPORT_DATA, "qe_report.report_data"},
        {{.qe_report_key = key}, ERR_QE_REPORT_SIGNATURE, "qe_report_signature"},
        {{.qe_report_flags = 0x03}, ERR_QE_IDENTITY, "qe_report.attributes"}, /* a debug quoting enclave */
        {{.qe_report_flags = 0x04}, ERR_QUOTE_MALFORMED, "qe_report.attributes"},
        {{.report_flags = 0x04}, ERR_QUOTE_MALFORMED, "report.attributes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(NULL, &cases[i].options, cases[i].expected, cases[i].field);
}

static void test_a_quote_by_another_attestation_key(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_P256, 0, &other));
    assert_ok(key_public_bytes(other, &point));
    const struct minted_quote_options options = {.attestation_point = buffer_slice(&point)};
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, &options);
    struct refusal why = {};
    struct sgx_claims claims;
    assert_status(verify_quote(&pki, buffer_slice(&quote), PKI_NOW_S, &why, &claims), ERR_QUOTE_SIGNATURE);
    assert_string_equal(why.field, "signature");
}

/* ---- time ---- */

static void test_each_part_has_its_time(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    static const struct {
        int64_t now_s;
        enum status expected;
        const char *field;
    } cases[] = {
        {PKI_NOW_S - 4 * PKI_DAY_S, OK, ""},
        {PKI_NOW_S - 4 * PKI_DAY_S - 1, ERR_COLLATERAL_EXPIRED, "qe_identity.issueDate"},
        {PKI_NOW_S - 5 * PKI_DAY_S - 1, ERR_COLLATERAL_EXPIRED, "tcb_info.issueDate"},
        {PKI_NOW_S - 10 * PKI_DAY_S - 1, ERR_CRL_EXPIRED, "root_ca_crl.thisUpdate"},
        {PKI_NOW_S - 100 * PKI_DAY_S - 1, ERR_CERTIFICATE_EXPIRED, "pck_certificate.notBefore"},
        {PKI_NOW_S + 4 * PKI_DAY_S - 1, OK, ""},
        {PKI_NOW_S + 4 * PKI_DAY_S, ERR_COLLATERAL_EXPIRED, "qe_identity.nextUpdate"},
        {PKI_NOW_S + 5 * PKI_DAY_S, ERR_COLLATERAL_EXPIRED, "tcb_info.nextUpdate"},
        {PKI_NOW_S + 10 * PKI_DAY_S, ERR_CRL_EXPIRED, "root_ca_crl.nextUpdate"},
        {PKI_NOW_S + 100 * PKI_DAY_S + 1, ERR_CERTIFICATE_EXPIRED, "pck_certificate.notAfter"},
        {0, ERR_CERTIFICATE_EXPIRED, "pck_certificate.notBefore"},
        {INT64_MAX, ERR_CERTIFICATE_EXPIRED, "pck_certificate.notAfter"},
        {INT64_MIN, ERR_CERTIFICATE_EXPIRED, "pck_certificate.notBefore"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why = {};
        struct sgx_claims claims;
        assert_status(verify_quote(&pki, buffer_slice(&quote), cases[i].now_s, &why, &claims), cases[i].expected);
        assert_string_equal(why.field, cases[i].field);
    }
}

static void test_genuine_collateral_a_day_outside_of_its_window(void **)
{
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_read(GENUINE_COLLATERAL);
    CLEANUP(buffer_done) struct buffer quote = read_whole(shared_path(GENUINE_QUOTE));
    const struct collateral_texts texts = collateral_files_texts(&files);
    struct sgx_claims claims;
    struct refusal why = {};
    const int64_t from_s = 1749213041, until_s = 1751620771; /* the case's window */
    assert_ok(verify_with(buffer_slice(&quote), &texts, from_s, NULL, &claims));
    assert_ok(verify_with(buffer_slice(&quote), &texts, until_s - 1, NULL, &claims));
    assert_int_equal(claims.platform.expires_s, until_s);
    assert_status(verify_with(buffer_slice(&quote), &texts, from_s - PKI_DAY_S, &why, &claims), ERR_COLLATERAL_EXPIRED);
    assert_string_equal(why.field, "tcb_info.issueDate");
    assert_status(verify_with(buffer_slice(&quote), &texts, until_s + PKI_DAY_S, &why, &claims), ERR_CRL_EXPIRED);
    assert_string_equal(why.field, "pck_crl.nextUpdate");
}

static void test_genuine_collateral_of_another_platform_model(void **)
{
    CLEANUP(collateral_files_done)
    struct collateral_files files =
        collateral_files_read("vectors/sgx/sgx-v3-00906ed50000-ad730280/collateral-20250616-ev19");
    CLEANUP(buffer_done) struct buffer quote = read_whole(shared_path(GENUINE_QUOTE));
    const struct collateral_texts texts = collateral_files_texts(&files);
    struct sgx_claims claims;
    struct refusal why = {};
    /* That platform's certificates come from the other CA, whose list says nothing of this one. */
    assert_status(verify_with(buffer_slice(&quote), &texts, 1750087454, &why, &claims), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "pck_crl.issuer");
    CLEANUP(collateral_files_done)
    struct collateral_files own =
        collateral_files_read("vectors/sgx/sgx-v3-00606a000000-268c0681/collateral-20250620-ev19");
    struct collateral_texts swapped = collateral_files_texts(&own);
    swapped.tcb_info = texts.tcb_info;
    assert_status(verify_with(buffer_slice(&quote), &swapped, 1750416909, &why, &claims), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "tcbInfo.fmspc");
}

/* ---- the cache ---- */

static void test_a_known_chain_is_still_held_to_time_lists_and_roots(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    struct collateral_texts texts = pki_texts(&pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    struct verification_cache *cache;
    assert_ok(verification_cache_new(4, &cache));
    struct sgx_claims claims;
    struct refusal why = {};
    const struct slice bytes = buffer_slice(&quote);
    for (int i = 0; i < 3; i++)
        assert_ok(sgx_quote_verify(&(struct intel_evidence){.quote = bytes}, collateral, pki_roots(&pki), PKI_NOW_S,
                                   cache, NULL, &claims));
    assert_status(sgx_quote_verify(&(struct intel_evidence){.quote = bytes}, collateral, pki_roots(&pki),
                                   PKI_NOW_S + 101 * PKI_DAY_S, cache, &why, &claims),
                  ERR_CERTIFICATE_EXPIRED);
    assert_status(
        sgx_quote_verify(&(struct intel_evidence){.quote = bytes}, collateral, NULL, PKI_NOW_S, cache, &why, &claims),
        ERR_CHAIN);
    /* A newer list names the certificate. */
    uint8_t serial_bytes[CERTIFICATE_SERIAL_MAX_BYTES];
    const struct slice serial = serial_of(&pki.certificates[PKI_LEAF], serial_bytes);
    CLEANUP(certificate_cleanup) struct certificate *issuer = NULL;
    assert_ok(certificate_from_der(buffer_slice(&pki.certificates[PKI_CA]), &issuer));
    const struct crl_text list = {.issuer_name = certificate_subject_der(issuer),
                                  .issuer_key = pki.keys[PKI_CA],
                                  .this_update_s = PKI_NOW_S - 1,
                                  .next_update_s = PKI_NOW_S + PKI_DAY_S,
                                  .number = 2,
                                  .revoked = &serial,
                                  .revoked_count = 1};
    CLEANUP(buffer_done) struct buffer newer = buffer_of_maximum(4096);
    assert_ok(crl_issue(&list, &newer));
    texts.pck_crl = buffer_slice(&newer);
    CLEANUP(collateral_cleanup) struct collateral *after = NULL;
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &after));
    assert_status(sgx_quote_verify(&(struct intel_evidence){.quote = bytes}, after, pki_roots(&pki), PKI_NOW_S, cache,
                                   &why, &claims),
                  ERR_CERTIFICATE_REVOKED);
    assert_ok(sgx_quote_verify(&(struct intel_evidence){.quote = bytes}, collateral, pki_roots(&pki), PKI_NOW_S, cache,
                               NULL, &claims));
    verification_cache_free(cache);
}

static void test_a_known_chain_is_held_to_the_roots_that_are_named_now(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL), other = pki_make(NULL);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    const struct collateral_texts texts = pki_texts(&pki);
    const struct key *const keys[] = {other.keys[PKI_ROOT], pki.keys[PKI_ROOT]};
    const struct trust_roots others = {.simulated = keys, .simulated_count = 1};
    const struct trust_roots both = {.simulated = keys, .simulated_count = 2};
    const struct intel_evidence evidence = {.quote = buffer_slice(&quote)};
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct verification_cache *cache;
    struct sgx_claims claims;
    struct refusal why = {};
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    assert_ok(verification_cache_new(4, &cache));
    assert_ok(sgx_quote_verify(&evidence, collateral, pki_roots(&pki), PKI_NOW_S, cache, NULL, &claims));
    assert_status(sgx_quote_verify(&evidence, collateral, &others, PKI_NOW_S, cache, &why, &claims), ERR_CHAIN);
    assert_string_equal(why.field, "root_ca");
    assert_ok(sgx_quote_verify(&evidence, collateral, &both, PKI_NOW_S, cache, NULL, &claims));
    verification_cache_free(cache);
}

static void test_the_cache_stays_small(void **)
{
    enum { PLATFORM_COUNT = 9 };
    struct verification_cache *cache;
    assert_ok(verification_cache_new(1, &cache));
    for (int round = 0; round < PLATFORM_COUNT; round++) {
        CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
        CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
        const struct collateral_texts texts = pki_texts(&pki);
        CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
        struct sgx_claims claims;
        assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
        for (int i = 0; i < 2; i++)
            assert_ok(sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&quote)}, collateral,
                                       pki_roots(&pki), PKI_NOW_S, cache, NULL, &claims));
    }
    verification_cache_free(cache); /* the leak check sees that every chain was given up */
}

static void test_facts_of_collateral(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    const struct collateral_texts texts = pki_texts(&pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    assert_ok(collateral_new(&texts, pki_roots(&pki), NULL, &collateral));
    CLEANUP(collateral_cleanup) struct collateral *shared = collateral_share(collateral);
    struct collateral_facts facts;
    collateral_facts(shared, &facts);
    assert_memory_equal(facts.fmspc, "\0\0\0\0\0\x07", 6);
    assert_string_equal(facts.ca, "platform");
    assert_int_equal(facts.tcb_evaluation, 8);
    assert_int_equal(facts.issued_s, PKI_NOW_S - 4 * PKI_DAY_S);
    assert_int_equal(facts.expires_s, PKI_NOW_S + 4 * PKI_DAY_S);
    assert_true(facts.simulated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims_of_good_evidence),
        cmocka_unit_test(test_debug_is_told_and_not_refused),
        cmocka_unit_test(test_the_older_text_tells_the_age),
        cmocka_unit_test(test_more_advisories_than_claims_hold_are_refused),
        cmocka_unit_test(test_statuses_are_merged),
        cmocka_unit_test(test_certificates_stand_in_any_order),
        cmocka_unit_test(test_a_simulated_root_needs_to_be_named),
        cmocka_unit_test(test_two_accepted_roots_do_not_mix),
        cmocka_unit_test(test_simulated_and_genuine_do_not_mix),
        cmocka_unit_test(test_certificates_must_be_what_their_role_asks),
        cmocka_unit_test(test_a_false_ca_in_the_quote_is_refused),
        cmocka_unit_test(test_chains_have_exactly_three_certificates),
        cmocka_unit_test(test_der_with_a_tail_is_refused),
        cmocka_unit_test(test_revoked_certificates_are_refused),
        cmocka_unit_test(test_lists_must_be_right_and_current),
        cmocka_unit_test(test_collateral_of_another_platform),
        cmocka_unit_test(test_collateral_signed_by_another_key),
        cmocka_unit_test(test_collateral_written_anew_is_refused),
        cmocka_unit_test(test_space_outside_of_the_signed_text_does_no_harm),
        cmocka_unit_test(test_quoting_enclave_and_attestation_key),
        cmocka_unit_test(test_a_quote_by_another_attestation_key),
        cmocka_unit_test(test_each_part_has_its_time),
        cmocka_unit_test(test_genuine_collateral_a_day_outside_of_its_window),
        cmocka_unit_test(test_genuine_collateral_of_another_platform_model),
        cmocka_unit_test(test_a_known_chain_is_still_held_to_time_lists_and_roots),
        cmocka_unit_test(test_a_known_chain_is_held_to_the_roots_that_are_named_now),
        cmocka_unit_test(test_the_cache_stays_small),
        cmocka_unit_test(test_facts_of_collateral),
    };
    return cmocka_run_group_tests_name("evidence/verify", tests, NULL, NULL);
}
