/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that say themselves which processor they run on, and whose patience has an end only where that is tested: so
 * nothing depends on the machine or on how fast it is.
 */
#include "attestation/link/seats.h"

#include "base/clock.h"
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { NOWHERE = 77, PATIENT_MS = 60000, LONG_MS = 30000 };

static _Thread_local int runs_on = NOWHERE;
static _Thread_local bool is_hasty;          /* waits as long as it is told, not longer */
static _Atomic unsigned waits;               /* begun so far, by all threads */
static _Thread_local int64_t waits_until_ms; /* at the latest, of all the thread's waits */

int __wrap_processors_current(void);
int __wrap_processors_current(void)
{
    return runs_on;
}

/* Called with the mutex of the seats: who is counted waits indeed as soon as anybody else comes to the seats. */
int __real_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until)
{
    struct timespec later = *until;
    const int64_t until_ms = (int64_t)until->tv_sec * 1000 + until->tv_nsec / 1000000;
    if (until_ms > waits_until_ms) waits_until_ms = until_ms;
    if (!is_hasty) later.tv_sec += PATIENT_MS / 1000;
    (void)atomic_fetch_add(&waits, 1);
    return __real_pthread_cond_timedwait(condition, mutex, &later);
}

/* Seats 0, 1, ... on processors 0, 1, ... of `processors`, in turn. */
static struct seats *seats_on(unsigned processors, unsigned count, unsigned queue)
{
    struct processors allowed = {.count = processors};
    struct seats *seats = NULL;
    for (unsigned i = 0; i < processors; i++) allowed.numbers[i] = (int)i;
    assert_ok(seats_new(&allowed, count, queue, &seats));
    return seats;
}

/* ---- threads ---- */

struct visitor {
    struct seats *seats;
    int processor, wanted;
    bool is_hasty;
    int64_t time_ms, deadline_ms, waited_until_ms;
    pthread_t thread;
    enum status status;
    unsigned seat;
    _Atomic bool has_ended;
};

static void *visit(void *context)
{
    struct visitor *const visitor = context;
    runs_on = visitor->processor;
    is_hasty = visitor->is_hasty;
    visitor->deadline_ms = clock_monotonic_ms() + visitor->time_ms;
    visitor->status = seats_take(visitor->seats, visitor->wanted, visitor->deadline_ms, &visitor->seat);
    visitor->waited_until_ms = waits_until_ms;
    atomic_store(&visitor->has_ended, true);
    return NULL;
}

static void start(struct visitor *visitor)
{
    assert_int_equal(pthread_create(&visitor->thread, NULL, visit, visitor), 0);
}

static void join(struct visitor *visitor)
{
    assert_int_equal(pthread_join(visitor->thread, NULL), 0);
}

/* Until there have been so many waits in all. */
static void wait_for_waits(unsigned count)
{
    for (int i = 0; i < LONG_MS && atomic_load(&waits) < count; i++) (void)usleep(1000);
    assert_int_equal(atomic_load(&waits), count);
}

static struct visitor visitor_of(struct seats *seats, int processor, int wanted)
{
    return (struct visitor){.seats = seats, .processor = processor, .wanted = wanted, .time_ms = LONG_MS};
}

/* Comes, and waits. */
static void let_wait(struct visitor *visitor)
{
    const unsigned before = atomic_load(&waits);
    start(visitor);
    wait_for_waits(before + 1);
}

static void assert_waits(struct visitor *visitor)
{
    assert_false(atomic_load(&visitor->has_ended));
}

static void assert_seated(struct visitor *visitor, unsigned seat)
{
    join(visitor);
    assert_status(visitor->status, OK);
    assert_int_equal(visitor->seat, seat);
}

/* What somebody on a processor gets at once. */
static enum status take_now(struct seats *seats, int processor, int wanted, unsigned *seat_out)
{
    struct visitor visitor = visitor_of(seats, processor, wanted);
    visitor.is_hasty = true;
    visitor.time_ms = 1;
    start(&visitor);
    join(&visitor);
    if (visitor.status == OK) *seat_out = visitor.seat;
    return visitor.status;
}

