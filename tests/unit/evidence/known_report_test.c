/* SPDX-License-Identifier: Apache-2.0
 *
 * That a PCK key signed this very report of a quoting enclave is verified once and known then; whatever differs in one
 * byte is verified anew. Signatures that are verified and keys that are made are counted: the linker puts the counters
 * before key_verify and key_from_p256_point.
 */
#include "test_pki.h"

#include "evidence/intel/quote.h"

/* Of a minted quote of version 3. */
enum { QE_REPORT_AT = 436 + 64 + 64, QE_SIGNATURE_AT = QE_REPORT_AT + 384, QE_SIGNATURE_END = QE_SIGNATURE_AT + 64 };

static unsigned verified, made_keys;

enum status __real_key_verify(const struct key *key, struct slice message, struct slice signature);
enum status __wrap_key_verify(const struct key *key, struct slice message, struct slice signature);

enum status __wrap_key_verify(const struct key *key, struct slice message, struct slice signature)
{
    verified++;
    return __real_key_verify(key, message, signature);
}

enum status __real_key_from_p256_point(struct slice point, struct key **key_out);
enum status __wrap_key_from_p256_point(struct slice point, struct key **key_out);

enum status __wrap_key_from_p256_point(struct slice point, struct key **key_out)
{
    made_keys++;
    return __real_key_from_p256_point(point, key_out);
}

struct platform {
    struct test_pki pki;
    struct buffer quote;
    struct collateral *collateral;
};

static struct platform platform_make(void)
{
    struct platform platform = {.pki = pki_make(NULL)};
    const struct collateral_texts texts = pki_texts(&platform.pki);
    platform.quote = mint_quote(&platform.pki, NULL);
    assert_ok(collateral_new(&texts, pki_roots(&platform.pki), NULL, &platform.collateral));
    return platform;
}

static void platform_done(struct platform *platform)
{
    collateral_free(platform->collateral);
    buffer_done(&platform->quote);
    pki_done(&platform->pki);
}

/* Returns the number of signatures that the verification of a good quote has cost. */
static unsigned cost(struct platform *platform, struct slice quote, struct verification_cache *cache)
{
    struct sgx_claims claims;
    verified = made_keys = 0;
    assert_ok(sgx_quote_verify(&(struct intel_evidence){.quote = quote}, platform->collateral,
                               pki_roots(&platform->pki), PKI_NOW_S, cache, NULL, &claims));
    return verified;
}

static enum status refused(struct platform *platform, struct verification_cache *cache)
{
    struct sgx_claims claims;
    return sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&platform->quote)}, platform->collateral,
                            pki_roots(&platform->pki), PKI_NOW_S, cache, NULL, &claims);
}

static void test_a_known_report_costs_no_signature(void **)
{
    CLEANUP(platform_done) struct platform platform = platform_make();
    const struct slice quote = buffer_slice(&platform.quote);
    struct verification_cache *cache;
    assert_ok(verification_cache_new(4, &cache));
    const unsigned first = cost(&platform, quote, cache);
    assert_int_equal(cost(&platform, quote, cache), 1);
    assert_int_equal(cost(&platform, quote, cache), 1);
    assert_int_equal(made_keys, 0); /* the attestation key is kept with it */
    assert_true(first > 1);
    assert_int_equal(cost(&platform, quote, NULL), first);
    /* The same chain, and another signature over the report: only that is verified anew. */
    CLEANUP(buffer_done) struct buffer other = mint_quote(&platform.pki, NULL);
    assert_int_equal(cost(&platform, buffer_slice(&other), cache), 2);
    assert_int_equal(made_keys, 1);
    assert_int_equal(cost(&platform, buffer_slice(&other), cache), 1);
    verification_cache_free(cache);
}

/* Each byte of report and signature decides, also when what they were is known. */
static void test_a_changed_byte_is_not_known(void **)
{
    CLEANUP(platform_done) struct platform platform = platform_make();
    struct verification_cache *cache;
    assert_ok(verification_cache_new(4, &cache));
    (void)cost(&platform, buffer_slice(&platform.quote), cache);
    for (size_t at = QE_REPORT_AT; at < QE_SIGNATURE_END; at++) {
        platform.quote.bytes[at] ^= 0x01;
        assert_status(refused(&platform, cache), ERR_QE_REPORT_SIGNATURE);
        assert_status(refused(&platform, cache), ERR_QE_REPORT_SIGNATURE); /* and nothing of it was kept */
        platform.quote.bytes[at] ^= 0x01;
    }
    assert_int_equal(cost(&platform, buffer_slice(&platform.quote), cache), 1);
    verification_cache_free(cache);
}

/* Report and signature of one platform under the certificate of another. */
static void test_another_key_is_not_known(void **)
{
    CLEANUP(platform_done) struct platform one = platform_make();
    CLEANUP(platform_done) struct platform other = platform_make();
    struct verification_cache *cache;
    assert_ok(verification_cache_new(4, &cache));
    (void)cost(&one, buffer_slice(&one.quote), cache);
    (void)cost(&other, buffer_slice(&other.quote), cache);
    memcpy(other.quote.bytes + QE_REPORT_AT, one.quote.bytes + QE_REPORT_AT, QE_SIGNATURE_END - QE_REPORT_AT);
    assert_status(refused(&other, cache), ERR_QE_REPORT_SIGNATURE);
    verification_cache_free(cache);
}

/* The attestation key decides too, and what the report says is looked at each time: it vouches for another key. */
static void test_a_known_report_is_still_held_to_what_it_binds(void **)
{
    CLEANUP(platform_done) struct platform platform = platform_make();
    struct verification_cache *cache;
    assert_ok(verification_cache_new(4, &cache));
    (void)cost(&platform, buffer_slice(&platform.quote), cache);
    platform.quote.bytes[QE_REPORT_AT - 1] ^= 0x01;
    assert_status(refused(&platform, cache), ERR_QE_REPORT_DATA);
    verification_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_report_costs_no_signature),
        cmocka_unit_test(test_a_changed_byte_is_not_known),
        cmocka_unit_test(test_another_key_is_not_known),
        cmocka_unit_test(test_a_known_report_is_still_held_to_what_it_binds),
    };
    return cmocka_run_group_tests_name("evidence/known_report", tests, NULL, NULL);
}
