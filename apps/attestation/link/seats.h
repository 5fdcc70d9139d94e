/* SPDX-License-Identifier: Apache-2.0
 *
 * Seats at processes that answer one question at a time, each on the processor that its process keeps to. A thread
 * takes a seat, asks, and gives it back; it prefers the seats of the processor that it runs on, for there nobody has to
 * be woken elsewhere. So it waits for one of those although another is free, unless that one is idle: nobody who runs
 * there has taken it for SEATS_IDLE_TURNS turns for each seat that there is. After SEATS_PATIENCE_MS any seat will do,
 * for what is before it may take long. A thread on whose processor there is no seat takes any from the start. A seat
 * that is given back goes, each time to who has waited longest, to
 *   1. who wants this very seat,
 *   2. who runs on its processor, or to whom any seat will do,
 *   3. anybody, if it is idle.
 */
#pragma once

#include "base/processors.h"

#include <stdint.h>

enum { ANY_SEAT = -1, SEATS_PATIENCE_MS = 100, SEATS_IDLE_TURNS = 8 };

struct seats; /* thread-safe */

/* Seat i is on the i-th of the processors, or where they are fewer, on those in turn. `queue`: threads that may wait at
 * a time. ERR_NO_MEMORY. */
enum status seats_new(const struct processors *processors, unsigned count, unsigned queue, struct seats **seats_out);

/* Nobody may have or want a seat any more. */
void seats_free(struct seats *seats);

int seats_processor(const struct seats *seats, unsigned seat);

/* `wanted`: a seat that alone will do, or ANY_SEAT; of several that are free the last is taken, since what only one
 * process can do, the first does. Until `deadline_ms` of clock_monotonic_ms. ERR_BUSY: none became free in time, or
 * there are as many who wait as may. ERR_CHILD_DIED: those wanted have been removed. */
enum status seats_take(struct seats *seats, int wanted, int64_t deadline_ms, unsigned *seat_out);

void seats_give_back(struct seats *seats, unsigned seat);

/* For good. Who has the seat keeps it until it gives it back; who waits for it gets another, or ERR_CHILD_DIED. */
void seats_remove(struct seats *seats, unsigned seat);
