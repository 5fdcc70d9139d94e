/* SPDX-License-Identifier: Apache-2.0 */
#include "token/attestation_token.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "testing.h"
#include "token/jws.h"

static json_t *payload_of(const char *issuer)
{
    json_t *const payload = json_pack("{sssi}", "iss", issuer, "iat", 1764000000);
    assert_non_null(payload);
    return payload;
}

static void test_header_as_azure_writes_it(void **)
{
    CLEANUP(json_done) json_t *payload = payload_of("https://attest.example");
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
    CLEANUP(json_done) json_t *payload = payload_of("https://attest.example");
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer one = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES), other = one, text = one;
    assert_ok(key_generate(KEY_RSA, 2048, &key));
    assert_ok(attestation_token_sign(payload, "kid", key, &one));
    assert_ok(json_write(payload, &text));
    assert_ok(attestation_token_sign_text("https://attest.example", buffer_slice(&text), "kid", key, &other));
    assert_slice_equal(buffer_slice(&one), buffer_slice(&other));
}

static void test_the_largest_payload_can_be_signed_and_read(void **)
{
    static char large[ATTESTATION_PAYLOAD_MAX_BYTES + 1];
    (void)snprintf(large, sizeof(large), "{\"a\":\"%0*d\"}", ATTESTATION_PAYLOAD_MAX_BYTES - 8, 0);
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_ok(key_generate(KEY_RSA, 4096, &key));
    assert_int_equal(strlen(large), ATTESTATION_PAYLOAD_MAX_BYTES);
    char issuer[513];
    memset(issuer, 'i', 512);
    issuer[512] = '\0';
    assert_ok(attestation_token_sign_text(issuer, slice_of_text(large), "kid", key, &text));
    CLEANUP(jws_done) struct jws jws = {};
    assert_ok(jws_parse(buffer_slice(&text), NULL, &jws));
    assert_ok(jws_verify(&jws, JWS_TYP_TOKEN, key, NULL));
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
        cmocka_unit_test(test_header_as_azure_writes_it),
        cmocka_unit_test(test_a_payload_that_is_written_already_gives_the_same_token),
        cmocka_unit_test(test_the_largest_payload_can_be_signed_and_read),
        cmocka_unit_test(test_ids_are_fresh),
        cmocka_unit_test(test_key_id_is_the_digest_of_pem_and_nul),
    };
    return cmocka_run_group_tests_name("token/attestation_token", tests, NULL, NULL);
}
