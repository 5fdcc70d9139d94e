/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tunnel does with bytes and connections: transfers, ends, resets, limits, ordinary TLS, the gate's forward,
 * the dialer.
 */
#include "base/sanitized.h"
#include "channel/address.h"
#include "tunnels.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { TRANSFER_BYTES = 64 << 20, PIECE_BYTES = 256 * 1024, IDLE_COUNT = 500, MEMORY_BOUND_KB = 4096 };

static struct tunnel_fixture fixture;

static int set_up(void **)
{
    tunnel_fixture_init(&fixture);
    return 0;
}

static int tear_down(void **)
{
    tunnel_fixture_done(&fixture);
    return 0;
}

/* The process's memory in kilobytes. The address sanitizer keeps freed memory: nothing can be said under it. */
static long resident_kb(void)
{
    if (UNDER_ADDRESS_SANITIZER != 0) return 0;
    FILE *const file = fopen("/proc/self/statm", "r");
    long pages = 0, resident = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &pages, &resident), 2);
    (void)fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static uint8_t pattern_at(size_t offset)
{
    return (uint8_t)(offset * 2654435761U >> 13);
}

struct sender {
    int socket;
    size_t size;
    _Atomic size_t sent;
};

static void *send_pattern(void *context)
{
    struct sender *const sender = context;
    uint8_t *const piece = malloc(PIECE_BYTES);
    for (size_t at = 0; at < sender->size;) {
        const size_t size = sender->size - at < PIECE_BYTES ? sender->size - at : PIECE_BYTES;
        for (size_t i = 0; i < size; i++) piece[i] = pattern_at(at + i);
        for (size_t done = 0; done < size;) {
            const ssize_t put = send(sender->socket, piece + done, size - done, MSG_NOSIGNAL);
            if (put <= 0) break;
            done += (size_t)put;
            sender->sent += (size_t)put;
        }
        at += size;
    }
    (void)shutdown(sender->socket, SHUT_WR);
    free(piece);
    return NULL;
}

static void receive_pattern(int socket, size_t size)
{
    uint8_t *const piece = malloc(PIECE_BYTES);
    size_t at = 0;
    for (size_t got; (got = tunnel_test_receive(socket, piece, PIECE_BYTES)) > 0; at += got) {
        for (size_t i = 0; i < got; i++) {
            if (piece[i] != pattern_at(at + i)) fail_msg("byte %zu is wrong", at + i);
        }
    }
    free(piece);
    assert_int_equal(at, size);
}

static void transfer(int from, int to)
{
    struct sender sender = {.socket = from, .size = TRANSFER_BYTES};
    pthread_t thread;
    const long before = resident_kb();
    assert_int_equal(pthread_create(&thread, NULL, send_pattern, &sender), 0);
    /* A reader that sleeps: the sender must be stopped long before it is done. */
    (void)usleep(500000);
    const size_t early = sender.sent;
    (void)usleep(200000);
    assert_int_equal(sender.sent, early);
    assert_true(early < TRANSFER_BYTES / 2);
    assert_true(resident_kb() - before < MEMORY_BOUND_KB);
    receive_pattern(to, TRANSFER_BYTES);
    assert_true(resident_kb() - before < MEMORY_BOUND_KB);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_a_slow_reader_stops_its_sender(void **)
{
    const int client = tunnel_test_connect(&fixture);
    const int server = tunnel_test_server_socket(&fixture, 0);
    transfer(client, server);
    transfer(server, client);
    (void)close(client);
}

static void *echo(void *context)
{
    const int socket = *(const int *)context;
    uint8_t piece[16384];
    for (size_t got; (got = tunnel_test_receive(socket, piece, sizeof(piece))) > 0;)
        tunnel_test_send(socket, slice_of(piece, got));
    (void)shutdown(socket, SHUT_WR);
    return NULL;
}

static void test_both_directions_at_once(void **)
{
    const int client = tunnel_test_connect(&fixture);
    int server = tunnel_test_server_socket(&fixture, 0);
    struct sender sender = {.socket = client, .size = TRANSFER_BYTES / 4};
    pthread_t echoing, sending;
    assert_int_equal(pthread_create(&echoing, NULL, echo, &server), 0);
    assert_int_equal(pthread_create(&sending, NULL, send_pattern, &sender), 0);
    receive_pattern(client, TRANSFER_BYTES / 4);
    assert_int_equal(pthread_join(sending, NULL), 0);
    assert_int_equal(pthread_join(echoing, NULL), 0);
    (void)close(client);
}

static void test_each_direction_ends_on_its_own(void **)
{
    const int client = tunnel_test_connect(&fixture);
    const int server = tunnel_test_server_socket(&fixture, 0);
    tunnel_test_send(client, SLICE_LITERAL("question"));
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    tunnel_test_expect(server, "question");
    tunnel_test_expect_end(server);
    /* The other way is still open, for as long as it takes. */
    (void)usleep(100000);
    tunnel_test_send(server, SLICE_LITERAL("a late answer"));
    assert_int_equal(shutdown(server, SHUT_WR), 0);
    tunnel_test_expect(client, "a late answer");
    tunnel_test_expect_end(client);
    (void)close(client);
}

static void test_the_server_may_end_first(void **)
{
    const int client = tunnel_test_connect(&fixture);
    const int server = tunnel_test_server_socket(&fixture, 0);
    tunnel_test_send(server, SLICE_LITERAL("greeting"));
    assert_int_equal(shutdown(server, SHUT_WR), 0);
    tunnel_test_expect(client, "greeting");
    tunnel_test_expect_end(client);
    tunnel_test_send(client, SLICE_LITERAL("thanks"));
    tunnel_test_expect(server, "thanks");
    (void)close(client);
    tunnel_test_expect_end(server);
}

/* What was sent before the close arrives, though the peer is in the middle of sending. */
static void test_nothing_is_lost_when_the_inner_end_closes(void **)
{
    const int client = tunnel_test_connect(&fixture);
    const int server = tunnel_test_server_socket(&fixture, 0);
    struct sender sender = {.socket = client, .size = 4 << 20};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_pattern, &sender), 0);
    uint8_t piece[1000];
    assert_true(tunnel_test_receive(server, piece, sizeof(piece)) > 0);
    tunnel_test_send(server, SLICE_LITERAL("refused: too large"));
    (void)close(server);
    fixture.sockets[0] = -1;
    tunnel_test_expect(client, "refused: too large");
    tunnel_test_expect_end(client);
    (void)close(client);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void wait_until_open(uint64_t wanted)
{
    struct tunnel_counts counts;
    for (int i = 0; i < 200; i++) {
        tunnel_listener_counts(fixture.listener, &counts);
        if (counts.open == wanted) return;
        (void)usleep(50000);
    }
    fail_msg("%llu connections are open", (unsigned long long)counts.open);
}

