/* SPDX-License-Identifier: Apache-2.0
 *
 * A gate and a platform over a real loopback socket: two attested endpoints whose tokens come from one test issuer, and
 * rules by which each accepts the other. Tests depart from here.
 */
#pragma once

#include "base/clock.h"
#include "channel/tunnel.h"
#include "tokens.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

enum { TUNNEL_TEST_TIMEOUT_MS = 20000, TUNNEL_TEST_SOCKETS = 1024 };

/* One side: its token and keys, its endpoint, and the rule under which it accepts the other. */
struct tunnel_side {
    struct token_fixture fixture;
    struct tunnel_endpoint *endpoint;
};

struct tunnel_fixture {
    struct key *issuer;
    struct clock *clock;
    struct tunnel *tunnel;
    struct tunnel_side gate, platform;
    struct tunnel_listener *listener;
    char address[64];

    pthread_mutex_t lock;
    pthread_cond_t changed;
    int sockets[TUNNEL_TEST_SOCKETS]; /* inner ends of the server, in order of arrival */
    struct tunnel_peer peers[TUNNEL_TEST_SOCKETS];
    struct client_address clients[TUNNEL_TEST_SOCKETS];
    size_t socket_count;
    struct refusal refused;
    size_t refused_count;
};

static inline void tunnel_test_on_connection(void *context, int inner, const struct client_address *client,
                                             const struct tunnel_peer *peer)
{
    struct tunnel_fixture *const fixture = context;
    (void)pthread_mutex_lock(&fixture->lock);
    assert_true(fixture->socket_count < TUNNEL_TEST_SOCKETS);
    if (peer != NULL) fixture->peers[fixture->socket_count] = *peer;
    fixture->clients[fixture->socket_count] = *client;
    fixture->sockets[fixture->socket_count++] = inner;
    (void)pthread_cond_broadcast(&fixture->changed);
    (void)pthread_mutex_unlock(&fixture->lock);
}

static inline void tunnel_test_on_refusal(void *context, const struct refusal *why)
{
    struct tunnel_fixture *const fixture = context;
    (void)pthread_mutex_lock(&fixture->lock);
    fixture->refused = *why;
    fixture->refused_count++;
    (void)pthread_cond_broadcast(&fixture->changed);
    (void)pthread_mutex_unlock(&fixture->lock);
}

static inline void tunnel_test_wait(struct tunnel_fixture *fixture, const size_t *count, size_t wanted)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TUNNEL_TEST_TIMEOUT_MS / 1000;
    (void)pthread_mutex_lock(&fixture->lock);
    while (*count < wanted) {
        if (pthread_cond_timedwait(&fixture->changed, &fixture->lock, &until) != 0) break;
    }
    const bool is_there = *count >= wanted;
    (void)pthread_mutex_unlock(&fixture->lock);
    assert_true(is_there);
}

/* The server's inner end number `i`. */
static inline int tunnel_test_server_socket(struct tunnel_fixture *fixture, size_t i)
{
    tunnel_test_wait(fixture, &fixture->socket_count, i + 1);
    return fixture->sockets[i];
}

static inline json_t *tunnel_test_lazaret(struct tunnel_side *side)
{
    return json_object_get(json_object_get(side->fixture.payload, "x-ms-runtime"), "lazaret");
}

/* Makes a side's identity from its fixture as it is now, and shows it. */
static inline void tunnel_test_show(struct tunnel_fixture *fixture, struct tunnel_side *side)
{
    (void)fixture;
    CLEANUP(buffer_done) struct buffer token = token_fixture_mint(&side->fixture);
    struct tunnel_identity *identity = NULL;
    /* The certificate is made while the token is young, so that a test may let it expire. */
    assert_ok(tunnel_identity_attested(side->fixture.keys[KEY_USE_TLS], buffer_slice(&token), TOKEN_TEST_NOW_S - 2000,
                                       &identity));
    tunnel_endpoint_set_identity(side->endpoint, identity);
}

/* `side` accepts `other` by its own rules. */
static inline void tunnel_test_accept(struct tunnel_side *side, const struct tunnel_side *other)
{
    const struct tunnel_peer_rule rule = {
        .rules = &side->fixture.rules, .roles = {&other->fixture.role}, .role_count = 1};
    tunnel_endpoint_set_rule(side->endpoint, &rule);
}

static inline void tunnel_side_init(struct tunnel_side *side, const struct key *issuer, const char *service)
{
    token_fixture_init(&side->fixture, issuer);
    assert_ok(tunnel_endpoint_new(&side->endpoint));
    assert_int_equal(json_object_set_new(tunnel_test_lazaret(side), "service", json_string(service)), 0);
    (void)snprintf(side->fixture.role.service, sizeof(side->fixture.role.service), "%s", service);
}

static inline void tunnel_fixture_listen(struct tunnel_fixture *fixture, struct tunnel_endpoint *endpoint)
{
    struct refusal why = {};
    assert_ok(tunnel_listen(fixture->tunnel, "127.0.0.1:0", endpoint, tunnel_test_on_connection, fixture, &why,
                            &fixture->listener));
    tunnel_listener_on_refusal(fixture->listener, tunnel_test_on_refusal, fixture);
    (void)snprintf(fixture->address, sizeof(fixture->address), "127.0.0.1:%u", tunnel_listener_port(fixture->listener));
}

