/* SPDX-License-Identifier: Apache-2.0
 *
 * tpm_quote_verify: what a quote, its signature, nonce and PCRs must be like.
 */
#include "evidence/verify.h"
#include "test_tpm.h"

static struct key *rsa, *p256, *p384;

static int make_keys(void **)
{
    assert_ok(key_generate(KEY_RSA, 2048, &rsa));
    assert_ok(key_generate(KEY_P256, 0, &p256));
    assert_ok(key_generate(KEY_P384, 0, &p384));
    return 0;
}

static int free_keys(void **)
{
    key_cleanup(&rsa);
    key_cleanup(&p256);
    key_cleanup(&p384);
    return 0;
}

static void test_each_scheme_of_each_key_is_verified(void **)
{
    const struct test_quote cases[] = {
        {.key = rsa, .scheme = 0x0014, .hash = HASH_SHA256},
        {.key = rsa, .scheme = 0x0014, .hash = HASH_SHA384},
        {.key = rsa, .scheme = 0x0016, .hash = HASH_SHA256},
        {.key = rsa, .scheme = 0x0016, .hash = HASH_SHA384},
        {.key = p256, .hash = HASH_SHA256},
        {.key = p256, .hash = HASH_SHA384},
        {.key = p384, .hash = HASH_SHA256},
        {.key = p384, .hash = HASH_SHA384},
    };
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&cases[i]);
        struct tpm_claims claims = {};
        struct refusal why = {};
        made.quote.pcrs = &pcrs;
        assert_ok(tpm_quote_verify(&made.quote, &why, &claims));
        /* Every byte of the quote counts. */
        made.attest.bytes[ATTEST_CLOCK] ^= 1;
        assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_SIGNATURE, &why, "signature");
        made.attest.bytes[ATTEST_CLOCK] ^= 1;
        made.signature.bytes[made.signature.size - 1] ^= 1;
        assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_SIGNATURE, &why, "signature");
    }
}

static void test_claims_are_the_quotes(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote made =
        test_tpm_quote(&(struct test_quote){.key = p256, .nonce = SLICE_LITERAL("nonce"), .selection = 0x800081});
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    struct tpm_claims claims = {};
    uint8_t thumbprint[32], digest[32];
    made.quote.pcrs = &pcrs;
    made.quote.nonce = SLICE_LITERAL("nonce");
    made.quote.required_selection = 0x000081;
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
    assert_slice_equal(slice_of(claims.extra_data, claims.extra_data_size), SLICE_LITERAL("nonce"));
    assert_int_equal(claims.qualified_signer_size, 34);
    assert_memory_equal(claims.qualified_signer, "\x00\x0bQQQQ", 6);
    assert_int_equal(claims.clock_ms, 1000);
    assert_int_equal(claims.reset_count, 2);
    assert_int_equal(claims.restart_count, 3);
    assert_true(claims.is_clock_safe);
    assert_int_equal(claims.firmware_version, 0x20200312);
    assert_int_equal(claims.bank, TPM_HASH_SHA256);
    assert_int_equal(claims.selection, 0x800081);
    test_tpm_digest(&pcrs, 0x800081, HASH_SHA256, digest);
    assert_slice_equal(slice_of(claims.pcr_digest, claims.pcr_digest_size), SLICE_ARRAY(digest));
    assert_int_equal(claims.pcrs.known, 0x800081); /* of the others nothing is proven */
    assert_memory_equal(claims.pcrs.values[7], pcrs.values[7], 32);
    assert_false(claims.has_event_log);
    assert_false(claims.is_key_restricted);
    assert_int_equal(claims.key_name_size, 0);
    assert_ok(key_thumbprint(p256, thumbprint));
    assert_memory_equal(claims.key_thumbprint, thumbprint, 32);
}