static void assert_takes(struct seats *seats, int processor, int wanted, unsigned expected)
{
    unsigned seat = 99;
    assert_ok(take_now(seats, processor, wanted, &seat));
    assert_int_equal(seat, expected);
}

static void assert_takes_nothing(struct seats *seats, int processor, int wanted, enum status expected)
{
    unsigned seat = 99;
    assert_status(take_now(seats, processor, wanted, &seat), expected);
}

/* ---- whose seat ---- */

static void test_seats_are_on_the_processors_in_turn(void **)
{
    struct seats *const seats = seats_on(2, 5, 1);
    for (unsigned i = 0; i < 5; i++) assert_int_equal(seats_processor(seats, i), (int)i % 2);
    seats_free(seats);
    seats_free(NULL);
}

static void test_a_thread_takes_the_seat_of_its_processor(void **)
{
    struct seats *const seats = seats_on(3, 3, 4);
    assert_takes(seats, 1, ANY_SEAT, 1);
    assert_takes(seats, 0, ANY_SEAT, 0);
    seats_give_back(seats, 1);
    assert_takes(seats, 1, ANY_SEAT, 1);
    assert_takes(seats, 2, ANY_SEAT, 2);
    seats_free(seats);
}

static void test_of_several_free_ones_the_last_is_taken(void **)
{
    struct seats *const seats = seats_on(2, 4, 4);
    assert_takes(seats, 0, ANY_SEAT, 2);
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, NOWHERE, ANY_SEAT, 3);
    seats_free(seats);
}

/* So often that other seats, unless somebody takes them, are idle. */
static void take_turns(struct seats *seats, int processor, unsigned seat, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        assert_takes(seats, processor, ANY_SEAT, seat);
        seats_give_back(seats, seat);
    }
}

static void test_an_idle_seat_is_taken_by_who_would_have_to_wait(void **)
{
    struct seats *const seats = seats_on(2, 2, 4);
    struct visitor first = visitor_of(seats, 0, ANY_SEAT);
    take_turns(seats, 0, 0, 2 * SEATS_IDLE_TURNS - 2);
    assert_takes(seats, 0, ANY_SEAT, 0);
    let_wait(&first); /* it is not idle yet */
    seats_give_back(seats, 0);
    assert_seated(&first, 0);
    assert_takes(seats, 0, ANY_SEAT, 1);
    seats_give_back(seats, 1);
    assert_takes(seats, 0, ANY_SEAT, 1); /* a stranger's turn does not make it less idle */
    seats_give_back(seats, 1);
    assert_takes(seats, 1, ANY_SEAT, 1);
    seats_give_back(seats, 1);
    assert_takes_nothing(seats, 0, ANY_SEAT, ERR_BUSY);
    seats_free(seats);
}

static void test_a_seat_given_back_goes_to_who_waits_for_it_in_order(void **)
{
    struct seats *const seats = seats_on(2, 2, 8);
    struct visitor visitors[6];
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 1, ANY_SEAT, 1);
    for (int i = 0; i < 6; i++) {
        visitors[i] = visitor_of(seats, i % 2, ANY_SEAT);
        let_wait(&visitors[i]);
    }
    for (int i = 1; i < 6; i += 2) {
        seats_give_back(seats, 1);
        assert_seated(&visitors[i], 1);
        assert_waits(&visitors[i - 1]);
        if (i < 5) assert_waits(&visitors[i + 2]);
        seats_give_back(seats, 0);
        assert_seated(&visitors[i - 1], 0);
        if (i < 5) assert_waits(&visitors[i + 1]);
    }
    seats_free(seats);
}

/* It stays free for its own processor. */
static void test_one_that_waits_alone_is_given_no_other_seat(void **)
{
    struct seats *const seats = seats_on(2, 2, 4);
    struct visitor alone = visitor_of(seats, 0, ANY_SEAT);
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 1, ANY_SEAT, 1);
    let_wait(&alone);
    seats_give_back(seats, 1);
    assert_takes(seats, 1, ANY_SEAT, 1);
    assert_waits(&alone);
    seats_give_back(seats, 0);
    assert_seated(&alone, 0);
    seats_free(seats);
}

