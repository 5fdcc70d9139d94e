/* SPDX-License-Identifier: Apache-2.0
 *
 * Collateral of the platforms whose quotes come in, kept fresh by a thread of its own and never fetched in a request's
 * path (feeds/keeper.h): who asks for a platform that is not at hand is told so at once, and the thread goes for it.
 * What was verified is kept in memory and on disk until its own expiry, replaced daily or when a quarter of its life is
 * left, and never by something older: the newest issue that was seen of each platform is kept on disk as well.
 */
#pragma once

#include "base/clock.h"
#include "feeds/collateral_issue.h"
#include "feeds/collateral_source.h"
#include "feeds/keeper.h"

enum {
    COLLATERAL_PLATFORM_MAX_COUNT = 64,
    COLLATERAL_REFRESH_S = 24 * 3600,                /* at the latest, so that revocations are seen */
    COLLATERAL_RETRY_AFTER_S = KEEPER_RETRY_AFTER_S, /* when to ask again for what is being fetched */
    COLLATERAL_CARRIED_MAX_COUNT = 32,               /* kept of what came beside evidence */
};

struct collateral_feed_options {
    struct clock *clock;             /* its floor rises with each text's date of issue */
    const struct trust_roots *roots; /* NULL: Intel's alone */
    collateral_fetch *fetch;
    void *fetch_context;
    struct collateral_set set;  /* that `fetch` asks for; each set is kept apart on disk */
    int64_t minimum_evaluation; /* of TCB info and QE identity; 0: any */
    const char *cache;          /* folder that exists, or NULL: nothing is kept on disk */
    struct keeper_timing timing;
};

struct collateral_feed; /* thread-safe */

/* All pointers in `options` are borrowed for the feed's life. The first time that a platform is asked for, the cache is
 * read before the source is. */
enum status collateral_feed_start(const struct collateral_feed_options *options, struct collateral_feed **feed_out);
void collateral_feed_free(struct collateral_feed *feed);

/* The platform's collateral, an owner more: the caller frees. Waits and errors are those of keeper_get;
 * ERR_COLLATERAL_OLD: the source has only something older than what was seen. */
enum status collateral_feed_get(struct collateral_feed *feed, const struct collateral_platform *platform, int wait_ms,
                                struct refusal *why, struct collateral **collateral_out);

/* The texts of the same, appended in the form of feeds/collateral_wire.h: for another process, which verifies them
 * itself. */
enum status collateral_feed_texts(struct collateral_feed *feed, const struct collateral_platform *platform, int wait_ms,
                                  struct refusal *why, struct buffer *texts);

/* Another minimum from now on: what is kept below it is not given out any more, and everything is fetched anew. */
void collateral_feed_set_minimum(struct collateral_feed *feed, int64_t minimum_evaluation);

/* Rises whenever the collateral of any platform is replaced by another: who keeps texts asks again when it does. */
uint64_t collateral_feed_generation(const struct collateral_feed *feed);

/* Collateral that came beside the evidence, verified here and now, an owner more. Held to the same minimum and the same
 * newest issue as what is fetched. It serves this evidence alone: neither is it kept for other requests, nor does it
 * raise the newest issue, or a stranger could bring what the source does not have yet and shut out all that it has. The
 * same texts are verified once. Errors of collateral_new; ERR_COLLATERAL_MISMATCH, ERR_COLLATERAL_OLD,
 * ERR_COLLATERAL_EXPIRED. */
enum status collateral_feed_carried(struct collateral_feed *feed, const struct collateral_platform *platform,
                                    const struct collateral_texts *texts, struct refusal *why,
                                    struct collateral **collateral_out);

/* As keeper_turn: the thread's work, for tests that start none. */
int64_t collateral_feed_turn(struct collateral_feed *feed);