static void test_a_bare_rsa_signature_is_taken_when_it_is_called_so(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = rsa});
    struct tpm_claims claims;
    struct refusal why = {};
    made.quote.signature = slice_part(made.quote.signature, 6, 256);
    assert_true(tpm_signature_is_bare_rsa(made.quote.signature));
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why, "signature.sigAlg");
    made.quote.is_bare_rsa = true;
    assert_ok(tpm_quote_verify(&made.quote, &why, &claims));
    made.quote.signature = buffer_slice(&made.signature);
    assert_false(tpm_signature_is_bare_rsa(made.quote.signature));
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_SIGNATURE, &why, "signature");
    made.quote.key = p256;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_KEY, &why, "key");
    static const uint8_t sizes[512] = {};
    assert_true(tpm_signature_is_bare_rsa(slice_of(sizes, 384)));
    assert_true(tpm_signature_is_bare_rsa(slice_of(sizes, 512)));
}

static void test_a_quote_is_refused_without_a_trusted_key_and_with_another(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256});
    CLEANUP(key_cleanup) struct key *other = NULL;
    struct tpm_claims claims;
    struct refusal why = {};
    made.quote.key = NULL;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_KEY, &why, "key");
    assert_true(why.fix[0] != 0);
    assert_ok(key_generate(KEY_P256, 0, &other));
    made.quote.key = other;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_SIGNATURE, &why, "signature");
    assert_true(why.fix[0] != 0);
    made.quote.key = rsa;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_KEY, &why, "key");
    assert_string_equal(why.expected, "a P-256 or P-384 key");
    CLEANUP(made_quote_done) struct made_quote of_rsa = test_tpm_quote(&(struct test_quote){.key = rsa});
    of_rsa.quote.key = p384;
    assert_refused(tpm_quote_verify(&of_rsa.quote, &why, &claims), ERR_TPM_KEY, &why, "key");
    assert_string_equal(why.expected, "an RSA key");
}

static void test_a_wrapped_quote_is_the_same_quote(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256});
    CLEANUP(buffer_done) struct buffer wrapped = buffer_of_maximum(4096);
    struct tpm_claims claims;
    struct refusal why = {};
    test_tpm_sized(&wrapped, buffer_slice(&made.attest));
    made.quote.attest = buffer_slice(&wrapped);
    assert_ok(tpm_quote_verify(&made.quote, &why, &claims));
    wrapped.bytes[1]--; /* now the size is wrong, and it is no wrapper */
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why, "attest.magic");
}

static void test_a_quote_goes_through_the_interface_of_all_kinds(void **)
{
    uint8_t digest[32];
    assert_ok(sha256(SLICE_LITERAL("data"), digest));
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .nonce = SLICE_ARRAY(digest)});
    struct evidence evidence = {
        .kind = EVIDENCE_TPM, .tpm = made.quote, .runtime_data = SLICE_LITERAL("data"), .has_runtime_data = true};
    struct evidence_claims claims;
    struct refusal why = {};
    assert_ok(evidence_verify(&evidence, NULL, 0, NULL, &why, &claims));
    assert_int_equal(claims.tpm.selection, TEST_TPM_SELECTION);
    evidence.runtime_data = SLICE_LITERAL("date");
    assert_refused(evidence_verify(&evidence, NULL, 0, NULL, &why, &claims), ERR_REPORT_DATA, &why, "attest.extraData");
    evidence.tpm.key = p384;
    assert_refused(evidence_verify(&evidence, NULL, 0, NULL, &why, &claims), ERR_TPM_SIGNATURE, &why, "signature");
    evidence.kind = (enum evidence_kind)99;
    assert_refused(evidence_verify(&evidence, NULL, 0, NULL, &why, &claims), ERR_UNSUPPORTED, &why, "kind");
}

/* ---- TPMS_ATTEST ---- */

static void check_attest(size_t offset, uint8_t value, enum status status, const char *field)
{
    CLEANUP(buffer_done) struct buffer attest = test_tpm_attest(&(struct test_quote){.key = p256});
    attest.bytes[offset] = value;
    const struct test_quote options = {.key = p256};
    CLEANUP(buffer_done) struct buffer signature = test_tpm_signature(&options, buffer_slice(&attest));
    const struct tpm_quote quote = {
        .attest = buffer_slice(&attest), .signature = buffer_slice(&signature), .key = p256};
    struct tpm_claims claims;
    struct refusal why = {};
    assert_refused(tpm_quote_verify(&quote, &why, &claims), status, &why, field);
}

