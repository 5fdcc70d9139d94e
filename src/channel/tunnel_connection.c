/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection: made, opened, closed, and its inner end. How it comes to be open is tunnel_handshake.c.
 */
#include "channel/tunnel_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void event_want(struct event *event, bool wanted)
{
    if (!event_initialized(event)) return;
    const bool is_there = event_pending(event, EV_READ | EV_WRITE, NULL) != 0;
    if (wanted && !is_there) (void)event_add(event, NULL);
    if (!wanted && is_there) (void)event_del(event);
}

void set_nonblocking(int descriptor)
{
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0) (void)fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

/* Small answers must not wait for the peer's acknowledgement. Not a TCP socket: no matter. */
void set_no_delay(int descriptor)
{
    const int on = 1;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* ---- queues ---- */

static void leave_queue(struct connection *connection)
{
    struct connection_queue *const queue = connection->queue;
    if (queue == NULL) return;
    *(connection->older != NULL ? &connection->older->newer : &queue->oldest) = connection->newer;
    *(connection->newer != NULL ? &connection->newer->older : &queue->newest) = connection->older;
    queue->count--;
    connection->queue = NULL;
    connection->older = connection->newer = NULL;
}

void connection_queue_up(struct connection *connection, struct connection_queue *queue)
{
    leave_queue(connection);
    connection->older = queue->newest;
    *(queue->newest != NULL ? &queue->newest->newer : &queue->oldest) = connection;
    queue->newest = connection;
    queue->count++;
    connection->queue = queue;
}

void connection_active(struct connection *connection)
{
    connection->active_ms = clock_monotonic_ms();
    if (connection->queues != NULL && connection->queue == &connection->queues->open)
        connection_queue_up(connection, connection->queue);
}

/* ---- making and closing ---- */

static void handshake_free(struct handshake *handshake)
{
    if (handshake == NULL) return;
    endpoint_view_done(&handshake->view);
    if (handshake->timer != NULL) event_free(handshake->timer);
    buffer_done(&handshake->token);
    free(handshake);
}

void connection_fail(struct connection *connection, enum status status, const struct refusal *why)
{
    connection->is_reported = true;
    connection->owner->failed(connection->context, status, why, buffer_slice(&connection->handshake->token));
    connection_close(connection);
}

static void on_timeout(evutil_socket_t unused, short what, void *context)
{
    (void)unused;
    (void)what;
    struct connection *const connection = context;
    static const char *const fields[] = {
        [CONNECTION_SILENT] = "tls.handshake",      [CONNECTION_PACED] = "tls.handshake",
        [CONNECTION_DIALLING] = "connect",          [CONNECTION_HANDSHAKE] = "tls.handshake",
        [CONNECTION_ACCEPTANCE] = "tls.acceptance", [CONNECTION_INNER] = "inner",
    };
    if (connection->state == CONNECTION_PACED) {
        connection_begin(connection);
        return;
    }
    if (connection->is_opened) {
        connection_close(connection);
        return;
    }
    struct refusal why = {};
    (void)!refuse(&why, ERR_TIMEOUT, fields[connection->state], "an answer in time", "none");
    connection_fail(connection, ERR_TIMEOUT, &why);
}

static struct handshake *handshake_new(struct connection *connection, int timeout_ms)
{
    struct handshake *const handshake = calloc(1, sizeof(*handshake));
    if (handshake == NULL) return NULL;
    handshake->token = buffer_of_maximum(TOKEN_MAX_BYTES);
    handshake->timer = event_new(connection->tunnel->base, -1, 0, on_timeout, connection);
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    if (handshake->timer != NULL && event_add(handshake->timer, &timeout) == 0) return handshake;
    handshake_free(handshake);
    return NULL;
}

static size_t most_dialled(const struct tunnel *tunnel)
{
    return tunnel->limits.connections < TUNNEL_DIALLED_MAX ? tunnel->limits.connections : TUNNEL_DIALLED_MAX;
}

enum status connection_new(struct tunnel *tunnel, struct connection_queues *queues,
                           const struct connection_owner *owner, void *context, int timeout_ms,
                           struct connection **connection_out)
{
    if (queues == NULL && tunnel->dialled_count >= most_dialled(tunnel)) return ERR_BUSY;
    struct connection *const connection = calloc(1, sizeof(*connection));
    if (connection == NULL) return ERR_NO_MEMORY;
    connection->tunnel = tunnel;
    connection->queues = queues;
    connection->owner = owner;
    connection->context = context;
    connection->outer = connection->inner = -1;
    connection->handshake = handshake_new(connection, timeout_ms);
    if (connection->handshake == NULL) {
        free(connection);
        return ERR_NO_MEMORY;
    }
    connection->next = tunnel->connections;
    connection->place = &tunnel->connections;
    if (connection->next != NULL) connection->next->place = &connection->next;
    tunnel->connections = connection;
    if (queues == NULL)
        tunnel->dialled_count++;
    else
        connection_queue_up(connection, &queues->handshake);
    *connection_out = connection;
    return OK;
}

static void remove_events(struct connection *connection)
{
    struct event *const events[] = {&connection->outer_read, &connection->outer_write, &connection->inner_read,
                                    &connection->inner_write};
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (event_initialized(events[i])) (void)event_del(events[i]);
    }
}

