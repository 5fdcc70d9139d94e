/* SPDX-License-Identifier: Apache-2.0 */
#include "http/rate_limit.h"

#include "crypto/random.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

/* Levels are counted in thousandths of a request, so that a bucket gains `per_second` of them in a millisecond. */
enum {
    UNIT = 1000,
    CONNECTION_UNITS = RATE_REQUESTS_PER_CONNECTION * UNIT,
    FULL_CONNECTIONS = RATE_CONNECTIONS_AT_ONCE * CONNECTION_UNITS,
    NOBODY = UINT16_MAX,
    CHAINS = RATE_CLIENTS_MAX
};
static_assert(RATE_CLIENTS_MAX < UINT16_MAX && (CHAINS & (CHAINS - 1)) == 0, "places have numbers of 16 bits");

struct client {
    struct client_address address;
    uint16_t chained;      /* the next one of the same hash */
    uint16_t older, newer; /* by when it asked last */
    int64_t since_ms;      /* when both levels were right */
    int64_t requests, connections;
};

struct rate_limiter {
    pthread_mutex_t lock;
    struct rate_limit limit;
    uint64_t seed;
    uint16_t count, oldest, newest;
    uint16_t chains[CHAINS];
    struct client clients[RATE_CLIENTS_MAX];
};

static struct rate_limit whole_limit(const struct rate_limit *given)
{
    struct rate_limit limit = *given;
    if (limit.per_second > RATE_PER_SECOND_MAX) limit.per_second = RATE_PER_SECOND_MAX;
    if (limit.burst == 0) limit.burst = 2 * limit.per_second;
    if (limit.burst > RATE_BURST_MAX) limit.burst = RATE_BURST_MAX;
    return limit;
}

enum status rate_limiter_new(const struct rate_limit *limit, struct rate_limiter **limiter_out)
{
    struct rate_limiter *const limiter = calloc(1, sizeof(*limiter));
    if (limiter == NULL) return ERR_NO_MEMORY;
    const enum status status = random_bytes(sizeof(limiter->seed), (uint8_t *)&limiter->seed);
    if (status != OK) {
        free(limiter);
        return status;
    }
    limiter->limit = whole_limit(limit);
    limiter->oldest = limiter->newest = NOBODY;
    for (size_t i = 0; i < CHAINS; i++) limiter->chains[i] = NOBODY;
    (void)pthread_mutex_init(&limiter->lock, NULL);
    *limiter_out = limiter;
    return OK;
}

void rate_limiter_free(struct rate_limiter *limiter)
{
    if (limiter == NULL) return;
    (void)pthread_mutex_destroy(&limiter->lock);
    free(limiter);
}

void rate_limiter_set(struct rate_limiter *limiter, const struct rate_limit *limit)
{
    (void)pthread_mutex_lock(&limiter->lock);
    limiter->limit = whole_limit(limit);
    (void)pthread_mutex_unlock(&limiter->lock);
}

/* ---- the table ---- */

static uint16_t *chain_of(struct rate_limiter *limiter, const struct client_address *address)
{
    return &limiter->chains[client_address_hash(address, limiter->seed) & (CHAINS - 1)];
}

static void leave_age(struct rate_limiter *limiter, const struct client *client)
{
    *(client->older != NOBODY ? &limiter->clients[client->older].newer : &limiter->oldest) = client->newer;
    *(client->newer != NOBODY ? &limiter->clients[client->newer].older : &limiter->newest) = client->older;
}

static void join_as_newest(struct rate_limiter *limiter, uint16_t place)
{
    struct client *const client = &limiter->clients[place];
    client->older = limiter->newest;
    client->newer = NOBODY;
    *(limiter->newest != NOBODY ? &limiter->clients[limiter->newest].newer : &limiter->oldest) = place;
    limiter->newest = place;
}

static uint16_t forget_oldest(struct rate_limiter *limiter)
{
    const uint16_t place = limiter->oldest;
    const struct client *const client = &limiter->clients[place];
    uint16_t *at = chain_of(limiter, &client->address);
    while (*at != place) at = &limiter->clients[*at].chained;
    *at = client->chained;
    leave_age(limiter, client);
    return place;
}

static int64_t full_requests(const struct rate_limiter *limiter)
{
    return (int64_t)limiter->limit.burst * UNIT;
}

