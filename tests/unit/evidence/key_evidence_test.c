/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/key_evidence.h"

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/x509_issue.h"
#include "testing.h"

enum { NOW = 1800000000, QUOTE_BYTES = 1020, REPORT_DATA_AT = 48 + 320 };

#define REPORT "1.3.6.1.4.1.311.105.1"
#define OLD_REPORT "1.2.840.113556.10.1.1"
#define OLD_EVIDENCE "1.2.840.113556.10.1.2"
#define BARE "2.25.255985462217562341571262384637716423731"

static struct key *key;

/* What stands for a quote of the key: only its version and its report data are looked at here. */
static void make_quote(uint8_t quote[static QUOTE_BYTES])
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    memset(quote, 0, QUOTE_BYTES);
    quote[0] = 3;
    quote[2] = 2; /* an attestation key of ECDSA P-256 */
    assert_ok(key_public_pem(key, &pem));
    assert_ok(buffer_append_u8(&pem, 0));
    assert_ok(sha256(buffer_slice(&pem), quote + REPORT_DATA_AT));
}

static struct buffer certificate_with(const char *oid, struct slice value)
{
    struct buffer der = buffer_of_maximum(64 * 1024);
    const struct extension_text extension = {.oid = oid, .value = value};
    const struct certificate_text text = {.subject = {.common_name = "https://localhost:7443"},
                                          .subject_key = key,
                                          .issuer_key = key,
                                          .not_before_s = NOW,
                                          .not_after_s = NOW + 1,
                                          .extensions = &extension,
                                          .extension_count = oid == NULL ? 0 : 1};
    assert_ok(certificate_issue(&text, &der));
    return der;
}

static struct buffer report_of(struct slice quote)
{
    struct buffer report = buffer_of_maximum(2 * QUOTE_BYTES);
    assert_ok(buffer_append_u32_le(&report, 1));
    assert_ok(buffer_append_u32_le(&report, 2));
    assert_ok(buffer_append_u32_le(&report, (uint32_t)quote.size));
    assert_ok(buffer_append_u32_le(&report, 0));
    assert_ok(buffer_append(&report, quote));
    return report;
}

static void assert_vouches(const char *oid, struct slice value)
{
    CLEANUP(buffer_done) struct buffer der = certificate_with(oid, value);
    struct key_evidence evidence;
    uint8_t quote[QUOTE_BYTES];
    make_quote(quote);
    assert_ok(key_evidence_read(buffer_slice(&der), NULL, &evidence));
    assert_slice_equal(evidence.quote, SLICE_ARRAY(quote));
    assert_ok(key_evidence_check(&evidence, evidence.quote.bytes + REPORT_DATA_AT, NULL));
}

static void test_quotes_of_every_form_are_found(void **)
{
    uint8_t quote[QUOTE_BYTES];
    make_quote(quote);
    CLEANUP(buffer_done) struct buffer report = report_of(SLICE_ARRAY(quote));
    assert_vouches(REPORT, buffer_slice(&report));
    assert_vouches(OLD_REPORT, buffer_slice(&report));
    assert_vouches(BARE, SLICE_ARRAY(quote));
    CLEANUP(buffer_done) struct buffer nested = buffer_of_maximum(2 * QUOTE_BYTES);
    assert_ok(buffer_append(&nested, SLICE_LITERAL("\x04\x82\x03\xfc")));
    assert_ok(buffer_append(&nested, SLICE_ARRAY(quote)));
    assert_vouches(OLD_REPORT, buffer_slice(&nested));
}

static void test_a_certificate_without_a_quote_vouches_for_nothing(void **)
{
    CLEANUP(buffer_done) struct buffer der = certificate_with(NULL, (struct slice){});
    struct key_evidence evidence;
    struct refusal why;
    assert_status(key_evidence_read(buffer_slice(&der), &why, &evidence), ERR_FIELD_MISSING);
    CLEANUP(buffer_done) struct buffer other = certificate_with("1.2.3.4", SLICE_LITERAL("anything"));
    assert_status(key_evidence_read(buffer_slice(&other), &why, &evidence), ERR_FIELD_MISSING);
    /* The number that stood beside Azure's quotes in mid 2020. */
    CLEANUP(buffer_done) struct buffer number = certificate_with(OLD_EVIDENCE, SLICE_LITERAL("\2\1\1"));
    assert_status(key_evidence_read(buffer_slice(&number), &why, &evidence), ERR_FIELD_MISSING);
}

