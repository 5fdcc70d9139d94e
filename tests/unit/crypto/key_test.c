/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key.h"

#include "vectors.h"

#include <pthread.h>

static struct key *make(enum key_kind kind)
{
    struct key *key = NULL;
    assert_ok(key_generate(kind, 2048, &key));
    return key;
}

static struct key *p256_of_hex(const char *point)
{
    CLEANUP(buffer_done) struct buffer bytes = bytes_of_hex(point);
    struct key *key = NULL;
    assert_ok(key_from_p256_point(buffer_slice(&bytes), &key));
    return key;
}

static void test_sign_and_verify(void **)
{
    const enum key_kind kinds[] = {KEY_P256, KEY_RSA};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(key_cleanup) struct key *key = make(kinds[i]);
        CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(RSA_MAX_BYTES);
        assert_ok(key_sign(key, SLICE_LITERAL("message"), &signature));
        assert_int_equal(signature.size, kinds[i] == KEY_P256 ? P256_SIGNATURE_BYTES : 256);
        assert_ok(key_verify(key, SLICE_LITERAL("message"), buffer_slice(&signature)));
        assert_status(key_verify(key, SLICE_LITERAL("massage"), buffer_slice(&signature)), ERR_SIGNATURE);
        assert_status(key_verify(key, SLICE_LITERAL("message"), slice_of(signature.bytes, signature.size - 1)),
                      ERR_SIGNATURE);
        assert_status(key_verify(key, SLICE_LITERAL("message"), (struct slice){}), ERR_SIGNATURE);
        signature.bytes[5] ^= 1;
        assert_status(key_verify(key, SLICE_LITERAL("message"), buffer_slice(&signature)), ERR_SIGNATURE);
        CLEANUP(key_cleanup) struct key *other = make(kinds[i]);
        signature.bytes[5] ^= 1;
        assert_status(key_verify(other, SLICE_LITERAL("message"), buffer_slice(&signature)), ERR_SIGNATURE);
    }
}

static void test_operations_of_another_kind_are_refused(void **)
{
    CLEANUP(key_cleanup) struct key *p256 = make(KEY_P256), *x25519 = make(KEY_X25519), *rsa = make(KEY_RSA);
    CLEANUP(buffer_done) struct buffer out = buffer_of_maximum(RSA_MAX_BYTES);
    CLEANUP(secret_done) struct secret secret = {};
    assert_status(key_sign(x25519, SLICE_LITERAL("m"), &out), ERR_UNSUPPORTED);
    assert_status(key_verify(x25519, SLICE_LITERAL("m"), SLICE_LITERAL("s")), ERR_UNSUPPORTED);
    assert_status(key_verify_pss(p256, SLICE_LITERAL("m"), SLICE_LITERAL("s")), ERR_UNSUPPORTED);
    assert_status(key_agree(p256, p256, &secret), ERR_UNSUPPORTED);
    assert_status(key_public_bytes(rsa, &out), ERR_UNSUPPORTED);
    assert_status(key_rsa_numbers(p256, &out, &out), ERR_UNSUPPORTED);
    assert_status(key_private_bytes(rsa, &secret), ERR_UNSUPPORTED);
    struct key *key = NULL;
    assert_status(key_generate(KEY_RSA, 1024, &key), ERR_KEY_INVALID);
}

static void test_a_public_key_does_not_act_as_private(void **)
{
    CLEANUP(key_cleanup) struct key *private_key = make(KEY_P256), *public_key = NULL;
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(200);
    assert_ok(key_public_bytes(private_key, &bytes));
    assert_ok(key_from_p256_point(buffer_slice(&bytes), &public_key));
    assert_true(key_is_private(private_key));
    assert_false(key_is_private(public_key));
    assert_true(key_equal(private_key, public_key));
    CLEANUP(secret_done) struct secret secret = {};
    assert_status(key_sign(public_key, SLICE_LITERAL("m"), &bytes), ERR_KEY_INVALID);
    assert_status(key_private_pem(public_key, &secret), ERR_KEY_INVALID);
    assert_status(key_private_bytes(public_key, &secret), ERR_KEY_INVALID);
}

