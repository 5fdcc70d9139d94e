/* SPDX-License-Identifier: Apache-2.0
 *
 * The files that `lazaret policy` reads and writes: claims, policies as text and as JWS.
 */
#include "cli/policy/claims_file.h"
#include "cli/policy/envelope.h"
#include "cli/policy/source.h"

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/x509_issue.h"
#include "policy/policy.h"
#include "testing.h"
#include "token/jws.h"

static const char policy[] = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";

/* ---- claims ---- */

static void assert_claims(const char *text, const char *expected)
{
    CLEANUP(claim_set_cleanup) struct claim_set *set = NULL;
    CLEANUP(buffer_done) struct buffer seen = buffer_of_maximum(4096);
    struct refusal why = {};
    assert_ok(claim_set_new(&set));
    if (claims_file_parse(slice_of_text(text), &why, set) != OK)
        fail_msg("%s: %s: expected %s, seen %s", text, why.field, why.expected, why.seen);
    for (size_t i = 0; i < claim_set_count(set); i++) {
        const struct claim *const claim = claim_set_at(set, i);
        assert_ok(buffer_append_format(&seen, "%.*s|%s|%s|", (int)claim->type.size, (const char *)claim->type.bytes,
                                       claims_file_value_type(claim->value.type), claims_file_issuer(claim->issuer)));
        if (claim->value.type == CLAIM_STRING) assert_ok(buffer_append(&seen, claim->value.text));
        if (claim->value.type == CLAIM_INTEGER)
            assert_ok(buffer_append_format(&seen, "%lld", (long long)claim->value.integer));
        if (claim->value.type == CLAIM_BOOLEAN)
            assert_ok(buffer_append_text(&seen, claim->value.boolean ? "true" : "false"));
        assert_ok(buffer_append_text(&seen, claim->read_only ? "|read-only\n" : "\n"));
    }
    const char *all;
    assert_ok(buffer_text(&seen, &all));
    assert_string_equal(all, expected);
}

static void test_claims_by_type(void **)
{
    assert_claims("{}", "");
    assert_claims("{\"a\":\"x\",\"b\":-3,\"c\":true,\"d\":\"\"}",
                  "a|String|AttestationService|x\nb|Integer|AttestationService|-3\n"
                  "c|Boolean|AttestationService|true\nd|String|AttestationService|\n");
    assert_claims("{\"a\":[\"x\",1,false],\"b\":[]}", "a|String|AttestationService|x\na|Integer|AttestationService|1\n"
                                                      "a|Boolean|AttestationService|false\n");
    assert_claims("{\"events\":{\"b\":[1],\"a\":2},\"pcrs\":[{\"c\":1}]}",
                  "events|String|AttestationService|{\"a\":2,\"b\":[1]}\n"
                  "pcrs|String|AttestationService|{\"c\":1}|read-only\n");
}

static void test_claims_one_by_one(void **)
{
    assert_claims("[]", "");
    assert_claims("[{\"type\":\"a\",\"value\":\"x\"},{\"type\":\"a\",\"value\":1,\"valueType\":\"Integer\","
                  "\"issuer\":\"CustomClaim\"},{\"type\":\"b\",\"value\":false,\"valueType\":\"Boolean\","
                  "\"issuer\":\"AttestationPolicy\"},{\"type\":\"c\",\"value\":{\"d\":1},\"valueType\":\"String\","
                  "\"issuer\":\"AttestationService\"}]",
                  "a|String|AttestationService|x\na|Integer|CustomClaim|1\nb|Boolean|AttestationPolicy|false\n"
                  "c|String|AttestationService|{\"d\":1}\n");
}

