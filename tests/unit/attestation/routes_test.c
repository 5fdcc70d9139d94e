/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire form, over a loopback port.
 */
#include "attestation/routes.h"

#include "plain_http.h"
#include "scene.h"

#include <time.h>

#define ATTEST "/attest/SgxEnclave?api-version=2022-08-01"
#define JSON_HEADER "Content-Type: application/json\r\n"

struct service_scene {
    struct scene scene;
    struct attestation_routes routes;
    struct http_server *server;
    uint16_t port;
};

static int set_up(void **state)
{
    struct service_scene *const scene = calloc(1, sizeof(*scene));
    scene_open(&scene->scene);
    scene->routes = (struct attestation_routes){.attest = scene->scene.flow, .keys = scene->scene.keys};
    const struct http_server_options options = attestation_options(&scene->routes);
    assert_ok(http_server_new(&options, &scene->server));
    assert_ok(http_server_listen_plain(scene->server, "127.0.0.1:0", NULL, &scene->port));
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct service_scene *const scene = *state;
    http_server_free(scene->server);
    scene_close(&scene->scene);
    free(scene);
    return 0;
}

static struct buffer body_of(const struct service_scene *scene, const char *runtime)
{
    return parts_body(&scene->scene.parts, runtime, "n1", "");
}

static void post(const struct service_scene *scene, const char *target, struct slice body,
                 struct plain_answer *answer_out)
{
    plain_request(scene->port, "POST", target, JSON_HEADER, body, answer_out);
}

static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    (void)nanosleep(&pause, NULL);
}

/* Asks again while the service says so, as a client would. */
static void post_until_known(const struct service_scene *scene, const char *target, struct slice body,
                             struct plain_answer *answer_out)
{
    for (int i = 0; i < 500; i++) {
        plain_answer_done(answer_out);
        post(scene, target, body, answer_out);
        if (answer_out->status != 503) return;
        pause_a_little();
    }
}

static json_t *error_of(const struct plain_answer *answer, unsigned status, const char *code)
{
    CLEANUP(json_done) json_t *json = NULL;
    assert_int_equal(answer->status, status);
    assert_non_null(strcasestr(answer->head, "\r\ncontent-type: application/json"));
    assert_non_null(strcasestr(answer->head, "\r\nx-ms-request-id: 00-"));
    assert_ok(json_parse(answer->body, 1 << 20, NULL, &json));
    json_t *const error = json_object_get(json, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    assert_true(json_string_length(json_object_get(error, "message")) > 0);
    return json_incref(error);
}

static void assert_error(const struct plain_answer *answer, unsigned status, const char *code, const char *target)
{
    CLEANUP(json_done) json_t *error = error_of(answer, status, code);
    if (target != NULL) assert_string_equal(json_string_value(json_object_get(error, "target")), target);
}

static void test_the_first_request_of_a_platform_is_told_to_come_again(void **state)
{
    const struct service_scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer body = body_of(scene, "{}");
    CLEANUP(plain_answer_done) struct plain_answer first = {};
    CLEANUP(plain_answer_done) struct plain_answer later = {};
    post(scene, ATTEST, buffer_slice(&body), &first);
    assert_error(&first, 503, "ServiceUnavailable", "collateral");
    assert_non_null(strcasestr(first.head, "\r\nretry-after: 1"));
    post_until_known(scene, ATTEST, buffer_slice(&body), &later);
    assert_int_equal(later.status, 200);
}

static void test_a_token_comes_with_azures_headers(void **state)
{
    const struct service_scene *const scene = *state;
    static const char *const targets[] = {ATTEST,
                                          "/attest/SgxEnclave?api-version=2020-10-01",
                                          "/ATTEST/sgxenclave?api-version=2022-08-01",
                                          "/attest/SgxEnclave?api-version=2023-04-01-preview",
                                          "/attest/SgxEnclave?api-version=2025-06-01",
                                          "/attest/OpenEnclave?api-version=2020-10-01"};
    CLEANUP(buffer_done) struct buffer body = body_of(scene, "{\"a\":\"b\"}");
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        CLEANUP(plain_answer_done) struct plain_answer answer = {};
        CLEANUP(json_done) json_t *json = NULL;
        post_until_known(scene, targets[i], buffer_slice(&body), &answer);
        assert_int_equal(answer.status, 200);
        assert_non_null(strcasestr(answer.head, "\r\ncontent-type: application/json; charset=utf-8"));
        assert_non_null(strcasestr(answer.head, "\r\nx-ms-request-id: 00-"));
        assert_non_null(strcasestr(answer.head, "\r\nx-ms-maa-service-version: "));
        assert_ok(json_parse(answer.body, 1 << 20, NULL, &json));
        assert_int_equal(json_object_size(json), 1);
        const json_t *const token = json_object_get(json, "token");
        CLEANUP(json_done)
        json_t *payload = scene_payload(&scene->scene, slice_of(json_string_value(token), json_string_length(token)));
        assert_string_equal(json_string_value(json_object_get(payload, "nonce")), "n1");
        assert_string_equal(json_string_value(json_object_get(json_object_get(payload, "x-ms-runtime"), "a")), "b");
    }
}