static void test_each_field_of_a_quote_that_is_signed_but_wrong_is_refused(void **)
{
    check_attest(0, 0xfe, ERR_TPM_MALFORMED, "attest.magic");
    check_attest(3, 0x46, ERR_TPM_MALFORMED, "attest.magic");
    check_attest(5, 0x17, ERR_TPM_MALFORMED, "attest.type"); /* a certification */
    check_attest(7, 67, ERR_TPM_MALFORMED, "attest.qualifiedSigner");
    check_attest(7, 1, ERR_TPM_MALFORMED, "attest.qualifiedSigner");
    check_attest(7, 33, ERR_TPM_MALFORMED, "attest.qualifiedSigner");
    check_attest(9, 0x04, ERR_TPM_MALFORMED, "attest.qualifiedSigner"); /* SHA-1 */
    check_attest(9, 0x12, ERR_TPM_MALFORMED, "attest.qualifiedSigner"); /* SM3 */
    check_attest(9, 0x0c, ERR_TPM_MALFORMED, "attest.qualifiedSigner"); /* too short for SHA-384 */
    check_attest(43, 67, ERR_TPM_MALFORMED, "attest.extraData");
    check_attest(60, 2, ERR_TPM_MALFORMED, "attest.clockInfo.safe");
    check_attest(ATTEST_PCRS + 3, 17, ERR_TPM_MALFORMED, "attest.pcrSelect.count");
    check_attest(ATTEST_PCRS, 1, ERR_TPM_MALFORMED, "attest.pcrSelect.count");
    check_attest(ATTEST_PCRS + 5, 0x12, ERR_TPM_PCR, "attest.pcrSelect.hash");
    check_attest(ATTEST_PCRS + 6, 2, ERR_TPM_MALFORMED, "attest.pcrSelect.sizeofSelect");
    check_attest(ATTEST_PCRS + 6, 4, ERR_TPM_MALFORMED, "attest.pcrSelect.sizeofSelect");
    check_attest(ATTEST_PCRS + 11, 65, ERR_TPM_MALFORMED, "attest.pcrDigest");
    check_attest(ATTEST_PCRS + 11, 33, ERR_TPM_MALFORMED, "attest.pcrDigest");
    check_attest(ATTEST_PCRS + 11, 31, ERR_TRAILING_BYTES, "attest");
}

static void cut_name(struct buffer *attest)
{
    attest->bytes[7] = 1;
}

static void test_a_name_too_short_for_its_algorithm_is_refused_for_that(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .attest = cut_name});
    struct tpm_claims claims;
    struct refusal why = {};
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why, "attest.qualifiedSigner");
    assert_string_equal(why.expected, "all bytes that the structure has here");
}

static void test_a_quote_that_ends_early_is_refused_wherever_it_ends(void **)
{
    static const struct test_field_end fields[] = {{4, "attest.magic"},
                                                   {6, "attest.type"},
                                                   {42, "attest.qualifiedSigner"},
                                                   {44, "attest.extraData"},
                                                   {52, "attest.clockInfo.clock"},
                                                   {56, "attest.clockInfo.resetCount"},
                                                   {60, "attest.clockInfo.restartCount"},
                                                   {61, "attest.clockInfo.safe"},
                                                   {69, "attest.firmwareVersion"},
                                                   {73, "attest.pcrSelect.count"},
                                                   {75, "attest.pcrSelect.hash"},
                                                   {79, "attest.pcrSelect.sizeofSelect"},
                                                   {113, "attest.pcrDigest"}};
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256});
    struct tpm_claims claims;
    assert_int_equal(made.attest.size, 113);
    for (size_t size = 0; size < made.attest.size; size++) {
        struct refusal why = {};
        made.quote.attest = slice_of(made.attest.bytes, size);
        assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why,
                       test_field_at(fields, size));
        if (size < 76 || size >= 79) assert_string_equal(why.expected, "all bytes that the structure has here");
        char left[32];
        (void)snprintf(left, sizeof(left), "%zu bytes left", size - 8);
        if (size > 8 && size < 42) assert_string_equal(why.seen, left);
    }
}