static void test_claims_that_are_refused(void **)
{
    static const struct {
        const char *text;
        enum status status;
        const char *field, *expected;
    } cases[] = {
        {"", ERR_JSON_SYNTAX, "json", "one JSON object or array"},
        {"7", ERR_JSON_SYNTAX, "json", "one JSON object or array"},
        {"{\"a\":1,\"a\":2}", ERR_JSON_SYNTAX, "json", "each member once"},
        {"{\"a\":1.5}", ERR_FIELD_TYPE, "claims.a", "a string, an integer, a boolean or an object"},
        {"{\"a\":null}", ERR_FIELD_TYPE, "claims.a", "a string, an integer, a boolean or an object"},
        {"{\"a\":[1,[2]]}", ERR_FIELD_TYPE, "claims.a[1]", "a string, an integer, a boolean or an object"},
        {"[1]", ERR_FIELD_TYPE, "claims[0]", "an object"},
        {"[{\"type\":\"a\",\"value\":1,\"isuer\":\"x\"}]", ERR_FIELD_UNKNOWN, "claims[0].isuer", NULL},
        {"[{\"value\":1}]", ERR_FIELD_MISSING, "claims[0].type", NULL},
        {"[{\"type\":\"\",\"value\":1}]", ERR_FIELD_VALUE, "claims[0].type", NULL},
        {"[{\"type\":1,\"value\":1}]", ERR_FIELD_TYPE, "claims[0].type", NULL},
        {"[{\"type\":\"a\"}]", ERR_FIELD_MISSING, "claims[0].value", "the claim's value"},
        {"[{\"type\":\"a\",\"value\":[1]}]", ERR_FIELD_TYPE, "claims[0].value",
         "a string, an integer, a boolean or an object"},
        {"[{\"type\":\"a\",\"value\":1,\"valueType\":\"integer\"}]", ERR_FIELD_VALUE, "claims[0].valueType",
         "String, Integer or Boolean"},
        {"[{\"type\":\"a\",\"value\":1,\"valueType\":\"String\"}]", ERR_FIELD_TYPE, "claims[0].value",
         "a value of its valueType"},
        {"[{\"type\":\"a\",\"value\":\"1\",\"valueType\":\"Integer\"}]", ERR_FIELD_TYPE, "claims[0].value",
         "a value of its valueType"},
        {"[{\"type\":\"a\",\"value\":\"true\",\"valueType\":\"Boolean\"}]", ERR_FIELD_TYPE, "claims[0].value",
         "a value of its valueType"},
        {"[{\"type\":\"a\",\"value\":1,\"issuer\":\"Service\"}]", ERR_FIELD_VALUE, "claims[0].issuer",
         "AttestationService, AttestationPolicy or CustomClaim"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(claim_set_cleanup) struct claim_set *set = NULL;
        struct refusal why = {};
        assert_ok(claim_set_new(&set));
        const enum status status = claims_file_parse(slice_of_text(cases[i].text), &why, set);
        if (status != cases[i].status) fail_msg("%s: %s", cases[i].text, status_name(status));
        assert_string_equal(why.field, cases[i].field);
        if (cases[i].expected != NULL) assert_string_equal(why.expected, cases[i].expected);
    }
}

static void test_more_claims_than_a_set_holds(void **)
{
    CLEANUP(claim_set_cleanup) struct claim_set *set = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20);
    assert_ok(claim_set_new(&set));
    assert_ok(buffer_append_text(&text, "{\"a\":[1"));
    for (size_t i = 0; i < CLAIM_SET_MAX_COUNT; i++) assert_ok(buffer_append_text(&text, ",1"));
    assert_ok(buffer_append_text(&text, "]}"));
    assert_status(claims_file_parse(buffer_slice(&text), NULL, set), ERR_POLICY_LIMIT);
}

/* ---- policies ---- */

static struct key *rsa, *ec, *p384;
static struct certificate *rsa_certificate, *ec_certificate, *issued;

static struct certificate *certificate_for(const struct key *key, const char *name, const struct key *issuer_key,
                                           const struct certificate *issuer)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    struct certificate *certificate = NULL;
    const struct certificate_text text = {
        .subject = {.common_name = name},
        .subject_key = key,
        .issuer_name = issuer != NULL ? certificate_subject_der(issuer) : (struct slice){},
        .issuer_key = issuer_key,
        .not_before_s = 1700000000,
        .not_after_s = 1900000000,
        .is_ca = true,
        .path_length = CERTIFICATE_NO_PATH_LIMIT,
        .usage = CERTIFICATE_USAGE_SIGN_DATA | CERTIFICATE_USAGE_SIGN_CERTIFICATES,
    };
    assert_ok(certificate_issue(&text, &der));
    assert_ok(certificate_from_der(buffer_slice(&der), &certificate));
    return certificate;
}

static int make_keys(void **)
{
    assert_ok(key_generate(KEY_RSA, 2048, &rsa));
    assert_ok(key_generate(KEY_P256, 0, &ec));
    assert_ok(key_generate(KEY_P384, 0, &p384));
    rsa_certificate = certificate_for(rsa, "root signer", rsa, NULL);
    ec_certificate = certificate_for(ec, "curve signer", ec, NULL);
    issued = certificate_for(ec, "issued signer", rsa, rsa_certificate);
    return 0;
}

static int free_keys(void **)
{
    key_free(rsa);
    key_free(ec);
    key_free(p384);
    certificate_free(rsa_certificate);
    certificate_free(ec_certificate);
    certificate_free(issued);
    return 0;
}

