/* SPDX-License-Identifier: Apache-2.0
 *
 * The HPKE keys of sealed requests (architecture 5.4): a new one each day, the one before accepted for a while beside
 * it, then held only to say so, sealed, and then forgotten. Each key has a replay window of its own, which dies with
 * it. Ages are counted by the clock that only goes forward, so no date of the host makes a key last. Thread-safe.
 */
#pragma once

#include "channel/replay.h"
#include "crypto/key.h"
#include "token/runtime_data.h"

enum { SEALED_KEYS_MAX_COUNT = 4, SEALED_KEY_ACCEPT_S = 3600, SEALED_KEY_HOLD_S = 3600 };

struct sealed_keys_options {
    size_t window_count; /* of each key's replay window */
    int64_t accept_ms;   /* how long the key before is accepted after a new one was shown */
    int64_t hold_ms;     /* how long it is known as retired after that */
};

struct sealed_keys;
enum status sealed_keys_new(const struct sealed_keys_options *options, struct sealed_keys **keys_out);
void sealed_keys_free(struct sealed_keys *keys);

/* The key that clients are shown from now on; the same one again changes nothing. It is shared. */
enum status sealed_keys_show(struct sealed_keys *keys, const struct key *key, int64_t now_ms);

/* The key's thumbprint that was shown last; "" before the first. */
void sealed_keys_present(struct sealed_keys *keys, char thumbprint_out[static THUMBPRINT_TEXT_BYTES + 1]);

/* A key that is held, until it is released. */
struct sealed_key {
    struct key *key;
    struct replay_window *window;
    bool is_retired; /* only to be told so, inside the seal */
    struct sealed_key_place *place;
};
/* ERR_OHTTP_KEY: not held, or no longer. */
enum status sealed_keys_take(struct sealed_keys *keys, struct slice thumbprint, int64_t now_ms,
                             struct sealed_key *key_out);
void sealed_key_release(struct sealed_keys *keys, struct sealed_key *key);
