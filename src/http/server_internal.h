/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server's files share: one exchange is one request with its answer, on its way from the library's thread to a
 * worker and back.
 */
#pragma once

#include "http/fair_queue.h"
#include "http/route.h"
#include "http/server.h"
#include "http/target.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    RESPONSE_HEADER_MAX_COUNT = 16,
    RESPONSE_HEADER_MAX_BYTES = 16 * 1024,
    PATH_TEXT_MAX_BYTES = 2 * (HTTP_PATH_MAX_BYTES + 1),
    /* An unannounced (chunked) body that is too large is read on to its end, within this bound, so that the client sees
     * the answer. */
    DRAIN_MAX_BYTES = 1024 * 1024,
};

struct http_response {
    unsigned status;
    struct buffer body;
    struct buffer texts; /* NUL-terminated names and values, in turn */
    size_t header_count; /* of pairs in `texts` */
    bool has_content_type, has_cache_control;
};
void response_done(struct http_response *response);

/* One connection. */
enum visit_phase {
    VISIT_IDLE,
    VISIT_READING,
    VISIT_SERVED,
    VISIT_ANSWERING,
    VISIT_HELD, /* not read from: its client is over its limit */
    VISIT_PHASE_COUNT
};
struct visit {
    int socket;
    bool has_peer;
    struct tunnel_peer peer;
    struct client_address client;
    bool was_told;         /* its last answer was that its client is over its limit */
    unsigned holds;        /* in a row: how often it asked on all the same */
    int64_t held_until_ms; /* who asks before is held again */
    struct visit *next_arrival;
    /* From here on under the lock of `visits`. */
    int64_t since_ms, allowed_ms;
    size_t body_bytes, answer_bytes;
    bool is_dropped;
    struct MHD_Connection *held; /* suspended */
    struct visit_queue *queue;
    struct visit *older, *newer;
};
struct visit_queue {
    struct visit *oldest, *newest;
    size_t count;
};

/* All connections of one server. */
struct visits {
    struct http_limits limits; /* none is 0 */
    size_t bodies_max_bytes, answers_max_bytes;
    pthread_mutex_t lock;
    struct visit_queue queues[VISIT_PHASE_COUNT];
    size_t body_bytes, answer_bytes;
    uint64_t dropped;
    struct http_server *server;
    int64_t told_ms; /* when the log was last told that there is no room */
    pthread_cond_t stop;
    bool is_stopping, is_draining, has_thread;
    pthread_t thread;
};
/* `parts`: as http_server_options has it, and not 0. */
enum status visits_start(struct visits *visits, const struct http_limits *limits, unsigned parts,
                         struct http_server *server);
/* Makes as many places as there are descriptors for connections that no tunnel carries, and says so if they are fewer.
 */
void visits_fit(struct visits *visits);
void visits_stop(struct visits *visits); /* looks no more, and lets go of those that are held */
/* From now on who is idle goes. */
void visits_begin_drain(struct visits *visits);
/* The same, and waits. False if some were left when patience ended. */
bool visits_drain(struct visits *visits, int64_t patience_ms);
void visits_done(struct visits *visits);
/* A newcomer, for whom somebody else may have to go, or who is turned away at once. */
void visits_begin(struct visits *visits, struct visit *visit);
/* The library is done with it, and has not closed its socket yet. Frees it. */
void visits_end(struct visits *visits, struct visit *visit);
/* What it does from now on. */
void visit_reads_head(struct visits *visits, struct visit *visit);
void visit_reads_body(struct visits *visits, struct visit *visit);
void visit_is_held(struct visits *visits, struct visit *visit, struct MHD_Connection *connection, int64_t hold_ms);
void visit_is_served(struct visits *visits, struct visit *visit);
void visit_is_answered(struct visits *visits, struct visit *visit, size_t size);
void visit_is_over(struct visits *visits, struct visit *visit); /* the request with its answer */
/* A piece of a body came, and is kept or passed over. False if there is no room for it. */
bool visit_takes(struct visits *visits, struct visit *visit, size_t size, bool is_kept);

enum exchange_phase { EXCHANGE_HEAD, EXCHANGE_HELD, EXCHANGE_BODY, EXCHANGE_WORKING, EXCHANGE_ANSWERED };

struct exchange {
    struct fair_item item; /* first: waits for a worker */
    struct http_server *server;
    struct MHD_Connection *connection;
    struct visit *visit;
    enum exchange_phase phase;
    struct buffer target; /* as it came */
    bool target_too_long;
    struct buffer path; /* decoded, then copies of the segments, each with its NUL */
    struct http_query query;
    struct {
        struct slice name;
        size_t value; /* offset in `path` */
    } segments[HTTP_SEGMENT_MAX_COUNT];
    size_t segment_count;
    const struct http_route *route;
    struct buffer body;
    size_t drained;
    struct http_request request;
    struct http_response response;
    bool is_quiet;
};

struct http_server {
    struct http_server_options options;
    struct MHD_Daemon *daemon, *plain;
    struct tunnel_guest *guest; /* NULL: the daemon has a thread of its own */
    _Atomic uint64_t counts[6];
    struct visits visits;
    struct rate_limiter *rate_limiter, *own_rate_limiter;
    _Atomic bool is_draining;

    pthread_mutex_t lock;
    pthread_cond_t work_came, work_done;
    struct fair_queue queue; /* of exchanges that wait for a worker */
    size_t working;          /* queued or being handled */
    bool is_stopping;
    pthread_t *workers;
    unsigned worker_count;
    char origins[HTTP_ORIGIN_MAX_COUNT][HTTP_ORIGIN_MAX_BYTES + 1];
    size_t origin_count;
    struct visit *arrivals; /* handed to the library, and not come back as connections yet */
};

/* Lets a suspended connection go on, which belongs to the library's thread from then on. From any thread. */
void connection_resume(struct http_server *server, struct MHD_Connection *connection);

/* Starts the answer anew with the server's form of a refusal (server_response.c). */
void exchange_refuse(struct exchange *exchange, unsigned status, const struct refusal *why);

/* 429, with the time after which to come back. */
void exchange_refuse_for_now(struct exchange *exchange, int64_t wait_ms, const char *seen);

/* Whether the client may ask (server_admission.c). If not, the answer is made, or the connection is suspended. */
enum admission { ADMITTED, ADMISSION_HELD, ADMISSION_REFUSED };
enum admission exchange_admit(struct exchange *exchange);
/* Whether a refused request's body is short enough to be read to its end, so that the connection can go on. */
bool exchange_can_go_on(const struct exchange *exchange);

/* The library's callbacks (server_exchange.c). */
void *exchange_begin(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_step(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **slot);
void exchange_end(void *context, struct MHD_Connection *connection, void **slot, enum MHD_RequestTerminationCode why);

/* What stands in a request's head (server_head.c): fills path, query, route and segments, or the refusal's response. */
bool exchange_read_head(struct exchange *exchange, const char *method, const char *version);

/* The request's origin if it is one of the allowed ones, or NULL. `are_any_out` may be NULL: whether there are any. */
const char *exchange_origin(const struct exchange *exchange, bool *are_any_out);

/* Workers (server_workers.c). */
enum status workers_start(struct http_server *server, unsigned count);
/* Suspends the connection until a worker has the answer, or makes the answer that there is no room in the queue; false
 * if the server is stopping. */
bool workers_take(struct http_server *server, struct exchange *exchange);
/* Waits for what is being handled, then ends the threads. */
void workers_stop(struct http_server *server);
