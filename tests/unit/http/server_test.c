/* SPDX-License-Identifier: Apache-2.0
 *
 * The server over socket pairs: what a client sends, byte by byte, and what it gets.
 */
#include "http/server.h"

#include "base/json.h"
#include "http_stand.h"
#include "testing.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

enum { ANSWER_MAX_BYTES = 4 << 20, ANSWER_TIMEOUT_MS = 20000, SMALL_BODY_BYTES = 1000 };

static void echo(void *, const struct http_request *request, struct http_response *response)
{
    http_respond(response, 200, "application/octet-stream", request->body);
}

static void describe(void *, const struct http_request *request, struct http_response *response)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4096);
    const char *const model = http_request_segment(request, "model");
    const char *const wanted = http_request_query(request, "a");
    const char *const header = http_request_header(request, "X-Probe");
    assert_ok(buffer_append_format(&text, "path=%s model=%s a=%s probe=%s peer=%s", request->path,
                                   model != NULL ? model : "-", wanted != NULL ? wanted : "-",
                                   header != NULL ? header : "-",
                                   request->peer != NULL ? request->peer->service : "-"));
    http_respond_header(response, "x-extra", "one");
    http_respond(response, 200, "text/plain", buffer_slice(&text));
}

static void refuse_all(void *, const struct http_request *, struct http_response *response)
{
    struct refusal why = {};
    (void)!refuse(&why, ERR_FHIR, "resource.name", "a \"name\"", "%s", "none");
    (void)!refuse_fix(&why, ERR_FHIR, "add one");
    http_respond_problem(response, 422, "urn:lazaret:problem:test", &why);
}

static void wait_a_little(void *, const struct http_request *, struct http_response *response)
{
    (void)usleep(50000);
    http_respond(response, 204, NULL, (struct slice){});
}

static void say_nothing(void *, const struct http_request *, struct http_response *)
{
}

static const struct http_route routes[] = {
    {.method = "POST", .pattern = "/echo", .max_body = SMALL_BODY_BYTES, .handle = echo},
    {.method = "POST", .pattern = "/json", .max_body = 100, .handle = echo, .content_type = "application/json"},
    {.method = "PUT", .pattern = "/big", .max_body = 3 << 20, .handle = echo},
    {.method = "GET", .pattern = "/models/{model}/ready", .handle = describe},
    {.method = "DELETE", .pattern = "/models/{model}/ready", .handle = describe},
    {.method = "GET", .pattern = "/refused", .handle = refuse_all},
    {.method = "GET", .pattern = "/slow", .handle = wait_a_little},
    {.method = "GET", .pattern = "/silent", .handle = say_nothing},
};

static struct http_server *start_server_with(struct http_limits limits)
{
    const struct http_server_options options = {
        .tunnel = http_stand.tunnel,
        .limits = limits,
        .routes = routes,
        .route_count = sizeof(routes) / sizeof(routes[0]),
        .allowed_origins = {"https://portal.example"},
        .server_header = "lazaret",
    };
    struct http_server *server = NULL;
    assert_ok(http_server_new(&options, &server));
    return server;
}

static struct http_server *start_server(void)
{
    return start_server_with((struct http_limits){});
}

static int connect_as(struct http_server *server, const struct tunnel_peer *peer)
{
    return http_stand_connect(server, NULL, peer);
}

static void send_all(int client, struct slice bytes)
{
    while (bytes.size > 0) {
        const ssize_t sent = send(client, bytes.bytes, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0) return; /* the server may have refused before it read all */
        bytes = slice_part(bytes, (size_t)sent, bytes.size);
    }
}

/* Everything until the server closes. */
static struct buffer receive_all(int client)
{
    struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    struct pollfd wait = {.fd = client, .events = POLLIN};
    for (;;) {
        uint8_t chunk[16384];
        assert_int_equal(poll(&wait, 1, ANSWER_TIMEOUT_MS), 1);
        const ssize_t got = recv(client, chunk, sizeof(chunk), 0);
        if (got <= 0) return answer;
        assert_ok(buffer_append(&answer, slice_of(chunk, (size_t)got)));
    }
}

/* Sends a request, ends the sending side and returns the whole answer as text. */
static struct buffer exchange(struct http_server *server, struct slice request)
{
    const int client = connect_as(server, NULL);
    send_all(client, request);
    struct buffer answer = receive_all(client);
    (void)close(client);
    return answer;
}

