/* SPDX-License-Identifier: Apache-2.0
 *
 * One changed byte anywhere in a genuine quote or in its collateral is refused, and the refusal says where.
 */
#include "evidence_vectors.h"

#include "evidence/intel/quote.h"

struct genuine {
    struct collateral_files files;
    struct buffer quote;
};

static struct genuine genuine_read(void)
{
    struct genuine genuine = {.files = collateral_files_read(GENUINE_COLLATERAL)};
    genuine.quote = read_whole(shared_path(GENUINE_QUOTE));
    return genuine;
}

static void genuine_done(struct genuine *genuine)
{
    collateral_files_done(&genuine->files);
    buffer_done(&genuine->quote);
}

static void assert_refused_with_reason(enum status status, const struct refusal *why, const char *part, size_t at)
{
    if (status != OK && why->status == status && why->field[0] != '\0' && why->expected[0] != '\0') return;
    fail_msg("byte %zu of %s changed: %s, field \"%s\"", at, part, status_name(status), why->field);
}

static void test_the_original_is_genuine(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read();
    const struct collateral_texts texts = collateral_files_texts(&genuine.files);
    struct sgx_claims claims;
    assert_ok(verify_with(buffer_slice(&genuine.quote), &texts, GENUINE_TIME_S, NULL, &claims));
}

static void flip_quote(uint8_t mask, size_t step)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read();
    const struct collateral_texts texts = collateral_files_texts(&genuine.files);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    assert_ok(collateral_new(&texts, NULL, NULL, &collateral));
    for (size_t at = 0; at < genuine.quote.size; at += step) {
        genuine.quote.bytes[at] ^= mask;
        struct refusal why = {};
        struct sgx_claims claims;
        const enum status status = sgx_quote_verify(&(struct intel_evidence){.quote = buffer_slice(&genuine.quote)},
                                                    collateral, NULL, GENUINE_TIME_S, NULL, &why, &claims);
        assert_refused_with_reason(status, &why, "the quote", at);
        genuine.quote.bytes[at] ^= mask;
    }
}

static void test_every_byte_of_the_quote_counts(void **)
{
    flip_quote(0x01, 1);
    flip_quote(0x20, 3); /* the case of letters: PEM is text */
    flip_quote(0x80, 11);
}

/* A warm cache must not let through what a cold one refuses. */
static void test_a_known_chain_hides_no_change(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read();
    const struct collateral_texts texts = collateral_files_texts(&genuine.files);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    assert_ok(collateral_new(&texts, NULL, NULL, &collateral));
    struct verification_cache *cache;
    assert_ok(verification_cache_new(16, &cache));
    struct sgx_claims claims;
    const struct slice quote = buffer_slice(&genuine.quote);
    assert_ok(sgx_quote_verify(&(struct intel_evidence){.quote = quote}, collateral, NULL, GENUINE_TIME_S, cache, NULL,
                               &claims));
    for (size_t at = 0; at < quote.size; at += 5) {
        genuine.quote.bytes[at] ^= 0x01;
        struct refusal why = {};
        assert_refused_with_reason(sgx_quote_verify(&(struct intel_evidence){.quote = quote}, collateral, NULL,
                                                    GENUINE_TIME_S, cache, &why, &claims),
                                   &why, "the quote", at);
        genuine.quote.bytes[at] ^= 0x01;
    }
    assert_ok(sgx_quote_verify(&(struct intel_evidence){.quote = quote}, collateral, NULL, GENUINE_TIME_S, cache, NULL,
                               &claims));
    verification_cache_free(cache);
}

static void flip_part(struct genuine *genuine, struct buffer *part, const char *name, uint8_t mask, size_t step)
{
    const struct collateral_texts texts = collateral_files_texts(&genuine->files);
    for (size_t at = 0; at < part->size; at += step) {
        part->bytes[at] ^= mask;
        struct refusal why = {};
        CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
        assert_refused_with_reason(collateral_new(&texts, NULL, &why, &collateral), &why, name, at);
        part->bytes[at] ^= mask;
    }
}

static void test_every_byte_of_tcb_info_counts(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read();
    flip_part(&genuine, &genuine.files.tcb_info, "tcbinfo.json", 0x01, 1);
    flip_part(&genuine, &genuine.files.tcb_info, "tcbinfo.json", 0x20, 7);
}

static void test_every_byte_of_qe_identity_counts(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read();
    flip_part(&genuine, &genuine.files.qe_identity, "qe_identity.json", 0x01, 1);
    flip_part(&genuine, &genuine.files.qe_identity, "qe_identity.json", 0x20, 1);
}

static void test_every_byte_of_the_revocation_lists_counts(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read();
    flip_part(&genuine, &genuine.files.pck_crl, "pck.crl", 0x01, 1);
    flip_part(&genuine, &genuine.files.root_crl, "root_ca.crl", 0x01, 1);
    flip_part(&genuine, &genuine.files.root_crl, "root_ca.crl", 0x80, 1);
}

static void test_every_byte_of_the_issuer_chains_counts(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read();
    flip_part(&genuine, &genuine.files.tcb_chain, "tcb_issuer_chain.pem", 0x01, 1);
    flip_part(&genuine, &genuine.files.pck_crl_chain, "pck_crl_issuer_chain.pem", 0x01, 1);
    flip_part(&genuine, &genuine.files.pck_crl_chain, "pck_crl_issuer_chain.pem", 0x20, 3);
}

static void test_every_shorter_prefix_is_refused(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read();
    for (size_t size = 0; size < genuine.quote.size; size++) {
        struct refusal why = {};
        struct quote quote;
        const enum status status = quote_parse(slice_of(genuine.quote.bytes, size), &why, &quote);
        assert_refused_with_reason(status, &why, "the quote's end", size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_original_is_genuine),
        cmocka_unit_test(test_every_byte_of_the_quote_counts),
        cmocka_unit_test(test_a_known_chain_hides_no_change),
        cmocka_unit_test(test_every_byte_of_tcb_info_counts),
        cmocka_unit_test(test_every_byte_of_qe_identity_counts),
        cmocka_unit_test(test_every_byte_of_the_revocation_lists_counts),
        cmocka_unit_test(test_every_byte_of_the_issuer_chains_counts),
        cmocka_unit_test(test_every_shorter_prefix_is_refused),
    };
    return cmocka_run_group_tests_name("evidence/tamper", tests, NULL, NULL);
}
