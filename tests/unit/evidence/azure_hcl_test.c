/* SPDX-License-Identifier: Apache-2.0
 *
 * HCL reports: their form, and how they bind the runtime data.
 */
#include "evidence/azure/hcl.h"
#include "test_azure.h"

static void check(const struct test_hcl *options, size_t offset, uint8_t value, enum status status, const char *field)
{
    CLEANUP(buffer_done) struct buffer bytes = test_hcl_report(options);
    struct azure_facts facts;
    struct refusal why = {};
    bytes.bytes[offset] = value;
    assert_refused(azure_report_facts(buffer_slice(&bytes), &why, &facts), status, &why, field);
}

static void test_a_report_of_each_kind_is_read(void **)
{
    static uint8_t snp[SNP_REPORT_BYTES], tdx[1024];
    memset(snp, 0x5a, sizeof(snp));
    memset(tdx, 0xa5, sizeof(tdx));
    const struct test_hcl cases[] = {
        {.hardware_report = SLICE_ARRAY(snp), .report_type = 2, .runtime_data = SLICE_LITERAL("{\"a\":1}")},
        {.hardware_report = SLICE_ARRAY(tdx), .report_type = 4, .padding = 163},
    };
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buffer_done) struct buffer bytes = test_hcl_report(&cases[i]);
        struct azure_facts facts;
        assert_ok(azure_report_facts(buffer_slice(&bytes), NULL, &facts));
        assert_int_equal(facts.isolation, i == 0 ? AZURE_SNP : AZURE_TDX);
        assert_slice_equal(facts.hardware_report, cases[i].hardware_report);
        assert_slice_equal(facts.runtime_data, i == 0 ? cases[0].runtime_data : SLICE_LITERAL("{}"));
        bytes.bytes[4] = 1; /* the older version */
        assert_ok(azure_report_facts(buffer_slice(&bytes), NULL, &facts));
    }
}

static void test_each_field_of_the_header_that_is_wrong(void **)
{
    const struct test_hcl good = {};
    check(&good, 0, 'h', ERR_AZURE_REPORT, "hcl_report.signature");
    check(&good, 3, 'B', ERR_AZURE_REPORT, "hcl_report.signature");
    check(&good, 4, 0, ERR_AZURE_REPORT, "hcl_report.version");
    check(&good, 4, 3, ERR_AZURE_REPORT, "hcl_report.version");
    check(&good, 12, 1, ERR_AZURE_REPORT, "hcl_report.request_type");
    check(&good, 16, 1, ERR_AZURE_REPORT, "hcl_report.status");
    check(&good, HCL_RUNTIME_AT + 4, 2, ERR_AZURE_REPORT, "hcl_report.runtime_data.version");
    check(&good, HCL_RUNTIME_AT + 8, 3, ERR_AZURE_REPORT, "hcl_report.report_type");
    check(&good, HCL_RUNTIME_AT + 12, 0, ERR_AZURE_REPORT, "hcl_report.hash_type");
    check(&good, HCL_RUNTIME_AT + 12, 4, ERR_AZURE_REPORT, "hcl_report.hash_type");
}

static void test_lengths_that_contradict_each_other_or_the_file(void **)
{
    const struct test_hcl good = {.runtime_data = SLICE_LITERAL("0123456789")};
    for (uint8_t size = 9; size <= 11; size += 2) {
        check(&good, HCL_RUNTIME_AT + 16, size, ERR_AZURE_REPORT, "hcl_report.runtime_data.size");
        check(&good, HCL_RUNTIME_AT, 20 + size, ERR_AZURE_REPORT, "hcl_report.runtime_data.size");
        check(&good, 8, (uint8_t)(HCL_JSON_AT + size), ERR_AZURE_REPORT, "hcl_report.report_size");
    }
    check(&good, HCL_RUNTIME_AT + 19, 0xff, ERR_AZURE_REPORT, "hcl_report.runtime_data.length");
    CLEANUP(buffer_done) struct buffer bytes = test_hcl_report(&good);
    struct azure_facts facts;
    struct refusal why = {};
    assert_refused(azure_report_facts(slice_of(bytes.bytes, bytes.size - 1), &why, &facts), ERR_AZURE_REPORT, &why,
                   "hcl_report.runtime_data.length");
}

