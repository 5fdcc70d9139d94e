/* SPDX-License-Identifier: Apache-2.0
 *
 * A TPM for tests: attestation keys, quotes, public areas, PCR files and event logs, each of which a test can make
 * wrong in one respect. Whoever wants a whole TPM starts swtpm (tests/system/tpm.test.mjs).
 */
#pragma once

#include "testing.h"

#include "crypto/hash.h"
#include "evidence/tpm.h"

/* restricted, sign, fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth: what tpm2_createak sets. */
#define TEST_TPM_ATTRIBUTES UINT32_C(0x00050072)
enum { TEST_TPM_SELECTION = 0x0000ff };

/* A refusal of this status that names this field, with what was seen and what was expected. */
static inline void assert_refused_at(enum status seen, enum status expected, const struct refusal *why,
                                     const char *field, const char *file, int line)
{
    assert_status_at(seen, expected, file, line);
    if (why->status == expected && strcmp(why->field, field) == 0 && why->seen[0] != 0 && why->expected[0] != 0) return;
    print_error("%s:%d: refused %s (seen %s, expected %s), not %s\n", file, line, why->field, why->seen, why->expected,
                field);
    _fail(file, line);
}
#define assert_refused(call, status, why, field) assert_refused_at((call), (status), (why), (field), __FILE__, __LINE__)

/* Where each field of a structure ends, and its name: what is refused of bytes cut off before that. */
struct test_field_end {
    size_t end;
    const char *name;
};

static inline const char *test_field_at(const struct test_field_end *fields, size_t size)
{
    while (size >= fields->end) fields++;
    return fields->name;
}

/* All-zero members stand for what a genuine quote has. */
struct test_quote {
    const struct key *key;
    uint16_t scheme; /* 0x0014 unless the key is ECC, then 0x0018 */
    enum hash hash;  /* of the scheme; HASH_SHA1 (0) stands for SHA-256 */
    uint16_t bank;   /* 0x000b */
    uint32_t selection;
    bool no_selection;
    struct slice nonce;
    const struct tpm_pcrs *pcrs;           /* test_tpm_pcrs() */
    void (*attest)(struct buffer *attest); /* changes it before it is signed */
};

static inline struct tpm_pcrs test_tpm_pcrs(enum tpm_hash hash)
{
    struct tpm_pcrs pcrs = {.hash = hash, .known = 0xffffff};
    for (uint8_t i = 0; i < TPM_PCR_COUNT; i++) memset(pcrs.values[i], i + 1, sizeof(pcrs.values[i]));
    return pcrs;
}

static inline enum hash test_tpm_hash(uint16_t bank)
{
    return bank == TPM_HASH_SHA1     ? HASH_SHA1
           : bank == TPM_HASH_SHA384 ? HASH_SHA384
           : bank == TPM_HASH_SHA512 ? HASH_SHA512
                                     : HASH_SHA256;
}

static inline void test_tpm_sized(struct buffer *out, struct slice bytes)
{
    assert_ok(buffer_append_u16(out, (uint16_t)bytes.size));
    assert_ok(buffer_append(out, bytes));
}

static inline void test_tpm_digest(const struct tpm_pcrs *pcrs, uint32_t selection, enum hash hash, uint8_t *digest)
{
    struct slice parts[TPM_PCR_COUNT];
    size_t count = 0;
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((selection >> i & 1) == 1)
            parts[count++] = slice_of(pcrs->values[i], hash_bytes(test_tpm_hash((uint16_t)pcrs->hash)));
    }
    assert_ok(hash_parts(hash, parts, count, digest));
}

static inline void test_tpm_selection(struct buffer *out, uint16_t bank, uint32_t selection)
{
    assert_ok(buffer_append_u16(out, bank));
    assert_ok(buffer_append_u8(out, 3));
    for (unsigned i = 0; i < 3; i++) assert_ok(buffer_append_u8(out, (uint8_t)(selection >> 8 * i)));
}

