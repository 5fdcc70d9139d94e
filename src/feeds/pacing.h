/* SPDX-License-Identifier: Apache-2.0
 *
 * When to go for something again: how long what was fetched is left alone, and how long a source that failed is. Pure:
 * the random numbers that spread calls come from a generator that is seeded by the caller.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

enum {
    PACING_FIRST_RETRY_S = 15,
    PACING_RETRY_MAX_S = 3600,       /* while what is kept is still good */
    PACING_MISS_RETRY_MAX_S = 300,   /* while somebody is refused for want of it */
    PACING_RETRY_AFTER_MAX_S = 7200, /* a source may ask for no longer a pause */
    PACING_LIMITED_S = 60,           /* for a source that says "too many" and not until when */
};

/* xorshift64*: spreads, and keeps no secret. Never 0. */
struct pacing_random {
    uint64_t state;
};

/* What a source said beside its refusal. All-zero: nothing. */
struct pacing_hint {
    bool is_limited;       /* it has had too many calls (429, 503), whatever was asked for */
    int64_t retry_after_s; /* 0: it did not say */
};

/* Until the next refresh of what is valid for `left_s` more: `refresh_s`, or three quarters of what is left if that is
 * less, and up to a tenth sooner. Never less than the first retry. */
int64_t pacing_refresh_ms(struct pacing_random *random, int64_t left_s, int64_t refresh_s);

/* Until the next attempt after `failures` in a row, at least one: doubling from the first retry up to the maximum, and
 * up to half as much later. `left_s` is how long what is kept stays valid; 0 or less: nothing is. A quarter of what is
 * left at most, so that the end of its validity does not fall into a long pause. A hint within its bound prolongs. */
int64_t pacing_retry_ms(struct pacing_random *random, unsigned failures, int64_t left_s,
                        const struct pacing_hint *hint);

/* For how long a source that has had too many calls is left alone altogether. */
int64_t pacing_limited_ms(struct pacing_random *random, const struct pacing_hint *hint);

/* The value of a Retry-After header (RFC 9110 section 10.2.3): seconds, or a date, of which `now_s` is taken; what is
 * longer than the maximum is cut to it. ERR_ENCODING. */
enum status pacing_retry_after(struct slice value, int64_t now_s, int64_t *seconds_out);