static void test_reports_too_short_or_too_long(void **)
{
    CLEANUP(buffer_done)
    struct buffer longest = test_hcl_report(&(struct test_hcl){.padding = HCL_REPORT_MAX_BYTES - HCL_JSON_AT - 2});
    struct azure_facts facts;
    struct refusal why = {};
    assert_int_equal(longest.size, HCL_REPORT_MAX_BYTES);
    assert_ok(azure_report_facts(buffer_slice(&longest), NULL, &facts));
    assert_ok(buffer_append_u8(&longest, 0));
    assert_refused(azure_report_facts(buffer_slice(&longest), &why, &facts), ERR_TOO_LARGE, &why, "hcl_report");
    for (size_t size = 0; size < HCL_JSON_AT; size += 103)
        assert_refused(azure_report_facts(slice_of(longest.bytes, size), &why, &facts), ERR_AZURE_REPORT, &why,
                       "hcl_report");
    assert_refused(azure_report_facts(slice_of(longest.bytes, HCL_JSON_AT - 1), &why, &facts), ERR_AZURE_REPORT, &why,
                   "hcl_report");
}

static void test_no_runtime_data_are_a_form_too(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = test_hcl_report(&(struct test_hcl){});
    struct azure_facts facts;
    bytes.bytes[8] = (uint8_t)HCL_JSON_AT;
    bytes.bytes[HCL_RUNTIME_AT] = 20;
    bytes.bytes[HCL_RUNTIME_AT + 16] = 0;
    assert_ok(azure_report_facts(slice_of(bytes.bytes, HCL_JSON_AT), NULL, &facts));
    assert_int_equal(facts.runtime_data.size, 0);
}

static void test_runtime_data_of_the_longest_size_and_one_more(void **)
{
    static const uint8_t data[HCL_RUNTIME_DATA_MAX_BYTES + 1];
    struct azure_facts facts;
    struct refusal why = {};
    CLEANUP(buffer_done)
    struct buffer longest =
        test_hcl_report(&(struct test_hcl){.runtime_data = slice_of(data, HCL_RUNTIME_DATA_MAX_BYTES)});
    assert_ok(azure_report_facts(buffer_slice(&longest), NULL, &facts));
    CLEANUP(buffer_done) struct buffer longer = test_hcl_report(&(struct test_hcl){.runtime_data = SLICE_ARRAY(data)});
    assert_refused(azure_report_facts(buffer_slice(&longer), &why, &facts), ERR_AZURE_REPORT, &why,
                   "hcl_report.runtime_data.length");
}

static void test_only_zeros_may_follow(void **)
{
    const struct test_hcl padded = {.padding = 100};
    check(&padded, HCL_JSON_AT + 2, 1, ERR_TRAILING_BYTES, "hcl_report");
    check(&padded, HCL_JSON_AT + 101, 1, ERR_TRAILING_BYTES, "hcl_report");
    const struct test_hcl tdx = {.report_type = 4};
    check(&tdx, HCL_HARDWARE_AT + 1024, 1, ERR_TRAILING_BYTES, "hcl_report.hardware_report");
    check(&tdx, HCL_RUNTIME_AT - 1, 1, ERR_TRAILING_BYTES, "hcl_report.hardware_report");
}

static void test_report_data_are_the_digest_and_zeros_for_each_hash(void **)
{
    const enum hash hashes[] = {HASH_SHA256, HASH_SHA384, HASH_SHA512};
    for (uint32_t i = 0; i < 3; i++) {
        CLEANUP(buffer_done) struct buffer bytes = test_hcl_report(&(struct test_hcl){.hash_type = i + 1});
        struct hcl_report report;
        struct refusal why = {};
        uint8_t data[64];
        assert_ok(hcl_report_parse(buffer_slice(&bytes), NULL, &report));
        test_hcl_binding(SLICE_LITERAL("{}"), hashes[i], data);
        assert_ok(hcl_check_binding(&report, SLICE_ARRAY(data), NULL));
        for (size_t j = 0; j < sizeof(data); j++) {
            data[j] ^= 1;
            assert_refused(hcl_check_binding(&report, SLICE_ARRAY(data), &why), ERR_REPORT_DATA, &why,
                           "hcl_report.runtime_data");
            data[j] ^= 1;
        }
        test_hcl_binding(SLICE_LITERAL("{}"), hashes[(i + 1) % 3], data);
        assert_status(hcl_check_binding(&report, SLICE_ARRAY(data), NULL), ERR_REPORT_DATA);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_report_of_each_kind_is_read),
        cmocka_unit_test(test_each_field_of_the_header_that_is_wrong),
        cmocka_unit_test(test_lengths_that_contradict_each_other_or_the_file),
        cmocka_unit_test(test_reports_too_short_or_too_long),
        cmocka_unit_test(test_no_runtime_data_are_a_form_too),
        cmocka_unit_test(test_runtime_data_of_the_longest_size_and_one_more),
        cmocka_unit_test(test_only_zeros_may_follow),
        cmocka_unit_test(test_report_data_are_the_digest_and_zeros_for_each_hash),
    };
    return cmocka_run_group_tests_name("evidence/azure_hcl", tests, NULL, NULL);
}