static void test_pem_round_trip_of_each_kind(void **)
{
    const enum key_kind kinds[] = {KEY_P256, KEY_P384, KEY_X25519, KEY_RSA};
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(key_cleanup) struct key *key = make(kinds[i]), *from_public = NULL, *from_private = NULL;
        CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
        CLEANUP(secret_done) struct secret secret = {};
        assert_ok(key_public_pem(key, &pem));
        assert_ok(key_private_pem(key, &secret));
        assert_ok(key_from_public_pem(buffer_slice(&pem), &from_public));
        assert_ok(key_from_private_pem(secret_slice(&secret), &from_private));
        assert_int_equal(key_kind(from_private), kinds[i]);
        assert_true(key_equal(key, from_public) && key_equal(key, from_private));
        assert_false(key_is_private(from_public));
        struct key *none = NULL;
        assert_status(key_from_public_pem(secret_slice(&secret), &none), ERR_KEY_INVALID);
        assert_status(key_from_private_pem(buffer_slice(&pem), &none), ERR_KEY_INVALID);
    }
}

static void test_private_bytes_round_trip(void **)
{
    CLEANUP(key_cleanup) struct key *p256 = make(KEY_P256), *x25519 = make(KEY_X25519), *again = NULL, *other = NULL;
    CLEANUP(secret_done) struct secret first = {}, second = {};
    assert_ok(key_private_bytes(p256, &first));
    assert_ok(key_private_from_p256(secret_slice(&first), &again));
    assert_true(key_equal(p256, again) && key_is_private(again));
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(P256_SIGNATURE_BYTES);
    assert_ok(key_sign(again, SLICE_LITERAL("m"), &signature));
    assert_ok(key_verify(p256, SLICE_LITERAL("m"), buffer_slice(&signature)));
    assert_ok(key_private_bytes(x25519, &second));
    assert_ok(key_private_from_x25519(secret_slice(&second), &other));
    assert_true(key_equal(x25519, other));
}

static void test_points_that_are_not_on_the_curve_are_refused(void **)
{
    CLEANUP(key_cleanup) struct key *key = make(KEY_P256);
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES + 1);
    assert_ok(key_public_bytes(key, &point));
    struct key *none = NULL;
    point.bytes[63] ^= 1;
    assert_status(key_from_p256_point(buffer_slice(&point), &none), ERR_KEY_INVALID);
    point.bytes[63] ^= 1;
    assert_status(key_from_p256_point(slice_of(point.bytes, 63), &none), ERR_KEY_INVALID);
    const uint8_t zeros[P256_POINT_BYTES] = {};
    assert_status(key_from_p256_point(SLICE_ARRAY(zeros), &none), ERR_KEY_INVALID);
    /* x + p: the same residue, but not a coordinate. */
    uint8_t ones[P256_POINT_BYTES];
    memset(ones, 0xff, sizeof(ones));
    assert_status(key_from_p256_point(SLICE_ARRAY(ones), &none), ERR_KEY_INVALID);
}

/* However they came to be: from numbers, from PEM, or made here. */
static void test_keys_are_equal_by_their_public_half(void **)
{
    const enum key_kind kinds[] = {KEY_P256, KEY_P384, KEY_X25519, KEY_RSA};
    for (size_t i = 0; i < 4; i++) {
        CLEANUP(key_cleanup) struct key *one = make(kinds[i]), *other = make(kinds[i]), *again = NULL;
        CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
        assert_ok(key_public_pem(one, &pem));
        assert_ok(key_from_public_pem(buffer_slice(&pem), &again));
        assert_true(key_equal(one, again));
        assert_true(key_equal(again, one));
        assert_false(key_equal(other, again));
        assert_false(key_equal(one, other));
        assert_false(key_equal(one, NULL));
        assert_false(key_equal(NULL, one));
        CLEANUP(key_cleanup) struct key *of_another_kind = make(kinds[(i + 1) % 4]);
        assert_false(key_equal(one, of_another_kind));
    }
    assert_true(key_equal(NULL, NULL));
}

