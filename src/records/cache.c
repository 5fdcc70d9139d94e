/* SPDX-License-Identifier: Apache-2.0 */
#include "records/cache.h"

#include "base/clock.h"
#include "records/resp.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024, COMMAND_MAX_BYTES = CACHE_VALUE_MAX_BYTES + CACHE_KEY_MAX_BYTES + 256 };

struct connection {
    int socket; /* -1: none */
    bool busy;
    uint64_t generation; /* the cache's when it was made */
};

struct cache {
    struct cache_options options;
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    struct connection connections[CACHE_MAX_CONNECTIONS];
    int64_t away_until_ms;
    uint64_t generation; /* counts cache_forget_connections */
};

/* One exchange: until when, over which connection, and whether the peer said anything. */
struct exchange {
    int64_t deadline_ms;
    struct connection *connection;
    bool heard;
};

static void hang_up(struct connection *connection)
{
    if (connection->socket >= 0) (void)close(connection->socket);
    connection->socket = -1;
}

enum status cache_new(const struct cache_options *options, struct cache **cache_out)
{
    struct cache *const cache = calloc(1, sizeof(*cache));
    if (cache == NULL) return ERR_NO_MEMORY;
    cache->options = *options;
    if (cache->options.connections == 0) cache->options.connections = CACHE_CONNECTIONS;
    if (cache->options.connections > CACHE_MAX_CONNECTIONS) cache->options.connections = CACHE_MAX_CONNECTIONS;
    if (cache->options.timeout_ms == 0) cache->options.timeout_ms = CACHE_TIMEOUT_MS;
    for (size_t i = 0; i < CACHE_MAX_CONNECTIONS; i++) cache->connections[i].socket = -1;
    pthread_condattr_t attributes;
    bool failed = pthread_condattr_init(&attributes) != 0;
    /* Deadlines are of the clock that only goes forward. */
    failed = failed || pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0;
    failed = failed || pthread_cond_init(&cache->freed, &attributes) != 0;
    failed = failed || pthread_mutex_init(&cache->mutex, NULL) != 0;
    if (failed) {
        free(cache);
        return ERR_NO_MEMORY;
    }
    (void)pthread_condattr_destroy(&attributes);
    *cache_out = cache;
    return OK;
}

void cache_free(struct cache *cache)
{
    if (cache == NULL) return;
    for (size_t i = 0; i < CACHE_MAX_CONNECTIONS; i++) hang_up(&cache->connections[i]);
    (void)pthread_cond_destroy(&cache->freed);
    (void)pthread_mutex_destroy(&cache->mutex);
    free(cache);
}

void cache_cleanup(struct cache **cache)
{
    cache_free(*cache);
    *cache = NULL;
}

/* --- the pool --- */

/* A free connection, one that is open before one that is not. */
static struct connection *find_free(struct cache *cache)
{
    struct connection *closed = NULL;
    for (size_t i = 0; i < cache->options.connections; i++) {
        struct connection *const connection = &cache->connections[i];
        if (connection->busy) continue;
        if (connection->socket >= 0) return connection;
        closed = connection;
    }
    return closed;
}

static enum status wait_for_free(struct cache *cache, int64_t deadline_ms, struct connection **connection_out)
{
    const struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};
    for (;;) {
        *connection_out = find_free(cache);
        if (*connection_out != NULL) return OK;
        if (pthread_cond_timedwait(&cache->freed, &cache->mutex, &until) != 0) return ERR_CACHE;
    }
}

static enum status borrow(struct cache *cache, int64_t deadline_ms, struct connection **connection_out)
{
    (void)pthread_mutex_lock(&cache->mutex);
    struct connection *connection = NULL;
    enum status status = wait_for_free(cache, deadline_ms, &connection);
    if (status == OK && connection->generation != cache->generation) {
        hang_up(connection);
        connection->generation = cache->generation;
    }
    if (status == OK && connection->socket < 0 && clock_monotonic_ms() < cache->away_until_ms) status = ERR_CACHE;
    if (status == OK) {
        connection->busy = true;
        *connection_out = connection;
    }
    (void)pthread_mutex_unlock(&cache->mutex);
    return status;
}

static void give_back(struct cache *cache, struct connection *connection)
{
    (void)pthread_mutex_lock(&cache->mutex);
    connection->busy = false;
    (void)pthread_cond_signal(&cache->freed);
    (void)pthread_mutex_unlock(&cache->mutex);
}

void cache_forget_connections(struct cache *cache)
{
    (void)pthread_mutex_lock(&cache->mutex);
    cache->generation++;
    cache->away_until_ms = 0; /* it was another peer that was away */
    (void)pthread_mutex_unlock(&cache->mutex);
}

static void note_away(struct cache *cache)
{
    (void)pthread_mutex_lock(&cache->mutex);
    cache->away_until_ms = clock_monotonic_ms() + CACHE_BACK_OFF_MS;
    (void)pthread_mutex_unlock(&cache->mutex);
}

/* --- one exchange --- */

static enum status wait_for(const struct exchange *exchange, short events)
{
    for (;;) {
        const int64_t left_ms = exchange->deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0) return ERR_TIMEOUT;
        struct pollfd poll_one = {.fd = exchange->connection->socket, .events = events};
        const int ready = poll(&poll_one, 1, (int)left_ms);
        if (ready > 0) return OK;
        if (ready == 0) return ERR_TIMEOUT;
        if (errno != EINTR) return ERR_CLOSED;
    }
}

