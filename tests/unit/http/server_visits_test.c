/* SPDX-License-Identifier: Apache-2.0
 *
 * Who of a server's connections gives way when there is no room, and who is late.
 */
#include "testing.h"

#include "http/server_internal.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GUESTS = 8, WAIT_MS = 20000, NEVER_MS = 3600000 };

static struct visits visits;
static struct {
    struct visit *visit;
    int peer, socket;
} guests[GUESTS];
static size_t guest_count;

static void open_part(struct http_limits limits, unsigned parts)
{
    visits = (struct visits){};
    guest_count = 0;
    assert_ok(visits_start(&visits, &limits, parts, NULL));
}

static void open_with(struct http_limits limits)
{
    open_part(limits, 1);
}

static void close_all(void)
{
    visits_stop(&visits);
    for (size_t i = 0; i < guest_count; i++) {
        visits_end(&visits, guests[i].visit);
        (void)close(guests[i].peer);
        (void)close(guests[i].socket);
    }
    assert_int_equal(visits.body_bytes, 0);
    assert_int_equal(visits.answer_bytes, 0);
    visits_done(&visits);
}

static size_t come(void)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct visit *const visit = calloc(1, sizeof(*visit));
    assert_non_null(visit);
    visit->socket = pair[0];
    guests[guest_count].visit = visit;
    guests[guest_count].socket = pair[0];
    guests[guest_count].peer = pair[1];
    visits_begin(&visits, visit);
    return guest_count++;
}

static bool is_gone(size_t guest)
{
    struct pollfd state = {.fd = guests[guest].peer, .events = POLLIN};
    return poll(&state, 1, 0) == 1;
}

static void expect_to_go(size_t guest)
{
    struct pollfd state = {.fd = guests[guest].peer, .events = POLLIN};
    assert_int_equal(poll(&state, 1, WAIT_MS), 1);
}

static void test_the_longest_idle_gives_way(void **)
{
    open_with((struct http_limits){.connections = 3});
    const size_t first = come(), second = come(), third = come();
    visit_reads_head(&visits, guests[first].visit);
    visit_is_over(&visits, guests[first].visit);
    const size_t fourth = come();
    assert_true(is_gone(second));
    assert_true(!is_gone(first) && !is_gone(third) && !is_gone(fourth));
    close_all();
}

static void test_a_part_of_a_server_has_that_part_of_its_room(void **)
{
    open_part((struct http_limits){.connections = 7}, 4);
    const size_t first = come(), second = come();
    assert_false(is_gone(first));
    (void)come();
    assert_true(is_gone(first));
    visit_reads_body(&visits, guests[second].visit);
    assert_true(visit_takes(&visits, guests[second].visit, HTTP_BODIES_MAX_BYTES / 4, true));
    assert_false(visit_takes(&visits, guests[second].visit, 1, true));
    close_all();
}

static void test_who_waits_for_the_peer_goes_before_who_is_served(void **)
{
    open_with((struct http_limits){.connections = 4});
    const size_t served = come(), answered = come(), reading = come(), idle = come();
    visit_is_served(&visits, guests[served].visit);
    visit_is_answered(&visits, guests[answered].visit, 100);
    visit_reads_body(&visits, guests[reading].visit);
    visit_is_served(&visits, guests[come()].visit);
    assert_true(is_gone(idle) && !is_gone(reading) && !is_gone(answered));
    visit_is_served(&visits, guests[come()].visit);
    assert_true(is_gone(reading) && !is_gone(answered));
    visit_is_served(&visits, guests[come()].visit);
    assert_true(is_gone(answered) && !is_gone(served));
    /* All are being served: nobody is dropped for a newcomer, who goes himself. */
    const size_t late = come();
    assert_true(is_gone(late) && !is_gone(served));
    close_all();
}

