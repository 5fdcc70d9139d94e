/* SPDX-License-Identifier: Apache-2.0
 *
 * Servers: accepted connections go to a callback as inner sockets, or to a plain server behind (the gate).
 */
#include "base/log.h"
#include "base/processors.h"
#include "channel/tunnel_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

enum { DESCRIPTOR_PAUSE_MS = 100, TELL_AGAIN_MS = 60000 };

struct tunnel_listener {
    struct tunnel *tunnel;
    struct tunnel_listener *next, **place;
    int socket; /* -1: a branch */
    bool is_closed;
    uint16_t port;
    struct event *accepting, *pause;
    struct tunnel_listener *branches[TUNNEL_BRANCHES_MAX];
    size_t branch_count;
    _Atomic size_t held; /* connections given to it and not closed yet */
    uint64_t given;      /* in all; its acceptor's */
    struct tunnel_endpoint *endpoint;
    tunnel_on_connection *on_connection; /* NULL: `inner` is dialled */
    void *context;
    struct address_list inner;
    tunnel_on_refusal *on_refusal;
    void *refusal_context;
    tunnel_pace *pace; /* NULL: nobody waits */
    void *pace_context;
    size_t owners; /* the caller's handle, and each connection */
    struct connection_queues queues;
    int64_t told_ms; /* when the log was last told that there is no room */
    _Atomic uint64_t accepted, open, refused, dropped, slowed;
};

static void release(struct tunnel_listener *listener)
{
    if (--listener->owners == 0) free(listener);
}

/* ---- what becomes of connections ---- */

static void hand_over(struct tunnel_listener *listener, struct connection *connection, const struct tunnel_peer *peer)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        connection_close(connection);
        return;
    }
    /* `peer` lies in the connection's handshake, which ends here. */
    const struct tunnel_peer copy = peer != NULL ? *peer : (struct tunnel_peer){};
    const bool is_known = peer != NULL;
    const struct client_address client = connection->client;
    connection_open(connection, pair[0]);
    listener->on_connection(listener->context, pair[1], &client, is_known ? &copy : NULL);
}

static void on_opened(void *context, struct connection *connection, const struct tunnel_peer *peer)
{
    struct tunnel_listener *const listener = context;
    listener->accepted++;
    listener->open++;
    if (listener->is_closed)
        connection_close(connection);
    else if (listener->on_connection == NULL)
        connection_dial_inner(connection, &listener->inner);
    else
        hand_over(listener, connection, peer);
}

static void on_failed(void *context, enum status status, const struct refusal *why, struct slice token)
{
    (void)token;
    struct tunnel_listener *const listener = context;
    if (status != ERR_PEER_REFUSED) return;
    listener->refused++;
    if (listener->on_refusal != NULL) listener->on_refusal(listener->refusal_context, why);
}

static void on_closed(void *context, bool was_opened)
{
    struct tunnel_listener *const listener = context;
    if (was_opened) listener->open--;
    listener->held--;
    release(listener);
}

static int64_t on_heard(void *context, const struct client_address *client)
{
    struct tunnel_listener *const listener = context;
    const int64_t wait_ms = listener->pace(listener->pace_context, client);
    if (wait_ms != 0) listener->slowed++;
    return wait_ms;
}

static const struct connection_owner server_owner = {
    .heard = on_heard, .opened = on_opened, .failed = on_failed, .closed = on_closed};

/* ---- accepting ---- */

static void resume_accepting(evutil_socket_t unused, short what, void *context)
{
    (void)unused;
    (void)what;
    struct tunnel_listener *const listener = context;
    (void)event_add(listener->accepting, NULL);
}

/* Out of descriptors or memory: the connection stays in the kernel's queue, and would wake this thread again at once.
 */
static void pause_accepting(struct tunnel_listener *listener)
{
    static const struct timeval pause = {.tv_usec = DESCRIPTOR_PAUSE_MS * 1000};
    (void)event_del(listener->accepting);
    (void)event_add(listener->pause, &pause);
}

