/* SPDX-License-Identifier: Apache-2.0
 *
 * Clients that wait for their connection: connect and probe.
 */
#include "channel/tunnel_internal.h"

#include <unistd.h>

/* One call, on its caller's stack, until the loop has finished it. */
struct call {
    struct task task;
    struct tunnel *tunnel;
    struct connection_dial dial;
    bool is_probe;
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool is_finished;
    enum status status;
    struct refusal *why;  /* may be NULL */
    struct buffer *token; /* of a probe, or NULL */
    int inner;
    struct tunnel_peer peer;
};

/* The call's memory may be gone when this returns. */
static void finish(struct call *call, enum status status)
{
    (void)pthread_mutex_lock(&call->lock);
    call->status = status;
    call->is_finished = true;
    (void)pthread_cond_signal(&call->finished);
    (void)pthread_mutex_unlock(&call->lock);
}

static enum status take_inner(struct call *call, struct connection *connection)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return ERR_IO;
    connection_open(connection, pair[0]);
    call->inner = pair[1];
    return OK;
}

static void on_opened(void *context, struct connection *connection, const struct tunnel_peer *peer)
{
    struct call *const call = context;
    if (peer != NULL) call->peer = *peer;
    enum status status = OK;
    if (call->token != NULL) status = buffer_append(call->token, connection_token(connection));
    if (status == OK && !call->is_probe) status = take_inner(call, connection);
    if (status != OK || call->is_probe) connection_close(connection);
    finish(call, status);
}

static void on_failed(void *context, enum status status, const struct refusal *why, struct slice token)
{
    struct call *const call = context;
    if (call->why != NULL) *call->why = *why;
    if (call->token != NULL && buffer_append(call->token, token) != OK) status = ERR_TOO_LARGE;
    finish(call, status);
}

/* The call may have returned long before. */
static void on_closed(void *context, bool was_opened)
{
    (void)context;
    (void)was_opened;
}

static void dial(struct task *task)
{
    static const struct connection_owner owner = {.opened = on_opened, .failed = on_failed, .closed = on_closed};
    struct call *const call = (struct call *)task;
    const enum status status = connection_dial(call->tunnel, &call->dial, &owner, call);
    if (status != OK) finish(call, refuse(call->why, status, "tunnel", "a connection", "%s", status_text(status)));
}

static enum status dial_and_wait(struct call *call)
{
    (void)pthread_mutex_init(&call->lock, NULL);
    (void)pthread_cond_init(&call->finished, NULL);
    loop_post(call->tunnel, &call->task);
    (void)pthread_mutex_lock(&call->lock);
    while (!call->is_finished) (void)pthread_cond_wait(&call->finished, &call->lock);
    (void)pthread_mutex_unlock(&call->lock);
    (void)pthread_cond_destroy(&call->finished);
    (void)pthread_mutex_destroy(&call->lock);
    return call->status;
}

static void context_cleanup(SSL_CTX **context)
{
    SSL_CTX_free(*context);
}

static enum status run_call(const struct tunnel_target *target, int timeout_ms, struct call *call)
{
    struct address address;
    struct address_list addresses;
    TRY(address_parse(target->address, call->why, &address));
    TRY(address_resolve(&address, call->why, &addresses));
    CLEANUP(context_cleanup) SSL_CTX *ordinary = NULL;
    if (target->endpoint == NULL) TRY(tls_client_context(target->ca_pem, call->why, &ordinary));
    call->task.run = dial;
    call->inner = -1;
    call->dial = (struct connection_dial){.addresses = &addresses,
                                          .endpoint = target->endpoint,
                                          .ordinary = ordinary,
                                          .server_name = target->server_name,
                                          .timeout_ms = timeout_ms};
    return dial_and_wait(call);
}

enum status tunnel_connect(struct tunnel *tunnel, const struct tunnel_target *target, int timeout_ms,
                           struct refusal *why, int *inner_socket_out, struct tunnel_peer *peer_out)
{
    struct call call = {.tunnel = tunnel, .why = why};
    TRY(run_call(target, timeout_ms, &call));
    *inner_socket_out = call.inner;
    if (peer_out != NULL && target->endpoint != NULL) *peer_out = call.peer;
    return OK;
}

enum status tunnel_probe(struct tunnel *tunnel, const struct tunnel_target *target, int timeout_ms, struct refusal *why,
                         struct buffer *token, struct tunnel_peer *peer_out)
{
    struct call call = {.tunnel = tunnel, .why = why, .is_probe = true, .token = token};
    TRY(run_call(target, timeout_ms, &call));
    if (peer_out != NULL && target->endpoint != NULL) *peer_out = call.peer;
    return OK;
}