/* Points that share a coordinate are not the same: y decides as well as x, and the last byte as well as the first. */
static void test_every_byte_of_a_point_counts(void **)
{
    CLEANUP(key_cleanup) struct key *made = make(KEY_P256), *same = NULL, *negative = NULL;
    CLEANUP(buffer_done) struct buffer point = buffer_of_maximum(P256_POINT_BYTES);
    assert_ok(key_public_bytes(made, &point));
    assert_ok(key_from_p256_point(buffer_slice(&point), &same));
    assert_true(key_equal(made, same));
    /* (x, p - y) is on the curve too: p = 2^256 - 2^224 + 2^192 + 2^96 - 1. */
    CLEANUP(buffer_done)
    struct buffer prime = bytes_of_hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    int borrow = 0;
    for (size_t i = P256_COORDINATE_BYTES; i-- > 0;) {
        const int difference = prime.bytes[i] - point.bytes[P256_COORDINATE_BYTES + i] - borrow;
        borrow = difference < 0;
        point.bytes[P256_COORDINATE_BYTES + i] = (uint8_t)difference;
    }
    assert_ok(key_from_p256_point(buffer_slice(&point), &negative));
    assert_false(key_equal(made, negative));
    assert_false(key_equal(same, negative));
}

static void test_scalars_outside_the_order_are_refused(void **)
{
    struct key *none = NULL;
    const uint8_t zero[32] = {};
    assert_status(key_private_from_p256(SLICE_ARRAY(zero), &none), ERR_KEY_INVALID);
    CLEANUP(buffer_done)
    struct buffer order = bytes_of_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    assert_status(key_private_from_p256(buffer_slice(&order), &none), ERR_KEY_INVALID);
    assert_status(key_private_from_p256(slice_of(zero, 31), &none), ERR_KEY_INVALID);
    assert_status(key_private_from_x25519(slice_of(zero, 31), &none), ERR_KEY_INVALID);
    assert_status(key_from_x25519(slice_of(zero, 31), &none), ERR_KEY_INVALID);
}

static void test_rsa_numbers_and_their_limits(void **)
{
    CLEANUP(key_cleanup) struct key *key = make(KEY_RSA), *again = NULL;
    CLEANUP(buffer_done) struct buffer modulus = buffer_of_maximum(RSA_MAX_BYTES), exponent = buffer_of_maximum(8);
    assert_ok(key_rsa_numbers(key, &modulus, &exponent));
    assert_slice_equal(buffer_slice(&exponent), SLICE_LITERAL("\x01\x00\x01"));
    assert_ok(key_from_rsa(buffer_slice(&modulus), buffer_slice(&exponent), &again));
    assert_true(key_equal(key, again));
    struct key *none = NULL;
    const struct slice n = buffer_slice(&modulus);
    assert_status(key_from_rsa(n, SLICE_LITERAL("\x02"), &none), ERR_KEY_INVALID);
    assert_status(key_from_rsa(n, SLICE_LITERAL("\x01"), &none), ERR_KEY_INVALID);
    assert_status(key_from_rsa(n, SLICE_LITERAL(""), &none), ERR_KEY_INVALID);
    assert_status(key_from_rsa(n, SLICE_LITERAL("\x01\x01\x01\x01\x01\x01\x01\x01\x01"), &none), ERR_KEY_INVALID);
    assert_status(key_from_rsa(slice_of(n.bytes, 128), SLICE_LITERAL("\x01\x00\x01"), &none), ERR_KEY_INVALID);
    modulus.bytes[modulus.size - 1] ^= 1;
    assert_status(key_from_rsa(n, SLICE_LITERAL("\x01\x00\x01"), &none), ERR_KEY_INVALID);
    uint8_t huge[RSA_MAX_BYTES + 1];
    memset(huge, 0xff, sizeof(huge));
    assert_status(key_from_rsa(SLICE_ARRAY(huge), SLICE_LITERAL("\x01\x00\x01"), &none), ERR_KEY_INVALID);
}

