/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/default_policy.h"

#include "crypto/hash.h"
#include "policy/policy.h"
#include "testing.h"

static void test_texts_have_their_published_sizes_and_hashes(void **)
{
    static const struct {
        const char *type;
        size_t size;
        const char *hash;
    } cases[] = {
        {"SgxEnclave", 501, "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw"},
        {"sgxenclave", 501, "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw"},
        {"OpenEnclave", 479, "egjnANIzEpS2WgpE4Nk-QEwM69XRCgTs42_G0qLlbnk"},
        {"SevSnpVm", 46, "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco"},
        {"TdxVm", 46, "9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct slice text = default_policy_text(cases[i].type);
        struct base64url32 hash;
        assert_int_equal(text.size, cases[i].size);
        assert_ok(policy_text_hash(text, &hash));
        assert_string_equal(hash.text, cases[i].hash);
    }
}

static void test_a_type_without_a_default_has_no_text(void **)
{
    assert_int_equal(default_policy_text("Tpm").size, 0);
    assert_int_equal(default_policy_text("AzureGuest").size, 0);
    assert_int_equal(default_policy_text("").size, 0);
}

static void test_a_text_that_is_too_long_has_no_hash(void **)
{
    static const uint8_t large[POLICY_TEXT_MAX_BYTES + 1];
    struct base64url32 hash;
    assert_status(policy_text_hash(SLICE_ARRAY(large), &hash), ERR_TOO_LARGE);
    assert_ok(policy_text_hash(slice_of(large, POLICY_TEXT_MAX_BYTES), &hash));
}

/* The published answer to setting this policy by an unsigned JWS (reference: section 2.4). */
static void test_the_token_hash_of_a_published_request(void **)
{
    CLEANUP(buffer_done) struct buffer inner = buffer_of_maximum(1024), payload = inner, token = inner;
    uint8_t digest[SHA256_BYTES];
    assert_ok(
        base64url_encode(SLICE_LITERAL("version=1.0; authorizationrules{=> permit();}; issuancerules{};"), &inner));
    assert_ok(buffer_append_text(&payload, "{\"AttestationPolicy\":\""));
    assert_ok(buffer_append(&payload, buffer_slice(&inner)));
    assert_ok(buffer_append_text(&payload, "\"}"));
    assert_ok(buffer_append_text(&token, "eyJhbGciOiJub25lIn0."));
    assert_ok(base64url_encode(buffer_slice(&payload), &token));
    assert_ok(buffer_append_u8(&token, '.'));
    assert_ok(sha256(buffer_slice(&token), digest));
    assert_string_equal(base64url_of_32(digest).text, "c6sEJQItV50OeP9IrP_bzywAMOVvj5uDPbklA_bwdYQ");
}

/* They are what people see first of the language. */
static void test_texts_compile(void **)
{
    static const struct {
        const char *type;
        size_t issuance_rules;
    } cases[] = {{"SgxEnclave", 6}, {"OpenEnclave", 6}, {"SevSnpVm", 0}, {"TdxVm", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(policy_cleanup) struct policy *policy = NULL;
        assert_ok(policy_compile(default_policy_text(cases[i].type), NULL, &policy));
        assert_int_equal(policy_facts(policy).authorization_rules, 1);
        assert_int_equal(policy_facts(policy).issuance_rules, cases[i].issuance_rules);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_have_their_published_sizes_and_hashes),
        cmocka_unit_test(test_a_type_without_a_default_has_no_text),
        cmocka_unit_test(test_a_text_that_is_too_long_has_no_hash),
        cmocka_unit_test(test_the_token_hash_of_a_published_request),
        cmocka_unit_test(test_texts_compile),
    };
    return cmocka_run_group_tests_name("policy/default_policy", tests, NULL, NULL);
}
