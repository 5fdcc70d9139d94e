/* SPDX-License-Identifier: Apache-2.0 */
#include "amd_mint.h"
#include "crypto/der_write.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"
#include "testing.h"

/* Issued once for all tests: a CA of P-256 and what it says of itself. */
struct issued {
    struct key *key;
    struct buffer der;
};

static struct issued issue(const struct certificate_text *changes)
{
    struct issued issued = {.der = buffer_of_maximum(CERTIFICATE_MAX_BYTES)};
    assert_ok(key_generate(KEY_P256, 0, &issued.key));
    struct certificate_text text = *changes;
    text.subject_key = issued.key;
    if (text.issuer_key == NULL) text.issuer_key = issued.key;
    assert_ok(certificate_issue(&text, &issued.der));
    return issued;
}

static void issued_done(struct issued *issued)
{
    key_free(issued->key);
    buffer_done(&issued->der);
}

static const uint8_t serial[] = {0x80, 0x01, 0x02};
static const uint8_t note[] = {0x04, 0x01, 0x2a};
static const struct extension_text uuid_extension = {.oid = "2.25.301404226436124357468426421487465723904",
                                                     .value = {.bytes = note, .size = sizeof(note)}};
static const struct certificate_text ca_text = {
    .subject = {.country = "NL", .organization = "Test", .common_name = "Test CA"},
    .serial = {.bytes = serial, .size = sizeof(serial)},
    .not_before_s = 1790000000,
    .not_after_s = 2600000000, /* after 2049: GeneralizedTime */
    .is_ca = true,
    .path_length = 1,
    .usage = CERTIFICATE_USAGE_SIGN_CERTIFICATES | CERTIFICATE_USAGE_SIGN_CRLS,
    .extensions = &uuid_extension,
    .extension_count = 1,
};

static void test_what_was_issued_is_read(void **)
{
    CLEANUP(issued_done) struct issued issued = issue(&ca_text);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&issued.der), &certificate));
    assert_slice_equal(certificate_der(certificate), buffer_slice(&issued.der));
    assert_string_equal(certificate_subject_common_name(certificate), "Test CA");
    assert_slice_equal(certificate_serial(certificate), SLICE_ARRAY(serial));
    assert_int_equal(certificate_not_before_s(certificate), 1790000000);
    assert_int_equal(certificate_not_after_s(certificate), 2600000000);
    assert_true(certificate_is_ca(certificate));
    assert_int_equal(certificate_path_length(certificate), 1);
    assert_true(certificate_may_sign_certificates(certificate));
    assert_true(certificate_may_sign_crls(certificate));
    assert_false(certificate_may_sign_data(certificate));
    assert_false(certificate_has_unknown_critical_extension(certificate));
    assert_true(key_equal(certificate_key(certificate), issued.key));
    assert_slice_equal(certificate_subject_der(certificate), certificate_issuer_der(certificate));
    assert_ok(certificate_verify_signature(certificate, issued.key));
    struct slice value;
    assert_ok(certificate_extension(certificate, uuid_extension.oid, &value));
    assert_slice_equal(value, SLICE_ARRAY(note));
    assert_status(certificate_extension(certificate, "1.2.3", &value), ERR_FIELD_MISSING);
    CLEANUP(certificate_cleanup) struct certificate *shared = certificate_share(certificate);
    assert_ptr_equal(shared, certificate);
}

static void test_an_end_entity_has_no_limits_given(void **)
{
    const struct certificate_text text = {.subject = {.organization = "No name"},
                                          .not_before_s = 0,
                                          .not_after_s = 1,
                                          .path_length = CERTIFICATE_NO_PATH_LIMIT};
    CLEANUP(issued_done) struct issued issued = issue(&text);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&issued.der), &certificate));
    assert_string_equal(certificate_subject_common_name(certificate), "");
    assert_false(certificate_is_ca(certificate));
    assert_int_equal(certificate_path_length(certificate), -1);
    assert_false(certificate_may_sign_data(certificate)); /* not given is not granted */
}

