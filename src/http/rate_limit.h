/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of a server a client may ask for: a token bucket for each client address (channel/client_address.h), for
 * requests, and one for new connections, each of which costs a handshake. The table is bounded; when it is full, the
 * client is forgotten who asked longest ago, and starts with a full bucket when it comes back. So whoever has more
 * addresses than the table has places gets more than one client's share: against that the fair queue stands
 * (http/fair_queue.h).
 */
#pragma once

#include "base/status.h"
#include "channel/client_address.h"

enum {
    RATE_PER_SECOND_MAX = 1000000,
    RATE_BURST_MAX = 1000000,
    RATE_CLIENTS_MAX = 8192,
    RATE_REQUESTS_PER_CONNECTION = 32, /* a handshake costs about as much as so many requests without their work */
    RATE_CONNECTIONS_AT_ONCE = 1024,
    RATE_CONNECTION_WAIT_MAX_MS = 2000,
};

struct rate_limit {
    unsigned per_second; /* 0: no limit */
    unsigned burst;      /* at least 1; 0: twice as many as in a second */
};

struct rate_limiter; /* thread-safe */
enum status rate_limiter_new(const struct rate_limit *limit, struct rate_limiter **limiter_out);
void rate_limiter_free(struct rate_limiter *limiter);

/* From now on; what clients have used already counts against the new limit. */
void rate_limiter_set(struct rate_limiter *limiter, const struct rate_limit *limit);

struct rate_verdict {
    int64_t wait_ms; /* 0: it is taken; otherwise there is nothing, and will be something in so many milliseconds */
    bool is_quiet;   /* after it, the client has at least half of its burst left */
};
/* A request. Clients that are not known have no limit, and are quiet. */
struct rate_verdict rate_limiter_request(struct rate_limiter *limiter, const struct client_address *client,
                                         int64_t now_ms);

/* A new connection, of which there may be RATE_CONNECTIONS_AT_ONCE, as many clients may stand behind one address, and
 * from then on one for RATE_REQUESTS_PER_CONNECTION requests: how long it has to wait; -1 if
 * that would be longer than RATE_CONNECTION_WAIT_MAX_MS, because so many wait already. */
int64_t rate_limiter_connection(struct rate_limiter *limiter, const struct client_address *client, int64_t now_ms);
