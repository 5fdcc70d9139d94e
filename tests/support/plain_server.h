/* SPDX-License-Identifier: Apache-2.0
 *
 * A server on a loopback port whose every byte a test chooses: one connection at a time, one request each, answered by
 * a function. For answers that no honest server gives.
 */
#pragma once

#include "testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum { PLAIN_SERVER_REQUEST_BYTES = 8192 };

/* `target` is the path with its query; what it sends goes to `client`. */
typedef void plain_server_answer(void *context, const char *target, const char *head, int client);

struct plain_server {
    plain_server_answer *answer;
    void *context;
    int listener;
    uint16_t port;
    char url[64];
    pthread_t thread;
    atomic_uint requests;
};

static inline void plain_server_send(int client, struct slice bytes)
{
    for (size_t at = 0; at < bytes.size;) {
        const ssize_t sent = send(client, bytes.bytes + at, bytes.size - at, MSG_NOSIGNAL);
        if (sent <= 0) return;
        at += (size_t)sent;
    }
}

/* `headers` are whole lines with their ends. */
static inline void plain_server_respond(int client, unsigned status, const char *headers, struct slice body)
{
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(4 << 20);
    assert_ok(buffer_append_format(&answer, "HTTP/1.1 %u X\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
                                   status, body.size, headers));
    assert_ok(buffer_append(&answer, body));
    plain_server_send(client, buffer_slice(&answer));
}

static inline void plain_server_serve(struct plain_server *server, int client)
{
    char head[PLAIN_SERVER_REQUEST_BYTES + 1] = "", target[PLAIN_SERVER_REQUEST_BYTES];
    size_t size = 0;
    while (strstr(head, "\r\n\r\n") == NULL && size < PLAIN_SERVER_REQUEST_BYTES) {
        const ssize_t got = recv(client, head + size, PLAIN_SERVER_REQUEST_BYTES - size, 0);
        if (got <= 0) return;
        size += (size_t)got;
        head[size] = '\0';
    }
    if (sscanf(head, "GET %8191s", target) != 1) return;
    atomic_fetch_add(&server->requests, 1);
    server->answer(server->context, target, head, client);
}

static inline void *plain_server_run(void *context)
{
    struct plain_server *const server = context;
    for (int client; (client = accept(server->listener, NULL, NULL)) >= 0;) {
        plain_server_serve(server, client);
        (void)close(client);
    }
    return NULL;
}

/* `server` must stay where it is. */
static inline void plain_server_start(struct plain_server *server, plain_server_answer *answer, void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    *server = (struct plain_server){.answer = answer, .context = context};
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", server->port);
    assert_int_equal(pthread_create(&server->thread, NULL, plain_server_run, server), 0);
}

static inline void plain_server_stop(struct plain_server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listener);
}