static void test_a_traceparent_comes_back_as_the_request_id(void **state)
{
    const struct service_scene *const scene = *state;
    static const char trace[] = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
    char header[128];
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    CLEANUP(plain_answer_done) struct plain_answer refused = {};
    CLEANUP(plain_answer_done) struct plain_answer odd = {};
    (void)snprintf(header, sizeof(header), "traceparent: %s\r\n", trace);
    plain_request(scene->port, "GET", "/certs", header, (struct slice){}, &answer);
    assert_non_null(strcasestr(answer.head, "\r\nx-ms-request-id: 00-0123456789abcdef0123456789abcdef-"));
    plain_request(scene->port, "GET", "/nowhere", header, (struct slice){}, &refused);
    assert_int_equal(refused.status, 404);
    assert_non_null(strcasestr(refused.head, "\r\nx-ms-request-id: 00-0123456789abcdef0123456789abcdef-"));
    plain_request(scene->port, "GET", "/certs", "traceparent: something else\r\n", (struct slice){}, &odd);
    assert_null(strcasestr(odd.head, "something else"));
    assert_non_null(strcasestr(odd.head, "\r\nx-ms-request-id: 00-"));
}

static void test_keys_and_metadata_are_plain_json(void **state)
{
    const struct service_scene *const scene = *state;
    CLEANUP(plain_answer_done) struct plain_answer certs = {};
    CLEANUP(plain_answer_done) struct plain_answer openid = {};
    plain_request(scene->port, "GET", "/certs", "", (struct slice){}, &certs);
    assert_int_equal(certs.status, 200);
    assert_non_null(strcasestr(certs.head, "\r\ncontent-type: application/json"));
    assert_true(slice_starts_with(certs.body, SLICE_LITERAL("{\"keys\":[{")));
    plain_request(scene->port, "GET", "/.well-known/openid-configuration", "", (struct slice){}, &openid);
    assert_int_equal(openid.status, 200);
    assert_non_null(memmem(openid.body.bytes, openid.body.size, SCENE_ISSUER "/certs", strlen(SCENE_ISSUER "/certs")));
}

static void test_versions_that_are_not_spoken_are_refused(void **state)
{
    const struct service_scene *const scene = *state;
    static const char *const targets[] = {"/attest/SgxEnclave", "/attest/SgxEnclave?api-version=2018-09-01-preview",
                                          "/attest/SgxEnclave?api-version="};
    CLEANUP(buffer_done) struct buffer body = body_of(scene, "{}");
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        CLEANUP(plain_answer_done) struct plain_answer answer = {};
        post(scene, targets[i], buffer_slice(&body), &answer);
        assert_error(&answer, 400, "InvalidParameter", "api-version");
    }
}

