/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/state_form.h"

#include "crypto/x509.h"
#include "policy/default_policy.h"

#include "testing.h"

/* A view with something of everything. */
static void fill(struct state_view *view)
{
    assert_ok(state_defaults(view));
    assert_ok(state_policy_set(&view->policies[ATTESTATION_TPM], SLICE_LITERAL("a.b.c"), false));
    assert_ok(buffer_append(&view->policy_signers[0], SLICE_LITERAL("first certificate")));
    assert_ok(buffer_append(&view->policy_signers[1], SLICE_LITERAL("second certificate")));
    view->policy_signer_count = 2;
    struct state_key *const key = &view->keys[0];
    key->use = STATE_KEY_RETIRED;
    key->made_s = 1;
    key->current_since_s = 2;
    key->retired_s = 3;
    (void)snprintf(key->key.kid, sizeof(key->key.kid), "a key id");
    assert_ok(buffer_append(&key->key.certificate, SLICE_LITERAL("certificate")));
    assert_ok(buffer_append(&key->key.sealed, SLICE_LITERAL("sealed")));
    view->key_count = 1;
}

static void write_filled(struct buffer *bytes)
{
    struct state_view view;
    fill(&view);
    *bytes = buffer_of_maximum(STATE_MAX_BYTES);
    assert_ok(state_write(&view, bytes));
    state_view_clear(&view);
}

static void test_what_was_written_is_read_back(void **)
{
    struct state_view view, read;
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(STATE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(STATE_MAX_BYTES);
    struct refusal why = {};
    fill(&view);
    assert_ok(state_write(&view, &bytes));
    assert_ok(state_read(buffer_slice(&bytes), &why, &read));
    assert_ok(state_write(&read, &again));
    assert_slice_equal(buffer_slice(&again), buffer_slice(&bytes));
    assert_slice_equal(buffer_slice(&read.policies[ATTESTATION_TPM].jws), SLICE_LITERAL("a.b.c"));
    assert_false(read.policies[ATTESTATION_TPM].is_default);
    assert_true(read.policies[ATTESTATION_SGX_ENCLAVE].is_default);
    assert_memory_equal(read.policies[0].digest, view.policies[0].digest, 32);
    assert_slice_equal(buffer_slice(&read.policy_signers[1]), SLICE_LITERAL("second certificate"));
    assert_int_equal(read.keys[0].use, STATE_KEY_RETIRED);
    assert_int_equal(read.keys[0].made_s, 1);
    assert_int_equal(read.keys[0].current_since_s, 2);
    assert_int_equal(read.keys[0].retired_s, 3);
    assert_string_equal(read.keys[0].key.kid, "a key id");
    assert_slice_equal(buffer_slice(&read.keys[0].key.certificate), SLICE_LITERAL("certificate"));
    assert_slice_equal(buffer_slice(&read.keys[0].key.sealed), SLICE_LITERAL("sealed"));
    state_view_clear(&view);
    state_view_clear(&read);
}

static void expect_corrupt(struct slice bytes)
{
    struct state_view view;
    struct refusal why = {};
    assert_status(state_read(bytes, &why, &view), ERR_STORE_CORRUPT);
    assert_string_equal(why.field, "state");
}

static void test_every_shorter_state_is_corrupt(void **)
{
    CLEANUP(buffer_done) struct buffer bytes;
    write_filled(&bytes);
    for (size_t size = 0; size < bytes.size; size++) expect_corrupt(slice_part(buffer_slice(&bytes), 0, size));
}

static void test_a_longer_state_is_corrupt(void **)
{
    CLEANUP(buffer_done) struct buffer bytes;
    write_filled(&bytes);
    assert_ok(buffer_append_u8(&bytes, 0));
    expect_corrupt(buffer_slice(&bytes));
}

/* Where things stand in an empty state of default policies. */
static size_t signers_at(const struct buffer *bytes)
{
    return bytes->size - 2;
}

static void test_numbers_that_no_state_has(void **)
{
    struct state_view view;
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(STATE_MAX_BYTES);
    assert_ok(state_defaults(&view));
    assert_ok(state_write(&view, &bytes));
    state_view_clear(&view);
    const struct {
        size_t at;
        uint8_t value;
    } changes[] = {
        {0, 2},                                                  /* another form */
        {1, ATTESTATION_TYPE_COUNT - 1},                         /* other types */
        {1, ATTESTATION_TYPE_COUNT + 1},                         /* other types */
        {2, 2},                                                  /* unknown flag */
        {3, 1},                                                  /* a policy of 16 MiB */
        {signers_at(&bytes), STATE_POLICY_SIGNER_MAX_COUNT + 1}, /* signers */
        {signers_at(&bytes) + 1, SIGNING_KEY_MAX_COUNT + 1},     /* keys */
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const uint8_t before = bytes.bytes[changes[i].at];
        bytes.bytes[changes[i].at] = changes[i].value;
        expect_corrupt(buffer_slice(&bytes));
        bytes.bytes[changes[i].at] = before;
    }
}

static void test_keys_that_no_state_has(void **)
{
    enum { KEY_BYTES = 1 + 3 * 8 + 1 + 8 + 4 + 11 + 4 + 6 };
    CLEANUP(buffer_done) struct buffer bytes;
    write_filled(&bytes);
    uint8_t *const key = bytes.bytes + bytes.size - KEY_BYTES;
    const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, STATE_KEY_RETIRED + 1},         {1, 0x80}, {9, 0x80}, {17, 0x80}, {25, 0},
                   {25, ATTESTATION_KEY_ID_BYTES + 1}, {26, 0}};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const uint8_t before = key[changes[i].at];
        key[changes[i].at] = changes[i].value;
        expect_corrupt(buffer_slice(&bytes));
        key[changes[i].at] = before;
    }
    struct state_view view;
    assert_ok(state_read(buffer_slice(&bytes), NULL, &view));
    state_view_clear(&view);
}

