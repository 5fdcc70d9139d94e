/* SPDX-License-Identifier: Apache-2.0
 *
 * A machine with a TPM that asks for attestation: keys, an authority for its attestation identity key, event logs whose
 * data are what was measured, and requests of both forms, each of which a test can make wrong in one respect. A whole
 * TPM stands behind tests/system/attest-tpm.test.mjs.
 */
#pragma once

#include "attestation/tpm/tpm.h"
#include "base/encoding.h"
#include "crypto/der_write.h"
#include "crypto/x509_issue.h"
#include "test_tpm.h"

#include <stdio.h>
#include <stdlib.h>

enum { MACHINE_NOW_S = 1790000000, MACHINE_YEAR_S = 365 * 86400 };

/* Made once for all tests of a program. */
struct machine {
    struct key *aik, *key, *other, *ecc, *authority, *stranger;
    struct buffer aik_cert, authority_pem;
    struct tpm_roots *roots;
};

/* ---- certificates ---- */

struct machine_certificate {
    const struct key *subject, *issuer;
    bool is_ca, no_purpose, unknown_critical, no_path; /* no_path: no authority below */
    int64_t not_before_s, not_after_s;                 /* 0: a year around the tests' time */
};

static inline struct buffer machine_purpose(void)
{
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(64);
    struct buffer purposes = buffer_of_maximum(64);
    assert_ok(der_append_oid(&list, "2.23.133.8.3"));
    assert_ok(der_append(&purposes, DER_SEQUENCE, buffer_slice(&list)));
    return purposes;
}

static inline struct buffer machine_certificate(const struct machine_certificate *options, struct slice issuer_name)
{
    CLEANUP(buffer_done) struct buffer purposes = machine_purpose();
    const struct extension_text extensions[] = {
        {.oid = "2.5.29.37", .value = buffer_slice(&purposes)},
        {.oid = "1.2.3.4", .critical = true, .value = SLICE_LITERAL("\x05\x00")},
    };
    const size_t skipped = options->is_ca || options->no_purpose ? 1 : 0;
    const struct certificate_text text = {
        .subject = {.organization = "Test", .common_name = options->is_ca ? "AIK authority" : "AIK"},
        .subject_key = options->subject,
        .issuer_name = issuer_name,
        .issuer_key = options->issuer,
        .not_before_s = options->not_before_s != 0 ? options->not_before_s : MACHINE_NOW_S - MACHINE_YEAR_S,
        .not_after_s = options->not_after_s != 0 ? options->not_after_s : MACHINE_NOW_S + MACHINE_YEAR_S,
        .is_ca = options->is_ca,
        .path_length = options->no_path ? 0 : CERTIFICATE_NO_PATH_LIMIT,
        .usage = options->is_ca ? CERTIFICATE_USAGE_SIGN_CERTIFICATES : CERTIFICATE_USAGE_SIGN_DATA,
        .alternative_names = options->is_ca ? NULL : "DNS:tpm",
        .extensions = extensions + skipped,
        .extension_count = (options->unknown_critical ? 2 : 1) - skipped,
    };
    struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    assert_ok(certificate_issue(&text, &der));
    return der;
}

static inline struct slice machine_name(struct slice der, struct certificate **certificate)
{
    assert_ok(certificate_from_der(der, certificate));
    return certificate_subject_der(*certificate);
}

static inline struct machine *machine(void)
{
    static struct machine made;
    if (made.aik != NULL) return &made;
    CLEANUP(certificate_cleanup) struct certificate *authority = NULL;
    assert_ok(key_generate(KEY_RSA, 2048, &made.aik));
    assert_ok(key_generate(KEY_RSA, 2048, &made.key));
    assert_ok(key_generate(KEY_RSA, 2048, &made.other));
    assert_ok(key_generate(KEY_P256, 0, &made.ecc));
    assert_ok(key_generate(KEY_P256, 0, &made.authority));
    assert_ok(key_generate(KEY_P256, 0, &made.stranger));
    CLEANUP(buffer_done)
    struct buffer root = machine_certificate(
        &(struct machine_certificate){.subject = made.authority, .issuer = made.authority, .is_ca = true},
        (struct slice){});
    made.aik_cert = machine_certificate(&(struct machine_certificate){.subject = made.aik, .issuer = made.authority},
                                        machine_name(buffer_slice(&root), &authority));
    made.authority_pem = buffer_of_maximum(CERTIFICATE_PEM_MAX_BYTES);
    assert_ok(certificate_pem(buffer_slice(&root), &made.authority_pem));
    assert_ok(tpm_roots_from_pem(buffer_slice(&made.authority_pem), NULL, &made.roots));
    return &made;
}

