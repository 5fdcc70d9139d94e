/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server does with clients that ask for more than their share, and how it drains.
 */
#include "http/server.h"

#include "base/clock.h"
#include "http_stand.h"
#include "testing.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum { ANSWER_MAX_BYTES = 1 << 20, PATIENCE_MS = 20000, BODY_MAX_BYTES = 1 << 20 };

#define GET "GET /now HTTP/1.1\r\nHost: h\r\n\r\n"

static _Atomic int handled, released;

static void answer_now(void *, const struct http_request *request, struct http_response *response)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "client %d", request->client.bytes[0]);
    handled++;
    http_respond(response, 200, "text/plain", slice_of_text(text));
}

static void answer_when_released(void *, const struct http_request *, struct http_response *response)
{
    handled++;
    while (released == 0) (void)usleep(1000);
    http_respond(response, 204, NULL, (struct slice){});
}

static struct http_server *start_server(unsigned per_second, unsigned burst, size_t queue)
{
    static const struct http_route routes[] = {
        {.method = "GET", .pattern = "/now", .handle = answer_now},
        {.method = "POST", .pattern = "/body", .max_body = BODY_MAX_BYTES, .handle = answer_now},
        {.method = "GET", .pattern = "/wait", .handle = answer_when_released},
    };
    const struct http_server_options options = {
        .tunnel = http_stand.tunnel,
        .routes = routes,
        .route_count = sizeof(routes) / sizeof(routes[0]),
        .workers = 1,
        .rate_limit = {.per_second = per_second, .burst = burst},
        .queue = queue,
        .retry_after_header = "x-test-retry-ms",
    };
    struct http_server *server = NULL;
    handled = released = 0;
    assert_ok(http_server_new(&options, &server));
    return server;
}

static int connect_from(struct http_server *server, uint8_t client)
{
    const struct client_address address = {.family = CLIENT_IPV4, .bytes = {client}};
    return http_stand_connect(server, &address, NULL);
}

static void say(int client, const char *text)
{
    const size_t size = strlen(text);
    assert_int_equal(send(client, text, size, MSG_NOSIGNAL), (ssize_t)size);
}

/* One answer without a body's end of its own: all that comes until `end` stands there. "": until the server closes. */
static struct buffer hear(int client, const char *end)
{
    struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    struct pollfd wait = {.fd = client, .events = POLLIN};
    for (;;) {
        char chunk[4096];
        if (end[0] != '\0' && answer.size > 0 && memmem(answer.bytes, answer.size, end, strlen(end)) != NULL) break;
        assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
        const ssize_t got = recv(client, chunk, sizeof(chunk), 0);
        if (got <= 0) break;
        assert_ok(buffer_append(&answer, slice_of(chunk, (size_t)got)));
    }
    assert_ok(buffer_append_u8(&answer, 0));
    return answer;
}

static void expect_in(const struct buffer *answer, const char *part)
{
    if (strstr((const char *)answer->bytes, part) == NULL) fail_msg("no \"%s\" in: %s", part, answer->bytes);
}

static void expect_answer(int client, const char *end, const char *part)
{
    CLEANUP(buffer_done) struct buffer answer = hear(client, end);
    expect_in(&answer, part);
}

static void expect_served(int client, const char *body)
{
    say(client, GET);
    expect_answer(client, body, "HTTP/1.1 200 OK\r\n");
}

/* The problem document ends so. */
#define END "\"type\":\"about:blank\"}"

static void test_over_the_limit_is_429_with_a_time(void **)
{
    struct http_server *const server = start_server(1, 2, 0);
    const int busy = connect_from(server, 7), other = connect_from(server, 8);
    expect_served(busy, "client 7");
    expect_served(busy, "client 7");
    say(busy, GET);
    CLEANUP(buffer_done) struct buffer answer = hear(busy, END);
    expect_in(&answer, "HTTP/1.1 429 Too Many Requests\r\n");
    expect_in(&answer, "retry-after: 1\r\n");
    expect_in(&answer, "x-test-retry-ms: ");
    expect_in(&answer, "\"code\":\"ERR_BUSY\"");
    expect_served(other, "client 8");
    assert_int_equal(handled, 3);
    (void)close(busy);
    (void)close(other);
    http_server_free(server);
}

