/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/quote.h"

#include "evidence/intel.h"
#include "testing.h"

/* Where the lengths stand in a version 3 quote. */
enum {
    VERSION_AT = 0,
    KEY_TYPE_AT = 2,
    TEE_TYPE_AT = 4,
    VENDOR_AT = 12,
    SIGNATURE_DATA_SIZE_AT = 432,
    SIGNATURE_DATA_AT = 436,
    AUTHENTICATION_SIZE_AT = SIGNATURE_DATA_AT + 576,
    AUTHENTICATION_AT = AUTHENTICATION_SIZE_AT + 2,
    AUTHENTICATION_BYTES = 32,
    CERTIFICATION_TYPE_AT = AUTHENTICATION_AT + AUTHENTICATION_BYTES,
    CERTIFICATION_SIZE_AT = CERTIFICATION_TYPE_AT + 2,
    CERTIFICATION_AT = CERTIFICATION_SIZE_AT + 4,
    CERTIFICATION_BYTES = 10,
    WIRE_BYTES = CERTIFICATION_AT + CERTIFICATION_BYTES,
};

struct wire {
    uint8_t bytes[WIRE_BYTES + 16];
    size_t size;
};

static void put_le(struct wire *wire, size_t at, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++) wire->bytes[at + i] = (uint8_t)(value >> (8 * i));
}

/* A quote of the right form; every byte that is free counts up, so that a field read from elsewhere shows. */
static struct wire make_wire(void)
{
    static const uint8_t vendor[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                     0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
    struct wire wire = {.size = WIRE_BYTES};
    for (size_t i = 0; i < WIRE_BYTES; i++) wire.bytes[i] = (uint8_t)(i * 7 + i / 256);
    put_le(&wire, VERSION_AT, 2, 3);
    put_le(&wire, KEY_TYPE_AT, 2, 2);
    put_le(&wire, TEE_TYPE_AT, 4, 0);
    memcpy(wire.bytes + VENDOR_AT, vendor, sizeof(vendor));
    put_le(&wire, SIGNATURE_DATA_SIZE_AT, 4, WIRE_BYTES - SIGNATURE_DATA_AT);
    put_le(&wire, AUTHENTICATION_SIZE_AT, 2, AUTHENTICATION_BYTES);
    put_le(&wire, CERTIFICATION_TYPE_AT, 2, CERTIFICATION_PCK_CHAIN);
    put_le(&wire, CERTIFICATION_SIZE_AT, 4, CERTIFICATION_BYTES);
    return wire;
}

static enum status parse(const struct wire *wire, struct refusal *why, struct quote *quote)
{
    return quote_parse(slice_of(wire->bytes, wire->size), why, quote);
}

static void assert_at(const struct wire *wire, struct slice seen, size_t at, size_t size)
{
    assert_ptr_equal(seen.bytes, wire->bytes + at);
    assert_int_equal(seen.size, size);
}

static void test_every_field_is_where_the_format_has_it(void **)
{
    const struct wire wire = make_wire();
    struct quote quote;
    assert_ok(parse(&wire, NULL, &quote));
    assert_at(&wire, quote.signed_part, 0, 432);
    assert_at(&wire, quote.user_data, 28, 20);
    assert_at(&wire, quote.report.cpu_svn, 48, 16);
    assert_at(&wire, quote.report.extended_product_id, 48 + 32, 16);
    assert_at(&wire, quote.report.attributes, 48 + 48, 16);
    assert_at(&wire, quote.report.mrenclave, 48 + 64, 32);
    assert_at(&wire, quote.report.mrsigner, 48 + 128, 32);
    assert_at(&wire, quote.report.config_id, 48 + 192, 64);
    assert_at(&wire, quote.report.family_id, 48 + 304, 16);
    assert_at(&wire, quote.report.report_data, 48 + 320, 64);
    assert_int_equal(quote.report.product_id, wire.bytes[48 + 256] | wire.bytes[48 + 257] << 8);
    assert_int_equal(quote.report.svn, wire.bytes[48 + 258] | wire.bytes[48 + 259] << 8);
    assert_int_equal(quote.report.config_svn, wire.bytes[48 + 260] | wire.bytes[48 + 261] << 8);
    assert_at(&wire, quote.signature, SIGNATURE_DATA_AT, 64);
    assert_at(&wire, quote.attestation_key, SIGNATURE_DATA_AT + 64, 64);
    assert_at(&wire, quote.qe_report.whole, SIGNATURE_DATA_AT + 128, 384);
    assert_at(&wire, quote.qe_report_signature, SIGNATURE_DATA_AT + 512, 64);
    assert_at(&wire, quote.qe_authentication_data, AUTHENTICATION_AT, AUTHENTICATION_BYTES);
    assert_at(&wire, quote.certification_data, CERTIFICATION_AT, CERTIFICATION_BYTES);
}

static void assert_refused(const struct wire *wire, enum status expected, const char *field)
{
    struct quote quote;
    struct refusal why = {};
    assert_status(parse(wire, &why, &quote), expected);
    assert_string_equal(why.field, field);
    assert_int_equal(why.status, expected);
}

static void test_other_kinds_of_quote_are_told_apart(void **)
{
    struct wire wire = make_wire();
    put_le(&wire, VERSION_AT, 2, 2);
    assert_refused(&wire, ERR_QUOTE_UNSUPPORTED, "header.version");
    put_le(&wire, VERSION_AT, 2, 6);
    assert_refused(&wire, ERR_QUOTE_UNSUPPORTED, "header.version");
    wire = make_wire();
    put_le(&wire, KEY_TYPE_AT, 2, 3);
    assert_refused(&wire, ERR_QUOTE_UNSUPPORTED, "header.attestation_key_type");
    wire = make_wire();
    put_le(&wire, TEE_TYPE_AT, 4, 0x81);
    assert_refused(&wire, ERR_QUOTE_UNSUPPORTED, "header.reserved");
    wire = make_wire();
    wire.bytes[VENDOR_AT + 15] ^= 1;
    assert_refused(&wire, ERR_QUOTE_UNSUPPORTED, "header.qe_vendor_id");
}

static void test_signature_data_length(void **)
{
    static const uint32_t short_of[] = {0, 1, WIRE_BYTES - SIGNATURE_DATA_AT - 1};
    static const uint32_t beyond[] = {WIRE_BYTES - SIGNATURE_DATA_AT + 1, 0x7fffffff, 0x80000000, UINT32_MAX};
    struct wire wire = make_wire();
    for (size_t i = 0; i < sizeof(short_of) / sizeof(short_of[0]); i++) {
        put_le(&wire, SIGNATURE_DATA_SIZE_AT, 4, short_of[i]);
        assert_refused(&wire, ERR_TRAILING_BYTES, "signature_data.length");
    }
    for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        put_le(&wire, SIGNATURE_DATA_SIZE_AT, 4, beyond[i]);
        assert_refused(&wire, ERR_QUOTE_MALFORMED, "signature_data.length");
    }
}

