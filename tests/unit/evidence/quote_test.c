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
    assert_status(quote_parse(slice_of(large, QUOTE_MAX_BYTES), NULL, &quote), ERR_QUOTE_UNSUPPORTED);
}

/* ---- versions 4 and 5 ---- */

/* One form of a quote. Version 5 tells what its body is, and how long. */
struct form {
    uint16_t version;
    uint32_t tee_type;
    uint16_t body_type;
    uint32_t body_size;
    uint16_t outer_type; /* of certification data around the quoting enclave's report, from version 4 on */
};

static const struct form forms[] = {
    {3, 0, 1, 384, 0}, {4, 0, 1, 384, 6},    {4, 0x81, 2, 584, 6},
    {5, 0, 1, 384, 6}, {5, 0x81, 2, 584, 6}, {5, 0x81, 3, 648, 6},
};

static void append_counting(struct buffer *out, size_t size)
{
    for (size_t i = 0; i < size; i++) assert_ok(buffer_append_u8(out, (uint8_t)(i + 1)));
}

/* Signatures, the quoting enclave's report and certification data of 10 bytes. */
static struct buffer make_tail(const struct form *form)
{
    struct buffer tail = buffer_of_maximum(4096);
    append_counting(&tail, 128);
    if (form->version > 3) {
        assert_ok(buffer_append_u16_le(&tail, form->outer_type));
        assert_ok(buffer_append_u32_le(&tail, 384 + 64 + 2 + 3 + 6 + 10));
    }
    append_counting(&tail, 384 + 64);
    assert_ok(buffer_append_u16_le(&tail, 3));
    append_counting(&tail, 3);
    assert_ok(buffer_append_u16_le(&tail, CERTIFICATION_PCK_CHAIN));
    assert_ok(buffer_append_u32_le(&tail, 10));
    append_counting(&tail, 10);
    return tail;
}

/* `real_size` of the body, whatever the form says. */
static struct buffer make_quote(const struct form *form, size_t real_size)
{
    CLEANUP(buffer_done) struct buffer tail = make_tail(form);
    struct buffer quote = buffer_of_maximum(4096);
    const struct wire wire = make_wire();
    assert_ok(buffer_append_u16_le(&quote, form->version));
    assert_ok(buffer_append_u16_le(&quote, 2));
    assert_ok(buffer_append_u32_le(&quote, form->tee_type));
    assert_ok(buffer_append(&quote, slice_of(wire.bytes + 8, 40)));
    if (form->version == 5) {
        assert_ok(buffer_append_u16_le(&quote, form->body_type));
        assert_ok(buffer_append_u32_le(&quote, form->body_size));
    }
    append_counting(&quote, real_size);
    assert_ok(buffer_append_u32_le(&quote, (uint32_t)tail.size));
    assert_ok(buffer_append(&quote, buffer_slice(&tail)));
    return quote;
}

/* In memory of exactly its size, so that the sanitizers see a byte read behind it. */
static enum status parse_copy(struct slice bytes, struct refusal *why, struct quote *quote)
{
    uint8_t *const copy = malloc(bytes.size + 1);
    memcpy(copy + 1, bytes.bytes, bytes.size);
    const enum status status = quote_parse(slice_of(copy + 1, bytes.size), why, quote);
    free(copy);
    return status;
}

static void test_each_form_has_its_body(void **)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        CLEANUP(buffer_done) struct buffer wire = make_quote(&forms[i], forms[i].body_size);
        const size_t body_at = forms[i].version == 5 ? 54 : 48;
        struct quote quote;
        assert_ok(quote_parse(buffer_slice(&wire), NULL, &quote));
        assert_int_equal(quote.version, forms[i].version);
        assert_int_equal(quote.tee, forms[i].tee_type == 0 ? INTEL_SGX : INTEL_TDX);
        assert_int_equal(quote.signed_part.size, body_at + forms[i].body_size);
        assert_int_equal(quote.certification_data.size, 10);
        assert_int_equal(quote.qe_authentication_data.size, 3);
        if (quote.tee == INTEL_SGX) {
            assert_ptr_equal(quote.report.report_data.bytes, wire.bytes + body_at + 320);
            continue;
        }
        assert_int_equal(quote.td_report.is_td15, forms[i].body_type == 3);
        assert_ptr_equal(quote.td_report.report_data.bytes, wire.bytes + body_at + 520);
        if (forms[i].body_type == 3) assert_ptr_equal(quote.td_report.mrservicetd.bytes, wire.bytes + body_at + 600);
    }
}

