/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's connections, each called a visit here: who it is, what it does now, since when. A thread looks twice a
 * second which of them are late; a newcomer for whom there is no room takes the place of the one that is worth least.
 * A visit is ended by shutting its socket down: the library's thread sees that as the peer's end and cleans up.
 */
#include "http/server_internal.h"

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/log.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum {
    LOOK_MS = 500,
    LOOK_SOON_MS = 50,
    DRAIN_LOOK_MS = 10,
    TELL_AGAIN_MS = 60000,
    MS_PER_S = 1000,
    DESCRIPTORS_FOR_THE_REST = 64
};

static void queue_leave(struct visit *visit)
{
    struct visit_queue *const queue = visit->queue;
    if (queue == NULL) return;
    *(visit->older != NULL ? &visit->older->newer : &queue->oldest) = visit->newer;
    *(visit->newer != NULL ? &visit->newer->older : &queue->newest) = visit->older;
    queue->count--;
    visit->queue = NULL;
    visit->older = visit->newer = NULL;
}

static void queue_join(struct visit *visit, struct visit_queue *queue)
{
    queue_leave(visit);
    visit->older = queue->newest;
    *(queue->newest != NULL ? &queue->newest->newer : &queue->oldest) = visit;
    queue->newest = visit;
    queue->count++;
    visit->queue = queue;
}

/* Takes back what it counted for bodies and answers. */
static void discharge(struct visits *visits, struct visit *visit)
{
    visits->body_bytes -= visit->body_bytes;
    visits->answer_bytes -= visit->answer_bytes;
    visit->body_bytes = visit->answer_bytes = 0;
}

static void let_go(struct visits *visits, struct visit *visit)
{
    struct MHD_Connection *const held = visit->held;
    visit->held = NULL;
    queue_leave(visit);
    if (held != NULL) connection_resume(visits->server, held);
}

static void drop(struct visits *visits, struct visit *visit)
{
    discharge(visits, visit);
    visit->is_dropped = true;
    visits->dropped++;
    (void)shutdown(visit->socket, SHUT_RDWR);
    let_go(visits, visit);
}

/* ---- room ---- */

/* Who is being served is left alone: there are never more of them than requests that were sent in full. */
static bool drop_oldest(struct visits *visits, enum visit_phase phase)
{
    struct visit *const oldest = visits->queues[phase].oldest;
    if (oldest == NULL) return false;
    drop(visits, oldest);
    return true;
}

static size_t count_all(const struct visits *visits)
{
    size_t count = 0;
    for (size_t i = 0; i < VISIT_PHASE_COUNT; i++) count += visits->queues[i].count;
    return count;
}

static void tell(struct visits *visits, int64_t now_ms)
{
    if (visits->told_ms != 0 && now_ms - visits->told_ms < TELL_AGAIN_MS) return;
    visits->told_ms = now_ms;
    log_event(LOG_WARNING, "requests.no_room", log_number(LOG_COUNT, (int64_t)visits->limits.connections));
}

static bool make_room(struct visits *visits)
{
    if (count_all(visits) < visits->limits.connections) return true;
    tell(visits, clock_monotonic_ms());
    return drop_oldest(visits, VISIT_HELD) || drop_oldest(visits, VISIT_IDLE) || drop_oldest(visits, VISIT_READING) ||
           drop_oldest(visits, VISIT_ANSWERING);
}

/* ---- a visit's life ---- */

void visits_begin(struct visits *visits, struct visit *visit)
{
    (void)pthread_mutex_lock(&visits->lock);
    const bool has_room = make_room(visits);
    visit->since_ms = clock_monotonic_ms();
    visit->allowed_ms = visits->limits.idle_ms;
    if (has_room)
        queue_join(visit, &visits->queues[VISIT_IDLE]);
    else
        drop(visits, visit);
    (void)pthread_mutex_unlock(&visits->lock);
}

void visits_end(struct visits *visits, struct visit *visit)
{
    (void)pthread_mutex_lock(&visits->lock);
    queue_leave(visit);
    discharge(visits, visit);
    (void)pthread_mutex_unlock(&visits->lock);
    free(visit);
}

