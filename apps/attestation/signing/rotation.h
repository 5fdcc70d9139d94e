/* SPDX-License-Identifier: Apache-2.0
 *
 * When signing keys change. There is always a next key, made ahead and listed before it ever signs, so that who knows
 * the service's keys knows the one that comes; keys that signed stay in the history for good. Replicas that share the
 * state and can open each other's keys share them; each other one has its own current and next key. Pure.
 */
#pragma once

#include "attestation/management/state.h"

enum {
    ROTATION_LISTED_S = 24 * 3600, /* a key is listed before it signs by itself: clients keep key sets a while */
    ROTATION_RETIRED_LISTED_S = 366 * 86400, /* the longest life of a token: a TPM's report, and slack */
    ROTATION_LISTED_MAX_COUNT = 32,
};

struct rotation_rule {
    bool (*is_ours)(const void *context, const struct signing_key *key); /* whether these signers open it */
    const void *context;
    enum signing_algorithm algorithm;
    int64_t interval_s; /* 0: never by itself */
};

enum rotation_step {
    ROTATION_NOTHING,
    ROTATION_MAKE_CURRENT, /* there is none: make one, which signs at once */
    ROTATION_MAKE_NEXT,    /* in place of one of another algorithm, if there is one */
    ROTATION_ADVANCE,      /* the next one signs, and the current one retires */
};

struct rotation_plan {
    enum rotation_step step;
    int64_t again_s; /* when to look again, if nothing changes before; INT64_MAX: never */
    bool is_full;    /* no key can be made any more: the history is full, and the current key stays */
};

/* What to do at `now_s`. `is_asked`: an administrator asks for another key, now. */
struct rotation_plan rotation_decide(const struct state_view *view, const struct rotation_rule *rule, int64_t now_s,
                                     bool is_asked);

/* Changes the view as the plan says; `made` is copied, and NULL where no key is made. ERR_CONFLICT: the view is such
 * that the step is not to be done (any more). */
enum status rotation_apply(const struct rotation_rule *rule, enum rotation_step step, const struct signing_key *made,
                           int64_t now_s, struct state_view *view);

/* Ours of a use; NULL: none. */
const struct state_key *rotation_find(const struct state_view *view, const struct rotation_rule *rule,
                                      enum state_key_use use);

/* Whether GET /certs lists the key. */
bool rotation_is_listed(const struct state_key *key, int64_t now_s);