static void assert_source(struct slice given, const char *signer)
{
    CLEANUP(policy_source_done) struct policy_source source = {};
    struct refusal why = {};
    if (policy_source_parse(given, &why, &source) != OK)
        fail_msg("%s: expected %s, seen %s", why.field, why.expected, why.seen);
    assert_slice_equal(buffer_slice(&source.text), slice_of_text(policy));
    if (signer == NULL)
        assert_null(source.signer);
    else
        assert_string_equal(certificate_subject_common_name(source.signer), signer);
}

static void test_text_is_kept_byte_for_byte(void **)
{
    static const char text[] = "\r\nversion= 1.0;\r\nauthorizationrules{=> permit();};\r\n";
    CLEANUP(policy_source_done) struct policy_source source = {};
    assert_ok(policy_source_parse(slice_of_text(text), NULL, &source));
    assert_slice_equal(buffer_slice(&source.text), slice_of_text(text));
    assert_int_equal(source.jws.size, 0);
}

/* The published vector: reference azure-attestation section 2.4. */
static void test_an_unsigned_policy(void **)
{
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
    uint8_t digest[32];
    assert_ok(policy_wrap(slice_of_text(policy), &jws));
    assert_ok(jws_hash(buffer_slice(&jws), digest));
    assert_string_equal(base64url_of_32(digest).text, "c6sEJQItV50OeP9IrP_bzywAMOVvj5uDPbklA_bwdYQ");
    assert_source(buffer_slice(&jws), NULL);
    assert_ok(buffer_append_text(&jws, "\r\n"));
    assert_source(buffer_slice(&jws), NULL);
}

static void test_signed_policies(void **)
{
    const struct {
        const struct key *key;
        struct certificate_list chain;
        const char *signer;
    } cases[] = {
        {rsa, {.items = {rsa_certificate}, .count = 1}, "root signer"},
        {ec, {.items = {ec_certificate}, .count = 1}, "curve signer"},
        {ec, {.items = {issued, rsa_certificate}, .count = 2}, "issued signer"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
        assert_ok(policy_wrap_signed(slice_of_text(policy), cases[i].key, &cases[i].chain, NULL, &jws));
        assert_source(buffer_slice(&jws), cases[i].signer);
    }
}

static void assert_unsigned_refusal(const struct key *key, const struct certificate_list *chain, enum status status,
                                    const char *field, const char *expected)
{
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
    struct refusal why = {};
    assert_status(policy_wrap_signed(slice_of_text(policy), key, chain, &why, &jws), status);
    assert_string_equal(why.field, field);
    assert_string_equal(why.expected, expected);
    assert_int_equal(jws.size, 0);
}

static void test_what_is_not_signed(void **)
{
    const struct certificate_list none = {}, other = {.items = {ec_certificate}, .count = 1},
                                  strangers = {.items = {ec_certificate, rsa_certificate}, .count = 2};
    assert_unsigned_refusal(rsa, &none, ERR_CHAIN, "certificates", "the signer's, in PEM");
    assert_unsigned_refusal(rsa, &other, ERR_KEY_INVALID, "key", "the key of the first certificate");
    assert_unsigned_refusal(ec, &strangers, ERR_CHAIN, "certificates", "the issuer of certificate 1");
    assert_unsigned_refusal(p384, &other, ERR_UNSUPPORTED, "key", "an RSA or P-256 key");
}

/* A JWS of these parts, signed by `key`. */
static struct buffer jws_of(const char *header, const char *payload, const struct key *key)
{
    struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(JWS_SIGNATURE_MAX_BYTES);
    assert_ok(base64url_encode(slice_of_text(header), &jws));
    assert_ok(buffer_append_u8(&jws, '.'));
    assert_ok(base64url_encode(slice_of_text(payload), &jws));
    if (key != NULL) assert_ok(key_sign(key, buffer_slice(&jws), &signature));
    assert_ok(buffer_append_u8(&jws, '.'));
    assert_ok(base64url_encode(buffer_slice(&signature), &jws));
    return jws;
}

static void header_of(const char *algorithm, const struct certificate *certificate, char *header_out, size_t size)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * CERTIFICATE_MAX_BYTES);
    assert_ok(base64_encode(certificate_der(certificate), &text));
    (void)snprintf(header_out, size, "{\"alg\":\"%s\",\"x5c\":[\"%.*s\"]}", algorithm, (int)text.size,
                   (const char *)text.bytes);
}

static const char payload[] = "{\"AttestationPolicy\":\"dmVyc2lvbj0xLjA7IGF1dGhvcml6YXRpb25ydWxlc3s9PiBwZXJtaXQoKTt9OyB"
                              "pc3N1YW5jZXJ1bGVze307\"}";

