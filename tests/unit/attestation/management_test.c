/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/management.h"

#include "attestation/management/state_form.h"
#include "crypto/hash.h"

#include "policy_signing.h"

#define OWN_NAME "https://attest.example"
#define POLICY "version=1.0; authorizationrules{=> permit();}; issuancerules{};"
#define BROKEN "version=1.0; authorizationrules{=> permit();}; broken"

enum { NOW_S = 1790000000 };

static struct policy_signer first, second, third;
static struct key *administrator, *reader;

/* What the signer was asked last. */
static struct {
    enum policy_result_kind kind;
    char jws[2048];
    uint8_t token_hash[32], thumbprint[20];
    size_t certificate_count;
    uint8_t first_digest[32];
    enum status status;
} asked;

static enum status fake_sign(void *context, const struct policy_result_question *question, struct refusal *,
                             struct buffer *token)
{
    assert_ptr_equal(context, &asked);
    assert_int_equal(question->now_s, NOW_S);
    if (asked.status != OK) return asked.status;
    asked.kind = question->kind;
    (void)snprintf(asked.jws, sizeof(asked.jws), "%.*s", (int)question->jws.size, (const char *)question->jws.bytes);
    memcpy(asked.token_hash, question->token_hash, 32);
    memcpy(asked.thumbprint, question->thumbprint, 20);
    asked.certificate_count = question->certificate_count;
    if (question->certificate_count > 0) assert_ok(sha256(question->certificates[0], asked.first_digest));
    return buffer_append_text(token, "token");
}

struct bench {
    char folder[64], path[128];
    struct secret key;
    struct document *document;
    struct clock *clock;
    struct administrators administrators;
    json_t *json;
    struct management_options management;
};

static void bench_make(struct bench *bench, bool is_isolated)
{
    struct refusal why = {};
    json_t *jwk = NULL, *reader_jwk = NULL;
    struct configuration configuration = {};
    *bench = (struct bench){.folder = "/tmp/lazaret-management-XXXXXX"};
    asked = (__typeof__(asked)){};
    assert_non_null(mkdtemp(bench->folder));
    (void)snprintf(bench->path, sizeof(bench->path), "%s/state.db", bench->folder);
    assert_ok(secret_alloc(32, &bench->key));
    assert_ok(clock_new_fixed(NOW_S, &bench->clock));
    assert_ok(jwk_from_key(administrator, &jwk));
    assert_ok(jwk_from_key(reader, &reader_jwk));
    bench->json =
        json_pack("{s:[{s:o},{s:o,s:s}]}", "administrators", "key", jwk, "key", reader_jwk, "right", "reader");
    assert_ok(administrators_configure(&configuration, bench->json, &why, &bench->administrators));
    bench->administrators.issuer = OWN_NAME;
    const struct document_options options = {.path = bench->path, .name = "state", .key = &bench->key};
    assert_ok(document_open(&options, &why, &bench->document));
    bench->management = (struct management_options){
        .administrators = &bench->administrators,
        .clock = bench->clock,
        .is_isolated = is_isolated,
        .sign = fake_sign,
        .context = &asked,
    };
    const struct state_options state = {.document = bench->document};
    assert_ok(state_open(&state, &why, &bench->management.state));
    if (!is_isolated) return;
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(certificate_pem(buffer_slice(&first.der), &pem));
    assert_ok(management_begin_isolated(bench->management.state, buffer_slice(&pem), &why));
}

static void bench_remove(struct bench *bench)
{
    char command[128];
    state_free(bench->management.state);
    document_free(bench->document);
    administrators_done(&bench->administrators);
    clock_free(bench->clock);
    json_done(&bench->json);
    secret_done(&bench->key);
    (void)snprintf(command, sizeof(command), "rm -rf %s", bench->folder);
    assert_int_equal(system(command), 0);
}

static struct buffer bearer_of(const struct key *key)
{
    struct buffer authorization = buffer_of_maximum(SIGNED_MAX_BYTES);
    char payload[128];
    (void)snprintf(payload, sizeof(payload), "{\"aud\":\"" OWN_NAME "\",\"exp\":%d}", NOW_S + 60);
    CLEANUP(buffer_done) struct buffer token = sign_text("{\"alg\":\"ES256\"}", payload, key);
    assert_ok(buffer_append_format(&authorization, "Bearer %s", text_of(&token)));
    return authorization;
}

