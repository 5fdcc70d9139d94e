/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/pck.h"

#include "crypto/der_write.h"
#include "testing.h"

/* What a test leaves out, doubles or changes. Numbers are the last arcs of the elements. */
struct changes {
    unsigned flags; /* of the configuration: dynamic, cached keys, SMT */
    int without_flag, twice_flag;
    struct slice flag_extra;
    int without, twice;            /* below the extension */
    int without_tcb, twice_tcb;    /* below the TCB */
    unsigned component_1, pce_svn; /* 0: 200 and 513 */
    size_t fmspc_size;             /* 0: 6 */
    bool reversed, with_platform_parts, trailing_in_element, trailing_in_list;
    struct slice extra, tcb_extra; /* DER behind the other elements */
};

static void append_element(struct buffer *list, const char *parent, int number, enum der_tag tag, struct slice content,
                           bool trailing)
{
    char oid[64];
    (void)snprintf(oid, sizeof(oid), "1.2.840.113741.1.13.1%s.%d", parent, number);
    CLEANUP(buffer_done) struct buffer pair = buffer_of_maximum(4096);
    assert_ok(der_append_oid(&pair, oid));
    assert_ok(der_append(&pair, tag, content));
    if (trailing) assert_ok(der_append_boolean(&pair, true));
    assert_ok(der_append(list, DER_SEQUENCE, buffer_slice(&pair)));
}

static void append_tcb_number(struct buffer *list, int number, uint64_t value)
{
    CLEANUP(buffer_done) struct buffer pair = buffer_of_maximum(256);
    char oid[64];
    (void)snprintf(oid, sizeof(oid), "1.2.840.113741.1.13.1.2.%d", number);
    assert_ok(der_append_oid(&pair, oid));
    assert_ok(der_append_number(&pair, DER_INTEGER, value));
    assert_ok(der_append(list, DER_SEQUENCE, buffer_slice(&pair)));
}

static struct buffer make_tcb(const struct changes *changes)
{
    static const uint8_t cpu_svn[16] = {};
    struct buffer list = buffer_of_maximum(4096);
    for (int i = 1; i <= 18; i++) {
        for (int times = i == changes->without_tcb ? 0 : i == changes->twice_tcb ? 2 : 1; times > 0; times--) {
            const uint64_t first = changes->component_1 != 0 ? changes->component_1 : 200;
            const uint64_t pce_svn = changes->pce_svn != 0 ? changes->pce_svn : 513;
            if (i == 18)
                append_element(&list, ".2", i, DER_OCTET_STRING, SLICE_ARRAY(cpu_svn), false);
            else
                append_tcb_number(&list, i, i == 17 ? pce_svn : i == 1 ? first : (uint64_t)i);
        }
    }
    assert_ok(buffer_append(&list, changes->tcb_extra));
    return list;
}

static struct buffer make_configuration(const struct changes *changes)
{
    struct buffer list = buffer_of_maximum(4096);
    for (int i = 1; i <= 3; i++) {
        const uint8_t flag = (changes->flags >> (i - 1) & 1) != 0 ? 0xff : 0;
        for (int times = i == changes->without_flag ? 0 : i == changes->twice_flag ? 2 : 1; times > 0; times--)
            append_element(&list, ".7", i, DER_BOOLEAN, slice_of(&flag, 1), false);
    }
    assert_ok(buffer_append(&list, changes->flag_extra));
    return list;
}