static void test_every_field_of_a_trust_domain_is_where_the_format_has_it(void **)
{
    CLEANUP(buffer_done) struct buffer wire = make_quote(&forms[5], 648);
    const uint8_t *const body = wire.bytes + 54;
    struct quote quote;
    assert_ok(quote_parse(buffer_slice(&wire), NULL, &quote));
    const struct td_report *const r = &quote.td_report;
    const struct {
        struct slice seen;
        size_t at, size;
    } fields[] = {
        {r->tee_tcb_svn, 0, 16},      {r->mrseam, 16, 48},        {r->mrsignerseam, 64, 48},
        {r->seam_attributes, 112, 8}, {r->td_attributes, 120, 8}, {r->xfam, 128, 8},
        {r->mrtd, 136, 48},           {r->mrconfigid, 184, 48},   {r->mrowner, 232, 48},
        {r->mrownerconfig, 280, 48},  {r->rtmr[0], 328, 48},      {r->rtmr[1], 376, 48},
        {r->rtmr[2], 424, 48},        {r->rtmr[3], 472, 48},      {r->report_data, 520, 64},
        {r->tee_tcb_svn2, 584, 16},   {r->mrservicetd, 600, 48},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        assert_ptr_equal(fields[i].seen.bytes, body + fields[i].at);
        assert_int_equal(fields[i].seen.size, fields[i].size);
    }
}

static void test_every_shorter_quote_is_refused_with_the_part_that_is_cut(void **)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        CLEANUP(buffer_done) struct buffer wire = make_quote(&forms[i], forms[i].body_size);
        const size_t body_at = forms[i].version == 5 ? 54 : 48;
        for (size_t size = 0; size < wire.size; size++) {
            struct quote quote;
            struct refusal why = {};
            const size_t report_end = body_at + forms[i].body_size;
            assert_status(parse_copy(slice_of(wire.bytes, size), &why, &quote), ERR_QUOTE_MALFORMED);
            if (size < report_end) assert_string_equal(why.expected, "all bytes that the format has here");
            assert_string_equal(why.field, size < 48                            ? "header"
                                           : forms[i].version == 5 && size < 50 ? "body.type"
                                           : forms[i].version == 5 && size < 54 ? "body.size"
                                           : size < report_end                  ? "report"
                                                                                : "signature_data.length");
        }
    }
}

/* The quote's own length fits, what is inside is cut. */
static void test_signature_data_that_are_cut_are_refused_with_the_part(void **)
{
    static const struct {
        size_t until;
        const char *field;
    } parts[] = {
        {64, "signature"},
        {128, "attestation_key"},
        {512, "qe_report"},
        {576, "qe_report_signature"},
        {578, "qe_authentication_data.length"},
        {581, "qe_authentication_data.length"},
        {583, "certification_data.type"},
        {587, "certification_data.length"},
        {597, "certification_data.length"},
    };
    struct form form = forms[0];
    CLEANUP(buffer_done) struct buffer whole = make_quote(&form, 384);
    size_t part = 0;
    for (size_t size = 0; size < 597; size++) {
        struct quote quote;
        struct refusal why = {};
        if (size >= parts[part].until) part++;
        whole.bytes[432] = (uint8_t)size;
        whole.bytes[433] = (uint8_t)(size >> 8);
        assert_status(parse_copy(slice_of(whole.bytes, 436 + size), &why, &quote), ERR_QUOTE_MALFORMED);
        assert_string_equal(why.field, parts[part].field);
    }
}

static void assert_form_refused(struct form form, enum status expected, const char *field, const char *wanted)
{
    CLEANUP(buffer_done) struct buffer wire = make_quote(&form, 384);
    struct refusal why = {};
    struct quote quote;
    assert_status(parse_copy(buffer_slice(&wire), &why, &quote), expected);
    assert_string_equal(why.field, field);
    assert_string_equal(why.expected, wanted);
}