static void test_what_asks_on_all_the_same_is_held(void **)
{
    struct http_server *const server = start_server(1, 1, 0);
    const int busy = connect_from(server, 1);
    expect_served(busy, "client 1");
    say(busy, GET);
    expect_answer(busy, END, "HTTP/1.1 429 ");
    const int64_t begin_ms = clock_monotonic_ms();
    say(busy, GET); /* waits until the bucket has something */
    expect_answer(busy, "client 1", "HTTP/1.1 200 OK\r\n");
    assert_true(clock_monotonic_ms() - begin_ms >= HTTP_HOLD_MS - 200);
    (void)close(busy);
    http_server_free(server);
}

static int64_t ms_until_served(int client)
{
    const int64_t begin_ms = clock_monotonic_ms();
    expect_served(client, "client 1");
    return clock_monotonic_ms() - begin_ms;
}

static void test_whoever_never_waits_is_held_longer_each_time(void **)
{
    struct http_server *const server = start_server(1, 1, 0);
    const int busy = connect_from(server, 1);
    expect_served(busy, "client 1");
    say(busy, GET);
    expect_answer(busy, END, "HTTP/1.1 429 ");
    assert_true(ms_until_served(busy) < 2 * HTTP_HOLD_MS - 200);
    /* There is no limit any more, but this connection has not waited yet by itself. */
    http_server_set_rate_limit(server, &(struct rate_limit){});
    assert_true(ms_until_served(busy) >= 2 * HTTP_HOLD_MS - 200);
    const int other = connect_from(server, 1);
    assert_true(ms_until_served(other) < HTTP_HOLD_MS);
    (void)close(busy);
    (void)close(other);
    http_server_free(server);
}

static void test_whoever_waits_as_told_is_not_held(void **)
{
    struct http_server *const server = start_server(1000, 1, 0);
    const int busy = connect_from(server, 1);
    http_server_set_rate_limit(server, &(struct rate_limit){.per_second = 1, .burst = 1});
    expect_served(busy, "client 1");
    say(busy, GET);
    expect_answer(busy, END, "HTTP/1.1 429 ");
    http_server_set_rate_limit(server, &(struct rate_limit){});
    for (int i = 0; i < 3; i++) assert_true(ms_until_served(busy) < HTTP_HOLD_MS - 200);
    (void)close(busy);
    http_server_free(server);
}

#define POST "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"

