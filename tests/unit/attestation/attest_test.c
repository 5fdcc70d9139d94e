/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/attest.h"

#include "plain_server.h"
#include "scene.h"

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    scene_open(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_close(*state);
    free(*state);
    return 0;
}

static void set_data(struct attest_data *data, const char *text, bool is_json)
{
    *data = (struct attest_data){
        .is_given = true, .is_json = is_json, .bytes = buffer_of_maximum(ATTESTATION_RUNTIME_MAX_BYTES)};
    assert_ok(buffer_append_text(&data->bytes, text));
}

/* A request whose quote binds its runtime data. */
static struct attest_request make(const struct scene *scene, const char *runtime, bool is_json)
{
    struct attest_request request = {};
    scene_quote(scene, slice_of_text(runtime), &request.evidence);
    set_data(&request.runtime, runtime, is_json);
    return request;
}

static enum status run(const struct scene *scene, const struct attest_request *request, struct refusal *why,
                       enum appraisal_step *step, json_t **payload_out)
{
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(attest(&scene->attest, request, SCENE_PATIENCE_MS, why, step, &token));
    *payload_out = scene_payload(scene, buffer_slice(&token));
    return OK;
}

static void assert_text(const json_t *payload, const char *name, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(payload, name)), expected);
}

static void test_a_token_has_the_claims_of_a_default_sgx_token(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{\"keys\":[]}", true);
    CLEANUP(json_done) json_t *payload = NULL;
    enum appraisal_step step;
    struct refusal why = {};
    assert_ok(run(scene, &request, &why, &step, &payload));
    assert_text(payload, "iss", "https://localhost:7443");
    assert_text(payload, "x-ms-ver", "1.0");
    assert_text(payload, "x-ms-attestation-type", "sgx");
    assert_text(payload, "tee", "sgx");
    assert_text(payload, "x-ms-policy-hash", "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw");
    assert_text(payload, "sgx-mrenclave", hex_of_32(scene_program.mrenclave).text);
    assert_text(payload, "x-ms-sgx-mrsigner", hex_of_32(scene_program.mrsigner).text);
    assert_int_equal(json_integer_value(json_object_get(payload, "product-id")), 3);
    assert_int_equal(json_integer_value(json_object_get(payload, "x-ms-sgx-svn")), 4);
    assert_true(json_is_false(json_object_get(payload, "is-debuggable")));
    assert_int_equal(json_integer_value(json_object_get(payload, "iat")), SCENE_NOW);
    assert_int_equal(json_integer_value(json_object_get(payload, "nbf")), SCENE_NOW);
    assert_int_equal(json_integer_value(json_object_get(payload, "exp")), SCENE_NOW + 28800);
    assert_int_equal(json_string_length(json_object_get(payload, "jti")), 64);
    assert_true(json_is_array(json_object_get(json_object_get(payload, "x-ms-runtime"), "keys")));
    assert_null(json_object_get(payload, "nonce"));
    assert_null(json_object_get(payload, "x-ms-sgx-ehd"));
    const json_t *const hashes = json_object_get(payload, "x-ms-sgx-collateral");
    assert_int_equal(json_object_size(hashes), 7);
    /* A token of simulated evidence says so, always. */
    assert_true(json_is_true(json_object_get(payload, "lazaret-simulated")));
}

static void test_a_nonce_comes_back_and_binary_data_too(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "enclave held data", false);
    request.nonce = buffer_of_maximum(ATTEST_NONCE_MAX_BYTES);
    assert_ok(buffer_append_text(&request.nonce, "the nonce"));
    CLEANUP(json_done) json_t *payload = NULL;
    enum appraisal_step step;
    struct refusal why = {};
    assert_ok(run(scene, &request, &why, &step, &payload));
    assert_text(payload, "nonce", "the nonce");
    assert_text(payload, "x-ms-sgx-ehd", "ZW5jbGF2ZSBoZWxkIGRhdGE");
    assert_text(payload, "maa-ehd", "ZW5jbGF2ZSBoZWxkIGRhdGE");
    assert_text(payload, "aas-ehd", "ZW5jbGF2ZSBoZWxkIGRhdGE");
    assert_null(json_object_get(payload, "x-ms-runtime"));
}