static void append_top(struct buffer *list, int number, const struct changes *changes)
{
    static const uint8_t bytes[16] = {0x00, 0x90, 0x6e, 0xd5, 0x00, 0x01};
    static const uint8_t scalable = 1;
    CLEANUP(buffer_done) struct buffer tcb = make_tcb(changes);
    CLEANUP(buffer_done) struct buffer configuration = make_configuration(changes);
    const bool trailing = changes->trailing_in_element && number == 4;
    const size_t fmspc_size = changes->fmspc_size != 0 ? changes->fmspc_size : 6;
    switch (number) {
    case 2: append_element(list, "", 2, DER_SEQUENCE, buffer_slice(&tcb), trailing); break;
    case 3: append_element(list, "", 3, DER_OCTET_STRING, slice_of(bytes + 4, 2), trailing); break;
    case 4: append_element(list, "", 4, DER_OCTET_STRING, slice_of(bytes, fmspc_size), trailing); break;
    case 5: append_element(list, "", 5, DER_ENUMERATED, slice_of(&scalable, 1), trailing); break;
    case 7: append_element(list, "", 7, DER_SEQUENCE, buffer_slice(&configuration), trailing); break;
    default: append_element(list, "", number, DER_OCTET_STRING, SLICE_ARRAY(bytes), trailing);
    }
}

static enum status parse_changed(const struct changes *changes, struct refusal *why, struct pck *pck_out)
{
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096);
    CLEANUP(buffer_done) struct buffer extension = buffer_of_maximum(4096);
    const int count = changes->with_platform_parts ? 7 : 5;
    for (int i = 1; i <= count; i++) {
        const int number = changes->reversed ? count + 1 - i : i;
        for (int times = number == changes->without ? 0 : number == changes->twice ? 2 : 1; times > 0; times--)
            append_top(&list, number, changes);
    }
    assert_ok(buffer_append(&list, changes->extra));
    assert_ok(der_append(&extension, DER_SEQUENCE, buffer_slice(&list)));
    if (changes->trailing_in_list) assert_ok(buffer_append_u8(&extension, 0));
    return pck_parse(buffer_slice(&extension), why, pck_out);
}

static void assert_platform(const struct pck *pck)
{
    assert_memory_equal(pck->fmspc, "\x00\x90\x6e\xd5\x00\x01", 6);
    assert_memory_equal(pck->pce_id, "\x00\x01", 2);
    assert_int_equal(pck->components[0], 200);
    for (int i = 1; i < TCB_COMPONENT_COUNT; i++) assert_int_equal(pck->components[i], i + 1);
    assert_memory_equal(pck->ppid, "\x00\x90\x6e\xd5\x00\x01", 6);
    assert_int_equal(pck->pce_svn, 513);
}

static void test_elements_are_found_by_oid_in_any_order(void **)
{
    struct pck pck;
    assert_ok(parse_changed(&(const struct changes){}, NULL, &pck));
    assert_platform(&pck);
    assert_false(pck.has_instance);
    assert_ok(parse_changed(&(const struct changes){.reversed = true, .with_platform_parts = true}, NULL, &pck));
    assert_platform(&pck);
    assert_true(pck.has_instance);
    assert_memory_equal(pck.instance_id, "\x00\x90\x6e\xd5\x00\x01", 6);
}

static void test_configuration_says_three_things(void **)
{
    for (unsigned flags = 0; flags < 8; flags++) {
        struct pck pck;
        assert_ok(parse_changed(&(const struct changes){.with_platform_parts = true, .flags = flags}, NULL, &pck));
        assert_int_equal(pck.is_dynamic, flags & 1);
        assert_int_equal(pck.has_cached_keys, flags >> 1 & 1);
        assert_int_equal(pck.smt_enabled, flags >> 2 & 1);
    }
}

static void assert_refused(const struct changes *changes)
{
    struct pck pck;
    struct refusal why = {};
    assert_status(parse_changed(changes, &why, &pck), ERR_CERTIFICATE_MALFORMED);
    assert_string_equal(why.field, "pck_certificate.sgx_extension");
}

static void test_missing_and_doubled_elements_are_refused(void **)
{
    for (int number = 1; number <= 5; number++) assert_refused(&(const struct changes){.without = number});
    for (int number = 1; number <= 7; number++)
        assert_refused(&(const struct changes){.with_platform_parts = true, .without = number});
    for (int number = 1; number <= 3; number++) {
        assert_refused(&(const struct changes){.with_platform_parts = true, .without_flag = number});
        assert_refused(&(const struct changes){.with_platform_parts = true, .twice_flag = number});
    }
    for (int number = 1; number <= 5; number++) assert_refused(&(const struct changes){.twice = number});
    for (int number = 1; number <= 18; number++) {
        assert_refused(&(const struct changes){.without_tcb = number});
        assert_refused(&(const struct changes){.twice_tcb = number});
    }
}