static void test_rsa_keys_and_signatures(void **)
{
    CLEANUP(key_cleanup) struct key *rsa = NULL;
    assert_ok(key_generate(KEY_RSA, 2048, &rsa));
    struct certificate_text text = ca_text;
    text.issuer_key = rsa;
    CLEANUP(issued_done) struct issued issued = issue(&text);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&issued.der), &certificate));
    assert_ok(certificate_verify_signature(certificate, rsa));
    assert_status(certificate_verify_signature(certificate, issued.key), ERR_SIGNATURE); /* of the other kind */
    text.subject_key = rsa;
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    assert_ok(certificate_issue(&text, &der));
    CLEANUP(certificate_cleanup) struct certificate *own = NULL;
    assert_ok(certificate_from_der(buffer_slice(&der), &own));
    assert_int_equal(key_kind(certificate_key(own)), KEY_RSA);
}

static void test_another_issuer_did_not_sign_it(void **)
{
    CLEANUP(issued_done) struct issued issued = issue(&ca_text);
    CLEANUP(key_cleanup) struct key *other = NULL;
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(key_generate(KEY_P256, 0, &other));
    assert_ok(certificate_from_der(buffer_slice(&issued.der), &certificate));
    assert_status(certificate_verify_signature(certificate, other), ERR_SIGNATURE);
}

/* No changed byte gives a certificate that the issuer signed. */
static void test_every_changed_byte_shows(void **)
{
    CLEANUP(issued_done) struct issued issued = issue(&ca_text);
    for (size_t at = 0; at < issued.der.size; at++) {
        issued.der.bytes[at] ^= 0x01;
        CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
        if (certificate_from_der(buffer_slice(&issued.der), &certificate) == OK &&
            certificate_verify_signature(certificate, issued.key) == OK)
            fail_msg("byte %zu may be changed", at);
        issued.der.bytes[at] ^= 0x01;
    }
}

static void test_every_other_length_is_refused(void **)
{
    CLEANUP(issued_done) struct issued issued = issue(&ca_text);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    for (size_t size = 0; size < issued.der.size; size++)
        assert_status(certificate_from_der(slice_of(issued.der.bytes, size), &certificate), ERR_CERTIFICATE_MALFORMED);
    assert_ok(buffer_append_u8(&issued.der, 0));
    assert_status(certificate_from_der(buffer_slice(&issued.der), &certificate), ERR_CERTIFICATE_MALFORMED);
    static uint8_t large[CERTIFICATE_MAX_BYTES + 1];
    assert_status(certificate_from_der(SLICE_ARRAY(large), &certificate), ERR_TOO_LARGE);
}

static void test_an_extension_twice_is_refused(void **)
{
    const struct extension_text twice[] = {uuid_extension, uuid_extension};
    struct certificate_text text = ca_text;
    text.extensions = twice;
    text.extension_count = 2;
    CLEANUP(issued_done) struct issued issued = issue(&text);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_status(certificate_from_der(buffer_slice(&issued.der), &certificate), ERR_CERTIFICATE_MALFORMED);
}

static void test_unknown_critical_extensions_are_told(void **)
{
    struct extension_text critical = uuid_extension;
    critical.critical = true;
    struct certificate_text text = ca_text;
    text.extensions = &critical;
    CLEANUP(issued_done) struct issued issued = issue(&text);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&issued.der), &certificate));
    assert_true(certificate_has_unknown_critical_extension(certificate));
}

/* Changes the last byte of the key's y coordinate, which follows the fixed form of a P-256 key. */
static void test_a_key_off_its_curve_is_refused(void **)
{
    static const uint8_t before_point[] = {0x03, 0x42, 0x00, 0x04};
    CLEANUP(issued_done) struct issued issued = issue(&ca_text);
    size_t at = 0;
    while (!slice_equal(slice_part(buffer_slice(&issued.der), at, 4), SLICE_ARRAY(before_point))) at++;
    issued.der.bytes[at + 4 + 63] ^= 1;
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_status(certificate_from_der(buffer_slice(&issued.der), &certificate), ERR_KEY_INVALID);
}

/* ---- RSASSA-PSS and P-384, as AMD's chains have them ---- */

struct minted {
    struct key *issuer, *subject;
    struct buffer der;
};

static void minted_done(struct minted *minted)
{
    key_free(minted->issuer);
    key_free(minted->subject);
    buffer_done(&minted->der);
}

