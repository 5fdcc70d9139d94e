/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/attested_certificate.h"

#include "tokens.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

static struct key *issuer;

static int make_issuer(void **)
{
    return key_generate(KEY_P256, 0, &issuer) == OK ? 0 : -1;
}

static int drop_issuer(void **)
{
    key_cleanup(&issuer);
    return 0;
}

static int set_up(void **state)
{
    static struct token_fixture fixture;
    token_fixture_init(&fixture, issuer);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    token_fixture_done(*state);
    return 0;
}

static enum status make(const struct token_fixture *fixture, const struct key *key, struct buffer *der)
{
    CLEANUP(buffer_done) struct buffer token = token_fixture_mint(fixture);
    *der = buffer_of_maximum(ATTESTED_CERTIFICATE_MAX_BYTES);
    return attested_certificate_make(key, buffer_slice(&token), TOKEN_TEST_NOW_S, der);
}

static void test_what_is_made_is_read(void **state)
{
    const struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer der = {};
    assert_ok(make(fixture, fixture->keys[KEY_USE_TLS], &der));
    CLEANUP(attested_certificate_done) struct attested_certificate read = {};
    assert_ok(attested_certificate_read(buffer_slice(&der), NULL, &read));
    assert_true(key_equal(read.key, fixture->keys[KEY_USE_TLS]));
    assert_false(key_is_private(read.key));
    assert_ok(token_fixture_check_text(fixture, buffer_slice(&read.token), NULL));
}

static void test_the_certificate_repeats_the_token(void **state)
{
    const struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer der = {};
    assert_ok(make(fixture, fixture->keys[KEY_USE_TLS], &der));
    const uint8_t *cursor = der.bytes;
    X509 *const certificate = d2i_X509(NULL, &cursor, (long)der.size);
    assert_non_null(certificate);
    char name[64];
    assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name)) > 0);
    assert_string_equal(name, "platform");
    assert_int_equal(X509_verify(certificate, X509_get0_pubkey(certificate)), 1);
    time_t issued = TOKEN_TEST_NOW_S - 60, expires = issued + ATTESTATION_TOKEN_LIFE_S;
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(certificate), issued), 0);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(certificate), expires), 0);
    X509_free(certificate);
}

static void test_only_a_private_p256_key(void **state)
{
    const struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer der = {};
    assert_status(make(fixture, fixture->keys[KEY_USE_HPKE], &der), ERR_KEY_INVALID);
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    CLEANUP(key_cleanup) struct key *public_half = NULL;
    assert_ok(key_public_pem(fixture->keys[KEY_USE_TLS], &pem));
    assert_ok(key_from_public_pem(buffer_slice(&pem), &public_half));
    assert_status(make(fixture, public_half, &der), ERR_KEY_INVALID);
}

static void test_a_token_without_service_or_times(void **state)
{
    struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer der = {};
    (void)json_object_set_new(fixture->payload, "exp", json_integer(TOKEN_TEST_NOW_S));
    assert_status(make(fixture, fixture->keys[KEY_USE_TLS], &der), ERR_TOKEN_EXPIRED);
    (void)json_object_del(fixture->payload, "exp");
    assert_status(make(fixture, fixture->keys[KEY_USE_TLS], &der), ERR_TOKEN_CLAIM);
    (void)json_object_set_new(fixture->payload, "exp", json_integer(TOKEN_TEST_NOW_S + 60));
    (void)json_object_del(fixture->payload, "x-ms-runtime");
    assert_status(make(fixture, fixture->keys[KEY_USE_TLS], &der), ERR_TOKEN_CLAIM);
    struct buffer none = buffer_of_maximum(ATTESTED_CERTIFICATE_MAX_BYTES);
    assert_status(attested_certificate_make(fixture->keys[KEY_USE_TLS], SLICE_LITERAL("x"), 0, &none),
                  ERR_TOKEN_MALFORMED);
}

