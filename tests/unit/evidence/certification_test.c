/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a quote's PCK certificate comes from: certification data of types 1 to 5, in quotes of each version.
 */
#include "test_pki.h"

enum { PPID_CLEAR = 16, PPID_2048 = 256, PPID_3072 = 384 };

static const uint8_t platform_ppid[16] = {0x99};
static const struct minted_td some_td = {};

static struct test_pki pki_for(bool is_td)
{
    const struct pki_options options = {.tcb_info_id = is_td ? "TDX" : "SGX", .qe_identity_id = is_td ? "TD_QE" : "QE"};
    return pki_make(&options);
}

static enum status verify_with_cache(struct test_pki *pki, const struct intel_evidence *evidence, bool is_td,
                                     struct verification_cache *cache, struct refusal *why)
{
    const struct collateral_texts texts = pki_texts(pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(collateral_new(&texts, pki_roots(pki), why, &collateral));
    struct sgx_claims sgx;
    struct tdx_claims tdx;
    return is_td ? tdx_quote_verify(evidence, collateral, pki_roots(pki), PKI_NOW_S, cache, why, &tdx)
                 : sgx_quote_verify(evidence, collateral, pki_roots(pki), PKI_NOW_S, cache, why, &sgx);
}

static enum status verify(struct test_pki *pki, struct slice quote, struct slice chain, struct refusal *why)
{
    const struct intel_evidence evidence = {.quote = quote, .pck_chain = chain};
    return verify_with_cache(pki, &evidence, false, NULL, why);
}

/* PPID || CPUSVN || PCESVN || PCEID. */
static struct buffer platform_ids(size_t ppid_size, struct slice ppid, uint16_t pce_id)
{
    struct buffer ids = buffer_of_maximum(512);
    uint8_t *bytes;
    assert_ok(buffer_extend(&ids, ppid_size + 16, &bytes));
    memcpy(bytes, ppid.bytes, ppid.size);
    memset(bytes + ppid_size, 5, 16);
    assert_ok(buffer_append_u16_le(&ids, 0x0304));
    assert_ok(buffer_append_u16_le(&ids, pce_id));
    return ids;
}

static struct buffer quote_with(const struct test_pki *pki, uint16_t type, struct slice data)
{
    const struct minted_quote_options options = {.certification_type = type, .certification_data = data};
    return mint_quote(pki, &options);
}

static struct buffer whole_chain(const struct test_pki *pki)
{
    return pki_pem(pki, (const enum pki_role[]){PKI_LEAF, PKI_CA, PKI_ROOT}, 3);
}

/* ---- versions ---- */

static void test_every_version_is_verified(void **)
{
    static const struct minted_td td15 = {.is_td15 = true};
    static const struct minted_quote_options kinds[] = {
        {.version = 3},
        {.version = 4},
        {.version = 5},
        {.version = 4, .td = &some_td},
        {.version = 5, .td = &some_td},
        {.version = 5, .td = &td15},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        CLEANUP(pki_done) struct test_pki pki = pki_for(kinds[i].td != NULL);
        CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, &kinds[i]);
        const struct intel_evidence evidence = {.quote = buffer_slice(&quote)};
        struct refusal why = {};
        struct quote_facts facts;
        assert_ok(verify_with_cache(&pki, &evidence, kinds[i].td != NULL, NULL, &why));
        assert_ok(quote_facts_read(buffer_slice(&quote), &why, &facts));
        assert_int_equal(facts.tee, kinds[i].td != NULL ? INTEL_TDX : INTEL_SGX);
        assert_int_equal(facts.version, kinds[i].version);
        /* The body is signed from its first byte to its last, the header with it. */
        for (size_t at = 28; at < 48 + 384; at += 67) {
            quote.bytes[at] ^= 1;
            assert_int_not_equal(verify_with_cache(&pki, &evidence, kinds[i].td != NULL, NULL, &why), OK);
            quote.bytes[at] ^= 1;
        }
    }
}

/* ---- types 1 to 3: everything from outside ---- */

static void test_types_without_certificates_need_a_chain(void **)
{
    static const size_t sizes[] = {PPID_CLEAR, PPID_2048, PPID_3072};
    CLEANUP(pki_done) struct test_pki pki = pki_for(false);
    CLEANUP(buffer_done) struct buffer chain = whole_chain(&pki);
    for (uint16_t type = 1; type <= 3; type++) {
        CLEANUP(buffer_done) struct buffer ids = platform_ids(sizes[type - 1], SLICE_ARRAY(platform_ppid), 0);
        CLEANUP(buffer_done) struct buffer quote = quote_with(&pki, type, buffer_slice(&ids));
        struct refusal why = {};
        assert_ok(verify(&pki, buffer_slice(&quote), buffer_slice(&chain), &why));
        assert_status(verify(&pki, buffer_slice(&quote), (struct slice){}, &why), ERR_UNSUPPORTED);
        assert_string_equal(why.field, "certification_data.type");
        assert_int_equal(why.seen[0], '0' + type);
        assert_true(why.fix[0] != '\0');
    }
}

