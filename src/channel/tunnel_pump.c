/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of an open connection. Each direction reads a piece, hands it on, and keeps what the other end did not
 * take; while something is kept it reads no more, so a slow reader slows its sender down instead of filling memory.
 */
#include "channel/tunnel_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum step { STEP_ON, STEP_WAIT, STEP_OVER };

void flow_done(struct flow *flow)
{
    if (flow->bytes != NULL) secret_wipe(flow->bytes, flow->size);
    free(flow->bytes);
    flow->bytes = NULL;
    flow->offset = flow->size = 0;
}

static struct slice flow_rest(const struct flow *flow)
{
    return slice_of(flow->bytes + flow->offset, flow->size - flow->offset);
}

static enum step flow_keep(struct flow *flow, struct slice bytes)
{
    flow->bytes = malloc(bytes.size);
    if (flow->bytes == NULL) return STEP_OVER;
    memcpy(flow->bytes, bytes.bytes, bytes.size);
    flow->offset = 0;
    flow->size = bytes.size;
    return STEP_WAIT;
}

/* After an operation that did not succeed. TLS may have to write before it can read on, and the other way round:
 * `unusual` is that error, and `flag` tells so to whoever chooses what to wait for. */
static enum step tls_step(struct connection *connection, int result, int unusual, bool *flag)
{
    const int error = SSL_get_error(connection->tls, result);
    *flag = error == unusual;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return STEP_WAIT;
    connection->is_broken = true;
    return STEP_OVER;
}

/* ---- inbound: outer to inner ---- */

