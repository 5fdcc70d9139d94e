/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/inheritance.h"

#include "testing.h"

#define STORE "0123456789abcdef0123456789abcdef"
#define HEAD "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static struct inheritance sample(void)
{
    struct inheritance inheritance = {.clock_floor_s = 1763700000, .manifest_version = 7, .head.generation = 12};
    assert_ok(record_id_from(SLICE_LITERAL(STORE), &inheritance.head.store));
    for (size_t i = 0; i < sizeof(inheritance.head.head); i++) inheritance.head.head[i] = (uint8_t)i;
    return inheritance;
}

static void test_is_read_as_it_was_written(void **)
{
    const struct inheritance written = sample();
    CLEANUP(json_done) json_t *parcel = json_pack("{s:s}", "key", "k"), *read_parcel = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(INHERITANCE_MAX_BYTES);
    struct inheritance read = {};
    assert_ok(inheritance_write(&written, parcel, &text));
    assert_ok(inheritance_read(buffer_slice(&text), NULL, &read, &read_parcel));
    assert_int_equal(read.clock_floor_s, written.clock_floor_s);
    assert_int_equal(read.manifest_version, written.manifest_version);
    assert_int_equal(read.head.generation, written.head.generation);
    assert_string_equal(read.head.store.text, STORE);
    assert_memory_equal(read.head.head, written.head.head, sizeof(read.head.head));
    assert_true(json_equal(parcel, read_parcel));
    buffer_clear(&text);
    json_t *none = NULL;
    assert_ok(inheritance_write(&written, NULL, &text));
    assert_ok(inheritance_read(buffer_slice(&text), NULL, &read, &none));
    assert_null(none);
}

static enum status read_text(const char *text)
{
    struct inheritance inheritance;
    CLEANUP(json_done) json_t *parcel = NULL;
    struct refusal why = {};
    const enum status status = inheritance_read(slice_of_text(text), &why, &inheritance, &parcel);
    assert_int_equal(status, why.status);
    return status;
}

#define TEXT(floor, version, store, generation, head, more)                                                            \
    "{\"clock_floor\":" floor ",\"manifest_version\":" version ",\"store\":\"" store "\",\"generation\":" generation   \
    ",\"head\":\"" head "\"" more "}"

static void test_another_form_is_refused(void **)
{
    assert_ok(read_text(TEXT("1", "1", STORE, "0", HEAD, "")));
    assert_status(read_text(""), ERR_JSON_SYNTAX);
    assert_status(read_text("[]"), ERR_FIELD_MISSING);
    assert_status(read_text("{}"), ERR_FIELD_MISSING);
    assert_status(read_text(TEXT("-1", "1", STORE, "0", HEAD, "")), ERR_FIELD_VALUE);
    assert_status(read_text(TEXT("253402300800", "1", STORE, "0", HEAD, "")), ERR_FIELD_VALUE);
    assert_status(read_text(TEXT("1", "0", STORE, "0", HEAD, "")), ERR_FIELD_VALUE);
    assert_status(read_text(TEXT("1", "2147483648", STORE, "0", HEAD, "")), ERR_FIELD_VALUE);
    assert_status(read_text(TEXT("1", "1", "0123", "0", HEAD, "")), ERR_FIELD_VALUE);
    assert_status(read_text(TEXT("1", "1", STORE, "-1", HEAD, "")), ERR_FIELD_VALUE);
    assert_status(read_text(TEXT("1", "1", STORE, "0", "AAAA", "")), ERR_FIELD_VALUE);
    assert_status(read_text(TEXT("1", "1", STORE, "0", HEAD, ",\"more\":1")), ERR_FIELD_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_read_as_it_was_written),
        cmocka_unit_test(test_another_form_is_refused),
    };
    return cmocka_run_group_tests_name("platform/inheritance", tests, NULL, NULL);
}
