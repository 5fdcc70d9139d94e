/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever fails below the verifier, nothing is accepted that was not verified, nothing is left behind, and the claims
 * are the whole ones or none.
 */
#include "amd_pki.h"
#include "failing.h"
#include "test_pki.h"

#include "evidence/verify.h"

enum { CALLS_MAX_COUNT = 10000 };

/* One of the ways to verify, from the bytes on: `pki` made them. */
typedef enum status operation(void *pki, struct slice bytes, struct evidence_claims *claims_out);

static enum status verify_intel(struct test_pki *pki, enum evidence_kind kind, struct slice quote,
                                struct evidence_claims *claims_out)
{
    const struct collateral_texts texts = pki_texts(pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct verification_cache *cache = NULL;
    TRY(collateral_new(&texts, pki_roots(pki), NULL, &collateral));
    TRY(verification_cache_new(4, &cache));
    const struct evidence evidence = {.kind = kind,
                                      .bytes = quote,
                                      .collateral = collateral,
                                      .has_runtime_data = true,
                                      .runtime_data = SLICE_LITERAL("data")};
    const struct evidence_caches caches = {.intel = cache};
    const enum status status = evidence_verify(&evidence, pki_roots(pki), PKI_NOW_S, &caches, NULL, claims_out);
    verification_cache_free(cache);
    return status;
}

static enum status verify_sgx(void *maker, struct slice quote, struct evidence_claims *claims_out)
{
    return verify_intel(maker, EVIDENCE_SGX, quote, claims_out);
}

static enum status verify_open_enclave(void *maker, struct slice evidence, struct evidence_claims *claims_out)
{
    return verify_intel(maker, EVIDENCE_OPEN_ENCLAVE, evidence, claims_out);
}

static enum status verify_tdx(void *maker, struct slice quote, struct evidence_claims *claims_out)
{
    return verify_intel(maker, EVIDENCE_TDX, quote, claims_out);
}

/* Every certificate is given twice, as DER and as PEM. What fails below is told as what it is, and never taken for a
 * fault of the evidence. */
static enum status verify_snp(void *maker, struct slice report, struct evidence_claims *claims_out)
{
    const struct amd_pki *const pki = maker;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    struct slice given[AMD_PKI_ROLE_COUNT + 1];
    struct snp_cache *cache = NULL;
    for (size_t i = 0; i < AMD_PKI_ROLE_COUNT; i++) {
        given[i] = pki->given[i];
        TRY(certificate_pem(given[i], &pem));
    }
    given[AMD_PKI_ROLE_COUNT] = buffer_slice(&pem);
    TRY(snp_cache_new(4, &cache));
    struct evidence evidence = {.kind = EVIDENCE_SNP, .bytes = report, .endorsements = amd_pki_endorsements(pki)};
    evidence.endorsements.certificates = given;
    evidence.endorsements.certificate_count = AMD_PKI_ROLE_COUNT + 1;
    const struct evidence_caches caches = {.snp = cache};
    enum status status = evidence_verify(&evidence, NULL, AMD_NOW_S, &caches, NULL, claims_out);
    if (status == OK) status = evidence_verify(&evidence, NULL, AMD_NOW_S, &caches, NULL, claims_out);
    snp_cache_free(cache);
    if (status != OK) assert_true(status == ERR_NO_MEMORY || status == ERR_CRYPTO);
    return status;
}

/* Each call in turn fails, alone. */
static size_t fail_each(operation *verify, void *pki, struct slice quote)
{
    struct evidence_claims good = {};
    assert_ok(verify(pki, quote, &good));
    for (size_t number = 1; number < CALLS_MAX_COUNT; number++) {
        struct evidence_claims claims = {};
        failing_begin(number);
        const enum status status = verify(pki, quote, &claims);
        if (!failing_end()) return number - 1;
        if (status == OK) fail_msg("call %zu failed, and nothing told of it", number);
        /* nor is a digest that failed taken for one that differs */
        assert_true(status != ERR_QE_REPORT_DATA && status != ERR_REPORT_DATA);
    }
    fail_msg("no end of calls");
    return 0;
}

static void test_a_failing_call_below_never_accepts_anything(void **)
{
    uint8_t report_data[64] = {};
    assert_ok(sha256(SLICE_LITERAL("data"), report_data));
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    const struct minted_quote_options options = {.report_data = SLICE_ARRAY(report_data)};
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, &options);
    const size_t calls = fail_each(verify_sgx, &pki, buffer_slice(&quote));
    print_message("%zu calls failed in turn\n", calls);
    assert_true(calls > 50);
}