static void test_a_report_that_is_cut_short_is_refused(void **)
{
    uint8_t quote[QUOTE_BYTES];
    make_quote(quote);
    CLEANUP(buffer_done) struct buffer report = report_of(SLICE_ARRAY(quote));
    CLEANUP(buffer_done)
    struct buffer der = certificate_with(REPORT, slice_part(buffer_slice(&report), 0, report.size - 1));
    struct key_evidence evidence;
    assert_true(key_evidence_read(buffer_slice(&der), NULL, &evidence) != OK);
}

static void test_bytes_that_are_no_certificate_are_refused(void **)
{
    uint8_t quote[QUOTE_BYTES];
    make_quote(quote);
    CLEANUP(buffer_done) struct buffer der = certificate_with(BARE, SLICE_ARRAY(quote));
    struct key_evidence evidence;
    for (size_t size = 0; size < der.size; size += size < 64 ? 1 : 37)
        assert_status(key_evidence_read(slice_of(der.bytes, size), NULL, &evidence), ERR_CERTIFICATE_MALFORMED);
    assert_ok(buffer_append_u8(&der, 0));
    assert_status(key_evidence_read(buffer_slice(&der), NULL, &evidence), ERR_CERTIFICATE_MALFORMED);
}

static void test_report_data_is_the_keys_digest_and_zeros(void **)
{
    uint8_t quote[QUOTE_BYTES];
    make_quote(quote);
    CLEANUP(buffer_done) struct buffer der = certificate_with(BARE, SLICE_ARRAY(quote));
    struct key_evidence evidence;
    struct refusal why;
    assert_ok(key_evidence_read(buffer_slice(&der), NULL, &evidence));
    for (size_t at = 0; at < 64; at += 9) {
        quote[REPORT_DATA_AT + at] ^= 1;
        assert_status(key_evidence_check(&evidence, quote + REPORT_DATA_AT, &why), ERR_REPORT_DATA);
        quote[REPORT_DATA_AT + at] ^= 1;
    }
    assert_ok(key_evidence_check(&evidence, quote + REPORT_DATA_AT, &why));
}

/* ---- Azure's own ---- */

static void assert_azures(struct slice base64, bool has_quote)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(64 * 1024);
    struct key_evidence evidence;
    assert_ok(base64_decode(base64, &der));
    const enum status status = key_evidence_read(buffer_slice(&der), NULL, &evidence);
    assert_int_equal(status, has_quote ? OK : ERR_FIELD_MISSING);
    if (has_quote) assert_ok(key_evidence_check(&evidence, evidence.quote.bytes + REPORT_DATA_AT, NULL));
}

/* Of mid 2020: 1024 bits, which nobody should verify with, but the quote binds them. The keys beside it have none. */
static void test_azures_recorded_key_is_bound_by_its_quote(void **)
{
    CLEANUP(buffer_done)
    struct buffer text = read_whole(shared_path("vectors/maa/uks-2020-oe-attest/get.certs.response.body.json"));
    CLEANUP(json_done) json_t *set = NULL;
    assert_ok(json_parse(buffer_slice(&text), 1 << 20, NULL, &set));
    const json_t *const keys = json_object_get(set, "keys");
    assert_int_equal(json_array_size(keys), 5);
    for (size_t i = 0; i < 5; i++) {
        const json_t *const x5c = json_object_get(json_array_get(keys, i), "x5c");
        assert_azures(slice_of_text(json_string_value(json_array_get(x5c, 0))), i == 0);
    }
}

static void test_azures_recorded_certificate_without_a_quote_vouches_for_nothing(void **)
{
    CLEANUP(buffer_done)
    struct buffer text = read_whole(shared_path("vectors/maa/uks-2020-oe-attest/eus2.signing.cert.cer"));
    assert_azures(buffer_slice(&text), false);
}

int main(void)
{
    assert_ok(key_generate(KEY_P256, 0, &key));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quotes_of_every_form_are_found),
        cmocka_unit_test(test_a_certificate_without_a_quote_vouches_for_nothing),
        cmocka_unit_test(test_a_report_that_is_cut_short_is_refused),
        cmocka_unit_test(test_bytes_that_are_no_certificate_are_refused),
        cmocka_unit_test(test_report_data_is_the_keys_digest_and_zeros),
        cmocka_unit_test(test_azures_recorded_key_is_bound_by_its_quote),
        cmocka_unit_test(test_azures_recorded_certificate_without_a_quote_vouches_for_nothing),
    };
    const int failed = cmocka_run_group_tests_name("evidence/key_evidence", tests, NULL, NULL);
    key_free(key);
    return failed;
}