static void test_values_out_of_range_are_refused(void **)
{
    assert_refused(&(const struct changes){.component_1 = 256});
    assert_refused(&(const struct changes){.pce_svn = 65536});
    assert_refused(&(const struct changes){.fmspc_size = 5});
    assert_refused(&(const struct changes){.fmspc_size = 7});
    assert_refused(&(const struct changes){.trailing_in_element = true});
    assert_refused(&(const struct changes){.trailing_in_list = true});
    struct pck pck;
    assert_status(pck_parse((struct slice){}, NULL, &pck), ERR_CERTIFICATE_MALFORMED);
}

/* Elements in DER: 1.2.840.113741.1.13.1 is OID, and its length and what follows stand with each. */
#define OID "\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"
#define TCB_OID OID "\x02"

static void test_each_fault_of_form_is_told(void **)
{
    static const struct {
        struct changes changes;
        enum status seen;
    } faults[] = {
        {{.extra = SLICE_LITERAL("\x02\x01\x00")}, ERR_ENCODING}, /* no SEQUENCE */
        {{.extra = SLICE_LITERAL("\x30\x00")}, ERR_TRUNCATED},    /* no OID */
        {{.extra = SLICE_LITERAL("\x30\x0f\x06\x0b" OID "\x09\x01\x04\x00")}, ERR_ENCODING},
        {{.extra = SLICE_LITERAL("\x30\x0e\x06\x0a\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x02\x09\x04\x00")}, ERR_ENCODING},
        {{.extra = SLICE_LITERAL("\x30\x0e\x06\x0a" OID "\x20\x04\x00")}, ERR_ENCODING}, /* 32 */
        {{.extra = SLICE_LITERAL("\x30\x0e\x06\x0a" OID "\x09\x04\x00")}, ERR_ENCODING}, /* not known */
        /* 5, the SGX type */
        {{.without = 5, .extra = SLICE_LITERAL("\x30\x0c\x06\x0a" OID "\x05")}, ERR_TRUNCATED}, /* no value */
        {{.without = 5, .extra = SLICE_LITERAL("\x30\x11\x06\x0a" OID "\x05\x0a\x01\x01\x05\x00")}, ERR_TRAILING_BYTES},
        {{.without = 5, .extra = SLICE_LITERAL("\x30\x0f\x06\x0a" OID "\x05\x0a\x01\x03")}, ERR_ENCODING},
        {{.without = 5, .extra = SLICE_LITERAL("\x30\x0f\x06\x0a" OID "\x05\x02\x01\x01")}, ERR_ENCODING},
        /* 7, the configuration */
        {{.with_platform_parts = true, .without = 7, .extra = SLICE_LITERAL("\x30\x0e\x06\x0a" OID "\x07\x04\x00")},
         ERR_ENCODING},
        {{.with_platform_parts = true,
          .without = 7,
          .extra = SLICE_LITERAL("\x30\x10\x06\x0a" OID "\x07\x30\x00\x05\x00")},
         ERR_TRAILING_BYTES},
        {{.with_platform_parts = true, .flag_extra = SLICE_LITERAL("\x30\x00")}, ERR_TRUNCATED},
        {{.with_platform_parts = true, .flag_extra = SLICE_LITERAL("\x30\x10\x06\x0b" OID "\x07\x04\x01\x01\xff")},
         ERR_ENCODING},
        {{.with_platform_parts = true,
          .without_flag = 1,
          .flag_extra = SLICE_LITERAL("\x30\x10\x06\x0b" OID "\x07\x01\x01\x01\x01")},
         ERR_ENCODING}, /* neither true nor false */
        {{.with_platform_parts = true,
          .without_flag = 1,
          .flag_extra = SLICE_LITERAL("\x30\x12\x06\x0b" OID "\x07\x01\x01\x01\xff\x05\x00")},
         ERR_TRAILING_BYTES},
        /* FMSPC's number behind an OID of another length, and of another parent */
        {{.without = 4, .extra = SLICE_LITERAL("\x30\x15\x06\x0b" OID "\x04\x01\x04\x06\x00\x90\x6e\xd5\x00\x01")},
         ERR_ENCODING},
        {{.without = 4,
          .extra = SLICE_LITERAL(
              "\x30\x14\x06\x0a\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x02\x04\x04\x06\x00\x90\x6e\xd5\x00\x01")},
         ERR_ENCODING},
        /* 1, PPID, and 6, platform instance, of another size */
        {{.without = 1, .extra = SLICE_LITERAL("\x30\x0f\x06\x0a" OID "\x01\x04\x01\x00")}, ERR_ENCODING},
        {{.extra = SLICE_LITERAL("\x30\x0f\x06\x0a" OID "\x06\x04\x01\x00")}, ERR_ENCODING},
        /* 3, PCEID */
        {{.without = 3, .extra = SLICE_LITERAL("\x30\x0c\x06\x0a" OID "\x03")}, ERR_TRUNCATED},
        {{.without = 3, .extra = SLICE_LITERAL("\x30\x0f\x06\x0a" OID "\x03\x04\x01\x00")}, ERR_ENCODING},
        {{.without = 3, .extra = SLICE_LITERAL("\x30\x10\x06\x0a" OID "\x03\x02\x02\x01\x00")}, ERR_ENCODING},
        /* 2, the TCB */
        {{.without = 2, .extra = SLICE_LITERAL("\x30\x0e\x06\x0a" OID "\x02\x04\x00")}, ERR_ENCODING},
        {{.without = 2, .extra = SLICE_LITERAL("\x30\x10\x06\x0a" OID "\x02\x30\x00\x05\x00")}, ERR_TRAILING_BYTES},
        {{.tcb_extra = SLICE_LITERAL("\x30\x00")}, ERR_TRUNCATED},
        {{.tcb_extra = SLICE_LITERAL("\x30\x10\x06\x0b" TCB_OID "\x00\x02\x01\x04")}, ERR_ENCODING}, /* component 0 */
        {{.tcb_extra = SLICE_LITERAL("\x30\x10\x06\x0b" TCB_OID "\x13\x02\x01\x04")}, ERR_ENCODING}, /* component 19 */
        {{.without_tcb = 2, .tcb_extra = SLICE_LITERAL("\x30\x12\x06\x0b" TCB_OID "\x02\x02\x01\x04\x05\x00")},
         ERR_TRAILING_BYTES},
        {{.without_tcb = 17, .tcb_extra = SLICE_LITERAL("\x30\x12\x06\x0b" TCB_OID "\x11\x02\x01\x04\x05\x00")},
         ERR_TRAILING_BYTES},
        {{.without_tcb = 18, .tcb_extra = SLICE_LITERAL("\x30\x10\x06\x0b" TCB_OID "\x12\x04\x01\x04")}, ERR_ENCODING},
        {{.component_1 = 256}, ERR_ENCODING},
        {{.pce_svn = 65536}, ERR_ENCODING},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct pck pck;
        struct refusal why = {};
        assert_status(parse_changed(&faults[i].changes, &why, &pck), ERR_CERTIFICATE_MALFORMED);
        assert_string_equal(why.seen, status_text(faults[i].seen));
    }
    struct refusal why = {};
    assert_status(pck_parse((struct slice){}, &why, &(struct pck){}), ERR_CERTIFICATE_MALFORMED);
    assert_string_equal(why.seen, status_text(ERR_TRUNCATED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_are_found_by_oid_in_any_order),
        cmocka_unit_test(test_configuration_says_three_things),
        cmocka_unit_test(test_missing_and_doubled_elements_are_refused),
        cmocka_unit_test(test_values_out_of_range_are_refused),
        cmocka_unit_test(test_each_fault_of_form_is_told),
    };
    return cmocka_run_group_tests_name("evidence/pck", tests, NULL, NULL);
}