/* Who goes if there is no room for one more (see tunnel.h). */
static struct connection *least_worth(const struct connection_queues *queues, size_t maximum)
{
    if (queues->lingering.count > 0) return queues->lingering.oldest;
    const bool has_many_handshakes = queues->handshake.count >= maximum - maximum / 2;
    return has_many_handshakes || queues->open.count == 0 ? queues->handshake.oldest : queues->open.oldest;
}

static void make_room(struct tunnel_listener *listener)
{
    const struct connection_queues *const queues = &listener->queues;
    const size_t maximum = listener->tunnel->limits.connections;
    if (queues->handshake.count + queues->open.count + queues->lingering.count < maximum) return;
    const int64_t now_ms = clock_monotonic_ms();
    if (listener->told_ms == 0 || now_ms - listener->told_ms >= TELL_AGAIN_MS) {
        listener->told_ms = now_ms;
        log_event(LOG_WARNING, "connections.no_room", log_number(LOG_COUNT, (int64_t)maximum));
    }
    listener->dropped++;
    connection_close(least_worth(queues, maximum));
}

static void take_in(struct tunnel_listener *listener, int outer, const struct sockaddr *address)
{
    const struct connection_arrival arrival = {.outer = outer,
                                               .client = client_address_of(address),
                                               .endpoint = listener->endpoint,
                                               .queues = &listener->queues,
                                               .is_paced = listener->pace != NULL};
    make_room(listener);
    listener->owners++;
    if (connection_accept(listener->tunnel, &arrival, &server_owner, listener) == OK) return;
    listener->held--;
    release(listener);
}

/* ---- branches ---- */

union any_address {
    struct sockaddr any;
    struct sockaddr_storage room;
};

struct arrival_task {
    struct task task;
    struct tunnel_listener *branch;
    int outer;
    union any_address address;
};

static void run_arrival(struct task *task)
{
    struct arrival_task *const arrival = (struct arrival_task *)task;
    take_in(arrival->branch, arrival->outer, &arrival->address.any);
    free(arrival);
}

static int delivering_processor(int outer)
{
    int processor = ANY_PROCESSOR;
    socklen_t size = sizeof(processor);
    return getsockopt(outer, SOL_SOCKET, SO_INCOMING_CPU, &processor, &size) == 0 ? processor : ANY_PROCESSOR;
}

static struct tunnel_listener *taker_of(struct tunnel_listener *listener, size_t i)
{
    return i == 0 ? listener : listener->branches[i - 1];
}

static size_t most_held(struct tunnel_listener *listener)
{
    size_t fewest = listener->held;
    for (size_t i = 0; i < listener->branch_count; i++) {
        const size_t held = listener->branches[i]->held;
        if (held < fewest) fewest = held;
    }
    return fewest + fewest / 4 + TUNNEL_HELD_MORE;
}

/* Whose turn it is. */
static struct tunnel_listener *next_taker(struct tunnel_listener *listener, size_t most)
{
    struct tunnel_listener *next = NULL;
    for (size_t i = 0; i <= listener->branch_count; i++) {
        struct tunnel_listener *const taker = taker_of(listener, i);
        if (taker->held <= most && (next == NULL || taker->given < next->given)) next = taker;
    }
    return next != NULL ? next : listener;
}

static struct tunnel_listener *choose(struct tunnel_listener *listener, int outer)
{
    if (listener->branch_count == 0) return listener;
    const size_t most = most_held(listener);
    struct tunnel_listener *const next = next_taker(listener, most);
    const int processor = delivering_processor(outer);
    struct tunnel_listener *near = NULL;
    for (size_t i = 0; i <= listener->branch_count; i++) {
        struct tunnel_listener *const taker = taker_of(listener, i);
        const bool is_near = processor != ANY_PROCESSOR && taker->tunnel->processor == processor;
        if (is_near && taker->held <= most && (near == NULL || taker->given < near->given)) near = taker;
        /* Who gets none for a while does not catch up afterwards. */
        if (taker->held > most && taker->given < next->given) taker->given = next->given;
    }
    struct tunnel_listener *const chosen = near != NULL && near->given <= next->given + TUNNEL_NEAR_MORE ? near : next;
    chosen->given++;
    return chosen;
}