/* ---- logs: SHA-1 and SHA-256, each digest that of the data ---- */

static const struct test_bank machine_banks[] = {{TPM_HASH_SHA1, 20}, {TPM_HASH_SHA256, 32}};

static inline struct buffer machine_log(void)
{
    struct buffer log = buffer_of_maximum(TPM_EVENT_LOG_MAX_BYTES);
    test_log_begin(&log, machine_banks, 2, (struct slice){});
    return log;
}

/* `measured` are what the digests are of; the log tells `data`. */
static inline void machine_event_of(struct buffer *log, uint32_t pcr, uint32_t type, struct slice measured,
                                    struct slice data)
{
    uint8_t digest[HASH_MAX_BYTES];
    assert_ok(buffer_append_u32_le(log, pcr));
    assert_ok(buffer_append_u32_le(log, type));
    assert_ok(buffer_append_u32_le(log, 2));
    for (size_t i = 0; i < 2; i++) {
        assert_ok(buffer_append_u16_le(log, machine_banks[i].algorithm));
        assert_ok(hash_parts(test_tpm_hash(machine_banks[i].algorithm), &measured, 1, digest));
        assert_ok(buffer_append(log, slice_of(digest, machine_banks[i].size)));
    }
    assert_ok(buffer_append_u32_le(log, (uint32_t)data.size));
    assert_ok(buffer_append(log, data));
}

static inline void machine_event(struct buffer *log, uint32_t pcr, uint32_t type, struct slice data)
{
    machine_event_of(log, pcr, type, data, data);
}

static inline void machine_utf16(struct buffer *out, const char *text)
{
    for (; *text != 0; text++) assert_ok(buffer_append_u16_le(out, (uint16_t)*text));
}

/* UEFI_VARIABLE_DATA of a global variable. */
static inline struct buffer machine_variable(const char *name, struct slice data)
{
    static const uint8_t guid[16] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                     0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
    struct buffer out = buffer_of_maximum(4096);
    assert_ok(buffer_append(&out, SLICE_ARRAY(guid)));
    assert_ok(buffer_append_u32_le(&out, (uint32_t)strlen(name)));
    assert_ok(buffer_append_u32_le(&out, 0));
    assert_ok(buffer_append_u32_le(&out, (uint32_t)data.size));
    assert_ok(buffer_append_u32_le(&out, 0));
    machine_utf16(&out, name);
    assert_ok(buffer_append(&out, data));
    return out;
}

static inline void machine_variable_event(struct buffer *log, uint32_t type, const char *name, struct slice data)
{
    CLEANUP(buffer_done) struct buffer variable = machine_variable(name, data);
    machine_event(log, 7, type, buffer_slice(&variable));
}

/* A SIPA element. */
static inline void machine_element(struct buffer *out, uint32_t number, struct slice data)
{
    assert_ok(buffer_append_u32_le(out, number));
    assert_ok(buffer_append_u32_le(out, (uint32_t)data.size));
    assert_ok(buffer_append(out, data));
}

static inline void machine_trust_boundary(struct buffer *log, uint32_t pcr, const struct buffer *elements)
{
    CLEANUP(buffer_done) struct buffer tagged = buffer_of_maximum(65536);
    machine_element(&tagged, 0x40010001, buffer_slice(elements));
    machine_event(log, pcr, 6, buffer_slice(&tagged));
}