static void test_bytes_behind_a_quote_and_huge_quotes_are_refused(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256});
    struct tpm_claims claims;
    struct refusal why = {};
    assert_ok(buffer_append_u8(&made.attest, 0));
    made.quote.attest = buffer_slice(&made.attest);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TRAILING_BYTES, &why, "attest");
    static const uint8_t huge[TPM_ATTEST_MAX_BYTES + 1];
    made.quote.attest = SLICE_ARRAY(huge);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TOO_LARGE, &why, "attest");
    made.quote.attest = slice_of(huge, TPM_ATTEST_MAX_BYTES);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why, "attest.magic");
}

/* ---- TPMT_SIGNATURE ---- */

static void check_signature(const struct key *key, size_t offset, uint8_t value, enum status status, const char *field)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = key});
    struct tpm_claims claims;
    struct refusal why = {};
    made.signature.bytes[offset] = value;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), status, &why, field);
}

static void test_each_field_of_a_signature_that_is_wrong_is_refused(void **)
{
    check_signature(rsa, 1, 0x05, ERR_TPM_MALFORMED, "signature.sigAlg");  /* HMAC */
    check_signature(rsa, 1, 0x10, ERR_TPM_MALFORMED, "signature.sigAlg");  /* null */
    check_signature(p256, 1, 0x1a, ERR_TPM_MALFORMED, "signature.sigAlg"); /* ECDAA */
    check_signature(rsa, 3, 0x04, ERR_TPM_MALFORMED, "signature.hash");    /* SHA-1 */
    check_signature(rsa, 3, 0x0d, ERR_TPM_MALFORMED, "signature.hash");    /* SHA-512 */
    check_signature(rsa, 3, 0x0c, ERR_TPM_SIGNATURE, "signature");         /* another digest than was signed */
    check_signature(rsa, 1, 0x16, ERR_TPM_SIGNATURE, "signature");
    check_signature(rsa, 4, 0x02, ERR_TPM_MALFORMED, "signature.sig");
    check_signature(rsa, 4, 0x00, ERR_TRAILING_BYTES, "signature");
    check_signature(p256, 5, 49, ERR_TPM_MALFORMED, "signature.r");
    check_signature(p256, 5, 33, ERR_TPM_MALFORMED, "signature.s");
    check_signature(p256, 39, 49, ERR_TPM_MALFORMED, "signature.s");
    check_signature(p256, 39, 31, ERR_TRAILING_BYTES, "signature");
}

static void test_algorithms_are_refused_by_name(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = rsa});
    struct tpm_claims claims;
    struct refusal why = {};
    made.signature.bytes[1] = 0x1a;
    (void)tpm_quote_verify(&made.quote, &why, &claims);
    assert_string_equal(why.seen, "ECDAA (0x001a)");
    made.signature.bytes[1] = 0x77;
    (void)tpm_quote_verify(&made.quote, &why, &claims);
    assert_string_equal(why.seen, "unknown (0x0077)");
}

static void test_a_signature_that_ends_early_or_is_huge_is_refused(void **)
{
    static const struct test_field_end fields[2][5] = {
        {{2, "signature.sigAlg"}, {4, "signature.hash"}, {262, "signature.sig"}},
        {{2, "signature.sigAlg"}, {4, "signature.hash"}, {38, "signature.r"}, {72, "signature.s"}}};
    const struct key *const keys[] = {rsa, p256};
    struct tpm_claims claims;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = keys[i]});
        for (size_t size = 0; size < made.signature.size; size++) {
            struct refusal why = {};
            made.quote.signature = slice_of(made.signature.bytes, size);
            assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why,
                           test_field_at(fields[i], size));
            assert_string_equal(why.expected, "all bytes that the structure has here");
        }
        static const uint8_t huge[TPM_SIGNATURE_MAX_BYTES + 1];
        struct refusal why = {};
        made.quote.signature = SLICE_ARRAY(huge);
        assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TOO_LARGE, &why, "signature");
        made.quote.signature = slice_of(huge, TPM_SIGNATURE_MAX_BYTES);
        assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why, "signature.sigAlg");
    }
}