static void test_what_a_source_finds_the_certificate_by(void **)
{
    static const size_t sizes[] = {PPID_CLEAR, PPID_2048, PPID_3072};
    CLEANUP(pki_done) struct test_pki pki = pki_for(false);
    for (uint16_t type = 1; type <= 3; type++) {
        CLEANUP(buffer_done) struct buffer ids = platform_ids(sizes[type - 1], SLICE_ARRAY(platform_ppid), 0x0201);
        CLEANUP(buffer_done) struct buffer quote = quote_with(&pki, type, buffer_slice(&ids));
        quote.bytes[28] = 0x77; /* the first byte of the quoting enclave's id */
        struct quote_facts facts;
        assert_ok(quote_facts_read(buffer_slice(&quote), NULL, &facts));
        assert_int_equal(facts.certification_type, type);
        assert_false(facts.has_chain || facts.has_platform);
        assert_int_equal(facts.ppid_size, sizes[type - 1]);
        assert_memory_equal(facts.ppid, ids.bytes, sizes[type - 1]);
        assert_int_equal(facts.cpu_svn[15], 5);
        assert_int_equal(facts.pce_svn, 0x0304);
        assert_memory_equal(facts.pce_id, "\x01\x02", 2);
        assert_int_equal(facts.qe_id[0], 0x77);
        /* One byte more or less than the type has. */
        for (int change = -1; change <= 1; change += 2) {
            CLEANUP(buffer_done) struct buffer wrong = buffer_of_maximum(1024);
            assert_ok(buffer_append(&wrong, buffer_slice(&ids)));
            assert_ok(buffer_append_u8(&wrong, 0));
            if (change < 0) wrong.size -= 2;
            CLEANUP(buffer_done) struct buffer bad = quote_with(&pki, type, buffer_slice(&wrong));
            CLEANUP(buffer_done) struct buffer chain = whole_chain(&pki);
            struct refusal why = {};
            assert_status(quote_facts_read(buffer_slice(&bad), &why, &facts), ERR_QUOTE_MALFORMED);
            assert_string_equal(why.field, "certification_data.length");
            assert_status(verify(&pki, buffer_slice(&bad), buffer_slice(&chain), &why), ERR_QUOTE_MALFORMED);
        }
    }
}

static void test_facts_of_what_is_no_quote(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_for(false);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, NULL);
    struct refusal why = {};
    struct quote_facts facts;
    quote.size--;
    assert_status(quote_facts_read(buffer_slice(&quote), &why, &facts), ERR_QUOTE_MALFORMED);
    assert_string_equal(why.field, "signature_data.length");
}

static void test_a_certificate_of_another_platform_is_told(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_for(false);
    CLEANUP(buffer_done) struct buffer chain = whole_chain(&pki);
    CLEANUP(buffer_done) struct buffer other_pce = platform_ids(PPID_3072, SLICE_ARRAY(platform_ppid), 1);
    CLEANUP(buffer_done) struct buffer other_ppid = platform_ids(PPID_CLEAR, SLICE_LITERAL("\x98"), 0);
    CLEANUP(buffer_done) struct buffer first = quote_with(&pki, 3, buffer_slice(&other_pce));
    CLEANUP(buffer_done) struct buffer second = quote_with(&pki, 1, buffer_slice(&other_ppid));
    struct refusal why = {};
    assert_status(verify(&pki, buffer_slice(&first), buffer_slice(&chain), &why), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "pck_certificate.pceid");
    assert_status(verify(&pki, buffer_slice(&second), buffer_slice(&chain), &why), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "pck_certificate.ppid");
    /* An encrypted PPID cannot be compared. */
    CLEANUP(buffer_done) struct buffer encrypted = platform_ids(PPID_2048, SLICE_LITERAL("\x98"), 0);
    CLEANUP(buffer_done) struct buffer third = quote_with(&pki, 2, buffer_slice(&encrypted));
    assert_ok(verify(&pki, buffer_slice(&third), buffer_slice(&chain), &why));
}

