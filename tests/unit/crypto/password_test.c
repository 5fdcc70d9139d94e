/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"

#include "testing.h"

static void test_a_hash_verifies_its_password_only(void **)
{
    CLEANUP(buffer_done) struct buffer hash = buffer_of_maximum(PASSWORD_HASH_MAX_BYTES), again = hash;
    assert_ok(password_hash(SLICE_LITERAL("correct horse"), &hash));
    assert_true(slice_starts_with(buffer_slice(&hash), SLICE_LITERAL("$argon2id$v=19$m=19456,t=2,p=1$")));
    assert_ok(password_hash_check(buffer_slice(&hash)));
    assert_ok(password_verify(buffer_slice(&hash), SLICE_LITERAL("correct horse")));
    assert_status(password_verify(buffer_slice(&hash), SLICE_LITERAL("correct horsf")), ERR_SIGN_IN);
    assert_status(password_verify(buffer_slice(&hash), SLICE_LITERAL("")), ERR_SIGN_IN);
    assert_ok(password_hash(SLICE_LITERAL("correct horse"), &again));
    assert_false(slice_equal(buffer_slice(&hash), buffer_slice(&again)));
}

static void test_passwords_of_a_bad_length_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer hash = buffer_of_maximum(PASSWORD_HASH_MAX_BYTES);
    static const uint8_t bytes[PASSWORD_MAX_BYTES + 1] = {'p'};
    assert_status(password_hash(slice_of(bytes, PASSWORD_MIN_BYTES - 1), &hash), ERR_FIELD_VALUE);
    assert_status(password_hash(slice_of(bytes, PASSWORD_MAX_BYTES + 1), &hash), ERR_FIELD_VALUE);
    assert_ok(password_hash(slice_of(bytes, PASSWORD_MIN_BYTES), &hash));
}

static void test_other_forms_and_costly_parameters_are_refused(void **)
{
    const char *const hashes[] = {
        "",
        "plain text",
        "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=16$m=19456,t=2,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=262145,t=2,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=19456,t=17,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=19456,t=2,p=5$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=19456,t=0,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$t=2,m=19456,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=1x,t=2,p=1$c29tZXNhbHQ$AAAA",
        "$argon2id$v=19$m=19456",
    };
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        assert_status(password_hash_check(slice_of_text(hashes[i])), ERR_FIELD_VALUE);
        assert_status(password_verify(slice_of_text(hashes[i]), SLICE_LITERAL("password")), ERR_FIELD_VALUE);
    }
    /* Good parameters before a broken end. */
    assert_status(password_verify(SLICE_LITERAL("$argon2id$v=19$m=64,t=1,p=1$!$?"), SLICE_LITERAL("password")),
                  ERR_FIELD_VALUE);
}

/* The reference implementation's own test value. */
static void test_a_known_hash(void **)
{
    const struct slice hash = SLICE_LITERAL("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ"
                                            "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc");
    assert_ok(password_verify(hash, SLICE_LITERAL("password")));
    assert_status(password_verify(hash, SLICE_LITERAL("passwore")), ERR_SIGN_IN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hash_verifies_its_password_only),
        cmocka_unit_test(test_passwords_of_a_bad_length_are_refused),
        cmocka_unit_test(test_other_forms_and_costly_parameters_are_refused),
        cmocka_unit_test(test_a_known_hash),
    };
    return cmocka_run_group_tests_name("crypto/password", tests, NULL, NULL);
}
