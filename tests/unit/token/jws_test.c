/* SPDX-License-Identifier: Apache-2.0 */
#include "token/jws.h"

#include "vectors.h"

static json_t *payload_of(const char *text)
{
    json_t *value = NULL;
    assert_ok(json_parse(slice_of_text(text), 4096, NULL, &value));
    return value;
}

static struct buffer signed_by(const struct key *key, const char *type)
{
    CLEANUP(json_done) json_t *payload = payload_of("{\"b\":1,\"a\":\"x\"}");
    CLEANUP(json_done) json_t *extra = payload_of("{\"jku\":\"https://x/certs\"}");
    struct buffer text = buffer_of_maximum(4096);
    assert_ok(jws_sign(type, "kid", extra, payload, key, &text));
    return text;
}

static void test_what_is_signed_is_read_and_verified(void **)
{
    const enum key_kind kinds[] = {KEY_P256, KEY_RSA};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(key_cleanup) struct key *key = NULL;
        assert_ok(key_generate(kinds[i], 2048, &key));
        CLEANUP(buffer_done) struct buffer text = signed_by(key, JWS_TYP_RECEIPT);
        CLEANUP(jws_done) struct jws jws = {};
        assert_ok(jws_parse(buffer_slice(&text), NULL, &jws));
        assert_true(slice_equal_text(jws.algorithm, kinds[i] == KEY_RSA ? "RS256" : "ES256"));
        assert_true(slice_equal_text(jws.type, JWS_TYP_RECEIPT));
        assert_true(slice_equal_text(jws.kid, "kid"));
        assert_string_equal(json_string_value(json_object_get(jws.header, "jku")), "https://x/certs");
        assert_int_equal(json_integer_value(json_object_get(jws.payload, "b")), 1);
        assert_ok(jws_verify(&jws, JWS_TYP_RECEIPT, key, NULL));
    }
}

static void test_header_and_payload_are_compact_and_sorted(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    CLEANUP(buffer_done) struct buffer text = signed_by(key, "JWT"), header = buffer_of_maximum(200);
    struct slice first, rest;
    assert_true(slice_split(buffer_slice(&text), '.', &first, &rest));
    assert_ok(base64url_decode(first, &header));
    assert_true(slice_equal_text(buffer_slice(&header),
                                 "{\"alg\":\"ES256\",\"jku\":\"https://x/certs\",\"kid\":\"kid\",\"typ\":\"JWT\"}"));
    assert_true(slice_starts_with(rest, SLICE_LITERAL("eyJhIjoieCIsImIiOjF9.")));
}

static void test_extra_members_do_not_replace_algorithm_or_type(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    CLEANUP(json_done) json_t *extra = payload_of("{\"alg\":\"none\",\"typ\":\"x\"}"), *payload = payload_of("{}");
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1000);
    assert_ok(jws_sign("JWT", NULL, extra, payload, key, &text));
    CLEANUP(jws_done) struct jws jws = {};
    assert_ok(jws_parse(buffer_slice(&text), NULL, &jws));
    assert_int_equal(jws.kid.size, 0);
    assert_ok(jws_verify(&jws, "JWT", key, NULL));
}

static void test_keys_that_do_not_sign_are_refused(void **)
{
    CLEANUP(key_cleanup) struct key *x25519 = NULL, *p256 = NULL;
    assert_ok(key_generate(KEY_X25519, 0, &x25519));
    assert_ok(key_generate(KEY_P256, 0, &p256));
    CLEANUP(json_done) json_t *payload = payload_of("{}");
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1000), small = buffer_of_maximum(50);
    assert_status(jws_sign("JWT", NULL, NULL, payload, x25519, &text), ERR_UNSUPPORTED);
    assert_status(jws_sign("JWT", NULL, NULL, payload, p256, &small), ERR_TOO_LARGE);
    assert_int_equal(text.size + small.size, 0);
    CLEANUP(buffer_done) struct buffer good = signed_by(p256, "JWT");
    CLEANUP(jws_done) struct jws jws = {};
    assert_ok(jws_parse(buffer_slice(&good), NULL, &jws));
    assert_status(jws_verify(&jws, "JWT", x25519, NULL), ERR_TOKEN_ALGORITHM);
}

static void test_type_is_checked_before_the_signature(void **)
{
    CLEANUP(key_cleanup) struct key *key = NULL, *other = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    assert_ok(key_generate(KEY_P256, 0, &other));
    CLEANUP(buffer_done) struct buffer text = signed_by(key, JWS_TYP_STATEMENT);
    CLEANUP(jws_done) struct jws jws = {};
    assert_ok(jws_parse(buffer_slice(&text), NULL, &jws));
    assert_status(jws_verify(&jws, JWS_TYP_RECEIPT, other, NULL), ERR_TOKEN_TYPE);
    assert_status(jws_verify(&jws, JWS_TYP_STATEMENT, other, NULL), ERR_TOKEN_SIGNATURE);
    assert_status(jws_verify(&jws, "lazaret-statement", key, NULL), ERR_TOKEN_TYPE);
    assert_ok(jws_verify(&jws, JWS_TYP_STATEMENT, key, NULL));
}