static void test_a_held_request_is_answered_once_and_its_body_read(void **)
{
    struct http_server *const server = start_server(1, 1, 0);
    const int busy = connect_from(server, 1);
    say(busy, POST);
    expect_answer(busy, "client 1", "HTTP/1.1 200 OK\r\n");
    say(busy, POST);
    expect_answer(busy, END, "HTTP/1.1 429 ");
    say(busy, POST);
    /* Somebody else of the same client takes what the bucket gains meanwhile. */
    for (int64_t end_ms = clock_monotonic_ms() + HTTP_HOLD_MS + 500; clock_monotonic_ms() < end_ms;) {
        const int thief = connect_from(server, 1);
        say(thief, "GET /now HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        expect_answer(thief, "", "HTTP/1.1 ");
        (void)close(thief);
    }
    expect_answer(busy, END, "HTTP/1.1 429 ");
    /* And the connection goes on in step. */
    http_server_set_rate_limit(server, &(struct rate_limit){});
    say(busy, POST POST);
    expect_answer(busy, "client 1", "HTTP/1.1 200 OK\r\n");
    assert_true(handled >= 3);
    (void)close(busy);
    http_server_free(server);
}

static void test_a_long_body_over_the_limit_ends_the_connection(void **)
{
    struct http_server *const server = start_server(1, 1, 0);
    const int first = connect_from(server, 1);
    expect_served(first, "client 1");
    const char *const heads[] = {"POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n",
                                 "POST /body HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                                 "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: none\r\n\r\n"};
    for (size_t i = 0; i < 3; i++) {
        const int client = connect_from(server, 1);
        say(client, heads[i]);
        expect_answer(client, "", i < 2 ? "HTTP/1.1 429 " : "HTTP/1.1 4");
        (void)close(client);
    }
    (void)close(first);
    http_server_free(server);
}

static void wait_until_handled(int wanted)
{
    for (int i = 0; i < PATIENCE_MS && handled < wanted; i++) (void)usleep(1000);
    assert_int_equal(handled, wanted);
}

static void test_a_full_queue_refuses_who_has_most_in_it(void **)
{
    struct http_server *const server = start_server(0, 0, 2);
    const int working = connect_from(server, 1);
    say(working, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until_handled(1);
    int busy[2];
    for (size_t i = 0; i < 2; i++) {
        busy[i] = connect_from(server, 2);
        say(busy[i], GET);
        (void)usleep(100000);
    }
    const int quiet = connect_from(server, 3);
    say(quiet, GET);
    expect_answer(busy[1], END, "HTTP/1.1 429 ");
    const int late = connect_from(server, 2);
    say(late, GET);
    CLEANUP(buffer_done) struct buffer refused = hear(late, END);
    expect_in(&refused, "HTTP/1.1 429 ");
    expect_in(&refused, "retry-after: 1\r\n");
    released = 1;
    expect_answer(working, "\r\n\r\n", "HTTP/1.1 204 ");
    expect_answer(busy[0], "client 2", "HTTP/1.1 200 ");
    expect_answer(quiet, "client 3", "HTTP/1.1 200 ");
    (void)close(working);
    (void)close(busy[0]);
    (void)close(busy[1]);
    (void)close(quiet);
    (void)close(late);
    http_server_free(server);
}

static void test_a_server_with_held_requests_can_be_freed(void **)
{
    struct http_server *const server = start_server(1, 1, 0);
    const int busy = connect_from(server, 1);
    for (int i = 0; i < 3; i++) say(busy, GET);
    expect_answer(busy, END, "HTTP/1.1 429 ");
    (void)usleep(50000);
    http_server_free(server);
    (void)close(busy);
}

static void test_held_connections_make_room_first(void **)
{
    const struct http_route route = {.method = "GET", .pattern = "/now", .handle = answer_now};
    const struct http_server_options options = {.tunnel = http_stand.tunnel,
                                                .routes = &route,
                                                .route_count = 1,
                                                .limits = {.connections = 2},
                                                .rate_limit = {.per_second = 1, .burst = 1}};
    struct http_server *server = NULL;
    assert_ok(http_server_new(&options, &server));
    const int idle = connect_from(server, 2);
    expect_served(idle, "client 2");
    const int busy = connect_from(server, 1);
    for (int i = 0; i < 3; i++) say(busy, GET);
    expect_answer(busy, END, "HTTP/1.1 429 ");
    (void)usleep(100000);
    const int newcomer = connect_from(server, 3);
    expect_served(newcomer, "client 3");
    CLEANUP(buffer_done) struct buffer nothing = hear(busy, "");
    assert_int_equal(nothing.size, 1);
    http_server_set_rate_limit(server, &(struct rate_limit){});
    expect_served(idle, "client 2");
    (void)close(idle);
    (void)close(busy);
    (void)close(newcomer);
    http_server_free(server);
}

static void *drain(void *server)
{
    http_server_drain(server, PATIENCE_MS);
    return NULL;
}

static void test_draining_answers_what_is_under_way(void **)
{
    struct http_server *const server = start_server(0, 0, 0);
    const int working = connect_from(server, 1), waiting = connect_from(server, 1), idle = connect_from(server, 2);
    expect_served(idle, "client 2");
    say(working, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until_handled(2);
    say(waiting, GET);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, drain, server), 0);
    (void)usleep(100000);
    /* A request that was on its way is still answered. */
    say(idle, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)usleep(100000);
    released = 1;
    expect_answer(working, "", "Connection: close\r\n");
    expect_answer(waiting, "", "Connection: close\r\n");
    CLEANUP(buffer_done) struct buffer last = hear(idle, "");
    expect_in(&last, "HTTP/1.1 204 ");
    expect_in(&last, "Connection: close\r\n");
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(working);
    (void)close(waiting);
    (void)close(idle);
    http_server_free(server);
}

static void test_draining_closes_idle_connections_and_has_an_end(void **)
{
    struct http_server *const server = start_server(0, 0, 0);
    const int idle = connect_from(server, 1), working = connect_from(server, 2);
    say(working, "GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    wait_until_handled(1);
    const int64_t begin_ms = clock_monotonic_ms();
    http_server_drain(server, 2000);
    const int64_t passed_ms = clock_monotonic_ms() - begin_ms;
    assert_true(passed_ms >= 2000);
    CLEANUP(buffer_done) struct buffer nothing = hear(idle, "");
    assert_int_equal(nothing.size, 1);
    released = 1;
    expect_answer(working, "", "HTTP/1.1 204 ");
    (void)close(idle);
    (void)close(working);
    http_server_free(server);
}

static void test_origins_can_be_exchanged(void **)
{
    struct http_server *const server = start_server(0, 0, 0);
    const int client = connect_from(server, 1);
    static const char asked[] = "GET /now HTTP/1.1\r\nHost: h\r\nOrigin: https://b.example\r\n\r\n";
    say(client, asked);
    CLEANUP(buffer_done) struct buffer before = hear(client, "client 1");
    assert_null(strstr((const char *)before.bytes, "access-control"));
    const char *const origins[HTTP_ORIGIN_MAX_COUNT] = {"https://a.example", "https://b.example"};
    assert_ok(http_server_set_origins(server, origins));
    say(client, asked);
    expect_answer(client, "client 1", "access-control-allow-origin: https://b.example\r\n");
    char long_origin[HTTP_ORIGIN_MAX_BYTES + 2];
    memset(long_origin, 'a', sizeof(long_origin));
    long_origin[sizeof(long_origin) - 1] = '\0';
    const char *const bad[HTTP_ORIGIN_MAX_COUNT] = {long_origin};
    assert_status(http_server_set_origins(server, bad), ERR_TOO_LARGE);
    say(client, asked);
    expect_answer(client, "client 1", "access-control-allow-origin: https://b.example\r\n");
    (void)close(client);
    http_server_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_the_limit_is_429_with_a_time),
        cmocka_unit_test(test_what_asks_on_all_the_same_is_held),
        cmocka_unit_test(test_whoever_never_waits_is_held_longer_each_time),
        cmocka_unit_test(test_whoever_waits_as_told_is_not_held),
        cmocka_unit_test(test_a_held_request_is_answered_once_and_its_body_read),
        cmocka_unit_test(test_a_long_body_over_the_limit_ends_the_connection),
        cmocka_unit_test(test_a_full_queue_refuses_who_has_most_in_it),
        cmocka_unit_test(test_a_server_with_held_requests_can_be_freed),
        cmocka_unit_test(test_held_connections_make_room_first),
        cmocka_unit_test(test_draining_answers_what_is_under_way),
        cmocka_unit_test(test_draining_closes_idle_connections_and_has_an_end),
        cmocka_unit_test(test_origins_can_be_exchanged),
    };
    const int alone = cmocka_run_group_tests_name("http/server_limits", tests, NULL, NULL);
    return alone + cmocka_run_group_tests_name("http/server_limits/on_a_tunnel", tests, http_stand_on_a_tunnel,
                                               http_stand_close);
}