/* r or s begins with a zero byte in one signature of 128: some TPMs leave it out. */
static void test_numbers_without_their_leading_zeros_are_taken(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256});
    struct tpm_claims claims;
    while (made.signature.bytes[6] != 0) {
        buffer_done(&made.signature);
        made.signature = test_tpm_signature(&(struct test_quote){.key = p256}, buffer_slice(&made.attest));
    }
    CLEANUP(buffer_done) struct buffer shorter = buffer_of_maximum(256);
    assert_ok(buffer_append(&shorter, SLICE_LITERAL("\x00\x18\x00\x0b\x00\x1f")));
    assert_ok(buffer_append(&shorter, slice_of(made.signature.bytes + 7, made.signature.size - 7)));
    made.quote.signature = buffer_slice(&shorter);
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
}

static void test_a_number_too_long_for_the_curve_is_refused(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p384});
    struct tpm_claims claims;
    struct refusal why = {};
    made.quote.key = p256;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why, "signature.r");
    CLEANUP(made_quote_done) struct made_quote of_p256 = test_tpm_quote(&(struct test_quote){.key = p256});
    CLEANUP(buffer_done) struct buffer longer = buffer_of_maximum(256);
    assert_ok(buffer_append(&longer, slice_of(of_p256.signature.bytes, 38)));
    assert_ok(buffer_append(&longer, SLICE_LITERAL("\x00\x21\x00"))); /* s with a leading zero too many */
    assert_ok(buffer_append(&longer, slice_of(of_p256.signature.bytes + 40, 32)));
    of_p256.quote.signature = buffer_slice(&longer);
    assert_refused(tpm_quote_verify(&of_p256.quote, &why, &claims), ERR_TPM_MALFORMED, &why, "signature.s");
}

/* ---- nonce, selection, PCRs ---- */

static void test_a_nonce_must_be_whole_and_the_same(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .nonce = SLICE_LITERAL("challenge")});
    const struct slice wrong[] = {SLICE_LITERAL("challengf"), SLICE_LITERAL("challeng"), SLICE_LITERAL("challenge1")};
    struct tpm_claims claims;
    for (size_t i = 0; i < 3; i++) {
        struct refusal why = {};
        made.quote.nonce = wrong[i];
        assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_NONCE, &why, "attest.extraData");
        assert_true(why.fix[0] != 0);
    }
    made.quote.nonce = SLICE_LITERAL("challenge");
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
    made.quote.nonce = (struct slice){}; /* left to the caller */
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
}

static void test_the_longest_nonce_is_taken(void **)
{
    static const uint8_t nonce[TPM_EXTRA_DATA_MAX_BYTES] = {1, 2, 3};
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .nonce = SLICE_ARRAY(nonce)});
    struct tpm_claims claims;
    made.quote.nonce = SLICE_ARRAY(nonce);
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
    assert_int_equal(claims.extra_data_size, sizeof(nonce));
}

static void test_required_pcrs_must_be_quoted_and_others_may(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .selection = 0x0000ff});
    struct tpm_claims claims;
    struct refusal why = {};
    made.quote.required_selection = 0x0001ff;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_PCR, &why, "attest.pcrSelect");
    assert_string_equal(why.seen, "0000ff");
    made.quote.required_selection = 0x0000ff;
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
    made.quote.required_selection = 0x000080;
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
}

/* Names by SHA-1 and by a hash that is not known, each with a digest of the size that it would have. */
static void take_sha1_name(struct buffer *attest)
{
    const uint8_t name[] = {0, 22, 0, 0x04};
    memcpy(attest->bytes + ATTEST_SIGNER, name, sizeof(name));
    memmove(attest->bytes + 30, attest->bytes + 42, attest->size - 42);
    buffer_truncate(attest, attest->size - 12);
}

static void take_unknown_name(struct buffer *attest)
{
    take_sha1_name(attest);
    attest->bytes[9] = 0x12;
}

static void test_names_by_weak_or_unknown_hashes_are_refused(void **)
{
    void (*const changes[])(struct buffer *) = {take_sha1_name, take_unknown_name};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(made_quote_done)
        struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .attest = changes[i]});
        struct tpm_claims claims;
        struct refusal why = {};
        assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_MALFORMED, &why, "attest.qualifiedSigner");
    }
}

