/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/body_jws.h"

#include "policy_signing.h"

static struct policy_signer rsa, ec, root, leaf, no_ca, below_no_ca;

#define POLICY "version=1.0; authorizationrules{=> permit();}; issuancerules{};"

static enum status open_text(struct slice jws, struct body_jws *body)
{
    struct refusal why = {};
    const enum status status = body_jws_open(jws, &why, body);
    if (status != OK) assert_true(why.field[0] != '\0');
    return status;
}

/* Takes the JWS over. */
static void expect(struct buffer jws, enum status status)
{
    CLEANUP(body_jws_done) struct body_jws body = {};
    assert_status(open_text(buffer_slice(&jws), &body), status);
    buffer_done(&jws);
}

static void expect_policy(struct slice jws, bool is_signed)
{
    CLEANUP(body_jws_done) struct body_jws body = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
    struct refusal why = {};
    assert_ok(open_text(jws, &body));
    assert_int_equal(body.is_signed, is_signed);
    assert_int_equal(body.chain_count, is_signed ? 1 : 0);
    assert_ok(body_policy(&body, &why, &text));
    assert_slice_equal(buffer_slice(&text), SLICE_LITERAL(POLICY));
}

static void test_an_unsigned_policy(void **)
{
    CLEANUP(buffer_done) struct buffer jws = unsigned_policy(POLICY);
    assert_true(slice_starts_with(buffer_slice(&jws), SLICE_LITERAL("eyJhbGciOiJub25lIn0.")));
    expect_policy(buffer_slice(&jws), false);
}

static void test_signed_policies(void **)
{
    const struct {
        const struct policy_signer *signer;
        const char *algorithm;
    } forms[] = {{&rsa, "RS256"}, {&rsa, "RSA256"}, {&ec, "ES256"}};
    CLEANUP(buffer_done) struct buffer payload = policy_payload(POLICY);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        CLEANUP(buffer_done) struct buffer jws = sign_as(forms[i].signer, forms[i].algorithm, text_of(&payload));
        expect_policy(buffer_slice(&jws), true);
    }
}

