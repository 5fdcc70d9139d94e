/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts attempts per name and refuses them over a limit within a window. In memory of fixed size: names fall into
 * buckets under a random key, so that no one can choose names that push others out, or find names that share a bucket.
 * Names that do not exist count alike. Thread-safe; time is passed in.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

struct throttle;

enum status throttle_new(unsigned limit, int64_t window_s, struct throttle **throttle_out);
void throttle_free(struct throttle *throttle);
void throttle_cleanup(struct throttle **throttle);

/* Counts an attempt before it is made, so that attempts side by side count too. ERR_THROTTLED if the limit is reached;
 * `retry_after_s_out` (written then, and only then) says when the window ends. */
enum status throttle_take(struct throttle *throttle, struct slice name, int64_t now_s, int64_t *retry_after_s_out);

/* The attempt succeeded: the count begins anew. */
void throttle_forgive(struct throttle *throttle, struct slice name);
