/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "channel/address.h"
#include "http/server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* A request's head, its parsed fields and the answer's head live in one block of this size for each connection. */
enum { CONNECTION_MEMORY_BYTES = 32 * 1024, CONNECTION_MAX_COUNT = 65536 };

static struct visit *take_arrival(struct http_server *server, int socket)
{
    (void)pthread_mutex_lock(&server->lock);
    struct visit **place = &server->arrivals;
    while (*place != NULL && (*place)->socket != socket) place = &(*place)->next_arrival;
    struct visit *const visit = *place;
    if (visit != NULL) *place = visit->next_arrival;
    (void)pthread_mutex_unlock(&server->lock);
    return visit;
}

static struct visit *visit_new(int socket, const struct client_address *client, const struct tunnel_peer *peer)
{
    struct visit *const visit = calloc(1, sizeof(*visit));
    if (visit == NULL) return NULL;
    visit->socket = socket;
    visit->has_peer = peer != NULL;
    if (client != NULL) visit->client = *client;
    if (peer != NULL) visit->peer = *peer;
    return visit;
}

/* The connection's context is its visit. Those of the tunnel have arrived with theirs; those that the plain listener
 * took in get one here. Without memory for it there is none, and the connection ends at its first request. */
static void connection_notify(void *context, struct MHD_Connection *connection, void **slot,
                              enum MHD_ConnectionNotificationCode code)
{
    struct http_server *const server = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const int socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        struct visit *visit = take_arrival(server, socket);
        if (visit == NULL) visit = visit_new(socket, NULL, NULL);
        if (visit != NULL) visits_begin(&server->visits, visit);
        *slot = visit;
    } else if (*slot != NULL) {
        visits_end(&server->visits, *slot);
        *slot = NULL;
    }
}

/* Targets are decoded by our own, strict reader. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct http_server *server, unsigned flags, int listener)
{
    const struct MHD_OptionItem listening[] = {
        {listener < 0 ? MHD_OPTION_END : MHD_OPTION_LISTEN_SOCKET, listener, NULL}, {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(
        flags | MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, exchange_step, server,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_end, server, MHD_OPTION_NOTIFY_CONNECTION, connection_notify, server,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, server, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTION_MAX_COUNT, MHD_OPTION_CONNECTION_TIMEOUT,
        ((unsigned)server->visits.limits.idle_ms + 999) / 1000, MHD_OPTION_ARRAY, listening, MHD_OPTION_END);
}

void connection_resume(struct http_server *server, struct MHD_Connection *connection)
{
    MHD_resume_connection(connection);
    /* With a thread of its own the library wakes it by itself. */
    if (server->guest != NULL) tunnel_guest_wake(server->guest);
}

/* On the tunnel's thread. */
static bool run_daemon(void *context)
{
    const struct http_server *const server = context;
    MHD_UNSIGNED_LONG_LONG left_ms = 0;
    (void)MHD_run(server->daemon);
    return MHD_get_timeout(server->daemon, &left_ms) == MHD_YES && left_ms == 0;
}

static enum status join_tunnel(struct http_server *server)
{
    const union MHD_DaemonInfo *const info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0) return ERR_IO;
    return tunnel_invite(server->options.tunnel, info->epoll_fd, run_daemon, server, &server->guest);
}

static enum status open_daemon(struct http_server *server)
{
    const unsigned thread = server->options.tunnel != NULL ? MHD_NO_FLAG : MHD_USE_INTERNAL_POLLING_THREAD;
    server->daemon = start_daemon(server, MHD_USE_NO_LISTEN_SOCKET | thread, -1);
    if (server->daemon == NULL) return ERR_IO;
    return server->options.tunnel != NULL ? join_tunnel(server) : OK;
}

static enum status open_queue(struct http_server *server)
{
    const struct http_server_options *const options = &server->options;
    const size_t queue = options->queue > 0 ? options->queue : HTTP_DEFAULT_QUEUE;
    TRY(fair_queue_init(&server->queue, (queue + options->parts - 1) / options->parts));
    if (options->rate_limiter == NULL) TRY(rate_limiter_new(&options->rate_limit, &server->own_rate_limiter));
    server->rate_limiter = options->rate_limiter != NULL ? options->rate_limiter : server->own_rate_limiter;
    return http_server_set_origins(server, options->allowed_origins);
}

enum status http_server_new(const struct http_server_options *options, struct http_server **server_out)
{
    struct http_server *const server = calloc(1, sizeof(*server));
    if (server == NULL) return ERR_NO_MEMORY;
    server->options = *options;
    if (server->options.parts == 0) server->options.parts = 1;
    (void)pthread_mutex_init(&server->lock, NULL);
    (void)pthread_cond_init(&server->work_came, NULL);
    (void)pthread_cond_init(&server->work_done, NULL);
    enum status status = open_queue(server);
    if (status == OK) status = visits_start(&server->visits, &options->limits, server->options.parts, server);
    if (status == OK) status = workers_start(server, options->workers > 0 ? options->workers : HTTP_DEFAULT_WORKERS);
    if (status == OK) status = open_daemon(server);
    if (status != OK)
        http_server_free(server);
    else
        *server_out = server;
    return status;
}