void connection_free(struct connection *connection)
{
    remove_events(connection);
    *connection->place = connection->next;
    if (connection->next != NULL) connection->next->place = connection->place;
    leave_queue(connection);
    if (connection->queues == NULL) connection->tunnel->dialled_count--;
    handshake_free(connection->handshake);
    SSL_free(connection->tls);
    close_descriptor(&connection->outer);
    close_descriptor(&connection->inner);
    flow_done(&connection->inbound);
    flow_done(&connection->outbound);
    free(connection);
}

void connection_close(struct connection *connection)
{
    if (!connection->is_reported) {
        struct refusal why = {};
        connection->is_reported = true;
        (void)!refuse(&why, ERR_CLOSED, "tunnel", "an open tunnel", "it was closed");
        connection->owner->failed(connection->context, ERR_CLOSED, &why, (struct slice){});
    }
    if (connection->tls != NULL && !connection->is_broken && SSL_is_init_finished(connection->tls)) {
        ERR_clear_error();
        (void)SSL_shutdown(connection->tls);
    }
    if (connection->outer >= 0) (void)shutdown(connection->outer, SHUT_WR);
    /* The queue is the owner's, who may be gone after its last connection. */
    leave_queue(connection);
    connection->owner->closed(connection->context, connection->is_opened);
    connection_free(connection);
}

static void begin_to_linger(struct connection *connection, int64_t now_ms)
{
    connection->linger_until_ms = now_ms + TUNNEL_LINGER_MS;
    if (connection->queues != NULL) connection_queue_up(connection, &connection->queues->lingering);
}

/* Whether the peer takes too little of what waits for it. A single byte now and then is as good as none: it would hold
 * an answer, and a place, for as long as the peer likes. */
static bool is_stalled(struct connection *connection, int64_t now_ms)
{
    const struct flow *const out = &connection->outbound;
    const bool waits = out->bytes != NULL || (out->source_ended && !out->sink_ended);
    if (!waits || connection->stalled_ms == 0) {
        connection->stalled_ms = waits ? now_ms : 0;
        connection->taken = 0;
        return false;
    }
    if (now_ms - connection->stalled_ms < connection->tunnel->limits.stall_ms) return false;
    const bool is_slow = connection->taken < TUNNEL_STALL_MIN_BYTES;
    connection->stalled_ms = now_ms;
    connection->taken = 0;
    return is_slow;
}

void connection_tick(struct connection *connection, int64_t now_ms, int64_t now_s)
{
    if (connection->state != CONNECTION_OPEN) return;
    if (connection->is_inner_gone && connection->outbound.sink_ended && connection->linger_until_ms == 0)
        begin_to_linger(connection, now_ms);
    const struct tunnel_limits *const limits = &connection->tunnel->limits;
    const bool is_idle = now_ms - connection->active_ms >= limits->idle_ms;
    const bool has_lingered = connection->linger_until_ms != 0 && now_ms >= connection->linger_until_ms;
    const bool is_past_token = connection->valid_until_s != 0 && now_s >= connection->valid_until_s;
    /* Who has ended its side can only wait for an answer; an inner end that overlooked it would wait, too. */
    const bool is_left = connection->inbound.sink_ended && now_ms - connection->active_ms >= limits->stall_ms;
    if (is_idle || has_lingered || is_past_token || is_left || is_stalled(connection, now_ms))
        connection_close(connection);
}

/* ---- inner end ---- */

void connection_carry(struct connection *connection, bool inbound, bool outbound)
{
    bool is_alive = true;
    if (inbound) is_alive = pump_inbound(connection);
    if (outbound && is_alive) is_alive = pump_outbound(connection);
    if (is_alive)
        pump_set_interest(connection);
    else
        connection_close(connection);
}

static void on_inner(evutil_socket_t unused, short what, void *context)
{
    (void)unused;
    struct connection *const connection = context;
    if (connection->state == CONNECTION_OPEN) {
        connection_carry(connection, (what & EV_WRITE) != 0, (what & EV_READ) != 0);
        return;
    }
    if (socket_error(connection->inner) != 0) {
        connection_close(connection);
        return;
    }
    const int inner = connection->inner;
    remove_events(connection);
    connection->inner = -1;
    connection_open(connection, inner);
}

static void attach_inner(struct connection *connection, int inner)
{
    struct event_base *const base = connection->tunnel->base;
    connection->inner = inner;
    (void)event_assign(&connection->inner_read, base, inner, EV_READ | EV_PERSIST, on_inner, connection);
    (void)event_assign(&connection->inner_write, base, inner, EV_WRITE | EV_PERSIST, on_inner, connection);
}

struct slice connection_token(const struct connection *connection)
{
    return buffer_slice(&connection->handshake->token);
}

void connection_open(struct connection *connection, int inner)
{
    handshake_free(connection->handshake);
    connection->handshake = NULL;
    set_nonblocking(inner);
    set_no_delay(inner);
    attach_inner(connection, inner);
    connection->state = CONNECTION_OPEN;
    if (connection->queues != NULL) connection_queue_up(connection, &connection->queues->open);
    connection_active(connection);
    pump_set_interest(connection);
    /* What came together with the end of the handshake lies in the TLS object, not in the socket. */
    event_active(&connection->outer_read, EV_READ, 0);
}

void connection_dial_inner(struct connection *connection, const struct address_list *addresses)
{
    connection->state = CONNECTION_INNER;
    connection->handshake->addresses = *addresses;
    connection->handshake->next_address = 0;
    const int inner = handshake_dial_next(connection->handshake);
    if (inner < 0) {
        connection_close(connection);
        return;
    }
    attach_inner(connection, inner);
    event_want(&connection->inner_write, true);
}
