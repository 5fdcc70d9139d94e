/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificate table that a host hands its guest.
 */
#include "evidence/amd.h"

#include "testing.h"

enum { ENTRY_BYTES = 24, TABLE_BYTES = 1024 };

struct table {
    uint8_t bytes[TABLE_BYTES];
};

static const uint8_t vcek[16] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                                 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
static const uint8_t vlek[16] = {0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e,
                                 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8, 0xa1};
static const uint8_t ask[16] = {0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4,
                                0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82};
static const uint8_t ark[16] = {0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52,
                                0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae};
static const uint8_t other[16] = {0x92};

static void put(struct table *table, size_t index, const uint8_t guid[16], uint32_t offset, uint32_t length)
{
    uint8_t *const at = table->bytes + index * ENTRY_BYTES;
    memcpy(at, guid, 16);
    for (size_t i = 0; i < 4; i++) {
        at[16 + i] = (uint8_t)(offset >> 8 * i);
        at[20 + i] = (uint8_t)(length >> 8 * i);
    }
}

static enum status parse(const struct table *table, size_t size, struct refusal *why,
                         struct snp_certificate_table *parsed)
{
    return snp_certificate_table_parse(slice_of(table->bytes, size), why, parsed);
}

static void assert_refused(const struct table *table, size_t size, const char *field, const char *seen)
{
    struct refusal why = {};
    struct snp_certificate_table parsed;
    assert_status(parse(table, size, &why, &parsed), ERR_SNP_MALFORMED);
    assert_string_equal(why.field, field);
    assert_string_equal(why.seen, seen);
}

static void test_every_kind_is_found(void **)
{
    struct table table = {};
    struct snp_certificate_table parsed;
    put(&table, 0, vlek, 400, 1);
    put(&table, 1, ark, 144, 256);
    put(&table, 2, other, 1024, 0);
    put(&table, 3, ask, 401, 2);
    put(&table, 4, vcek, 1000, 24);
    assert_ok(parse(&table, TABLE_BYTES, NULL, &parsed));
    assert_slice_equal(parsed.vlek, slice_of(table.bytes + 400, 1));
    assert_slice_equal(parsed.ark, slice_of(table.bytes + 144, 256));
    assert_slice_equal(parsed.ask, slice_of(table.bytes + 401, 2));
    assert_slice_equal(parsed.vcek, slice_of(table.bytes + 1000, 24));
    assert_ptr_equal(parsed.vcek.bytes, table.bytes + 1000);
}

static void test_a_table_may_be_empty(void **)
{
    const struct table table = {};
    struct snp_certificate_table parsed;
    assert_ok(snp_certificate_table_parse((struct slice){}, NULL, &parsed));
    assert_int_equal(parsed.vcek.size, 0);
    assert_ok(parse(&table, ENTRY_BYTES, NULL, &parsed));
    assert_int_equal(parsed.vcek.size, 0);
}

static void test_the_header_ends_with_an_entry_of_zeros(void **)
{
    struct table table = {};
    put(&table, 0, vcek, 48, 8);
    assert_refused(&table, ENTRY_BYTES - 1, "certificate_table", "0 entries, then its end");
    assert_refused(&table, ENTRY_BYTES, "certificate_table", "1 entries, then its end");
    assert_refused(&table, 2 * ENTRY_BYTES - 1, "certificate_table", "1 entries, then its end");
    assert_refused(&table, 2 * ENTRY_BYTES, "certificate_table[0]", "8 bytes at 48 of 48");
}

static void test_entries_lie_behind_the_header_and_inside_the_table(void **)
{
    static const struct {
        uint32_t offset, length;
        const char *seen;
    } cases[] = {
        {0, 8, "8 bytes at 0 of 1024"},
        {47, 8, "8 bytes at 47 of 1024"},
        {1024, 1, "1 bytes at 1024 of 1024"},
        {1000, 25, "25 bytes at 1000 of 1024"},
        {48, 0xffffffff, "4294967295 bytes at 48 of 1024"},
        {0xffffffff, 1, "1 bytes at 4294967295 of 1024"},
        {0xffffffff, 0xffffffff, "4294967295 bytes at 4294967295 of 1024"},
    };
    struct snp_certificate_table parsed;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct table table = {};
        put(&table, 0, vcek, cases[i].offset, cases[i].length);
        assert_refused(&table, TABLE_BYTES, "certificate_table[0]", cases[i].seen);
        put(&table, 0, other, cases[i].offset, cases[i].length);
        assert_refused(&table, TABLE_BYTES, "certificate_table[0]", cases[i].seen);
    }
    struct table table = {};
    put(&table, 0, vcek, 48, 976);
    assert_ok(parse(&table, TABLE_BYTES, NULL, &parsed));
    assert_int_equal(parsed.vcek.size, 976);
}

static void test_a_certificate_twice_or_empty_is_refused(void **)
{
    struct table table = {};
    put(&table, 0, vcek, 500, 0);
    assert_refused(&table, TABLE_BYTES, "certificate_table[0]", "an empty one");
    put(&table, 0, vcek, 500, 1);
    put(&table, 1, vcek, 500, 1);
    assert_refused(&table, TABLE_BYTES, "certificate_table[1]", "a second one");
}

static void test_at_most_16_entries(void **)
{
    struct table table = {};
    struct snp_certificate_table parsed;
    for (size_t i = 0; i < SNP_TABLE_MAX_COUNT; i++) put(&table, i, other, 600, 1);
    assert_ok(parse(&table, TABLE_BYTES, NULL, &parsed));
    put(&table, SNP_TABLE_MAX_COUNT, other, 600, 1);
    assert_refused(&table, TABLE_BYTES, "certificate_table.count", "more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_is_found),
        cmocka_unit_test(test_a_table_may_be_empty),
        cmocka_unit_test(test_the_header_ends_with_an_entry_of_zeros),
        cmocka_unit_test(test_entries_lie_behind_the_header_and_inside_the_table),
        cmocka_unit_test(test_a_certificate_twice_or_empty_is_refused),
        cmocka_unit_test(test_at_most_16_entries),
    };
    return cmocka_run_group_tests_name("evidence/amd_table", tests, NULL, NULL);
}