static inline void machine_identity_key(struct buffer *elements, const struct key *key)
{
    CLEANUP(buffer_done)
    struct buffer data = buffer_of_maximum(2048), n = buffer_of_maximum(512), e = buffer_of_maximum(8);
    assert_ok(key_rsa_numbers(key, &n, &e));
    assert_ok(buffer_append_u32_le(&data, 1));
    assert_ok(buffer_append_u32_le(&data, (uint32_t)n.size * 8));
    assert_ok(buffer_append_u32_le(&data, (uint32_t)e.size));
    assert_ok(buffer_append_u32_le(&data, (uint32_t)n.size));
    assert_ok(buffer_append(&data, buffer_slice(&e)));
    assert_ok(buffer_append(&data, buffer_slice(&n)));
    machine_element(elements, 0x00050023, buffer_slice(&data));
}

/* Windows with secure boot and VBS, as a good machine measures it; `identity` may be NULL. */
static inline struct buffer machine_windows_log(const struct key *identity)
{
    struct buffer log = machine_log();
    CLEANUP(buffer_done)
    struct buffer loader = buffer_of_maximum(65536), system = buffer_of_maximum(65536),
                  module = buffer_of_maximum(4096);
    machine_event(&log, 0, 8, SLICE_LITERAL("firmware 1.0"));
    machine_variable_event(&log, 0x80000001, "SecureBoot", SLICE_LITERAL("\1"));
    machine_variable_event(&log, 0x80000001, "PK", SLICE_LITERAL("a key"));
    machine_event(&log, 7, 4, SLICE_LITERAL("\0\0\0\0"));
    machine_event(&log, 4, 0x80000007, SLICE_LITERAL("Calling EFI Application from Boot Option"));
    machine_element(&loader, 0x00040001, SLICE_LITERAL("\0"));
    machine_element(&loader, 0x00020009, SLICE_LITERAL("\1\0\0\0\0\0\0\0"));
    machine_element(&loader, 0x000a0001, SLICE_LITERAL("\1"));
    machine_element(&loader, 0x000a0003, SLICE_LITERAL("\1"));
    machine_element(&loader, 0x000a0007, SLICE_LITERAL("\1\0\0\0\0\0\0\0"));
    machine_trust_boundary(&log, 12, &loader);
    machine_element(&system, 0x00050002, SLICE_LITERAL("\1"));
    machine_element(&system, 0x00050005, SLICE_LITERAL("\0"));
    machine_element(&system, 0x00050006, SLICE_LITERAL("\0"));
    machine_element(&module, 0x00070001, SLICE_LITERAL("\\\0W\0\0\0"));
    machine_element(&module, 0x0007000a, SLICE_LITERAL("\1"));
    machine_element(&system, 0x40010003, buffer_slice(&module));
    if (identity != NULL) machine_identity_key(&system, identity);
    machine_trust_boundary(&log, 13, &system);
    machine_event(&log, 12, 4, SLICE_LITERAL("WBCL"));
    machine_event(&log, 13, 4, SLICE_LITERAL("WBCL"));
    return log;
}

/* What a TPM holds after a log: all 24 PCRs. */
static inline struct tpm_pcrs machine_pcrs(struct slice log, enum tpm_hash bank)
{
    struct tpm_pcrs pcrs = {.hash = bank};
    assert_ok(tpm_event_log_replay(log, bank, NULL, &pcrs));
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((pcrs.known >> i & 1) == 0) memset(pcrs.values[i], i >= 17 && i <= 22 ? 0xff : 0, sizeof(pcrs.values[i]));
    }
    pcrs.known = 0xffffff;
    return pcrs;
}

/* ---- parts of requests ---- */

static inline void machine_text(struct buffer *out, const char *name, struct slice bytes)
{
    assert_ok(buffer_append_format(out, "\"%s\":\"", name));
    assert_ok(base64url_encode(bytes, out));
    assert_ok(buffer_append_text(out, "\""));
}