static void test_an_idle_seat_given_back_goes_to_who_has_waited_longest(void **)
{
    struct seats *const seats = seats_on(2, 2, 8);
    struct visitor first = visitor_of(seats, 0, ANY_SEAT), second = visitor_of(seats, 0, ANY_SEAT);
    take_turns(seats, 0, 0, 2 * SEATS_IDLE_TURNS);
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 0, ANY_SEAT, 1);
    let_wait(&first);
    let_wait(&second);
    seats_give_back(seats, 1);
    assert_seated(&first, 1);
    assert_waits(&second);
    seats_give_back(seats, 1);
    assert_seated(&second, 1);
    seats_free(seats);
}

static void test_who_is_at_home_comes_before_those_who_find_a_seat_idle(void **)
{
    struct seats *const seats = seats_on(2, 2, 8);
    struct visitor stranger = visitor_of(seats, 0, ANY_SEAT), owner = visitor_of(seats, 1, ANY_SEAT);
    take_turns(seats, 0, 0, 2 * SEATS_IDLE_TURNS);
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 0, ANY_SEAT, 1);
    let_wait(&stranger);
    let_wait(&owner);
    seats_give_back(seats, 1);
    assert_seated(&owner, 1);
    assert_waits(&stranger);
    seats_give_back(seats, 1); /* it is idle no more */
    assert_waits(&stranger);
    seats_give_back(seats, 0);
    assert_seated(&stranger, 0);
    seats_free(seats);
}

static void test_without_a_seat_on_its_processor_any_will_do(void **)
{
    struct seats *const seats = seats_on(2, 2, 4);
    struct visitor first = visitor_of(seats, NOWHERE, ANY_SEAT), second = visitor_of(seats, 1, ANY_SEAT);
    assert_takes(seats, ANY_PROCESSOR, ANY_SEAT, 1);
    assert_takes(seats, NOWHERE, ANY_SEAT, 0);
    let_wait(&first);
    let_wait(&second);
    seats_give_back(seats, 1);
    assert_seated(&first, 1);
    seats_give_back(seats, 1);
    assert_seated(&second, 1);
    seats_free(seats);
}

static void test_where_processors_are_not_known_all_are_alike(void **)
{
    const struct processors unknown = {.count = 1, .numbers = {ANY_PROCESSOR}};
    struct seats *seats = NULL;
    assert_ok(seats_new(&unknown, 2, 4, &seats));
    struct visitor first = visitor_of(seats, 0, ANY_SEAT), second = visitor_of(seats, ANY_PROCESSOR, ANY_SEAT);
    assert_takes(seats, 0, ANY_SEAT, 1);
    assert_takes(seats, ANY_PROCESSOR, ANY_SEAT, 0);
    let_wait(&first);
    let_wait(&second);
    seats_give_back(seats, 0);
    assert_seated(&first, 0);
    seats_give_back(seats, 1);
    assert_seated(&second, 1);
    seats_free(seats);
}

/* ---- patience ---- */

static void test_who_has_waited_long_enough_takes_any_seat(void **)
{
    struct seats *const seats = seats_on(2, 2, 4);
    struct visitor visitor = visitor_of(seats, 0, ANY_SEAT);
    visitor.is_hasty = true;
    assert_takes(seats, 0, ANY_SEAT, 0);
    const int64_t before_ms = clock_monotonic_ms();
    let_wait(&visitor);
    assert_seated(&visitor, 1);
    assert_true(clock_monotonic_ms() - before_ms >= SEATS_PATIENCE_MS);
    seats_free(seats);
}

