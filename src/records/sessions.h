/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is signed in: sealed sessions in the cache. The client holds 256 random bits; the cache holds, under their HMAC,
 * a value sealed for that very key. The cache is the host's: it may lose sessions or show older ones again, so what
 * matters is inside the seal or elsewhere. A session is over SESSION_IDLE_S after it was last seen and SESSION_LIFE_S
 * after it began, by the platform's clock, and a logout stands in the store until the session would have ended anyway.
 *
 * Without the cache nobody signs in and nobody can be checked: ERR_CACHE, ask the client to wait. Nothing is lost.
 * Safe for several threads. Each call may take a transaction of its own: call none inside one.
 */
#pragma once

#include "records/accounts.h"
#include "records/cache.h"

enum {
    SESSION_IDLE_S = 30 * 60,
    SESSION_LIFE_S = 12 * 3600,
    SESSION_REFRESH_S = 60, /* how old "last seen" may get before it is written anew */
    SESSION_TOKEN_BYTES = 32,
    SESSION_TOKEN_TEXT_BYTES = 43, /* base64url */
    SESSION_UNCHECKED_LOGOUTS_MAX = 256,
};

struct sessions;

/* All three are borrowed. */
enum status sessions_new(struct cache *cache, struct store *store, const struct record_keys *keys,
                         struct sessions **sessions_out);
void sessions_free(struct sessions *sessions);
void sessions_cleanup(struct sessions **sessions);

struct session {
    struct account account;
    int64_t started_s;
    int64_t expires_s; /* if it is not seen again */
};

/* What the client is given; not kept anywhere. */
struct session_token {
    char text[SESSION_TOKEN_TEXT_BYTES + 1];
};

/* ERR_CACHE. */
enum status sessions_start(struct sessions *sessions, const struct account *account, int64_t now_s,
                           struct session_token *token_out, struct session *session_out);

/* The session, which counts as seen now. ERR_SESSION: unknown, over, logged out, or not what was kept. ERR_CACHE. */
enum status sessions_find(struct sessions *sessions, struct slice token, int64_t now_s, struct session *session_out);

/* Ends it for good, in the store first. ERR_SESSION. While the cache is away the logout is written all the same,
 * unseen, SESSION_UNCHECKED_LOGOUTS_MAX times until it is back; then ERR_CACHE. */
enum status sessions_end(struct sessions *sessions, struct slice token, int64_t now_s);
