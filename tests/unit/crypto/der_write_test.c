/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der_write.h"

#include "base/encoding.h"
#include "testing.h"

static void assert_written(const struct buffer *der, const char *hex)
{
    CLEANUP(buffer_done) struct buffer expected = buffer_of_maximum(1024);
    assert_ok(hex_decode(slice_of_text(hex), &expected));
    assert_slice_equal(buffer_slice(der), buffer_slice(&expected));
}

static void test_numbers_take_the_shortest_form_and_stay_positive(void **)
{
    static const struct {
        uint64_t value;
        const char *hex;
    } cases[] = {{0, "020100"},     {1, "020101"},     {127, "02017f"},       {128, "02020080"},
                 {255, "020200ff"}, {256, "02020100"}, {65535, "020300ffff"}, {UINT64_MAX, "020900ffffffffffffffff"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(64);
        assert_ok(der_append_number(&der, DER_INTEGER, cases[i].value));
        assert_written(&der, cases[i].hex);
    }
}

static void test_long_contents_have_a_long_length(void **)
{
    static const uint8_t content[300] = {};
    static const struct {
        size_t size;
        const char *head;
    } cases[] = {{127, "047f"}, {128, "048180"}, {255, "0481ff"}, {256, "04820100"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(512);
        assert_ok(der_append(&der, DER_OCTET_STRING, slice_of(content, cases[i].size)));
        const size_t head = strlen(cases[i].head) / 2;
        assert_int_equal(der.size, head + cases[i].size);
        buffer_truncate(&der, head);
        assert_written(&der, cases[i].head);
    }
}

static void test_object_identifiers_and_booleans(void **)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(128);
    assert_ok(der_append_oid(&der, "1.2.840.113741.1.13.1"));
    assert_ok(der_append_oid(&der, "2.999.3"));
    assert_ok(der_append_boolean(&der, true));
    assert_ok(der_append_boolean(&der, false));
    assert_written(&der, "06092a864886f84d010d0106038837030101ff010100");
}

static void test_text_that_is_no_object_identifier_is_refused(void **)
{
    static const char *const cases[] = {
        "", "1", "1.", ".1", "1..2", "3.1", "1.40", "1.2.a", "1.2.99999999999999999999"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(128);
        assert_status(der_append_oid(&der, cases[i]), ERR_FIELD_VALUE);
        assert_int_equal(der.size, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_take_the_shortest_form_and_stay_positive),
        cmocka_unit_test(test_long_contents_have_a_long_length),
        cmocka_unit_test(test_object_identifiers_and_booleans),
        cmocka_unit_test(test_text_that_is_no_object_identifier_is_refused),
    };
    return cmocka_run_group_tests_name("crypto/der_write", tests, NULL, NULL);
}