static void test_every_shorter_and_longer_text_is_refused(void **state)
{
    const struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer der = {};
    assert_ok(make(fixture, fixture->keys[KEY_USE_TLS], &der));
    for (size_t size = 0; size < der.size; size += size < 600 ? 1 : 97) {
        struct attested_certificate read = {};
        assert_status(attested_certificate_read(slice_of(der.bytes, size), NULL, &read), ERR_CERTIFICATE_MALFORMED);
    }
    assert_ok(buffer_append_u8(&der, 0));
    struct attested_certificate read = {};
    assert_status(attested_certificate_read(buffer_slice(&der), NULL, &read), ERR_CERTIFICATE_MALFORMED);
}

/* A certificate of the test's own, with `count` token extensions of `size` bytes. */
static struct buffer certificate_with(EVP_PKEY *key, int count, size_t size)
{
    X509 *const certificate = X509_new();
    ASN1_OBJECT *const oid = OBJ_txt2obj(ATTESTED_CERTIFICATE_TOKEN_OID, 1);
    ASN1_OCTET_STRING *const octets = ASN1_OCTET_STRING_new();
    uint8_t *const text = calloc(1, size + 1);
    memset(text, 'a', size);
    (void)ASN1_OCTET_STRING_set(octets, text, (int)size);
    (void)X509_set_version(certificate, 2);
    (void)ASN1_TIME_set(X509_getm_notBefore(certificate), TOKEN_TEST_NOW_S);
    (void)ASN1_TIME_set(X509_getm_notAfter(certificate), TOKEN_TEST_NOW_S + 1);
    (void)X509_set_pubkey(certificate, key);
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *const extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
        (void)X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    struct buffer der = buffer_of_maximum(ATTESTED_CERTIFICATE_MAX_BYTES * 2);
    const int der_size = i2d_X509(certificate, NULL);
    uint8_t *place;
    assert_ok(buffer_extend(&der, (size_t)der_size, &place));
    (void)i2d_X509(certificate, &place);
    free(text);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(oid);
    X509_free(certificate);
    return der;
}

static void refuses(EVP_PKEY *key, int count, size_t size, enum status expected, const char *field)
{
    CLEANUP(buffer_done) struct buffer der = certificate_with(key, count, size);
    struct attested_certificate read = {};
    struct refusal why = {};
    assert_status(attested_certificate_read(buffer_slice(&der), &why, &read), expected);
    assert_string_equal(why.field, field);
}

static void test_certificates_that_are_not_ours(void **)
{
    EVP_PKEY *const good = EVP_EC_gen("P-256");
    refuses(good, 0, 0, ERR_TOKEN_MISSING, "certificate.token");
    refuses(good, 1, 0, ERR_TOKEN_MISSING, "certificate.token");
    refuses(good, 2, 10, ERR_CERTIFICATE_MALFORMED, "certificate.token");
    refuses(good, 1, TOKEN_MAX_BYTES + 1, ERR_TOO_LARGE, "certificate.token");
    refuses(good, 1, ATTESTED_CERTIFICATE_MAX_BYTES, ERR_TOO_LARGE, "certificate");
    EVP_PKEY_free(good);
    EVP_PKEY *const other_curve = EVP_EC_gen("P-384");
    refuses(other_curve, 1, 10, ERR_KEY_INVALID, "certificate.key");
    EVP_PKEY_free(other_curve);
    EVP_PKEY *const rsa = EVP_RSA_gen(2048);
    refuses(rsa, 1, 10, ERR_KEY_INVALID, "certificate.key");
    EVP_PKEY_free(rsa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_made_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_certificate_repeats_the_token, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_a_private_p256_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_token_without_service_or_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_shorter_and_longer_text_is_refused, set_up, tear_down),
        cmocka_unit_test(test_certificates_that_are_not_ours),
    };
    return cmocka_run_group_tests_name("channel/attested_certificate", tests, make_issuer, drop_issuer);
}