static struct refusal last_refusal;

static enum status ask_as(const struct bench *bench, const struct key *who, enum management_call call, const char *type,
                          struct slice body)
{
    CLEANUP(buffer_done) struct buffer authorization = bearer_of(who);
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(SIGNED_MAX_BYTES);
    const struct management_question question = {
        .call = call, .type = slice_of_text(type), .authorization = text_of(&authorization), .body = body};
    last_refusal = (struct refusal){};
    const enum status status = management_answer(&bench->management, &question, &last_refusal, &token);
    if (status == OK) assert_slice_equal(buffer_slice(&token), SLICE_LITERAL("token"));
    if (status != OK) {
        assert_int_equal(last_refusal.status, status);
        assert_true(last_refusal.field[0] != '\0');
        assert_int_equal(token.size, 0);
    }
    return status;
}

static enum status ask(const struct bench *bench, enum management_call call, const char *type, struct slice body)
{
    return ask_as(bench, administrator, call, type, body);
}

/* Takes the body over. */
static enum status ask_with(const struct bench *bench, enum management_call call, const char *type, struct buffer body)
{
    const enum status status = ask(bench, call, type, buffer_slice(&body));
    buffer_done(&body);
    return status;
}

static struct buffer signed_policy(const struct policy_signer *signer, const char *algorithm)
{
    CLEANUP(buffer_done) struct buffer payload = policy_payload(POLICY);
    return sign_as(signer, algorithm, text_of(&payload));
}

static struct buffer about(const struct policy_signer *signer, const struct policy_signer *subject)
{
    CLEANUP(buffer_done) struct buffer payload = certificate_payload("policyCertificate", subject);
    CLEANUP(buffer_done) struct buffer jws = sign_as(signer, "RS256", text_of(&payload));
    struct buffer body = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(buffer_append_format(&body, "\"%s\"", text_of(&jws)));
    return body;
}

/* ---- who may ---- */

static void test_a_bearer_is_checked_before_anything(void **)
{
    static const enum management_call calls[] = {MANAGEMENT_POLICY_GET,      MANAGEMENT_POLICY_SET,
                                                 MANAGEMENT_POLICY_RESET,    MANAGEMENT_CERTIFICATES_GET,
                                                 MANAGEMENT_CERTIFICATE_ADD, MANAGEMENT_CERTIFICATE_REMOVE};
    struct bench bench;
    bench_make(&bench, false);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(64);
        const struct management_question question = {
            .call = calls[i], .type = SLICE_LITERAL("nonsense"), .body = SLICE_LITERAL("nonsense")};
        struct refusal why = {};
        assert_status(management_answer(&bench.management, &question, &why, &token), ERR_FORBIDDEN);
        assert_string_equal(why.field, "authorization");
        const bool reads = calls[i] == MANAGEMENT_POLICY_GET || calls[i] == MANAGEMENT_CERTIFICATES_GET;
        const enum status status = ask_as(&bench, reader, calls[i], "SgxEnclave", (struct slice){});
        assert_status(status, reads ? OK : ERR_FORBIDDEN);
    }
    bench_remove(&bench);
}

/* ---- policies, bearer ---- */

static void test_default_policies_are_got(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    assert_ok(ask(&bench, MANAGEMENT_POLICY_GET, "sEvSnPvM", (struct slice){}));
    assert_int_equal(asked.kind, RESULT_POLICY);
    CLEANUP(buffer_done) struct buffer jws = unsigned_policy("version= 1.0;authorizationrules{=> permit();};");
    assert_string_equal(asked.jws, text_of(&jws));
    assert_status(ask(&bench, MANAGEMENT_POLICY_GET, "Tpm", (struct slice){}), ERR_CONFIG);
    assert_status(ask(&bench, MANAGEMENT_POLICY_GET, "AzureGuest", (struct slice){}), ERR_FIELD_VALUE);
    assert_status(ask(&bench, MANAGEMENT_POLICY_GET, "", (struct slice){}), ERR_FIELD_VALUE);
    bench_remove(&bench);
}

