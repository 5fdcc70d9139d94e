/* SPDX-License-Identifier: Apache-2.0
 *
 * Open Enclave's wrappers: what is taken out of them, and what is refused by its name.
 */
#include "evidence/intel.h"
#include "testing.h"

#include "crypto/hash.h"

enum { INNER_BYTES = 4, HEADER_BYTES = 48 + 384 + 4 };

static const uint8_t sgx_ecdsa[] = {0xa3, 0xa2, 0x1e, 0x87, 0x1b, 0x4d, 0x40, 0x14,
                                    0xb7, 0x0a, 0xa1, 0x25, 0xd2, 0xfb, 0xcd, 0x8c};
static const uint8_t legacy_report[] = {0xc8, 0x30, 0x34, 0x54, 0xd9, 0x23, 0x4c, 0x2c,
                                        0xa6, 0x91, 0xdf, 0x7d, 0xef, 0x45, 0x0a, 0x76};
static const uint8_t sgx_quote[] = {0x19, 0x23, 0xd9, 0x1e, 0x12, 0xd2, 0x4c, 0x72,
                                    0xb2, 0x20, 0x25, 0xcd, 0x8d, 0xac, 0xe8, 0x71};
static const uint8_t tdx_quote[] = {0x8b, 0xa7, 0x02, 0x86, 0xc1, 0xcf, 0x11, 0xed,
                                    0xaf, 0xa1, 0x02, 0x42, 0xac, 0x12, 0x00, 0x02};

static struct buffer report_with_size(uint32_t version, uint32_t type, uint64_t size)
{
    struct buffer report = buffer_of_maximum(64);
    assert_ok(buffer_append_u32_le(&report, version));
    assert_ok(buffer_append_u32_le(&report, type));
    assert_ok(buffer_append_u32_le(&report, (uint32_t)size));
    assert_ok(buffer_append_u32_le(&report, (uint32_t)(size >> 32)));
    assert_ok(buffer_append_text(&report, "quot"));
    return report;
}

static struct buffer evidence_with_size(const uint8_t uuid[static 16], struct slice data, uint64_t size)
{
    struct buffer evidence = buffer_of_maximum(4096);
    assert_ok(buffer_append_u32_le(&evidence, 3));
    assert_ok(buffer_append(&evidence, slice_of(uuid, 16)));
    assert_ok(buffer_append_u32_le(&evidence, (uint32_t)size));
    assert_ok(buffer_append_u32_le(&evidence, (uint32_t)(size >> 32)));
    assert_ok(buffer_append(&evidence, data));
    return evidence;
}

static struct buffer evidence_of(const uint8_t uuid[static 16], struct slice data)
{
    return evidence_with_size(uuid, data, data.size);
}

static void assert_refused(struct buffer *bytes, enum status expected, const char *field, const char *seen)
{
    struct oe_evidence opened;
    struct refusal why = {};
    assert_true(oe_evidence_is_wrapped(buffer_slice(bytes)));
    assert_status(oe_evidence_open(buffer_slice(bytes), &why, &opened), expected);
    assert_string_equal(why.field, field);
    if (seen != NULL) assert_non_null(strstr(why.seen, seen));
    buffer_done(bytes);
}

