/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache: Redis at the far end of a socket that somebody else connects (the tunnel to the gate). Holds nothing that
 * is not sealed, and nothing whose loss matters. Safe for several threads: a small pool of connections, one command
 * under way on each. A connection that answers late, out of protocol or more than was asked is closed.
 *
 * Errors: ERR_CACHE when the cache is away or misbehaves, after CACHE_TIMEOUT_MS at most; then nothing is tried for
 * CACHE_BACK_OFF_MS, so that requests do not queue up behind a dead peer.
 */
#pragma once

#include "base/buffer.h"

enum {
    CACHE_TIMEOUT_MS = 2000,
    CACHE_BACK_OFF_MS = 250,
    CACHE_CONNECTIONS = 2,
    CACHE_MAX_CONNECTIONS = 4,
    CACHE_KEY_MAX_BYTES = 256,
    CACHE_VALUE_MAX_BYTES = 64 * 1024,
};

/* Gives a connected stream socket that the cache closes; must return within some seconds. */
typedef enum status cache_connect(void *context, int *socket_out);

struct cache_options {
    cache_connect *connect;
    void *context;
    size_t connections; /* 0: CACHE_CONNECTIONS; at most CACHE_MAX_CONNECTIONS */
    int timeout_ms;     /* 0: CACHE_TIMEOUT_MS */
};

struct cache;
enum status cache_new(const struct cache_options *options, struct cache **cache_out);
void cache_free(struct cache *cache);
void cache_cleanup(struct cache **cache);

/* Connections that were made, or are being made now, serve no later command: they lead to another peer than what
 * `connect` would connect from now on. */
void cache_forget_connections(struct cache *cache);

/* Whether it answers. */
enum status cache_ping(struct cache *cache);

/* Appends the value. ERR_NOT_FOUND. */
enum status cache_get(struct cache *cache, struct slice key, struct buffer *value);

/* Keeps the value for `keep_s` seconds (at least 1). ERR_TOO_LARGE. */
enum status cache_set(struct cache *cache, struct slice key, struct slice value, int64_t keep_s);

/* Forgets the value, if there is one. */
enum status cache_delete(struct cache *cache, struct slice key);
