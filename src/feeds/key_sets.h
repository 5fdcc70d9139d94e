/* SPDX-License-Identifier: Apache-2.0
 *
 * Key sets of others (JWKS, RFC 7517), kept at hand by a thread of their own (feeds/keeper.h): from a file that is read
 * again, or from a URL. Who asks never waits. A source that is away changes nothing until what was fetched last is a
 * day old; then its keys count no more.
 */
#pragma once

#include "feeds/keeper.h"
#include "feeds/source_connection.h"
#include "token/jwk.h"

enum {
    KEY_SET_SOURCE_MAX_COUNT = 16,
    KEY_SET_FILE_REFRESH_S = 15,
    KEY_SET_URL_REFRESH_S = 300,
    KEY_SET_LIFETIME_S = 24 * 3600,
    KEY_SET_FIRST_WAIT_MS = 2000, /* of key_set_feed_start for the first answers */
};

struct key_set_source {
    const char *name; /* for refusals; NULL: there is no source of this number */
    const char *path; /* of a file, or NULL: */
    struct http_client *client;
    const char *url_path;
};

struct key_set_feed_options {
    const struct clock *clock;
    const struct key_set_source *sources;
    size_t source_count;
    struct keeper_timing timing;
};

struct key_set_feed; /* thread-safe */

/* Everything in `options` is borrowed for the feed's life. Returns once each source was tried, or after
 * KEY_SET_FIRST_WAIT_MS. ERR_TOO_LARGE for too many sources. */
enum status key_set_feed_start(const struct key_set_feed_options *options, struct key_set_feed **feed_out);
void key_set_feed_free(struct key_set_feed *feed);

/* Immutable; shared between threads. */
struct key_set;
void key_set_cleanup(struct key_set **set);
const struct jwk_set *key_set_keys(const struct key_set *set);

/* The newest of the source of this number, an owner more. Errors of keeper_get; those of jwk_set_from_json, and of
 * reading or fetching it. */
enum status key_set_feed_get(struct key_set_feed *feed, size_t source, struct refusal *why, struct key_set **set_out);

/* As keeper_turn. */
int64_t key_set_feed_turn(struct key_set_feed *feed);
