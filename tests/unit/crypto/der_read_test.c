/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der_read.h"

#include "testing.h"

#define READER(text) reader_over(SLICE_LITERAL(text))

static void test_reads_a_value_and_moves_past_it(void **)
{
    struct reader reader = READER("\x04\x02\xaa\xbb\x05\x00");
    struct der_value value;
    assert_ok(der_read(&reader, &value));
    assert_int_equal(value.tag, DER_TAG_OCTET_STRING);
    assert_slice_equal(value.content, SLICE_LITERAL("\xaa\xbb"));
    assert_slice_equal(value.whole, SLICE_LITERAL("\x04\x02\xaa\xbb"));
    assert_true(der_is_next(&reader, DER_TAG_NULL));
    struct slice content;
    assert_ok(der_content(&reader, DER_TAG_NULL, &content));
    assert_int_equal(content.size, 0);
    assert_status(der_content(&reader, DER_TAG_NULL, &content), ERR_TRUNCATED);
}

static void assert_not_der(struct slice bytes, enum status expected)
{
    struct reader reader = reader_over(bytes);
    struct der_value value;
    assert_status(der_read(&reader, &value), expected);
    assert_int_equal(reader_left(&reader), bytes.size); /* unmoved */
}

static void test_refuses_what_is_ber_only(void **)
{
    assert_not_der(SLICE_LITERAL("\x30\x80\x00\x00"), ERR_ENCODING);             /* indefinite length */
    assert_not_der(SLICE_LITERAL("\x04\x81\x01\xaa"), ERR_ENCODING);             /* long form of a short length */
    assert_not_der(SLICE_LITERAL("\x04\x82\x00\x80"), ERR_ENCODING);             /* leading zero in the length */
    assert_not_der(SLICE_LITERAL("\x04\x85\x01\x00\x00\x00\x00"), ERR_ENCODING); /* 4 GiB */
    assert_not_der(SLICE_LITERAL("\x1f\x81\x01\x00"), ERR_ENCODING);             /* tag of several bytes */
    assert_not_der(SLICE_LITERAL("\x04\x03\xaa\xbb"), ERR_TRUNCATED);
    assert_not_der(SLICE_LITERAL("\x04\x84\xff\xff\xff\xff"), ERR_TRUNCATED);
    assert_not_der(SLICE_LITERAL("\x04"), ERR_TRUNCATED);
    assert_not_der(SLICE_LITERAL(""), ERR_TRUNCATED);
}

static enum status read_number(struct slice bytes, uint32_t maximum, uint32_t *value_out)
{
    struct reader reader = reader_over(bytes);
    return der_number(&reader, DER_TAG_INTEGER, maximum, value_out);
}

static void test_numbers_are_short_and_not_negative(void **)
{
    uint32_t value;
    assert_ok(read_number(SLICE_LITERAL("\x02\x01\x00"), 255, &value));
    assert_int_equal(value, 0);
    assert_ok(read_number(SLICE_LITERAL("\x02\x02\x00\xff"), 255, &value));
    assert_int_equal(value, 255);
    assert_ok(read_number(SLICE_LITERAL("\x02\x05\x00\xff\xff\xff\xff"), UINT32_MAX, &value));
    assert_int_equal(value, UINT32_MAX);
    assert_status(read_number(SLICE_LITERAL("\x02\x02\x01\x00"), 255, &value), ERR_ENCODING);
    assert_status(read_number(SLICE_LITERAL("\x02\x01\xff"), 255, &value), ERR_ENCODING);
    assert_status(read_number(SLICE_LITERAL("\x02\x02\x00\x7f"), 255, &value), ERR_ENCODING);
    assert_status(read_number(SLICE_LITERAL("\x02\x00"), 255, &value), ERR_ENCODING);
    assert_status(read_number(SLICE_LITERAL("\x02\x05\x01\x00\x00\x00\x00"), UINT32_MAX, &value), ERR_ENCODING);
    assert_status(read_number(SLICE_LITERAL("\x0a\x01\x00"), 255, &value), ERR_ENCODING);
}

static void test_big_numbers_lose_their_sign_byte(void **)
{
    struct reader reader = READER("\x02\x03\x00\x80\x01\x02\x01\x00\x02\x03\x01\x02\x03");
    struct slice bytes;
    assert_ok(der_big_number(&reader, 2, &bytes));
    assert_slice_equal(bytes, SLICE_LITERAL("\x80\x01"));
    assert_ok(der_big_number(&reader, 2, &bytes));
    assert_int_equal(bytes.size, 0);
    assert_status(der_big_number(&reader, 2, &bytes), ERR_ENCODING);
}

static void test_booleans_have_two_values(void **)
{
    bool value;
    struct reader reader = READER("\x01\x01\xff\x01\x01\x00\x01\x01\x01");
    assert_ok(der_boolean(&reader, &value));
    assert_true(value);
    assert_ok(der_boolean(&reader, &value));
    assert_false(value);
    assert_status(der_boolean(&reader, &value), ERR_ENCODING);
}