/* A P-256 key whose curve is written out as numbers, made with `openssl ecparam -param_enc explicit`. */
static void test_explicit_curve_parameters_are_refused(void **)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA\n"
                              "AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////\n"
                              "///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd\n"
                              "NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5\n"
                              "RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA\n"
                              "//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABBotE0UXKXB08tpQbn3p+ZJn\n"
                              "LuRJkdIUp5rT4lOn6l+x1FB3qDdSkvc/7R7Mcmqqg2+8Jpydjx57fHOPqdxJbds=\n"
                              "-----END PUBLIC KEY-----\n";
    struct key *none = NULL;
    assert_status(key_from_public_pem(SLICE_LITERAL(pem), &none), ERR_KEY_INVALID);
}

static void test_unknown_curves_and_rubbish_are_refused(void **)
{
    static const char secp256k1[] = "-----BEGIN PUBLIC KEY-----\n"
                                    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEqukVSa8lyWY+er17Epgu3K5S9Mh2JBmI\n"
                                    "HWdftgC//CHyEc4bi2EVJdn996PVYPL/uKmH1N4tYevkVzRhGdFqEQ==\n"
                                    "-----END PUBLIC KEY-----\n";
    struct key *none = NULL;
    assert_status(key_from_public_pem(SLICE_LITERAL(secp256k1), &none), ERR_KEY_INVALID);
    assert_status(key_from_public_pem(SLICE_LITERAL("-----BEGIN PUBLIC KEY-----\nAAAA\n"), &none), ERR_KEY_INVALID);
    assert_status(key_from_public_pem((struct slice){}, &none), ERR_KEY_INVALID);
    char large[KEY_PEM_MAX_BYTES + 1] = "-----BEGIN PUBLIC KEY-----";
    assert_status(key_from_public_pem(SLICE_ARRAY(large), &none), ERR_KEY_INVALID);
}

static void assert_thumbprint(const struct key *key, const char *expected)
{
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    assert_ok(key_thumbprint(key, thumbprint));
    assert_string_equal(base64url_of_32(thumbprint).text, expected);
}

/* RFC 7638 section 3.1 (RSA), the EC key of RFC 7517 appendix A.1 and the X25519 key of RFC 7748 section 6.1; the
 * latter two thumbprints were computed with another implementation. */