static void test_closed_connections_are_forgotten(void **)
{
    const int client = tunnel_test_connect(&fixture);
    (void)tunnel_test_server_socket(&fixture, 0);
    wait_until_open(1);
    /* The server's inner end stays open and idle; the client's goes: nobody reads there any more. */
    (void)close(client);
    tunnel_test_expect_end(fixture.sockets[0]);
    (void)close(fixture.sockets[0]);
    fixture.sockets[0] = -1;
    wait_until_open(0);
}

static int dial_tcp(void)
{
    const int outer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(tunnel_listener_port(fixture.listener)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(outer, (const struct sockaddr *)&address, sizeof(address)), 0);
    return outer;
}

static void reset(int outer)
{
    const struct linger at_once = {.l_onoff = 1};
    (void)setsockopt(outer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    (void)close(outer);
}

static void test_strangers_do_no_harm(void **)
{
    const int silent = dial_tcp(), garbage = dial_tcp(), resets = dial_tcp(), ends = dial_tcp();
    tunnel_test_send(garbage, SLICE_LITERAL("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
    tunnel_test_expect_end(garbage);
    reset(resets);
    (void)close(ends);
    const int client = tunnel_test_connect(&fixture);
    tunnel_test_send(client, SLICE_LITERAL("fine"));
    tunnel_test_expect(tunnel_test_server_socket(&fixture, 0), "fine");
    (void)close(client);
    (void)close(silent);
    (void)close(garbage);
}

static void test_older_versions_are_refused(void **)
{
    const int outer = dial_tcp();
    SSL_CTX *const context = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
    SSL *const tls = SSL_new(context);
    assert_int_equal(SSL_set_fd(tls, outer), 1);
    assert_int_not_equal(SSL_connect(tls), 1);
    SSL_free(tls);
    SSL_CTX_free(context);
    (void)close(outer);
}

/* A TLS client of the test's own, on a web identity. */
static SSL *connect_tls(SSL_CTX *context, int outer)
{
    SSL *const tls = SSL_new(context);
    assert_int_equal(SSL_set_fd(tls, outer), 1);
    assert_int_equal(SSL_connect(tls), 1);
    return tls;
}

static void listen_web(struct web_certificate *web, struct tunnel_endpoint **endpoint_out)
{
    assert_ok(tunnel_endpoint_new(endpoint_out));
    tunnel_endpoint_set_identity(*endpoint_out, web_certificate_identity(web));
    tunnel_fixture_listen(&fixture, *endpoint_out);
}

static void test_no_tickets_and_a_goodbye(void **)
{
    CLEANUP(web_certificate_done) struct web_certificate web = web_certificate_make(TOKEN_TEST_NOW_S);
    struct tunnel_endpoint *endpoint = NULL;
    listen_web(&web, &endpoint);
    SSL_CTX *const context = SSL_CTX_new(TLS_client_method());
    const int outer = dial_tcp();
    SSL *const tls = connect_tls(context, outer);
    const int server = tunnel_test_server_socket(&fixture, 0);
    tunnel_test_send(server, SLICE_LITERAL("bye"));
    (void)close(server);
    fixture.sockets[0] = -1;
    char text[8];
    assert_int_equal(SSL_read(tls, text, sizeof(text)), 3);
    const int ended = SSL_read(tls, text, sizeof(text));
    assert_int_equal(SSL_get_error(tls, ended), SSL_ERROR_ZERO_RETURN);
    assert_false(SSL_SESSION_is_resumable(SSL_get_session(tls)));
    SSL_free(tls);
    SSL_CTX_free(context);
    (void)close(outer);
    tunnel_listener_free(fixture.listener);
    tunnel_endpoint_free(endpoint);
}

/* A peer that goes without TLS's goodbye, in the middle: both inner ends see the end. */
static void test_a_reset_ends_the_connection(void **)
{
    CLEANUP(web_certificate_done) struct web_certificate web = web_certificate_make(TOKEN_TEST_NOW_S);
    struct tunnel_endpoint *endpoint = NULL;
    listen_web(&web, &endpoint);
    SSL_CTX *const context = SSL_CTX_new(TLS_client_method());
    const int outer = dial_tcp();
    SSL *const tls = connect_tls(context, outer);
    const int server = tunnel_test_server_socket(&fixture, 0);
    assert_int_equal(SSL_write(tls, "half a mess", 11), 11);
    tunnel_test_expect(server, "half a mess");
    reset(outer);
    tunnel_test_expect_end(server);
    SSL_free(tls);
    SSL_CTX_free(context);
    wait_until_open(0);
    tunnel_listener_free(fixture.listener);
    tunnel_endpoint_free(endpoint);
}

static enum status dial_web(const char *server_name, struct slice ca_pem, struct refusal *why, int *client_out)
{
    const struct tunnel_target target = {.address = fixture.address, .server_name = server_name, .ca_pem = ca_pem};
    return tunnel_connect(fixture.tunnel, &target, TUNNEL_TEST_TIMEOUT_MS, why, client_out, NULL);
}

static void test_ordinary_tls(void **)
{
    CLEANUP(web_certificate_done) struct web_certificate web = web_certificate_make(TOKEN_TEST_NOW_S);
    CLEANUP(web_certificate_done) struct web_certificate other = web_certificate_make(TOKEN_TEST_NOW_S);
    struct tunnel_endpoint *endpoint = NULL;
    listen_web(&web, &endpoint);
    const struct slice anchor = buffer_slice(&web.certificate);
    struct refusal why = {};
    int client = -1;
    assert_ok(dial_web("localhost", anchor, &why, &client));
    tunnel_test_send(client, SLICE_LITERAL("hello"));
    tunnel_test_expect(tunnel_test_server_socket(&fixture, 0), "hello");
    assert_string_equal(fixture.peers[0].service, "");
    (void)close(client);
    assert_ok(dial_web("127.0.0.1", anchor, &why, &client));
    (void)close(client);
    assert_status(dial_web("attest.example", anchor, &why, &client), ERR_TLS);
    assert_string_equal(why.field, "tls.certificate");
    assert_status(dial_web("localhost", buffer_slice(&other.certificate), &why, &client), ERR_TLS);
    assert_status(dial_web("localhost", (struct slice){}, &why, &client), ERR_TLS);
    assert_status(dial_web("localhost", SLICE_LITERAL("no pem"), &why, &client), ERR_CERTIFICATE_MALFORMED);
    assert_status(dial_web(NULL, anchor, &why, &client), ERR_CONFIG);
    clock_set(fixture.clock, TOKEN_TEST_NOW_S + 7200);
    assert_status(dial_web("localhost", anchor, &why, &client), ERR_TLS);
    assert_string_equal(why.seen, "certificate has expired");
    tunnel_listener_free(fixture.listener);
    tunnel_endpoint_free(endpoint);
}

static void test_web_identities_that_are_not_usable(void **)
{
    CLEANUP(web_certificate_done) struct web_certificate web = web_certificate_make(TOKEN_TEST_NOW_S);
    CLEANUP(web_certificate_done) struct web_certificate other = web_certificate_make(TOKEN_TEST_NOW_S);
    struct tunnel_identity *identity = NULL;
    struct refusal why = {};
    const struct slice certificate = buffer_slice(&web.certificate), key = buffer_slice(&web.key);
    assert_status(tunnel_identity_web(key, key, &why, &identity), ERR_CERTIFICATE_MALFORMED);
    assert_status(tunnel_identity_web(certificate, certificate, &why, &identity), ERR_KEY_INVALID);
    assert_status(tunnel_identity_web(certificate, buffer_slice(&other.key), &why, &identity), ERR_KEY_INVALID);
    assert_string_equal(why.field, "tls.key");
    uint8_t *const large = calloc(1, 70000);
    assert_status(tunnel_identity_web(slice_of(large, 70000), key, &why, &identity), ERR_TOO_LARGE);
    free(large);
}

static void test_nobody_listens(void **)
{
    const int outer = dial_tcp();
    struct refusal why = {};
    int client = -1;
    char address[64];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", tunnel_listener_port(fixture.listener));
    tunnel_listener_free(fixture.listener);
    const struct tunnel_target target = {.address = address, .endpoint = fixture.platform.endpoint};
    assert_status(tunnel_connect(fixture.tunnel, &target, 5000, &why, &client, NULL), ERR_CONNECT);
    assert_string_equal(why.field, "address");
    const struct tunnel_target nowhere = {.address = "no-such-host.invalid:1", .endpoint = fixture.platform.endpoint};
    assert_status(tunnel_connect(fixture.tunnel, &nowhere, 5000, &why, &client, NULL), ERR_CONNECT);
    const struct tunnel_target bad = {.address = "nonsense", .endpoint = fixture.platform.endpoint};
    assert_status(tunnel_connect(fixture.tunnel, &bad, 5000, &why, &client, NULL), ERR_CONFIG);
    (void)close(outer);
}

static void test_a_silent_server_times_out(void **)
{
    int listener = -1, client = -1;
    uint16_t port = 0;
    struct refusal why = {};
    assert_ok(address_listen("127.0.0.1:0", NULL, &listener, &port));
    char address[64];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
    const struct tunnel_target target = {.address = address, .endpoint = fixture.platform.endpoint};
    const int64_t before = clock_monotonic_ms();
    assert_status(tunnel_connect(fixture.tunnel, &target, 300, &why, &client, NULL), ERR_TIMEOUT);
    assert_string_equal(why.field, "tls.handshake");
    const int64_t took = clock_monotonic_ms() - before;
    assert_true(took >= 290 && took < 5000);
    (void)close(listener);
}

static void test_a_freed_listener_calls_nobody(void **)
{
    const int client = tunnel_test_connect(&fixture);
    const int server = tunnel_test_server_socket(&fixture, 0);
    tunnel_listener_free(fixture.listener);
    fixture.listener = NULL;
    struct refusal why = {};
    int second = -1;
    assert_status(tunnel_test_dial(&fixture, &why, &second, NULL), ERR_CONNECT);
    tunnel_test_send(client, SLICE_LITERAL("open stays open"));
    tunnel_test_expect(server, "open stays open");
    (void)close(client);
    tunnel_test_expect_end(server);
}

static void test_idle_connections_cost_little(void **)
{
    int *const clients = calloc(IDLE_COUNT, sizeof(*clients));
    for (size_t i = 0; i < IDLE_COUNT; i++) clients[i] = tunnel_test_connect(&fixture);
    wait_until_open(IDLE_COUNT);
    for (size_t i = 0; i < IDLE_COUNT; i += 99) {
        tunnel_test_send(clients[i], SLICE_LITERAL("awake"));
        tunnel_test_expect(tunnel_test_server_socket(&fixture, i), "awake");
    }
    for (size_t i = 0; i < IDLE_COUNT; i++) (void)close(clients[i]);
    for (size_t i = 0; i < IDLE_COUNT; i++) {
        (void)close(fixture.sockets[i]);
        fixture.sockets[i] = -1;
    }
    wait_until_open(0);
    free(clients);
}

/* ---- limits ---- */

static void test_the_limit_of_dialled_connections(void **)
{
    static struct tunnel_fixture small;
    tunnel_fixture_init_with(&small, &(struct tunnel_limits){.connections = 2});
    tunnel_fixture_listen(&small, small.gate.endpoint);
    const int first = tunnel_test_connect(&small), second = tunnel_test_connect(&small);
    (void)tunnel_test_server_socket(&small, 1);
    struct refusal why = {};
    int third = -1;
    assert_status(tunnel_test_dial(&small, &why, &third, NULL), ERR_BUSY);
    (void)close(first);
    (void)close(second);
    for (size_t i = 0; i < 2; i++) {
        tunnel_test_expect_end(small.sockets[i]);
        (void)close(small.sockets[i]);
        small.sockets[i] = -1;
    }
    enum status status = ERR_BUSY;
    for (int i = 0; i < 100 && status == ERR_BUSY; i++, (void)usleep(50000))
        status = tunnel_test_dial(&small, &why, &third, NULL);
    assert_ok(status);
    (void)close(third);
    tunnel_fixture_done(&small);
}

/* A gate with few places, and callers from a tunnel of their own. */
struct crowd {
    struct tunnel_fixture gate;
    struct tunnel *outside;
};

static void crowd_init(struct crowd *crowd, const struct tunnel_limits *limits)
{
    tunnel_fixture_init_with(&crowd->gate, limits);
    tunnel_fixture_listen(&crowd->gate, crowd->gate.gate.endpoint);
    assert_ok(tunnel_new(crowd->gate.clock, NULL, &crowd->outside));
}

static void crowd_done(struct crowd *crowd)
{
    tunnel_free(crowd->outside);
    tunnel_fixture_done(&crowd->gate);
}

/* An attested caller, who is let in. */
static int crowd_enter(struct crowd *crowd)
{
    const size_t before = crowd->gate.socket_count;
    const struct tunnel_target target = {.address = crowd->gate.address, .endpoint = crowd->gate.platform.endpoint};
    int client = -1;
    assert_ok(tunnel_connect(crowd->outside, &target, TUNNEL_TEST_TIMEOUT_MS, NULL, &client, NULL));
    (void)tunnel_test_server_socket(&crowd->gate, before);
    return client;
}

/* A stranger, who connects and says nothing. */
static int crowd_stare(struct crowd *crowd)
{
    const int stranger = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(tunnel_listener_port(crowd->gate.listener)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(stranger, (const struct sockaddr *)&address, sizeof(address)), 0);
    return stranger;
}

static void expect_alive(struct crowd *crowd, int client, size_t server)
{
    tunnel_test_send(client, SLICE_LITERAL("still here"));
    tunnel_test_expect(crowd->gate.sockets[server], "still here");
}

static void test_strangers_lock_nobody_out(void **)
{
    static struct crowd crowd;
    crowd_init(&crowd, &(struct tunnel_limits){.connections = 6, .handshake_ms = 600000, .idle_ms = 600000});
    const int first = crowd_enter(&crowd);
    int strangers[12];
    for (size_t i = 0; i < 12; i++) strangers[i] = crowd_stare(&crowd);
    /* Those who came first made room, one for each that came too many; who was let in stays. */
    for (size_t i = 0; i < 7; i++) tunnel_test_expect_end(strangers[i]);
    const int second = crowd_enter(&crowd);
    expect_alive(&crowd, second, 1);
    expect_alive(&crowd, first, 0);
    tunnel_test_expect_end(strangers[7]);
    struct tunnel_counts counts;
    tunnel_listener_counts(crowd.gate.listener, &counts);
    assert_int_equal(counts.dropped, 8);
    for (size_t i = 0; i < 12; i++) (void)close(strangers[i]);
    (void)close(first);
    (void)close(second);
    crowd_done(&crowd);
}

static void test_who_was_quiet_longest_gives_way(void **)
{
    static struct crowd crowd;
    crowd_init(&crowd, &(struct tunnel_limits){.connections = 3});
    int clients[4];
    for (size_t i = 0; i < 3; i++) clients[i] = crowd_enter(&crowd);
    expect_alive(&crowd, clients[0], 0);
    clients[3] = crowd_enter(&crowd);
    tunnel_test_expect_end(clients[1]);
    expect_alive(&crowd, clients[0], 0);
    expect_alive(&crowd, clients[2], 2);
    expect_alive(&crowd, clients[3], 3);
    for (size_t i = 0; i < 4; i++) (void)close(clients[i]);
    crowd_done(&crowd);
}

static void test_handshakes_and_silence_have_an_end(void **)
{
    static struct crowd crowd;
    crowd_init(&crowd, &(struct tunnel_limits){.handshake_ms = 200});
    const int stranger = crowd_stare(&crowd);
    tunnel_test_expect_end(stranger);
    (void)close(stranger);
    crowd_done(&crowd);
    crowd_init(&crowd, &(struct tunnel_limits){.idle_ms = 800});
    const int client = crowd_enter(&crowd);
    tunnel_test_expect_end(client);
    (void)close(client);
    crowd_done(&crowd);
}

static int64_t pace(void *wait_ms, const struct client_address *client)
{
    static const uint8_t loopback[] = {127, 0, 0, 1};
    assert_int_equal(client->family, CLIENT_IPV4);
    assert_memory_equal(client->bytes, loopback, sizeof(loopback));
    return *(const int64_t *)wait_ms;
}

static void test_newcomers_may_have_to_wait(void **)
{
    int64_t wait_ms = 300;
    tunnel_listener_set_pace(fixture.listener, pace, &wait_ms);
    const int64_t begin_ms = clock_monotonic_ms();
    const int client = tunnel_test_connect(&fixture);
    assert_true(clock_monotonic_ms() - begin_ms >= 300);
    const int server = tunnel_test_server_socket(&fixture, 0);
    assert_int_equal(fixture.clients[0].bytes[0], 127);
    tunnel_test_send(client, SLICE_LITERAL("late"));
    tunnel_test_expect(server, "late");
    (void)close(client);
    struct tunnel_counts counts;
    tunnel_listener_counts(fixture.listener, &counts);
    assert_int_equal(counts.slowed, 1);
}

static void test_newcomers_may_be_turned_away(void **)
{
    (void)signal(SIGPIPE, SIG_IGN); /* as in every program: the client writes to who is gone */
    int64_t wait_ms = -1;
    struct refusal why = {};
    int client = -1;
    tunnel_listener_set_pace(fixture.listener, pace, &wait_ms);
    assert_int_not_equal(tunnel_test_dial(&fixture, &why, &client, NULL), OK);
    wait_ms = 0;
    client = tunnel_test_connect(&fixture);
    (void)close(client);
    struct tunnel_counts counts;
    tunnel_listener_counts(fixture.listener, &counts);
    assert_int_equal(counts.slowed, 1);
    assert_int_equal(counts.accepted, 1);
}

static void test_who_says_nothing_is_not_counted(void **)
{
    int64_t wait_ms = -1;
    tunnel_listener_set_pace(fixture.listener, pace, &wait_ms);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(tunnel_listener_port(fixture.listener)),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    uint8_t byte;
    const struct timeval patience = {.tv_usec = 300000};
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(recv(client, &byte, 1, 0), -1);
    assert_int_equal(errno, EAGAIN);
    struct tunnel_counts counts;
    tunnel_listener_counts(fixture.listener, &counts);
    assert_int_equal(counts.slowed, 0);
    assert_int_equal(send(client, "\x16", 1, MSG_NOSIGNAL), 1);
    assert_true(recv(client, &byte, 1, 0) == 0 || errno == ECONNRESET);
    tunnel_listener_counts(fixture.listener, &counts);
    assert_int_equal(counts.slowed, 1);
    (void)close(client);
}

static void test_a_listener_may_be_freed_while_somebody_waits(void **)
{
    (void)signal(SIGPIPE, SIG_IGN); /* as in every program: the server writes to who is gone */
    int64_t wait_ms = 400;
    struct refusal why = {};
    int client = -1;
    tunnel_listener_set_pace(fixture.listener, pace, &wait_ms);
    const struct tunnel_target target = {.address = fixture.address, .endpoint = fixture.platform.endpoint};
    assert_status(tunnel_connect(fixture.tunnel, &target, 100, &why, &client, NULL), ERR_TIMEOUT);
    tunnel_listener_free(fixture.listener);
    fixture.listener = NULL;
    (void)usleep(500000);
    assert_int_equal(fixture.socket_count, 0);
}

static void test_draining_waits_until_peers_have_taken_all(void **)
{
    enum { ANSWER_BYTES = TRANSFER_BYTES / 4 }; /* more than all buffers on the way hold */
    const int client = tunnel_test_connect(&fixture);
    const int server = tunnel_test_server_socket(&fixture, 0);
    assert_false(tunnel_drain(fixture.tunnel, 50));
    uint8_t *const answer = calloc(1, ANSWER_BYTES);
    pthread_t thread;
    struct sender sender = {.socket = server, .size = ANSWER_BYTES};
    assert_int_equal(pthread_create(&thread, NULL, send_pattern, &sender), 0);
    size_t taken = 0;
    while (taken < ANSWER_BYTES / 2) taken += tunnel_test_receive(client, answer, ANSWER_BYTES / 2 - taken);
    assert_false(tunnel_drain(fixture.tunnel, 50));
    while (taken < ANSWER_BYTES) taken += tunnel_test_receive(client, answer, ANSWER_BYTES - taken);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)shutdown(server, SHUT_RDWR);
    assert_true(tunnel_drain(fixture.tunnel, TUNNEL_TEST_TIMEOUT_MS));
    free(answer);
    (void)close(client);
}

/* The peer takes nothing of an answer that is larger than all buffers on the way. */
static void test_who_takes_nothing_is_left(void **)
{
    static struct crowd crowd;
    crowd_init(&crowd, &(struct tunnel_limits){.stall_ms = 700});
    const int client = crowd_enter(&crowd);
    const int server = crowd.gate.sockets[0];
    static uint8_t chunk[65536];
    size_t sent = 0;
    struct pollfd wait = {.fd = server, .events = POLLOUT};
    for (;;) {
        assert_int_equal(poll(&wait, 1, TUNNEL_TEST_TIMEOUT_MS), 1);
        const ssize_t put = send(server, chunk, sizeof(chunk), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && errno != EAGAIN) break;
        if (put > 0) sent += (size_t)put;
        assert_true(sent < (size_t)256 << 20);
    }
    (void)close(client);
    crowd_done(&crowd);
}

/* ---- the gate's forward ---- */

static int listen_unix(const char *path)
{
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    return listener;
}

static void forward_to(const char *inner)
{
    struct refusal why = {};
    assert_ok(tunnel_forward(fixture.tunnel, "127.0.0.1:0", fixture.gate.endpoint, inner, &why, &fixture.listener));
    tunnel_listener_on_refusal(fixture.listener, tunnel_test_on_refusal, &fixture);
    (void)snprintf(fixture.address, sizeof(fixture.address), "127.0.0.1:%u", tunnel_listener_port(fixture.listener));
}

static void test_forward_to_a_unix_socket(void **)
{
    char folder[] = "/tmp/lazaret-tunnel-test-XXXXXX", path[64], inner[80];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/redis", folder);
    (void)snprintf(inner, sizeof(inner), "unix:%s", path);
    const int listener = listen_unix(path);
    forward_to(inner);
    const int client = tunnel_test_connect(&fixture);
    tunnel_test_send(client, SLICE_LITERAL("*1\r\n$4\r\nPING\r\n"));
    const int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server >= 0);
    tunnel_test_expect(server, "*1\r\n$4\r\nPING\r\n");
    tunnel_test_send(server, SLICE_LITERAL("+PONG\r\n"));
    tunnel_test_expect(client, "+PONG\r\n");
    (void)close(server);
    tunnel_test_expect_end(client);
    (void)close(client);
    (void)close(listener);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void test_forward_to_tcp(void **)
{
    int listener = -1;
    uint16_t port = 0;
    assert_ok(address_listen("127.0.0.1:0", NULL, &listener, &port));
    char inner[64];
    (void)snprintf(inner, sizeof(inner), "127.0.0.1:%u", port);
    forward_to(inner);
    const int client = tunnel_test_connect(&fixture);
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, TUNNEL_TEST_TIMEOUT_MS), 1);
    const int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    tunnel_test_send(server, SLICE_LITERAL("first word of the server"));
    tunnel_test_expect(client, "first word of the server");
    (void)close(client);
    tunnel_test_expect_end(server);
    (void)close(server);
    (void)close(listener);
}

