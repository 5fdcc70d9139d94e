/* SPDX-License-Identifier: Apache-2.0 */
#include "token/runtime_data.h"

#include "base/encoding.h"
#include "testing.h"

#define DEPLOYMENT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct key *keys[KEY_USE_COUNT];

static int make_keys(void **)
{
    return key_generate(KEY_P256, 0, &keys[KEY_USE_TLS]) == OK &&
                   key_generate(KEY_P256, 0, &keys[KEY_USE_SIGN]) == OK &&
                   key_generate(KEY_X25519, 0, &keys[KEY_USE_HPKE]) == OK
               ? 0
               : -1;
}

static int drop_keys(void **)
{
    for (size_t i = 0; i < KEY_USE_COUNT; i++) key_cleanup(&keys[i]);
    return 0;
}

/* The keys are the group's; `ohttp` is the caller's to free. */
static struct runtime_data make(void)
{
    struct runtime_data data = {.service = "platform", .version = "0.1.0", .deployment = DEPLOYMENT};
    data.ohttp = buffer_of_maximum(OHTTP_KEY_CONFIG_MAX_BYTES);
    assert_ok(buffer_append_text(&data.ohttp, "config"));
    for (size_t i = 0; i < KEY_USE_COUNT; i++) data.keys[i] = keys[i];
    return data;
}

static json_t *written(void)
{
    struct runtime_data data = make();
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    json_t *value = NULL;
    assert_ok(runtime_data_write(&data, &bytes));
    buffer_done(&data.ohttp);
    assert_ok(json_parse(buffer_slice(&bytes), RUNTIME_DATA_MAX_BYTES, NULL, &value));
    return value;
}

static void test_what_is_written_is_read(void **)
{
    CLEANUP(json_done) json_t *value = written();
    CLEANUP(runtime_data_done) struct runtime_data data = {};
    assert_ok(runtime_data_from_json(value, "", NULL, &data));
    assert_string_equal(data.service, "platform");
    assert_string_equal(data.version, "0.1.0");
    assert_string_equal(data.deployment, DEPLOYMENT);
    for (size_t i = 0; i < KEY_USE_COUNT; i++) assert_true(key_equal(data.keys[i], keys[i]));
    assert_true(slice_equal_text(buffer_slice(&data.ohttp), "config"));
    CLEANUP(buffer_done) struct buffer first = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES), second = first;
    assert_ok(json_write(value, &first));
    assert_ok(runtime_data_write(&data, &second));
    assert_slice_equal(buffer_slice(&second), buffer_slice(&first));
}

static void test_a_service_without_hpke(void **)
{
    struct runtime_data data = {.service = "gate", .version = "1", .deployment = DEPLOYMENT, .keys = {keys[0]}};
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    CLEANUP(json_done) json_t *value = NULL;
    CLEANUP(runtime_data_done) struct runtime_data read = {};
    assert_ok(runtime_data_write(&data, &bytes));
    assert_ok(json_parse(buffer_slice(&bytes), RUNTIME_DATA_MAX_BYTES, NULL, &value));
    assert_ok(runtime_data_from_json(value, "", NULL, &read));
    assert_non_null(read.keys[KEY_USE_TLS]);
    assert_null(read.keys[KEY_USE_HPKE]);
    assert_int_equal(read.ohttp.size, 0);
}

static void test_unknown_members_and_keys_are_passed_over(void **)
{
    CLEANUP(json_done) json_t *value = written();
    json_t *const lazaret = json_object_get(value, "lazaret");
    CLEANUP(runtime_data_done) struct runtime_data data = {};
    assert_int_equal(json_object_set_new(lazaret, "later", json_true()), 0);
    assert_int_equal(json_object_set_new(json_object_get(lazaret, "use"), "wrap", json_string("x")), 0);
    assert_int_equal(json_array_append_new(json_object_get(value, "keys"), json_pack("{s:s}", "kty", "AKP")), 0);
    assert_ok(runtime_data_from_json(value, "", NULL, &data));
}

static void assert_refused(const json_t *value, enum status status, const char *field)
{
    struct refusal why = {};
    struct runtime_data data = {};
    assert_status(runtime_data_from_json(value, "rt", &why, &data), status);
    assert_string_equal(why.field, field);
    assert_null(data.keys[0]);
}

static void test_missing_and_mistyped_members(void **)
{
    static const char *const names[] = {"service", "version", "deployment", "use"};
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(json_done) json_t *value = written();
        json_t *const lazaret = json_object_get(value, "lazaret");
        char field[64];
        (void)snprintf(field, sizeof(field), "rt.lazaret.%s", names[i]);
        assert_int_equal(json_object_set_new(lazaret, names[i], json_integer(7)), 0);
        assert_refused(value, ERR_FIELD_TYPE, field);
        assert_int_equal(json_object_del(lazaret, names[i]), 0);
        assert_refused(value, ERR_FIELD_MISSING, field);
    }
    CLEANUP(json_done) json_t *value = written(), *array = json_array();
    assert_refused(array, ERR_FIELD_TYPE, "rt");
    assert_int_equal(json_object_del(value, "lazaret"), 0);
    assert_refused(value, ERR_FIELD_MISSING, "rt.lazaret");
    assert_int_equal(json_object_del(value, "keys"), 0);
    assert_refused(value, ERR_FIELD_MISSING, "rt.keys");
}