/* TPMS_ATTEST. The qualified signer is 32 times 0x51; clock 1000 ms, 2 resets, 3 restarts, safe, firmware 0x20200312.
 */
static inline struct buffer test_tpm_attest(const struct test_quote *quote)
{
    struct buffer out = buffer_of_maximum(4096);
    uint8_t name[34] = {0x00, 0x0b}, digest[HASH_MAX_BYTES];
    const enum hash hash = quote->hash == HASH_SHA1 ? HASH_SHA256 : quote->hash;
    const uint32_t selection = quote->no_selection ? 0 : quote->selection != 0 ? quote->selection : TEST_TPM_SELECTION;
    const uint16_t bank = quote->bank != 0 ? quote->bank : TPM_HASH_SHA256;
    const struct tpm_pcrs pcrs = quote->pcrs != NULL ? *quote->pcrs : test_tpm_pcrs((enum tpm_hash)bank);
    memset(name + 2, 0x51, 32);
    assert_ok(buffer_append_u32(&out, 0xff544347));
    assert_ok(buffer_append_u16(&out, 0x8018));
    test_tpm_sized(&out, SLICE_ARRAY(name));
    test_tpm_sized(&out, quote->nonce);
    assert_ok(buffer_append_u64(&out, 1000));
    assert_ok(buffer_append_u32(&out, 2));
    assert_ok(buffer_append_u32(&out, 3));
    assert_ok(buffer_append_u8(&out, 1));
    assert_ok(buffer_append_u64(&out, 0x20200312));
    assert_ok(buffer_append_u32(&out, 1));
    test_tpm_selection(&out, bank, selection);
    test_tpm_digest(&pcrs, selection, hash, digest);
    test_tpm_sized(&out, slice_of(digest, hash_bytes(hash)));
    if (quote->attest != NULL) quote->attest(&out);
    return out;
}

/* Offsets in it, with a nonce of n bytes. */
enum { ATTEST_SIGNER = 6, ATTEST_NONCE = 42, ATTEST_CLOCK = 44 /* + n */, ATTEST_PCRS = 69 /* + n */ };

static inline uint16_t test_tpm_scheme(const struct test_quote *quote)
{
    if (quote->scheme != 0) return quote->scheme;
    return key_kind(quote->key) == KEY_RSA ? 0x0014 : 0x0018;
}

/* TPMT_SIGNATURE over `message`. */
static inline struct buffer test_tpm_signature(const struct test_quote *quote, struct slice message)
{
    struct buffer out = buffer_of_maximum(2048);
    CLEANUP(buffer_done) struct buffer raw = buffer_of_maximum(RSA_MAX_BYTES);
    const enum hash hash = quote->hash == HASH_SHA1 ? HASH_SHA256 : quote->hash;
    const uint16_t scheme = test_tpm_scheme(quote);
    assert_ok(key_sign_with(quote->key, hash, scheme == 0x0016 ? KEY_PSS : KEY_PKCS1, message, &raw));
    assert_ok(buffer_append_u16(&out, scheme));
    assert_ok(buffer_append_u16(&out, hash == HASH_SHA384 ? TPM_HASH_SHA384 : TPM_HASH_SHA256));
    const struct slice bytes = buffer_slice(&raw);
    if (scheme == 0x0018) {
        test_tpm_sized(&out, slice_part(bytes, 0, bytes.size / 2));
        test_tpm_sized(&out, slice_part(bytes, bytes.size / 2, bytes.size / 2));
    } else {
        test_tpm_sized(&out, bytes);
    }
    return out;
}

/* A quote with its signature, ready to verify. */
struct made_quote {
    struct buffer attest, signature;
    struct tpm_quote quote;
};

static inline void made_quote_done(struct made_quote *made)
{
    buffer_done(&made->attest);
    buffer_done(&made->signature);
}