static void test_thumbprints(void **)
{
    CLEANUP(buffer_done) struct buffer modulus = buffer_of_maximum(512);
    assert_ok(base64url_decode(
        SLICE_LITERAL(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
            "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqz"
            "s8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-"
            "G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"),
        &modulus));
    CLEANUP(key_cleanup) struct key *rsa = NULL, *x25519 = NULL;
    assert_ok(key_from_rsa(buffer_slice(&modulus), SLICE_LITERAL("\x01\x00\x01"), &rsa));
    assert_thumbprint(rsa, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    CLEANUP(key_cleanup)
    struct key *p256 = p256_of_hex("30a0424cd21c2944838a2d75c92b37e76ea20d9f00893a3b4eee8a3c0aafec3e"
                                   "e04b65e92456d9888b52b379bdfbd51ee869ef1f0fc65b6659695b6cce081723");
    assert_thumbprint(p256, "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s");
    CLEANUP(buffer_done)
    struct buffer raw = bytes_of_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    assert_ok(key_from_x25519(buffer_slice(&raw), &x25519));
    assert_thumbprint(x25519, "u809Vppx5ixWMOohxWr2aM3m5bD0LQ67g_GPmubQus4");
}

/* Made with `openssl dgst -sha256 -sigopt rsa_padding_mode:pss`, salts of 32 and of 20 bytes. */
static void test_pss_with_a_salt_of_32_bytes_only(void **)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsZFCVRsx0tccTP/toMcD\n"
                              "8oXJ8wUbycSjhXWdAP/JdylAP4J6+xlVDPbW0vULs0nkGry7DVNbI9DuObKPqutO\n"
                              "6ILurAnqxSNyUkKXxeaq3Gg5PkZLz5D8GeGHpVWomUyOazvmysLMIRED8D7tuC8C\n"
                              "CCoNZz8olH2UTsRPSuAPnqDiz7IHHK7q/k0CJR3gY8PIozmAutxZWuj5ZjXONLGH\n"
                              "2PDPNhCDNfK0cOGLEV/5Z8kyWMgNsB6zeJx+RRYUPXKFNZCkegsOABoXnnKuV8vZ\n"
                              "dZnA4nfUt95UXgGJ0ynLWh8GtBRsm+w69hZERtRD958WnnIeCpDzQH90zdydGabj\n"
                              "kQIDAQAB\n"
                              "-----END PUBLIC KEY-----\n";
    CLEANUP(buffer_done)
    struct buffer good = bytes_of_hex(
        "163d2f3f2ae2c85df9f2eef54289e104a73da3edc7a4f90032faf21f5eaab469b1a8a8b9309562e8de1c8a0c52f540a3ca65"
        "dad394914a6315a85b06c3bfe17c3b4d2bd38a20bbe073be606161c09ff528866e4027bf403d648651492cdb7c61e03873e3"
        "6273e044f5b1b16fe2335d80241d62cf83e7cd242617e4dd39786eece0ef0cbe8a1a0237ed6e59bfeba1fa7f3460af125870"
        "e22ae40b96319c967ba2bc0adfdf75018561e76918bc87630cabaf7f382482f60434f1ae2d3a809143d5e5042addc68fc69e"
        "ab9e25541a239cc73385af47c85f94e40aa7765822ecb0c37f381e5362896be5520764855f2dc2ea0e60f1b478d8d47d08fe"
        "a7945d798beb");
    CLEANUP(buffer_done)
    struct buffer short_salt = bytes_of_hex(
        "66582cba05a4e7b935834e4544345fa28f84b7cbcc2d4a344c1d19cda96d82a2c98e4627db01a7c6399453fc49f0e0212fe3"
        "1d99bd37f2ed656a2defe3ebaf7e81d3364ffdee8d07ad458006c80b4adca7f1daa5e061fad2ac8757470574a0e389fc6cb9"
        "9e6acffa6bc5d5a4438686665d3772daf98082ac99fa996e156ebfeff1800784ca23bfa67389cddad4f661d0d48197b8a6e5"
        "d279d6fbc41234e39ac6aeff45a71fa82b42e7d044fbe877d516fc2ff86290f87b841601cd211d68f8802bb2a77d66b1817d"
        "51b776d1a2caaa8480dbeae6c58f651ebe676180003d2975756745841b551e4f6300c71dfc9723fe6a3010deead89e7dbf31"
        "b08bf5216fcc");
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_from_public_pem(SLICE_LITERAL(pem), &key));
    assert_ok(key_verify_pss(key, SLICE_LITERAL("message"), buffer_slice(&good)));
    assert_status(key_verify_pss(key, SLICE_LITERAL("massage"), buffer_slice(&good)), ERR_SIGNATURE);
    assert_status(key_verify_pss(key, SLICE_LITERAL("message"), buffer_slice(&short_salt)), ERR_SIGNATURE);
    assert_status(key_verify(key, SLICE_LITERAL("message"), buffer_slice(&good)), ERR_SIGNATURE);
}