static inline struct buffer machine_jwk(const struct key *key)
{
    struct buffer out = buffer_of_maximum(4096);
    if (key_kind(key) == KEY_RSA) {
        CLEANUP(buffer_done) struct buffer n = buffer_of_maximum(512), e = buffer_of_maximum(8);
        assert_ok(key_rsa_numbers(key, &n, &e));
        assert_ok(buffer_append_text(&out, "{ \"kty\": \"RSA\", "));
        machine_text(&out, "n", buffer_slice(&n));
        assert_ok(buffer_append_text(&out, ","));
        machine_text(&out, "e", buffer_slice(&e));
    } else {
        CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
        assert_ok(key_public_bytes(key, &point));
        assert_ok(buffer_append_text(&out, "{\"kty\":\"EC\",\"crv\":\"P-256\","));
        machine_text(&out, "x", slice_part(buffer_slice(&point), 0, 32));
        assert_ok(buffer_append_text(&out, ","));
        machine_text(&out, "y", slice_part(buffer_slice(&point), 32, 32));
    }
    assert_ok(buffer_append_text(&out, "}"));
    return out;
}

/* What a test changes. All-zero: a good request of the second form, whose key is bound by the quote. */
struct machine_request {
    bool is_v1, is_vbs, has_boot, no_certificate, two_banks, resumed;
    enum { MACHINE_BOUND_BY_QUOTE, MACHINE_BOUND_BY_CERTIFY, MACHINE_NOT_BOUND } binding;
    const struct key *key, *signer, *aik, *quote_key,
        *boot_aik; /* request key, who signs the JWS, AIK, who signs the quote */
    struct slice aik_cert, log, challenge, context, nonce;
    const char *header, *members, *others; /* JWS header; more members of att_data; other_keys */
    uint32_t selection;
    void (*attest)(struct buffer *attest);
    const struct tpm_pcrs *pcrs; /* told, instead of what is quoted */
    const char *find, *put;      /* replaced in the payload before it is signed, the first time it stands there */
    const struct key *identity;  /* signs the enclave's report; NULL: the machine's other key */
    void (*package)(struct buffer *report);
    bool enclave_over_nothing;
    void (*public_area)(struct test_public *area);
    void (*certification)(struct buffer *attest);
};

static inline struct slice machine_challenge(const struct machine_request *options)
{
    return options->challenge.size > 0 ? options->challenge : SLICE_LITERAL("0123456789abcdef0123456789abcdef");
}

/* TPMS_ATTEST of TPM2_Certify for a public area (TPM2B_PUBLIC). */
static inline struct buffer machine_certification(struct slice area, struct slice nonce)
{
    struct buffer out = buffer_of_maximum(TPM_ATTEST_MAX_BYTES);
    uint8_t name[34] = {0x00, 0x0b};
    const struct slice bare = slice_part(area, 2, area.size);
    assert_ok(buffer_append_u32(&out, 0xff544347));
    assert_ok(buffer_append_u16(&out, 0x8017));
    test_tpm_sized(&out, SLICE_ARRAY(name));
    test_tpm_sized(&out, nonce);
    assert_ok(buffer_append_u64(&out, 1000));
    assert_ok(buffer_append_u32(&out, 2));
    assert_ok(buffer_append_u32(&out, 3));
    assert_ok(buffer_append_u8(&out, 1));
    assert_ok(buffer_append_u64(&out, 0x20200312));
    assert_ok(sha256(bare, name + 2));
    test_tpm_sized(&out, SLICE_ARRAY(name));
    test_tpm_sized(&out, SLICE_ARRAY(name));
    return out;
}

static inline void machine_certify(struct buffer *out, const struct key *key, const struct machine_request *options)
{
    struct test_public public_area = {.attributes = UINT32_C(0x00040072)};
    if (options->public_area != NULL) options->public_area(&public_area);
    CLEANUP(buffer_done) struct buffer area = test_tpm_public(key, &public_area);
    CLEANUP(buffer_done) struct buffer attest = machine_certification(buffer_slice(&area), machine_challenge(options));
    if (options->certification != NULL) options->certification(&attest);
    CLEANUP(buffer_done)
    struct buffer signature = test_tpm_signature(&(struct test_quote){.key = options->aik}, buffer_slice(&attest));
    assert_ok(buffer_append_text(out, "{\"tpm_certify\":{"));
    machine_text(out, "public", slice_part(buffer_slice(&area), 2, area.size));
    assert_ok(buffer_append_text(out, ","));
    machine_text(out, "certification", buffer_slice(&attest));
    assert_ok(buffer_append_text(out, ","));
    machine_text(out, "signature", buffer_slice(&signature));
    assert_ok(buffer_append_text(out, "}}"));
}