static enum status refused(const struct scene *scene, const struct attest_request *request, struct refusal *why,
                           enum appraisal_step *step)
{
    CLEANUP(json_done) json_t *payload = NULL;
    return run(scene, request, why, step, &payload);
}

/* ---- quotes that carry no certificate ---- */

enum { SIGNATURE_SIZE_AT = 432, AUTHENTICATION_AT = 436 + 576, PLATFORM_IDS_BYTES = 404 };

/* Replaces the chain at the end of a quote by what a service finds it by, and hands it out. */
static void take_chain_out(struct buffer *quote, struct buffer *chain)
{
    const size_t at =
        AUTHENTICATION_AT + 2 + quote->bytes[AUTHENTICATION_AT] + 256U * quote->bytes[AUTHENTICATION_AT + 1];
    *chain = buffer_of_maximum(QUOTE_MAX_BYTES);
    assert_ok(buffer_append(chain, slice_part(buffer_slice(quote), at + 6, quote->size)));
    buffer_truncate(quote, at);
    uint8_t *ids;
    assert_ok(buffer_append_u16_le(quote, 3));
    assert_ok(buffer_append_u32_le(quote, PLATFORM_IDS_BYTES));
    assert_ok(buffer_extend(quote, PLATFORM_IDS_BYTES, &ids));
    memset(ids, 0x5a, 384);
    ids[400] = ids[401] = 0xff; /* PCESVN; the rest is zero, as this machine's PCEID is */
    const uint32_t size = (uint32_t)(quote->size - 436);
    for (size_t i = 0; i < 4; i++) quote->bytes[SIGNATURE_SIZE_AT + i] = (uint8_t)(size >> 8 * i);
}

struct pck_desk {
    struct buffer chain;
    unsigned status;
};

/* The whole chain twice: as the body's certificate and as its issuers. */
static void answer_pck(void *context, const char *, const char *, int client)
{
    const struct pck_desk *const desk = context;
    CLEANUP(buffer_done) struct buffer headers = buffer_of_maximum(65536);
    const char *const chain = (const char *)desk->chain.bytes, *const end = "-----END CERTIFICATE-----\n";
    const size_t leaf = (size_t)(strstr(chain, end) - chain) + strlen(end);
    const char *text;
    assert_ok(buffer_append_text(&headers, "SGX-PCK-Certificate-Issuer-Chain: "));
    for (size_t i = leaf; i < desk->chain.size && chain[i] != '\0'; i++)
        assert_ok(buffer_append_format(&headers, "%%%02X", (uint8_t)chain[i]));
    assert_ok(buffer_append_text(&headers, "\r\n"));
    assert_ok(buffer_text(&headers, &text));
    plain_server_respond(client, desk->status, text, slice_of(chain, leaf));
}

static void test_the_certificate_that_a_quote_lacks_comes_from_the_source(void **state)
{
    struct scene *const scene = *state;
    struct pck_desk desk = {.status = 200};
    struct plain_server server;
    struct http_client *client = NULL;
    struct pck_feed *feed = NULL;
    struct refusal why = {};
    enum appraisal_step step;
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{}", true);
    CLEANUP(json_done) json_t *payload = NULL;
    take_chain_out(&request.evidence, &desk.chain);
    assert_ok(buffer_append_u8(&desk.chain, 0));
    assert_status(run(scene, &request, &why, &step, &payload), ERR_UNSUPPORTED);
    assert_int_equal(step, APPRAISAL_EVIDENCE);
    assert_string_equal(why.field, "certification_data.type");
    plain_server_start(&server, answer_pck, &desk);
    assert_ok(http_client_new(server.url, NULL, &client));
    const struct pck_feed_options options = {
        .clock = scene->clock, .roots = &scene->source.roots, .service = {.client = client}};
    assert_ok(pck_feed_start(&options, &feed));
    scene->attest.pck = feed;
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_status(attest(&scene->attest, &request, 0, &why, &step, &token), ERR_COLLATERAL_MISSING);
    assert_int_equal(step, APPRAISAL_COLLATERAL);
    assert_string_equal(why.fix, "ask again in 1 s");
    assert_ok(run(scene, &request, &why, &step, &payload));
    assert_text(payload, "x-ms-sgx-mrenclave", "aa00000000000000000000000000000000000000000000000000000000000001");
    assert_int_equal(atomic_load(&server.requests), 1);
    scene->attest.pck = NULL;
    pck_feed_free(feed);
    http_client_free(client);
    plain_server_stop(&server);
    buffer_done(&desk.chain);
}