static const char *text_of(struct buffer *answer)
{
    const char *text = "";
    assert_ok(buffer_text(answer, &text));
    return text;
}

static void assert_contains(struct buffer *answer, const char *part)
{
    if (strstr(text_of(answer), part) == NULL) fail_msg("no \"%s\" in: %.600s", part, text_of(answer));
}

static void expect_status(struct http_server *server, const char *request, unsigned status)
{
    CLEANUP(buffer_done) struct buffer answer = exchange(server, slice_of_text(request));
    char line[32];
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
    if (strncmp(text_of(&answer), line, strlen(line)) != 0)
        fail_msg("expected %u for %.80s, got: %.600s", status, request, text_of(&answer));
}

static void expect_problem(struct http_server *server, const char *request, unsigned status, const char *field)
{
    CLEANUP(buffer_done) struct buffer answer = exchange(server, slice_of_text(request));
    char line[32], member[128];
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
    (void)snprintf(member, sizeof(member), "\"field\":\"%s\"", field);
    if (strncmp(text_of(&answer), line, strlen(line)) != 0)
        fail_msg("expected %u for %.80s, got: %.600s", status, request, text_of(&answer));
    assert_contains(&answer, "content-type: application/problem+json\r\n");
    assert_contains(&answer, member);
    const char *const body = strstr(text_of(&answer), "\r\n\r\n");
    CLEANUP(json_done) json_t *problem = NULL;
    assert_non_null(body);
    assert_ok(json_parse(slice_of_text(body + 4), 8192, NULL, &problem));
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), status);
}

#define CLOSE "Connection: close\r\n\r\n"

static void test_a_request_is_answered(void **)
{
    struct http_server *const server = start_server();
    CLEANUP(buffer_done)
    struct buffer answer = exchange(server, SLICE_LITERAL("GET /models/ch%20est/ready?a=1%262 HTTP/1.1\r\nHost: h\r\n"
                                                          "x-probe: yes\r\n" CLOSE));
    assert_contains(&answer, "HTTP/1.1 200 OK\r\n");
    assert_contains(&answer, "path=/models/ch est/ready model=ch est a=1&2 probe=yes peer=-");
    assert_contains(&answer, "x-extra: one\r\n");
    assert_contains(&answer, "content-type: text/plain\r\n");
    assert_contains(&answer, "x-content-type-options: nosniff\r\n");
    assert_contains(&answer, "cache-control: no-store\r\n");
    assert_contains(&answer, "server: lazaret\r\n");
    http_server_free(server);
}

static void test_the_peer_is_known_to_every_request_of_its_connection(void **)
{
    struct http_server *const server = start_server();
    const struct tunnel_peer peer = {.service = "platform"};
    const int client = connect_as(server, &peer);
    send_all(client, SLICE_LITERAL("GET /models/a/ready HTTP/1.1\r\nHost: h\r\n\r\n"
                                   "DELETE /models/b/ready HTTP/1.1\r\nHost: h\r\n" CLOSE));
    CLEANUP(buffer_done) struct buffer answer = receive_all(client);
    assert_contains(&answer, "model=a a=- probe=- peer=platform");
    assert_contains(&answer, "model=b a=- probe=- peer=platform");
    (void)close(client);
    http_server_free(server);
}

