/* SPDX-License-Identifier: Apache-2.0 */
#include "token/attestation_token.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "testing.h"
#include "token/jws.h"

#define HEX_11 "1111111111111111111111111111111111111111111111111111111111111111"

static struct attestation_token make(struct slice runtime, bool is_json)
{
    struct attestation_token token = {
        .issuer = "https://attest.example",
        .issued_s = 1764000000,
        .id = "ab",
        .runtime = {.bytes = runtime, .is_json = is_json},
        .policy_hash = "hash",
        .sgx = {.product_id = 3, .svn = 5},
    };
    memset(token.sgx.mrenclave, 0x11, 32);
    return token;
}

static json_t *payload_of(const struct attestation_token *token)
{
    json_t *payload = NULL;
    struct refusal why = {};
    if (attestation_token_payload(token, &why, &payload) != OK) fail_msg("%s: %s", why.field, why.seen);
    return payload;
}

static void assert_names(const json_t *payload, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (json_object_get(payload, names[i]) == NULL) fail_msg("no claim %s", names[i]);
    }
    assert_int_equal(json_object_size(payload), count);
}

/* The claims of a token that the real service issued in 2021, less those that its policy issues. */
static const char *const common_names[] = {
    "exp",
    "iat",
    "iss",
    "jti",
    "maa-attestationcollateral",
    "nbf",
    "x-ms-attestation-type",
    "x-ms-policy-hash",
    "x-ms-sgx-collateral",
    "x-ms-sgx-is-debuggable",
    "x-ms-sgx-mrenclave",
    "x-ms-sgx-mrsigner",
    "x-ms-sgx-product-id",
    "x-ms-sgx-report-data",
    "x-ms-sgx-svn",
    "x-ms-ver",
};
enum { COMMON = sizeof(common_names) / sizeof(common_names[0]) };

static const char *text_of(const json_t *payload, const char *name)
{
    return json_string_value(json_object_get(payload, name));
}

static void test_binary_runtime_data(void **)
{
    const struct attestation_token token = make(SLICE_LITERAL("\xff\xfe\xfd"), false);
    CLEANUP(json_done) json_t *payload = payload_of(&token);
    const char *names[COMMON + 3];
    memcpy(names, common_names, sizeof(common_names));
    names[COMMON] = "aas-ehd";
    names[COMMON + 1] = "maa-ehd";
    names[COMMON + 2] = "x-ms-sgx-ehd";
    assert_names(payload, names, COMMON + 3);
    for (size_t i = COMMON; i < COMMON + 3; i++) assert_string_equal(text_of(payload, names[i]), "__79");
}

static void test_json_runtime_data(void **)
{
    const struct attestation_token token = make(SLICE_LITERAL("{ \"b\": 1, \"a\": [true] }"), true);
    CLEANUP(json_done) json_t *payload = payload_of(&token);
    const char *names[COMMON + 1];
    memcpy(names, common_names, sizeof(common_names));
    names[COMMON] = "x-ms-runtime";
    assert_names(payload, names, COMMON + 1);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(100);
    assert_ok(json_write(json_object_get(payload, "x-ms-runtime"), &text));
    assert_true(slice_equal_text(buffer_slice(&text), "{\"a\":[true],\"b\":1}"));
}

