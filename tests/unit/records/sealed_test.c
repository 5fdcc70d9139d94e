/* SPDX-License-Identifier: Apache-2.0 */
#include "records/sealed.h"

#include "records_testing.h"

static const struct sealed_place home = {.type = "Patient", .owner = "o", .id = "1", .version = 3};
#define VALUE SLICE_LITERAL("Canary Zebra")

static void seal(const struct record_keys *keys, const struct sealed_place *place, struct buffer *sealed)
{
    *sealed = buffer_of_maximum(256);
    assert_ok(sealed_seal(keys, place, VALUE, sealed));
}

static enum status open_at(const struct record_keys *keys, const struct sealed_place *place, struct slice sealed)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(256);
    const enum status status = sealed_open(keys, place, sealed, &value);
    if (status == OK) assert_slice_equal(buffer_slice(&value), VALUE);
    if (status != OK) assert_int_equal(value.size, 0);
    return status;
}

static void test_a_value_opens_at_its_place_only(void **)
{
    CLEANUP(record_keys_cleanup) struct record_keys *keys = test_keys(1, "tenant");
    CLEANUP(buffer_done) struct buffer sealed;
    seal(keys, &home, &sealed);
    assert_int_equal(sealed.size, VALUE.size + SEALED_OVERHEAD_BYTES);
    const struct slice bytes = buffer_slice(&sealed);
    assert_ok(open_at(keys, &home, bytes));
    const struct sealed_place others[] = {
        {.type = "Patienu", .owner = "o", .id = "1", .version = 3},
        {.type = "Patient", .owner = "p", .id = "1", .version = 3},
        {.type = "Patient", .owner = "o", .id = "2", .version = 3},
        {.type = "Patient", .owner = "o", .id = "1", .version = 2},
        {.type = "Patiento", .owner = "", .id = "1", .version = 3}, /* the same letters, cut elsewhere */
        {.type = "Patient", .owner = "", .id = "o1", .version = 3},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_status(open_at(keys, &others[i], bytes), ERR_STORE_CORRUPT);
}

static void test_other_keys_and_tenants_do_not_open_it(void **)
{
    CLEANUP(record_keys_cleanup) struct record_keys *keys = test_keys(1, "tenant");
    CLEANUP(record_keys_cleanup) struct record_keys *other_master = test_keys(2, "tenant");
    CLEANUP(record_keys_cleanup) struct record_keys *other_tenant = test_keys(1, "tenanu");
    CLEANUP(buffer_done) struct buffer sealed;
    seal(keys, &home, &sealed);
    assert_status(open_at(other_master, &home, buffer_slice(&sealed)), ERR_STORE_CORRUPT);
    assert_status(open_at(other_tenant, &home, buffer_slice(&sealed)), ERR_STORE_CORRUPT);
}

static void test_every_altered_bit_and_every_cut_is_noticed(void **)
{
    CLEANUP(record_keys_cleanup) struct record_keys *keys = test_keys(1, "tenant");
    CLEANUP(buffer_done) struct buffer sealed;
    seal(keys, &home, &sealed);
    for (size_t i = 0; i < sealed.size; i++) {
        sealed.bytes[i] ^= 1;
        assert_status(open_at(keys, &home, buffer_slice(&sealed)), ERR_STORE_CORRUPT);
        sealed.bytes[i] ^= 1;
        assert_status(open_at(keys, &home, slice_of(sealed.bytes, i)), ERR_STORE_CORRUPT);
    }
}

static void test_equal_values_look_different(void **)
{
    CLEANUP(record_keys_cleanup) struct record_keys *keys = test_keys(1, "tenant");
    CLEANUP(buffer_done) struct buffer first, second;
    seal(keys, &home, &first);
    seal(keys, &home, &second);
    assert_memory_not_equal(first.bytes + 1, second.bytes + 1, SEALED_NONCE_BYTES);
    assert_memory_not_equal(first.bytes + SEALED_HEAD_BYTES, second.bytes + SEALED_HEAD_BYTES, VALUE.size);
}

static void test_bounds(void **)
{
    uint8_t master[MASTER_KEY_BYTES] = {1};
    struct record_keys *keys = NULL;
    assert_status(record_keys_new(slice_of(master, 31), SLICE_LITERAL("t"), &keys), ERR_KEY_INVALID);
    assert_status(record_keys_new(SLICE_ARRAY(master), (struct slice){}, &keys), ERR_KEY_INVALID);
    char tenant[TENANT_MAX_BYTES + 1];
    memset(tenant, 't', sizeof(tenant));
    assert_status(record_keys_new(SLICE_ARRAY(master), SLICE_ARRAY(tenant), &keys), ERR_KEY_INVALID);
    CLEANUP(record_keys_cleanup) struct record_keys *good = test_keys(1, "tenant");
    char id[SEALED_TEXT_MAX_BYTES + 2] = {};
    memset(id, 'i', SEALED_TEXT_MAX_BYTES + 1);
    const struct sealed_place place = {.type = "", .owner = "", .id = id};
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(256);
    assert_status(sealed_seal(good, &place, VALUE, &sealed), ERR_TOO_LARGE);
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(SEALED_OVERHEAD_BYTES);
    assert_status(sealed_seal(good, &home, VALUE, &small), ERR_TOO_LARGE);
    assert_int_equal(small.size, 0);
}

static void test_tokens_are_equal_only_in_one_field_of_one_tenant(void **)
{
    CLEANUP(record_keys_cleanup) struct record_keys *keys = test_keys(1, "tenant");
    CLEANUP(record_keys_cleanup) struct record_keys *other = test_keys(1, "other");
    struct lookup_token name, again, other_field, other_value, other_tenant;
    assert_ok(lookup_token_of(keys, "name", SLICE_LITERAL("zebra"), &name));
    assert_ok(lookup_token_of(keys, "name", SLICE_LITERAL("zebra"), &again));
    assert_ok(lookup_token_of(keys, "city", SLICE_LITERAL("zebra"), &other_field));
    assert_ok(lookup_token_of(keys, "name", SLICE_LITERAL("zebrb"), &other_value));
    assert_ok(lookup_token_of(other, "name", SLICE_LITERAL("zebra"), &other_tenant));
    assert_memory_equal(name.bytes, again.bytes, LOOKUP_TOKEN_BYTES);
    assert_memory_not_equal(name.bytes, other_field.bytes, LOOKUP_TOKEN_BYTES);
    assert_memory_not_equal(name.bytes, other_value.bytes, LOOKUP_TOKEN_BYTES);
    assert_memory_not_equal(name.bytes, other_tenant.bytes, LOOKUP_TOKEN_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_value_opens_at_its_place_only),
        cmocka_unit_test(test_other_keys_and_tenants_do_not_open_it),
        cmocka_unit_test(test_every_altered_bit_and_every_cut_is_noticed),
        cmocka_unit_test(test_equal_values_look_different),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_tokens_are_equal_only_in_one_field_of_one_tenant),
    };
    return cmocka_run_group_tests_name("records/sealed", tests, NULL, NULL);
}
