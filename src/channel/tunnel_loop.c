/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop: one thread that owns every connection. Other threads hand it tasks.
 */
#include "base/descriptors.h"
#include "base/log.h"
#include "base/processors.h"
#include "channel/tunnel_internal.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { DESCRIPTORS_PER_CONNECTION = 3, DESCRIPTORS_FOR_THE_REST = 256 };

void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
    *descriptor = -1;
}

static struct task *take_task(struct tunnel *tunnel)
{
    (void)pthread_mutex_lock(&tunnel->lock);
    struct task *const task = tunnel->first_task;
    if (task != NULL) tunnel->first_task = task->next;
    if (tunnel->first_task == NULL) tunnel->last_task = NULL;
    (void)pthread_mutex_unlock(&tunnel->lock);
    return task;
}

static void run_tasks(evutil_socket_t wake, short what, void *context)
{
    (void)what;
    struct tunnel *const tunnel = context;
    eventfd_t ignored;
    (void)eventfd_read(wake, &ignored);
    for (struct task *task; (task = take_task(tunnel)) != NULL;) task->run(task);
}

void loop_post(struct tunnel *tunnel, struct task *task)
{
    task->next = NULL;
    (void)pthread_mutex_lock(&tunnel->lock);
    if (tunnel->last_task != NULL)
        tunnel->last_task->next = task;
    else
        tunnel->first_task = task;
    tunnel->last_task = task;
    (void)pthread_mutex_unlock(&tunnel->lock);
    (void)eventfd_write(tunnel->wake, 1);
}

/* Posted behind the task that is waited for. */
struct mark {
    struct task task;
    struct tunnel *tunnel;
    bool is_reached;
};

static void reach_mark(struct task *task)
{
    struct mark *const mark = (struct mark *)task;
    struct tunnel *const tunnel = mark->tunnel;
    (void)pthread_mutex_lock(&tunnel->lock);
    mark->is_reached = true;
    (void)pthread_cond_broadcast(&tunnel->task_done);
    (void)pthread_mutex_unlock(&tunnel->lock);
}

void loop_call(struct tunnel *tunnel, struct task *task)
{
    struct mark mark = {.task.run = reach_mark, .tunnel = tunnel};
    loop_post(tunnel, task);
    loop_post(tunnel, &mark.task);
    (void)pthread_mutex_lock(&tunnel->lock);
    while (!mark.is_reached) (void)pthread_cond_wait(&tunnel->task_done, &tunnel->lock);
    (void)pthread_mutex_unlock(&tunnel->lock);
}

static void tick(evutil_socket_t unused, short what, void *context)
{
    (void)unused;
    (void)what;
    struct tunnel *const tunnel = context;
    const int64_t now_ms = clock_monotonic_ms(), now_s = clock_now_s(tunnel->clock);
    for (struct connection *connection = tunnel->connections, *next; connection != NULL; connection = next) {
        next = connection->next;
        connection_tick(connection, now_ms, now_s);
    }
}

static void *run_loop(void *context)
{
    struct tunnel *const tunnel = context;
    (void)event_base_dispatch(tunnel->base);
    return NULL;
}

/* Three descriptors for each connection: outer socket and both ends of the inner pair. With fewer the listener would
 * stop to accept while strangers hold what there is, so there are fewer places instead. */
static size_t places_within_descriptors(size_t connections)
{
    const size_t dialled = connections < TUNNEL_DIALLED_MAX ? connections : TUNNEL_DIALLED_MAX;
    const size_t wanted = (connections + dialled) * DESCRIPTORS_PER_CONNECTION + DESCRIPTORS_FOR_THE_REST;
    const size_t allowed = descriptors_allow(wanted);
    if (allowed >= wanted) return connections;
    const size_t usable = allowed > DESCRIPTORS_FOR_THE_REST ? allowed - DESCRIPTORS_FOR_THE_REST : allowed / 2;
    const size_t places = usable / DESCRIPTORS_PER_CONNECTION;
    const size_t fitting = places > 2 * dialled ? places - dialled : places / 2;
    log_event(LOG_WARNING, "descriptors.too_few", log_number(LOG_COUNT, (int64_t)fitting),
              log_text(LOG_DETAIL, "fewer connections are taken: raise the hard limit of open files"));
    return fitting > 0 ? fitting : 1;
}

static struct tunnel_limits whole_limits(const struct tunnel_limits *given)
{
    struct tunnel_limits limits = given != NULL ? *given : (struct tunnel_limits){};
    if (limits.connections == 0) limits.connections = TUNNEL_DEFAULT_CONNECTIONS;
    if (limits.handshake_ms == 0) limits.handshake_ms = TUNNEL_HANDSHAKE_TIMEOUT_MS;
    if (limits.idle_ms == 0) limits.idle_ms = TUNNEL_IDLE_TIMEOUT_MS;
    if (limits.stall_ms == 0) limits.stall_ms = TUNNEL_STALL_TIMEOUT_MS;
    limits.connections = places_within_descriptors(limits.connections);
    return limits;
}

