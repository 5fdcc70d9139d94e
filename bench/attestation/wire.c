/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

SSL_CTX *wire_context(void)
{
    SSL_CTX *const context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) abort();
    (void)SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    return context;
}

struct sockaddr_in wire_address(const char *text)
{
    char host[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *const colon = strrchr(text, ':');
    const size_t size = colon != NULL ? (size_t)(colon - text) : strlen(text);
    (void)snprintf(host, sizeof(host), "%.*s", (int)size, text);
    if (colon != NULL) address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &address.sin_addr) == 1) return address;
    (void)fprintf(stderr, "%s: not an IPv4 address with a port\n", text);
    exit(2);
}

static bool open_socket(struct wire *wire, const struct sockaddr_in *to, const struct sockaddr_in *from)
{
    const int on = 1;
    wire->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (wire->socket < 0) return false;
    (void)setsockopt(wire->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* The port is chosen when it is known where it goes, so that there are enough of them. */
    (void)setsockopt(wire->socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (from != NULL && bind(wire->socket, (const struct sockaddr *)from, sizeof(*from)) != 0) return false;
    return connect(wire->socket, (const struct sockaddr *)to, sizeof(*to)) == 0 || errno == EINPROGRESS;
}

bool wire_dial(struct wire *wire, const struct sockaddr_in *to, const struct sockaddr_in *from, SSL_CTX *context,
               int epoll)
{
    void *const kept = wire->context;
    *wire = (struct wire){.state = WIRE_DIALLING, .context = kept};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = wire};
    const bool is_dialled = open_socket(wire, to, from) && (wire->tls = SSL_new(context)) != NULL &&
                            SSL_set_fd(wire->tls, wire->socket) == 1 &&
                            epoll_ctl(epoll, EPOLL_CTL_ADD, wire->socket, &event) == 0;
    if (!is_dialled) {
        wire_close(wire);
        return false;
    }
    SSL_set_connect_state(wire->tls);
    return true;
}

void wire_close(struct wire *wire)
{
    SSL_free(wire->tls);
    if (wire->socket >= 0) (void)close(wire->socket);
    free(wire->answer);
    *wire = (struct wire){.socket = -1, .context = wire->context};
}

static bool may_go_on(struct wire *wire, int result)
{
    const int error = SSL_get_error(wire->tls, result);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return true;
    wire_close(wire);
    return false;
}

bool wire_advance(struct wire *wire)
{
    if (wire->state == WIRE_DIALLING) {
        int error = 0;
        socklen_t size = sizeof(error);
        struct sockaddr_in peer;
        socklen_t peer_size = sizeof(peer);
        if (getsockopt(wire->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
            wire_close(wire);
            return false;
        }
        if (getpeername(wire->socket, (struct sockaddr *)&peer, &peer_size) != 0) return false;
        wire->state = WIRE_HANDSHAKE;
    }
    if (wire->state == WIRE_HANDSHAKE) {
        const int result = SSL_do_handshake(wire->tls);
        if (result != 1) {
            (void)may_go_on(wire, result);
            return false;
        }
        wire->state = WIRE_OPEN;
    }
    return wire->state == WIRE_OPEN;
}

ssize_t wire_put(struct wire *wire, const void *bytes, size_t size)
{
    const int put = SSL_write(wire->tls, bytes, (int)size);
    if (put > 0) return put;
    return may_go_on(wire, put) ? 0 : -1;
}

ssize_t wire_get(struct wire *wire, void *bytes, size_t size)
{
    const int got = SSL_read(wire->tls, bytes, (int)size);
    if (got > 0) return got;
    return may_go_on(wire, got) ? 0 : -1;
}

/* The size of the whole answer; 0: its head is not whole. */
static size_t whole_size(const struct wire *wire, bool *closes_out)
{
    static const char length_name[] = "\r\nContent-Length: ", close_name[] = "\r\nConnection: close\r\n";
    const char *const end = memmem(wire->answer, wire->answer_size, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    const size_t head = (size_t)(end - wire->answer) + 4;
    const char *const length = memmem(wire->answer, head, length_name, sizeof(length_name) - 1);
    *closes_out = memmem(wire->answer, head, close_name, sizeof(close_name) - 1) != NULL;
    return head + (length != NULL ? strtoul(length + sizeof(length_name) - 1, NULL, 10) : 0);
}

int wire_answer(struct wire *wire, bool *closes_out)
{
    if (wire->answer == NULL) wire->answer = malloc(WIRE_ANSWER_MAX_BYTES);
    if (wire->answer == NULL) abort();
    for (;;) {
        const size_t room = WIRE_ANSWER_MAX_BYTES - 1 - wire->answer_size;
        const ssize_t got = wire_get(wire, wire->answer + wire->answer_size, room);
        if (got < 0) return -1;
        wire->answer_size += (size_t)got;
        wire->answer[wire->answer_size] = '\0';
        const size_t whole = whole_size(wire, closes_out);
        if (whole > 0 && wire->answer_size >= whole) break;
        if (got == 0) return 0;
        if ((size_t)got == room) {
            wire_close(wire);
            return -1;
        }
    }
    wire->answer_size = 0;
    return (int)strtol(wire->answer + sizeof("HTTP/1.1 ") - 1, NULL, 10);
}