static void test_authentication_data_length(void **)
{
    static const uint16_t wrong[] = {0, 1, AUTHENTICATION_BYTES - 1, AUTHENTICATION_BYTES + 1, UINT16_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct wire wire = make_wire();
        put_le(&wire, AUTHENTICATION_SIZE_AT, 2, wrong[i]);
        struct quote quote;
        struct refusal why = {};
        /* Whatever is then taken for the certification data's length cannot fit exactly. */
        assert_int_not_equal(parse(&wire, &why, &quote), OK);
        assert_true(why.field[0] != '\0');
    }
}

static void test_certification_data_length(void **)
{
    static const uint32_t short_of[] = {0, 1, CERTIFICATION_BYTES - 1};
    static const uint32_t beyond[] = {CERTIFICATION_BYTES + 1, 0x80000000, UINT32_MAX - 5, UINT32_MAX};
    struct wire wire = make_wire();
    for (size_t i = 0; i < sizeof(short_of) / sizeof(short_of[0]); i++) {
        put_le(&wire, CERTIFICATION_SIZE_AT, 4, short_of[i]);
        assert_refused(&wire, ERR_TRAILING_BYTES, "certification_data.length");
    }
    for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        put_le(&wire, CERTIFICATION_SIZE_AT, 4, beyond[i]);
        assert_refused(&wire, ERR_QUOTE_MALFORMED, "certification_data.length");
    }
}

static void test_certification_type(void **)
{
    struct wire wire = make_wire();
    struct quote quote;
    for (unsigned type = 1; type <= 5; type++) {
        put_le(&wire, CERTIFICATION_TYPE_AT, 2, type);
        assert_ok(parse(&wire, NULL, &quote));
        assert_int_equal(quote.certification_type, type);
    }
    put_le(&wire, CERTIFICATION_TYPE_AT, 2, 0);
    assert_refused(&wire, ERR_QUOTE_UNSUPPORTED, "certification_data.type");
    put_le(&wire, CERTIFICATION_TYPE_AT, 2, 6);
    assert_refused(&wire, ERR_QUOTE_UNSUPPORTED, "certification_data.type");
}

static void test_trailing_bytes_need_to_be_allowed_and_zero(void **)
{
    struct wire wire = make_wire();
    memset(wire.bytes + WIRE_BYTES, 0, 16);
    wire.size = WIRE_BYTES + 16;
    assert_refused(&wire, ERR_TRAILING_BYTES, "signature_data.length");
    struct slice cut;
    assert_ok(quote_without_padding(slice_of(wire.bytes, wire.size), NULL, &cut));
    assert_int_equal(cut.size, WIRE_BYTES);
    wire.bytes[WIRE_BYTES + 15] = 1;
    struct refusal why = {};
    assert_status(quote_without_padding(slice_of(wire.bytes, wire.size), &why, &cut), ERR_TRAILING_BYTES);
    assert_string_equal(why.field, "quote");
}

static void test_a_quote_has_a_maximum(void **)
{
    static uint8_t large[QUOTE_MAX_BYTES + 1];
    struct quote quote;
    struct slice cut;
    assert_status(quote_parse(SLICE_ARRAY(large), NULL, &quote), ERR_TOO_LARGE);
    assert_status(quote_without_padding(SLICE_ARRAY(large), NULL, &cut), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_is_where_the_format_has_it),
        cmocka_unit_test(test_other_kinds_of_quote_are_told_apart),
        cmocka_unit_test(test_signature_data_length),
        cmocka_unit_test(test_authentication_data_length),
        cmocka_unit_test(test_certification_data_length),
        cmocka_unit_test(test_certification_type),
        cmocka_unit_test(test_trailing_bytes_need_to_be_allowed_and_zero),
        cmocka_unit_test(test_a_quote_has_a_maximum),
    };
    return cmocka_run_group_tests_name("evidence/quote", tests, NULL, NULL);
}
