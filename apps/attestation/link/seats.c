/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/link/seats.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { NO_SEAT = -1 };

struct seat {
    int processor;
    bool is_taken, is_removed;
    uint64_t home_turn; /* the last in which somebody who runs there took it */
};

/* A thread that waits; on its stack. */
struct waiter {
    pthread_cond_t condition; /* its own: nobody is woken but whom it concerns */
    int wanted;
    int home;      /* where it runs */
    int processor; /* whose seats it waits for; ANY_PROCESSOR: any will do */
    bool is_told;
    int seat; /* what it was told: NO_SEAT, if there is nothing more to wait for */
    struct waiter *next;
};

struct seats {
    pthread_mutex_t mutex; /* over what follows */
    unsigned queue, waiting;
    struct waiter *first; /* who has waited longest */
    uint64_t turn;        /* how often a seat was taken */
    unsigned count;
    struct seat seats[];
};

enum status seats_new(const struct processors *processors, unsigned count, unsigned queue, struct seats **seats_out)
{
    struct seats *const seats = calloc(1, sizeof(*seats) + count * sizeof(seats->seats[0]));
    if (seats == NULL) return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&seats->mutex, NULL);
    seats->queue = queue;
    seats->count = count;
    for (unsigned i = 0; i < count; i++) seats->seats[i].processor = processors->numbers[i % processors->count];
    *seats_out = seats;
    return OK;
}

void seats_free(struct seats *seats)
{
    if (seats == NULL) return;
    (void)pthread_mutex_destroy(&seats->mutex);
    free(seats);
}

int seats_processor(const struct seats *seats, unsigned seat)
{
    return seats->seats[seat].processor;
}

/* ---- what is free, and for whom; all under the mutex ---- */

static bool is_free(const struct seats *seats, unsigned seat)
{
    return !seats->seats[seat].is_taken && !seats->seats[seat].is_removed;
}

/* A free seat of a processor, or of any. */
static int free_seat(const struct seats *seats, int processor)
{
    for (unsigned i = seats->count; i > 0; i--) {
        const bool is_there = processor == ANY_PROCESSOR || seats->seats[i - 1].processor == processor;
        if (is_there && is_free(seats, i - 1)) return (int)i - 1;
    }
    return NO_SEAT;
}

static bool is_idle(const struct seats *seats, unsigned seat)
{
    return seats->turn - seats->seats[seat].home_turn >= (uint64_t)SEATS_IDLE_TURNS * seats->count;
}

static int idle_seat(const struct seats *seats)
{
    for (unsigned i = seats->count; i > 0; i--) {
        if (is_free(seats, i - 1) && is_idle(seats, i - 1)) return (int)i - 1;
    }
    return NO_SEAT;
}

static void occupy(struct seats *seats, int seat, int home)
{
    struct seat *const taken = &seats->seats[seat];
    taken->is_taken = true;
    seats->turn++;
    if (home == taken->processor) taken->home_turn = seats->turn;
}

/* What somebody who has just come may take. */
static int seat_at_once(const struct seats *seats, int wanted, int processor)
{
    if (wanted != ANY_SEAT) return is_free(seats, (unsigned)wanted) ? wanted : NO_SEAT;
    const int own = free_seat(seats, processor);
    if (own != NO_SEAT) return own;
    return seats->waiting < seats->queue ? idle_seat(seats) : free_seat(seats, ANY_PROCESSOR);
}

/* Why a seat goes to somebody who waits, the strongest reason first. */
enum reason { WANTS_NO_OTHER, IS_AT_HOME, FINDS_IT_IDLE, REASON_COUNT };

static bool is_meant_for(const struct seats *seats, unsigned seat, const struct waiter *waiter, enum reason reason)
{
    if (waiter->wanted != ANY_SEAT) return reason == WANTS_NO_OTHER && waiter->wanted == (int)seat;
    if (reason == IS_AT_HOME)
        return waiter->processor == ANY_PROCESSOR || waiter->processor == seats->seats[seat].processor;
    return reason == FINDS_IT_IDLE && is_idle(seats, seat);
}

static bool is_left(const struct seats *seats, int wanted, int processor)
{
    for (unsigned i = 0; i < seats->count; i++) {
        const bool is_meant = wanted != ANY_SEAT ? wanted == (int)i
                                                 : processor == ANY_PROCESSOR || seats->seats[i].processor == processor;
        if (is_meant && !seats->seats[i].is_removed) return true;
    }
    return false;
}

/* ---- waiting ---- */

static void join_queue(struct seats *seats, struct waiter *waiter)
{
    struct waiter **at = &seats->first;
    while (*at != NULL) at = &(*at)->next;
    *at = waiter;
    seats->waiting++;
}

static void leave_queue(struct seats *seats, const struct waiter *waiter)
{
    struct waiter **at = &seats->first;
    while (*at != waiter) at = &(*at)->next;
    *at = waiter->next;
    seats->waiting--;
}