static void test_texts_are_bounded_and_printable(void **)
{
    CLEANUP(json_done) json_t *value = written();
    json_t *const lazaret = json_object_get(value, "lazaret");
    assert_int_equal(json_object_set_new(lazaret, "service", json_string("a-name-that-is-longer-than-32-bytes")), 0);
    assert_refused(value, ERR_FIELD_VALUE, "rt.lazaret.service");
    assert_int_equal(json_object_set_new(lazaret, "service", json_string("line\nbreak")), 0);
    assert_refused(value, ERR_FIELD_VALUE, "rt.lazaret.service");
}

static void test_a_use_must_name_a_key_that_is_there(void **)
{
    CLEANUP(json_done) json_t *value = written();
    json_t *const use = json_object_get(json_object_get(value, "lazaret"), "use");
    assert_int_equal(json_object_set_new(use, "tls", json_string(DEPLOYMENT)), 0);
    assert_refused(value, ERR_FIELD_VALUE, "rt.lazaret.use.tls");
}

static void test_a_use_must_name_a_key_of_its_kind(void **)
{
    CLEANUP(json_done) json_t *value = written();
    json_t *const use = json_object_get(json_object_get(value, "lazaret"), "use");
    CLEANUP(json_done) json_t *tls = json_incref(json_object_get(use, "tls"));
    assert_int_equal(json_object_set(use, "tls", json_object_get(use, "hpke")), 0);
    assert_refused(value, ERR_FIELD_VALUE, "rt.lazaret.use.tls");
    assert_int_equal(json_object_set(use, "tls", tls), 0);
    assert_int_equal(json_object_set(use, "hpke", tls), 0);
    assert_refused(value, ERR_FIELD_VALUE, "rt.lazaret.use.hpke");
}

static void test_a_key_configuration_needs_its_key(void **)
{
    CLEANUP(json_done) json_t *value = written();
    json_t *const lazaret = json_object_get(value, "lazaret");
    assert_int_equal(json_object_del(json_object_get(lazaret, "use"), "hpke"), 0);
    assert_refused(value, ERR_FIELD_VALUE, "rt.lazaret.ohttp");
    assert_int_equal(json_object_set_new(lazaret, "ohttp", json_string("!")), 0);
    assert_refused(value, ERR_FIELD_VALUE, "rt.lazaret.ohttp");
}

static void test_broken_and_private_keys(void **)
{
    CLEANUP(json_done) json_t *value = written();
    json_t *const first = json_array_get(json_object_get(value, "keys"), 0);
    assert_int_equal(json_object_set_new(first, "d", json_string("AA")), 0);
    assert_refused(value, ERR_FIELD_UNKNOWN, "rt.keys[0]");
    assert_int_equal(json_object_del(first, "d"), 0);
    assert_int_equal(json_object_set_new(first, "x", json_string(DEPLOYMENT)), 0);
    assert_refused(value, ERR_KEY_INVALID, "rt.keys[0]");
}

static void test_too_many_keys(void **)
{
    CLEANUP(json_done) json_t *value = written();
    json_t *const array = json_object_get(value, "keys");
    while (json_array_size(array) <= RUNTIME_DATA_MAX_KEYS)
        assert_int_equal(json_array_append(array, json_array_get(array, 0)), 0);
    assert_refused(value, ERR_FIELD_VALUE, "rt.keys");
}

static void test_report_data_is_the_digest_and_zeros(void **)
{
    uint8_t report_data[REPORT_DATA_BYTES];
    assert_ok(runtime_data_report_data(SLICE_LITERAL("abc"), report_data));
    assert_string_equal(hex_of_32(report_data).text,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(slice_is_zero(slice_of(report_data + 32, 32)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_a_service_without_hpke),
        cmocka_unit_test(test_unknown_members_and_keys_are_passed_over),
        cmocka_unit_test(test_missing_and_mistyped_members),
        cmocka_unit_test(test_texts_are_bounded_and_printable),
        cmocka_unit_test(test_a_use_must_name_a_key_that_is_there),
        cmocka_unit_test(test_a_use_must_name_a_key_of_its_kind),
        cmocka_unit_test(test_a_key_configuration_needs_its_key),
        cmocka_unit_test(test_broken_and_private_keys),
        cmocka_unit_test(test_too_many_keys),
        cmocka_unit_test(test_report_data_is_the_digest_and_zeros),
    };
    return cmocka_run_group_tests_name("token/runtime_data", tests, make_keys, drop_keys);
}