/* RFC 6979 appendix A.2.6, SHA-384, "sample". */
static void test_a_known_p384_signature(void **)
{
    CLEANUP(buffer_done)
    struct buffer point = bytes_of_hex(
        "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13"
        "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720");
    CLEANUP(buffer_done)
    struct buffer signature = bytes_of_hex(
        "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
        "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8");
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer numbers = buffer_of_maximum(P384_POINT_BYTES);
    const struct slice message = SLICE_LITERAL("sample"), bytes = buffer_slice(&signature);
    assert_ok(key_from_p384_point(buffer_slice(&point), &key));
    assert_int_equal(key_kind(key), KEY_P384);
    assert_ok(key_public_bytes(key, &numbers));
    assert_slice_equal(buffer_slice(&numbers), buffer_slice(&point));
    assert_ok(key_verify_with(key, HASH_SHA384, KEY_PKCS1, message, bytes));
    assert_status(key_verify_with(key, HASH_SHA384, KEY_PKCS1, SLICE_LITERAL("simple"), bytes), ERR_SIGNATURE);
    assert_status(key_verify_with(key, HASH_SHA256, KEY_PKCS1, message, bytes), ERR_SIGNATURE);
    assert_status(key_verify_with(key, HASH_SHA384, KEY_PKCS1, message, slice_part(bytes, 0, 95)), ERR_SIGNATURE);
    point.bytes[95] ^= 1;
    struct key *off_curve = NULL;
    assert_status(key_from_p384_point(buffer_slice(&point), &off_curve), ERR_KEY_INVALID);
    assert_status(key_from_p384_point(slice_part(buffer_slice(&point), 0, 64), &off_curve), ERR_KEY_INVALID);
}

static void test_each_scheme_verifies_its_own_signatures_alone(void **)
{
    const enum key_kind kinds[] = {KEY_P256, KEY_P384, KEY_RSA};
    const enum hash hashes[] = {HASH_SHA256, HASH_SHA384};
    for (size_t i = 0; i < 6; i++) {
        CLEANUP(key_cleanup) struct key *key = make(kinds[i / 2]);
        const enum hash hash = hashes[i % 2], other = hashes[1 - i % 2];
        const struct slice message = SLICE_LITERAL("message");
        CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(RSA_MAX_BYTES);
        CLEANUP(buffer_done) struct buffer pss = buffer_of_maximum(RSA_MAX_BYTES);
        assert_ok(key_sign_with(key, hash, KEY_PKCS1, message, &plain));
        assert_ok(key_verify_with(key, hash, KEY_PKCS1, message, buffer_slice(&plain)));
        assert_status(key_verify_with(key, other, KEY_PKCS1, message, buffer_slice(&plain)), ERR_SIGNATURE);
        if (kinds[i / 2] != KEY_RSA) continue;
        assert_status(key_verify_with(key, hash, KEY_PSS, message, buffer_slice(&plain)), ERR_SIGNATURE);
        assert_ok(key_sign_with(key, hash, KEY_PSS, message, &pss));
        assert_ok(key_verify_with(key, hash, KEY_PSS, message, buffer_slice(&pss)));
        assert_ok(key_verify_with(key, hash, KEY_PSS_ANY_SALT, message, buffer_slice(&pss)));
        assert_status(key_verify_with(key, other, KEY_PSS, message, buffer_slice(&pss)), ERR_SIGNATURE);
        assert_status(key_verify_with(key, hash, KEY_PKCS1, message, buffer_slice(&pss)), ERR_SIGNATURE);
        buffer_clear(&pss);
        assert_ok(key_sign_with(key, hash, KEY_PSS_ANY_SALT, message, &pss)); /* the longest salt that fits */
        assert_ok(key_verify_with(key, hash, KEY_PSS_ANY_SALT, message, buffer_slice(&pss)));
        assert_status(key_verify_with(key, hash, KEY_PSS, message, buffer_slice(&pss)), ERR_SIGNATURE);
    }
}