/* What the quote carries. */
static inline struct buffer machine_nonce(const struct machine_request *options)
{
    struct buffer nonce = buffer_of_maximum(128);
    CLEANUP(buffer_done) struct buffer jwk = machine_jwk(options->key);
    const struct slice parts[] = {buffer_slice(&jwk), SLICE_LITERAL("\0"), machine_challenge(options)};
    uint8_t digest[32];
    if (options->nonce.size > 0) {
        assert_ok(buffer_append(&nonce, options->nonce));
    } else if (options->is_v1 || options->binding != MACHINE_BOUND_BY_QUOTE) {
        assert_ok(buffer_append(&nonce, machine_challenge(options)));
    } else {
        assert_ok(sha256_parts(parts, 3, digest));
        assert_ok(buffer_append(&nonce, SLICE_ARRAY(digest)));
    }
    return nonce;
}

/* The quote of several banks: each selection behind the other, the digest over all. */
static inline void machine_two_banks(struct buffer *attest, const struct tpm_pcrs *first, const struct tpm_pcrs *second,
                                     uint32_t selection)
{
    struct slice parts[2 * TPM_PCR_COUNT];
    uint8_t digest[32];
    size_t count = 0;
    buffer_truncate(attest, attest->size - 34 - 6 - 4);
    assert_ok(buffer_append_u32(attest, 2));
    test_tpm_selection(attest, (uint16_t)first->hash, selection);
    test_tpm_selection(attest, (uint16_t)second->hash, selection);
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((selection >> i & 1) == 1) parts[count++] = slice_of(first->values[i], 20);
    }
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((selection >> i & 1) == 1) parts[count++] = slice_of(second->values[i], 32);
    }
    assert_ok(sha256_parts(parts, count, digest));
    test_tpm_sized(attest, SLICE_ARRAY(digest));
}

struct machine_quote {
    struct buffer attest, signature;
    struct tpm_pcrs sha1, sha256;
};

static inline void machine_quote_done(struct machine_quote *quote)
{
    buffer_done(&quote->attest);
    buffer_done(&quote->signature);
}

static inline struct machine_quote machine_make_quote(const struct machine_request *options, struct slice log)
{
    CLEANUP(buffer_done) struct buffer nonce = machine_nonce(options);
    struct machine_quote made = {.sha1 = machine_pcrs(log, TPM_HASH_SHA1),
                                 .sha256 = machine_pcrs(log, TPM_HASH_SHA256)};
    const struct test_quote quote = {.key = options->quote_key,
                                     .selection = options->selection,
                                     .nonce = buffer_slice(&nonce),
                                     .pcrs = &made.sha256};
    made.attest = test_tpm_attest(&quote);
    if (options->two_banks) machine_two_banks(&made.attest, &made.sha1, &made.sha256, options->selection);
    if (options->attest != NULL) options->attest(&made.attest);
    made.signature = test_tpm_signature(&quote, buffer_slice(&made.attest));
    return made;
}

static inline void machine_bank(struct buffer *out, const struct tpm_pcrs *pcrs, uint32_t selection)
{
    const char *separator = "";
    assert_ok(buffer_append_format(out, "{\"algorithm\":%d,\"values\":[", pcrs->hash));
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((selection >> i & 1) == 0) continue;
        assert_ok(buffer_append_format(out, "%s{\"index\":%u,", separator, i));
        machine_text(out, "digest", slice_of(pcrs->values[i], hash_bytes(test_tpm_hash((uint16_t)pcrs->hash))));
        assert_ok(buffer_append_text(out, "}"));
        separator = ",";
    }
    assert_ok(buffer_append_text(out, "]}"));
}

