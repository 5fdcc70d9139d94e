/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeps things at hand that come from a source far away, by a thread of its own: collateral of platforms, PCK
 * certificates, AMD's endorsements. Nobody waits on a fetch: who asks for what is not at hand is told so at once, with
 * when to ask again, and the thread goes for it; one fetch serves all who ask. What was fetched is kept until its own
 * expiry and replaced before it, at times that are spread. Failures are remembered, for longer each time, and a source
 * that says that it had too many calls is left alone altogether.
 */
#pragma once

#include "base/clock.h"
#include "base/refusal.h"
#include "feeds/pacing.h"

enum {
    KEEPER_NAME_MAX_BYTES = 95,
    KEEPER_REQUEST_MAX_BYTES = 640,
    KEEPER_RETRY_AFTER_S = 1, /* when to ask again for what is being fetched */
    /* Names that were never asked for before: so many at once, and one more in each interval. Strangers invent names.
     */
    KEEPER_NEW_BURST = 128,
    KEEPER_NEW_INTERVAL_MS = 1000,
};

/* Something that was obtained. */
struct keeper_thing {
    void *object;      /* of the kind's type; the keeper is an owner */
    int64_t expires_s; /* first second at which it is no longer valid */
    int64_t refresh_s; /* replaced after so long at the latest; INT64_MAX: only before it expires */
};

/* What is kept. `request` is the kind's own struct, which says what to fetch. `load` and `fetch` are called by the one
 * thread alone, `share` and `drop` by any. */
struct keeper_kind {
    const char *what;                       /* begins the field of refusals: "collateral" */
    const char *fresh_event, *failed_event; /* of the log; literals */
    size_t request_bytes;
    size_t max_count; /* of names at a time */
    bool may_forget;  /* what was not asked for longest gives its place to what is; otherwise only failures do */
    /* From disk, verified and still valid. Any failure: nothing is kept. May be NULL. */
    enum status (*load)(void *context, const void *request, struct keeper_thing *thing_out);
    /* From the source, verified, valid, not older than what there was, and kept on disk. `held` is the object that it
     * replaces, expired or not, or NULL. `hint` is zero at the call. */
    enum status (*fetch)(void *context, const void *request, const void *held, struct refusal *why,
                         struct pacing_hint *hint, struct keeper_thing *thing_out);
    void *(*share)(void *object);
    void (*drop)(void *object);
};

/* For tests: their own time, numbers that are the same each time, and no thread (then keeper_turn does its work). All
 * zero otherwise. */
struct keeper_timing {
    int64_t (*monotonic_ms)(void *time);
    void *time;
    uint64_t seed;
    bool by_hand;
};

struct keeper_options {
    const struct keeper_kind *kind;
    void *context;
    const struct clock *clock;
    struct keeper_timing timing;
};

struct keeper; /* thread-safe */

/* Everything in `options` is borrowed for the keeper's life. ERR_NO_MEMORY, ERR_CRYPTO. */
enum status keeper_start(const struct keeper_options *options, struct keeper **keeper_out);
void keeper_free(struct keeper *keeper);

/* The thing of this name, an owner more. `name` is unique for what `request` asks for. Waits at most `wait_ms` for the
 * thread; 0 in a request's path. ERR_COLLATERAL_MISSING: it is being fetched; ERR_BUSY: too many names;
 * ERR_COLLATERAL_EXPIRED: it could not be replaced in time, `why` says for what reason; otherwise what the last attempt
 * met with, with its refusal. Where nothing else is to do, `why` says when to ask again. */
enum status keeper_get(struct keeper *keeper, const char *name, const void *request, int wait_ms, struct refusal *why,
                       void **object_out);

/* Everything that is kept is replaced now, each in its turn, and serves meanwhile. */
void keeper_renew(struct keeper *keeper);

/* Does the next thing that is due, if one is, as the thread would. How long until the next is due; 0: at once. */
int64_t keeper_turn(struct keeper *keeper);