static void test_no_signature_is_taken_over_other_digests(void **)
{
    const enum hash hashes[] = {HASH_SHA1, HASH_SHA512};
    CLEANUP(key_cleanup) struct key *key = make(KEY_P256);
    CLEANUP(buffer_done) struct buffer out = buffer_of_maximum(RSA_MAX_BYTES);
    for (size_t i = 0; i < 2; i++) {
        const struct slice signature = slice_of("0123456789012345678901234567890123456789012345678901234567890123", 64);
        assert_status(key_sign_with(key, hashes[i], KEY_PKCS1, SLICE_LITERAL("m"), &out), ERR_UNSUPPORTED);
        assert_status(key_verify_with(key, hashes[i], KEY_PKCS1, SLICE_LITERAL("m"), signature), ERR_UNSUPPORTED);
    }
    CLEANUP(key_cleanup) struct key *p384 = make(KEY_P384), *x25519 = make(KEY_X25519);
    assert_status(key_sign(p384, SLICE_LITERAL("m"), &out), ERR_UNSUPPORTED);
    assert_status(key_verify(p384, SLICE_LITERAL("m"), SLICE_LITERAL("s")), ERR_UNSUPPORTED);
    assert_status(key_verify_with(x25519, HASH_SHA256, KEY_PKCS1, SLICE_LITERAL("m"), SLICE_LITERAL("s")),
                  ERR_UNSUPPORTED);
}

static void test_shared_keys_live_as_long_as_their_last_owner(void **)
{
    struct key *key = make(KEY_P256);
    CLEANUP(key_cleanup) struct key *shared = key_share(key);
    key_free(key);
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(P256_POINT_BYTES);
    assert_ok(key_public_bytes(shared, &bytes));
    assert_null(key_share(NULL));
    key_free(NULL);
}

static void test_a_failure_leaves_nothing_in_a_key(void **)
{
    const enum key_kind kinds[] = {KEY_P256, KEY_P384, KEY_RSA};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(key_cleanup) struct key *key = make(kinds[i]);
        CLEANUP(buffer_done) struct buffer none = {}, good = buffer_of_maximum(RSA_MAX_BYTES);
        const struct slice message = SLICE_LITERAL("message"), other = SLICE_LITERAL("massage");
        for (int turn = 0; turn < 3; turn++) {
            buffer_clear(&good);
            assert_status(key_sign_with(key, HASH_SHA384, KEY_PKCS1, message, &none), ERR_TOO_LARGE);
            assert_ok(key_sign_with(key, HASH_SHA256, KEY_PKCS1, message, &good));
            assert_status(key_verify_with(key, HASH_SHA256, KEY_PKCS1, other, buffer_slice(&good)), ERR_SIGNATURE);
            assert_status(key_verify_with(key, HASH_SHA384, KEY_PKCS1, message, buffer_slice(&good)), ERR_SIGNATURE);
            assert_ok(key_verify_with(key, HASH_SHA256, KEY_PKCS1, message, buffer_slice(&good)));
        }
    }
}

struct shared_use {
    const struct key *key;
    pthread_barrier_t begin;
};

static void *use_shared_key(void *context)
{
    struct shared_use *const use = context;
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(P256_SIGNATURE_BYTES);
    (void)pthread_barrier_wait(&use->begin);
    for (int turn = 0; turn < 20; turn++) {
        buffer_clear(&signature);
        if (key_sign(use->key, SLICE_LITERAL("message"), &signature) != OK ||
            key_verify(use->key, SLICE_LITERAL("message"), buffer_slice(&signature)) != OK)
            return use;
    }
    return NULL;
}

/* The first use of a key prepares the next ones: of several threads that are first, none may disturb another. */
static void test_threads_share_a_key(void **)
{
    enum { THREAD_COUNT = 4, KEY_COUNT = 10 };
    for (int round = 0; round < KEY_COUNT; round++) {
        CLEANUP(key_cleanup) struct key *key = make(KEY_P256);
        struct shared_use use = {.key = key};
        pthread_t threads[THREAD_COUNT];
        void *failed;
        assert_int_equal(pthread_barrier_init(&use.begin, NULL, THREAD_COUNT), 0);
        for (int i = 0; i < THREAD_COUNT; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, use_shared_key, &use), 0);
        for (int i = 0; i < THREAD_COUNT; i++) {
            assert_int_equal(pthread_join(threads[i], &failed), 0);
            assert_null(failed);
        }
        (void)pthread_barrier_destroy(&use.begin);
    }
}