/* One attestation of the second form. */
static inline void machine_side(struct buffer *out, const struct machine_request *options, struct slice log)
{
    CLEANUP(machine_quote_done) struct machine_quote quote = machine_make_quote(options, log);
    CLEANUP(buffer_done) struct buffer jwk = machine_jwk(options->aik);
    assert_ok(buffer_append_text(out, "{\"logs\":[{\"type\":\"TCG\","));
    machine_text(out, "log", log);
    assert_ok(buffer_append_text(out, "}],"));
    if (!options->no_certificate) {
        machine_text(out, "aik_cert", options->aik_cert);
        assert_ok(buffer_append_text(out, ","));
    }
    assert_ok(buffer_append_format(out, "\"aik_pub\":%.*s,\"pcrs\":[", (int)jwk.size, jwk.bytes));
    if (options->two_banks) {
        machine_bank(out, &quote.sha1, options->selection);
        assert_ok(buffer_append_text(out, ","));
    }
    machine_bank(out, options->pcrs != NULL ? options->pcrs : &quote.sha256, options->selection);
    assert_ok(buffer_append_text(out, "],"));
    machine_text(out, "quote", buffer_slice(&quote.attest));
    assert_ok(buffer_append_text(out, ","));
    machine_text(out, "signature", buffer_slice(&quote.signature));
    assert_ok(buffer_append_text(out, "}"));
}

/* Windows' statement of the first form. */
static inline void machine_statement(struct buffer *out, const char *name, const struct machine_request *options,
                                     struct slice log)
{
    CLEANUP(machine_quote_done) struct machine_quote quote = machine_make_quote(options, log);
    CLEANUP(buffer_done) struct buffer statement = buffer_of_maximum(8192);
    assert_ok(buffer_append_text(&statement, "ALPT"));
    assert_ok(buffer_append_u32_le(&statement, 0));
    assert_ok(buffer_append_u32_le(&statement, 11));
    assert_ok(buffer_append_u32_le(&statement, (uint32_t)quote.signature.size));
    assert_ok(buffer_append_u32_le(&statement, (uint32_t)quote.attest.size));
    assert_ok(buffer_append_u32_le(&statement, 24 * 32));
    assert_ok(buffer_append(&statement, buffer_slice(&quote.signature)));
    assert_ok(buffer_append(&statement, buffer_slice(&quote.attest)));
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++)
        assert_ok(buffer_append(&statement, slice_of(quote.sha256.values[i], 32)));
    machine_text(out, name, buffer_slice(&statement));
}

static inline void machine_first_form(struct buffer *out, const struct machine_request *options)
{
    CLEANUP(buffer_done) struct buffer jwk = machine_jwk(options->aik), resume = machine_log();
    machine_event(&resume, 7, 4, SLICE_LITERAL("\0\0\0\0"));
    machine_text(out, "srtm_boot_log", options->log);
    assert_ok(buffer_append_text(out, ",\"drtm_boot_log\":\"\","));
    if (options->resumed) {
        machine_text(out, "srtm_resume_log", buffer_slice(&resume));
        assert_ok(buffer_append_text(out, ","));
        machine_statement(out, "boot_claim", options, options->log);
        assert_ok(buffer_append_text(out, ","));
    }
    machine_text(out, "aik_cert", options->aik_cert);
    assert_ok(buffer_append_format(out, ",\"aik_pub\":%.*s,", (int)jwk.size, jwk.bytes));
    machine_statement(out, "current_claim", options, options->resumed ? buffer_slice(&resume) : options->log);
}

static inline void machine_tpm_data(struct buffer *out, const struct machine_request *options)
{
    assert_ok(buffer_append_text(out, "\"tpm_att_data\":{"));
    if (options->is_v1) {
        machine_first_form(out, options);
    } else {
        assert_ok(buffer_append_text(out, "\"current_attestation\":"));
        machine_side(out, options, options->log);
        if (options->has_boot) {
            struct machine_request boot = *options;
            boot.nonce = SLICE_LITERAL("when it booted");
            if (options->boot_aik != NULL) boot.aik = boot.quote_key = options->boot_aik;
            assert_ok(buffer_append_text(out, ",\"boot_attestation\":"));
            machine_side(out, &boot, options->log);
        }
    }
    assert_ok(buffer_append_text(out, "},"));
}