static void test_who_has_waited_long_enough_comes_before_who_came_later(void **)
{
    struct seats *const seats = seats_on(2, 2, 4);
    struct visitor older = visitor_of(seats, 1, ANY_SEAT);
    struct visitor hasty = visitor_of(seats, 0, ANY_SEAT);
    struct visitor younger = visitor_of(seats, 1, ANY_SEAT);
    hasty.is_hasty = true;
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 1, ANY_SEAT, 1);
    let_wait(&older);
    const unsigned before = atomic_load(&waits);
    start(&hasty);
    wait_for_waits(before + 2); /* its second wait is that for any seat */
    let_wait(&younger);
    seats_give_back(seats, 1);
    assert_seated(&older, 1);
    seats_give_back(seats, 1);
    assert_seated(&hasty, 1);
    assert_waits(&younger);
    seats_give_back(seats, 1);
    assert_seated(&younger, 1);
    seats_free(seats);
}

/* ---- limits ---- */

static void test_waiting_ends_at_the_deadline(void **)
{
    struct seats *const seats = seats_on(2, 2, 4);
    struct visitor visitor = visitor_of(seats, 0, ANY_SEAT), next = visitor_of(seats, 0, ANY_SEAT);
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 1, ANY_SEAT, 1);
    visitor.is_hasty = true;
    for (visitor.time_ms = SEATS_PATIENCE_MS / 2; visitor.time_ms <= SEATS_PATIENCE_MS * 2; visitor.time_ms *= 2) {
        const int64_t before_ms = clock_monotonic_ms();
        start(&visitor);
        join(&visitor);
        assert_status(visitor.status, ERR_BUSY);
        assert_true(visitor.waited_until_ms == visitor.deadline_ms);
        assert_true(clock_monotonic_ms() - before_ms >= visitor.time_ms);
    }
    /* It has left the queue. */
    let_wait(&next);
    seats_give_back(seats, 0);
    assert_seated(&next, 0);
    seats_free(seats);
}

static void test_past_the_queue_nobody_waits(void **)
{
    struct seats *const seats = seats_on(3, 3, 2);
    struct visitor first = visitor_of(seats, 0, ANY_SEAT), second = visitor_of(seats, 1, ANY_SEAT);
    for (unsigned i = 0; i < 3; i++) assert_takes(seats, (int)i, ANY_SEAT, i);
    let_wait(&first);
    let_wait(&second);
    const unsigned before = atomic_load(&waits);
    for (int i = 0; i < 3; i++) assert_takes_nothing(seats, i, ANY_SEAT, ERR_BUSY);
    assert_takes_nothing(seats, 2, 2, ERR_BUSY);
    assert_int_equal(atomic_load(&waits), before);
    seats_give_back(seats, 0);
    assert_seated(&first, 0);
    seats_give_back(seats, 1);
    assert_seated(&second, 1);
    seats_free(seats);
}

static void test_who_may_not_wait_takes_what_is_free(void **)
{
    struct seats *const seats = seats_on(3, 3, 1);
    struct visitor first = visitor_of(seats, 0, ANY_SEAT);
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 1, ANY_SEAT, 1);
    let_wait(&first);
    assert_takes(seats, 1, ANY_SEAT, 2);
    seats_give_back(seats, 0);
    assert_seated(&first, 0);
    seats_free(seats);
}

/* ---- one seat alone ---- */

static void test_one_seat_alone_is_waited_for_although_others_are_free(void **)
{
    struct seats *const seats = seats_on(2, 4, 4);
    struct visitor visitor = visitor_of(seats, 1, 0);
    assert_takes(seats, 1, 0, 0);
    visitor.is_hasty = true;
    visitor.time_ms = SEATS_PATIENCE_MS * 2;
    start(&visitor);
    join(&visitor);
    assert_status(visitor.status, ERR_BUSY);
    assert_takes(seats, NOWHERE, 2, 2);
    seats_free(seats);
}

