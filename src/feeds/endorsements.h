/* SPDX-License-Identifier: Apache-2.0
 *
 * Endorsements of AMD's chips, kept at hand as the collateral of Intel's platforms is (feeds/keeper.h). A chip's
 * certificate is fetched once and serves until it expires; the revocation list of its product is replaced every day,
 * once for all chips, and never by an older one. The service limits how often it is asked, and is left alone when it
 * says so.
 */
#pragma once

#include "base/clock.h"
#include "feeds/endorsement_source.h"
#include "feeds/keeper.h"

enum { ENDORSEMENT_MAX_COUNT = 1024, ENDORSEMENT_REFRESH_S = 24 * 3600, ENDORSEMENT_LIST_AGE_S = 12 * 3600 };

struct endorsement_feed_options {
    struct clock *clock;              /* its floor rises with each list's date of issue */
    const struct key *simulated_root; /* accepted beside AMD's, in a simulation build alone; NULL: none */
    struct http_client *client;       /* https://kdsintf.amd.com, or what stands for it */
    const char *cache;                /* folder that exists, or NULL: nothing is kept on disk */
    struct keeper_timing timing;
};

struct endorsement_feed; /* thread-safe */

/* All pointers in `options` are borrowed for the feed's life. */
enum status endorsement_feed_start(const struct endorsement_feed_options *options, struct endorsement_feed **feed_out);
void endorsement_feed_free(struct endorsement_feed *feed);

/* Immutable; shared between threads. */
struct endorsement;
void endorsement_free(struct endorsement *endorsement);
void endorsement_cleanup(struct endorsement **endorsement);
struct snp_endorsements endorsement_texts(const struct endorsement *endorsement, struct slice certificates[static 2]);

/* The chip's endorsements, an owner more: the caller frees. Waits and errors are those of keeper_get; errors of
 * endorsement_check; ERR_COLLATERAL_OLD: the service has an older list than was seen. */
enum status endorsement_feed_get(struct endorsement_feed *feed, const struct endorsement_request *request, int wait_ms,
                                 struct refusal *why, struct endorsement **endorsement_out);

/* As keeper_turn. */
int64_t endorsement_feed_turn(struct endorsement_feed *feed);
