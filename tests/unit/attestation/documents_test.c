/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/documents.h"

#include "base/json.h"
#include "testing.h"
#include "token/jwk.h"

static json_t *parse(const struct buffer *text)
{
    json_t *json = NULL;
    assert_ok(json_parse(buffer_slice(text), DOCUMENT_MAX_BYTES, NULL, &json));
    return json;
}

static void test_the_key_set_has_what_azures_clients_need(void **)
{
    CLEANUP(signer_done) struct signer signer = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    assert_ok(key_generate(KEY_RSA, SIGNER_KEY_BITS, &signer.key));
    assert_ok(attestation_key_id(signer.key, &signer.id));
    signer.certificate = buffer_of_maximum(16);
    assert_ok(buffer_append_text(&signer.certificate, "\xfb\xff"));
    assert_ok(document_certs(&signer, &text));
    CLEANUP(json_done) json_t *json = parse(&text);
    const json_t *const key = json_array_get(json_object_get(json, "keys"), 0);
    assert_string_equal(json_string_value(json_object_get(key, "kid")), signer.id.text);
    assert_string_equal(json_string_value(json_object_get(key, "kty")), "RSA");
    assert_string_equal(json_string_value(json_object_get(key, "use")), "sig");
    assert_string_equal(json_string_value(json_object_get(key, "alg")), "RS256");
    /* Standard base64 with padding, and no line breaks. */
    assert_string_equal(json_string_value(json_array_get(json_object_get(key, "x5c"), 0)), "+/8=");
    struct jwk_set set = {};
    assert_ok(jwk_set_from_json(json, "", NULL, &set));
    assert_true(key_equal(jwk_set_find(&set, slice_of_text(signer.id.text)), signer.key));
    jwk_set_done(&set);
}

static void test_the_metadata_names_issuer_and_keys(void **)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    assert_ok(document_openid("https://localhost:7443", &text));
    CLEANUP(json_done) json_t *json = parse(&text);
    assert_string_equal(json_string_value(json_object_get(json, "issuer")), "https://localhost:7443");
    assert_string_equal(json_string_value(json_object_get(json, "jwks_uri")), "https://localhost:7443/certs");
    assert_string_equal(json_string_value(json_object_get(json, "revocation_endpoint")),
                        "https://localhost:7443/revoke");
    assert_int_equal(json_array_size(json_object_get(json, "response_types_supported")), 2);
    assert_int_equal(json_array_size(json_object_get(json, "id_token_signing_alg_values_supported")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "claims_supported")), 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_key_set_has_what_azures_clients_need),
        cmocka_unit_test(test_the_metadata_names_issuer_and_keys),
    };
    return cmocka_run_group_tests_name("attestation/documents", tests, NULL, NULL);
}
