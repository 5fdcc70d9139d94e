/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnosis/routes.h"

#include "base/encoding.h"
#include "diagnosis/verdict.h"
#include "inference/oip.h"
#include "tiny_model.h"
#include "token/jws.h"

#include <poll.h>
#include <sys/socket.h>

enum { ANSWER_MAX_BYTES = 1 << 20, ANSWER_TIMEOUT_MS = 20000 };

#define CALLER "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

struct desk {
    struct key *key;
    struct clock *clock;
    struct model_package package;
    struct diagnosis diagnosis;
    struct http_server *server;
};

static const struct tunnel_peer platform = {.service = "platform", .token_hash = CALLER};

static int set_up(void **state)
{
    static struct desk desk;
    static char model[PATH_MAX];
    desk.package = tiny_package("tiny.json");
    (void)snprintf(model, sizeof(model), "%s", tiny_path("tiny.onnx"));
    struct inference_options options = {
        .runtime_path = runtime_path(), .model_path = model, .package = &desk.package, .threads = 1};
    runtime_digest(options.runtime_sha256);
    const struct http_server_options server = {
        .routes = diagnosis_routes, .route_count = diagnosis_route_count, .context = &desk.diagnosis};
    desk.diagnosis.package = &desk.package;
    if (inference_child_start(&options, NULL, &desk.diagnosis.child) != OK) return -1;
    if (key_generate(KEY_P256, 0, &desk.key) != OK || clock_new(&desk.clock) != OK) return -1;
    if (receipt_book_new(desk.key, desk.clock, &desk.package, CALLER, &desk.diagnosis.receipts) != OK) return -1;
    *state = &desk;
    return http_server_new(&server, &desk.server) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct desk *const desk = *state;
    http_server_free(desk->server);
    inference_child_stop(desk->diagnosis.child);
    receipt_book_free(desk->diagnosis.receipts);
    clock_free(desk->clock);
    key_free(desk->key);
    return 0;
}

/* ---- one request over a socket pair ---- */

struct reply {
    unsigned status;
    struct buffer bytes;
    const char *text;  /* all of it */
    struct slice body; /* in bytes */
};

static void reply_done(struct reply *reply)
{
    buffer_done(&reply->bytes);
}

static void send_all(int socket, struct slice bytes)
{
    while (bytes.size > 0) {
        const ssize_t put = send(socket, bytes.bytes, bytes.size, MSG_NOSIGNAL);
        assert_true(put > 0);
        bytes = slice_part(bytes, (size_t)put, bytes.size);
    }
}

static struct buffer receive_all(int socket)
{
    struct buffer bytes = buffer_of_maximum(ANSWER_MAX_BYTES);
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    for (;;) {
        uint8_t chunk[4096];
        assert_int_equal(poll(&wait, 1, ANSWER_TIMEOUT_MS), 1);
        const ssize_t got = recv(socket, chunk, sizeof(chunk), 0);
        if (got <= 0) return bytes;
        assert_ok(buffer_append(&bytes, slice_of(chunk, (size_t)got)));
    }
}

static struct reply ask(struct desk *desk, const struct tunnel_peer *peer, const char *head, struct slice body)
{
    int pair[2];
    char length[64];
    struct reply reply = {};
    (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.size);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    http_server_on_connection(desk->server, pair[1], NULL, peer);
    send_all(pair[0], slice_of_text(head));
    send_all(pair[0], slice_of_text(length));
    send_all(pair[0], body);
    reply.bytes = receive_all(pair[0]);
    (void)close(pair[0]);
    assert_ok(buffer_text(&reply.bytes, &reply.text));
    const char *const end = strstr(reply.text, "\r\n\r\n");
    assert_non_null(end);
    assert_int_equal(strncmp(reply.text, "HTTP/1.1 ", 9), 0);
    reply.status = (unsigned)(reply.text[9] - '0') * 100 + (unsigned)(reply.text[10] - '0') * 10 +
                   (unsigned)(reply.text[11] - '0');
    const size_t offset = (size_t)(end - reply.text) + 4;
    reply.body = slice_part(buffer_slice(&reply.bytes), offset, reply.bytes.size);
    return reply;
}

static struct reply get(struct desk *desk, const char *path)
{
    char head[256];
    (void)snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nHost: diagnosis\r\n", path);
    return ask(desk, &platform, head, (struct slice){});
}

static json_t *json_of(const struct reply *reply)
{
    json_t *json = NULL;
    assert_ok(json_parse(reply->body, ANSWER_MAX_BYTES, NULL, &json));
    return json;
}

static void assert_problem(const struct reply *reply, unsigned status, const char *code)
{
    assert_int_equal(reply->status, status);
    assert_non_null(strstr(reply->text, "application/problem+json"));
    CLEANUP(json_done) json_t *problem = json_of(reply);
    assert_string_equal(json_string_value(json_object_get(problem, "code")), code);
    assert_string_not_equal(json_string_value(json_object_get(problem, "error")), "");
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
}