static void test_values_of_the_claims(void **)
{
    struct attestation_token token = make((struct slice){}, false);
    memset(token.sgx.hashes.quote, 0x11, 32);
    token.nonce = SLICE_LITERAL("n-1");
    CLEANUP(json_done) json_t *payload = payload_of(&token);
    assert_int_equal(json_integer_value(json_object_get(payload, "iat")), 1764000000);
    assert_int_equal(json_integer_value(json_object_get(payload, "nbf")), 1764000000);
    assert_int_equal(json_integer_value(json_object_get(payload, "exp")), 1764028800);
    assert_string_equal(text_of(payload, "iss"), "https://attest.example");
    assert_string_equal(text_of(payload, "jti"), "ab");
    assert_string_equal(text_of(payload, "nonce"), "n-1");
    assert_string_equal(text_of(payload, "x-ms-ver"), "1.0");
    assert_string_equal(text_of(payload, "x-ms-attestation-type"), "sgx");
    assert_string_equal(text_of(payload, "x-ms-policy-hash"), "hash");
    assert_string_equal(text_of(payload, "x-ms-sgx-mrenclave"), HEX_11);
    assert_int_equal(strlen(text_of(payload, "x-ms-sgx-report-data")), 128);
    assert_true(json_is_false(json_object_get(payload, "x-ms-sgx-is-debuggable")));
    assert_int_equal(json_integer_value(json_object_get(payload, "x-ms-sgx-svn")), 5);
    assert_int_equal(json_integer_value(json_object_get(payload, "x-ms-sgx-product-id")), 3);
    const json_t *const collateral = json_object_get(payload, "x-ms-sgx-collateral");
    assert_int_equal(json_object_size(collateral), 7);
    assert_string_equal(text_of(collateral, "quotehash"), HEX_11);
    assert_true(json_equal(collateral, json_object_get(payload, "maa-attestationcollateral")));
    assert_null(json_object_get(payload, "lazaret-simulated"));
}

static void test_optional_claims(void **)
{
    struct attestation_token token = make((struct slice){}, false);
    token.sgx.simulated = token.sgx.debug = token.sgx.has_kss = true;
    token.sgx.config_svn = 9;
    token.init_time = (struct attestation_data){.bytes = SLICE_LITERAL("{\"k\":1}"), .is_json = true};
    CLEANUP(json_done) json_t *payload = payload_of(&token);
    assert_true(json_is_true(json_object_get(payload, "lazaret-simulated")));
    assert_true(json_is_true(json_object_get(payload, "x-ms-sgx-is-debuggable")));
    assert_int_equal(strlen(text_of(payload, "x-ms-sgx-config-id")), 128);
    assert_int_equal(json_integer_value(json_object_get(payload, "x-ms-sgx-config-svn")), 9);
    assert_int_equal(strlen(text_of(payload, "x-ms-sgx-isv-extended-product-id")), 32);
    assert_int_equal(strlen(text_of(payload, "x-ms-sgx-isv-family-id")), 32);
    assert_true(json_is_object(json_object_get(payload, "x-ms-inittime")));
}

static void assert_refused(const struct attestation_token *token, enum status status, const char *field)
{
    json_t *payload = NULL;
    struct refusal why = {};
    assert_status(attestation_token_payload(token, &why, &payload), status);
    assert_string_equal(why.field, field);
    assert_null(payload);
}

static void test_json_that_is_not_an_object_is_refused(void **)
{
    struct attestation_token token = make(SLICE_LITERAL("[1]"), true);
    assert_refused(&token, ERR_FIELD_TYPE, "runtimeData.data");
    token.runtime.bytes = SLICE_LITERAL("{\"a\":1,\"a\":2}");
    assert_refused(&token, ERR_JSON_SYNTAX, "json");
    token.runtime.bytes = SLICE_LITERAL("{");
    assert_refused(&token, ERR_JSON_SYNTAX, "json");
}

static void test_large_data_is_refused(void **)
{
    static const uint8_t large[ATTESTATION_RUNTIME_MAX_BYTES + 1];
    struct attestation_token token = make(SLICE_ARRAY(large), false);
    assert_refused(&token, ERR_TOO_LARGE, "runtimeData.data");
    token = make((struct slice){}, false);
    token.init_time.bytes = SLICE_ARRAY(large);
    assert_refused(&token, ERR_TOO_LARGE, "initTimeData.data");
}

static void test_a_nonce_with_control_characters_is_refused(void **)
{
    struct attestation_token token = make((struct slice){}, false);
    token.nonce = SLICE_LITERAL("a\nb");
    assert_refused(&token, ERR_FIELD_VALUE, "nonce");
}

