/* SPDX-License-Identifier: Apache-2.0
 *
 * The client against our own server, through the tunnel and plain, and against servers that misbehave.
 */
#include "http/client.h"

#include "channel/address.h"
#include "http/server.h"
#include "tunnels.h"

#include <fcntl.h>
#include <pthread.h>

/* ---- our own server ---- */

static void echo(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context;
    const char *const type = http_request_header(request, "content-type");
    const char *const probe = http_request_header(request, "x-probe");
    http_respond_header(response, "x-method", request->method);
    http_respond_header(response, "x-type", type != NULL ? type : "none");
    http_respond_header(response, "x-probe", probe != NULL ? probe : "none");
    http_respond_header(response, "x-peer", request->peer != NULL ? request->peer->service : "none");
    http_respond(response, 200, "application/octet-stream", request->body);
}

static void redirect(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context;
    (void)request;
    http_respond_header(response, "location", "/echo");
    http_respond_header(response, "set-cookie", "a=b");
    http_respond(response, 302, NULL, (struct slice){});
}

static void sleep_long(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context;
    (void)request;
    (void)usleep(600000);
    http_respond(response, 204, NULL, (struct slice){});
}

static const struct http_route routes[] = {
    {.method = "GET", .pattern = "/echo", .handle = echo},
    {.method = "POST", .pattern = "/echo", .max_body = 4 << 20, .handle = echo},
    {.method = "PUT", .pattern = "/echo", .max_body = 4 << 20, .handle = echo},
    {.method = "DELETE", .pattern = "/echo", .handle = echo},
    {.method = "GET", .pattern = "/moved", .handle = redirect},
    {.method = "GET", .pattern = "/sleep", .handle = sleep_long},
};

static struct tunnel_fixture fixture;
static struct http_server *server;
static struct http_client *plain;

static int set_up(void **)
{
    const struct http_server_options options = {.routes = routes, .route_count = sizeof(routes) / sizeof(routes[0])};
    assert_ok(http_server_new(&options, &server));
    uint16_t port = 0;
    char url[64];
    assert_ok(http_server_listen_plain(server, "127.0.0.1:0", NULL, &port));
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    assert_ok(http_client_new(url, NULL, &plain));
    return 0;
}

static int tear_down(void **)
{
    http_client_free(plain);
    http_server_free(server);
    return 0;
}

static struct http_answer get(struct http_client *client, const char *path)
{
    const struct http_exchange exchange = {.method = "GET", .path = path, .max_answer = 4096};
    struct http_answer answer = {};
    struct refusal why = {};
    if (http_client_exchange(client, &exchange, &why, &answer) != OK)
        fail_msg("%s: %s: %s", status_name(why.status), why.field, why.seen);
    return answer;
}

static void assert_header(const struct http_answer *answer, const char *name, const char *expected)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(256);
    assert_ok(http_answer_header(answer, name, &value));
    assert_true(slice_equal_text(buffer_slice(&value), expected));
}

static void test_methods_bodies_and_headers(void **)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    for (size_t i = 0; i < 4; i++) {
        const char *const headers[] = {"x-probe: yes", NULL};
        const bool has_body = i == 1 || i == 2;
        const struct http_exchange exchange = {
            .method = methods[i],
            .path = "/echo?a=%20b",
            .content_type = has_body ? "application/json" : NULL,
            .headers = headers,
            .body = has_body ? SLICE_LITERAL("{}") : (struct slice){},
            .max_answer = 100,
        };
        CLEANUP(http_answer_done) struct http_answer answer = {};
        assert_ok(http_client_exchange(plain, &exchange, NULL, &answer));
        assert_int_equal(answer.status, 200);
        assert_header(&answer, "X-Method", methods[i]);
        assert_header(&answer, "x-type", has_body ? "application/json" : "none");
        assert_header(&answer, "x-probe", "yes");
        assert_int_equal(answer.body.size, has_body ? 2 : 0);
    }
    const struct http_exchange head = {.method = "HEAD", .path = "/echo", .max_answer = 10};
    CLEANUP(http_answer_done) struct http_answer answer = {};
    assert_ok(http_client_exchange(plain, &head, NULL, &answer));
    assert_header(&answer, "x-method", "HEAD");
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(16);
    assert_status(http_answer_header(&answer, "x-absent", &value), ERR_FIELD_MISSING);
}

