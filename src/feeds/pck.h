/* SPDX-License-Identifier: Apache-2.0
 *
 * PCK certificates of quotes that carry none, kept at hand as collateral is (feeds/keeper.h): a miss is answered at
 * once, one fetch serves all who ask, and what came is kept on disk.
 */
#pragma once

#include "base/clock.h"
#include "feeds/keeper.h"
#include "feeds/pck_source.h"

/* Looked for anew each month, because a quote's security versions may get a better one. */
enum { PCK_MAX_COUNT = 1024, PCK_REFRESH_S = 30 * 24 * 3600 };

struct pck_feed_options {
    const struct clock *clock;
    const struct trust_roots *roots; /* NULL: Intel's alone */
    struct pck_service service;
    const char *cache; /* folder that exists, or NULL: nothing is kept on disk */
    struct keeper_timing timing;
};

struct pck_feed; /* thread-safe */

/* All pointers in `options` are borrowed for the feed's life. */
enum status pck_feed_start(const struct pck_feed_options *options, struct pck_feed **feed_out);
void pck_feed_free(struct pck_feed *feed);

/* A chain in PEM and what it is for. Immutable; shared between threads. */
struct pck_certificate;
void pck_certificate_free(struct pck_certificate *certificate);
void pck_certificate_cleanup(struct pck_certificate **certificate);
struct slice pck_certificate_chain(const struct pck_certificate *certificate);
const struct pck_facts *pck_certificate_facts(const struct pck_certificate *certificate);

/* An owner more: the caller frees. Waits and errors are those of keeper_get; errors of pck_check. */
enum status pck_feed_get(struct pck_feed *feed, const struct pck_request *request, int wait_ms, struct refusal *why,
                         struct pck_certificate **certificate_out);

/* As keeper_turn. */
int64_t pck_feed_turn(struct pck_feed *feed);