static enum status make_events(struct tunnel *tunnel)
{
    static const struct timeval period = {.tv_usec = TUNNEL_TICK_MS * 1000};
    /* Only the loop's thread touches the base: no locks are needed. */
    struct event_config *const config = event_config_new();
    if (config == NULL || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) != 0) {
        if (config != NULL) event_config_free(config);
        return ERR_NO_MEMORY;
    }
    tunnel->base = event_base_new_with_config(config);
    event_config_free(config);
    if (tunnel->base == NULL) return ERR_IO;
    tunnel->woken = event_new(tunnel->base, tunnel->wake, EV_READ | EV_PERSIST, run_tasks, tunnel);
    tunnel->tick = event_new(tunnel->base, -1, EV_PERSIST, tick, tunnel);
    if (tunnel->woken == NULL || tunnel->tick == NULL) return ERR_NO_MEMORY;
    return event_add(tunnel->woken, NULL) == 0 && event_add(tunnel->tick, &period) == 0 ? OK : ERR_IO;
}

static enum status start(struct tunnel *tunnel)
{
    tunnel->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    tunnel->scratch = malloc(TUNNEL_WATERMARK_BYTES);
    if (tunnel->wake < 0) return ERR_IO;
    if (tunnel->scratch == NULL) return ERR_NO_MEMORY;
    TRY(tls_anonymous_context(&tunnel->anonymous));
    TRY(make_events(tunnel));
    const struct processors processors = processors_allowed();
    tunnel->processor = processors.count == 1 ? processors.numbers[0] : ANY_PROCESSOR;
    tunnel->has_thread = pthread_create(&tunnel->thread, NULL, run_loop, tunnel) == 0;
    return tunnel->has_thread ? OK : ERR_NO_MEMORY;
}

enum status tunnel_new(const struct clock *clock, const struct tunnel_limits *limits, struct tunnel **tunnel_out)
{
    struct tunnel *const tunnel = calloc(1, sizeof(*tunnel));
    if (tunnel == NULL) return ERR_NO_MEMORY;
    tunnel->clock = clock;
    tunnel->limits = whole_limits(limits);
    tunnel->wake = -1;
    (void)pthread_mutex_init(&tunnel->lock, NULL);
    (void)pthread_cond_init(&tunnel->task_done, NULL);
    const enum status status = start(tunnel);
    if (status != OK)
        tunnel_free(tunnel);
    else
        *tunnel_out = tunnel;
    return status;
}

size_t tunnel_connections(const struct tunnel *tunnel)
{
    return tunnel->limits.connections;
}

struct look {
    struct task task;
    struct tunnel *tunnel;
    bool is_something_left;
};

static void look_for_rest(struct task *task)
{
    struct look *const look = (struct look *)task;
    for (const struct connection *at = look->tunnel->connections; at != NULL; at = at->next) {
        if (at->queues != NULL && at->state == CONNECTION_OPEN && !at->outbound.sink_ended)
            look->is_something_left = true;
    }
}

bool tunnel_drain(struct tunnel *tunnel, int64_t patience_ms)
{
    enum { LOOK_AGAIN_US = 10000 };
    const int64_t end_ms = clock_monotonic_ms() + patience_ms;
    for (;;) {
        struct look look = {.task.run = look_for_rest, .tunnel = tunnel};
        loop_call(tunnel, &look.task);
        if (!look.is_something_left || clock_monotonic_ms() >= end_ms) return !look.is_something_left;
        (void)usleep(LOOK_AGAIN_US);
    }
}

struct ending {
    struct task task;
    struct tunnel *tunnel;
};

static void end_loop(struct task *task)
{
    (void)event_base_loopbreak(((struct ending *)task)->tunnel->base);
}

void tunnel_free(struct tunnel *tunnel)
{
    if (tunnel == NULL) return;
    if (tunnel->has_thread) {
        struct ending ending = {.task.run = end_loop, .tunnel = tunnel};
        loop_post(tunnel, &ending.task);
        (void)pthread_join(tunnel->thread, NULL);
    }
    /* The thread is gone, so all of it belongs to this one now. */
    while (tunnel->connections != NULL) connection_close(tunnel->connections);
    listener_free_all(tunnel);
    if (tunnel->tick != NULL) event_free(tunnel->tick);
    if (tunnel->woken != NULL) event_free(tunnel->woken);
    if (tunnel->base != NULL) event_base_free(tunnel->base);
    SSL_CTX_free(tunnel->anonymous);
    close_descriptor(&tunnel->wake);
    if (tunnel->scratch != NULL) {
        secret_wipe(tunnel->scratch, TUNNEL_WATERMARK_BYTES);
        free(tunnel->scratch);
    }
    (void)pthread_cond_destroy(&tunnel->task_done);
    (void)pthread_mutex_destroy(&tunnel->lock);
    free(tunnel);
}
