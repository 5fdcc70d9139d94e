/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include "testing.h"

static void test_bytes_and_secrets_differ_each_time(void **)
{
    uint8_t a[32] = {}, b[32] = {};
    assert_ok(random_bytes(sizeof(a), a));
    assert_ok(random_bytes(sizeof(b), b));
    assert_false(slice_equal(SLICE_ARRAY(a), SLICE_ARRAY(b)));
    CLEANUP(secret_done) struct secret c = {}, d = {};
    assert_ok(random_secret(32, &c));
    assert_ok(random_secret(32, &d));
    assert_int_equal(c.size, 32);
    assert_false(slice_equal_secret(secret_slice(&c), secret_slice(&d)));
}

static void test_ids_are_22_base64url_characters(void **)
{
    struct random_id a, b;
    assert_ok(random_id(&a));
    assert_ok(random_id(&b));
    assert_int_equal(strlen(a.text), 22);
    assert_int_equal(strspn(a.text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 22);
    assert_string_not_equal(a.text, b.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_and_secrets_differ_each_time),
        cmocka_unit_test(test_ids_are_22_base64url_characters),
    };
    return cmocka_run_group_tests_name("crypto/random", tests, NULL, NULL);
}