static void set_clock_unsafe(struct buffer *attest)
{
    attest->bytes[60] = 0;
}

static void test_an_unsafe_clock_is_told(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .attest = set_clock_unsafe});
    struct tpm_claims claims;
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
    assert_false(claims.is_clock_safe);
}

static void test_a_quote_of_no_pcr_is_refused(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .no_selection = true});
    struct tpm_claims claims;
    struct refusal why = {};
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_PCR, &why, "attest.pcrSelect");
    assert_string_equal(why.seen, "none");
}

/* A second selection of SHA-1 behind the first, of PCR 1 or of none. */
static void insert_selection(struct buffer *attest, uint8_t pcrs)
{
    const uint8_t selection[] = {0x00, 0x04, 0x03, pcrs, 0, 0};
    CLEANUP(buffer_done) struct buffer tail = buffer_of_maximum(256);
    assert_ok(buffer_append(&tail, slice_of(attest->bytes + ATTEST_PCRS + 10, attest->size - ATTEST_PCRS - 10)));
    buffer_truncate(attest, ATTEST_PCRS + 10);
    assert_ok(buffer_append(attest, SLICE_ARRAY(selection)));
    assert_ok(buffer_append(attest, buffer_slice(&tail)));
    attest->bytes[ATTEST_PCRS + 3] = 2;
}

static void add_second_bank(struct buffer *attest)
{
    insert_selection(attest, 2);
}

static void add_empty_bank(struct buffer *attest)
{
    insert_selection(attest, 0);
}

static void add_15_empty_banks(struct buffer *attest)
{
    for (size_t i = 0; i < 15; i++) insert_selection(attest, 0);
    attest->bytes[ATTEST_PCRS + 3] = 16;
}

static void test_as_many_banks_as_a_tpm_has_are_read(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .attest = add_15_empty_banks});
    struct tpm_claims claims;
    assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
    assert_int_equal(claims.selection, TEST_TPM_SELECTION);
}

static void test_pcrs_of_two_banks_are_refused_and_an_empty_second_bank_is_not(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote two = test_tpm_quote(&(struct test_quote){.key = p256, .attest = add_second_bank});
    CLEANUP(made_quote_done)
    struct made_quote one = test_tpm_quote(&(struct test_quote){.key = p256, .attest = add_empty_bank});
    struct tpm_claims claims;
    struct refusal why = {};
    assert_refused(tpm_quote_verify(&two.quote, &why, &claims), ERR_TPM_PCR, &why, "attest.pcrSelect");
    assert_ok(tpm_quote_verify(&one.quote, NULL, &claims));
    assert_int_equal(claims.bank, TPM_HASH_SHA256);
    assert_int_equal(claims.selection, TEST_TPM_SELECTION);
}

static void test_each_bank_is_digested_by_the_hash_of_the_signature(void **)
{
    const uint16_t banks[] = {TPM_HASH_SHA1, TPM_HASH_SHA256, TPM_HASH_SHA384, TPM_HASH_SHA512};
    for (size_t i = 0; i < 4; i++) {
        const struct tpm_pcrs pcrs = test_tpm_pcrs((enum tpm_hash)banks[i]);
        CLEANUP(made_quote_done)
        struct made_quote made =
            test_tpm_quote(&(struct test_quote){.key = p384, .hash = HASH_SHA384, .bank = banks[i]});
        struct tpm_claims claims;
        made.quote.pcrs = &pcrs;
        assert_ok(tpm_quote_verify(&made.quote, NULL, &claims));
        assert_int_equal(claims.bank, banks[i]);
        assert_int_equal(claims.pcr_digest_size, 48);
    }
}

static void make_digest_long(struct buffer *attest)
{
    static const uint8_t more[16] = {};
    attest->bytes[ATTEST_PCRS + 11] = 48;
    assert_ok(buffer_append(attest, SLICE_ARRAY(more)));
}

static void test_a_digest_by_another_hash_is_refused(void **)
{
    CLEANUP(made_quote_done)
    struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256, .attest = make_digest_long});
    struct tpm_claims claims;
    struct refusal why = {};
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_PCR, &why, "attest.pcrDigest");
}

