/* SPDX-License-Identifier: Apache-2.0
 *
 * The replay window (architecture 5.4): remembers the encapsulated key of each request in memory, before any effect,
 * for as long as the request's date could still be accepted. Its time floor never goes down; what is older than the
 * floor minus the window is refused, so neither a clock set back nor a full table reopens it. Thread-safe.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

enum {
    REPLAY_WINDOW_S = 300,      /* a request's date may be this far from now, either way */
    REPLAY_MAX_COUNT = 1 << 20, /* remembered at once; beyond, requests are refused (ERR_BUSY) */
    REPLAY_KEY_BYTES = 32,
};

struct replay_window;
enum status replay_window_new(size_t max_count, struct replay_window **window_out);
void replay_window_free(struct replay_window *window);

/* Remembers a request. ERR_DATE: outside the window around max(now, floor). ERR_REPLAY: seen before. ERR_BUSY: full. */
enum status replay_window_admit(struct replay_window *window, const uint8_t key[static REPLAY_KEY_BYTES],
                                int64_t date_s, int64_t now_s);