/* Writes as much as the inner end takes. One that is gone takes everything. */
static enum step put_inner(struct connection *connection, struct slice *bytes)
{
    while (bytes->size > 0 && !connection->is_inner_gone) {
        const ssize_t put = send(connection->inner, bytes->bytes, bytes->size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return STEP_WAIT;
        if (put < 0)
            connection->is_inner_gone = true;
        else
            *bytes = slice_part(*bytes, (size_t)put, bytes->size);
    }
    return STEP_ON;
}

static enum step flush_inbound(struct connection *connection)
{
    struct flow *const flow = &connection->inbound;
    if (flow->bytes == NULL) return STEP_ON;
    struct slice rest = flow_rest(flow);
    const enum step step = put_inner(connection, &rest);
    flow->offset = flow->size - rest.size;
    if (step == STEP_ON) flow_done(flow);
    return step;
}

static enum step read_outer(struct connection *connection)
{
    struct tunnel *const tunnel = connection->tunnel;
    ERR_clear_error();
    const int got = SSL_read(connection->tls, tunnel->scratch, TUNNEL_WATERMARK_BYTES);
    if (got > 0) {
        struct slice bytes = slice_of(tunnel->scratch, (size_t)got);
        return put_inner(connection, &bytes) == STEP_ON ? STEP_ON : flow_keep(&connection->inbound, bytes);
    }
    if (SSL_get_error(connection->tls, got) == SSL_ERROR_ZERO_RETURN) {
        connection->inbound.source_ended = true;
        return STEP_ON;
    }
    return tls_step(connection, got, SSL_ERROR_WANT_WRITE, &connection->read_wants_write);
}

static bool is_over(const struct connection *connection)
{
    return connection->inbound.sink_ended && connection->outbound.sink_ended;
}

static bool end_inbound(struct connection *connection)
{
    if (!connection->inbound.sink_ended) (void)shutdown(connection->inner, SHUT_WR);
    connection->inbound.sink_ended = true;
    return !is_over(connection);
}

bool pump_inbound(struct connection *connection)
{
    connection->read_wants_write = false;
    for (int chunk = 0; chunk < TUNNEL_CHUNKS_PER_TURN; chunk++) {
        enum step step = flush_inbound(connection);
        if (step == STEP_ON && connection->inbound.source_ended) return end_inbound(connection);
        if (step == STEP_ON) step = read_outer(connection);
        if (step != STEP_ON) return step == STEP_WAIT;
        connection_active(connection);
    }
    if (connection->inbound.source_ended) return end_inbound(connection);
    /* Others' turn. What TLS holds already would not make the socket readable again, so ask for the next turn. */
    event_active(&connection->outer_read, EV_READ, 0);
    return true;
}

/* ---- outbound: inner to outer ---- */

static enum step put_outer(struct connection *connection, struct slice *bytes)
{
    while (bytes->size > 0) {
        ERR_clear_error();
        const int put = SSL_write(connection->tls, bytes->bytes, (int)bytes->size);
        if (put <= 0) return tls_step(connection, put, SSL_ERROR_WANT_READ, &connection->write_wants_read);
        connection->taken += (size_t)put;
        *bytes = slice_part(*bytes, (size_t)put, bytes->size);
    }
    return STEP_ON;
}

static enum step flush_outbound(struct connection *connection)
{
    struct flow *const flow = &connection->outbound;
    if (flow->bytes == NULL) return STEP_ON;
    struct slice rest = flow_rest(flow);
    const enum step step = put_outer(connection, &rest);
    flow->offset = flow->size - rest.size;
    if (step == STEP_ON) flow_done(flow);
    return step;
}

/* Whether the inner end is closed in both directions, not only done with sending. */
static bool inner_hung_up(const struct connection *connection)
{
    struct pollfd state = {.fd = connection->inner};
    return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

static enum step read_inner(struct connection *connection)
{
    struct tunnel *const tunnel = connection->tunnel;
    const ssize_t got = recv(connection->inner, tunnel->scratch, TUNNEL_WATERMARK_BYTES, 0);
    if (got > 0) {
        struct slice bytes = slice_of(tunnel->scratch, (size_t)got);
        const enum step step = put_outer(connection, &bytes);
        return step == STEP_WAIT ? flow_keep(&connection->outbound, bytes) : step;
    }
    if (got < 0 && errno == EINTR) return STEP_ON;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return STEP_WAIT;
    connection->outbound.source_ended = true;
    if (got < 0 || inner_hung_up(connection)) connection->is_inner_gone = true;
    return STEP_ON;
}

/* TLS's goodbye, then TCP's. */
static bool end_outbound(struct connection *connection)
{
    if (connection->outbound.sink_ended) return !is_over(connection);
    ERR_clear_error();
    const int said = SSL_shutdown(connection->tls);
    if (said < 0) return tls_step(connection, said, SSL_ERROR_WANT_READ, &connection->write_wants_read) == STEP_WAIT;
    (void)shutdown(connection->outer, SHUT_WR);
    connection->outbound.sink_ended = true;
    return !is_over(connection);
}

bool pump_outbound(struct connection *connection)
{
    connection->write_wants_read = false;
    for (int chunk = 0; chunk < TUNNEL_CHUNKS_PER_TURN; chunk++) {
        enum step step = flush_outbound(connection);
        if (step == STEP_ON && connection->outbound.source_ended) return end_outbound(connection);
        if (step == STEP_ON) step = read_inner(connection);
        if (step != STEP_ON) return step == STEP_WAIT;
        connection_active(connection);
    }
    return true;
}

void pump_set_interest(struct connection *connection)
{
    const struct flow *const in = &connection->inbound, *const out = &connection->outbound;
    const bool has_goodbye = out->source_ended && !out->sink_ended;
    event_want(&connection->outer_read, (!in->source_ended && in->bytes == NULL && !connection->read_wants_write) ||
                                            connection->write_wants_read);
    event_want(&connection->outer_write,
               ((out->bytes != NULL || has_goodbye) && !connection->write_wants_read) || connection->read_wants_write);
    event_want(&connection->inner_read, !out->source_ended && out->bytes == NULL);
    event_want(&connection->inner_write, in->bytes != NULL);
}