static void test_pipelined_requests_are_answered_in_order(void **)
{
    struct http_server *const server = start_server();
    CLEANUP(buffer_done)
    struct buffer answer =
        exchange(server, SLICE_LITERAL("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"
                                       "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                                       "GET /refused HTTP/1.1\r\nHost: h\r\n" CLOSE));
    const char *const first = strstr(text_of(&answer), "HTTP/1.1 204");
    const char *const second = strstr(text_of(&answer), "HTTP/1.1 200");
    const char *const third = strstr(text_of(&answer), "HTTP/1.1 422");
    assert_true(first != NULL && second != NULL && third != NULL && first < second && second < third);
    http_server_free(server);
}

static void test_bodies_announced_and_chunked(void **)
{
    struct http_server *const server = start_server();
    CLEANUP(buffer_done)
    struct buffer announced =
        exchange(server, SLICE_LITERAL("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n" CLOSE "hello"));
    assert_contains(&announced, "\r\n\r\nhello");
    CLEANUP(buffer_done)
    struct buffer chunked = exchange(server, SLICE_LITERAL("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
                                                           "chunked\r\n" CLOSE "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"));
    assert_contains(&chunked, "\r\n\r\nhello");
    CLEANUP(buffer_done)
    struct buffer empty =
        exchange(server, SLICE_LITERAL("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n" CLOSE));
    assert_contains(&empty, "HTTP/1.1 200 OK\r\n");
    http_server_free(server);
}

static void test_a_body_of_the_largest_size_passes(void **)
{
    struct http_server *const server = start_server();
    enum { SIZE = 3 << 20 };
    CLEANUP(buffer_done) struct buffer request = buffer_of_maximum(SIZE + 1024);
    assert_ok(buffer_append_format(&request, "PUT /big HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n" CLOSE, SIZE));
    uint8_t *body;
    assert_ok(buffer_extend(&request, SIZE, &body));
    memset(body, 'x', SIZE);
    CLEANUP(buffer_done) struct buffer answer = exchange(server, buffer_slice(&request));
    assert_contains(&answer, "HTTP/1.1 200 OK\r\n");
    assert_true(answer.size > SIZE);
    http_server_free(server);
}

static void test_bodies_that_are_too_large(void **)
{
    struct http_server *const server = start_server();
    expect_problem(server, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n" CLOSE, 413, "request.body");
    CLEANUP(buffer_done) struct buffer request = buffer_of_maximum(8192);
    assert_ok(buffer_append_text(&request, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" CLOSE));
    for (int i = 0; i < 20; i++) assert_ok(buffer_append_format(&request, "64\r\n%0100d\r\n", i));
    assert_ok(buffer_append_text(&request, "0\r\n\r\n"));
    expect_problem(server, text_of(&request), 413, "request.body");
    expect_problem(server, "DELETE /models/a/ready HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n" CLOSE "x", 413,
                   "request.body");
    http_server_free(server);
}

static void test_unknown_paths_and_methods(void **)
{
    struct http_server *const server = start_server();
    expect_problem(server, "GET /nowhere HTTP/1.1\r\nHost: h\r\n" CLOSE, 404, "request.path");
    expect_problem(server, "GET /models//ready HTTP/1.1\r\nHost: h\r\n" CLOSE, 404, "request.path");
    expect_problem(server, "BREW /slow HTTP/1.1\r\nHost: h\r\n" CLOSE, 405, "request.method");
    CLEANUP(buffer_done)
    struct buffer answer = exchange(server, SLICE_LITERAL("PUT /models/a/ready HTTP/1.1\r\nHost: h\r\n" CLOSE));
    assert_contains(&answer, "HTTP/1.1 405 ");
    assert_contains(&answer, "allow: GET, HEAD, DELETE, OPTIONS\r\n");
    http_server_free(server);
}

static void test_refused_content_types_and_missing_lengths(void **)
{
    struct http_server *const server = start_server();
    expect_problem(server, "POST /json HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n" CLOSE "{}", 415, "content-type");
    expect_problem(server,
                   "POST /json HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n" CLOSE "{}",
                   415, "content-type");
    expect_status(server,
                  "POST /json HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nContent-Type: application/json; "
                  "charset=utf-8\r\n" CLOSE "{}",
                  200);
    expect_problem(server, "POST /echo HTTP/1.1\r\nHost: h\r\n" CLOSE, 411, "content-length");
    http_server_free(server);
}

static void test_ambiguous_heads_are_refused(void **)
{
    struct http_server *const server = start_server();
    expect_problem(server,
                   "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" CLOSE
                   "0\r\n\r\n",
                   400, "content-length");
    expect_problem(server, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n" CLOSE "abc",
                   400, "content-length");
    expect_problem(server, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n" CLOSE, 501,
                   "transfer-encoding");
    expect_problem(server, "GET /slow HTTP/1.1\r\n" CLOSE, 400, "host");
    expect_problem(server, "GET /slow HTTP/1.1\r\nHost: a\r\nHost: b\r\n" CLOSE, 400, "host");
    expect_problem(server, "GET /slow HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n" CLOSE, 400, "request.headers");
    expect_problem(server, "GET /slow HTTP/1.1\r\nHost : h\r\n" CLOSE, 400, "request.headers");
    expect_problem(server, "GET /slow HTTP/1.1\r\nHost: h\r\nx: a\x01z\r\n" CLOSE, 400, "request.headers");
    http_server_free(server);
}

static void test_bad_targets_are_refused(void **)
{
    struct http_server *const server = start_server();
    expect_problem(server, "GET /%zz HTTP/1.1\r\nHost: h\r\n" CLOSE, 400, "request.path");
    expect_problem(server, "GET /a/../slow HTTP/1.1\r\nHost: h\r\n" CLOSE, 400, "request.path");
    expect_problem(server, "GET http://h/slow HTTP/1.1\r\nHost: h\r\n" CLOSE, 400, "request.path");
    expect_problem(server, "GET /slow?a=%1 HTTP/1.1\r\nHost: h\r\n" CLOSE, 400, "request.query");
    expect_problem(server, "GET /slow bad HTTP/1.1\r\nHost: h\r\n" CLOSE, 400, "request.path");
    http_server_free(server);
}

/* A GET whose target or headers are filled up. */
static void expect_filled(struct http_server *server, const char *before, char fill, int count, const char *after,
                          unsigned status, const char *field)
{
    CLEANUP(buffer_done) struct buffer request = buffer_of_maximum(128 * 1024);
    assert_ok(buffer_append_text(&request, before));
    uint8_t *filling;
    assert_ok(buffer_extend(&request, (size_t)count, &filling));
    memset(filling, fill, (size_t)count);
    assert_ok(buffer_append_text(&request, after));
    if (field != NULL)
        expect_problem(server, text_of(&request), status, field);
    else
        expect_status(server, text_of(&request), status);
}

static void test_large_heads_are_refused(void **)
{
    struct http_server *const server = start_server();
    static const char end[] = " HTTP/1.1\r\nHost: h\r\n" CLOSE;
    expect_filled(server, "GET /", 'a', HTTP_PATH_MAX_BYTES, end, 414, "request.target");
    expect_filled(server, "GET /slow?a=", 'a', HTTP_QUERY_MAX_BYTES, end, 414, "request.target");
    expect_filled(server, "GET /", 'a', 20000, end, 414, "request.target");
    expect_filled(server, "GET /slow HTTP/1.1\r\nHost: h\r\nx: ", 'a', HTTP_HEADER_MAX_BYTES, "\r\n" CLOSE, 431,
                  "request.headers");
    CLEANUP(buffer_done) struct buffer many = buffer_of_maximum(4096);
    assert_ok(buffer_append_text(&many, "GET /slow HTTP/1.1\r\nHost: h\r\n"));
    for (int i = 0; i < HTTP_HEADER_MAX_COUNT; i++) assert_ok(buffer_append_format(&many, "x-%d: 1\r\n", i));
    assert_ok(buffer_append_text(&many, CLOSE));
    expect_problem(server, text_of(&many), 431, "request.headers");
    expect_filled(server, "GET /slow HTTP/1.1\r\nHost: h\r\nx: ", 'a', 100000, "\r\n" CLOSE, 431, NULL);
    expect_filled(server, "GET /", 'a', 100000, end, 414, NULL);
    http_server_free(server);
}

static void test_what_is_not_http_is_refused_and_the_server_goes_on(void **)
{
    struct http_server *const server = start_server();
    CLEANUP(buffer_done) struct buffer closed = exchange(server, SLICE_LITERAL("nonsense\r\n\r\n"));
    assert_int_equal(closed.size, 0);
    expect_status(server, "GET /slow\r\n\r\n", 400);
    expect_status(server, "GET /slow HTTP/1.1\r\nno colon\r\n\r\n", 400);
    expect_status(server, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n" CLOSE, 400);
    expect_status(server, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" CLOSE "zz\r\n", 400);
    expect_status(server, "GET /slow HTTP/2.0\r\nHost: h\r\n\r\n", 505);
    const int leaves = connect_as(server, NULL);
    send_all(leaves, SLICE_LITERAL("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 470\r\n\r\nonly this"));
    (void)close(leaves);
    expect_status(server, "GET /slow HTTP/1.1\r\nHost: h\r\n" CLOSE, 204);
    http_server_free(server);
}

static void test_head_and_options(void **)
{
    struct http_server *const server = start_server();
    CLEANUP(buffer_done)
    struct buffer head = exchange(server, SLICE_LITERAL("HEAD /models/a/ready HTTP/1.1\r\nHost: h\r\n" CLOSE));
    assert_contains(&head, "HTTP/1.1 200 OK\r\n");
    assert_contains(&head, "Content-Length: 47\r\n");
    assert_null(strstr(text_of(&head), "model=a"));
    CLEANUP(buffer_done)
    struct buffer options = exchange(server, SLICE_LITERAL("OPTIONS /slow HTTP/1.1\r\nHost: h\r\n" CLOSE));
    assert_contains(&options, "HTTP/1.1 204 ");
    assert_contains(&options, "allow: GET, HEAD, OPTIONS\r\n");
    assert_null(strstr(text_of(&options), "access-control"));
    http_server_free(server);
}

static void test_origins_are_exact(void **)
{
    struct http_server *const server = start_server();
    CLEANUP(buffer_done)
    struct buffer preflight = exchange(
        server,
        SLICE_LITERAL("OPTIONS /json HTTP/1.1\r\nHost: h\r\nOrigin: https://portal.example\r\n"
                      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n" CLOSE));
    assert_contains(&preflight, "HTTP/1.1 204 ");
    assert_contains(&preflight, "access-control-allow-origin: https://portal.example\r\n");
    assert_contains(&preflight, "access-control-allow-methods: POST, OPTIONS\r\n");
    assert_contains(&preflight, "access-control-allow-headers: content-type\r\n");
    assert_contains(&preflight, "vary: origin\r\n");
    CLEANUP(buffer_done)
    struct buffer refused =
        exchange(server, SLICE_LITERAL("POST /json HTTP/1.1\r\nHost: h\r\nOrigin: https://portal.example\r\n"
                                       "Content-Length: 1000\r\n" CLOSE));
    assert_contains(&refused, "HTTP/1.1 413 ");
    assert_contains(&refused, "access-control-allow-origin: https://portal.example\r\n");
    CLEANUP(buffer_done)
    struct buffer other = exchange(
        server, SLICE_LITERAL("GET /slow HTTP/1.1\r\nHost: h\r\nOrigin: https://portal.example.evil\r\n" CLOSE));
    assert_contains(&other, "HTTP/1.1 204 ");
    assert_null(strstr(text_of(&other), "access-control"));
    http_server_free(server);
}

static void test_problem_documents_tell_the_refusal(void **)
{
    struct http_server *const server = start_server();
    CLEANUP(buffer_done)
    struct buffer answer = exchange(server, SLICE_LITERAL("GET /refused HTTP/1.1\r\nHost: h\r\n" CLOSE));
    assert_contains(&answer, "HTTP/1.1 422 ");
    assert_contains(&answer, "{\"code\":\"ERR_FHIR\",\"detail\":\"the resource does not conform\","
                             "\"expected\":\"a \\\"name\\\"\",\"field\":\"resource.name\",\"fix\":\"add one\",\"seen\":"
                             "\"none\",\"status\":422,\"title\":\"Unprocessable Content\",\"type\":"
                             "\"urn:lazaret:problem:test\"}");
    expect_status(server, "GET /silent HTTP/1.1\r\nHost: h\r\n" CLOSE, 500);
    uint64_t counts[6];
    http_server_counts(server, counts);
    assert_int_equal(counts[4], 1);
    assert_int_equal(counts[5], 1);
    http_server_free(server);
}

static void test_the_server_finishes_what_it_handles_when_it_is_freed(void **)
{
    struct http_server *const server = start_server();
    int clients[8];
    for (size_t i = 0; i < 8; i++) {
        clients[i] = connect_as(server, NULL);
        send_all(clients[i], SLICE_LITERAL("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    (void)usleep(20000);
    http_server_free(server);
    for (size_t i = 0; i < 8; i++) (void)close(clients[i]);
}

static void test_plain_listener(void **)
{
    struct http_server *const server = start_server();
    uint16_t port = 0;
    struct refusal why = {};
    assert_ok(http_server_listen_plain(server, "127.0.0.1:0", &why, &port));
    assert_status(http_server_listen_plain(server, "127.0.0.1:0", &why, &port), ERR_CONFIG);
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    send_all(client, SLICE_LITERAL("GET /slow HTTP/1.1\r\nHost: h\r\n" CLOSE));
    CLEANUP(buffer_done) struct buffer answer = receive_all(client);
    assert_contains(&answer, "HTTP/1.1 204 ");
    (void)close(client);
    http_server_free(server);
    struct http_server *const other = start_server();
    assert_status(http_server_listen_plain(other, "nonsense", &why, &port), ERR_CONFIG);
    assert_status(http_server_listen_plain(other, "192.0.2.1:0", &why, &port), ERR_IO);
    http_server_free(other);
}

/* Begins, and says no more: the server closes without an answer. */
static void expect_impatience(struct http_limits limits, const char *beginning)
{
    struct http_server *const server = start_server_with(limits);
    const int client = connect_as(server, NULL);
    send_all(client, slice_of_text(beginning));
    CLEANUP(buffer_done) struct buffer answer = receive_all(client);
    assert_int_equal(answer.size, 0);
    (void)close(client);
    http_server_free(server);
}

static void test_slow_senders_have_an_end(void **)
{
    enum { NEVER_MS = 600000, SOON_MS = 100 };
    const struct http_limits idle = {.idle_ms = SOON_MS, .head_ms = NEVER_MS, .body_ms = NEVER_MS};
    expect_impatience(idle, "");
    expect_impatience(idle, "GET /sl");
    const struct http_limits head = {.idle_ms = NEVER_MS, .head_ms = SOON_MS, .body_ms = NEVER_MS};
    expect_impatience(head, "GET /slow HTTP/1.1\r\nHost: ");
    const struct http_limits body = {.idle_ms = NEVER_MS, .head_ms = NEVER_MS, .body_ms = SOON_MS};
    expect_impatience(body, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf");
    expect_impatience(body, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    /* A handler has the time that it needs: all limits are for the peer. */
    struct http_server *const server =
        start_server_with((struct http_limits){.idle_ms = NEVER_MS, .head_ms = NEVER_MS, .body_ms = 1});
    expect_status(server, "GET /slow HTTP/1.1\r\nHost: h\r\n" CLOSE, 204);
    http_server_free(server);
}

static void test_an_idle_connection_makes_room(void **)
{
    struct http_server *const server = start_server_with((struct http_limits){.connections = 2});
    uint16_t port = 0;
    assert_ok(http_server_listen_plain(server, "127.0.0.1:0", NULL, &port));
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int idle[3];
    for (size_t i = 0; i < 3; i++) {
        idle[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(idle[i], (const struct sockaddr *)&address, sizeof(address)), 0);
    }
    CLEANUP(buffer_done) struct buffer first = receive_all(idle[0]);
    assert_int_equal(first.size, 0);
    expect_status(server, "GET /slow HTTP/1.1\r\nHost: h\r\n" CLOSE, 204);
    CLEANUP(buffer_done) struct buffer second = receive_all(idle[1]);
    assert_int_equal(second.size, 0);
    for (size_t i = 0; i < 3; i++) (void)close(idle[i]);
    http_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_answered),
        cmocka_unit_test(test_the_peer_is_known_to_every_request_of_its_connection),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(test_bodies_announced_and_chunked),
        cmocka_unit_test(test_a_body_of_the_largest_size_passes),
        cmocka_unit_test(test_bodies_that_are_too_large),
        cmocka_unit_test(test_unknown_paths_and_methods),
        cmocka_unit_test(test_refused_content_types_and_missing_lengths),
        cmocka_unit_test(test_ambiguous_heads_are_refused),
        cmocka_unit_test(test_bad_targets_are_refused),
        cmocka_unit_test(test_large_heads_are_refused),
        cmocka_unit_test(test_what_is_not_http_is_refused_and_the_server_goes_on),
        cmocka_unit_test(test_head_and_options),
        cmocka_unit_test(test_origins_are_exact),
        cmocka_unit_test(test_problem_documents_tell_the_refusal),
        cmocka_unit_test(test_the_server_finishes_what_it_handles_when_it_is_freed),
        cmocka_unit_test(test_plain_listener),
        cmocka_unit_test(test_slow_senders_have_an_end),
        cmocka_unit_test(test_an_idle_connection_makes_room),
    };
    const int alone = cmocka_run_group_tests_name("http/server", tests, NULL, NULL);
    return alone +
           cmocka_run_group_tests_name("http/server/on_a_tunnel", tests, http_stand_on_a_tunnel, http_stand_close);
}
