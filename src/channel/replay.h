/* SPDX-License-Identifier: Apache-2.0
 *
 * The replay window (architecture 5.4): remembers the encapsulated key of each request in memory, before any effect,
 * for as long as the request's date could still be accepted. What it had to forget is never admitted again: it keeps
 * the latest date that it forgot and refuses every date up to it. So neither a clock set ahead and back nor a full
 * table reopens it, and a clock that was ahead for a while leaves at most the seconds before the jump refused.
 * Thread-safe.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

enum {
    REPLAY_WINDOW_S = 300,      /* a request's date may be this far from now, either way */
    REPLAY_MAX_COUNT = 1 << 20, /* remembered at once; beyond, requests are refused */
    REPLAY_KEY_BYTES = 32,
};

struct replay_window;
enum status replay_window_new(size_t max_count, struct replay_window **window_out);
void replay_window_free(struct replay_window *window);

/* Remembers a request. ERR_DATE: further than REPLAY_WINDOW_S from `now_s`, or not after the latest date that was
 * forgotten. ERR_REPLAY: seen before. ERR_REPLAY_FULL: it remembers as many as it can, and
 * forgets none of them early. */
enum status replay_window_admit(struct replay_window *window, const uint8_t key[static REPLAY_KEY_BYTES],
                                int64_t date_s, int64_t now_s);