static void enter(struct visits *visits, struct visit *visit, enum visit_phase phase, int64_t allowed_ms)
{
    if (visit->is_dropped) return;
    visit->since_ms = clock_monotonic_ms();
    visit->allowed_ms = allowed_ms;
    queue_join(visit, &visits->queues[phase]);
}

void visit_reads_head(struct visits *visits, struct visit *visit)
{
    (void)pthread_mutex_lock(&visits->lock);
    enter(visits, visit, VISIT_READING, visits->limits.head_ms);
    (void)pthread_mutex_unlock(&visits->lock);
}

void visit_reads_body(struct visits *visits, struct visit *visit)
{
    (void)pthread_mutex_lock(&visits->lock);
    enter(visits, visit, VISIT_READING, visits->limits.body_ms);
    (void)pthread_mutex_unlock(&visits->lock);
}

bool visit_takes(struct visits *visits, struct visit *visit, size_t size, bool is_kept)
{
    (void)pthread_mutex_lock(&visits->lock);
    visit->allowed_ms += (int64_t)size * MS_PER_S / HTTP_BODY_MIN_BYTES_PER_S;
    const size_t kept = is_kept ? size : 0;
    /* Of all that is under way, what has been so for longest gives way: bodies that stall must not keep out others. */
    while (!visit->is_dropped && visits->body_bytes + kept > visits->bodies_max_bytes) {
        if (!drop_oldest(visits, VISIT_READING)) break;
    }
    const bool fits = !visit->is_dropped && visits->body_bytes + kept <= visits->bodies_max_bytes;
    if (fits) {
        visit->body_bytes += kept;
        visits->body_bytes += kept;
    }
    (void)pthread_mutex_unlock(&visits->lock);
    return fits;
}

void visit_is_held(struct visits *visits, struct visit *visit, struct MHD_Connection *connection, int64_t hold_ms)
{
    (void)pthread_mutex_lock(&visits->lock);
    visit->held = connection;
    enter(visits, visit, VISIT_HELD, visits->is_stopping ? 0 : hold_ms);
    if (visit->queue == NULL || visits->is_stopping) let_go(visits, visit);
    (void)pthread_mutex_unlock(&visits->lock);
}

void visit_is_served(struct visits *visits, struct visit *visit)
{
    (void)pthread_mutex_lock(&visits->lock);
    enter(visits, visit, VISIT_SERVED, INT64_MAX);
    (void)pthread_mutex_unlock(&visits->lock);
}

void visit_is_answered(struct visits *visits, struct visit *visit, size_t size)
{
    (void)pthread_mutex_lock(&visits->lock);
    while (visits->answer_bytes > 0 && visits->answer_bytes + size > visits->answers_max_bytes) {
        if (!drop_oldest(visits, VISIT_ANSWERING)) break;
    }
    enter(visits, visit, VISIT_ANSWERING, INT64_MAX);
    if (!visit->is_dropped) {
        visit->answer_bytes += size;
        visits->answer_bytes += size;
    }
    (void)pthread_mutex_unlock(&visits->lock);
}

void visit_is_over(struct visits *visits, struct visit *visit)
{
    (void)pthread_mutex_lock(&visits->lock);
    discharge(visits, visit);
    enter(visits, visit, VISIT_IDLE, visits->limits.idle_ms);
    (void)pthread_mutex_unlock(&visits->lock);
}

/* ---- who is late ---- */

static void drop_late(struct visits *visits, enum visit_phase phase, int64_t now_ms)
{
    for (struct visit *visit = visits->queues[phase].oldest, *newer; visit != NULL; visit = newer) {
        newer = visit->newer;
        if (now_ms - visit->since_ms >= visit->allowed_ms) drop(visits, visit);
    }
}

static void let_go_of_held(struct visits *visits, int64_t now_ms)
{
    for (struct visit *visit = visits->queues[VISIT_HELD].oldest, *newer; visit != NULL; visit = newer) {
        newer = visit->newer;
        if (now_ms - visit->since_ms >= visit->allowed_ms) let_go(visits, visit);
    }
}

static void drop_idle_before_stop(struct visits *visits, int64_t now_ms)
{
    for (struct visit *oldest; (oldest = visits->queues[VISIT_IDLE].oldest) != NULL;) {
        if (now_ms - oldest->since_ms < HTTP_DRAIN_IDLE_MS) return;
        drop(visits, oldest);
    }
}