static inline void machine_key(struct buffer *out, const struct machine_request *options)
{
    CLEANUP(buffer_done) struct buffer jwk = machine_jwk(options->key);
    if (options->is_v1) {
        assert_ok(buffer_append_format(out, "\"attest_key\":%.*s", (int)jwk.size, jwk.bytes));
        return;
    }
    assert_ok(buffer_append_format(out, "\"request_key\":{\"jwk\":%.*s", (int)jwk.size, jwk.bytes));
    if (options->binding == MACHINE_BOUND_BY_QUOTE)
        assert_ok(buffer_append_text(out, ",\"info\":{\"tpm_quote\":{\"hash_alg\":\"sha-256\"}}"));
    if (options->binding == MACHINE_BOUND_BY_CERTIFY) {
        assert_ok(buffer_append_text(out, ",\"info\":"));
        machine_certify(out, options->key, options);
    }
    assert_ok(buffer_append_text(out, "}"));
}

static inline void machine_members(struct buffer *out, const struct machine_request *options)
{
    assert_ok(buffer_append_text(out, "{\"rp_id\":\"https://rp.example\",\"rp_data\":\"bm9uY2U\","));
    machine_text(out, "challenge", machine_challenge(options));
    assert_ok(buffer_append_text(out, ","));
    machine_tpm_data(out, options);
    machine_key(out, options);
    if (options->others != NULL) assert_ok(buffer_append_format(out, ",\"other_keys\":%s", options->others));
    if (options->members != NULL) assert_ok(buffer_append_format(out, ",%s", options->members));
    assert_ok(buffer_append_text(out, ","));
    machine_text(out, "service_context", options->context.size > 0 ? options->context : SLICE_LITERAL("context"));
    assert_ok(buffer_append_text(out, "}"));
}

/* ---- enclaves ---- */

static inline struct buffer machine_enclave_report(struct slice signed_text, const struct machine_request *options)
{
    CLEANUP(buffer_done) struct buffer statement = buffer_of_maximum(4096), signature = buffer_of_maximum(512);
    struct buffer package = buffer_of_maximum(8192);
    uint8_t digest[64], id[32];
    assert_ok(hash_parts(HASH_SHA512, &signed_text, 1, digest));
    assert_ok(buffer_append_u32_le(&statement, 8 + 64 + 152));
    assert_ok(buffer_append_u32_le(&statement, 1));
    assert_ok(buffer_append(&statement, SLICE_ARRAY(digest)));
    for (uint8_t i = 1; i <= 3; i++) { /* owner, unique, author */
        memset(id, i, sizeof(id));
        assert_ok(buffer_append(&statement, SLICE_ARRAY(id)));
    }
    for (uint8_t i = 4; i <= 5; i++) { /* family, image */
        memset(id, i, sizeof(id));
        assert_ok(buffer_append(&statement, slice_of(id, 16)));
    }
    for (uint32_t i = 0; i < 6; i++) assert_ok(buffer_append_u32_le(&statement, i < 5 ? 6 + i : 0x10));
    const struct key *const key = options->identity != NULL ? options->identity : machine()->other;
    assert_ok(key_sign_with(key, HASH_SHA256, KEY_PSS, buffer_slice(&statement), &signature));
    assert_ok(buffer_append_u32_le(&package, (uint32_t)(24 + statement.size + signature.size)));
    assert_ok(buffer_append_u32_le(&package, 1));
    assert_ok(buffer_append_u32_le(&package, 1));
    assert_ok(buffer_append_u32_le(&package, (uint32_t)statement.size));
    assert_ok(buffer_append_u32_le(&package, (uint32_t)signature.size));
    assert_ok(buffer_append_u32_le(&package, 0));
    assert_ok(buffer_append(&package, buffer_slice(&statement)));
    assert_ok(buffer_append(&package, buffer_slice(&signature)));
    if (options->package != NULL) options->package(&package);
    return package;
}