static void test_pcr_values_must_be_the_quoted_ones(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256});
    struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    struct tpm_claims claims;
    struct refusal why = {};
    made.quote.pcrs = &pcrs;
    pcrs.values[8][0] ^= 1; /* not quoted: nobody vouches for it, and nobody asks */
    assert_ok(tpm_quote_verify(&made.quote, &why, &claims));
    pcrs.values[7][31] ^= 1;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_PCR, &why, "attest.pcrDigest");
    pcrs.values[7][31] ^= 1;
    pcrs.known = 0x00007f;
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_PCR, &why, "pcrs");
    pcrs = test_tpm_pcrs(TPM_HASH_SHA384);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_PCR, &why, "pcrs.bank");
}

/* ---- the key's public area ---- */

static void test_the_public_area_of_the_key_is_checked(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = rsa});
    CLEANUP(buffer_done) struct buffer area = test_tpm_public(rsa, &(struct test_public){});
    struct tpm_claims claims;
    struct refusal why = {};
    uint8_t name[TPM_NAME_MAX_BYTES];
    size_t size;
    made.quote.key_public = buffer_slice(&area);
    assert_ok(tpm_quote_verify(&made.quote, &why, &claims));
    assert_true(claims.is_key_restricted);
    assert_ok(tpm_public_name(buffer_slice(&area), &why, name, &size));
    assert_slice_equal(slice_of(claims.key_name, claims.key_name_size), slice_of(name, size));
    CLEANUP(buffer_done)
    struct buffer loose = test_tpm_public(rsa, &(struct test_public){.attributes = 0x00040072}); /* signs anything */
    made.quote.key_public = buffer_slice(&loose);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_KEY, &why,
                   "public.objectAttributes.restricted");
    CLEANUP(buffer_done) struct buffer others = test_tpm_public(p256, &(struct test_public){});
    made.quote.key_public = buffer_slice(&others);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_KEY, &why, "public.unique");
}

static void test_a_scheme_that_the_key_does_not_sign_with_is_refused(void **)
{
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = rsa});
    const struct test_public others[] = {{.scheme = 0x0016}, {.scheme_hash = 0x000c}, {.scheme_hash = 0x0012}};
    struct tpm_claims claims;
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(buffer_done) struct buffer area = test_tpm_public(rsa, &others[i]);
        struct refusal why = {};
        made.quote.key_public = buffer_slice(&area);
        assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_KEY, &why, "signature.sigAlg");
    }
}

/* ---- event logs ---- */

static const struct test_bank banks[] = {{TPM_HASH_SHA256, 32}};

/* PCR 4 extended once, and what it then holds. */
static struct buffer log_of_pcr_4(uint8_t value_out[32])
{
    struct buffer log = buffer_of_maximum(4096);
    uint8_t before[64] = {};
    test_log_begin(&log, banks, 1, (struct slice){});
    test_log_event(&log, banks, 1, 4, 5, 0xaa, SLICE_LITERAL("boot"));
    memset(before + 32, 0xaa, 32);
    assert_ok(sha256(SLICE_ARRAY(before), value_out));
    return log;
}

static void test_an_event_log_must_lead_to_the_quoted_pcrs(void **)
{
    struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer log = log_of_pcr_4(pcrs.values[4]);
    const struct test_quote options = {.key = p256, .pcrs = &pcrs};
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&options);
    struct tpm_claims claims;
    struct refusal why = {};
    made.quote.pcrs = &pcrs;
    made.quote.event_log = buffer_slice(&log);
    assert_ok(tpm_quote_verify(&made.quote, &why, &claims));
    assert_true(claims.has_event_log);
    test_log_event(&log, banks, 1, 9, 5, 0xbb, SLICE_LITERAL("not quoted"));
    made.quote.event_log = buffer_slice(&log);
    assert_ok(tpm_quote_verify(&made.quote, &why, &claims));
    test_log_event(&log, banks, 1, 4, 5, 0xcc, SLICE_LITERAL("more"));
    made.quote.event_log = buffer_slice(&log);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_EVENT_LOG, &why, "event_log.pcr[4]");
}