static void test_an_unsigned_policy_is_set_and_kept_as_it_was_sent(void **)
{
    /* The published hash of this very text (reference: azure-attestation section 2.4). */
    static const char published[] = "c6sEJQItV50OeP9IrP_bzywAMOVvj5uDPbklA_bwdYQ";
    struct bench bench;
    bench_make(&bench, false);
    CLEANUP(buffer_done) struct buffer jws = unsigned_policy(POLICY);
    assert_ok(ask(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", buffer_slice(&jws)));
    assert_int_equal(asked.kind, RESULT_POLICY_UPDATED);
    assert_int_equal(asked.certificate_count, 0);
    assert_string_equal(base64url_of_32(asked.token_hash).text, published);
    assert_ok(ask(&bench, MANAGEMENT_POLICY_GET, "SgxEnclave", (struct slice){}));
    assert_string_equal(asked.jws, text_of(&jws));
    assert_ok(ask(&bench, MANAGEMENT_POLICY_GET, "OpenEnclave", (struct slice){}));
    assert_string_not_equal(asked.jws, text_of(&jws)); /* a slot of its own */
    bench_remove(&bench);
}

static void test_signed_policies_are_set_by_any_certificate(void **)
{
    const struct {
        const struct policy_signer *signer;
        const char *algorithm;
    } forms[] = {{&first, "RS256"}, {&first, "RSA256"}, {&third, "ES256"}};
    struct bench bench;
    bench_make(&bench, false);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        uint8_t digest[32];
        CLEANUP(buffer_done) struct buffer jws = signed_policy(forms[i].signer, forms[i].algorithm);
        assert_ok(ask(&bench, MANAGEMENT_POLICY_SET, "Tpm", buffer_slice(&jws)));
        assert_int_equal(asked.certificate_count, 1);
        assert_ok(sha256(buffer_slice(&forms[i].signer->der), digest));
        assert_memory_equal(asked.first_digest, digest, 32);
        assert_ok(sha256(buffer_slice(&jws), digest));
        assert_memory_equal(asked.token_hash, digest, 32);
        const struct state_view *const view = state_view(bench.management.state);
        assert_slice_equal(buffer_slice(&view->policies[ATTESTATION_TPM].jws), buffer_slice(&jws));
        state_view_free(view);
    }
    bench_remove(&bench);
}

static void expect_untouched(const struct bench *bench, uint64_t version)
{
    const struct state_view *const view = state_view(bench->management.state);
    assert_int_equal(view->version, version);
    state_view_free(view);
}

static void test_policies_that_are_not_set(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    assert_status(ask_with(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", unsigned_policy(BROKEN)), ERR_POLICY_SYNTAX);
    assert_string_equal(last_refusal.field, "policy line 1, column 48 (policy)");
    assert_status(ask(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", SLICE_LITERAL("nonsense")), ERR_TOKEN_MALFORMED);
    assert_status(ask(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", SLICE_LITERAL("eyJhbGciOiJub25lIn0..")),
                  ERR_TOKEN_MALFORMED);
    assert_status(ask_with(&bench, MANAGEMENT_POLICY_SET, "Sgx", unsigned_policy(POLICY)), ERR_FIELD_VALUE);
    const struct policy_signer impostor = {.key = first.key, .der = second.der};
    assert_status(ask_with(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", signed_policy(&impostor, "RS256")),
                  ERR_TOKEN_SIGNATURE);
    expect_untouched(&bench, 1);
    bench_remove(&bench);
}

static void test_a_reset_brings_the_default_back(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    assert_ok(ask_with(&bench, MANAGEMENT_POLICY_SET, "TdxVm", unsigned_policy(POLICY)));
    assert_ok(ask(&bench, MANAGEMENT_POLICY_RESET, "TdxVm", SLICE_LITERAL("eyJhbGciOiJub25lIn0..")));
    assert_int_equal(asked.kind, RESULT_POLICY_REMOVED);
    const struct state_view *const view = state_view(bench.management.state);
    assert_true(view->policies[ATTESTATION_TDX_VM].is_default);
    state_view_free(view);
    assert_ok(ask_with(&bench, MANAGEMENT_POLICY_SET, "Tpm", unsigned_policy(POLICY)));
    assert_ok(ask_with(&bench, MANAGEMENT_POLICY_RESET, "Tpm", sign_as(&second, "RS256", "")));
    assert_status(ask(&bench, MANAGEMENT_POLICY_GET, "Tpm", (struct slice){}), ERR_CONFIG);
    bench_remove(&bench);
}

static void test_resets_that_are_refused(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    assert_status(ask_with(&bench, MANAGEMENT_POLICY_RESET, "TdxVm", unsigned_policy(POLICY)), ERR_TOKEN_MALFORMED);
    assert_status(ask(&bench, MANAGEMENT_POLICY_RESET, "TdxVm", (struct slice){}), ERR_TOKEN_MALFORMED);
    assert_status(ask(&bench, MANAGEMENT_POLICY_RESET, "x", SLICE_LITERAL("eyJhbGciOiJub25lIn0..")), ERR_FIELD_VALUE);
    expect_untouched(&bench, 1);
    bench_remove(&bench);
}

static void test_a_bearer_service_has_no_policy_signers(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    assert_ok(ask(&bench, MANAGEMENT_CERTIFICATES_GET, "", (struct slice){}));
    assert_int_equal(asked.kind, RESULT_CERTIFICATES);
    assert_int_equal(asked.certificate_count, 0);
    assert_status(ask_with(&bench, MANAGEMENT_CERTIFICATE_ADD, "", about(&first, &second)), ERR_CONFIG);
    assert_status(ask_with(&bench, MANAGEMENT_CERTIFICATE_REMOVE, "", about(&first, &second)), ERR_CONFIG);
    bench_remove(&bench);
}

/* ---- isolated ---- */

static void test_an_isolated_service_takes_only_its_signers_policies(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    assert_status(ask_with(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", unsigned_policy(POLICY)), ERR_TOKEN_SIGNATURE);
    assert_non_null(strstr(last_refusal.seen, "unsigned"));
    assert_status(ask_with(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", signed_policy(&second, "RS256")),
                  ERR_TOKEN_SIGNATURE);
    assert_status(ask(&bench, MANAGEMENT_POLICY_RESET, "SgxEnclave", SLICE_LITERAL("eyJhbGciOiJub25lIn0..")),
                  ERR_TOKEN_SIGNATURE);
    assert_status(ask_with(&bench, MANAGEMENT_POLICY_RESET, "SgxEnclave", sign_as(&second, "RS256", "")),
                  ERR_TOKEN_SIGNATURE);
    expect_untouched(&bench, 2);
    assert_ok(ask_with(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", signed_policy(&first, "RSA256")));
    assert_ok(ask_with(&bench, MANAGEMENT_POLICY_RESET, "SgxEnclave", sign_as(&first, "RS256", "")));
    bench_remove(&bench);
}

static void test_policy_signers_are_added_and_removed(void **)
{
    struct bench bench;
    uint8_t thumbprint[20];
    const struct slice der = buffer_slice(&second.der);
    bench_make(&bench, true);
    assert_ok(hash_parts(HASH_SHA1, &der, 1, thumbprint));
    assert_ok(ask_with(&bench, MANAGEMENT_CERTIFICATE_ADD, "", about(&first, &second)));
    assert_int_equal(asked.kind, RESULT_CERTIFICATE_PRESENT);
    assert_memory_equal(asked.thumbprint, thumbprint, 20);
    assert_ok(ask_with(&bench, MANAGEMENT_CERTIFICATE_ADD, "", about(&second, &second))); /* it is there */
    assert_ok(ask(&bench, MANAGEMENT_CERTIFICATES_GET, "", (struct slice){}));
    assert_int_equal(asked.certificate_count, 2);
    assert_ok(ask_with(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", signed_policy(&second, "RS256")));
    assert_ok(ask_with(&bench, MANAGEMENT_CERTIFICATE_REMOVE, "", about(&second, &first)));
    assert_int_equal(asked.kind, RESULT_CERTIFICATE_ABSENT);
    assert_status(ask_with(&bench, MANAGEMENT_POLICY_SET, "SgxEnclave", signed_policy(&first, "RS256")),
                  ERR_TOKEN_SIGNATURE);
    assert_ok(ask_with(&bench, MANAGEMENT_CERTIFICATE_REMOVE, "", about(&second, &third))); /* it is not there */
    assert_ok(ask(&bench, MANAGEMENT_CERTIFICATES_GET, "", (struct slice){}));
    assert_int_equal(asked.certificate_count, 1);
    bench_remove(&bench);
}

static void test_certificates_that_are_not_added(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    assert_status(ask_with(&bench, MANAGEMENT_CERTIFICATE_ADD, "", about(&second, &second)), ERR_TOKEN_SIGNATURE);
    CLEANUP(buffer_done) struct buffer payload = certificate_payload("policyCertificate", &second);
    CLEANUP(buffer_done) struct buffer jws = sign_text("{\"alg\":\"none\"}", text_of(&payload), NULL);
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(buffer_append_format(&body, "\"%s\"", text_of(&jws)));
    assert_status(ask(&bench, MANAGEMENT_CERTIFICATE_ADD, "", buffer_slice(&body)), ERR_TOKEN_SIGNATURE);
    assert_status(ask(&bench, MANAGEMENT_CERTIFICATE_ADD, "", SLICE_LITERAL("\"nonsense\"")), ERR_TOKEN_MALFORMED);
    assert_status(ask(&bench, MANAGEMENT_CERTIFICATE_ADD, "", SLICE_LITERAL("nonsense")), ERR_JSON_SYNTAX);
    assert_status(ask(&bench, MANAGEMENT_CERTIFICATE_ADD, "", SLICE_LITERAL("{\"policyCertificateToRemove\":\"a\"}")),
                  ERR_FIELD_MISSING);
    expect_untouched(&bench, 2);
    bench_remove(&bench);
}

static void test_the_last_policy_signer_stays(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    assert_status(ask_with(&bench, MANAGEMENT_CERTIFICATE_REMOVE, "", about(&first, &first)), ERR_CONFIG);
    assert_non_null(strstr(last_refusal.seen, "last"));
    expect_untouched(&bench, 2);
    bench_remove(&bench);
}

static enum status fill_signers(void *, struct state_view *view, struct refusal *)
{
    while (view->policy_signer_count < STATE_POLICY_SIGNER_MAX_COUNT)
        TRY(buffer_append_u8(&view->policy_signers[view->policy_signer_count++], 0));
    return OK;
}

static void test_policy_signers_have_a_maximum(void **)
{
    struct bench bench;
    struct refusal why = {};
    bench_make(&bench, true);
    assert_ok(state_apply(bench.management.state, fill_signers, NULL, &why));
    assert_status(ask_with(&bench, MANAGEMENT_CERTIFICATE_ADD, "", about(&first, &second)), ERR_CONFIG);
    assert_ok(ask_with(&bench, MANAGEMENT_CERTIFICATE_ADD, "", about(&first, &first)));
    bench_remove(&bench);
}

static void test_first_signers_are_put_once(void **)
{
    struct bench bench;
    struct refusal why = {};
    bench_make(&bench, true);
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(SIGNED_MAX_BYTES);
    assert_ok(certificate_pem(buffer_slice(&second.der), &pem));
    assert_ok(management_begin_isolated(bench.management.state, buffer_slice(&pem), &why));
    const struct state_view *const view = state_view(bench.management.state);
    assert_int_equal(view->policy_signer_count, 1);
    assert_slice_equal(buffer_slice(&view->policy_signers[0]), buffer_slice(&first.der));
    state_view_free(view);
    bench_remove(&bench);
    bench_make(&bench, false);
    assert_status(management_begin_isolated(bench.management.state, SLICE_LITERAL("nonsense"), &why), ERR_CONFIG);
    assert_status(management_begin_isolated(bench.management.state, (struct slice){}, &why), ERR_CONFIG);
    bench_remove(&bench);
}

/* ---- faults of ours ---- */

static void test_a_signer_that_fails(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    asked.status = ERR_CHILD_DIED;
    assert_status(ask(&bench, MANAGEMENT_POLICY_GET, "SgxEnclave", (struct slice){}), ERR_INTERNAL);
    assert_string_equal(last_refusal.field, "signer");
    bench_remove(&bench);
}

static void test_codes(void **)
{
    const struct {
        enum status status;
        unsigned http_status;
        const char *code;
    } cases[] = {
        {ERR_FORBIDDEN, 401, "Unauthorized"},
        {ERR_POLICY_SYNTAX, 400, "PolicyParsingError"},
        {ERR_POLICY_LIMIT, 400, "PolicyParsingError"},
        {ERR_POLICY_VALUE, 400, "PolicyParsingError"},
        {ERR_JMESPATH, 400, "PolicyParsingError"},
        {ERR_CHAIN, 400, "InvalidParameter"},
        {ERR_CERTIFICATE_MALFORMED, 400, "InvalidParameter"},
        {ERR_KEY_INVALID, 400, "InvalidParameter"},
        {ERR_FIELD_VALUE, 400, "InvalidParameter"},
        {ERR_TOKEN_MALFORMED, 400, "InvalidOperation"},
        {ERR_TOKEN_SIGNATURE, 400, "InvalidOperation"},
        {ERR_TOKEN_ALGORITHM, 400, "InvalidOperation"},
        {ERR_JSON_SYNTAX, 400, "InvalidOperation"},
        {ERR_TOO_LARGE, 400, "InvalidOperation"},
        {ERR_CONFIG, 400, "InvalidOperation"},
        {ERR_STORE, 503, "ServiceUnavailable"},
        {ERR_STORE_FULL, 503, "ServiceUnavailable"},
        {ERR_STORE_CORRUPT, 503, "ServiceUnavailable"},
        {ERR_STORE_ROLLBACK, 503, "ServiceUnavailable"},
        {ERR_CONFLICT, 503, "ServiceUnavailable"},
        {ERR_BUSY, 503, "ServiceUnavailable"},
        {ERR_TIMEOUT, 503, "ServiceUnavailable"},
        {ERR_INTERNAL, 500, "InternalError"},
        {ERR_NO_MEMORY, 500, "InternalError"},
        {ERR_CRYPTO, 500, "InternalError"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct management_code code = management_code(cases[i].status);
        assert_int_equal(code.http_status, cases[i].http_status);
        assert_string_equal(code.code, cases[i].code);
    }
}

static int make_people(void **)
{
    policy_signer_make(KEY_RSA, "first", NULL, false, &first);
    policy_signer_make(KEY_RSA, "second", NULL, false, &second);
    policy_signer_make(KEY_P256, "third", NULL, false, &third);
    assert_ok(key_generate(KEY_P256, 0, &administrator));
    assert_ok(key_generate(KEY_P256, 0, &reader));
    return 0;
}

static int free_people(void **)
{
    policy_signer_done(&first);
    policy_signer_done(&second);
    policy_signer_done(&third);
    key_free(administrator);
    key_free(reader);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bearer_is_checked_before_anything),
        cmocka_unit_test(test_default_policies_are_got),
        cmocka_unit_test(test_an_unsigned_policy_is_set_and_kept_as_it_was_sent),
        cmocka_unit_test(test_signed_policies_are_set_by_any_certificate),
        cmocka_unit_test(test_policies_that_are_not_set),
        cmocka_unit_test(test_a_reset_brings_the_default_back),
        cmocka_unit_test(test_resets_that_are_refused),
        cmocka_unit_test(test_a_bearer_service_has_no_policy_signers),
        cmocka_unit_test(test_an_isolated_service_takes_only_its_signers_policies),
        cmocka_unit_test(test_policy_signers_are_added_and_removed),
        cmocka_unit_test(test_certificates_that_are_not_added),
        cmocka_unit_test(test_the_last_policy_signer_stays),
        cmocka_unit_test(test_policy_signers_have_a_maximum),
        cmocka_unit_test(test_first_signers_are_put_once),
        cmocka_unit_test(test_a_signer_that_fails),
        cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests_name("attestation/management", tests, make_people, free_people);
}
