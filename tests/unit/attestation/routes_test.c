/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire form, over a loopback port.
 */
#include "attestation/routes.h"

#include "attestation/documents.h"
#include "plain_http.h"
#include "scene.h"

#include <time.h>

#define ATTEST "/attest/SgxEnclave?api-version=2022-08-01"
#define JSON_HEADER "Content-Type: application/json\r\n"

struct service_scene {
    struct scene parts;
    struct buffer certs, openid;
    struct attestation_routes routes;
    struct http_server *server;
    uint16_t port;
};

static int set_up(void **state)
{
    struct service_scene *const scene = calloc(1, sizeof(*scene));
    scene_open(&scene->parts);
    scene->certs = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    scene->openid = buffer_of_maximum(DOCUMENT_MAX_BYTES);
    assert_ok(document_certs(&scene->parts.signer, &scene->certs));
    assert_ok(document_openid("https://localhost:7443", &scene->openid));
    scene->routes = (struct attestation_routes){
        .attest = scene->parts.attest,
        .certs = buffer_slice(&scene->certs),
        .openid = buffer_slice(&scene->openid),
    };
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
    scene_close(&scene->parts);
    buffer_done(&scene->certs);
    buffer_done(&scene->openid);
    free(scene);
    return 0;
}

static struct buffer body_of(const struct service_scene *scene, const char *runtime)
{
    CLEANUP(buffer_done) struct buffer quote = {};
    struct buffer body = buffer_of_maximum(ATTEST_BODY_MAX_BYTES);
    scene_quote(&scene->parts, slice_of_text(runtime), &quote);
    assert_ok(buffer_append_text(&body, "{\"quote\":\""));
    assert_ok(base64url_encode(buffer_slice(&quote), &body));
    assert_ok(buffer_append_text(&body, "\",\"nonce\":\"n1\",\"runtimeData\":{\"data\":\""));
    assert_ok(base64url_encode(slice_of_text(runtime), &body));
    assert_ok(buffer_append_text(&body, "\",\"dataType\":\"JSON\"}}"));
    return body;
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
    static const char *const targets[] = {ATTEST, "/attest/SgxEnclave?api-version=2020-10-01",
                                          "/ATTEST/sgxenclave?api-version=2022-08-01"};
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
        json_t *payload = scene_payload(&scene->parts, slice_of(json_string_value(token), json_string_length(token)));
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
    CLEANUP(plain_answer_done) struct plain_answer odd = {};
    (void)snprintf(header, sizeof(header), "traceparent: %s\r\n", trace);
    plain_request(scene->port, "GET", "/certs", header, (struct slice){}, &answer);
    assert_non_null(strcasestr(answer.head, "\r\nx-ms-request-id: 00-0123456789abcdef0123456789abcdef-"));
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
    assert_slice_equal(certs.body, buffer_slice(&scene->certs));
    plain_request(scene->port, "GET", "/.well-known/openid-configuration", "", (struct slice){}, &openid);
    assert_int_equal(openid.status, 200);
    assert_slice_equal(openid.body, buffer_slice(&scene->openid));
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

static void test_what_no_route_takes_is_answered_in_azures_form(void **state)
{
    const struct service_scene *const scene = *state;
    CLEANUP(plain_answer_done) struct plain_answer unknown = {};
    CLEANUP(plain_answer_done) struct plain_answer method = {};
    CLEANUP(plain_answer_done) struct plain_answer type = {};
    CLEANUP(plain_answer_done) struct plain_answer large = {};
    post(scene, "/attest/TdxVm?api-version=2022-08-01", SLICE_LITERAL("{}"), &unknown);
    assert_error(&unknown, 404, "NotFound", NULL);
    plain_request(scene->port, "GET", ATTEST, "", (struct slice){}, &method);
    assert_error(&method, 405, "MethodNotAllowed", NULL);
    plain_request(scene->port, "POST", ATTEST, "Content-Type: text/plain\r\n", SLICE_LITERAL("{}"), &type);
    assert_error(&type, 415, "UnsupportedMediaType", NULL);
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(ATTEST_BODY_MAX_BYTES + 1);
    uint8_t *bytes;
    assert_ok(buffer_extend(&body, ATTEST_BODY_MAX_BYTES + 1, &bytes));
    post(scene, ATTEST, buffer_slice(&body), &large);
    assert_error(&large, 413, "RequestTooLarge", NULL);
}

static void test_a_platform_that_the_source_does_not_know_is_refused(void **state)
{
    struct service_scene *const scene = *state;
    (void)pthread_mutex_lock(&scene->parts.source.mutex);
    scene->parts.source.fails_with = ERR_NOT_FOUND;
    (void)pthread_mutex_unlock(&scene->parts.source.mutex);
    CLEANUP(buffer_done) struct buffer body = body_of(scene, "{}");
    CLEANUP(plain_answer_done) struct plain_answer answer = {};
    post_until_known(scene, ATTEST, buffer_slice(&body), &answer);
    assert_error(&answer, 400, "InvalidQuote", NULL);
}

static void test_a_source_that_is_away_asks_for_patience(void **state)
{
    struct service_scene *const scene = *state;
    (void)pthread_mutex_lock(&scene->parts.source.mutex);
    scene->parts.source.fails_with = ERR_CONNECT;
    (void)pthread_mutex_unlock(&scene->parts.source.mutex);
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
        routes_unit_test(test_what_no_route_takes_is_answered_in_azures_form),
        routes_unit_test(test_a_platform_that_the_source_does_not_know_is_refused),
        routes_unit_test(test_a_source_that_is_away_asks_for_patience),
    };
    return cmocka_run_group_tests_name("attestation/routes", tests, NULL, NULL);
}