static void test_the_largest_token_can_be_signed_and_read(void **)
{
    static const uint8_t large[ATTESTATION_RUNTIME_MAX_BYTES];
    const struct attestation_token token = make(SLICE_ARRAY(large), false);
    CLEANUP(json_done) json_t *payload = payload_of(&token);
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_ok(key_generate(KEY_P256, 0, &key));
    assert_ok(attestation_token_sign(payload, "kid", key, &text));
    CLEANUP(jws_done) struct jws jws = {};
    assert_ok(jws_parse(buffer_slice(&text), NULL, &jws));
    assert_ok(jws_verify(&jws, JWS_TYP_TOKEN, key, NULL));
}

static void test_header_as_azure_writes_it(void **)
{
    const struct attestation_token token = make((struct slice){}, false);
    CLEANUP(json_done) json_t *payload = payload_of(&token);
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES), header = text;
    struct slice first, rest;
    assert_ok(key_generate(KEY_RSA, 2048, &key));
    assert_ok(attestation_token_sign(payload, "k+/=", key, &text));
    assert_true(slice_split(buffer_slice(&text), '.', &first, &rest));
    assert_ok(base64url_decode(first, &header));
    assert_true(slice_equal_text(
        buffer_slice(&header),
        "{\"alg\":\"RS256\",\"jku\":\"https://attest.example/certs\",\"kid\":\"k+/=\",\"typ\":\"JWT\"}"));
}

/* ES256 is made with a random number, RS256 is not. */
static void test_a_payload_that_is_written_already_gives_the_same_token(void **)
{
    const struct attestation_token token = make((struct slice){}, false);
    CLEANUP(json_done) json_t *payload = payload_of(&token);
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer one = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES), other = one, text = one;
    assert_ok(key_generate(KEY_RSA, 2048, &key));
    assert_ok(attestation_token_sign(payload, "kid", key, &one));
    assert_ok(json_write(payload, &text));
    assert_ok(attestation_token_sign_text("https://attest.example", buffer_slice(&text), "kid", key, &other));
    assert_slice_equal(buffer_slice(&one), buffer_slice(&other));
}

static void test_ids_are_fresh(void **)
{
    struct attestation_token_id a, b;
    assert_ok(attestation_token_new_id(&a));
    assert_ok(attestation_token_new_id(&b));
    assert_int_equal(strspn(a.text, "0123456789abcdef"), 64);
    assert_string_not_equal(a.text, b.text);
}

static void test_key_id_is_the_digest_of_pem_and_nul(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES), text = buffer_of_maximum(44);
    struct attestation_key_id id;
    uint8_t digest[SHA256_BYTES];
    assert_ok(key_generate(KEY_P256, 0, &key));
    assert_ok(attestation_key_id(key, &id));
    assert_ok(key_public_pem(key, &pem));
    assert_ok(buffer_append_u8(&pem, 0));
    assert_ok(sha256(buffer_slice(&pem), digest));
    assert_memory_equal(id.digest, digest, sizeof(digest));
    assert_ok(base64_encode(SLICE_ARRAY(digest), &text));
    assert_true(slice_equal_text(buffer_slice(&text), id.text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary_runtime_data),
        cmocka_unit_test(test_json_runtime_data),
        cmocka_unit_test(test_values_of_the_claims),
        cmocka_unit_test(test_optional_claims),
        cmocka_unit_test(test_json_that_is_not_an_object_is_refused),
        cmocka_unit_test(test_large_data_is_refused),
        cmocka_unit_test(test_a_nonce_with_control_characters_is_refused),
        cmocka_unit_test(test_the_largest_token_can_be_signed_and_read),
        cmocka_unit_test(test_header_as_azure_writes_it),
        cmocka_unit_test(test_a_payload_that_is_written_already_gives_the_same_token),
        cmocka_unit_test(test_ids_are_fresh),
        cmocka_unit_test(test_key_id_is_the_digest_of_pem_and_nul),
    };
    return cmocka_run_group_tests_name("token/attestation_token", tests, NULL, NULL);
}
