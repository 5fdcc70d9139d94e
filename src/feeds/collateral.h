/* SPDX-License-Identifier: Apache-2.0
 *
 * Collateral of the platforms whose quotes come in, kept fresh by a thread of its own and never fetched in a request's
 * path: who asks for a platform that is not at hand is told so at once, and the thread goes for it. What was verified
 * is kept in memory and on disk until its own expiry, replaced daily or when a quarter of its life is left, and never
 * by something older. Failures are remembered for a short while, so that strangers' quotes cannot make a storm of
 * calls.
 */
#pragma once

#include "base/clock.h"
#include "feeds/collateral_source.h"

enum {
    COLLATERAL_PLATFORM_MAX_COUNT = 64,
    COLLATERAL_REFRESH_S = 24 * 3600, /* at the latest, so that revocations are seen */
    COLLATERAL_RETRY_AFTER_S = 1,     /* when to ask again for what is being fetched */
    COLLATERAL_FAILURE_S = 15,        /* how long a failure is remembered */
};

struct collateral_feed_options {
    struct clock *clock;             /* its floor rises with each text's date of issue */
    const struct trust_roots *roots; /* NULL: Intel's alone */
    collateral_fetch *fetch;
    void *fetch_context;
    const char *cache; /* folder that exists, or NULL: nothing is kept on disk */
};

struct collateral_feed; /* thread-safe */

/* All pointers in `options` are borrowed for the feed's life. The first time that a platform is asked for, the cache is
 * read before the source is. */
enum status collateral_feed_start(const struct collateral_feed_options *options, struct collateral_feed **feed_out);
void collateral_feed_free(struct collateral_feed *feed);

/* The platform's collateral, an owner more: the caller frees. Waits at most `wait_ms` for the thread; 0 in a request's
 * path. ERR_COLLATERAL_MISSING: it is being fetched; ERR_BUSY: too many platforms are; otherwise what the last attempt
 * met with, with its refusal. */
enum status collateral_feed_get(struct collateral_feed *feed, const struct collateral_platform *platform, int wait_ms,
                                struct refusal *why, struct collateral **collateral_out);
