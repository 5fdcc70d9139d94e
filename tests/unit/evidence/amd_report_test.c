/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/amd/report.h"

#include "amd_pki.h"
#include "testing.h"

struct report {
    uint8_t bytes[SNP_REPORT_BYTES];
};

/* A good report of version 3, not signed. */
static struct report make(enum snp_product product)
{
    struct report report = {};
    const struct amd_pki_options options = {.product = product};
    amd_fill_report(&options, report.bytes);
    return report;
}

static void assert_parsed(const struct report *report)
{
    struct refusal why = {};
    struct snp_report parsed;
    if (snp_report_parse(SLICE_ARRAY(report->bytes), &why, &parsed) != OK) fail_msg("%s: %s", why.field, why.seen);
}

static void assert_refused(const struct report *report, enum status expected, const char *field, const char *seen)
{
    struct refusal why = {};
    struct snp_report parsed;
    assert_status(snp_report_parse(SLICE_ARRAY(report->bytes), &why, &parsed), expected);
    assert_string_equal(why.field, field);
    assert_string_equal(why.seen, seen);
    assert_string_not_equal(why.expected, "");
}

static void test_every_field_is_read_from_its_place(void **)
{
    struct report report = make(SNP_GENOA);
    report.bytes[0] = 5;
    report.bytes[0x048] = 1 | 1 << 2;
    report.bytes[0x1f8] = 0x0b;
    report.bytes[0x207] = 0x80;
    memset(report.bytes + 0x2a0, 1, 48);
    report.bytes[0x2a0] = 2; /* the lowest byte of R is the last one big endian */
    memset(report.bytes + 0x2e8, 3, 48);
    struct snp_report parsed;
    assert_ok(snp_report_parse(SLICE_ARRAY(report.bytes), NULL, &parsed));
    assert_int_equal(parsed.version, 5);
    assert_int_equal(parsed.guest_svn, 7);
    assert_int_equal(parsed.policy, 0x3011f);
    assert_int_equal(parsed.vmpl, 2);
    assert_int_equal(parsed.platform_info, 0x25);
    assert_true(parsed.is_vlek && parsed.has_author_key && !parsed.is_chip_key_masked);
    const struct {
        struct slice seen;
        size_t at, size;
    } parts[] = {
        {parsed.family_id, 0x10, 16},          {parsed.image_id, 0x20, 16},   {parsed.report_data, 0x50, 64},
        {parsed.measurement, 0x90, 48},        {parsed.host_data, 0xc0, 32},  {parsed.id_key_digest, 0xe0, 48},
        {parsed.author_key_digest, 0x110, 48}, {parsed.report_id, 0x140, 32}, {parsed.report_id_ma, 0x160, 32},
        {parsed.chip_id, 0x1a0, 64},           {parsed.current_tcb, 0x38, 8}, {parsed.reported_tcb, 0x180, 8},
        {parsed.committed_tcb, 0x1e0, 8},      {parsed.launch_tcb, 0x1f0, 8}, {parsed.signed_part, 0, 0x2a0},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        assert_slice_equal(parts[i].seen, slice_of(report.bytes + parts[i].at, parts[i].size));
    assert_true(parsed.has_cpuid && parsed.has_mitigations);
    assert_int_equal(parsed.product, SNP_GENOA);
    assert_int_equal(parsed.cpuid_family, 0x19);
    assert_int_equal(parsed.cpuid_model, 0x11);
    assert_int_equal(parsed.cpuid_stepping, 2);
    assert_int_equal(parsed.current_firmware.major, 1);
    assert_int_equal(parsed.current_firmware.minor, 55);
    assert_int_equal(parsed.current_firmware.build, 29);
    assert_int_equal(parsed.committed_firmware.minor, 54);
    assert_int_equal(parsed.launch_mitigations, 0x0b);
    assert_int_equal(parsed.current_mitigations, UINT64_C(1) << 63);
    assert_int_equal(parsed.signature[0], 1);
    assert_int_equal(parsed.signature[47], 2);
    assert_int_equal(parsed.signature[95], 3);
}

static void test_other_sizes_are_refused(void **)
{
    uint8_t bytes[SNP_REPORT_BYTES + 1] = {};
    const struct report report = make(SNP_MILAN);
    struct snp_report parsed;
    struct refusal why = {};
    memcpy(bytes, report.bytes, sizeof(report.bytes));
    assert_status(snp_report_parse(SLICE_ARRAY(bytes), &why, &parsed), ERR_TRAILING_BYTES);
    assert_string_equal(why.field, "report");
    assert_string_equal(why.seen, "1185 bytes");
    for (size_t size = 0; size < SNP_REPORT_BYTES; size++)
        assert_status(snp_report_parse(slice_of(bytes, size), &why, &parsed), ERR_SNP_MALFORMED);
    assert_string_equal(why.seen, "1183 bytes");
    assert_string_equal(why.expected, "1184 bytes");
}

static void test_other_versions_are_refused_by_their_number(void **)
{
    static const struct {
        uint32_t version;
        const char *seen;
    } others[] = {{0, "0"}, {1, "1"}, {4, "4"}, {6, "6"}, {0x103, "259"}, {UINT32_MAX, "4294967295"}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct report report = make(SNP_MILAN);
        amd_put_u32(report.bytes, others[i].version);
        assert_refused(&report, ERR_UNSUPPORTED, "report.version", others[i].seen);
    }
}

/* Before a field came in, its bytes were reserved. */
static void test_each_version_has_its_own_fields(void **)
{
    struct report second = make(SNP_MILAN);
    second.bytes[0] = 2;
    assert_refused(&second, ERR_SNP_MALFORMED, "report.reserved_18b",
                   "190101000000000000000000000000000000000000000000");
    memset(second.bytes + 0x188, 0, 3);
    assert_parsed(&second);
    struct report third = make(SNP_MILAN);
    third.bytes[0x1f8] = 1;
    assert_int_not_equal(snp_report_parse(SLICE_ARRAY(third.bytes), NULL, &(struct snp_report){}), OK);
    third.bytes[0x1f8] = 0;
    third.bytes[0x207] = 1;
    assert_int_not_equal(snp_report_parse(SLICE_ARRAY(third.bytes), NULL, &(struct snp_report){}), OK);
    third.bytes[0] = 5;
    assert_parsed(&third);
}

static void test_reserved_bytes_are_zero(void **)
{
    static const struct {
        size_t first, last;
        const char *field;
    } ranges[] = {
        {0x04c, 0x04f, "report.reserved_4c"},  {0x18b, 0x19f, "report.reserved_18b"},
        {0x1eb, 0x1eb, "report.reserved_1eb"}, {0x1ef, 0x1ef, "report.reserved_1ef"},
        {0x208, 0x29f, "report.reserved_208"}, {0x2d0, 0x2e7, "report.signature.r"},
        {0x318, 0x32f, "report.signature.s"},  {0x330, 0x49f, "report.signature.reserved"},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        for (size_t at = ranges[i].first; at <= ranges[i].last; at++) {
            struct report report = make(SNP_TURIN);
            struct refusal why = {};
            struct snp_report parsed;
            report.bytes[0] = 5;
            report.bytes[at] = 0x80;
            assert_status(snp_report_parse(SLICE_ARRAY(report.bytes), &why, &parsed), ERR_SNP_MALFORMED);
            assert_string_equal(why.field, ranges[i].field);
        }
    }
}

static void test_policy_bits(void **)
{
    struct report report = make(SNP_MILAN);
    amd_put_u32(report.bytes + 0x008, 0x1011f);
    assert_refused(&report, ERR_SNP_MALFORMED, "report.policy", "0x1011f");
    amd_put_u32(report.bytes + 0x008, 0x3ff0000);
    assert_parsed(&report);
    amd_put_u32(report.bytes + 0x008, 0x4020000);
    assert_refused(&report, ERR_SNP_MALFORMED, "report.policy", "0x4020000");
    amd_put_u32(report.bytes + 0x008, 0x20000);
    amd_put_u32(report.bytes + 0x00c, 0x80000000);
    assert_refused(&report, ERR_SNP_MALFORMED, "report.policy", "0x8000000000020000");
}

static void test_other_signature_algorithms_are_refused(void **)
{
    struct report report = make(SNP_MILAN);
    amd_put_u32(report.bytes + 0x034, 0);
    assert_refused(&report, ERR_UNSUPPORTED, "report.signature_algo", "0");
    amd_put_u32(report.bytes + 0x034, 0x101);
    assert_refused(&report, ERR_UNSUPPORTED, "report.signature_algo", "257");
}

static void test_a_report_that_says_it_is_not_signed_is_refused(void **)
{
    struct report report = make(SNP_MILAN);
    report.bytes[0x048] = 7 << 2;
    assert_refused(&report, ERR_SNP_SIGNATURE, "report.key_info.signing_key", "7: the report is not signed");
}

static void test_reserved_signing_keys_are_refused(void **)
{
    for (unsigned key = 2; key <= 6; key++) {
        char seen[8];
        struct report report = make(SNP_MILAN);
        report.bytes[0x048] = (uint8_t)(key << 2);
        (void)snprintf(seen, sizeof(seen), "0x%x", key);
        assert_refused(&report, ERR_SNP_MALFORMED, "report.key_info.signing_key", seen);
    }
}

static void test_reserved_bits_of_key_info_are_zero(void **)
{
    struct report report = make(SNP_MILAN);
    report.bytes[0x048] = 1 << 5;
    assert_refused(&report, ERR_SNP_MALFORMED, "report.key_info", "0x20");
    report.bytes[0x048] = 0;
    report.bytes[0x04b] = 0x80;
    assert_refused(&report, ERR_SNP_MALFORMED, "report.key_info", "0x80000000");
}

static void test_a_chip_whose_key_is_masked_signs_nothing_with_it(void **)
{
    struct report report = make(SNP_MILAN);
    report.bytes[0x048] = 2;
    assert_refused(&report, ERR_SNP_MALFORMED, "report.key_info.mask_chip_key", "0x1");
    report.bytes[0x048] = 2 | 1 << 2; /* a VLEK may */
    struct snp_report parsed;
    assert_ok(snp_report_parse(SLICE_ARRAY(report.bytes), NULL, &parsed));
    assert_true(parsed.is_vlek && parsed.is_chip_key_masked && !parsed.has_author_key);
}

static void test_processors_are_told_by_family_and_model(void **)
{
    static const struct {
        uint8_t family, model;
        bool is_known;
        enum snp_product product;
    } cases[] = {
        {0x19, 0x00, true, SNP_MILAN},  {0x19, 0x0f, true, SNP_MILAN},  {0x19, 0x10, true, SNP_GENOA},
        {0x19, 0x1f, true, SNP_GENOA},  {0x19, 0xa0, true, SNP_GENOA},  {0x19, 0xaf, true, SNP_GENOA},
        {0x1a, 0x00, true, SNP_TURIN},  {0x1a, 0x1f, true, SNP_TURIN},  {0x19, 0x20, false, SNP_MILAN},
        {0x19, 0x9f, false, SNP_MILAN}, {0x19, 0xb0, false, SNP_MILAN}, {0x1a, 0x20, false, SNP_MILAN},
        {0x17, 0x01, false, SNP_MILAN}, {0x1b, 0x01, false, SNP_MILAN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct report report = make(SNP_MILAN);
        struct snp_report parsed;
        struct refusal why = {};
        report.bytes[0x188] = cases[i].family;
        report.bytes[0x189] = cases[i].model;
        const enum status status = snp_report_parse(SLICE_ARRAY(report.bytes), &why, &parsed);
        assert_status(status, cases[i].is_known ? OK : ERR_UNSUPPORTED);
        if (cases[i].is_known)
            assert_int_equal(parsed.product, cases[i].product);
        else
            assert_string_equal(why.field, "report.cpuid");
    }
}

static void test_platform_bits_of_later_firmware_are_no_fault(void **)
{
    struct report report = make(SNP_TURIN);
    memset(report.bytes + 0x040, 0xff, 8);
    assert_parsed(&report);
}

/* ---- what the key distribution service needs ---- */

static void test_facts_of_each_product(void **)
{
    for (size_t i = 0; i < SNP_PRODUCT_COUNT; i++) {
        const enum snp_product product = (enum snp_product)i;
        const struct report report = make(product);
        struct snp_report_facts facts;
        assert_ok(snp_report_facts(SLICE_ARRAY(report.bytes), NULL, &facts));
        assert_true(facts.has_product && facts.has_chip_id && !facts.is_vlek);
        assert_int_equal(facts.product, product);
        assert_int_equal(facts.chip_id_size, product == SNP_TURIN ? 8 : 64);
        assert_slice_equal(slice_of(facts.chip_id, facts.chip_id_size), amd_chip_id(product));
        assert_int_equal(facts.reported.microcode, amd_tcb[i][7]);
        assert_int_equal(facts.reported.boot_loader, product == SNP_TURIN ? 2 : amd_tcb[i][0]);
        assert_int_equal(facts.reported.tee, product == SNP_TURIN ? 3 : 0);
        assert_int_equal(facts.reported.snp, product == SNP_TURIN ? 4 : amd_tcb[i][6]);
        assert_int_equal(facts.reported.fmc, product == SNP_TURIN ? 1 : 0);
    }
}

static void test_facts_of_version_2_name_no_product(void **)
{
    struct report report = make(SNP_MILAN);
    struct snp_report_facts facts;
    report.bytes[0] = 2;
    report.bytes[0x048] = 4;
    memset(report.bytes + 0x188, 0, 3);
    memset(report.bytes + 0x1a0, 0, 64);
    assert_ok(snp_report_facts(SLICE_ARRAY(report.bytes), NULL, &facts));
    assert_true(facts.is_vlek && !facts.has_product && !facts.has_chip_id);
    assert_int_equal(facts.chip_id_size, 64);
}

static void test_facts_of_a_malformed_report_are_none(void **)
{
    struct report report = make(SNP_MILAN);
    struct snp_report_facts facts;
    struct refusal why = {};
    report.bytes[0x04c] = 1;
    assert_status(snp_report_facts(SLICE_ARRAY(report.bytes), &why, &facts), ERR_SNP_MALFORMED);
    assert_string_equal(why.field, "report.reserved_4c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_is_read_from_its_place),
        cmocka_unit_test(test_other_sizes_are_refused),
        cmocka_unit_test(test_other_versions_are_refused_by_their_number),
        cmocka_unit_test(test_each_version_has_its_own_fields),
        cmocka_unit_test(test_reserved_bytes_are_zero),
        cmocka_unit_test(test_policy_bits),
        cmocka_unit_test(test_other_signature_algorithms_are_refused),
        cmocka_unit_test(test_a_report_that_says_it_is_not_signed_is_refused),
        cmocka_unit_test(test_reserved_signing_keys_are_refused),
        cmocka_unit_test(test_reserved_bits_of_key_info_are_zero),
        cmocka_unit_test(test_a_chip_whose_key_is_masked_signs_nothing_with_it),
        cmocka_unit_test(test_processors_are_told_by_family_and_model),
        cmocka_unit_test(test_platform_bits_of_later_firmware_are_no_fault),
        cmocka_unit_test(test_facts_of_each_product),
        cmocka_unit_test(test_facts_of_version_2_name_no_product),
        cmocka_unit_test(test_facts_of_a_malformed_report_are_none),
    };
    return cmocka_run_group_tests_name("evidence/amd_report", tests, NULL, NULL);
}