static inline struct made_quote test_tpm_quote(const struct test_quote *options)
{
    struct made_quote made = {.attest = test_tpm_attest(options)};
    made.signature = test_tpm_signature(options, buffer_slice(&made.attest));
    made.quote = (struct tpm_quote){
        .attest = buffer_slice(&made.attest), .signature = buffer_slice(&made.signature), .key = options->key};
    return made;
}

/* What a test changes in a public area; all-zero members stand for what tpm2_createak makes. */
struct test_public {
    uint16_t type, name_algorithm, symmetric, scheme, scheme_hash, bits, curve, derivation;
    uint32_t attributes, exponent;
    bool bare; /* TPMT_PUBLIC, without a size */
    void (*unique)(struct buffer *area, struct slice numbers);
};

static inline uint16_t test_tpm_or(uint16_t value, uint16_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static inline void test_tpm_rsa_part(struct buffer *area, const struct key *key, const struct test_public *options)
{
    CLEANUP(buffer_done) struct buffer n = buffer_of_maximum(RSA_MAX_BYTES), e = buffer_of_maximum(8);
    assert_ok(key_rsa_numbers(key, &n, &e));
    assert_ok(buffer_append_u16(area, test_tpm_or(options->bits, (uint16_t)(n.size * 8))));
    assert_ok(buffer_append_u32(area, options->exponent));
    if (options->unique != NULL)
        options->unique(area, buffer_slice(&n));
    else
        test_tpm_sized(area, buffer_slice(&n));
}

static inline void test_tpm_ecc_part(struct buffer *area, const struct key *key, const struct test_public *options)
{
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P384_POINT_BYTES);
    assert_ok(key_public_bytes(key, &point));
    assert_ok(buffer_append_u16(area, test_tpm_or(options->curve, key_kind(key) == KEY_P384 ? 4 : 3)));
    assert_ok(buffer_append_u16(area, test_tpm_or(options->derivation, 0x0010)));
    const struct slice numbers = buffer_slice(&point);
    if (options->unique != NULL) {
        options->unique(area, numbers);
        return;
    }
    test_tpm_sized(area, slice_part(numbers, 0, numbers.size / 2));
    test_tpm_sized(area, slice_part(numbers, numbers.size / 2, numbers.size / 2));
}

static inline struct buffer test_tpm_public(const struct key *key, const struct test_public *options)
{
    CLEANUP(buffer_done) struct buffer area = buffer_of_maximum(2048);
    const bool is_rsa = key_kind(key) == KEY_RSA;
    assert_ok(buffer_append_u16(&area, test_tpm_or(options->type, is_rsa ? 0x0001 : 0x0023)));
    assert_ok(buffer_append_u16(&area, test_tpm_or(options->name_algorithm, 0x000b)));
    assert_ok(buffer_append_u32(&area, options->attributes != 0 ? options->attributes : TEST_TPM_ATTRIBUTES));
    test_tpm_sized(&area, (struct slice){});
    assert_ok(buffer_append_u16(&area, test_tpm_or(options->symmetric, 0x0010)));
    assert_ok(buffer_append_u16(&area, test_tpm_or(options->scheme, is_rsa ? 0x0014 : 0x0018)));
    assert_ok(buffer_append_u16(&area, test_tpm_or(options->scheme_hash, 0x000b)));
    if (is_rsa)
        test_tpm_rsa_part(&area, key, options);
    else
        test_tpm_ecc_part(&area, key, options);
    if (options->bare) return buffer_take(&area);
    struct buffer sized = buffer_of_maximum(2048);
    test_tpm_sized(&sized, buffer_slice(&area));
    return sized;
}