static void tell(struct seats *seats, struct waiter *waiter, int seat)
{
    leave_queue(seats, waiter);
    if (seat != NO_SEAT) occupy(seats, seat, waiter->home);
    waiter->is_told = true;
    waiter->seat = seat;
    (void)pthread_cond_signal(&waiter->condition);
}

/* A free seat, to somebody who waits for it. */
static void offer(struct seats *seats, unsigned seat)
{
    for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
        for (struct waiter *waiter = seats->first; waiter != NULL; waiter = waiter->next) {
            if (!is_meant_for(seats, seat, waiter, reason)) continue;
            tell(seats, waiter, (int)seat);
            return;
        }
    }
}

/* By the clock that only goes forward. */
static void make_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(condition, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

static void wait_until(struct seats *seats, struct waiter *waiter, int64_t time_ms)
{
    const struct timespec time = {.tv_sec = time_ms / 1000, .tv_nsec = time_ms % 1000 * 1000000};
    int result = 0;
    while (!waiter->is_told && result != ETIMEDOUT)
        result = pthread_cond_timedwait(&waiter->condition, &seats->mutex, &time);
}

/* From now on any seat will do. */
static void lose_patience(struct seats *seats, struct waiter *waiter)
{
    waiter->processor = ANY_PROCESSOR;
    const int seat = free_seat(seats, ANY_PROCESSOR);
    if (seat != NO_SEAT) tell(seats, waiter, seat);
}

static enum status wait_for_seat(struct seats *seats, int wanted, int processor, int64_t deadline_ms, int *seat_out)
{
    struct waiter waiter = {.wanted = wanted, .home = processor, .processor = processor};
    const int64_t patient_until_ms = clock_monotonic_ms() + SEATS_PATIENCE_MS;
    make_condition(&waiter.condition);
    join_queue(seats, &waiter);
    if (wanted == ANY_SEAT && processor != ANY_PROCESSOR && patient_until_ms < deadline_ms) {
        wait_until(seats, &waiter, patient_until_ms);
        if (!waiter.is_told) lose_patience(seats, &waiter);
    }
    wait_until(seats, &waiter, deadline_ms);
    if (!waiter.is_told) leave_queue(seats, &waiter);
    (void)pthread_cond_destroy(&waiter.condition);
    if (!waiter.is_told) return ERR_BUSY;
    *seat_out = waiter.seat;
    return waiter.seat != NO_SEAT ? OK : ERR_CHILD_DIED;
}

/* ---- taking turns ---- */

static int processor_for(const struct seats *seats, int wanted)
{
    if (wanted != ANY_SEAT) return seats->seats[wanted].processor;
    const int current = processors_current();
    return is_left(seats, ANY_SEAT, current) ? current : ANY_PROCESSOR;
}

static enum status take(struct seats *seats, int wanted, int64_t deadline_ms, unsigned *seat_out)
{
    const int processor = processor_for(seats, wanted);
    if (!is_left(seats, wanted, ANY_PROCESSOR)) return ERR_CHILD_DIED;
    int seat = seat_at_once(seats, wanted, processor);
    if (seat != NO_SEAT)
        occupy(seats, seat, processor);
    else if (seats->waiting >= seats->queue)
        return ERR_BUSY;
    else
        TRY(wait_for_seat(seats, wanted, processor, deadline_ms, &seat));
    *seat_out = (unsigned)seat;
    return OK;
}

enum status seats_take(struct seats *seats, int wanted, int64_t deadline_ms, unsigned *seat_out)
{
    (void)pthread_mutex_lock(&seats->mutex);
    const enum status status = take(seats, wanted, deadline_ms, seat_out);
    (void)pthread_mutex_unlock(&seats->mutex);
    return status;
}

void seats_give_back(struct seats *seats, unsigned seat)
{
    (void)pthread_mutex_lock(&seats->mutex);
    seats->seats[seat].is_taken = false;
    if (is_free(seats, seat)) offer(seats, seat);
    (void)pthread_mutex_unlock(&seats->mutex);
}

/* Whose last seat is gone waits for any; to whom nothing is left, is told. */
static void look_elsewhere(struct seats *seats)
{
    for (struct waiter *waiter = seats->first, *next; waiter != NULL; waiter = next) {
        next = waiter->next;
        if (!is_left(seats, waiter->wanted, ANY_PROCESSOR))
            tell(seats, waiter, NO_SEAT);
        else if (!is_left(seats, waiter->wanted, waiter->processor))
            waiter->processor = ANY_PROCESSOR;
    }
}

void seats_remove(struct seats *seats, unsigned seat)
{
    (void)pthread_mutex_lock(&seats->mutex);
    seats->seats[seat].is_removed = true;
    look_elsewhere(seats);
    for (unsigned i = 0; i < seats->count; i++) {
        if (is_free(seats, i)) offer(seats, i);
    }
    (void)pthread_mutex_unlock(&seats->mutex);
}