static void check_ecdsa(const json_t *group, const json_t *test)
{
    const char *const hex = json_string_value(json_object_get(json_object_get(group, "publicKey"), "uncompressed"));
    CLEANUP(key_cleanup) struct key *key = p256_of_hex(hex + 2);
    CLEANUP(buffer_done) struct buffer message = vector_bytes(test, "msg"), signature = vector_bytes(test, "sig");
    assert_status(key_verify(key, buffer_slice(&message), buffer_slice(&signature)),
                  vector_is(test, "valid") ? OK : ERR_SIGNATURE);
}

static void test_ecdsa_wycheproof(void **)
{
    CLEANUP(json_done) json_t *file = vectors_load("vectors/wycheproof/ecdsa_secp256r1_sha256_p1363_test.json");
    assert_int_equal(wycheproof_each(file, check_ecdsa), 262);
}

/* "acceptable" covers points of low order and of the twist: agreed on, unless the result is all zero. */
static void check_x25519(const json_t *, const json_t *test)
{
    CLEANUP(buffer_done) struct buffer public_bytes = vector_bytes(test, "public");
    CLEANUP(buffer_done) struct buffer private_bytes = vector_bytes(test, "private");
    CLEANUP(buffer_done) struct buffer expected = vector_bytes(test, "shared");
    CLEANUP(key_cleanup) struct key *mine = NULL, *peer = NULL;
    assert_ok(key_private_from_x25519(buffer_slice(&private_bytes), &mine));
    assert_ok(key_from_x25519(buffer_slice(&public_bytes), &peer));
    CLEANUP(secret_done) struct secret shared = {};
    const bool is_zero = slice_is_zero(buffer_slice(&expected));
    assert_status(key_agree(mine, peer, &shared), is_zero ? ERR_KEY_INVALID : OK);
    if (!is_zero) assert_slice_equal(secret_slice(&shared), buffer_slice(&expected));
}

static void test_x25519_wycheproof(void **)
{
    CLEANUP(json_done) json_t *file = vectors_load("vectors/wycheproof/x25519_test.json");
    assert_int_equal(wycheproof_each(file, check_x25519), 518);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign_and_verify),
        cmocka_unit_test(test_operations_of_another_kind_are_refused),
        cmocka_unit_test(test_a_public_key_does_not_act_as_private),
        cmocka_unit_test(test_pem_round_trip_of_each_kind),
        cmocka_unit_test(test_private_bytes_round_trip),
        cmocka_unit_test(test_points_that_are_not_on_the_curve_are_refused),
        cmocka_unit_test(test_keys_are_equal_by_their_public_half),
        cmocka_unit_test(test_every_byte_of_a_point_counts),
        cmocka_unit_test(test_scalars_outside_the_order_are_refused),
        cmocka_unit_test(test_rsa_numbers_and_their_limits),
        cmocka_unit_test(test_explicit_curve_parameters_are_refused),
        cmocka_unit_test(test_unknown_curves_and_rubbish_are_refused),
        cmocka_unit_test(test_thumbprints),
        cmocka_unit_test(test_pss_with_a_salt_of_32_bytes_only),
        cmocka_unit_test(test_a_known_p384_signature),
        cmocka_unit_test(test_each_scheme_verifies_its_own_signatures_alone),
        cmocka_unit_test(test_no_signature_is_taken_over_other_digests),
        cmocka_unit_test(test_shared_keys_live_as_long_as_their_last_owner),
        cmocka_unit_test(test_a_failure_leaves_nothing_in_a_key),
        cmocka_unit_test(test_threads_share_a_key),
        cmocka_unit_test(test_ecdsa_wycheproof),
        cmocka_unit_test(test_x25519_wycheproof),
    };
    return cmocka_run_group_tests_name("crypto/key", tests, NULL, NULL);
}
