/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded queue in which no client stands before another because it asks more often. Clients take turns; those who
 * are quiet (http/rate_limit.h) come before those who are busy, but for every FAIR_QUIET_TURNS-th turn. When the queue
 * is full, the newest item of the client who has most in it gives way to one of a client who has less. Not thread-safe;
 * never allocates once it is there.
 */
#pragma once

#include "base/status.h"
#include "channel/client_address.h"

enum { FAIR_QUIET_TURNS = 8 };

struct fair_client;

/* Stands in what waits. */
struct fair_item {
    struct fair_item *next;
};

struct fair_client_list {
    struct fair_client *first, *last;
};

struct fair_queue {
    size_t count, maximum;
    struct fair_client *places, *free;
    struct fair_client **chains; /* by hash of the address */
    size_t chain_mask;
    uint64_t seed;
    struct fair_client_list quiet, busy;
    unsigned quiet_turns; /* in a row */
};

enum status fair_queue_init(struct fair_queue *queue, size_t maximum);
void fair_queue_done(struct fair_queue *queue);

/* Puts `item` behind those of its client. Returns what has no place: NULL, mostly; when the queue is full another
 * client's newest item, which is in the queue no more, or `item` itself. */
struct fair_item *fair_queue_put(struct fair_queue *queue, struct fair_item *item, const struct client_address *client,
                                 bool is_quiet);

/* The next one; NULL if there is none. */
struct fair_item *fair_queue_take(struct fair_queue *queue);