static void test_what_is_no_genuine_quote_is_refused(void **state)
{
    const struct scene *const scene = *state;
    enum appraisal_step step;
    struct refusal why = {};
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{}", true);
    request.evidence.bytes[48 + 64] ^= 1;
    assert_status(refused(scene, &request, &why, &step), ERR_QUOTE_SIGNATURE);
    assert_int_equal(step, APPRAISAL_EVIDENCE);
    buffer_truncate(&request.evidence, 100);
    assert_int_not_equal(refused(scene, &request, &why, &step), OK);
    assert_int_equal(step, APPRAISAL_EVIDENCE);
}

static void test_collateral_that_is_away_is_another_matter(void **state)
{
    struct scene *const scene = *state;
    (void)pthread_mutex_lock(&scene->source.mutex);
    scene->source.fails_with = ERR_CONNECT;
    (void)pthread_mutex_unlock(&scene->source.mutex);
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{}", true);
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    enum appraisal_step step;
    struct refusal why = {};
    assert_status(attest(&scene->attest, &request, 0, &why, &step, &token), ERR_COLLATERAL_MISSING);
    assert_int_equal(step, APPRAISAL_COLLATERAL);
    assert_status(refused(scene, &request, &why, &step), ERR_CONNECT);
    assert_int_equal(step, APPRAISAL_COLLATERAL);
    assert_int_equal(token.size, 0);
}

/* ---- policies ---- */

static void test_the_token_of_a_draft_has_no_signature(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{}", true);
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES), claims = token;
    struct slice header, rest, payload, signature;
    enum appraisal_step step;
    request.has_draft = true;
    request.draft = buffer_of_maximum(ATTEST_DRAFT_MAX_BYTES);
    assert_ok(buffer_append_text(&request.draft, "version= 1.0;authorizationrules{=> permit();};issuancerules{"
                                                 "=> issue(type=\"mine\", value=5);};"));
    assert_ok(attest(&scene->attest, &request, SCENE_PATIENCE_MS, NULL, &step, &token));
    assert_true(slice_split(buffer_slice(&token), '.', &header, &rest));
    assert_true(slice_split(rest, '.', &payload, &signature));
    assert_int_equal(signature.size, 0);
    assert_ok(base64url_decode(payload, &claims));
    assert_ok(buffer_append_u8(&claims, 0));
    assert_non_null(strstr((const char *)claims.bytes, "\"mine\":5"));
    buffer_clear(&request.draft);
    assert_ok(buffer_append_text(&request.draft, "version= 1.0"));
    assert_status(attest(&scene->attest, &request, 0, NULL, &step, &token), ERR_POLICY_SYNTAX);
    assert_int_equal(step, APPRAISAL_REQUEST);
}

static void test_a_type_without_a_policy_is_refused(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{}", true);
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    struct refusal why = {};
    enum appraisal_step step;
    request.type = ATTESTATION_TPM;
    assert_status(attest(&scene->attest, &request, 0, &why, &step, &token), ERR_UNSUPPORTED);
    assert_int_equal(step, APPRAISAL_REQUEST);
    assert_string_equal(why.field, "attestation type");
}

static struct appraisal_policy *policy_of(const char *mrenclave, bool allow_simulated)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(APPRAISAL_POLICY_MAX_BYTES);
    struct appraisal_policy *policy = NULL;
    struct refusal why = {};
    assert_ok(buffer_append_format(
        &text,
        "{\"version\":1,\"intel\":{\"statuses\":[\"UpToDate\"],\"advisories\":\"any\",\"grace\":\"none\","
        "\"minimum_tcb_evaluation\":\"any\",\"maximum_collateral_age_s\":\"any\",\"fmspc\":\"any\","
        "\"instance_id\":\"any\",\"allow_smt\":true,\"allow_dynamic_platform\":true,\"allow_cached_keys\":true,"
        "\"insecure_allow_simulated\":%s},\"sgx\":{\"identities\":[{\"mrenclave\":\"%s\"}],\"denied\":\"none\","
        "\"family_id\":\"any\",\"extended_product_id\":\"any\",\"config_id\":\"any\",\"minimum_config_svn\":0,"
        "\"allow_provision_key\":false}}",
        allow_simulated ? "true" : "false", mrenclave));
    if (appraisal_policy_new(buffer_slice(&text), &why, &policy) != OK) fail_msg("%s: %s", why.field, why.expected);
    return policy;
}