static void test_who_wants_one_seat_alone_gets_it_before_those_to_whom_others_would_do(void **)
{
    struct seats *const seats = seats_on(2, 2, 8);
    struct visitor home = visitor_of(seats, 0, ANY_SEAT), any = visitor_of(seats, NOWHERE, ANY_SEAT);
    struct visitor alone[] = {visitor_of(seats, 1, 0), visitor_of(seats, 0, 0)};
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 1, ANY_SEAT, 1);
    let_wait(&home);
    let_wait(&any);
    for (int i = 0; i < 2; i++) let_wait(&alone[i]);
    for (int i = 0; i < 2; i++) {
        seats_give_back(seats, 0);
        assert_seated(&alone[i], 0);
        assert_waits(&home);
        assert_waits(&any);
    }
    seats_give_back(seats, 0);
    assert_seated(&home, 0);
    seats_give_back(seats, 1);
    assert_seated(&any, 1);
    seats_free(seats);
}

/* Who waits for one alone is somebody who waits there, but is given no other. */
/* ---- removal ---- */

static void test_a_removed_seat_is_never_taken_again(void **)
{
    struct seats *const seats = seats_on(2, 2, 4);
    struct visitor first = visitor_of(seats, 1, ANY_SEAT);
    assert_takes(seats, 1, ANY_SEAT, 1);
    seats_remove(seats, 1);
    assert_takes(seats, 1, ANY_SEAT, 0);
    let_wait(&first);
    seats_give_back(seats, 1);
    assert_waits(&first);
    assert_takes_nothing(seats, 1, 1, ERR_CHILD_DIED);
    seats_give_back(seats, 0);
    assert_seated(&first, 0);
    seats_free(seats);
}

static void test_who_waits_for_a_removed_seat_moves_on(void **)
{
    struct seats *const seats = seats_on(2, 2, 8);
    struct visitor any = visitor_of(seats, 1, ANY_SEAT), alone = visitor_of(seats, 0, 1);
    struct visitor late = visitor_of(seats, 1, ANY_SEAT);
    assert_takes(seats, 1, ANY_SEAT, 1);
    let_wait(&any);
    let_wait(&alone);
    /* To a seat that is free, at once. */
    seats_remove(seats, 1);
    assert_seated(&any, 0);
    join(&alone);
    assert_status(alone.status, ERR_CHILD_DIED);
    let_wait(&late);
    seats_give_back(seats, 0);
    assert_seated(&late, 0);
    seats_free(seats);
}

static void test_who_waits_for_a_removed_seat_is_given_another(void **)
{
    struct seats *const seats = seats_on(2, 2, 8);
    struct visitor any = visitor_of(seats, 1, ANY_SEAT), home = visitor_of(seats, 0, ANY_SEAT);
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 1, ANY_SEAT, 1);
    let_wait(&any);
    let_wait(&home);
    seats_remove(seats, 1);
    assert_waits(&any);
    seats_give_back(seats, 0);
    assert_seated(&any, 0);
    seats_give_back(seats, 0);
    assert_seated(&home, 0);
    seats_free(seats);
}

static void test_another_seat_of_the_processor_is_still_preferred(void **)
{
    struct seats *const seats = seats_on(2, 4, 8);
    struct visitor visitor = visitor_of(seats, 1, ANY_SEAT);
    assert_takes(seats, 1, ANY_SEAT, 3);
    assert_takes(seats, 1, ANY_SEAT, 1);
    let_wait(&visitor);
    seats_remove(seats, 3);
    assert_waits(&visitor);
    seats_give_back(seats, 1);
    assert_seated(&visitor, 1);
    seats_free(seats);
}

static void test_with_the_last_seat_all_waiting_ends(void **)
{
    struct seats *const seats = seats_on(2, 2, 8);
    struct visitor visitors[] = {visitor_of(seats, 0, ANY_SEAT), visitor_of(seats, 1, ANY_SEAT),
                                 visitor_of(seats, 0, 0)};
    assert_takes(seats, 0, ANY_SEAT, 0);
    assert_takes(seats, 1, ANY_SEAT, 1);
    for (int i = 0; i < 3; i++) let_wait(&visitors[i]);
    seats_remove(seats, 1);
    for (int i = 0; i < 3; i++) assert_waits(&visitors[i]);
    seats_remove(seats, 0);
    for (int i = 0; i < 3; i++) {
        join(&visitors[i]);
        assert_status(visitors[i].status, ERR_CHILD_DIED);
    }
    assert_takes_nothing(seats, 0, ANY_SEAT, ERR_CHILD_DIED);
    assert_takes_nothing(seats, NOWHERE, 1, ERR_CHILD_DIED);
    seats_free(seats);
}