static void wait_a_while(struct visits *visits, long while_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += while_ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_cond_timedwait(&visits->stop, &visits->lock, &until);
}

static void *look(void *context)
{
    struct visits *const visits = context;
    (void)pthread_mutex_lock(&visits->lock);
    while (!visits->is_stopping) {
        wait_a_while(visits, visits->queues[VISIT_HELD].count > 0 || visits->is_draining ? LOOK_SOON_MS : LOOK_MS);
        const int64_t now_ms = clock_monotonic_ms();
        drop_late(visits, VISIT_IDLE, now_ms);
        drop_late(visits, VISIT_READING, now_ms);
        let_go_of_held(visits, now_ms);
        if (visits->is_draining) drop_idle_before_stop(visits, now_ms);
    }
    (void)pthread_mutex_unlock(&visits->lock);
    return NULL;
}

static struct http_limits whole_limits(struct http_limits limits, unsigned parts)
{
    if (limits.connections == 0) limits.connections = HTTP_DEFAULT_CONNECTIONS;
    limits.connections = (limits.connections + parts - 1) / parts;
    if (limits.idle_ms == 0) limits.idle_ms = HTTP_IDLE_TIMEOUT_S * MS_PER_S;
    if (limits.head_ms == 0) limits.head_ms = HTTP_HEAD_TIMEOUT_S * MS_PER_S;
    if (limits.body_ms == 0) limits.body_ms = HTTP_BODY_TIMEOUT_S * MS_PER_S;
    return limits;
}

enum status visits_start(struct visits *visits, const struct http_limits *limits, unsigned parts,
                         struct http_server *server)
{
    visits->server = server;
    visits->limits = whole_limits(*limits, parts);
    visits->bodies_max_bytes = HTTP_BODIES_MAX_BYTES / parts;
    visits->answers_max_bytes = HTTP_ANSWERS_MAX_BYTES / parts;
    (void)pthread_mutex_init(&visits->lock, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&visits->stop, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    visits->has_thread = pthread_create(&visits->thread, NULL, look, visits) == 0;
    return visits->has_thread ? OK : ERR_NO_MEMORY;
}

void visits_fit(struct visits *visits)
{
    (void)pthread_mutex_lock(&visits->lock);
    const size_t wanted = visits->limits.connections + DESCRIPTORS_FOR_THE_REST, allowed = descriptors_allow(wanted);
    if (allowed < wanted) {
        visits->limits.connections = allowed > 2 * DESCRIPTORS_FOR_THE_REST ? allowed - DESCRIPTORS_FOR_THE_REST : 1;
        log_event(LOG_WARNING, "descriptors.too_few", log_number(LOG_COUNT, (int64_t)visits->limits.connections),
                  log_text(LOG_DETAIL, "fewer connections are taken: raise the hard limit of open files"));
    }
    (void)pthread_mutex_unlock(&visits->lock);
}

void visits_begin_drain(struct visits *visits)
{
    (void)pthread_mutex_lock(&visits->lock);
    visits->is_draining = true;
    let_go_of_held(visits, INT64_MAX);
    (void)pthread_cond_broadcast(&visits->stop);
    (void)pthread_mutex_unlock(&visits->lock);
}

bool visits_drain(struct visits *visits, int64_t patience_ms)
{
    const int64_t end_ms = clock_monotonic_ms() + patience_ms;
    visits_begin_drain(visits);
    (void)pthread_mutex_lock(&visits->lock);
    while (count_all(visits) > 0 && clock_monotonic_ms() < end_ms) wait_a_while(visits, DRAIN_LOOK_MS);
    const bool is_empty = count_all(visits) == 0;
    (void)pthread_mutex_unlock(&visits->lock);
    return is_empty;
}

void visits_stop(struct visits *visits)
{
    (void)pthread_mutex_lock(&visits->lock);
    visits->is_stopping = true;
    let_go_of_held(visits, INT64_MAX);
    (void)pthread_cond_broadcast(&visits->stop);
    (void)pthread_mutex_unlock(&visits->lock);
    if (visits->has_thread) (void)pthread_join(visits->thread, NULL);
    visits->has_thread = false;
}

void visits_done(struct visits *visits)
{
    (void)pthread_cond_destroy(&visits->stop);
    (void)pthread_mutex_destroy(&visits->lock);
}