static void *ask_the_silent(void *client)
{
    const struct http_exchange exchange = {.method = "GET", .path = "/", .max_answer = 10, .timeout_ms = 3600 * 1000};
    struct http_answer answer = {};
    const enum status status = http_client_exchange(client, &exchange, NULL, &answer);
    return (void *)(intptr_t)status;
}

/* It would be waited for an hour. */
static void test_an_exchange_can_be_interrupted(void **)
{
    int listener = -1;
    uint16_t port = 0;
    char url[64];
    pthread_t thread;
    void *status;
    assert_ok(address_listen("127.0.0.1:0", NULL, &listener, &port));
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    struct http_client *client = NULL;
    assert_ok(http_client_new(url, NULL, &client));
    assert_int_equal(pthread_create(&thread, NULL, ask_the_silent, client), 0);
    (void)usleep(50000);
    http_client_interrupt(client);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_status((enum status)(intptr_t)status, ERR_CLOSED);
    assert_status((enum status)(intptr_t)ask_the_silent(client), ERR_CLOSED);
    http_client_interrupt(NULL);
    http_client_free(client);
    (void)close(listener);
}

static void test_redirects_and_cookies_are_not_followed(void **)
{
    for (int i = 0; i < 2; i++) {
        CLEANUP(http_answer_done) struct http_answer answer = get(plain, "/moved");
        assert_int_equal(answer.status, 302);
        assert_header(&answer, "location", "/echo");
    }
    CLEANUP(http_answer_done) struct http_answer missing = get(plain, "/nowhere");
    assert_int_equal(missing.status, 404);
}

static void test_answers_are_bounded(void **)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(1 << 20);
    uint8_t *bytes;
    assert_ok(buffer_extend(&body, 1 << 20, &bytes));
    struct http_exchange exchange = {
        .method = "POST", .path = "/echo", .body = buffer_slice(&body), .max_answer = 1 << 20};
    CLEANUP(http_answer_done) struct http_answer answer = {};
    assert_ok(http_client_exchange(plain, &exchange, NULL, &answer));
    assert_int_equal(answer.body.size, 1 << 20);
    exchange.max_answer = (1 << 20) - 1;
    struct refusal why = {};
    struct http_answer none = {};
    assert_status(http_client_exchange(plain, &exchange, &why, &none), ERR_TOO_LARGE);
    assert_string_equal(why.expected, "at most 1048575 bytes");
}

static void test_time_is_bounded(void **)
{
    const struct http_exchange exchange = {.method = "GET", .path = "/sleep", .max_answer = 10, .timeout_ms = 100};
    struct http_answer none = {};
    struct refusal why = {};
    assert_status(http_client_exchange(plain, &exchange, &why, &none), ERR_TIMEOUT);
    CLEANUP(http_answer_done) struct http_answer answer = get(plain, "/echo");
    assert_int_equal(answer.status, 200);
}

static void test_requests_that_are_not_sent(void **)
{
    static const char *const paths[] = {"", "echo", "/a b", "/a#b", "/a\r\nx: y", "/\xc3\xa4"};
    struct http_answer none = {};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        const struct http_exchange exchange = {.method = "GET", .path = paths[i], .max_answer = 10};
        assert_status(http_client_exchange(plain, &exchange, NULL, &none), ERR_HTTP_MALFORMED);
    }
    const struct http_exchange method = {.method = "GET /x", .path = "/echo", .max_answer = 10};
    assert_status(http_client_exchange(plain, &method, NULL, &none), ERR_HTTP_MALFORMED);
    const char *const headers[] = {"x: a\r\ny: b", NULL};
    const struct http_exchange header = {.method = "GET", .path = "/echo", .headers = headers, .max_answer = 10};
    assert_status(http_client_exchange(plain, &header, NULL, &none), ERR_HTTP_MALFORMED);
    const struct http_exchange type = {.method = "GET", .path = "/echo", .content_type = "a\nb", .max_answer = 10};
    assert_status(http_client_exchange(plain, &type, NULL, &none), ERR_HTTP_MALFORMED);
}

static void test_bases_that_are_refused(void **)
{
    static const char *const bases[] = {
        "",           "127.0.0.1:80",     "ftp://h:80",      "https://h:80", "http://",
        "http://h/x", "http://user@h:80", "http://h:80?a=b", "file:///etc",  "http://h h"};
    for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        struct http_client *client = NULL;
        assert_status(http_client_new(bases[i], NULL, &client), ERR_CONFIG);
    }
}

/* ---- servers that misbehave ---- */

struct canned {
    int listener;
    const char *answer;
};