/* Counted at once, so that of many which come together each finds what those before it have done. */
static void give(struct tunnel_listener *listener, int outer, const union any_address *address)
{
    struct tunnel_listener *taker = choose(listener, outer);
    struct arrival_task *const arrival = taker != listener ? malloc(sizeof(*arrival)) : NULL;
    if (arrival == NULL) taker = listener; /* without memory for the way to another */
    taker->held++;
    if (taker == listener) {
        take_in(listener, outer, &address->any);
        return;
    }
    *arrival = (struct arrival_task){.task.run = run_arrival, .branch = taker, .outer = outer, .address = *address};
    loop_post(taker->tunnel, &arrival->task);
}

/* ---- the socket ---- */

static void on_acceptable(evutil_socket_t unused, short what, void *context)
{
    (void)unused;
    (void)what;
    struct tunnel_listener *const listener = context;
    for (int i = 0; i < TUNNEL_ACCEPTS_PER_TURN; i++) {
        union any_address address = {};
        socklen_t size = sizeof(address);
        const int outer = accept4(listener->socket, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (outer < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
            pause_accepting(listener);
        if (outer < 0) return;
        give(listener, outer, &address);
    }
}

struct listener_task {
    struct task task;
    struct tunnel_listener *listener;
    tunnel_on_refusal *on_refusal;
    tunnel_pace *pace;
    struct tunnel_listener *branch;
    void *context;
    enum status status;
};

static struct tunnel_listener *listener_of(struct task *task)
{
    return ((struct listener_task *)task)->listener;
}

static bool begin_to_accept(struct tunnel_listener *listener)
{
    struct event_base *const base = listener->tunnel->base;
    listener->accepting = event_new(base, listener->socket, EV_READ | EV_PERSIST, on_acceptable, listener);
    listener->pause = event_new(base, -1, 0, resume_accepting, listener);
    return listener->accepting != NULL && listener->pause != NULL && event_add(listener->accepting, NULL) == 0;
}

static void register_listener(struct task *task)
{
    struct tunnel_listener *const listener = listener_of(task);
    struct tunnel *const tunnel = listener->tunnel;
    listener->next = tunnel->listeners;
    listener->place = &tunnel->listeners;
    if (listener->next != NULL) listener->next->place = &listener->next;
    tunnel->listeners = listener;
    const bool is_ready = listener->socket < 0 || begin_to_accept(listener);
    ((struct listener_task *)task)->status = is_ready ? OK : ERR_NO_MEMORY;
}

static void close_listener(struct tunnel_listener *listener)
{
    *listener->place = listener->next;
    if (listener->next != NULL) listener->next->place = listener->place;
    if (listener->accepting != NULL) event_free(listener->accepting);
    if (listener->pause != NULL) event_free(listener->pause);
    listener->on_refusal = NULL;
    listener->is_closed = true;
    close_descriptor(&listener->socket);
    release(listener);
}

static void run_close(struct task *task)
{
    close_listener(listener_of(task));
}

static void run_on_refusal(struct task *task)
{
    const struct listener_task *const wanted = (const struct listener_task *)task;
    wanted->listener->on_refusal = wanted->on_refusal;
    wanted->listener->refusal_context = wanted->context;
}

void tunnel_listener_free(struct tunnel_listener *listener)
{
    if (listener == NULL) return;
    struct listener_task task = {.task.run = run_close, .listener = listener};
    loop_call(listener->tunnel, &task.task);
}

void listener_free_all(struct tunnel *tunnel)
{
    while (tunnel->listeners != NULL) close_listener(tunnel->listeners);
}

void tunnel_listener_on_refusal(struct tunnel_listener *listener, tunnel_on_refusal *on_refusal, void *context)
{
    struct listener_task task = {
        .task.run = run_on_refusal, .listener = listener, .on_refusal = on_refusal, .context = context};
    loop_call(listener->tunnel, &task.task);
}

static void run_pace(struct task *task)
{
    const struct listener_task *const wanted = (const struct listener_task *)task;
    wanted->listener->pace = wanted->pace;
    wanted->listener->pace_context = wanted->context;
}

void tunnel_listener_set_pace(struct tunnel_listener *listener, tunnel_pace *pace, void *context)
{
    struct listener_task task = {.task.run = run_pace, .listener = listener, .pace = pace, .context = context};
    loop_call(listener->tunnel, &task.task);
}

static enum status register_or_free(struct tunnel_listener *listener, struct tunnel_listener **listener_out)
{
    struct listener_task task = {.task.run = register_listener, .listener = listener};
    loop_call(listener->tunnel, &task.task);
    if (task.status != OK)
        tunnel_listener_free(listener);
    else
        *listener_out = listener;
    return task.status;
}

static enum status listener_open(const struct tunnel_listener *settings, const char *address, struct refusal *why,
                                 struct tunnel_listener **listener_out)
{
    struct tunnel_listener *const listener = malloc(sizeof(*listener));
    if (listener == NULL) return ERR_NO_MEMORY;
    *listener = *settings;
    listener->owners = 1;
    const enum status status = address_listen(address, why, &listener->socket, &listener->port);
    if (status != OK) {
        free(listener);
        return status;
    }
    return register_or_free(listener, listener_out);
}

static void run_branch(struct task *task)
{
    struct listener_task *const wanted = (struct listener_task *)task;
    struct tunnel_listener *const listener = wanted->listener;
    wanted->status = listener->branch_count < TUNNEL_BRANCHES_MAX ? OK : ERR_TOO_LARGE;
    if (wanted->status == OK) listener->branches[listener->branch_count++] = wanted->branch;
}

enum status tunnel_listener_branch(struct tunnel_listener *listener, struct tunnel *tunnel,
                                   tunnel_on_connection *on_connection, void *context,
                                   struct tunnel_listener **branch_out)
{
    struct tunnel_listener *const branch = malloc(sizeof(*branch));
    if (branch == NULL) return ERR_NO_MEMORY;
    *branch = (struct tunnel_listener){.tunnel = tunnel,
                                       .socket = -1,
                                       .port = listener->port,
                                       .endpoint = listener->endpoint,
                                       .on_connection = on_connection,
                                       .context = context,
                                       .owners = 1};
    struct tunnel_listener *registered;
    TRY(register_or_free(branch, &registered));
    struct listener_task task = {.task.run = run_branch, .listener = listener, .branch = branch};
    loop_call(listener->tunnel, &task.task);
    if (task.status != OK)
        tunnel_listener_free(branch);
    else
        *branch_out = branch;
    return task.status;
}

enum status tunnel_listen(struct tunnel *tunnel, const char *address, struct tunnel_endpoint *endpoint,
                          tunnel_on_connection *on_connection, void *context, struct refusal *why,
                          struct tunnel_listener **listener_out)
{
    const struct tunnel_listener settings = {
        .tunnel = tunnel, .endpoint = endpoint, .on_connection = on_connection, .context = context};
    return listener_open(&settings, address, why, listener_out);
}

enum status tunnel_forward(struct tunnel *tunnel, const char *address, struct tunnel_endpoint *endpoint,
                           const char *inner_address, struct refusal *why, struct tunnel_listener **listener_out)
{
    struct tunnel_listener settings = {.tunnel = tunnel, .endpoint = endpoint};
    struct address inner;
    TRY(address_parse(inner_address, why, &inner));
    TRY(address_resolve(&inner, why, &settings.inner));
    return listener_open(&settings, address, why, listener_out);
}

uint16_t tunnel_listener_port(const struct tunnel_listener *listener)
{
    return listener->port;
}

void tunnel_listener_counts(const struct tunnel_listener *listener, struct tunnel_counts *counts_out)
{
    *counts_out = (struct tunnel_counts){.accepted = listener->accepted,
                                         .open = listener->open,
                                         .refused = listener->refused,
                                         .dropped = listener->dropped,
                                         .slowed = listener->slowed};
}