static struct minted mint(struct slice algorithm, struct slice key_info)
{
    struct minted minted = {.der = buffer_of_maximum(CERTIFICATE_MAX_BYTES)};
    assert_ok(key_generate(KEY_RSA, 2048, &minted.issuer));
    assert_ok(key_generate(KEY_P384, 0, &minted.subject));
    const struct mint_certificate text = {.subject = "Subject",
                                          .issuer = "Issuer",
                                          .subject_key = minted.subject,
                                          .issuer_key = minted.issuer,
                                          .key_info = key_info,
                                          .algorithm = algorithm,
                                          .not_before_s = 1790000000,
                                          .not_after_s = 1800000000};
    assert_ok(mint_certificate(&text, &minted.der));
    return minted;
}

static void test_a_pss_signature_serial_number_0_and_a_p384_key_are_read(void **)
{
    CLEANUP(minted_done) struct minted minted = mint((struct slice){}, (struct slice){});
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&minted.der), &certificate));
    assert_int_equal(certificate_serial(certificate).size, 0);
    assert_int_equal(key_kind(certificate_key(certificate)), KEY_P384);
    assert_true(key_equal(certificate_key(certificate), minted.subject));
    assert_ok(certificate_verify_signature(certificate, minted.issuer));
    assert_status(certificate_verify_signature(certificate, minted.subject), ERR_SIGNATURE); /* of another kind */
    minted.der.bytes[minted.der.size - 1] ^= 1;
    CLEANUP(certificate_cleanup) struct certificate *changed = NULL;
    assert_ok(certificate_from_der(buffer_slice(&minted.der), &changed));
    assert_status(certificate_verify_signature(changed, minted.issuer), ERR_SIGNATURE);
}

static void test_a_pss_signature_may_spell_its_trailer_out(void **)
{
    CLEANUP(buffer_done) struct buffer algorithm = buffer_of_maximum(128);
    assert_ok(mint_pss_with_trailer(&algorithm));
    CLEANUP(minted_done) struct minted minted = mint(buffer_slice(&algorithm), (struct slice){});
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_ok(certificate_from_der(buffer_slice(&minted.der), &certificate));
    assert_ok(certificate_verify_signature(certificate, minted.issuer));
}

static void test_other_pss_parameters_are_not_supported(void **)
{
    static const size_t places[] = {MINT_PSS_HASH_AT, MINT_PSS_MASK_HASH_AT, MINT_PSS_SALT_AT};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint8_t algorithm[sizeof(mint_pss)];
        memcpy(algorithm, mint_pss, sizeof(mint_pss));
        algorithm[places[i]] ^= 1;
        CLEANUP(minted_done) struct minted minted = mint(SLICE_ARRAY(algorithm), (struct slice){});
        CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
        assert_ok(certificate_from_der(buffer_slice(&minted.der), &certificate));
        assert_status(certificate_verify_signature(certificate, minted.issuer), ERR_UNSUPPORTED);
    }
}

static void test_a_p384_key_off_its_curve_is_refused(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer info = buffer_of_maximum(256);
    assert_ok(key_generate(KEY_P384, 0, &key));
    assert_ok(mint_key(&info, key));
    info.bytes[info.size - 1] ^= 1;
    CLEANUP(minted_done) struct minted minted = mint((struct slice){}, buffer_slice(&info));
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    assert_status(certificate_from_der(buffer_slice(&minted.der), &certificate), ERR_KEY_INVALID);
}