/* ---- many ---- */

struct crowd {
    struct seats *seats;
    _Atomic int in_seat[3];
    _Atomic unsigned served;
};

struct member {
    struct crowd *crowd;
    int processor;
    pthread_t thread;
};

enum { MEMBERS = 8, ROUNDS = 500 };

static void *come_and_go(void *context)
{
    struct member *const member = context;
    struct crowd *const crowd = member->crowd;
    runs_on = member->processor;
    is_hasty = true;
    for (int i = 0; i < ROUNDS; i++) {
        unsigned seat;
        const int wanted = i % 16 == 0 ? 0 : ANY_SEAT;
        if (seats_take(crowd->seats, wanted, clock_monotonic_ms() + LONG_MS, &seat) != OK) return NULL;
        if (atomic_fetch_add(&crowd->in_seat[seat], 1) == 0) (void)atomic_fetch_add(&crowd->served, 1);
        (void)atomic_fetch_sub(&crowd->in_seat[seat], 1);
        seats_give_back(crowd->seats, seat);
    }
    return NULL;
}

static void test_nobody_shares_a_seat_and_everybody_is_served(void **)
{
    struct crowd crowd = {.seats = seats_on(2, 3, MEMBERS)};
    struct member members[MEMBERS];
    for (int i = 0; i < MEMBERS; i++) {
        members[i] = (struct member){.crowd = &crowd, .processor = i % 3};
        assert_int_equal(pthread_create(&members[i].thread, NULL, come_and_go, &members[i]), 0);
    }
    for (int i = 0; i < MEMBERS; i++) assert_int_equal(pthread_join(members[i].thread, NULL), 0);
    assert_int_equal(atomic_load(&crowd.served), MEMBERS * ROUNDS);
    seats_free(crowd.seats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seats_are_on_the_processors_in_turn),
        cmocka_unit_test(test_a_thread_takes_the_seat_of_its_processor),
        cmocka_unit_test(test_of_several_free_ones_the_last_is_taken),
        cmocka_unit_test(test_an_idle_seat_is_taken_by_who_would_have_to_wait),
        cmocka_unit_test(test_a_seat_given_back_goes_to_who_waits_for_it_in_order),
        cmocka_unit_test(test_one_that_waits_alone_is_given_no_other_seat),
        cmocka_unit_test(test_an_idle_seat_given_back_goes_to_who_has_waited_longest),
        cmocka_unit_test(test_who_is_at_home_comes_before_those_who_find_a_seat_idle),
        cmocka_unit_test(test_without_a_seat_on_its_processor_any_will_do),
        cmocka_unit_test(test_where_processors_are_not_known_all_are_alike),
        cmocka_unit_test(test_who_has_waited_long_enough_takes_any_seat),
        cmocka_unit_test(test_who_has_waited_long_enough_comes_before_who_came_later),
        cmocka_unit_test(test_waiting_ends_at_the_deadline),
        cmocka_unit_test(test_past_the_queue_nobody_waits),
        cmocka_unit_test(test_who_may_not_wait_takes_what_is_free),
        cmocka_unit_test(test_one_seat_alone_is_waited_for_although_others_are_free),
        cmocka_unit_test(test_who_wants_one_seat_alone_gets_it_before_those_to_whom_others_would_do),
        cmocka_unit_test(test_a_removed_seat_is_never_taken_again),
        cmocka_unit_test(test_who_waits_for_a_removed_seat_moves_on),
        cmocka_unit_test(test_who_waits_for_a_removed_seat_is_given_another),
        cmocka_unit_test(test_another_seat_of_the_processor_is_still_preferred),
        cmocka_unit_test(test_with_the_last_seat_all_waiting_ends),
        cmocka_unit_test(test_nobody_shares_a_seat_and_everybody_is_served),
    };
    return cmocka_run_group_tests_name("attestation/link/seats", tests, NULL, NULL);
}
