/* SPDX-License-Identifier: Apache-2.0
 *
 * Small HTTPS requests through tunnel and HTTP server, new connections, and the memory that idle connections cost.
 * Server and client are two processes of this machine, so a rate holds both sides' work. One client thread keeps WIDTH
 * connections busy, one request each.
 *
 *     bench-tunnel [SECONDS [idle connections]]      SECONDS is not used: requests are counted
 */
#include "timing.h"

#include "base/clock.h"
#include "channel/tunnel.h"
#include "http/server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 64, ROUNDS = 600, HANDSHAKES = 1500, IDLE_DEFAULT = 1000, DESCRIPTORS = 16384, PEM_BYTES = 4096 };

static const char request[] = "GET /small HTTP/1.1\r\nHost: bench\r\n\r\n";

static void check(bool is_good, const char *what)
{
    if (is_good) return;
    (void)fprintf(stderr, "bench-tunnel: %s\n", what);
    exit(1);
}

static void answer_small(void *context, const struct http_request *asked, struct http_response *response)
{
    (void)context;
    (void)asked;
    http_respond(response, 200, "text/plain", SLICE_LITERAL("a small answer of a few dozen bytes"));
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static long resident_kb(void)
{
    FILE *const file = fopen("/proc/self/statm", "r");
    long pages = 0, resident = 0;
    check(file != NULL && fscanf(file, "%ld %ld", &pages, &resident) == 2, "no /proc/self/statm");
    (void)fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* ---- the server's process ---- */

static struct slice take_pem(BIO *text, char pem_out[static PEM_BYTES])
{
    const int size = BIO_read(text, pem_out, PEM_BYTES);
    check(size > 0, "no PEM text");
    (void)BIO_free(text);
    return slice_of(pem_out, (size_t)size);
}

static struct tunnel_identity *make_identity(void)
{
    EVP_PKEY *const key = EVP_EC_gen("P-256");
    X509 *const certificate = X509_new();
    check(key != NULL && certificate != NULL, "no memory");
    (void)X509_set_version(certificate, 2);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_set_pubkey(certificate, key);
    check(X509_sign(certificate, key, EVP_sha256()) > 0, "no certificate");
    char certificate_pem[PEM_BYTES], key_pem[PEM_BYTES];
    BIO *const certificate_text = BIO_new(BIO_s_mem()), *const key_text = BIO_new(BIO_s_mem());
    (void)PEM_write_bio_X509(certificate_text, certificate);
    (void)PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL);
    struct tunnel_identity *identity = NULL;
    check(tunnel_identity_web(take_pem(certificate_text, certificate_pem), take_pem(key_text, key_pem), NULL,
                              &identity) == OK,
          "no identity");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return identity;
}

struct stack {
    struct clock *clock;
    struct http_server *server;
    struct tunnel *tunnel;
    struct tunnel_endpoint *endpoint;
    struct tunnel_listener *listener;
};

static void open_stack(struct stack *stack)
{
    static const struct http_route routes[] = {{.method = "GET", .pattern = "/small", .handle = answer_small}};
    const struct http_server_options options = {
        .routes = routes, .route_count = 1, .limits = {.connections = DESCRIPTORS / 4}};
    check(clock_new(&stack->clock) == OK && http_server_new(&options, &stack->server) == OK &&
              tunnel_new(stack->clock, &(struct tunnel_limits){.connections = DESCRIPTORS / 4}, &stack->tunnel) == OK &&
              tunnel_endpoint_new(&stack->endpoint) == OK,
          "no server");
    tunnel_endpoint_set_identity(stack->endpoint, make_identity());
    check(tunnel_listen(stack->tunnel, "127.0.0.1:0", stack->endpoint, http_server_on_connection, stack->server, NULL,
                        &stack->listener) == OK,
          "no listener");
}

static void close_stack(struct stack *stack)
{
    tunnel_listener_free(stack->listener);
    http_server_free(stack->server);
    tunnel_free(stack->tunnel);
    tunnel_endpoint_free(stack->endpoint);
    clock_free(stack->clock);
}

/* ---- the client's process ---- */

struct wire {
    int socket;
    SSL *tls;
};

static struct wire wire_open(uint16_t port, SSL_CTX *context)
{
    struct wire wire = {.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    check(wire.socket >= 0 && connect(wire.socket, (const struct sockaddr *)&address, sizeof(address)) == 0,
          "no connection");
    const int on = 1;
    (void)setsockopt(wire.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    wire.tls = SSL_new(context);
    check(wire.tls != NULL && SSL_set_fd(wire.tls, wire.socket) == 1 && SSL_connect(wire.tls) == 1, "no handshake");
    return wire;
}

static void wire_close(struct wire *wire)
{
    (void)SSL_shutdown(wire->tls);
    SSL_free(wire->tls);
    (void)close(wire->socket);
}

static void wire_send(const struct wire *wire)
{
    const int size = sizeof(request) - 1;
    check(SSL_write(wire->tls, request, size) == size, "a request was not sent");
}

/* The whole answer comes in one or two pieces; it ends with its body's last byte. */
static void wire_receive(const struct wire *wire)
{
    char text[2048];
    size_t size = 0;
    while (size < 5 || memcmp(text + size - 5, "bytes", 5) != 0) {
        const int got = SSL_read(wire->tls, text + size, (int)(sizeof(text) - size));
        check(got > 0, "an answer did not come");
        size += (size_t)got;
    }
}

static double requests_per_second(uint16_t port, SSL_CTX *context)
{
    struct wire wires[WIDTH];
    for (size_t i = 0; i < WIDTH; i++) wires[i] = wire_open(port, context);
    const double begin = now_s();
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < WIDTH; i++) wire_send(&wires[i]);
        for (size_t i = 0; i < WIDTH; i++) wire_receive(&wires[i]);
    }
    const double rate = WIDTH * ROUNDS / (now_s() - begin);
    for (size_t i = 0; i < WIDTH; i++) wire_close(&wires[i]);
    return rate;
}

static double connections_per_second(uint16_t port, SSL_CTX *context)
{
    const double begin = now_s();
    for (size_t i = 0; i < HANDSHAKES; i++) {
        struct wire wire = wire_open(port, context);
        wire_send(&wire);
        wire_receive(&wire);
        wire_close(&wire);
    }
    return HANDSHAKES / (now_s() - begin);
}

static void tell(int done)
{
    const char byte = 1;
    check(write(done, &byte, 1) == 1, "the other process is gone");
}

static void wait_for(int done)
{
    char byte;
    check(read(done, &byte, 1) == 1, "the other process is gone");
}

static void run_client(uint16_t port, size_t idle, int pipe)
{
    SSL_CTX *const context = SSL_CTX_new(TLS_client_method());
    (void)requests_per_second(port, context); /* warm */
    bench_figure("tunnel", "small HTTPS requests", requests_per_second(port, context), "per second");
    bench_figure("tunnel", "connect, request, close", connections_per_second(port, context), "per second");
    (void)fflush(stdout);
    struct wire *const wires = calloc(idle, sizeof(*wires));
    check(wires != NULL, "no memory");
    tell(pipe);
    wait_for(pipe);
    for (size_t i = 0; i < idle; i++) {
        wires[i] = wire_open(port, context);
        wire_send(&wires[i]);
        wire_receive(&wires[i]);
    }
    tell(pipe);
    wait_for(pipe);
    for (size_t i = 0; i < idle; i++) wire_close(&wires[i]);
    free(wires);
    SSL_CTX_free(context);
}

static void watch_memory(size_t idle, int pipe)
{
    wait_for(pipe);
    const long before = resident_kb();
    tell(pipe);
    wait_for(pipe);
    const long after = resident_kb();
    bench_figure("tunnel", "resident memory", (double)before / 1024, "MiB");
    char name[64];
    (void)snprintf(name, sizeof(name), "memory of each of %zu idle connections", idle);
    bench_figure("tunnel", name, (double)(after - before) / (double)idle, "KiB");
    tell(pipe);
}

int main(int count, char **arguments)
{
    const long idle = count > 2 ? strtol(arguments[2], NULL, 10) : IDLE_DEFAULT;
    check(idle > 0 && idle < DESCRIPTORS / 4, "usage: bench-tunnel [SECONDS [idle connections]]");
    int pair[2];
    struct rlimit limit = {.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "no socket pair");
    /* The client is forked first, before there are threads, and told where to dial. */
    const pid_t child = fork();
    check(child >= 0, "no process");
    struct stack stack = {};
    if (child == 0) {
        (void)close(pair[0]);
        uint16_t port;
        check(read(pair[1], &port, sizeof(port)) == sizeof(port), "no server");
        run_client(port, (size_t)idle, pair[1]);
        return 0;
    }
    (void)close(pair[1]);
    open_stack(&stack);
    const uint16_t port = tunnel_listener_port(stack.listener);
    check(write(pair[0], &port, sizeof(port)) == sizeof(port), "no client");
    watch_memory((size_t)idle, pair[0]);
    int status = 0;
    check(waitpid(child, &status, 0) == child && status == 0, "the client failed");
    close_stack(&stack);
    return 0;
}