static void test_the_inner_server_is_away(void **)
{
    forward_to("unix:/tmp/lazaret-no-such-socket");
    const int client = tunnel_test_connect(&fixture);
    tunnel_test_expect_end(client);
    (void)close(client);
    wait_until_open(0);
}

static void test_a_refused_peer_never_reaches_the_inner_server(void **)
{
    int listener = -1;
    uint16_t port = 0;
    assert_ok(address_listen("127.0.0.1:0", NULL, &listener, &port));
    char inner[64];
    (void)snprintf(inner, sizeof(inner), "127.0.0.1:%u", port);
    forward_to(inner);
    const struct tunnel_peer_rule nobody = {.rules = &fixture.gate.fixture.rules};
    tunnel_endpoint_set_rule(fixture.gate.endpoint, &nobody);
    struct refusal why = {};
    int client = -1;
    assert_status(tunnel_test_dial(&fixture, &why, &client, NULL), ERR_PEER_REFUSED);
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 100), 0);
    (void)close(listener);
}

/* ---- the dialer ---- */

static int dial_path(const char *path)
{
    const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof(address)), 0);
    return client;
}

static struct tunnel_dialer *new_dialer(const char *address)
{
    struct tunnel_dialer *dialer = NULL;
    const struct tunnel_target target = {.address = address, .endpoint = fixture.platform.endpoint};
    assert_ok(tunnel_dialer_new(fixture.tunnel, &target, NULL, &dialer));
    return dialer;
}