/* As Microsoft's .NET library writes it. */
static void test_the_other_name_of_rs256(void **)
{
    char header[8192];
    header_of("RSA256", rsa_certificate, header, sizeof(header));
    CLEANUP(buffer_done) struct buffer jws = jws_of(header, payload, rsa);
    assert_source(buffer_slice(&jws), "root signer");
}

static void assert_jws_refused(const char *header, const char *content, const struct key *key, enum status status,
                               const char *field)
{
    CLEANUP(policy_source_done) struct policy_source source = {};
    CLEANUP(buffer_done) struct buffer jws = jws_of(header, content, key);
    struct refusal why = {};
    assert_status(policy_source_parse(buffer_slice(&jws), &why, &source), status);
    assert_string_equal(why.field, field);
    assert_int_equal(source.text.size, 0);
}

static void test_jws_that_are_refused(void **)
{
    char header[8192];
    assert_jws_refused("{\"alg\":\"none\"}", payload, rsa, ERR_TOKEN_MALFORMED, "signature");
    assert_jws_refused("{\"alg\":\"none\"}", "{}", NULL, ERR_TOKEN_MALFORMED, "AttestationPolicy");
    assert_jws_refused("{\"alg\":\"none\"}", "{\"AttestationPolicy\":\"a b\"}", NULL, ERR_TOKEN_MALFORMED,
                       "AttestationPolicy");
    assert_jws_refused("{\"alg\":\"RS256\"}", payload, rsa, ERR_TOKEN_MALFORMED, "header.x5c");
    assert_jws_refused("{\"alg\":\"RS256\",\"x5c\":[]}", payload, rsa, ERR_TOKEN_MALFORMED, "header.x5c[0]");
    assert_jws_refused("{\"alg\":\"RS256\",\"x5c\":[7]}", payload, rsa, ERR_TOKEN_MALFORMED, "header.x5c[0]");
    assert_jws_refused("{\"alg\":\"RS256\",\"x5c\":[\"-\"]}", payload, rsa, ERR_TOKEN_MALFORMED, "header.x5c[0]");
    assert_jws_refused("{\"alg\":\"RS256\",\"x5c\":[\"MAA=\"]}", payload, rsa, ERR_CERTIFICATE_MALFORMED,
                       "header.x5c[0]");
    header_of("ES256", rsa_certificate, header, sizeof(header));
    assert_jws_refused(header, payload, rsa, ERR_TOKEN_ALGORITHM, "header.alg");
    header_of("RS256", ec_certificate, header, sizeof(header));
    assert_jws_refused(header, payload, ec, ERR_TOKEN_ALGORITHM, "header.alg");
    header_of("HS256", rsa_certificate, header, sizeof(header));
    assert_jws_refused(header, payload, rsa, ERR_TOKEN_ALGORITHM, "header.alg");
    header_of("RS256", rsa_certificate, header, sizeof(header));
    assert_jws_refused(header, payload, ec, ERR_TOKEN_SIGNATURE, "signature");
    assert_jws_refused(header, payload, NULL, ERR_TOKEN_SIGNATURE, "signature");
}

static void test_policies_that_are_too_large(void **)
{
    static uint8_t bytes[POLICY_MAX_BYTES + 1];
    CLEANUP(policy_source_done) struct policy_source source = {};
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
    memset(bytes, ' ', sizeof(bytes));
    assert_status(policy_source_parse(SLICE_ARRAY(bytes), NULL, &source), ERR_POLICY_LIMIT);
    assert_ok(policy_wrap(SLICE_ARRAY(bytes), &jws));
    assert_status(policy_source_parse(buffer_slice(&jws), NULL, &source), ERR_POLICY_LIMIT);
    assert_ok(policy_source_parse(slice_of(bytes, POLICY_MAX_BYTES), NULL, &source));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims_by_type),
        cmocka_unit_test(test_claims_one_by_one),
        cmocka_unit_test(test_claims_that_are_refused),
        cmocka_unit_test(test_more_claims_than_a_set_holds),
        cmocka_unit_test(test_text_is_kept_byte_for_byte),
        cmocka_unit_test(test_an_unsigned_policy),
        cmocka_unit_test(test_signed_policies),
        cmocka_unit_test(test_what_is_not_signed),
        cmocka_unit_test(test_the_other_name_of_rs256),
        cmocka_unit_test(test_jws_that_are_refused),
        cmocka_unit_test(test_policies_that_are_too_large),
    };
    return cmocka_run_group_tests_name("cli/policy_files", tests, make_keys, free_keys);
}