/* RSAPublicKey with these numbers and something behind them, in a SubjectPublicKeyInfo. */
static struct buffer make_rsa_info(struct slice modulus, uint64_t exponent, struct slice behind)
{
    static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    CLEANUP(buffer_done) struct buffer numbers = buffer_of_maximum(MINT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer bits = buffer_of_maximum(MINT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer parts = buffer_of_maximum(MINT_MAX_BYTES);
    struct buffer info = buffer_of_maximum(MINT_MAX_BYTES);
    assert_ok(mint_value(&numbers, DER_INTEGER, modulus));
    assert_ok(der_append_number(&numbers, DER_INTEGER, exponent));
    assert_ok(buffer_append(&numbers, behind));
    assert_ok(buffer_append_u8(&bits, 0));
    assert_ok(mint_value(&bits, DER_SEQUENCE, buffer_slice(&numbers)));
    assert_ok(buffer_append(&parts, SLICE_ARRAY(algorithm)));
    assert_ok(mint_value(&parts, MINT_BIT_STRING, buffer_slice(&bits)));
    assert_ok(mint_value(&info, DER_SEQUENCE, buffer_slice(&parts)));
    return info;
}

static void test_rsa_numbers_are_read_strictly(void **)
{
    CLEANUP(minted_done) struct minted good = mint((struct slice){}, (struct slice){});
    CLEANUP(buffer_done) struct buffer n = buffer_of_maximum(RSA_MAX_BYTES + 1), e = buffer_of_maximum(16);
    assert_ok(buffer_append_u8(&n, 0));
    assert_ok(key_rsa_numbers(good.issuer, &n, &e));
    uint8_t even[257], small[128];
    memcpy(even, n.bytes, sizeof(even));
    memset(small, 0x7f, sizeof(small));
    even[256] &= 0xfe;
    const struct {
        struct slice modulus;
        uint64_t exponent;
        struct slice behind;
        enum status expected;
    } cases[] = {
        {buffer_slice(&n), 65537, {}, OK},
        {slice_part(buffer_slice(&n), 1, 256), 65537, {}, ERR_KEY_INVALID}, /* negative */
        {SLICE_ARRAY(even), 65537, {}, ERR_KEY_INVALID},
        {SLICE_ARRAY(small), 65537, {}, ERR_KEY_INVALID},
        {buffer_slice(&n), 65536, {}, ERR_KEY_INVALID},
        {buffer_slice(&n), 1, {}, ERR_KEY_INVALID},
        {buffer_slice(&n), 65537, SLICE_LITERAL("\x05\x00"), ERR_KEY_INVALID},
        {{}, 65537, {}, ERR_KEY_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done)
        struct buffer info = make_rsa_info(cases[i].modulus, cases[i].exponent, cases[i].behind);
        CLEANUP(minted_done) struct minted minted = mint((struct slice){}, buffer_slice(&info));
        CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
        assert_status(certificate_from_der(buffer_slice(&minted.der), &certificate), cases[i].expected);
        if (certificate != NULL) assert_true(key_equal(certificate_key(certificate), good.issuer));
    }
}

static void test_lists_from_pem(void **)
{
    CLEANUP(issued_done) struct issued issued = issue(&ca_text);
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(2 * CERTIFICATE_PEM_MAX_BYTES);
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    assert_ok(certificate_pem(buffer_slice(&issued.der), &pem));
    assert_ok(buffer_append_u8(&pem, 0)); /* one NUL is a C habit */
    assert_ok(certificate_list_from_pem(buffer_slice(&pem), &list));
    assert_int_equal(list.count, 1);
    certificate_list_done(&list);
    assert_ok(buffer_append_u8(&pem, 0));
    assert_status(certificate_list_from_pem(buffer_slice(&pem), &list), ERR_CERTIFICATE_MALFORMED);
    buffer_truncate(&pem, pem.size - 2);
    while (list.count < CERTIFICATE_CHAIN_MAX_COUNT) {
        certificate_list_done(&list);
        assert_ok(certificate_list_from_pem(buffer_slice(&pem), &list));
        assert_ok(certificate_pem(buffer_slice(&issued.der), &pem));
    }
    certificate_list_done(&list);
    assert_status(certificate_list_from_pem(buffer_slice(&pem), &list), ERR_TOO_LARGE);
    assert_status(certificate_list_from_pem((struct slice){}, &list), ERR_CERTIFICATE_MALFORMED);
    assert_status(certificate_list_from_pem(SLICE_LITERAL("\0"), &list), ERR_CERTIFICATE_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_issued_is_read),
        cmocka_unit_test(test_an_end_entity_has_no_limits_given),
        cmocka_unit_test(test_rsa_keys_and_signatures),
        cmocka_unit_test(test_another_issuer_did_not_sign_it),
        cmocka_unit_test(test_every_changed_byte_shows),
        cmocka_unit_test(test_every_other_length_is_refused),
        cmocka_unit_test(test_an_extension_twice_is_refused),
        cmocka_unit_test(test_unknown_critical_extensions_are_told),
        cmocka_unit_test(test_a_key_off_its_curve_is_refused),
        cmocka_unit_test(test_a_pss_signature_serial_number_0_and_a_p384_key_are_read),
        cmocka_unit_test(test_a_pss_signature_may_spell_its_trailer_out),
        cmocka_unit_test(test_other_pss_parameters_are_not_supported),
        cmocka_unit_test(test_a_p384_key_off_its_curve_is_refused),
        cmocka_unit_test(test_rsa_numbers_are_read_strictly),
        cmocka_unit_test(test_lists_from_pem),
    };
    return cmocka_run_group_tests_name("crypto/certificate", tests, NULL, NULL);
}
