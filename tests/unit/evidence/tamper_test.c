/* SPDX-License-Identifier: Apache-2.0
 *
 * One changed byte anywhere in a genuine quote or in its collateral is refused, and the refusal says where.
 */
#include "evidence_vectors.h"

#include "evidence/intel/quote.h"

/* Genuine evidence of each kind. `stride` spares bytes where another kind has shown the same code each of its own. */
static const struct kind {
    enum intel_tee tee;
    const char *quote, *collateral;
    int64_t time_s;
    size_t stride;
} kinds[] = {
    {INTEL_SGX, GENUINE_QUOTE, GENUINE_COLLATERAL, GENUINE_TIME_S, 1},
    {INTEL_TDX, "vectors/tdx/tdx10-v4-90c06f000000-cbdb5b2f/quote.bin",
     "vectors/tdx/tdx10-v4-90c06f000000-cbdb5b2f/collateral-20260225-ev18", 1771980350, 5},
    {INTEL_TDX, "vectors/tdx/tdx15-v5-90c06f000000-d21a11db/quote.bin",
     "vectors/tdx/tdx15-v5-90c06f000000-d21a11db/collateral-20250321-ev18", 1742556407, 7},
};
enum { KIND_COUNT = sizeof(kinds) / sizeof(kinds[0]) };

struct genuine {
    const struct kind *kind;
    struct collateral_files files;
    struct buffer quote;
};

static struct genuine genuine_read(const struct kind *kind)
{
    struct genuine genuine = {.kind = kind, .files = collateral_files_read(kind->collateral)};
    genuine.quote = read_whole(shared_path(kind->quote));
    return genuine;
}

static void genuine_done(struct genuine *genuine)
{
    collateral_files_done(&genuine->files);
    buffer_done(&genuine->quote);
}

static struct collateral *collateral_of(const struct genuine *genuine)
{
    const struct collateral_texts texts = collateral_files_texts(&genuine->files);
    struct collateral *collateral = NULL;
    assert_ok(collateral_new(&texts, NULL, NULL, &collateral));
    return collateral;
}

static enum status verify(const struct genuine *genuine, const struct collateral *collateral,
                          struct verification_cache *cache, struct refusal *why)
{
    const struct intel_evidence evidence = {.quote = buffer_slice(&genuine->quote)};
    const int64_t now_s = genuine->kind->time_s;
    struct sgx_claims sgx;
    struct tdx_claims tdx;
    if (genuine->kind->tee == INTEL_TDX) return tdx_quote_verify(&evidence, collateral, NULL, now_s, cache, why, &tdx);
    return sgx_quote_verify(&evidence, collateral, NULL, now_s, cache, why, &sgx);
}

static void assert_refused_with_reason(enum status status, const struct refusal *why, const char *part, size_t at)
{
    if (status != OK && why->status == status && why->field[0] != '\0' && why->expected[0] != '\0') return;
    fail_msg("byte %zu of %s changed: %s, field \"%s\"", at, part, status_name(status), why->field);
}

static void test_the_originals_are_genuine(void **)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        CLEANUP(genuine_done) struct genuine genuine = genuine_read(&kinds[i]);
        CLEANUP(collateral_cleanup) struct collateral *collateral = collateral_of(&genuine);
        assert_ok(verify(&genuine, collateral, NULL, NULL));
    }
}

static void flip_quote(const struct kind *kind, uint8_t mask, size_t step)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read(kind);
    CLEANUP(collateral_cleanup) struct collateral *collateral = collateral_of(&genuine);
    for (size_t at = 0; at < genuine.quote.size; at += step) {
        genuine.quote.bytes[at] ^= mask;
        struct refusal why = {};
        assert_refused_with_reason(verify(&genuine, collateral, NULL, &why), &why, "the quote", at);
        genuine.quote.bytes[at] ^= mask;
    }
}

static void test_every_byte_of_the_quote_counts(void **)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        flip_quote(&kinds[i], 0x01, kinds[i].stride);
        flip_quote(&kinds[i], 0x20, 3 * kinds[i].stride); /* the case of letters: PEM is text */
        flip_quote(&kinds[i], 0x80, 11 * kinds[i].stride);
    }
}

/* A warm cache must not let through what a cold one refuses. */
static void flip_with_a_known_chain(const struct kind *kind)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read(kind);
    CLEANUP(collateral_cleanup) struct collateral *collateral = collateral_of(&genuine);
    struct verification_cache *cache;
    assert_ok(verification_cache_new(16, &cache));
    assert_ok(verify(&genuine, collateral, cache, NULL));
    for (size_t at = 0; at < genuine.quote.size; at += 5 * kind->stride) {
        genuine.quote.bytes[at] ^= 0x01;
        struct refusal why = {};
        assert_refused_with_reason(verify(&genuine, collateral, cache, &why), &why, "the quote", at);
        genuine.quote.bytes[at] ^= 0x01;
    }
    assert_ok(verify(&genuine, collateral, cache, NULL));
    verification_cache_free(cache);
}

static void test_a_known_chain_hides_no_change(void **)
{
    for (size_t i = 0; i < KIND_COUNT; i++) flip_with_a_known_chain(&kinds[i]);
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
    for (size_t i = 0; i < KIND_COUNT; i++) {
        CLEANUP(genuine_done) struct genuine genuine = genuine_read(&kinds[i]);
        flip_part(&genuine, &genuine.files.tcb_info, "tcbinfo.json", 0x01, kinds[i].stride);
        flip_part(&genuine, &genuine.files.tcb_info, "tcbinfo.json", 0x20, 7 * kinds[i].stride);
    }
}

static void test_every_byte_of_qe_identity_counts(void **)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        CLEANUP(genuine_done) struct genuine genuine = genuine_read(&kinds[i]);
        flip_part(&genuine, &genuine.files.qe_identity, "qe_identity.json", 0x01, kinds[i].stride);
        flip_part(&genuine, &genuine.files.qe_identity, "qe_identity.json", 0x20, kinds[i].stride);
    }
}

static void test_every_byte_of_the_revocation_lists_counts(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read(&kinds[0]);
    flip_part(&genuine, &genuine.files.pck_crl, "pck.crl", 0x01, 1);
    flip_part(&genuine, &genuine.files.root_crl, "root_ca.crl", 0x01, 1);
    flip_part(&genuine, &genuine.files.root_crl, "root_ca.crl", 0x80, 1);
}

static void test_every_byte_of_the_issuer_chains_counts(void **)
{
    CLEANUP(genuine_done) struct genuine genuine = genuine_read(&kinds[0]);
    flip_part(&genuine, &genuine.files.tcb_chain, "tcb_issuer_chain.pem", 0x01, 1);
    flip_part(&genuine, &genuine.files.pck_crl_chain, "pck_crl_issuer_chain.pem", 0x01, 1);
    flip_part(&genuine, &genuine.files.pck_crl_chain, "pck_crl_issuer_chain.pem", 0x20, 3);
}

static void test_every_shorter_prefix_is_refused(void **)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        CLEANUP(genuine_done) struct genuine genuine = genuine_read(&kinds[i]);
        for (size_t size = 0; size < genuine.quote.size; size++) {
            struct refusal why = {};
            struct quote quote;
            const enum status status = quote_parse(slice_of(genuine.quote.bytes, size), &why, &quote);
            assert_refused_with_reason(status, &why, "the quote's end", size);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_originals_are_genuine),
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