static void test_bad_bodies_are_named(void **state)
{
    const struct service_scene *const scene = *state;
    static const struct {
        const char *body, *target;
    } cases[] = {
        {"", NULL}, {"{", "request"}, {"{}", "quote"}, {"{\"quote\":\"!\"}", "quote"}, {"{\"quote\":\"AQID\"}", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(plain_answer_done) struct plain_answer answer = {};
        post(scene, ATTEST, slice_of_text(cases[i].body), &answer);
        if (cases[i].body[0] != '\0') assert_error(&answer, 400, "InvalidParameter", cases[i].target);
        assert_int_equal(answer.status / 100, 4);
    }
}

static void test_evidence_that_does_not_hold_is_refused(void **state)
{
    const struct service_scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer body = body_of(scene, "{}");
    CLEANUP(plain_answer_done) struct plain_answer warm = {};
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    post_until_known(scene, ATTEST, buffer_slice(&body), &warm);
    assert_int_equal(warm.status, 200);
    /* The data's last character: other runtime data under the same quote. */
    uint8_t *const data = memmem(body.bytes, body.size, "\"data\":\"e30\"", 12);
    assert_non_null(data);
    memcpy(data + 8, "e3w", 3);
    post(scene, ATTEST, buffer_slice(&body), &answer);
    assert_error(&answer, 400, "InvalidParameter", "report_data");
}

static void test_evidence_of_another_type_is_refused_by_each(void **state)
{
    const struct service_scene *const scene = *state;
    static const char *const targets[] = {"/attest/TdxVm?api-version=2025-06-01",
                                          "/attest/SevSnpVm?api-version=2022-08-01"};
    CLEANUP(buffer_done) struct buffer body = body_of(scene, "{}");
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        CLEANUP(plain_answer_done) struct plain_answer answer = {};
        post(scene, targets[i], buffer_slice(&body), &answer);
        assert_error(&answer, 400, "InvalidParameter", NULL);
        assert_non_null(strcasestr(answer.head, "\r\nx-ms-error-code: InvalidParameter\r\n"));
    }
}

static void test_a_tpm_without_a_policy_is_told_in_azures_words(void **state)
{
    const struct service_scene *const scene = *state;
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    post(scene, "/attest/Tpm?api-version=2020-10-01", SLICE_LITERAL("{\"data\":\"e30\"}"), &answer);
    CLEANUP(json_done) json_t *error = error_of(&answer, 400, "Bad request");
    assert_non_null(strstr(json_string_value(json_object_get(error, "message")), "has not been set"));
}

static enum status set_tpm_policy(void *context, struct state_view *view, struct refusal *)
{
    const struct scene *const scene = context;
    const struct buffer *const jws = &scene->parts.view.policies[ATTESTATION_SEV_SNP_VM].jws;
    return state_policy_set(&view->policies[ATTESTATION_TPM], buffer_slice(jws), false);
}

static void test_a_tpm_is_answered_in_its_own_protocol(void **state)
{
    struct service_scene *const scene = *state;
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    CLEANUP(plain_answer_done) struct plain_answer wrong = {};
    assert_ok(state_apply(scene->scene.state, set_tpm_policy, &scene->scene, NULL));
    post(scene, "/attest/Tpm?api-version=2020-10-01",
         SLICE_LITERAL("{\"data\":\"eyJwYXlsb2FkIjp7InR5cGUiOiJhaWtjZXJ0In19\"}"), &answer);
    assert_int_equal(answer.status, 200);
    assert_true(slice_starts_with(answer.body, SLICE_LITERAL("{\"data\":\"")));
    post(scene, "/attest/Tpm?api-version=2020-10-01", SLICE_LITERAL("{\"data\":\"e30\"}"), &wrong);
    assert_error(&wrong, 400, "InvalidParameter", "payload");
}

static void post_with(const struct service_scene *scene, const char *nonce, const char *extra,
                      struct plain_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer body = parts_body(&scene->scene.parts, "{}", nonce, extra);
    post_until_known(scene, ATTEST, buffer_slice(&body), answer_out);
}