static void test_a_chain_from_outside_is_checked_like_one_inside(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_for(false);
    CLEANUP(pki_done) struct test_pki other = pki_for(false);
    CLEANUP(buffer_done) struct buffer ids = platform_ids(PPID_3072, SLICE_ARRAY(platform_ppid), 0);
    CLEANUP(buffer_done) struct buffer quote = quote_with(&pki, 3, buffer_slice(&ids));
    CLEANUP(buffer_done) struct buffer reversed = pki_pem(&pki, (const enum pki_role[]){PKI_ROOT, PKI_CA, PKI_LEAF}, 3);
    CLEANUP(buffer_done) struct buffer two = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA}, 2);
    CLEANUP(buffer_done) struct buffer foreign = whole_chain(&other);
    struct refusal why = {};
    assert_ok(verify(&pki, buffer_slice(&quote), buffer_slice(&reversed), &why));
    assert_status(verify(&pki, buffer_slice(&quote), buffer_slice(&two), &why), ERR_CHAIN);
    assert_string_equal(why.field, "pck_chain.count");
    assert_status(verify(&pki, buffer_slice(&quote), buffer_slice(&foreign), &why), ERR_CHAIN);
    assert_string_equal(why.field, "root_ca.subjectPublicKeyInfo");
    assert_status(verify(&pki, buffer_slice(&quote), SLICE_LITERAL("no certificate"), &why), ERR_CERTIFICATE_MALFORMED);
    assert_string_equal(why.field, "pck_chain");
    /* One NUL may close the text, as in genuine quotes, and nothing else. */
    assert_ok(buffer_append_u8(&reversed, 0));
    assert_ok(verify(&pki, buffer_slice(&quote), buffer_slice(&reversed), &why));
    reversed.bytes[reversed.size - 1] = ' ';
    assert_status(verify(&pki, buffer_slice(&quote), buffer_slice(&reversed), &why), ERR_CERTIFICATE_MALFORMED);
    assert_string_equal(why.field, "pck_chain");
    /* Another platform's certificate by the same vendor: its key did not sign. */
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    struct test_pki renewed = pki;
    renewed.keys[PKI_LEAF] = key;
    static const struct pki_options nothing = {};
    pki_issue(&renewed, PKI_LEAF, &nothing);
    CLEANUP(buffer_done) struct buffer neighbour = whole_chain(&renewed);
    buffer_done(&renewed.certificates[PKI_LEAF]);
    assert_status(verify(&pki, buffer_slice(&quote), buffer_slice(&neighbour), &why), ERR_QE_REPORT_SIGNATURE);
}

/* ---- type 4: the leaf inside ---- */

static void test_a_leaf_finds_its_issuers(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_for(false);
    CLEANUP(buffer_done) struct buffer leaf = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF}, 1);
    CLEANUP(buffer_done) struct buffer issuers = pki_pem(&pki, (const enum pki_role[]){PKI_ROOT, PKI_CA}, 2);
    CLEANUP(buffer_done) struct buffer all = whole_chain(&pki);
    CLEANUP(buffer_done) struct buffer quote = quote_with(&pki, 4, buffer_slice(&leaf));
    struct refusal why = {};
    assert_ok(verify(&pki, buffer_slice(&quote), (struct slice){}, &why)); /* those of the collateral */
    assert_ok(verify(&pki, buffer_slice(&quote), buffer_slice(&issuers), &why));
    assert_ok(verify(&pki, buffer_slice(&quote), buffer_slice(&all), &why)); /* the same leaf once more */
    struct quote_facts facts;
    assert_ok(quote_facts_read(buffer_slice(&quote), &why, &facts));
    assert_true(facts.has_platform);
    assert_false(facts.has_chain);
    assert_int_equal(facts.fmspc[5], 7);
    assert_string_equal(facts.ca, "platform");
    assert_int_equal(facts.ppid_size, 0);
}

static void test_a_leaf_that_is_none_is_refused(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_for(false);
    CLEANUP(buffer_done) struct buffer ca = pki_pem(&pki, (const enum pki_role[]){PKI_CA}, 1);
    CLEANUP(buffer_done) struct buffer two = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_CA}, 2);
    CLEANUP(buffer_done) struct buffer rest = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_ROOT}, 2);
    CLEANUP(buffer_done) struct buffer leaf = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF}, 1);
    CLEANUP(buffer_done) struct buffer with_ca = quote_with(&pki, 4, buffer_slice(&ca));
    CLEANUP(buffer_done) struct buffer with_two = quote_with(&pki, 4, buffer_slice(&two));
    CLEANUP(buffer_done) struct buffer with_leaf = quote_with(&pki, 4, buffer_slice(&leaf));
    struct refusal why = {};
    struct quote_facts facts;
    assert_status(verify(&pki, buffer_slice(&with_ca), buffer_slice(&rest), &why), ERR_CHAIN);
    assert_string_equal(why.field, "pck_chain.issuer");
    assert_string_equal(why.seen, "Simulated SGX PCK Certificate");
    assert_status(quote_facts_read(buffer_slice(&with_ca), &why, &facts), ERR_CERTIFICATE_MALFORMED);
    assert_string_equal(why.field, "pck_certificate.sgx_extension");
    assert_status(verify(&pki, buffer_slice(&with_two), (struct slice){}, &why), ERR_CHAIN);
    assert_string_equal(why.field, "certification_data.count");
    assert_status(verify(&pki, buffer_slice(&with_leaf), buffer_slice(&leaf), &why), ERR_CHAIN); /* no issuers */
    assert_string_equal(why.field, "pck_chain.count");
    CLEANUP(buffer_done) struct buffer garbage = quote_with(&pki, 4, SLICE_LITERAL("no certificate"));
    assert_status(verify(&pki, buffer_slice(&garbage), (struct slice){}, &why), ERR_CERTIFICATE_MALFORMED);
    assert_string_equal(why.field, "certification_data");
}