static void test_default_policies(void **)
{
    struct state_view view;
    assert_ok(state_defaults(&view));
    assert_int_equal(view.policy_signer_count, 0);
    assert_int_equal(view.key_count, 0);
    assert_int_equal(view.policies[ATTESTATION_TPM].jws.size, 0);
    static const uint8_t zeros[32];
    assert_memory_equal(view.policies[ATTESTATION_TPM].digest, zeros, 32);
    /* The header and payload of what the real service returns for a default policy of this text. */
    assert_slice_equal(buffer_slice(&view.policies[ATTESTATION_SEV_SNP_VM].jws),
                       SLICE_LITERAL("eyJhbGciOiJub25lIn0.eyJBdHRlc3RhdGlvblBvbGljeSI6ImRtVnljMmx2YmowZ01TNHdPMkYxZEdo"
                                     "dmNtbDZZWFJwYjI1eWRXeGxjM3M5UGlCd1pYSnRhWFFvS1R0OU93In0."));
    state_view_clear(&view);
}

static void test_a_copy_is_equal_and_its_own(void **)
{
    struct state_view view, copy;
    fill(&view);
    view.version = 41;
    assert_ok(state_view_copy(&view, &copy));
    assert_int_equal(copy.version, 41);
    assert_ptr_not_equal(copy.policies[0].jws.bytes, view.policies[0].jws.bytes);
    state_view_clear(&view);
    assert_slice_equal(buffer_slice(&copy.policy_signers[0]), SLICE_LITERAL("first certificate"));
    state_view_clear(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_read_back), cmocka_unit_test(test_every_shorter_state_is_corrupt),
        cmocka_unit_test(test_a_longer_state_is_corrupt),     cmocka_unit_test(test_numbers_that_no_state_has),
        cmocka_unit_test(test_keys_that_no_state_has),        cmocka_unit_test(test_default_policies),
        cmocka_unit_test(test_a_copy_is_equal_and_its_own),
    };
    return cmocka_run_group_tests_name("attestation/state_form", tests, NULL, NULL);
}