/* ---- metadata and health ---- */

static void server_and_model_tell_what_they_are(void **state)
{
    CLEANUP(reply_done) struct reply server = get(*state, "/v2");
    assert_int_equal(server.status, 200);
    assert_non_null(strstr(server.text, "\"name\":\"lazaret-diagnosis\""));
    static const char *const paths[] = {"/v2/models/tiny", "/v2/models/tiny/versions/1.0.0"};
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(reply_done) struct reply model = get(*state, paths[i]);
        assert_int_equal(model.status, 200);
        assert_non_null(strstr(model.text, "\"platform\":\"onnxruntime_onnx\""));
    }
}

static void other_models_and_versions_are_not_here(void **state)
{
    static const char *const paths[] = {"/v2/models/other", "/v2/models/tiny/versions/2", "/v2/models/other/ready",
                                        "/v2/models/tiny/versions/2/ready"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        CLEANUP(reply_done) struct reply reply = get(*state, paths[i]);
        assert_problem(&reply, 404, "ERR_NOT_FOUND");
    }
}

/* Runs first: there is no token yet. */
static void without_a_token_it_is_alive_and_not_ready(void **state)
{
    CLEANUP(reply_done) struct reply live = get(*state, "/v2/health/live");
    assert_int_equal(live.status, 200);
    CLEANUP(reply_done) struct reply ready = get(*state, "/v2/health/ready");
    assert_problem(&ready, 503, "ERR_TOKEN_MISSING");
}

static void with_a_token_it_is_ready(void **state)
{
    struct desk *const desk = *state;
    assert_ok(receipt_book_set_token(desk->diagnosis.receipts, SLICE_LITERAL("t.o.k"), CALLER));
    static const char *const paths[] = {"/v2/health/ready", "/v2/models/tiny/ready",
                                        "/v2/models/tiny/versions/1.0.0/ready"};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(reply_done) struct reply reply = get(desk, paths[i]);
        assert_int_equal(reply.status, 200);
        assert_slice_equal(reply.body, SLICE_LITERAL("{\"ready\":true}"));
    }
}

/* ---- inference ---- */

#define ROW "51,51,51,51"
#define IMAGE "\"name\":\"image\",\"datatype\":\"FP32\",\"shape\":[1,1,4,4]"
#define INFER_JSON "{\"inputs\":[{" IMAGE ",\"data\":[" ROW "," ROW "," ROW "," ROW "]}]}"

static struct reply infer(struct desk *desk, const struct tunnel_peer *peer, const char *path, const char *fields,
                          struct slice body)
{
    char head[512];
    (void)snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: diagnosis\r\n%s", path, fields);
    return ask(desk, peer, head, body);
}

static struct reply infer_json(struct desk *desk, const char *text)
{
    return infer(desk, &platform, "/v2/models/tiny/infer", "Content-Type: application/json\r\n", slice_of_text(text));
}

static double output_number(const json_t *answer, size_t output, size_t index)
{
    const json_t *const tensor = json_array_get(json_object_get(answer, "outputs"), output);
    return json_number_value(json_array_get(json_object_get(tensor, "data"), index));
}

static void a_picture_gets_its_answer_and_a_receipt(void **state)
{
    struct desk *const desk = *state;
    CLEANUP(reply_done) struct reply reply = infer_json(desk, INFER_JSON);
    assert_int_equal(reply.status, 200);
    CLEANUP(json_done) json_t *answer = json_of(&reply);
    assert_near(output_number(answer, 0, 0), 0.2);
    assert_near(output_number(answer, 1, 3), 0.2);
    assert_near(output_number(answer, 2, 0), 0.51);
    const json_t *const parameters = json_object_get(answer, "parameters");
    assert_null(json_object_get(parameters, "unsuitable"));
    const char *const text = json_string_value(json_object_get(parameters, "receipt"));
    CLEANUP(jws_done) struct jws receipt = {};
    assert_ok(jws_parse(slice_of_text(text), NULL, &receipt));
    assert_ok(jws_verify(&receipt, JWS_TYP_RECEIPT, desk->key, NULL));
    assert_string_equal(json_string_value(json_object_get(receipt.payload, "caller")), CALLER);
}

static void the_receipt_commits_to_the_picture_that_was_sent(void **state)
{
    static const float grey = 51;
    CLEANUP(reply_done) struct reply reply = infer_json(*state, INFER_JSON);
    CLEANUP(json_done) json_t *answer = json_of(&reply);
    CLEANUP(buffer_done) struct buffer picture = tiny_pictures(1, &grey);
    const json_t *const parameters = json_object_get(answer, "parameters");
    uint8_t salt[RECEIPT_SALT_BYTES], mac[SHA256_BYTES];
    assert_ok(base64url_decode_exact(
        slice_of_text(json_string_value(json_object_get(parameters, "receipt_input_salt"))), sizeof(salt), salt));
    assert_ok(hmac_sha256(SLICE_ARRAY(salt), buffer_slice(&picture), mac));
    CLEANUP(jws_done) struct jws receipt = {};
    assert_ok(jws_parse(slice_of_text(json_string_value(json_object_get(parameters, "receipt"))), NULL, &receipt));
    assert_string_equal(json_string_value(json_object_get(receipt.payload, "input_hmac")), base64url_of_32(mac).text);
}

