/* SPDX-License-Identifier: Apache-2.0
 *
 * How a connection comes to be open: dialled or accepted, TLS handshake with the peer check, the server's acceptance.
 */
#include "channel/tunnel_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

static void opened(struct connection *connection)
{
    const bool is_known = connection->is_attested;
    event_want(&connection->outer_read, false);
    event_want(&connection->outer_write, false);
    connection->is_reported = true;
    connection->is_opened = true;
    connection->valid_until_s = is_known ? connection->handshake->peer.valid_until_s : 0;
    connection->owner->opened(connection->context, connection, is_known ? &connection->handshake->peer : NULL);
}

static void fail_tls(struct connection *connection)
{
    struct refusal why = connection->handshake->why;
    enum status status = ERR_PEER_REFUSED;
    connection->is_broken = true;
    if (why.status == OK)
        status = tls_failure(connection->tls, connection->is_attested && !connection->is_server, &why);
    connection_fail(connection, status, &why);
}

/* After an operation that did not end: waits for what it needs, or gives up. */
static void wait_for_tls(struct connection *connection, int result)
{
    const int error = SSL_get_error(connection->tls, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        fail_tls(connection);
        return;
    }
    event_want(&connection->outer_read, error == SSL_ERROR_WANT_READ);
    event_want(&connection->outer_write, error == SSL_ERROR_WANT_WRITE);
}

/* A server that has accepted its client sends a KeyUpdate (see tunnel.h). If it does not fit into the socket now, it
 * goes out before the first byte. */
static void say_accepted(struct connection *connection)
{
    ERR_clear_error();
    if (SSL_key_update(connection->tls, SSL_KEY_UPDATE_NOT_REQUESTED) == 1) (void)SSL_do_handshake(connection->tls);
}

static void watch_messages(int is_write, int version, int type, const void *bytes, size_t size, SSL *tls, void *context)
{
    (void)version;
    (void)tls;
    struct connection *const connection = context;
    const bool is_key_update =
        is_write == 0 && type == SSL3_RT_HANDSHAKE && size > 0 && *(const uint8_t *)bytes == SSL3_MT_KEY_UPDATE;
    if (is_key_update && connection->handshake != NULL) connection->handshake->is_accepted = true;
}

static void step_acceptance(struct connection *connection)
{
    uint8_t byte;
    ERR_clear_error();
    /* Bytes are as good a word: a server sends none to a client that it has not accepted. */
    const int peeked = SSL_peek(connection->tls, &byte, sizeof(byte));
    if (peeked > 0 || connection->handshake->is_accepted) {
        SSL_set_msg_callback(connection->tls, NULL);
        opened(connection);
    } else {
        wait_for_tls(connection, peeked);
    }
}

static void step_handshake(struct connection *connection)
{
    ERR_clear_error();
    const int result = SSL_do_handshake(connection->tls);
    if (result != 1) {
        wait_for_tls(connection, result);
        return;
    }
    if (connection->is_attested && !connection->handshake->is_peer_known) {
        fail_tls(connection);
    } else if (!connection->is_attested) {
        opened(connection);
    } else if (connection->is_server) {
        say_accepted(connection);
        opened(connection);
    } else {
        connection->state = CONNECTION_ACCEPTANCE;
        step_acceptance(connection);
    }
}

static void step_dialling(struct connection *connection);
static void step_silent(struct connection *connection);

static void on_outer(evutil_socket_t unused, short what, void *context)
{
    (void)unused;
    struct connection *const connection = context;
    const bool can_read = (what & EV_READ) != 0, can_write = (what & EV_WRITE) != 0;
    switch (connection->state) {
    case CONNECTION_SILENT: step_silent(connection); break;
    case CONNECTION_PACED: break;
    case CONNECTION_DIALLING: step_dialling(connection); break;
    case CONNECTION_HANDSHAKE: step_handshake(connection); break;
    case CONNECTION_ACCEPTANCE: step_acceptance(connection); break;
    case CONNECTION_INNER: break;
    case CONNECTION_OPEN:
        connection_carry(connection, can_read || connection->read_wants_write,
                         can_write || connection->write_wants_read);
        break;
    }
}

static void attach_outer(struct connection *connection, int outer)
{
    struct event_base *const base = connection->tunnel->base;
    connection->outer = outer;
    (void)event_assign(&connection->outer_read, base, outer, EV_READ | EV_PERSIST, on_outer, connection);
    (void)event_assign(&connection->outer_write, base, outer, EV_WRITE | EV_PERSIST, on_outer, connection);
}

