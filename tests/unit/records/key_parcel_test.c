/* SPDX-License-Identifier: Apache-2.0 */
#include "records/key_parcel.h"
#include "records/sealed.h"

#include "testing.h"

static uint8_t master[MASTER_KEY_BYTES] = {1, 2, 3};
static struct key *enclave, *other_enclave, *recovery, *stranger;

static int make(void **)
{
    assert_ok(key_generate(KEY_X25519, 0, &enclave));
    assert_ok(key_generate(KEY_X25519, 0, &other_enclave));
    assert_ok(key_generate(KEY_X25519, 0, &recovery));
    assert_ok(key_generate(KEY_X25519, 0, &stranger));
    return 0;
}

static int clear(void **)
{
    key_free(enclave);
    key_free(other_enclave);
    key_free(recovery);
    key_free(stranger);
    return 0;
}

static struct key_parcel_route route(void)
{
    return (struct key_parcel_route){.purpose = KEY_PARCEL_RECOVERY,
                                     .deployment = SLICE_LITERAL("deployment"),
                                     .recipient = enclave,
                                     .author = recovery};
}

static enum status send(const struct key_parcel_route *from, const struct key_parcel_route *to)
{
    json_t *parcel = NULL;
    struct secret opened = {};
    struct refusal why = {};
    assert_ok(key_parcel_seal(from, SLICE_ARRAY(master), &parcel));
    const enum status status = key_parcel_open(to, parcel, &why, &opened);
    if (status == OK)
        assert_slice_equal(secret_slice(&opened), SLICE_ARRAY(master));
    else
        assert_int_equal(why.status, status);
    json_decref(parcel);
    secret_done(&opened);
    return status;
}

static void test_arrives_as_it_was_sent(void **)
{
    struct key_parcel_route here = route();
    assert_ok(send(&here, &here));
    here.author = NULL;
    here.purpose = KEY_PARCEL_HAND_OVER;
    assert_ok(send(&here, &here));
}

static void test_opens_for_its_recipient_author_deployment_and_purpose_only(void **)
{
    const struct key_parcel_route here = route();
    struct key_parcel_route other = route();
    other.recipient = other_enclave;
    assert_status(send(&here, &other), ERR_OHTTP_KEY);
    other = route();
    other.author = stranger;
    assert_status(send(&here, &other), ERR_AUTHENTICATION);
    assert_status(send(&other, &here), ERR_AUTHENTICATION);
    other.author = NULL;
    assert_status(send(&here, &other), ERR_AUTHENTICATION);
    assert_status(send(&other, &here), ERR_AUTHENTICATION);
    other = route();
    other.deployment = SLICE_LITERAL("deploymenu");
    assert_status(send(&here, &other), ERR_AUTHENTICATION);
    other = route();
    other.purpose = KEY_PARCEL_HAND_OVER;
    assert_status(send(&here, &other), ERR_AUTHENTICATION);
}

static void test_sends_only_master_keys(void **)
{
    const struct key_parcel_route here = route();
    json_t *parcel = NULL;
    assert_status(key_parcel_seal(&here, slice_of(master, sizeof(master) - 1), &parcel), ERR_KEY_INVALID);
    assert_null(parcel);
}

static enum status open_changed(const char *name, json_t *value)
{
    const struct key_parcel_route here = route();
    json_t *parcel = NULL;
    struct secret opened = {};
    assert_ok(key_parcel_seal(&here, SLICE_ARRAY(master), &parcel));
    if (value == NULL)
        (void)json_object_del(parcel, name);
    else
        (void)json_object_set_new(parcel, name, value);
    const enum status status = key_parcel_open(&here, parcel, NULL, &opened);
    json_decref(parcel);
    secret_done(&opened);
    return status;
}

static void test_another_form_is_refused(void **)
{
    static const char *const names[] = {"key", "encapsulated", "sealed"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_status(open_changed(names[i], NULL), ERR_FIELD_MISSING);
        assert_status(open_changed(names[i], json_integer(1)), ERR_FIELD_TYPE);
    }
    assert_status(open_changed("more", json_true()), ERR_FIELD_UNKNOWN);
    assert_status(open_changed("encapsulated", json_string("AAAA")), ERR_FIELD_VALUE);
    assert_status(open_changed("sealed", json_string("AAAA")), ERR_FIELD_VALUE);
    /* A point of low order. */
    assert_status(open_changed("encapsulated", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
                  ERR_AUTHENTICATION);
    assert_status(
        open_changed("sealed", json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ERR_AUTHENTICATION);
    const struct key_parcel_route here = route();
    struct secret opened = {};
    json_t *const list = json_array();
    assert_status(key_parcel_open(&here, list, NULL, &opened), ERR_FIELD_TYPE);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrives_as_it_was_sent),
        cmocka_unit_test(test_opens_for_its_recipient_author_deployment_and_purpose_only),
        cmocka_unit_test(test_sends_only_master_keys),
        cmocka_unit_test(test_another_form_is_refused),
    };
    return cmocka_run_group_tests_name("records/key_parcel", tests, make, clear);
}