/* The custom claims are the runtime data that the quote binds. */
static void test_a_failing_call_below_never_accepts_custom_claims(void **)
{
    static const uint8_t sgx_ecdsa[16] = {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14,
                                          0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c};
    const struct slice claims = SLICE_LITERAL("data");
    uint8_t report_data[64] = {};
    assert_ok(sha256(claims, report_data));
    CLEANUP(pki_done) struct test_pki pki = pki_make(NULL);
    const struct minted_quote_options options = {.report_data = SLICE_ARRAY(report_data)};
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, &options);
    CLEANUP(buffer_done) struct buffer evidence = buffer_of_maximum(QUOTE_MAX_BYTES);
    assert_ok(buffer_append_u32_le(&evidence, 3));
    assert_ok(buffer_append(&evidence, SLICE_ARRAY(sgx_ecdsa)));
    assert_ok(buffer_append_u32_le(&evidence, (uint32_t)(quote.size + claims.size)));
    assert_ok(buffer_append_u32_le(&evidence, 0));
    assert_ok(buffer_append(&evidence, buffer_slice(&quote)));
    assert_ok(buffer_append(&evidence, claims));
    assert_true(fail_each(verify_open_enclave, &pki, buffer_slice(&evidence)) > 50);
}

static void test_a_failing_call_below_never_accepts_a_domain(void **)
{
    static const struct pki_options of_tdx = {.tcb_info_id = "TDX", .qe_identity_id = "TD_QE"};
    uint8_t report_data[64] = {};
    assert_ok(sha256(SLICE_LITERAL("data"), report_data));
    CLEANUP(pki_done) struct test_pki pki = pki_make(&of_tdx);
    const struct minted_td td = {};
    const struct minted_quote_options options = {.td = &td, .report_data = SLICE_ARRAY(report_data)};
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, &options);
    assert_true(fail_each(verify_tdx, &pki, buffer_slice(&quote)) > 50);
}

static void test_a_failing_call_below_never_accepts_a_report_of_amd(void **)
{
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.is_vlek = i == 1});
        const size_t calls = fail_each(verify_snp, &pki, buffer_slice(&pki.report));
        print_message("%zu calls failed in turn\n", calls);
        assert_true(calls > 50);
    }
}

static const char *const genuine_names[] = {"ARK-Milan", "SEV-Milan", "SEV-VCEK"};

static void take_genuine_names(enum amd_pki_role role, struct mint_certificate *text)
{
    text->subject = genuine_names[role];
    text->issuer = genuine_names[role == AMD_PKI_LEAF ? AMD_PKI_ISSUER : AMD_PKI_ROOT];
}

/* Nor is it told as a fault of the evidence. With its own root, and with the published one. */
static void test_a_failing_call_below_is_no_refusal(void **)
{
    CLEANUP(amd_pki_done)
    struct amd_pki pki = amd_pki_make(&(struct amd_pki_options){.certificate = take_genuine_names});
    for (size_t first = AMD_PKI_ROOT; first <= AMD_PKI_LEAF; first += AMD_PKI_LEAF) {
        struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
        endorsements.certificates += first;
        endorsements.certificate_count -= first;
        for (size_t number = 1;; number++) {
            struct snp_claims claims;
            failing_begin(number);
            const enum status status =
                snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, NULL, NULL, &claims);
            if (!failing_end()) {
                assert_status(status, ERR_CHAIN);
                break;
            }
            assert_true(status == ERR_NO_MEMORY || status == ERR_CRYPTO);
        }
    }
}

/* What is known costs less: of memory and digests only what the report itself needs. */
static void test_a_kept_chain_of_amd_is_not_verified_anew(void **)
{
    CLEANUP(amd_pki_done) struct amd_pki pki = amd_pki_make(NULL);
    const struct snp_endorsements endorsements = amd_pki_endorsements(&pki);
    struct snp_cache *cache = NULL;
    struct snp_claims claims;
    size_t calls[2];
    assert_ok(snp_cache_new(4, &cache));
    for (size_t i = 0; i < 2; i++) {
        failing_count_begin();
        assert_ok(snp_report_verify(buffer_slice(&pki.report), &endorsements, AMD_NOW_S, cache, NULL, &claims));
        calls[i] = failing_count_end();
    }
    print_message("%zu calls, then %zu\n", calls[0], calls[1]);
    assert_true(calls[1] <= 2 && calls[0] > 10);
    snp_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failing_call_below_never_accepts_anything),
        cmocka_unit_test(test_a_failing_call_below_never_accepts_custom_claims),
        cmocka_unit_test(test_a_failing_call_below_never_accepts_a_domain),
        cmocka_unit_test(test_a_failing_call_below_never_accepts_a_report_of_amd),
        cmocka_unit_test(test_a_failing_call_below_is_no_refusal),
        cmocka_unit_test(test_a_kept_chain_of_amd_is_not_verified_anew),
    };
    return cmocka_run_group_tests_name("evidence/failing", tests, NULL, NULL);
}