static void test_drafts_and_their_faults(void **state)
{
    const struct service_scene *const scene = *state;
    static const struct {
        const char *draft;
        unsigned status;
        const char *code;
    } cases[] = {
        {"version=1.0; authorizationrules{=> permit();}; issuancerules{};", 200, NULL},
        {"version=1.0; authorizationrules{=> deny();}; issuancerules{};", 400, "PolicyEvaluationError"},
        {"version=1.0; authorizationrules{=> permit(}; issuancerules{};", 400, "PolicyParsingError"},
        {"A.A.", 400, "InvalidOperation"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(plain_answer_done) struct plain_answer answer = {};
        char extra[256];
        (void)snprintf(extra, sizeof(extra), ",\"draftPolicyForAttestation\":\"%s\"", cases[i].draft);
        post_with(scene, "n", extra, &answer);
        assert_int_equal(answer.status, cases[i].status);
        if (cases[i].code != NULL) assert_error(&answer, cases[i].status, cases[i].code, NULL);
    }
}

static void test_a_lost_process_is_told_and_nothing_else_is_lost(void **state)
{
    const struct service_scene *const scene = *state;
    CLEANUP(plain_answer_done) struct plain_answer lost = {};
    CLEANUP(plain_answer_done) struct plain_answer next = {};
    post_with(scene, "insecure_crash", "", &lost);
    assert_error(&lost, 500, "InternalError", NULL);
    post_with(scene, "n", "", &next);
    assert_int_equal(next.status, 200);
}

static void test_what_no_route_takes_is_answered_in_azures_form(void **state)
{
    const struct service_scene *const scene = *state;
    CLEANUP(plain_answer_done) struct plain_answer unknown = {};
    CLEANUP(plain_answer_done) struct plain_answer method = {};
    CLEANUP(plain_answer_done) struct plain_answer type = {};
    CLEANUP(plain_answer_done) struct plain_answer large = {};
    post(scene, "/attest/AzureGuest?api-version=2022-08-01", SLICE_LITERAL("{}"), &unknown);
    CLEANUP(json_done) json_t *error = error_of(&unknown, 404, "NotFound");
    assert_non_null(
        strstr(json_string_value(json_object_get(error, "message")), "seen AzureGuest, expected SgxEnclave"));
    plain_request(scene->port, "GET", ATTEST, "", (struct slice){}, &method);
    assert_error(&method, 405, "MethodNotAllowed", NULL);
    plain_request(scene->port, "POST", ATTEST, "Content-Type: text/plain\r\n", SLICE_LITERAL("{}"), &type);
    assert_error(&type, 415, "UnsupportedMediaType", NULL);
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(ATTEST_QUOTE_BODY_MAX_BYTES + 1);
    uint8_t *bytes;
    assert_ok(buffer_extend(&body, ATTEST_QUOTE_BODY_MAX_BYTES + 1, &bytes));
    post(scene, ATTEST, buffer_slice(&body), &large);
    assert_error(&large, 413, "RequestTooLarge", NULL);
}

static void test_a_platform_that_the_source_does_not_know_is_refused(void **state)
{
    struct service_scene *const scene = *state;
    (void)pthread_mutex_lock(&scene->scene.parts.source.mutex);
    scene->scene.parts.source.fails_with = ERR_NOT_FOUND;
    (void)pthread_mutex_unlock(&scene->scene.parts.source.mutex);
    CLEANUP(buffer_done) struct buffer body = body_of(scene, "{}");
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    post_until_known(scene, ATTEST, buffer_slice(&body), &answer);
    assert_error(&answer, 400, "InvalidQuote", NULL);
}

static void test_a_source_that_is_away_asks_for_patience(void **state)
{
    struct service_scene *const scene = *state;
    (void)pthread_mutex_lock(&scene->scene.parts.source.mutex);
    scene->scene.parts.source.fails_with = ERR_CONNECT;
    (void)pthread_mutex_unlock(&scene->scene.parts.source.mutex);
    CLEANUP(buffer_done) struct buffer body = body_of(scene, "{}");
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    for (int i = 0; i < 500; i++) {
        plain_answer_done(&answer);
        post(scene, ATTEST, buffer_slice(&body), &answer);
        if (strcasestr(answer.head, "\r\nretry-after: 15") != NULL) break;
        pause_a_little();
    }
    assert_error(&answer, 503, "ServiceUnavailable", NULL);
    assert_non_null(strcasestr(answer.head, "\r\nretry-after: 15"));
}

#define routes_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        routes_unit_test(test_the_first_request_of_a_platform_is_told_to_come_again),
        routes_unit_test(test_a_token_comes_with_azures_headers),
        routes_unit_test(test_a_traceparent_comes_back_as_the_request_id),
        routes_unit_test(test_keys_and_metadata_are_plain_json),
        routes_unit_test(test_versions_that_are_not_spoken_are_refused),
        routes_unit_test(test_bad_bodies_are_named),
        routes_unit_test(test_evidence_that_does_not_hold_is_refused),
        routes_unit_test(test_evidence_of_another_type_is_refused_by_each),
        routes_unit_test(test_a_tpm_without_a_policy_is_told_in_azures_words),
        routes_unit_test(test_a_tpm_is_answered_in_its_own_protocol),
        routes_unit_test(test_drafts_and_their_faults),
        routes_unit_test(test_a_lost_process_is_told_and_nothing_else_is_lost),
        routes_unit_test(test_what_no_route_takes_is_answered_in_azures_form),
        routes_unit_test(test_a_platform_that_the_source_does_not_know_is_refused),
        routes_unit_test(test_a_source_that_is_away_asks_for_patience),
    };
    return cmocka_run_group_tests_name("attestation/routes", tests, NULL, NULL);
}