static void test_an_event_log_needs_pcr_values(void **)
{
    uint8_t value[32];
    CLEANUP(buffer_done) struct buffer log = log_of_pcr_4(value);
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256});
    struct tpm_claims claims;
    struct refusal why = {};
    made.quote.event_log = buffer_slice(&log);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_EVENT_LOG, &why, "pcrs");
}

static void test_an_event_log_of_other_pcrs_or_a_broken_one_is_refused(void **)
{
    const struct tpm_pcrs pcrs = test_tpm_pcrs(TPM_HASH_SHA256);
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(4096);
    CLEANUP(made_quote_done) struct made_quote made = test_tpm_quote(&(struct test_quote){.key = p256});
    struct tpm_claims claims;
    struct refusal why = {};
    test_log_begin(&log, banks, 1, (struct slice){});
    test_log_event(&log, banks, 1, 9, 5, 0xbb, SLICE_LITERAL("not quoted"));
    made.quote.pcrs = &pcrs;
    made.quote.event_log = buffer_slice(&log);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_EVENT_LOG, &why, "event_log");
    made.quote.event_log = slice_of(log.bytes, log.size - 1);
    assert_refused(tpm_quote_verify(&made.quote, &why, &claims), ERR_TPM_EVENT_LOG, &why, "event_log.eventSize");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_scheme_of_each_key_is_verified),
        cmocka_unit_test(test_claims_are_the_quotes),
        cmocka_unit_test(test_a_bare_rsa_signature_is_taken_when_it_is_called_so),
        cmocka_unit_test(test_a_quote_is_refused_without_a_trusted_key_and_with_another),
        cmocka_unit_test(test_a_wrapped_quote_is_the_same_quote),
        cmocka_unit_test(test_a_quote_goes_through_the_interface_of_all_kinds),
        cmocka_unit_test(test_each_field_of_a_quote_that_is_signed_but_wrong_is_refused),
        cmocka_unit_test(test_a_name_too_short_for_its_algorithm_is_refused_for_that),
        cmocka_unit_test(test_a_quote_that_ends_early_is_refused_wherever_it_ends),
        cmocka_unit_test(test_bytes_behind_a_quote_and_huge_quotes_are_refused),
        cmocka_unit_test(test_each_field_of_a_signature_that_is_wrong_is_refused),
        cmocka_unit_test(test_algorithms_are_refused_by_name),
        cmocka_unit_test(test_a_signature_that_ends_early_or_is_huge_is_refused),
        cmocka_unit_test(test_numbers_without_their_leading_zeros_are_taken),
        cmocka_unit_test(test_a_number_too_long_for_the_curve_is_refused),
        cmocka_unit_test(test_a_nonce_must_be_whole_and_the_same),
        cmocka_unit_test(test_the_longest_nonce_is_taken),
        cmocka_unit_test(test_required_pcrs_must_be_quoted_and_others_may),
        cmocka_unit_test(test_names_by_weak_or_unknown_hashes_are_refused),
        cmocka_unit_test(test_an_unsafe_clock_is_told),
        cmocka_unit_test(test_a_quote_of_no_pcr_is_refused),
        cmocka_unit_test(test_as_many_banks_as_a_tpm_has_are_read),
        cmocka_unit_test(test_pcrs_of_two_banks_are_refused_and_an_empty_second_bank_is_not),
        cmocka_unit_test(test_each_bank_is_digested_by_the_hash_of_the_signature),
        cmocka_unit_test(test_a_digest_by_another_hash_is_refused),
        cmocka_unit_test(test_pcr_values_must_be_the_quoted_ones),
        cmocka_unit_test(test_the_public_area_of_the_key_is_checked),
        cmocka_unit_test(test_a_scheme_that_the_key_does_not_sign_with_is_refused),
        cmocka_unit_test(test_an_event_log_must_lead_to_the_quoted_pcrs),
        cmocka_unit_test(test_an_event_log_needs_pcr_values),
        cmocka_unit_test(test_an_event_log_of_other_pcrs_or_a_broken_one_is_refused),
    };
    return cmocka_run_group_tests_name("evidence/tpm_quote", tests, make_keys, free_keys);
}
