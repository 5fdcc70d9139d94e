/* SPDX-License-Identifier: Apache-2.0
 *
 * Time is passed in, never asked for inside pure code. A TEE has no clock that the host cannot set, so a process keeps
 * a floor, the highest signed time that it has verified, and uses max(host clock, floor + what has passed since the
 * floor was raised, by the clock that only goes forward). A host clock that is set back while the process runs
 * therefore changes nothing; one that is ahead is believed, because that can only refuse, but leaves nothing behind:
 * only signed times are kept.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

struct clock; /* thread-safe */

/* A clock over the host's real-time clock, with floor 0. */
enum status clock_new(struct clock **clock_out);
void clock_free(struct clock *clock);
void clock_cleanup(struct clock **clock);

#ifdef LAZARET_SIMULATION
/* As clock_new, but the host's clock is shown wrong by the whole seconds that stand as text in the file, such as
 * "-3600"; it is read each time, and the last number counts while there is none. For tests. ERR_IO. */
enum status clock_new_insecure(const char *offset_path, struct clock **clock_out);
#endif

/* A clock that stands still until clock_set: for tests. */
enum status clock_new_fixed(int64_t now_s, struct clock **clock_out);
void clock_set(struct clock *clock, int64_t now_s);

/* Unix seconds; never below the floor, and never lower than an earlier answer's floor. The floor of a fixed clock does
 * not run on. */
int64_t clock_now_s(const struct clock *clock);

/* The part of it that no host clock says: the floor, and what has passed since. What is forgotten for good is forgotten
 * by this, or a clock that was ahead for a moment would be enough to be rid of it. */
int64_t clock_proven_s(const struct clock *clock);

/* Raises the floor to a time that stands in verified, signed data. Lower times are ignored. */
void clock_raise_floor(struct clock *clock, int64_t verified_s);
int64_t clock_floor_s(const struct clock *clock);

/* Milliseconds that only go forward, for timeouts and durations; unrelated to the date. */
int64_t clock_monotonic_ms(void);

/* "2026-11-21T10:00:00Z" (the only form that Intel's collateral uses) to Unix seconds. ERR_ENCODING. */
enum status time_parse_iso8601(struct slice text, int64_t *time_s_out);

/* "Sat, 21 Nov 2026 10:00:00 GMT" (IMF-fixdate, RFC 9110 section 5.6.7) to Unix seconds. ERR_ENCODING. */
enum status time_parse_http(struct slice text, int64_t *time_s_out);

struct time_text {
    char text[40];
};
struct time_text time_iso8601(int64_t time_s);
struct time_text time_http(int64_t time_s);