static enum status read_named(struct slice bytes, uint32_t *bits_out)
{
    struct reader reader = reader_over(bytes);
    return der_named_bits(&reader, bits_out);
}

static void test_bit_strings(void **)
{
    uint32_t bits;
    struct slice bytes;
    struct reader whole = READER("\x03\x03\x00\xaa\xbb");
    assert_ok(der_bit_string(&whole, &bytes));
    assert_slice_equal(bytes, SLICE_LITERAL("\xaa\xbb"));
    struct reader ragged = READER("\x03\x03\x01\xaa\xba");
    assert_status(der_bit_string(&ragged, &bytes), ERR_ENCODING);
    assert_ok(read_named(SLICE_LITERAL("\x03\x02\x01\x06"), &bits)); /* keyCertSign and cRLSign */
    assert_int_equal(bits, 1 << 5 | 1 << 6);
    assert_ok(read_named(SLICE_LITERAL("\x03\x01\x00"), &bits));
    assert_int_equal(bits, 0);
    assert_ok(read_named(SLICE_LITERAL("\x03\x02\x01\x04"), &bits)); /* a zero at the end, as AMD's ASK has it */
    assert_int_equal(bits, 1 << 5);
    assert_status(read_named(SLICE_LITERAL("\x03\x02\x02\x06"), &bits), ERR_ENCODING); /* an unused bit is set */
    assert_status(read_named(SLICE_LITERAL("\x03\x02\x08\x06"), &bits), ERR_ENCODING);
    assert_status(read_named(SLICE_LITERAL("\x03\x01\x01"), &bits), ERR_ENCODING);
}

static enum status read_time(struct slice bytes, int64_t *time_s_out)
{
    struct reader reader = reader_over(bytes);
    return der_time(&reader, time_s_out);
}

static void test_times(void **)
{
    int64_t time_s;
    assert_ok(read_time(SLICE_LITERAL("\x17\x0d"
                                      "180521104510Z"),
                        &time_s));
    assert_int_equal(time_s, 1526899510);
    assert_ok(read_time(SLICE_LITERAL("\x17\x0d"
                                      "491231235959Z"),
                        &time_s));
    assert_int_equal(time_s, 2524607999);
    assert_ok(read_time(SLICE_LITERAL("\x18\x0f"
                                      "20500101000000Z"),
                        &time_s));
    assert_int_equal(time_s, 2524608000);
    assert_ok(read_time(SLICE_LITERAL("\x17\x0d"
                                      "700101000000Z"),
                        &time_s));
    assert_int_equal(time_s, 0);
    assert_status(read_time(SLICE_LITERAL("\x17\x0d"
                                          "181321104510Z"),
                            &time_s),
                  ERR_ENCODING);
    assert_status(read_time(SLICE_LITERAL("\x17\x0b"
                                          "1805211045Z"),
                            &time_s),
                  ERR_ENCODING);
    assert_status(read_time(SLICE_LITERAL("\x17\x11"
                                          "180521104510+0100"),
                            &time_s),
                  ERR_ENCODING);
    assert_status(read_time(SLICE_LITERAL("\x18\x11"
                                          "20180521104510.5Z"),
                            &time_s),
                  ERR_ENCODING);
    assert_status(read_time(SLICE_LITERAL("\x04\x0d"
                                          "180521104510Z"),
                            &time_s),
                  ERR_ENCODING);
}

static void assert_oid(const char *dotted, struct slice expected)
{
    struct oid oid;
    assert_ok(oid_from_text(dotted, &oid));
    assert_slice_equal(slice_of(oid.bytes, oid.size), expected);
}

static void test_oids_of_any_size(void **)
{
    assert_oid("1.2.840.113741.1.13.1", SLICE_LITERAL("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"));
    assert_oid("2.5.29.15", SLICE_LITERAL("\x55\x1d\x0f"));
    assert_oid("2.999", SLICE_LITERAL("\x88\x37"));
    assert_oid("0.0", SLICE_LITERAL("\x00"));
    /* A UUID arc (X.667): 2^128 - 1 takes nineteen digits of seven bits. */
    assert_oid("2.25.340282366920938463463374607431768211455",
               SLICE_LITERAL("\x69\x83\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
    static const char *const wrong[] = {"", "1", "3.1", "1.", "1.2.", "1..2", "1.2.03", "1.2a", "1.2 ", "-1.2"};
    struct oid oid;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_status(oid_from_text(wrong[i], &oid), ERR_ENCODING);
    char long_text[400] = "1.2";
    while (strlen(long_text) < 300) strcat(long_text, ".99999999");
    assert_status(oid_from_text(long_text, &oid), ERR_ENCODING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_a_value_and_moves_past_it),
        cmocka_unit_test(test_refuses_what_is_ber_only),
        cmocka_unit_test(test_numbers_are_short_and_not_negative),
        cmocka_unit_test(test_big_numbers_lose_their_sign_byte),
        cmocka_unit_test(test_booleans_have_two_values),
        cmocka_unit_test(test_bit_strings),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_oids_of_any_size),
    };
    return cmocka_run_group_tests_name("crypto/der_read", tests, NULL, NULL);
}
