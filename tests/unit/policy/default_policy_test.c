/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/default_policy.h"

#include "testing.h"

static void test_the_text_has_its_published_size_and_hash(void **)
{
    const struct slice text = default_policy_text();
    assert_int_equal(text.size, 501);
    struct base64url32 hash;
    assert_ok(policy_text_hash(text, &hash));
    assert_string_equal(hash.text, default_policy_hash());
    assert_string_equal(hash.text, "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw");
}

/* The 46-byte policy for SEV-SNP, whose hash stands in published tokens. */
static void test_hash_of_another_known_policy(void **)
{
    struct base64url32 hash;
    assert_ok(policy_text_hash(SLICE_LITERAL("version= 1.0;authorizationrules{=> permit();};"), &hash));
    assert_string_equal(hash.text, "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco");
    static const uint8_t large[POLICY_TEXT_MAX_BYTES + 1];
    assert_status(policy_text_hash(SLICE_ARRAY(large), &hash), ERR_TOO_LARGE);
}

static void test_claims_are_issued_under_their_old_names(void **)
{
    CLEANUP(json_done) json_t *claims = NULL, *expected = NULL;
    assert_ok(json_parse(SLICE_LITERAL("{\"x-ms-sgx-is-debuggable\":false,\"x-ms-sgx-mrsigner\":\"aa\","
                                       "\"x-ms-sgx-mrenclave\":\"bb\",\"x-ms-sgx-product-id\":3,\"x-ms-sgx-svn\":5,"
                                       "\"x-ms-attestation-type\":\"sgx\",\"iss\":\"x\"}"),
                         1000, NULL, &claims));
    assert_ok(json_parse(SLICE_LITERAL("{\"is-debuggable\":false,\"sgx-mrsigner\":\"aa\",\"sgx-mrenclave\":\"bb\","
                                       "\"product-id\":3,\"svn\":5,\"tee\":\"sgx\"}"),
                         1000, NULL, &expected));
    assert_ok(default_policy_apply(claims));
    assert_int_equal(json_object_size(claims), 13);
    const char *name;
    json_t *value;
    json_object_foreach (expected, name, value) assert_true(json_equal(json_object_get(claims, name), value));
}

static void test_a_claim_that_is_absent_issues_none(void **)
{
    CLEANUP(json_done) json_t *claims = json_object();
    assert_ok(default_policy_apply(claims));
    assert_int_equal(json_object_size(claims), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_text_has_its_published_size_and_hash),
        cmocka_unit_test(test_hash_of_another_known_policy),
        cmocka_unit_test(test_claims_are_issued_under_their_old_names),
        cmocka_unit_test(test_a_claim_that_is_absent_issues_none),
    };
    return cmocka_run_group_tests_name("policy/default_policy", tests, NULL, NULL);
}