void http_server_free(struct http_server *server)
{
    if (server == NULL) return;
    workers_stop(server);
    visits_stop(&server->visits);
    /* The plain one first: what it holds and lets go of wakes the guest, too. */
    if (server->plain != NULL) MHD_stop_daemon(server->plain);
    tunnel_guest_free(server->guest);
    if (server->daemon != NULL) MHD_stop_daemon(server->daemon);
    while (server->arrivals != NULL) free(take_arrival(server, server->arrivals->socket));
    visits_done(&server->visits);
    fair_queue_done(&server->queue);
    rate_limiter_free(server->own_rate_limiter);
    (void)pthread_cond_destroy(&server->work_done);
    (void)pthread_cond_destroy(&server->work_came);
    (void)pthread_mutex_destroy(&server->lock);
    free(server);
}

/* False if there is no memory: without knowing who it is the connection must not be served. */
static bool remember_arrival(struct http_server *server, int socket, const struct client_address *client,
                             const struct tunnel_peer *peer)
{
    struct visit *const visit = visit_new(socket, client, peer);
    if (visit == NULL) return false;
    /* The library did not take an earlier one with this socket, and closed it. */
    free(take_arrival(server, socket));
    (void)pthread_mutex_lock(&server->lock);
    visit->next_arrival = server->arrivals;
    server->arrivals = visit;
    (void)pthread_mutex_unlock(&server->lock);
    return true;
}

void http_server_on_connection(void *context, int inner_socket, const struct client_address *client,
                               const struct tunnel_peer *peer)
{
    struct http_server *const server = context;
    if (!remember_arrival(server, inner_socket, client, peer)) {
        (void)close(inner_socket);
        return;
    }
    const struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* The library closes the socket if it cannot take it. */
    if (MHD_add_connection(server->daemon, inner_socket, (const struct sockaddr *)&address, sizeof(address)) != MHD_YES)
        free(take_arrival(server, inner_socket));
}

enum status http_server_listen_plain(struct http_server *server, const char *address, struct refusal *why,
                                     uint16_t *port_out)
{
    if (server->plain != NULL) return refuse(why, ERR_CONFIG, address, "one plain listener", "another one");
    visits_fit(&server->visits);
    int listener = -1;
    uint16_t port = 0;
    TRY(address_listen(address, why, &listener, &port));
    server->plain = start_daemon(server, MHD_USE_INTERNAL_POLLING_THREAD, listener);
    if (server->plain == NULL) {
        (void)close(listener);
        return refuse(why, ERR_IO, address, "a server on this address", "none");
    }
    *port_out = port;
    return OK;
}

int64_t http_server_pace(void *context, const struct client_address *client)
{
    struct http_server *const server = context;
    return rate_limiter_connection(server->rate_limiter, client, clock_monotonic_ms());
}

void http_server_set_rate_limit(struct http_server *server, const struct rate_limit *limit)
{
    rate_limiter_set(server->rate_limiter, limit);
}

enum status http_server_set_origins(struct http_server *server, const char *const origins[HTTP_ORIGIN_MAX_COUNT])
{
    size_t count = 0;
    for (; count < HTTP_ORIGIN_MAX_COUNT && origins[count] != NULL; count++) {
        if (strlen(origins[count]) > HTTP_ORIGIN_MAX_BYTES) return ERR_TOO_LARGE;
    }
    (void)pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < count; i++) memcpy(server->origins[i], origins[i], strlen(origins[i]) + 1);
    server->origin_count = count;
    (void)pthread_mutex_unlock(&server->lock);
    return OK;
}

void http_server_begin_drain(struct http_server *server)
{
    server->is_draining = true;
    visits_begin_drain(&server->visits);
}

void http_server_drain(struct http_server *server, int64_t patience_ms)
{
    server->is_draining = true;
    if (!visits_drain(&server->visits, patience_ms))
        log_event(LOG_WARNING, "requests.cut_off", log_text(LOG_DETAIL, "some were not answered in time"));
}

void http_server_counts(const struct http_server *server, uint64_t counts_out[static 6])
{
    for (size_t i = 0; i < 6; i++) counts_out[i] = server->counts[i];
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    const struct exchange *const exchange = request->internal;
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    const struct exchange *const exchange = request->internal;
    return http_query_value(&exchange->query, name);
}

const char *http_request_segment(const struct http_request *request, const char *name)
{
    const struct exchange *const exchange = request->internal;
    for (size_t i = 0; i < exchange->segment_count; i++) {
        if (slice_equal_text(exchange->segments[i].name, name))
            return (const char *)exchange->path.bytes + exchange->segments[i].value;
    }
    return NULL;
}