static void binary_tensors_go_both_ways(void **state)
{
    struct desk *const desk = *state;
    static const float greys[] = {51, 255};
    char fields[256], json_size[32];
    size_t size;
    CLEANUP(buffer_done) struct buffer pictures = tiny_pictures(2, greys);
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(4096);
    assert_ok(oip_request_write(&desk->package.input, 2, buffer_slice(&pictures), "b-1", &body, &size));
    (void)snprintf(fields, sizeof(fields), "%s: %zu\r\nContent-Type: application/octet-stream\r\n",
                   OIP_JSON_SIZE_HEADER, size);
    CLEANUP(reply_done)
    struct reply reply = infer(desk, &platform, "/v2/models/tiny/versions/1.0.0/infer", fields, buffer_slice(&body));
    assert_int_equal(reply.status, 200);
    const char *const field = strstr(reply.text, OIP_JSON_SIZE_HEADER ": ");
    assert_non_null(field);
    assert_int_equal(sscanf(field + strlen(OIP_JSON_SIZE_HEADER) + 2, "%31[0-9]", json_size), 1);
    CLEANUP(oip_answer_done) struct oip_answer answer = {};
    assert_ok(oip_answer_parse(reply.body, json_size, 2, NULL, &answer));
    assert_near(float_at(&answer.values[0], 1), 1);
    assert_string_equal(json_string_value(json_object_get(answer.parameters, "unsuitable")),
                        "Picture 2: The picture is too bright.");
}

static void others_than_the_platform_are_refused(void **state)
{
    static const struct tunnel_peer gate = {.service = "gate"};
    CLEANUP(reply_done)
    struct reply other = infer(*state, &gate, "/v2/models/tiny/infer", "", SLICE_LITERAL(INFER_JSON));
    assert_problem(&other, 403, "ERR_FORBIDDEN");
    CLEANUP(reply_done)
    struct reply nobody = infer(*state, NULL, "/v2/models/tiny/infer", "", SLICE_LITERAL(INFER_JSON));
    assert_problem(&nobody, 403, "ERR_FORBIDDEN");
}

static void bodies_that_are_no_request_are_refused_with_what_is_wrong(void **state)
{
    CLEANUP(reply_done) struct reply nothing = infer_json(*state, "");
    assert_problem(&nothing, 400, "ERR_JSON_SYNTAX");
    CLEANUP(reply_done)
    struct reply shape = infer_json(*state, "{\"inputs\":[{\"name\":\"image\",\"datatype\":"
                                            "\"FP32\",\"shape\":[1,1,4,5],\"data\":[1]}]}");
    assert_problem(&shape, 400, "ERR_TENSOR");
    CLEANUP(reply_done)
    struct reply size = infer(*state, &platform, "/v2/models/tiny/infer", OIP_JSON_SIZE_HEADER ": 99999\r\n",
                              SLICE_LITERAL(INFER_JSON));
    assert_problem(&size, 400, "ERR_FIELD_VALUE");
    CLEANUP(reply_done)
    struct reply model = infer(*state, &platform, "/v2/models/other/infer", "", SLICE_LITERAL(INFER_JSON));
    assert_problem(&model, 404, "ERR_NOT_FOUND");
}

static void a_refused_request_changes_nothing(void **state)
{
    CLEANUP(reply_done) struct reply broken = infer_json(*state, "{");
    assert_int_equal(broken.status, 400);
    CLEANUP(reply_done) struct reply next = infer_json(*state, INFER_JSON);
    assert_int_equal(next.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_token_it_is_alive_and_not_ready),
        cmocka_unit_test(with_a_token_it_is_ready),
        cmocka_unit_test(server_and_model_tell_what_they_are),
        cmocka_unit_test(other_models_and_versions_are_not_here),
        cmocka_unit_test(a_picture_gets_its_answer_and_a_receipt),
        cmocka_unit_test(the_receipt_commits_to_the_picture_that_was_sent),
        cmocka_unit_test(binary_tensors_go_both_ways),
        cmocka_unit_test(others_than_the_platform_are_refused),
        cmocka_unit_test(bodies_that_are_no_request_are_refused_with_what_is_wrong),
        cmocka_unit_test(a_refused_request_changes_nothing),
    };
    return cmocka_run_group_tests_name("diagnosis/routes", tests, set_up, tear_down);
}