static void assert_policy_refuses(struct scene *scene, const char *mrenclave, bool allow_simulated, const char *field)
{
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{\"keys\":[]}", true);
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = policy_of(mrenclave, allow_simulated);
    CLEANUP(json_done) json_t *payload = NULL;
    enum appraisal_step step;
    struct refusal why = {};
    scene->attest.appraiser.operator_policy = policy;
    assert_status(run(scene, &request, &why, &step, &payload), ERR_APPRAISAL);
    assert_int_equal(step, APPRAISAL_POLICY);
    assert_string_equal(why.field, field);
    scene->attest.appraiser.operator_policy = NULL;
}

static void test_a_policy_decides_who_gets_a_token(void **state)
{
    struct scene *const scene = *state;
    const struct hex32 own = hex_of_32(scene_program.mrenclave);
    const uint8_t other_bytes[32] = {7};
    assert_policy_refuses(scene, hex_of_32(other_bytes).text, true, "sgx.mrenclave");
    assert_policy_refuses(scene, own.text, false, "intel.simulated");
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{\"keys\":[]}", true);
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = policy_of(own.text, true);
    CLEANUP(json_done) json_t *payload = NULL;
    enum appraisal_step step;
    scene->attest.appraiser.operator_policy = policy;
    assert_ok(run(scene, &request, NULL, &step, &payload));
}

static void test_an_accepted_platform_is_noted(void **state)
{
    struct scene *const scene = *state;
    const uint8_t other_bytes[32] = {7};
    char path[] = "/tmp/lazaret-attested-XXXXXX";
    const int file = mkstemp(path);
    CLEANUP(attest_request_done) struct attest_request request = make(scene, "{\"keys\":[]}", true);
    CLEANUP(json_done) json_t *payload = NULL;
    enum appraisal_step step;
    struct attested_log *log = NULL;
    assert_int_equal(close(file), 0);
    assert_ok(attested_log_open(path, NULL, &log));
    scene->attest.attested_log = log;
    assert_policy_refuses(scene, hex_of_32(other_bytes).text, true, "sgx.mrenclave");
    CLEANUP(buffer_done) struct buffer before = read_whole(path);
    assert_int_equal(before.size, 0); /* nothing of what was refused */
    assert_ok(run(scene, &request, NULL, &step, &payload));
    CLEANUP(buffer_done) struct buffer after = read_whole(path);
    struct attested attested;
    assert_true(after.size > 0);
    assert_ok(attested_read(slice_of(after.bytes, after.size - 1), NULL, &attested));
    assert_int_equal(attested.time_s, SCENE_NOW);
    assert_int_equal(attested.status, TCB_UP_TO_DATE);
    attested_log_free(log);
    assert_int_equal(unlink(path), 0);
}

#define attest_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        attest_unit_test(test_a_token_has_the_claims_of_a_default_sgx_token),
        attest_unit_test(test_a_nonce_comes_back_and_binary_data_too),
        attest_unit_test(test_the_certificate_that_a_quote_lacks_comes_from_the_source),
        attest_unit_test(test_what_is_no_genuine_quote_is_refused),
        attest_unit_test(test_collateral_that_is_away_is_another_matter),
        attest_unit_test(test_the_token_of_a_draft_has_no_signature),
        attest_unit_test(test_a_type_without_a_policy_is_refused),
        attest_unit_test(test_a_policy_decides_who_gets_a_token),
        attest_unit_test(test_an_accepted_platform_is_noted),
    };
    return cmocka_run_group_tests_name("attestation/attest", tests, NULL, NULL);
}