/* ---- whole requests ---- */

static inline void machine_replace(struct buffer *text, const char *find, const char *put)
{
    const char *characters;
    assert_ok(buffer_text(text, &characters));
    const char *const at = strstr(characters, find);
    assert_non_null(at);
    CLEANUP(buffer_done) struct buffer rest = buffer_of_maximum(text->maximum);
    assert_ok(buffer_append_text(&rest, at + strlen(find)));
    buffer_truncate(text, (size_t)(at - characters));
    assert_ok(buffer_append_text(text, put));
    assert_ok(buffer_append(text, buffer_slice(&rest)));
}

static inline struct buffer machine_payload(const struct machine_request *options)
{
    struct buffer payload = buffer_of_maximum(1 << 20);
    CLEANUP(buffer_done) struct buffer members = buffer_of_maximum(1 << 20);
    machine_members(&members, options);
    if (options->is_vbs) {
        const struct slice signed_text = options->enclave_over_nothing ? (struct slice){} : buffer_slice(&members);
        CLEANUP(buffer_done) struct buffer report = machine_enclave_report(signed_text, options);
        assert_ok(buffer_append_text(&payload, "{\"att_type\":\"vbs\",\"att_data\":{\"report_signed\":"));
        assert_ok(buffer_append(&payload, buffer_slice(&members)));
        assert_ok(buffer_append_text(&payload, options->is_v1 ? "," : ",\"vsm_report\":{\"enclave\":{"));
        machine_text(&payload, options->is_v1 ? "vsm_report" : "report", buffer_slice(&report));
        assert_ok(buffer_append_text(&payload, options->is_v1 ? "}}" : "}}}}"));
    } else {
        assert_ok(buffer_append_text(&payload, "{\"att_type\":\"basic\",\"att_data\":"));
        assert_ok(buffer_append(&payload, buffer_slice(&members)));
        assert_ok(buffer_append_text(&payload, "}"));
    }
    if (options->find != NULL) machine_replace(&payload, options->find, options->put);
    return payload;
}

/* The message, decoded: {"payload":{"request":JWS}}. */
static inline struct buffer machine_message(const struct machine_request *given)
{
    struct machine_request options = *given;
    CLEANUP(buffer_done) struct buffer log = machine_windows_log(machine()->other);
    if (options.aik == NULL) options.aik = machine()->aik;
    if (options.quote_key == NULL) options.quote_key = options.aik;
    if (options.key == NULL) options.key = machine()->key;
    if (options.aik_cert.size == 0) options.aik_cert = buffer_slice(&machine()->aik_cert);
    if (options.log.size == 0) options.log = buffer_slice(&log);
    if (options.selection == 0) options.selection = 0xffffff;
    const char *const header = options.header != NULL ? options.header
                               : options.is_v1        ? "{\"alg\":\"PS256\",\"typ\":\"attReq\"}"
                                                      : "{\"alg\":\"PS256\",\"typ\":\"attReqV2\"}";
    CLEANUP(buffer_done)
    struct buffer payload = machine_payload(&options), jws = buffer_of_maximum(1 << 21),
                  signature = buffer_of_maximum(512);
    assert_ok(base64url_encode(slice_of_text(header), &jws));
    assert_ok(buffer_append_text(&jws, "."));
    assert_ok(base64url_encode(buffer_slice(&payload), &jws));
    const struct key *const signer = options.signer != NULL ? options.signer : options.key;
    assert_ok(key_sign_with(signer, HASH_SHA256, KEY_PSS, buffer_slice(&jws), &signature));
    assert_ok(buffer_append_text(&jws, "."));
    assert_ok(base64url_encode(buffer_slice(&signature), &jws));
    struct buffer message = buffer_of_maximum(1 << 21);
    assert_ok(buffer_append_format(&message, "{\"payload\":{\"request\":\"%.*s\"}}", (int)jws.size, jws.bytes));
    return message;
}