static bool is_to_try_again(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static enum status send_all(const struct exchange *exchange, struct slice bytes)
{
    while (bytes.size > 0) {
        TRY(wait_for(exchange, POLLOUT));
        const ssize_t sent = send(exchange->connection->socket, bytes.bytes, bytes.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && is_to_try_again()) continue;
        if (sent < 0) return ERR_CLOSED;
        bytes = slice_part(bytes, (size_t)sent, bytes.size);
    }
    return OK;
}

static enum status receive_more(struct exchange *exchange, struct buffer *input)
{
    uint8_t bytes[READ_BYTES];
    TRY(wait_for(exchange, POLLIN));
    const ssize_t got = recv(exchange->connection->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got < 0 && is_to_try_again()) return OK;
    if (got <= 0) return ERR_CLOSED;
    exchange->heard = true;
    return buffer_append(input, slice_of(bytes, (size_t)got));
}

/* The reply borrows from `input`. Bytes after it were not asked for. */
static enum status receive_reply(struct exchange *exchange, struct buffer *input, struct resp_reply *reply_out)
{
    for (;;) {
        struct reader reader = reader_over(buffer_slice(input));
        const enum status status = resp_read(&reader, reply_out);
        if (status == OK) return reader_end(&reader);
        if (status != ERR_TRUNCATED) return status;
        TRY(receive_more(exchange, input));
    }
}

static enum status connect_if_needed(struct cache *cache, struct connection *connection)
{
    if (connection->socket >= 0) return OK;
    int connected = -1;
    if (cache->options.connect(cache->options.context, &connected) != OK) {
        note_away(cache);
        return ERR_CACHE;
    }
    connection->socket = connected;
    return OK;
}

/* A connection that the peer closed while it lay idle is told from a dead peer by trying once more: all commands here
 * may be repeated. */
static enum status exchange_over(struct cache *cache, struct exchange *exchange, struct slice command,
                                 struct buffer *input, struct resp_reply *reply_out)
{
    struct connection *const connection = exchange->connection;
    const bool was_open = connection->socket >= 0;
    TRY(connect_if_needed(cache, connection));
    enum status status = send_all(exchange, command);
    if (status == OK) status = receive_reply(exchange, input, reply_out);
    if (status == OK) return OK;
    hang_up(connection);
    if (status == ERR_TIMEOUT) note_away(cache);
    if (!was_open || exchange->heard || status != ERR_CLOSED) return ERR_CACHE;
    return exchange_over(cache, exchange, command, input, reply_out);
}

static enum status call(struct cache *cache, const struct slice *arguments, size_t count, struct buffer *input,
                        struct resp_reply *reply_out)
{
    CLEANUP(buffer_done) struct buffer command = buffer_of_maximum(COMMAND_MAX_BYTES);
    TRY(resp_write_command(arguments, count, &command));
    struct exchange exchange = {.deadline_ms = clock_monotonic_ms() + cache->options.timeout_ms};
    TRY(borrow(cache, exchange.deadline_ms, &exchange.connection));
    const enum status status = exchange_over(cache, &exchange, buffer_slice(&command), input, reply_out);
    give_back(cache, exchange.connection);
    return status;
}

/* --- commands --- */

static struct buffer reply_buffer(void)
{
    return buffer_of_maximum(RESP_REPLY_MAX_BYTES);
}

static bool is_status(const struct resp_reply *reply, const char *text)
{
    return reply->values[0].kind == RESP_STATUS && slice_equal_text(reply->values[0].text, text);
}

enum status cache_ping(struct cache *cache)
{
    const struct slice arguments[] = {SLICE_LITERAL("PING")};
    CLEANUP(buffer_done) struct buffer input = reply_buffer();
    struct resp_reply reply;
    TRY(call(cache, arguments, 1, &input, &reply));
    return is_status(&reply, "PONG") ? OK : ERR_CACHE;
}

enum status cache_get(struct cache *cache, struct slice key, struct buffer *value)
{
    if (key.size > CACHE_KEY_MAX_BYTES) return ERR_TOO_LARGE;
    const struct slice arguments[] = {SLICE_LITERAL("GET"), key};
    CLEANUP(buffer_done) struct buffer input = reply_buffer();
    struct resp_reply reply;
    TRY(call(cache, arguments, 2, &input, &reply));
    if (reply.values[0].kind == RESP_NULL) return ERR_NOT_FOUND;
    if (reply.values[0].kind != RESP_BULK || reply.values[0].text.size > CACHE_VALUE_MAX_BYTES) return ERR_CACHE;
    return buffer_append(value, reply.values[0].text);
}

enum status cache_set(struct cache *cache, struct slice key, struct slice value, int64_t keep_s)
{
    if (key.size > CACHE_KEY_MAX_BYTES || value.size > CACHE_VALUE_MAX_BYTES) return ERR_TOO_LARGE;
    char seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)(keep_s > 0 ? keep_s : 1));
    const struct slice arguments[] = {SLICE_LITERAL("SET"), key, value, SLICE_LITERAL("EX"), slice_of_text(seconds)};
    CLEANUP(buffer_done) struct buffer input = reply_buffer();
    struct resp_reply reply;
    TRY(call(cache, arguments, 5, &input, &reply));
    return is_status(&reply, "OK") ? OK : ERR_CACHE;
}

enum status cache_delete(struct cache *cache, struct slice key)
{
    if (key.size > CACHE_KEY_MAX_BYTES) return ERR_TOO_LARGE;
    const struct slice arguments[] = {SLICE_LITERAL("DEL"), key};
    CLEANUP(buffer_done) struct buffer input = reply_buffer();
    struct resp_reply reply;
    TRY(call(cache, arguments, 2, &input, &reply));
    return reply.values[0].kind == RESP_INTEGER ? OK : ERR_CACHE;
}