/* {"alg":..,"typ":..}.{}.AA with the given header. */
static enum status parse_header(const char *header, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(65536);
    assert_ok(base64url_encode(slice_of_text(header), &text));
    assert_ok(buffer_append_text(&text, ".e30.AA"));
    CLEANUP(jws_done) struct jws jws = {};
    return jws_parse(buffer_slice(&text), why, &jws);
}

static void assert_header_refused(const char *header, const char *field)
{
    struct refusal why = {};
    assert_status(parse_header(header, &why), ERR_TOKEN_MALFORMED);
    assert_string_equal(why.field, field);
}

static void test_malformed_headers_are_refused(void **)
{
    assert_ok(parse_header("{\"alg\":\"RS256\"}", NULL));
    assert_header_refused("{}", "header.alg");
    assert_header_refused("{\"alg\":1}", "header.alg");
    assert_header_refused("{\"alg\":\"RS256\",\"typ\":[]}", "header.typ");
    assert_header_refused("{\"alg\":\"RS256\",\"kid\":7}", "header.kid");
    assert_header_refused("{\"alg\":\"RS256\",\"crit\":[]}", "header.crit");
    assert_header_refused("{\"alg\":\"RS256\",\"alg\":\"none\"}", "json");
    assert_header_refused("[]", "header");
    assert_header_refused("", "json");
}

static enum status parse(const char *text)
{
    CLEANUP(jws_done) struct jws jws = {};
    return jws_parse(slice_of_text(text), NULL, &jws);
}

static void test_malformed_texts_are_refused(void **)
{
    const char *const header = "eyJhbGciOiJSUzI1NiJ9";
    const char *const tails[] = {
        "", ".e30", ".e30.AA.AA", ".W10.AA", ".e30=.AA", ".e30.AA==", ".e30.A", ".e31.AA", ".e30 .AA", ".!.AA", "..AA"};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char text[100];
        (void)snprintf(text, sizeof(text), "%s%s", header, tails[i]);
        assert_status(parse(text), ERR_TOKEN_MALFORMED);
    }
    assert_status(parse("eyJhbGciOiJSUzI1NiJ9.e30.AA"), OK);
}

static void test_sizes_are_bounded(void **)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * JWS_MAX_BYTES);
    CLEANUP(jws_done) struct jws jws = {};
    uint8_t *bytes;
    assert_ok(buffer_extend(&text, JWS_MAX_BYTES + 1, &bytes));
    assert_status(jws_parse(buffer_slice(&text), NULL, &jws), ERR_TOO_LARGE);
    buffer_clear(&text);
    assert_ok(buffer_append_text(&text, "eyJhbGciOiJSUzI1NiJ9.e30."));
    assert_ok(buffer_extend(&text, 700, &bytes));
    memset(bytes, 'A', 700);
    assert_status(jws_parse(buffer_slice(&text), NULL, &jws), ERR_TOKEN_MALFORMED);
    CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(2 * JWS_HEADER_MAX_BYTES);
    assert_ok(buffer_append_text(&header, "{\"alg\":\"RS256\",\"x\":\""));
    assert_ok(buffer_extend(&header, JWS_HEADER_MAX_BYTES, &bytes));
    memset(bytes, 'x', JWS_HEADER_MAX_BYTES);
    assert_ok(buffer_append_text(&header, "\"}"));
    const char *header_text;
    assert_ok(buffer_text(&header, &header_text));
    assert_header_refused(header_text, "header");
}

static void test_hash_is_of_the_text(void **)
{
    uint8_t digest[32];
    assert_ok(jws_hash(SLICE_LITERAL("abc"), digest));
    assert_string_equal(hex_of_32(digest).text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* Reads a token that the real service issued; its key was not recorded beside it. */
static void test_a_recorded_azure_token(void **)
{
    CLEANUP(buffer_done) struct buffer text = read_whole(shared_path("vectors/maa/snp-2025-jwt/token.jwt"));
    struct slice token = buffer_slice(&text);
    while (token.size > 0 && token.bytes[token.size - 1] <= ' ') token.size--;
    CLEANUP(jws_done) struct jws jws = {};
    assert_ok(jws_parse(token, NULL, &jws));
    assert_ok(jws_check_header(&jws, JWS_TYP_TOKEN, NULL));
    assert_true(slice_equal_text(jws.kid, "jNolL7YTrRkDIukgm3on/fz5uMi9kjxhfUBTh6Or8No="));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_signed_is_read_and_verified),
        cmocka_unit_test(test_header_and_payload_are_compact_and_sorted),
        cmocka_unit_test(test_extra_members_do_not_replace_algorithm_or_type),
        cmocka_unit_test(test_keys_that_do_not_sign_are_refused),
        cmocka_unit_test(test_type_is_checked_before_the_signature),
        cmocka_unit_test(test_malformed_headers_are_refused),
        cmocka_unit_test(test_malformed_texts_are_refused),
        cmocka_unit_test(test_sizes_are_bounded),
        cmocka_unit_test(test_hash_is_of_the_text),
        cmocka_unit_test(test_a_recorded_azure_token),
    };
    return cmocka_run_group_tests_name("token/jws", tests, NULL, NULL);
}