/* Takes one connection, waits for the request, answers and closes. */
static void *serve_canned(void *context)
{
    const struct canned *const canned = context;
    uint8_t request[4096];
    const int client = accept4(canned->listener, NULL, NULL, SOCK_CLOEXEC);
    (void)recv(client, request, sizeof(request), 0);
    (void)send(client, canned->answer, strlen(canned->answer), MSG_NOSIGNAL);
    (void)close(client);
    return NULL;
}

static enum status ask_canned(const char *text, size_t max_answer, struct http_answer *answer_out)
{
    struct canned canned = {.answer = text};
    uint16_t port = 0;
    char url[64];
    assert_ok(address_listen("127.0.0.1:0", NULL, &canned.listener, &port));
    (void)fcntl(canned.listener, F_SETFL, 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve_canned, &canned), 0);
    struct http_client *client = NULL;
    assert_ok(http_client_new(url, NULL, &client));
    const struct http_exchange exchange = {.method = "GET", .path = "/", .max_answer = max_answer, .timeout_ms = 5000};
    const enum status status = http_client_exchange(client, &exchange, NULL, answer_out);
    http_client_free(client);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(canned.listener);
    return status;
}

static void test_answers_that_are_not_http(void **)
{
    struct http_answer none = {};
    assert_status(ask_canned("nonsense\r\n\r\n", 100, &none), ERR_HTTP_MALFORMED);
    assert_status(ask_canned("", 100, &none), ERR_CLOSED);
    assert_status(ask_canned("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 100, &none), ERR_CLOSED);
    /* The library does not tell a bad chunk from a connection that broke. */
    assert_status(ask_canned("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 100, &none), ERR_CLOSED);
    assert_status(ask_canned("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\nlarge", 4, &none), ERR_TOO_LARGE);
}

static void test_only_the_final_answer_counts(void **)
{
    CLEANUP(http_answer_done) struct http_answer answer = {};
    assert_ok(ask_canned("HTTP/1.1 103 Early Hints\r\nx-a: early\r\n\r\n"
                         "HTTP/1.1 201 Created\r\nX-A:  final \r\nContent-Length: 2\r\n\r\nok",
                         100, &answer));
    assert_int_equal(answer.status, 201);
    assert_header(&answer, "x-a", "final");
    assert_true(slice_equal_text(buffer_slice(&answer.body), "ok"));
}

static void test_large_heads_of_answers_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(128 * 1024);
    assert_ok(buffer_append_text(&text, "HTTP/1.1 200 OK\r\n"));
    for (int i = 0; i < 80; i++) assert_ok(buffer_append_format(&text, "x-%d: %01000d\r\n", i, i));
    assert_ok(buffer_append_text(&text, "\r\n"));
    const char *answer;
    struct http_answer none = {};
    assert_ok(buffer_text(&text, &answer));
    assert_status(ask_canned(answer, 100, &none), ERR_TOO_LARGE);
}

/* ---- through the tunnel ---- */

static struct http_client *attested_client(struct tunnel_dialer **dialer_out)
{
    const struct tunnel_target target = {.address = fixture.address, .endpoint = fixture.platform.endpoint};
    assert_ok(tunnel_dialer_new(fixture.tunnel, &target, NULL, dialer_out));
    struct http_client *client = NULL;
    assert_ok(http_client_new("https://gate.example", *dialer_out, &client));
    return client;
}

static int set_up_attested(void **state)
{
    (void)set_up(state);
    tunnel_fixture_init_with(&fixture, NULL);
    assert_ok(tunnel_listen(fixture.tunnel, "127.0.0.1:0", fixture.gate.endpoint, http_server_on_connection, server,
                            NULL, &fixture.listener));
    (void)snprintf(fixture.address, sizeof(fixture.address), "127.0.0.1:%u", tunnel_listener_port(fixture.listener));
    return 0;
}

static int tear_down_attested(void **state)
{
    tunnel_fixture_done(&fixture);
    return tear_down(state);
}

static void test_requests_through_the_tunnel_share_a_connection(void **)
{
    struct tunnel_dialer *dialer = NULL;
    struct http_client *const client = attested_client(&dialer);
    for (int i = 0; i < 20; i++) {
        CLEANUP(http_answer_done) struct http_answer answer = get(client, "/echo");
        assert_int_equal(answer.status, 200);
        assert_header(&answer, "x-peer", "platform");
    }
    struct tunnel_counts counts;
    tunnel_listener_counts(fixture.listener, &counts);
    assert_int_equal(counts.accepted, 1);
    http_client_free(client);
    tunnel_dialer_free(dialer);
}

static void test_a_large_body_through_the_tunnel(void **)
{
    struct tunnel_dialer *dialer = NULL;
    struct http_client *const client = attested_client(&dialer);
    enum { SIZE = 4 << 20 };
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(SIZE);
    uint8_t *bytes;
    assert_ok(buffer_extend(&body, SIZE, &bytes));
    for (size_t i = 0; i < SIZE; i++) bytes[i] = (uint8_t)(i * 31 >> 7);
    struct http_exchange exchange = {
        .method = "POST", .path = "/echo", .body = buffer_slice(&body), .max_answer = SIZE};
    CLEANUP(http_answer_done) struct http_answer answer = {};
    assert_ok(http_client_exchange(client, &exchange, NULL, &answer));
    assert_slice_equal(buffer_slice(&answer.body), buffer_slice(&body));
    /* Refused while the body is still on its way: the answer arrives all the same. */
    exchange.method = "DELETE";
    CLEANUP(http_answer_done) struct http_answer refused = {};
    assert_ok(http_client_exchange(client, &exchange, NULL, &refused));
    assert_int_equal(refused.status, 413);
    http_client_free(client);
    tunnel_dialer_free(dialer);
}

static void test_a_refusal_reaches_the_caller(void **)
{
    struct tunnel_dialer *dialer = NULL;
    struct http_client *const client = attested_client(&dialer);
    const struct tunnel_peer_rule nobody = {.rules = &fixture.gate.fixture.rules};
    tunnel_endpoint_set_rule(fixture.gate.endpoint, &nobody);
    const struct http_exchange exchange = {.method = "GET", .path = "/echo", .max_answer = 100};
    struct http_answer none = {};
    struct refusal why = {};
    assert_status(http_client_exchange(client, &exchange, &why, &none), ERR_PEER_REFUSED);
    assert_string_equal(why.field, "tls.alert");
    /* Accepted again: the client goes on, and the old refusal is forgotten. */
    tunnel_test_accept(&fixture.gate, &fixture.platform);
    CLEANUP(http_answer_done) struct http_answer answer = get(client, "/echo");
    assert_int_equal(answer.status, 200);
    tunnel_listener_free(fixture.listener);
    http_server_free(server);
    server = NULL;
    assert_status(http_client_exchange(client, &exchange, &why, &none), ERR_CONNECT);
    http_client_free(client);
    tunnel_dialer_free(dialer);
}

struct caller {
    struct http_client *client;
    int failures;
};

static void *call_often(void *context)
{
    struct caller *const caller = context;
    for (int i = 0; i < 25; i++) {
        const struct http_exchange exchange = {.method = "GET", .path = "/echo", .max_answer = 100};
        CLEANUP(http_answer_done) struct http_answer answer = {};
        if (http_client_exchange(caller->client, &exchange, NULL, &answer) != OK || answer.status != 200)
            caller->failures++;
    }
    return NULL;
}

static void test_several_threads_may_share_a_client(void **)
{
    struct tunnel_dialer *dialer = NULL;
    struct caller caller = {.client = attested_client(&dialer)};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, call_often, &caller), 0);
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(caller.failures, 0);
    http_client_free(caller.client);
    tunnel_dialer_free(dialer);
}

int main(void)
{
#define PLAIN_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
#define TUNNEL_TEST(function) cmocka_unit_test_setup_teardown(function, set_up_attested, tear_down_attested)
    const struct CMUnitTest tests[] = {
        PLAIN_TEST(test_methods_bodies_and_headers),
        PLAIN_TEST(test_redirects_and_cookies_are_not_followed),
        PLAIN_TEST(test_answers_are_bounded),
        PLAIN_TEST(test_time_is_bounded),
        cmocka_unit_test(test_an_exchange_can_be_interrupted),
        PLAIN_TEST(test_requests_that_are_not_sent),
        cmocka_unit_test(test_bases_that_are_refused),
        cmocka_unit_test(test_answers_that_are_not_http),
        cmocka_unit_test(test_only_the_final_answer_counts),
        cmocka_unit_test(test_large_heads_of_answers_are_refused),
        TUNNEL_TEST(test_requests_through_the_tunnel_share_a_connection),
        TUNNEL_TEST(test_a_large_body_through_the_tunnel),
        TUNNEL_TEST(test_a_refusal_reaches_the_caller),
        TUNNEL_TEST(test_several_threads_may_share_a_client),
    };
    return cmocka_run_group_tests_name("http/client", tests, NULL, NULL);
}