static void test_reports_hold_a_quote_exactly(void **)
{
    CLEANUP(buffer_done) struct buffer report = report_with_size(1, 2, INNER_BYTES);
    struct oe_evidence opened;
    assert_true(oe_evidence_is_wrapped(buffer_slice(&report)));
    assert_ok(oe_evidence_open(buffer_slice(&report), NULL, &opened));
    assert_int_equal(opened.form, OE_REPORT);
    assert_int_equal(opened.tee, INTEL_SGX);
    assert_false(opened.has_claims);
    assert_slice_equal(opened.quote, SLICE_LITERAL("quot"));
    static const struct {
        uint32_t version, type;
        uint64_t size;
        enum status expected;
        const char *field, *seen;
    } cases[] = {
        {1, 2, 3, ERR_TRAILING_BYTES, "oe_report.report_size", "3"},
        {1, 2, 5, ERR_QUOTE_MALFORMED, "oe_report.report_size", "5"},
        {1, 2, UINT64_MAX, ERR_QUOTE_MALFORMED, "oe_report.report_size", NULL},
        {1, 1, 4, ERR_QUOTE_UNSUPPORTED, "oe_report.type", "local"},
        {1, 3, 4, ERR_QUOTE_MALFORMED, "oe_report.type", "3"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer wrong = report_with_size(cases[i].version, cases[i].type, cases[i].size);
        assert_refused(&wrong, cases[i].expected, cases[i].field, cases[i].seen);
    }
    struct buffer cut = report_with_size(1, 2, INNER_BYTES);
    cut.size = 15;
    assert_refused(&cut, ERR_QUOTE_MALFORMED, "oe_report", "15 bytes");
}

static void test_a_bare_quote_passes_unread(void **)
{
    struct oe_evidence opened;
    const struct slice bare = SLICE_LITERAL("\x03\x00\x02\x00 and so on");
    assert_false(oe_evidence_is_wrapped(bare));
    assert_ok(oe_evidence_open(bare, NULL, &opened));
    assert_int_equal(opened.form, OE_BARE_QUOTE);
    assert_ptr_equal(opened.quote.bytes, bare.bytes);
    assert_false(oe_evidence_is_wrapped(slice_of("\x03\x00", 2)));
}

static void test_formats_that_hold_nothing_but_a_quote(void **)
{
    static const struct {
        const uint8_t *uuid;
        enum oe_form form;
        enum intel_tee tee;
    } cases[] = {{sgx_quote, OE_EVIDENCE_SGX_QUOTE, INTEL_SGX}, {tdx_quote, OE_EVIDENCE_TDX_QUOTE, INTEL_TDX}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer evidence = evidence_of(cases[i].uuid, SLICE_LITERAL("quote"));
        struct oe_evidence opened;
        assert_ok(oe_evidence_open(buffer_slice(&evidence), NULL, &opened));
        assert_int_equal(opened.form, cases[i].form);
        assert_int_equal(opened.tee, cases[i].tee);
        assert_slice_equal(opened.quote, SLICE_LITERAL("quote"));
        assert_false(opened.has_claims);
        struct buffer longer = evidence_with_size(cases[i].uuid, SLICE_LITERAL("quote"), 4);
        assert_refused(&longer, ERR_TRAILING_BYTES, "oe_evidence.data_size", "4");
        struct buffer shorter = evidence_with_size(cases[i].uuid, SLICE_LITERAL("quote"), 6);
        assert_refused(&shorter, ERR_QUOTE_MALFORMED, "oe_evidence.data_size", "6");
    }
}

static void test_a_legacy_report_is_a_report_inside(void **)
{
    CLEANUP(buffer_done) struct buffer report = report_with_size(1, 2, INNER_BYTES);
    CLEANUP(buffer_done) struct buffer evidence = evidence_of(legacy_report, buffer_slice(&report));
    struct oe_evidence opened;
    assert_ok(oe_evidence_open(buffer_slice(&evidence), NULL, &opened));
    assert_int_equal(opened.form, OE_EVIDENCE_LEGACY_REPORT);
    assert_slice_equal(opened.quote, SLICE_LITERAL("quot"));
    /* Nothing is wrapped twice in another way. */
    CLEANUP(buffer_done) struct buffer other = report_with_size(3, 2, INNER_BYTES);
    struct buffer twice = evidence_of(legacy_report, buffer_slice(&other));
    assert_refused(&twice, ERR_QUOTE_UNSUPPORTED, "oe_report.version", "3");
}

/* As much of a version 3 quote as is needed to find its end; its signature data are five bytes. */
static struct buffer quote_and_claims(const char *claims)
{
    static const uint8_t header[48] = {3,    0,    2,    0,    0,    0,    0,    0,    8,    0,
                                       13,   0,    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                       0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    struct buffer data = buffer_of_maximum(4096);
    uint8_t *body;
    assert_ok(buffer_append(&data, SLICE_ARRAY(header)));
    assert_ok(buffer_extend(&data, 384, &body));
    assert_ok(buffer_append_u32_le(&data, 5));
    assert_ok(buffer_append_text(&data, "signs"));
    assert_ok(buffer_append_text(&data, claims));
    return data;
}

static void test_custom_claims_follow_the_quote_and_are_bound_by_it(void **)
{
    static const char *const texts[] = {"", "custom claims"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(buffer_done) struct buffer data = quote_and_claims(texts[i]);
        CLEANUP(buffer_done) struct buffer evidence = evidence_of(sgx_ecdsa, buffer_slice(&data));
        struct oe_evidence opened;
        struct refusal why = {};
        assert_ok(oe_evidence_open(buffer_slice(&evidence), NULL, &opened));
        assert_int_equal(opened.form, OE_EVIDENCE_SGX_ECDSA);
        assert_true(opened.has_claims);
        assert_int_equal(opened.quote.size, HEADER_BYTES + 5);
        assert_slice_equal(opened.claims, slice_of_text(texts[i]));
        uint8_t report_data[64] = {};
        assert_ok(sha256(slice_of_text(texts[i]), report_data));
        assert_ok(oe_claims_check(&opened, report_data, NULL));
        for (size_t at = 0; at < sizeof(report_data); at += 21) {
            report_data[at] ^= 1; /* the zeros count as much as the digest */
            assert_status(oe_claims_check(&opened, report_data, &why), ERR_REPORT_DATA);
            assert_string_equal(why.field, "oe_evidence.custom_claims");
            report_data[at] ^= 1;
        }
        opened.has_claims = false;
        report_data[0] ^= 1;
        assert_ok(oe_claims_check(&opened, report_data, NULL));
    }
}

static void test_a_quote_that_ends_in_the_claims_is_refused(void **)
{
    CLEANUP(buffer_done) struct buffer data = quote_and_claims("");
    data.size--;
    struct buffer evidence = evidence_of(sgx_ecdsa, buffer_slice(&data));
    assert_refused(&evidence, ERR_QUOTE_MALFORMED, "signature_data.length", "5");
}

static void test_other_formats_are_refused_by_name(void **)
{
    static const struct {
        uint8_t uuid[16];
        const char *name;
    } cases[] = {
        {{0x09, 0x26, 0x8c, 0x33, 0x6e, 0x0b, 0x45, 0xe5, 0x8a, 0x27, 0x15, 0x64, 0x4d, 0x0e, 0xf8, 0x9a},
         "SGX_LOCAL_ATTESTATION"},
        {{0xf2, 0x28, 0xaa, 0x3f, 0xde, 0x4d, 0x49, 0xd3, 0x88, 0x4c, 0xb2, 0xaa, 0x87, 0xa5, 0x0d, 0xa6},
         "SGX_EPID_LINKABLE"},
        {{0x5c, 0x35, 0xd2, 0x90, 0xa2, 0xc2, 0x4c, 0x55, 0x9e, 0x13, 0x5a, 0xd7, 0x32, 0x74, 0x6c, 0x88},
         "SGX_EPID_UNLINKABLE"},
        {{0x17, 0x04, 0x94, 0xa6, 0xab, 0x23, 0x47, 0x98, 0x8c, 0x38, 0x35, 0x1c, 0xb0, 0xb6, 0xaf, 0x0a},
         "SGX_EEID_ECDSA_P256"},
        {{0xff}, "ff00000000"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer evidence = evidence_of(cases[i].uuid, SLICE_LITERAL("data"));
        assert_refused(&evidence, ERR_QUOTE_UNSUPPORTED, "oe_evidence.format_id", cases[i].name);
    }
    struct buffer cut = evidence_of(sgx_ecdsa, (struct slice){});
    cut.size--;
    assert_refused(&cut, ERR_QUOTE_MALFORMED, "oe_evidence", "27 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports_hold_a_quote_exactly),
        cmocka_unit_test(test_a_bare_quote_passes_unread),
        cmocka_unit_test(test_formats_that_hold_nothing_but_a_quote),
        cmocka_unit_test(test_a_legacy_report_is_a_report_inside),
        cmocka_unit_test(test_custom_claims_follow_the_quote_and_are_bound_by_it),
        cmocka_unit_test(test_a_quote_that_ends_in_the_claims_is_refused),
        cmocka_unit_test(test_other_formats_are_refused_by_name),
    };
    return cmocka_run_group_tests_name("evidence/open_enclave", tests, NULL, NULL);
}