static void test_bodies_that_stall_keep_nobody_out(void **)
{
    open_with((struct http_limits){});
    const size_t first = come(), second = come(), third = come();
    visit_reads_body(&visits, guests[first].visit);
    visit_reads_body(&visits, guests[second].visit);
    assert_true(visit_takes(&visits, guests[first].visit, HTTP_BODIES_MAX_BYTES / 2, true));
    assert_true(visit_takes(&visits, guests[second].visit, HTTP_BODIES_MAX_BYTES / 2, true));
    visit_reads_body(&visits, guests[third].visit);
    /* What is passed over needs no room. */
    assert_true(visit_takes(&visits, guests[third].visit, 4096, false));
    assert_true(!is_gone(first));
    assert_true(visit_takes(&visits, guests[third].visit, 4096, true));
    assert_true(is_gone(first) && !is_gone(second) && !is_gone(third));
    /* What a dropped one still sends is not taken. */
    assert_false(visit_takes(&visits, guests[first].visit, 1, true));
    /* Those that are served keep theirs, and then there is no room. */
    visit_is_served(&visits, guests[second].visit);
    visit_is_served(&visits, guests[third].visit);
    const size_t fourth = come();
    visit_reads_body(&visits, guests[fourth].visit);
    assert_false(visit_takes(&visits, guests[fourth].visit, HTTP_BODIES_MAX_BYTES / 2, true));
    assert_true(!is_gone(second) && !is_gone(third));
    close_all();
}

static void test_answers_that_are_not_taken_give_way(void **)
{
    open_with((struct http_limits){});
    const size_t first = come(), second = come(), third = come();
    visit_is_answered(&visits, guests[first].visit, HTTP_ANSWERS_MAX_BYTES / 2);
    visit_is_answered(&visits, guests[second].visit, HTTP_ANSWERS_MAX_BYTES / 2);
    assert_true(!is_gone(first) && !is_gone(second));
    visit_is_answered(&visits, guests[third].visit, 1);
    assert_true(is_gone(first) && !is_gone(second) && !is_gone(third));
    close_all();
}

static void test_who_is_late_is_dropped(void **)
{
    open_with((struct http_limits){.idle_ms = 100, .head_ms = NEVER_MS, .body_ms = NEVER_MS});
    const size_t idle = come(), served = come(), reading = come();
    visit_is_served(&visits, guests[served].visit);
    visit_reads_head(&visits, guests[reading].visit);
    expect_to_go(idle);
    assert_true(!is_gone(served) && !is_gone(reading));
    close_all();

    open_with((struct http_limits){.idle_ms = NEVER_MS, .head_ms = 100, .body_ms = NEVER_MS});
    const size_t in_head = come(), in_body = come(), waiting = come();
    visit_reads_body(&visits, guests[in_body].visit);
    visit_reads_head(&visits, guests[in_head].visit);
    expect_to_go(in_head);
    assert_true(!is_gone(in_body) && !is_gone(waiting));
    close_all();

    open_with((struct http_limits){.body_ms = 100});
    const size_t slow = come(), steady = come();
    visit_reads_body(&visits, guests[steady].visit);
    assert_true(visit_takes(&visits, guests[steady].visit, (size_t)HTTP_BODY_MIN_BYTES_PER_S * 600, true));
    visit_reads_body(&visits, guests[slow].visit);
    assert_true(visit_takes(&visits, guests[slow].visit, 1, true));
    expect_to_go(slow);
    assert_true(!is_gone(steady));
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_longest_idle_gives_way),
        cmocka_unit_test(test_a_part_of_a_server_has_that_part_of_its_room),
        cmocka_unit_test(test_who_waits_for_the_peer_goes_before_who_is_served),
        cmocka_unit_test(test_bodies_that_stall_keep_nobody_out),
        cmocka_unit_test(test_answers_that_are_not_taken_give_way),
        cmocka_unit_test(test_who_is_late_is_dropped),
    };
    return cmocka_run_group_tests_name("http/server_visits", tests, NULL, NULL);
}