static void test_forms_that_contradict_themselves_are_refused(void **)
{
    static const char types[] = "1, SGX, 2, TD 1.0, or 3, TD 1.5";
    assert_form_refused((struct form){4, 1, 1, 384, 6}, ERR_QUOTE_UNSUPPORTED, "header.tee_type",
                        "0, SGX, or 129, TDX");
    assert_form_refused((struct form){3, 0x81, 2, 584, 6}, ERR_QUOTE_UNSUPPORTED, "header.reserved", "0, SGX");
    assert_form_refused((struct form){5, 0, 0, 384, 6}, ERR_QUOTE_UNSUPPORTED, "body.type", types);
    assert_form_refused((struct form){5, 0, 4, 384, 6}, ERR_QUOTE_UNSUPPORTED, "body.type", types);
    assert_form_refused((struct form){5, 0, 2, 584, 6}, ERR_QUOTE_MALFORMED, "body.type", "1, as the header says SGX");
    assert_form_refused((struct form){5, 0x81, 1, 384, 6}, ERR_QUOTE_MALFORMED, "body.type",
                        "2 or 3, as the header says TDX");
    assert_form_refused((struct form){5, 0, 1, 383, 6}, ERR_QUOTE_MALFORMED, "body.size", "384");
    assert_form_refused((struct form){5, 0, 1, 385, 6}, ERR_QUOTE_MALFORMED, "body.size", "384");
    assert_form_refused((struct form){5, 0x81, 2, 648, 6}, ERR_QUOTE_MALFORMED, "body.size", "584");
    assert_form_refused((struct form){5, 0x81, 3, 584, 6}, ERR_QUOTE_MALFORMED, "body.size", "648");
    assert_form_refused((struct form){4, 0, 1, 384, 5}, ERR_QUOTE_UNSUPPORTED, "certification_data.type",
                        "6, the quoting enclave's report, in versions 4 and 5");
}

/* The length of the certification data around the quoting enclave's report must fit too. */
static void test_outer_certification_data_length(void **)
{
    for (int change = -1; change <= 1; change += 2) {
        CLEANUP(buffer_done) struct buffer wire = make_quote(&forms[1], 384);
        wire.bytes[436 + 130] = (uint8_t)(wire.bytes[436 + 130] + change);
        struct refusal why = {};
        struct quote quote;
        assert_status(parse_copy(buffer_slice(&wire), &why, &quote),
                      change < 0 ? ERR_TRAILING_BYTES : ERR_QUOTE_MALFORMED);
        assert_string_equal(why.field, "certification_data.length");
    }
}

static void test_certification_data_around_no_certificates_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer wire = make_quote(&forms[1], 384);
    struct refusal why = {};
    struct quote quote;
    wire.bytes[436 + 128 + 6 + 384 + 64 + 2 + 3] = 6;
    assert_status(parse_copy(buffer_slice(&wire), &why, &quote), ERR_QUOTE_UNSUPPORTED);
    assert_string_equal(why.field, "certification_data.type");
    assert_string_equal(why.expected, "1 to 5");
}

static void test_a_length_is_told_with_what_there_is(void **)
{
    struct wire wire = make_wire();
    struct quote quote;
    struct refusal why = {};
    put_le(&wire, CERTIFICATION_SIZE_AT, 4, CERTIFICATION_BYTES + 1);
    assert_status(parse(&wire, &why, &quote), ERR_QUOTE_MALFORMED);
    assert_string_equal(why.expected, "10");
    assert_string_equal(why.seen, "11");
    wire = make_wire();
    put_le(&wire, AUTHENTICATION_SIZE_AT, 2, AUTHENTICATION_BYTES + 6 + CERTIFICATION_BYTES + 1);
    assert_status(parse(&wire, &why, &quote), ERR_QUOTE_MALFORMED);
    assert_string_equal(why.field, "qe_authentication_data.length");
    assert_string_equal(why.expected, "at most 48");
    wire = make_wire();
    put_le(&wire, SIGNATURE_DATA_SIZE_AT, 4, WIRE_BYTES - SIGNATURE_DATA_AT + 1);
    struct slice cut;
    assert_status(quote_without_padding(slice_of(wire.bytes, wire.size), &why, &cut), ERR_QUOTE_MALFORMED);
    assert_string_equal(why.field, "signature_data.length");
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
        cmocka_unit_test(test_each_form_has_its_body),
        cmocka_unit_test(test_every_field_of_a_trust_domain_is_where_the_format_has_it),
        cmocka_unit_test(test_every_shorter_quote_is_refused_with_the_part_that_is_cut),
        cmocka_unit_test(test_signature_data_that_are_cut_are_refused_with_the_part),
        cmocka_unit_test(test_forms_that_contradict_themselves_are_refused),
        cmocka_unit_test(test_outer_certification_data_length),
        cmocka_unit_test(test_certification_data_around_no_certificates_are_refused),
        cmocka_unit_test(test_a_length_is_told_with_what_there_is),
    };
    return cmocka_run_group_tests_name("evidence/quote", tests, NULL, NULL);
}