static void test_the_dialer_carries_connections(void **)
{
    struct tunnel_dialer *const dialer = new_dialer(fixture.address);
    struct stat facts;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s", tunnel_dialer_path(dialer));
    for (size_t i = 0; i < 3; i++) {
        const int client = dial_path(path);
        tunnel_test_send(client, SLICE_LITERAL("through the path"));
        tunnel_test_expect(tunnel_test_server_socket(&fixture, i), "through the path");
        (void)close(client);
    }
    assert_ok(tunnel_dialer_last_refusal(dialer, NULL));
    *strrchr(path, '/') = '\0';
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0700);
    tunnel_dialer_free(dialer);
    assert_int_not_equal(stat(path, &facts), 0);
}

static void test_the_dialer_tells_why_it_failed(void **)
{
    struct tunnel_dialer *const dialer = new_dialer(fixture.address);
    struct refusal why = {};
    assert_int_equal(json_object_set_new(tunnel_test_lazaret(&fixture.gate), "service", json_string("keys")), 0);
    tunnel_test_show(&fixture, &fixture.gate);
    const int client = dial_path(tunnel_dialer_path(dialer));
    tunnel_test_expect_end(client);
    assert_status(tunnel_dialer_last_refusal(dialer, &why), ERR_PEER_REFUSED);
    assert_status(why.status, ERR_TOKEN_SERVICE);
    assert_ok(tunnel_dialer_last_refusal(dialer, &why));
    (void)close(client);
    tunnel_dialer_free(dialer);

    struct tunnel_dialer *const nowhere = new_dialer("no-such-host.invalid:1");
    const int lost = dial_path(tunnel_dialer_path(nowhere));
    tunnel_test_expect_end(lost);
    assert_status(tunnel_dialer_last_refusal(nowhere, &why), ERR_CONNECT);
    (void)close(lost);
    tunnel_dialer_free(nowhere);
}