static enum status begin_tls(struct connection *connection, SSL_CTX *context)
{
    connection->tls = SSL_new(context);
    if (connection->tls == NULL || SSL_set_app_data(connection->tls, connection) != 1) return ERR_CRYPTO;
    const int must_show = SSL_VERIFY_PEER | (connection->is_server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    if (connection->is_attested) SSL_set_verify(connection->tls, must_show, NULL);
    if (connection->is_server) {
        SSL_set_accept_state(connection->tls);
        return OK;
    }
    SSL_set_connect_state(connection->tls);
    if (!connection->is_attested) return OK;
    SSL_set_msg_callback(connection->tls, watch_messages);
    SSL_set_msg_callback_arg(connection->tls, connection);
    return OK;
}

static bool start_handshake(struct connection *connection)
{
    connection->state = CONNECTION_HANDSHAKE;
    set_no_delay(connection->outer);
    return SSL_set_fd(connection->tls, connection->outer) == 1;
}

/* ---- servers ---- */

/* There is no memory. A fatal alert (internal_error) in the clear, which a client understands before the handshake. */
static void refuse_politely(int outer)
{
    static const uint8_t alert[] = {SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, SSL_AD_INTERNAL_ERROR};
    (void)send(outer, alert, sizeof(alert), MSG_NOSIGNAL);
    (void)shutdown(outer, SHUT_WR);
    /* Bytes that are not read would turn the close into a reset, which overtakes the alert. */
    uint8_t hello[2048];
    (void)recv(outer, hello, sizeof(hello), MSG_DONTWAIT);
    (void)close(outer);
}

static bool begin_server_tls(struct connection *connection)
{
    const struct endpoint_view *const view = &connection->handshake->view;
    const struct tunnel *const tunnel = connection->tunnel;
    if (begin_tls(connection, view->identity != NULL ? view->identity->context : tunnel->anonymous) != OK ||
        !start_handshake(connection))
        return false;
    event_want(&connection->outer_read, true);
    return true;
}

void connection_begin(struct connection *connection)
{
    const int timeout_ms = connection->tunnel->limits.handshake_ms;
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    if (event_add(connection->handshake->timer, &timeout) != 0 || !begin_server_tls(connection))
        connection_close(connection);
}

/* A reset is the least that a newcomer can cost, and leaves nothing behind. */
static void turn_away(struct connection *connection)
{
    const struct linger none = {.l_onoff = 1};
    (void)setsockopt(connection->outer, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    connection_close(connection);
}

/* It says something: whoever stays silent costs next to nothing, and need not be counted. */
static void step_silent(struct connection *connection)
{
    const int64_t wait_ms = connection->owner->heard(connection->context, &connection->client);
    const struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    if (wait_ms == 0) {
        connection_begin(connection);
        return;
    }
    event_want(&connection->outer_read, false);
    connection->state = CONNECTION_PACED;
    if (wait_ms < 0 || event_add(connection->handshake->timer, &wait) != 0) turn_away(connection);
}

enum status connection_accept(struct tunnel *tunnel, const struct connection_arrival *arrival,
                              const struct connection_owner *owner, void *context)
{
    struct connection *connection = NULL;
    const enum status status =
        connection_new(tunnel, arrival->queues, owner, context, tunnel->limits.handshake_ms, &connection);
    if (status != OK) {
        refuse_politely(arrival->outer);
        return status;
    }
    attach_outer(connection, arrival->outer);
    connection->is_server = true;
    connection->client = arrival->client;
    const struct endpoint_view view = connection->handshake->view = endpoint_view(arrival->endpoint);
    /* An attested identity asks for attestation in any case: a rule that is not there yet must not open the door. */
    connection->is_attested =
        (view.identity != NULL && view.identity->is_attested) || (view.rule != NULL && view.rule->rules != NULL);
    connection->state = CONNECTION_SILENT;
    if (arrival->is_paced) {
        event_want(&connection->outer_read, true);
        return OK;
    }
    if (begin_server_tls(connection)) return OK;
    connection_free(connection);
    return ERR_CRYPTO;
}

/* ---- clients ---- */

int handshake_dial_next(struct handshake *handshake)
{
    const struct address_list *const list = &handshake->addresses;
    while (handshake->next_address < list->count) {
        const size_t i = handshake->next_address++;
        const struct sockaddr *const address = (const struct sockaddr *)&list->items[i].socket;
        int dialled = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (dialled < 0) continue;
        if (connect(dialled, address, list->items[i].size) == 0 || errno == EINPROGRESS) return dialled;
        const int reason = errno;
        close_descriptor(&dialled);
        errno = reason;
    }
    return -1;
}

int socket_error(int descriptor)
{
    int error = 0;
    socklen_t size = sizeof(error);
    return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static void fail_dialling(struct connection *connection, int reason)
{
    struct refusal why = {};
    (void)!refuse(&why, ERR_CONNECT, "address", "a peer that listens", "%s", strerror(reason));
    connection_fail(connection, ERR_CONNECT, &why);
}

static void dial_outer(struct connection *connection)
{
    const int outer = handshake_dial_next(connection->handshake);
    if (outer < 0) {
        fail_dialling(connection, errno);
        return;
    }
    attach_outer(connection, outer);
    event_want(&connection->outer_write, true);
}

static void step_dialling(struct connection *connection)
{
    const int error = socket_error(connection->outer);
    event_want(&connection->outer_write, false);
    if (error == 0) {
        if (start_handshake(connection))
            step_handshake(connection);
        else
            fail_tls(connection);
        return;
    }
    close_descriptor(&connection->outer);
    if (connection->handshake->next_address < connection->handshake->addresses.count)
        dial_outer(connection);
    else
        fail_dialling(connection, error);
}

static enum status prepare_client(struct connection *connection, const struct connection_dial *dial)
{
    struct tunnel *const tunnel = connection->tunnel;
    connection->is_attested = dial->endpoint != NULL;
    if (dial->endpoint == NULL) {
        TRY(begin_tls(connection, dial->ordinary));
        return tls_expect_server(connection->tls, dial->server_name, clock_now_s(tunnel->clock));
    }
    connection->handshake->view = endpoint_view(dial->endpoint);
    const struct tunnel_identity *const identity = connection->handshake->view.identity;
    return begin_tls(connection, identity != NULL ? identity->context : tunnel->anonymous);
}

enum status connection_dial(struct tunnel *tunnel, const struct connection_dial *dial,
                            const struct connection_owner *owner, void *context)
{
    struct connection *connection = NULL;
    TRY(connection_new(tunnel, NULL, owner, context, dial->timeout_ms, &connection));
    const enum status status = prepare_client(connection, dial);
    if (status != OK) {
        connection_free(connection);
        return status;
    }
    connection->state = CONNECTION_DIALLING;
    connection->handshake->addresses = *dial->addresses;
    dial_outer(connection);
    return OK;
}