static struct buffer with_header(const char *format, const struct policy_signer *signer)
{
    const struct policy_signer *const chain[] = {signer};
    CLEANUP(buffer_done) struct buffer x5c = x5c_of(chain, 1);
    CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(SIGNED_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer payload = policy_payload(POLICY);
    /* The format's "@" stands for the certificates. */
    for (const char *c = format; *c != '\0'; c++) {
        if (*c == '@')
            assert_ok(buffer_append(&header, buffer_slice(&x5c)));
        else
            assert_ok(buffer_append_u8(&header, (uint8_t)*c));
    }
    return sign_text(text_of(&header), text_of(&payload), signer->key);
}

static void test_the_certificate_in_a_jwk(void **)
{
    CLEANUP(buffer_done)
    struct buffer jws = with_header("{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"RSA\",\"x5c\":@}}", &rsa);
    expect_policy(buffer_slice(&jws), true);
}

/* As .NET writes it. */
static void test_plus_signs_escaped_in_the_header(void **)
{
    const struct policy_signer *const chain[] = {&rsa};
    CLEANUP(buffer_done) struct buffer x5c = x5c_of(chain, 1);
    CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(SIGNED_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer payload = policy_payload(POLICY);
    assert_ok(buffer_append_text(&header, "{\"alg\":\"RSA256\",\"x5c\":"));
    for (size_t i = 0; i < x5c.size; i++) {
        if (x5c.bytes[i] == '+')
            assert_ok(buffer_append_text(&header, "\\u002B"));
        else
            assert_ok(buffer_append_u8(&header, x5c.bytes[i]));
    }
    assert_ok(buffer_append_u8(&header, '}'));
    CLEANUP(buffer_done) struct buffer jws = sign_text(text_of(&header), text_of(&payload), rsa.key);
    expect_policy(buffer_slice(&jws), true);
}

static void test_an_empty_payload(void **)
{
    CLEANUP(body_jws_done) struct body_jws body = {};
    CLEANUP(body_jws_done) struct body_jws second = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
    struct refusal why = {};
    assert_ok(open_text(SLICE_LITERAL("eyJhbGciOiJub25lIn0.."), &body));
    assert_null(body.payload);
    assert_status(body_policy(&body, &why, &text), ERR_TOKEN_MALFORMED);
    CLEANUP(buffer_done) struct buffer jws = sign_as(&rsa, "RS256", "");
    assert_ok(open_text(buffer_slice(&jws), &second));
    assert_true(second.is_signed);
    assert_null(second.payload);
}

static void test_chains(void **)
{
    const struct policy_signer *const good[] = {&leaf, &root};
    const struct policy_signer *const turned[] = {&root, &leaf};
    const struct policy_signer *const strange[] = {&leaf, &rsa};
    const struct policy_signer *const without_ca[] = {&below_no_ca, &no_ca};
    const struct {
        const struct policy_signer *const *chain;
        size_t count;
        enum status status;
    } cases[] = {{good, 2, OK}, {turned, 2, ERR_CHAIN}, {strange, 2, ERR_CHAIN}, {without_ca, 2, ERR_CHAIN}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer x5c = x5c_of(cases[i].chain, cases[i].count);
        CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(SIGNED_MAX_BYTES);
        assert_ok(buffer_append_format(&header, "{\"alg\":\"RS256\",\"x5c\":%s}", text_of(&x5c)));
        expect(sign_text(text_of(&header), "{}", cases[i].chain[0]->key), cases[i].status);
    }
}

/* Signed by a certificate that has its issuer's name but another key. */
static void test_a_chain_by_another_key_of_the_same_name(void **)
{
    CLEANUP(policy_signer_done) struct policy_signer false_root;
    policy_signer_make(KEY_RSA, "root", NULL, true, &false_root);
    const struct policy_signer *const chain[] = {&leaf, &false_root};
    CLEANUP(buffer_done) struct buffer x5c = x5c_of(chain, 2);
    CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(buffer_append_format(&header, "{\"alg\":\"RS256\",\"x5c\":%s}", text_of(&x5c)));
    expect(sign_text(text_of(&header), "{}", leaf.key), ERR_CHAIN);
}

static void test_what_is_no_jws(void **)
{
    static const char *const texts[] = {
        "",
        "a",
        "a.b",
        "a.b.c.d",
        "..",
        "!!.e30.",
        "e30.e30.",
        "eyJhbGciOiJub25lIn0.!!.",
        "eyJhbGciOiJub25lIn0.W10.",
        "eyJhbGciOiJub25lIn0.e30.!",
        "eyJhbGciOiJub25lIn0.e30.AAAA" /* none, with a signature */,
        "eyJhbGciOiJub25lIn0",
        "eyJhbGciOiJub25lIn0.e30",
        "eyJhbGciOiJub25lIn0.e30..",
        "eyJhbGciOiJub25lIn0=.e30.",
        "W10.e30.",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(body_jws_done) struct body_jws body = {};
        assert_status(open_text(slice_of_text(texts[i]), &body), ERR_TOKEN_MALFORMED);
    }
}

static void test_headers_that_are_refused(void **)
{
    const struct {
        const char *header;
        enum status status;
    } cases[] = {
        {"{\"alg\":5}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"x5c\":@,\"crit\":[\"x\"]}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\"}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"x5c\":[]}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"x5c\":\"text\"}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"x5c\":[5]}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"x5c\":[\"\"]}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"x5c\":[\"!!\"]}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"x5c\":[\"AAAA\"]}", ERR_CERTIFICATE_MALFORMED},
        {"{\"alg\":\"RS256\",\"jwk\":5}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"RS256\",\"x5c\":@,\"jwk\":{\"x5c\":@}}", ERR_TOKEN_MALFORMED},
        {"{\"alg\":\"ES256\",\"x5c\":@}", ERR_TOKEN_ALGORITHM},
        {"{\"alg\":\"PS256\",\"x5c\":@}", ERR_TOKEN_ALGORITHM},
        {"{\"alg\":\"None\",\"x5c\":@}", ERR_TOKEN_ALGORITHM},
        {"{\"alg\":\"HS256\"}", ERR_TOKEN_ALGORITHM},
        {"{\"alg\":\"RS256\",\"x5c\":[\"A\",\"A\",\"A\",\"A\",\"A\",\"A\",\"A\",\"A\",\"A\"]}", ERR_TOKEN_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(with_header(cases[i].header, &rsa), cases[i].status);
    expect(with_header("{\"alg\":\"RS256\",\"x5c\":@}", &ec), ERR_TOKEN_ALGORITHM);
}

static void test_a_signature_by_another_key(void **)
{
    const struct policy_signer impostor = {.key = rsa.key, .der = leaf.der};
    expect(sign_as(&impostor, "RS256", "{}"), ERR_TOKEN_SIGNATURE);
}

static void test_a_payload_changed_after_signing(void **)
{
    struct buffer jws = sign_as(&rsa, "RS256", "{\"a\":1}");
    uint8_t *const dot = memchr(jws.bytes, '.', jws.size);
    dot[3] = dot[3] == 'A' ? 'B' : 'A';
    CLEANUP(body_jws_done) struct body_jws body = {};
    const enum status status = open_text(buffer_slice(&jws), &body);
    assert_true(status == ERR_TOKEN_SIGNATURE || status == ERR_TOKEN_MALFORMED);
    buffer_done(&jws);
}

static void test_a_body_over_the_maximum(void **)
{
    CLEANUP(body_jws_done) struct body_jws body = {};
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(BODY_MAX_BYTES + 1);
    uint8_t *bytes;
    assert_ok(buffer_extend(&large, BODY_MAX_BYTES + 1, &bytes));
    assert_status(open_text(buffer_slice(&large), &body), ERR_TOO_LARGE);
    buffer_truncate(&large, BODY_MAX_BYTES);
    assert_status(open_text(buffer_slice(&large), &body), ERR_TOKEN_MALFORMED);
}

static void test_payloads_without_a_policy(void **)
{
    static const char *const payloads[] = {"{}", "{\"AttestationPolicy\":5}", "{\"AttestationPolicy\":\"\"}",
                                           "{\"AttestationPolicy\":\"!!\"}", "{\"attestationpolicy\":\"AAAA\"}"};
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        CLEANUP(body_jws_done) struct body_jws body = {};
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
        CLEANUP(buffer_done) struct buffer jws = sign_text("{\"alg\":\"none\"}", payloads[i], NULL);
        struct refusal why = {};
        assert_ok(open_text(buffer_slice(&jws), &body));
        assert_status(body_policy(&body, &why, &text), ERR_TOKEN_MALFORMED);
        assert_true(why.field[0] != '\0');
    }
}

/* ---- certificates ---- */

static void test_the_four_names_of_a_certificate(void **)
{
    static const char *const names[] = {"policyCertificate", "maa-policyCertificate", "aas-policyCertificate",
                                        "x-ms-policyCertificate"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CLEANUP(body_jws_done) struct body_jws body = {};
        CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
        CLEANUP(buffer_done) struct buffer payload = certificate_payload(names[i], &ec);
        CLEANUP(buffer_done) struct buffer jws = sign_as(&rsa, "RS256", text_of(&payload));
        struct refusal why = {};
        assert_ok(open_text(buffer_slice(&jws), &body));
        assert_ok(body_certificate(&body, &why, &certificate));
        assert_slice_equal(certificate_der(certificate), buffer_slice(&ec.der));
    }
}

static void expect_no_certificate(const char *payload, enum status status)
{
    CLEANUP(body_jws_done) struct body_jws body = {};
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    CLEANUP(buffer_done) struct buffer jws = sign_as(&rsa, "RS256", payload);
    struct refusal why = {};
    assert_ok(open_text(buffer_slice(&jws), &body));
    assert_status(body_certificate(&body, &why, &certificate), status);
    assert_true(why.field[0] != '\0');
}

static void test_payloads_without_a_certificate(void **)
{
    static const char *const payloads[] = {
        "",
        "{}",
        "{\"policyCertificate\":\"text\"}",
        "{\"policyCertificate\":{}}",
        "{\"policyCertificate\":{\"x5c\":[]}}",
        "{\"policyCertificate\":{\"x5c\":[5]}}",
        "{\"policyCertificate\":{\"x5c\":[\"AAAA\",\"AAAA\"]}}",
        "{\"other\":{\"x5c\":[\"AAAA\"]}}",
    };
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        expect_no_certificate(payloads[i], ERR_TOKEN_MALFORMED);
    expect_no_certificate("{\"policyCertificate\":{\"x5c\":[\"AAAA\"]}}", ERR_CERTIFICATE_MALFORMED);
}

static void expect_body(const char *body, enum status status, const char *expected)
{
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(BODY_MAX_BYTES);
    struct refusal why = {};
    assert_status(body_of_certificates(slice_of_text(body), "policyCertificateToAdd", &why, &jws), status);
    if (status == OK) assert_slice_equal(buffer_slice(&jws), slice_of_text(expected));
}

static void test_both_forms_of_the_certificates_body(void **)
{
    expect_body("\"a.b.c\"", OK, "a.b.c");
    expect_body(" \"a.b\\u002Ec\" ", OK, "a.b.c");
    expect_body("{\"policyCertificateToAdd\":\"a.b.c\"}", OK, "a.b.c");
    expect_body("{\"policyCertificateToRemove\":\"a.b.c\"}", ERR_FIELD_MISSING, NULL);
    expect_body("{\"policyCertificateToAdd\":5}", ERR_FIELD_TYPE, NULL);
    expect_body("", ERR_JSON_SYNTAX, NULL);
    expect_body("\"a\",\"b\"", ERR_JSON_SYNTAX, NULL);
    expect_body("5", ERR_TOKEN_MALFORMED, NULL);
    expect_body("[\"a.b.c\"]", ERR_TOKEN_MALFORMED, NULL);
    expect_body("a.b.c", ERR_JSON_SYNTAX, NULL);
    expect_body("\"a.b.c", ERR_JSON_SYNTAX, NULL);
}

static int make_signers(void **)
{
    policy_signer_make(KEY_RSA, "rsa", NULL, false, &rsa);
    policy_signer_make(KEY_P256, "ec", NULL, false, &ec);
    policy_signer_make(KEY_RSA, "root", NULL, true, &root);
    policy_signer_make(KEY_RSA, "leaf", &root, false, &leaf);
    policy_signer_make(KEY_RSA, "no ca", NULL, false, &no_ca);
    policy_signer_make(KEY_RSA, "below", &no_ca, false, &below_no_ca);
    return 0;
}

static int free_signers(void **)
{
    struct policy_signer *const signers[] = {&rsa, &ec, &root, &leaf, &no_ca, &below_no_ca};
    for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++) policy_signer_done(signers[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_unsigned_policy),
        cmocka_unit_test(test_signed_policies),
        cmocka_unit_test(test_the_certificate_in_a_jwk),
        cmocka_unit_test(test_plus_signs_escaped_in_the_header),
        cmocka_unit_test(test_an_empty_payload),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_a_chain_by_another_key_of_the_same_name),
        cmocka_unit_test(test_what_is_no_jws),
        cmocka_unit_test(test_headers_that_are_refused),
        cmocka_unit_test(test_a_signature_by_another_key),
        cmocka_unit_test(test_a_payload_changed_after_signing),
        cmocka_unit_test(test_a_body_over_the_maximum),
        cmocka_unit_test(test_payloads_without_a_policy),
        cmocka_unit_test(test_the_four_names_of_a_certificate),
        cmocka_unit_test(test_payloads_without_a_certificate),
        cmocka_unit_test(test_both_forms_of_the_certificates_body),
    };
    return cmocka_run_group_tests_name("attestation/body_jws", tests, make_signers, free_signers);
}