static void test_dialers_that_cannot_be(void **)
{
    struct tunnel_dialer *dialer = NULL;
    struct refusal why = {};
    const struct tunnel_target bad = {.address = "nonsense", .endpoint = fixture.platform.endpoint};
    assert_status(tunnel_dialer_new(fixture.tunnel, &bad, &why, &dialer), ERR_CONFIG);
    const struct tunnel_target nameless = {.address = "127.0.0.1:1"};
    assert_status(tunnel_dialer_new(fixture.tunnel, &nameless, &why, &dialer), ERR_CONFIG);
    const struct tunnel_target no_pem = {
        .address = "127.0.0.1:1", .server_name = "localhost", .ca_pem = SLICE_LITERAL("x")};
    assert_status(tunnel_dialer_new(fixture.tunnel, &no_pem, &why, &dialer), ERR_CERTIFICATE_MALFORMED);
}

/* The peer has ended its side, and the inner end does not notice. */
static void test_a_half_closed_connection_is_not_kept(void **)
{
    static struct crowd crowd;
    crowd_init(&crowd, &(struct tunnel_limits){.stall_ms = 700});
    const int client = crowd_enter(&crowd);
    const int server = crowd.gate.sockets[0];
    tunnel_test_send(client, SLICE_LITERAL("the end"));
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    tunnel_test_expect(server, "the end");
    tunnel_test_expect_end(client);
    (void)close(client);
    crowd_done(&crowd);
}