/* PCRs as tpm2_quote -o writes them. */
static inline struct buffer test_tpm_serialized(const struct tpm_pcrs *pcrs, uint32_t selection)
{
    struct buffer out = buffer_of_maximum(16384);
    const size_t size = hash_bytes(test_tpm_hash((uint16_t)pcrs->hash));
    const unsigned lists = ((unsigned)__builtin_popcount(selection) + 7) / 8;
    uint8_t *at;
    assert_ok(buffer_append_u32_le(&out, 1));
    assert_ok(buffer_append_u16_le(&out, (uint16_t)pcrs->hash));
    assert_ok(buffer_append_u8(&out, 3));
    for (unsigned i = 0; i < 3; i++) assert_ok(buffer_append_u8(&out, (uint8_t)(selection >> 8 * i)));
    assert_ok(buffer_extend(&out, 2 + 15 * 8, &at));
    assert_ok(buffer_append_u32_le(&out, lists));
    unsigned pcr = 0;
    for (unsigned list = 0; list < lists; list++) {
        const size_t begin = out.size;
        uint32_t count = 0;
        assert_ok(buffer_append_u32_le(&out, 0));
        while (count < 8 && pcr < TPM_PCR_COUNT) {
            if ((selection >> pcr & 1) == 1) {
                assert_ok(buffer_append_u16_le(&out, (uint16_t)size));
                assert_ok(buffer_extend(&out, 64, &at));
                memcpy(at, pcrs->values[pcr], size);
                count++;
            }
            pcr++;
        }
        assert_ok(buffer_extend(&out, begin + 532 - out.size, &at));
        out.bytes[begin] = (uint8_t)count;
    }
    return out;
}

/* ---- event logs ---- */

/* TCG_PCR_EVENT. */
static inline void test_log_sha1_event(struct buffer *log, uint32_t pcr, uint32_t type, uint8_t digest,
                                       struct slice data)
{
    uint8_t *at;
    assert_ok(buffer_append_u32_le(log, pcr));
    assert_ok(buffer_append_u32_le(log, type));
    assert_ok(buffer_extend(log, SHA1_BYTES, &at));
    memset(at, digest, SHA1_BYTES);
    assert_ok(buffer_append_u32_le(log, (uint32_t)data.size));
    assert_ok(buffer_append(log, data));
}

struct test_bank {
    uint16_t algorithm, size;
};

/* The first event of a log with these banks. */
static inline void test_log_begin(struct buffer *log, const struct test_bank *banks, size_t count, struct slice vendor)
{
    CLEANUP(buffer_done) struct buffer data = buffer_of_maximum(4096);
    static const uint8_t head[] =
        "Spec ID Event03\0\0\0\0\0\0\2\0\2"; /* platform class 0, version 2.0, errata 0, 64 bit */
    assert_ok(buffer_append(&data, slice_of(head, 24)));
    assert_ok(buffer_append_u32_le(&data, (uint32_t)count));
    for (size_t i = 0; i < count; i++) {
        assert_ok(buffer_append_u16_le(&data, banks[i].algorithm));
        assert_ok(buffer_append_u16_le(&data, banks[i].size));
    }
    assert_ok(buffer_append_u8(&data, (uint8_t)vendor.size));
    assert_ok(buffer_append(&data, vendor));
    test_log_sha1_event(log, 0, 3, 0, buffer_slice(&data));
}

/* TCG_PCR_EVENT2, whose digests are the byte `digest` over and over. */
static inline void test_log_event(struct buffer *log, const struct test_bank *banks, size_t count, uint32_t pcr,
                                  uint32_t type, uint8_t digest, struct slice data)
{
    uint8_t *at;
    assert_ok(buffer_append_u32_le(log, pcr));
    assert_ok(buffer_append_u32_le(log, type));
    assert_ok(buffer_append_u32_le(log, (uint32_t)count));
    for (size_t i = 0; i < count; i++) {
        assert_ok(buffer_append_u16_le(log, banks[i].algorithm));
        assert_ok(buffer_extend(log, banks[i].size, &at));
        memset(at, digest, banks[i].size);
    }
    assert_ok(buffer_append_u32_le(log, (uint32_t)data.size));
    assert_ok(buffer_append(log, data));
}
