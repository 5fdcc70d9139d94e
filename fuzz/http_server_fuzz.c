/* SPDX-License-Identifier: Apache-2.0
 * The whole server over a socket pair: the library's reading, the checks of heads, targets, bodies, routes, and the
 * answers. The input is everything that a client sends before it stops sending. */
#include "fuzz.h"
#include "http/server.h"
#include "parts.h"

#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { ANSWER_MAX_BYTES = 1 << 20, BODY_MAX_BYTES = 1000, PATIENCE = 20000 };

static void echo(void *, const struct http_request *request, struct http_response *response)
{
    if (request->body.size > BODY_MAX_BYTES) abort();
    http_respond(response, 200, "application/octet-stream", request->body);
}

static void describe(void *, const struct http_request *request, struct http_response *response)
{
    const char *const model = http_request_segment(request, "model");
    const char *const wanted = http_request_query(request, "a");
    if (model == NULL || model[0] == '\0' || strchr(request->path, '\\') == request->path) abort();
    http_respond_header(response, "x-asked", wanted != NULL ? "yes" : "no");
    http_respond(response, 200, "text/plain", slice_of_text(model));
}

static const struct http_route routes[] = {
    {.method = "POST", .pattern = "/echo", .max_body = BODY_MAX_BYTES, .handle = echo},
    {.method = "POST", .pattern = "/json", .max_body = 100, .handle = echo, .content_type = "application/json"},
    {.method = "PUT", .pattern = "/big/*", .max_body = BODY_MAX_BYTES, .handle = echo},
    {.method = "GET", .pattern = "/models/{model}/ready", .handle = describe},
    {.method = "DELETE", .pattern = "/models/{model}/ready", .handle = describe},
};

static struct http_server *start_server(void)
{
    const struct http_server_options options = {.routes = routes,
                                                .route_count = sizeof(routes) / sizeof(routes[0]),
                                                .workers = 1,
                                                .allowed_origins = {"https://portal.example"},
                                                .server_header = "lazaret"};
    struct http_server *server = NULL;
    must(http_server_new(&options, &server));
    return server;
}

static void send_all(int client, struct slice bytes)
{
    while (bytes.size > 0) {
        const ssize_t sent = send(client, bytes.bytes, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0) return; /* the server may have refused before it read all */
        bytes = slice_part(bytes, (size_t)sent, bytes.size);
    }
}

/* Until the server has taken what was sent, or has said something. Only then is the end of sending an event of its own:
 * the library would wait for its time-out with half a request if both came at once. */
static void wait_until_taken(int client)
{
    struct pollfd answer = {.fd = client, .events = POLLIN};
    for (int left = PATIENCE, waiting = 1; left > 0 && waiting > 0; left--) {
        if (ioctl(client, SIOCOUTQ, &waiting) != 0 || poll(&answer, 1, 0) > 0) return;
        (void)sched_yield();
    }
}

static void receive_all(int client, struct buffer *answer)
{
    uint8_t chunk[4096];
    for (ssize_t got; (got = recv(client, chunk, sizeof(chunk), 0)) > 0;)
        must(buffer_append(answer, slice_of(chunk, (size_t)got)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct http_server *server;
    if (server == NULL) server = start_server();
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(ANSWER_MAX_BYTES);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) abort();
    http_server_on_connection(server, pair[1], NULL, NULL);
    send_all(pair[0], slice_of(bytes, size));
    wait_until_taken(pair[0]);
    (void)shutdown(pair[0], SHUT_WR);
    receive_all(pair[0], &answer);
    (void)close(pair[0]);
    if (answer.size > 0 && !slice_starts_with(buffer_slice(&answer), SLICE_LITERAL("HTTP/1."))) abort();
    return 0;
}