int main(void)
{
#define TUNNEL_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TUNNEL_TEST(test_a_slow_reader_stops_its_sender),
        TUNNEL_TEST(test_both_directions_at_once),
        TUNNEL_TEST(test_each_direction_ends_on_its_own),
        TUNNEL_TEST(test_the_server_may_end_first),
        TUNNEL_TEST(test_nothing_is_lost_when_the_inner_end_closes),
        TUNNEL_TEST(test_closed_connections_are_forgotten),
        TUNNEL_TEST(test_strangers_do_no_harm),
        TUNNEL_TEST(test_older_versions_are_refused),
        TUNNEL_TEST(test_no_tickets_and_a_goodbye),
        TUNNEL_TEST(test_a_reset_ends_the_connection),
        TUNNEL_TEST(test_ordinary_tls),
        TUNNEL_TEST(test_web_identities_that_are_not_usable),
        TUNNEL_TEST(test_nobody_listens),
        TUNNEL_TEST(test_a_silent_server_times_out),
        TUNNEL_TEST(test_a_freed_listener_calls_nobody),
        TUNNEL_TEST(test_idle_connections_cost_little),
        cmocka_unit_test(test_the_limit_of_dialled_connections),
        cmocka_unit_test(test_strangers_lock_nobody_out),
        cmocka_unit_test(test_who_was_quiet_longest_gives_way),
        cmocka_unit_test(test_handshakes_and_silence_have_an_end),
        cmocka_unit_test(test_who_takes_nothing_is_left),
        TUNNEL_TEST(test_draining_waits_until_peers_have_taken_all),
        TUNNEL_TEST(test_newcomers_may_have_to_wait),
        TUNNEL_TEST(test_newcomers_may_be_turned_away),
        TUNNEL_TEST(test_who_says_nothing_is_not_counted),
        TUNNEL_TEST(test_a_listener_may_be_freed_while_somebody_waits),
        cmocka_unit_test(test_a_half_closed_connection_is_not_kept),
        TUNNEL_TEST(test_forward_to_a_unix_socket),
        TUNNEL_TEST(test_forward_to_tcp),
        TUNNEL_TEST(test_the_inner_server_is_away),
        TUNNEL_TEST(test_a_refused_peer_never_reaches_the_inner_server),
        TUNNEL_TEST(test_the_dialer_carries_connections),
        TUNNEL_TEST(test_the_dialer_tells_why_it_failed),
        TUNNEL_TEST(test_dialers_that_cannot_be),
    };
    return cmocka_run_group_tests_name("channel/tunnel", tests, NULL, NULL);
}