static void other_ca(enum pki_role role, struct certificate_text *text)
{
    if (role == PKI_CA) text->subject.common_name = "Simulated SGX PCK Somebody CA";
}

static void test_facts_name_the_issuer_or_refuse(void **)
{
    const struct pki_options options = {.certificate = other_ca};
    CLEANUP(pki_done) struct test_pki pki = pki_make(&options);
    CLEANUP(buffer_done) struct buffer leaf = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF}, 1);
    CLEANUP(buffer_done) struct buffer with_leaf = quote_with(&pki, 4, buffer_slice(&leaf));
    CLEANUP(buffer_done) struct buffer with_chain = mint_quote(&pki, NULL);
    const struct slice quotes[] = {buffer_slice(&with_leaf), buffer_slice(&with_chain)};
    for (size_t i = 0; i < 2; i++) {
        struct refusal why = {};
        struct quote_facts facts;
        assert_status(quote_facts_read(quotes[i], &why, &facts), ERR_CHAIN);
        assert_string_equal(why.field, "pck_ca.subject.commonName");
        assert_string_equal(why.seen, "Simulated SGX PCK Somebody CA");
    }
}

/* ---- type 5, and the cache ---- */

static void test_a_quote_with_a_chain_needs_no_other(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_for(true);
    CLEANUP(pki_done) struct test_pki other = pki_for(true);
    const struct minted_quote_options options = {.td = &some_td};
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, &options);
    CLEANUP(buffer_done) struct buffer foreign = whole_chain(&other);
    const struct intel_evidence evidence = {.quote = buffer_slice(&quote), .pck_chain = buffer_slice(&foreign)};
    struct refusal why = {};
    assert_ok(verify_with_cache(&pki, &evidence, true, NULL, &why));
}

/* What is kept of one quote's chain does not stand in for another's, even if it is put together of the same bytes. */
static void test_kept_chains_are_told_apart(void **)
{
    CLEANUP(pki_done) struct test_pki pki = pki_for(false);
    CLEANUP(buffer_done) struct buffer chain = pki_pem(&pki, (const enum pki_role[]){PKI_CA, PKI_LEAF, PKI_ROOT}, 3);
    CLEANUP(buffer_done) struct buffer ca = pki_pem(&pki, (const enum pki_role[]){PKI_CA}, 1);
    CLEANUP(buffer_done) struct buffer rest = pki_pem(&pki, (const enum pki_role[]){PKI_LEAF, PKI_ROOT}, 2);
    CLEANUP(buffer_done) struct buffer good = quote_with(&pki, 5, buffer_slice(&chain));
    CLEANUP(buffer_done) struct buffer bad = quote_with(&pki, 4, buffer_slice(&ca));
    const struct intel_evidence with_chain = {.quote = buffer_slice(&good)};
    const struct intel_evidence in_parts = {.quote = buffer_slice(&bad), .pck_chain = buffer_slice(&rest)};
    struct verification_cache *cache;
    struct refusal why = {};
    assert_ok(verification_cache_new(16, &cache));
    for (int i = 0; i < 2; i++) {
        assert_ok(verify_with_cache(&pki, &with_chain, false, cache, &why));
        assert_status(verify_with_cache(&pki, &in_parts, false, cache, &why), ERR_CHAIN);
    }
    verification_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_version_is_verified),
        cmocka_unit_test(test_types_without_certificates_need_a_chain),
        cmocka_unit_test(test_what_a_source_finds_the_certificate_by),
        cmocka_unit_test(test_facts_of_what_is_no_quote),
        cmocka_unit_test(test_a_certificate_of_another_platform_is_told),
        cmocka_unit_test(test_a_chain_from_outside_is_checked_like_one_inside),
        cmocka_unit_test(test_a_leaf_finds_its_issuers),
        cmocka_unit_test(test_a_leaf_that_is_none_is_refused),
        cmocka_unit_test(test_facts_name_the_issuer_or_refuse),
        cmocka_unit_test(test_a_quote_with_a_chain_needs_no_other),
        cmocka_unit_test(test_kept_chains_are_told_apart),
    };
    return cmocka_run_group_tests_name("evidence/certification", tests, NULL, NULL);
}