/* Everything but the listener. */
static inline void tunnel_fixture_init_with(struct tunnel_fixture *fixture, const struct tunnel_limits *limits)
{
    *fixture = (struct tunnel_fixture){};
    (void)pthread_mutex_init(&fixture->lock, NULL);
    (void)pthread_cond_init(&fixture->changed, NULL);
    assert_ok(key_generate(KEY_P256, 0, &fixture->issuer));
    assert_ok(clock_new_fixed(TOKEN_TEST_NOW_S, &fixture->clock));
    assert_ok(tunnel_new(fixture->clock, limits, &fixture->tunnel));
    tunnel_side_init(&fixture->gate, fixture->issuer, "gate");
    tunnel_side_init(&fixture->platform, fixture->issuer, "platform");
    tunnel_test_accept(&fixture->gate, &fixture->platform);
    tunnel_test_accept(&fixture->platform, &fixture->gate);
    tunnel_test_show(fixture, &fixture->gate);
    tunnel_test_show(fixture, &fixture->platform);
}

static inline void tunnel_fixture_init(struct tunnel_fixture *fixture)
{
    tunnel_fixture_init_with(fixture, NULL);
    tunnel_fixture_listen(fixture, fixture->gate.endpoint);
}

static inline void tunnel_fixture_done(struct tunnel_fixture *fixture)
{
    tunnel_free(fixture->tunnel);
    for (size_t i = 0; i < fixture->socket_count; i++) (void)close(fixture->sockets[i]);
    struct tunnel_side *const sides[] = {&fixture->gate, &fixture->platform};
    for (size_t i = 0; i < 2; i++) {
        tunnel_endpoint_free(sides[i]->endpoint);
        token_fixture_done(&sides[i]->fixture);
    }
    clock_free(fixture->clock);
    key_cleanup(&fixture->issuer);
    (void)pthread_cond_destroy(&fixture->changed);
    (void)pthread_mutex_destroy(&fixture->lock);
}

static inline enum status tunnel_test_dial(struct tunnel_fixture *fixture, struct refusal *why, int *socket_out,
                                           struct tunnel_peer *peer_out)
{
    const struct tunnel_target target = {.address = fixture->address, .endpoint = fixture->platform.endpoint};
    return tunnel_connect(fixture->tunnel, &target, TUNNEL_TEST_TIMEOUT_MS, why, socket_out, peer_out);
}

/* The platform's connection to the gate, which must be accepted. */
static inline int tunnel_test_connect(struct tunnel_fixture *fixture)
{
    struct refusal why = {};
    int client = -1;
    if (tunnel_test_dial(fixture, &why, &client, NULL) != OK)
        fail_msg("%s: %s: %s", status_name(why.status), why.field, why.seen);
    return client;
}

static inline void tunnel_test_send(int socket, struct slice bytes)
{
    while (bytes.size > 0) {
        const ssize_t sent = send(socket, bytes.bytes, bytes.size, MSG_NOSIGNAL);
        assert_true(sent > 0);
        bytes = slice_part(bytes, (size_t)sent, bytes.size);
    }
}

/* At most `size` bytes, 0 at the end of the stream. */
static inline size_t tunnel_test_receive(int socket, uint8_t *bytes, size_t size)
{
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, TUNNEL_TEST_TIMEOUT_MS), 1);
    const ssize_t got = recv(socket, bytes, size, 0);
    return got > 0 ? (size_t)got : 0;
}

static inline void tunnel_test_expect(int socket, const char *text)
{
    char seen[256] = "";
    size_t size = 0;
    while (size < strlen(text)) {
        const size_t got = tunnel_test_receive(socket, (uint8_t *)seen + size, strlen(text) - size);
        assert_true(got > 0);
        size += got;
    }
    assert_string_equal(seen, text);
}

static inline void tunnel_test_expect_end(int socket)
{
    uint8_t byte;
    assert_int_equal(tunnel_test_receive(socket, &byte, 1), 0);
}

/* A self-signed web certificate for "localhost" and 127.0.0.1, and its key, as PEM text. */
struct web_certificate {
    struct buffer certificate, key;
};

static inline void web_certificate_take(BIO *text, struct buffer *pem)
{
    char *bytes = NULL;
    const long size = BIO_get_mem_data(text, &bytes);
    *pem = buffer_of_maximum(8192);
    assert_ok(buffer_append(pem, slice_of(bytes, (size_t)size)));
    (void)BIO_free(text);
}

static inline void web_certificate_extend(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *const extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static inline struct web_certificate web_certificate_make(int64_t now_s)
{
    EVP_PKEY *const key = EVP_EC_gen("P-256");
    X509 *const certificate = X509_new();
    assert_true(key != NULL && certificate != NULL);
    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 7);
    (void)ASN1_TIME_set(X509_getm_notBefore(certificate), now_s - 3600);
    (void)ASN1_TIME_set(X509_getm_notAfter(certificate), now_s + 3600);
    X509_NAME *const name = X509_get_subject_name(certificate);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    (void)X509_set_issuer_name(certificate, name);
    (void)X509_set_pubkey(certificate, key);
    web_certificate_extend(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    struct web_certificate web = {};
    BIO *text = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(text, certificate), 1);
    web_certificate_take(text, &web.certificate);
    text = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(text, key, NULL, NULL, 0, NULL, NULL), 1);
    web_certificate_take(text, &web.key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return web;
}

static inline void web_certificate_done(struct web_certificate *web)
{
    buffer_done(&web->certificate);
    buffer_done(&web->key);
}

static inline struct tunnel_identity *web_certificate_identity(const struct web_certificate *web)
{
    struct tunnel_identity *identity = NULL;
    assert_ok(tunnel_identity_web(buffer_slice(&web->certificate), buffer_slice(&web->key), NULL, &identity));
    return identity;
}
