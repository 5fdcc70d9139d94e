/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store must be rid of in time: first answers older than a day, logouts that are past, uploads that were never
 * completed. A thread of its own looks every HOUSEKEEPING_S seconds and deletes a bounded number at once, so that
 * requests never wait long for the store. By proven time alone: a host clock that is ahead for a moment deletes
 * nothing.
 */
#pragma once

#include "base/clock.h"
#include "records/store.h"

enum { HOUSEKEEPING_S = 300, HOUSEKEEPING_BATCH = 200 };

struct housekeeping;
/* Both are borrowed. */
enum status housekeeping_start(struct store *store, const struct clock *clock, struct housekeeping **housekeeping_out);
void housekeeping_stop(struct housekeeping *housekeeping);