static struct client *add(struct rate_limiter *limiter, const struct client_address *address, int64_t now_ms)
{
    const uint16_t place = limiter->count < RATE_CLIENTS_MAX ? limiter->count++ : forget_oldest(limiter);
    uint16_t *const chain = chain_of(limiter, address);
    limiter->clients[place] = (struct client){.address = *address,
                                              .chained = *chain,
                                              .since_ms = now_ms,
                                              .requests = full_requests(limiter),
                                              .connections = FULL_CONNECTIONS};
    *chain = place;
    join_as_newest(limiter, place);
    return &limiter->clients[place];
}

static struct client *find(struct rate_limiter *limiter, const struct client_address *address)
{
    for (uint16_t place = *chain_of(limiter, address); place != NOBODY; place = limiter->clients[place].chained) {
        struct client *const client = &limiter->clients[place];
        if (!client_address_equal(&client->address, address)) continue;
        leave_age(limiter, client);
        join_as_newest(limiter, place);
        return client;
    }
    return NULL;
}

/* ---- buckets ---- */

static int64_t at_most(int64_t level, int64_t full)
{
    return level < full ? level : full;
}

/* The client, as the newest, with what its buckets have gained. A time that goes back gains nothing. */
static struct client *meet(struct rate_limiter *limiter, const struct client_address *address, int64_t now_ms)
{
    struct client *const client = find(limiter, address);
    if (client == NULL) return add(limiter, address, now_ms);
    const int64_t passed_ms = now_ms > client->since_ms ? now_ms - client->since_ms : 0;
    const int64_t gain_ms = at_most(passed_ms, (int64_t)RATE_BURST_MAX * UNIT);
    client->since_ms += passed_ms;
    const int64_t gain = gain_ms * limiter->limit.per_second;
    client->requests = at_most(client->requests + gain, full_requests(limiter));
    client->connections = at_most(client->connections + gain, FULL_CONNECTIONS);
    return client;
}

/* Until a level that is too low by `missing` is high enough. */
static int64_t wait_for(int64_t missing, int64_t gain_per_ms)
{
    return (missing + gain_per_ms - 1) / gain_per_ms;
}

static bool is_unlimited(const struct rate_limiter *limiter, const struct client_address *client)
{
    return limiter->limit.per_second == 0 || client->family == CLIENT_UNKNOWN;
}

static struct rate_verdict take_request(struct rate_limiter *limiter, const struct client_address *address,
                                        int64_t now_ms)
{
    if (is_unlimited(limiter, address)) return (struct rate_verdict){.is_quiet = true};
    struct client *const client = meet(limiter, address, now_ms);
    if (client->requests < UNIT)
        return (struct rate_verdict){.wait_ms = wait_for(UNIT - client->requests, limiter->limit.per_second)};
    client->requests -= UNIT;
    return (struct rate_verdict){.is_quiet = 2 * client->requests >= full_requests(limiter)};
}

struct rate_verdict rate_limiter_request(struct rate_limiter *limiter, const struct client_address *client,
                                         int64_t now_ms)
{
    (void)pthread_mutex_lock(&limiter->lock);
    const struct rate_verdict verdict = take_request(limiter, client, now_ms);
    (void)pthread_mutex_unlock(&limiter->lock);
    return verdict;
}

/* A connection that waits has taken its part already: the next one waits longer. */
static int64_t take_connection(struct rate_limiter *limiter, const struct client_address *address, int64_t now_ms)
{
    if (is_unlimited(limiter, address)) return 0;
    struct client *const client = meet(limiter, address, now_ms);
    const int64_t missing = CONNECTION_UNITS - client->connections;
    const int64_t wait_ms = missing <= 0 ? 0 : wait_for(missing, limiter->limit.per_second);
    if (wait_ms > RATE_CONNECTION_WAIT_MAX_MS) return -1;
    client->connections -= CONNECTION_UNITS;
    return wait_ms;
}

int64_t rate_limiter_connection(struct rate_limiter *limiter, const struct client_address *client, int64_t now_ms)
{
    (void)pthread_mutex_lock(&limiter->lock);
    const int64_t wait_ms = take_connection(limiter, client, now_ms);
    (void)pthread_mutex_unlock(&limiter->lock);
    return wait_ms;
}
