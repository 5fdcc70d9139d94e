/* SPDX-License-Identifier: Apache-2.0
 *
 * Who has the records. The platform starts with its store open if its sealing key opens the master key; otherwise it
 * starts locked, listens, shows its evidence and waits for the key, from its predecessor (hand-over) or from the
 * hospital (recovery). A platform that has given its records to a successor never has them again.
 *
 *     locked ──unlock──> open ──lend──> given
 *
 * Requests hold the custody while they work with the records, so that the store is closed under nobody. Thread-safe.
 */
#pragma once

#include "base/refusal.h"

enum { CUSTODY_DRAIN_MS = 30000 };

enum custody_state { CUSTODY_LOCKED, CUSTODY_OPEN, CUSTODY_LEAVING, CUSTODY_GIVEN };

struct custody;
enum status custody_new(struct custody **custody_out);
void custody_free(struct custody *custody);

enum custody_state custody_now(struct custody *custody);

/* Holds the records; every OK is followed by custody_leave. ERR_STORE_LOCKED with why they are not there. */
enum status custody_enter(struct custody *custody, struct refusal *why);
void custody_leave(struct custody *custody);

/* What custody_enter tells while it is locked. Copied. */
void custody_explain(struct custody *custody, const struct refusal *why);

/* One change at a time. ERR_BUSY while another is under way, ERR_NOT_FOUND in another state than `from`. */
enum status custody_begin_change(struct custody *custody, enum custody_state from, struct refusal *why);
/* Ends the change; `now` is the state from here on. */
void custody_end_change(struct custody *custody, enum custody_state now);

/* Within a change from CUSTODY_OPEN: lets nobody in any more and waits for those who are. ERR_TIMEOUT after
 * `timeout_ms`; then they may come in again. */
enum status custody_drain(struct custody *custody, int timeout_ms, struct refusal *why);
