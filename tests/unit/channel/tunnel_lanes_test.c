/* SPDX-License-Identifier: Apache-2.0
 *
 * Listeners that are spread over several loops, and loops of others on a tunnel's thread.
 */
#include "base/processors.h"
#include "tunnels.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LANES = 3, LANE_SOCKETS = 64, PATIENCE_MS = 10000 };

static void wait_until(const _Atomic int *value, int wanted)
{
    const int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (*value < wanted && clock_monotonic_ms() < end_ms) (void)usleep(500);
    assert_true(*value >= wanted);
}

/* ---- lanes ---- */

/* Where connections arrive: the fixture's own listener is the first lane. */
static struct lane {
    struct tunnel *tunnel;
    struct tunnel_listener *listener;
    pthread_t thread;
    int sockets[LANE_SOCKETS];
    _Atomic int count, asked;
} lanes[LANES];

static struct tunnel_fixture fixture;

static void on_connection(void *context, int inner, const struct client_address *client, const struct tunnel_peer *peer)
{
    struct lane *const lane = context;
    assert_non_null(client);
    assert_non_null(peer);
    lane->thread = pthread_self();
    lane->sockets[lane->count] = inner;
    lane->count++;
}

static int64_t pace(void *context, const struct client_address *)
{
    ((struct lane *)context)->asked++;
    return 0;
}

/* After tunnel_fixture_init_with. */
static void listen_in_lanes(void)
{
    memset(lanes, 0, sizeof(lanes));
    lanes[0].tunnel = fixture.tunnel;
    assert_ok(tunnel_listen(fixture.tunnel, "127.0.0.1:0", fixture.gate.endpoint, on_connection, &lanes[0], NULL,
                            &lanes[0].listener));
    (void)snprintf(fixture.address, sizeof(fixture.address), "127.0.0.1:%u", tunnel_listener_port(lanes[0].listener));
    for (int i = 1; i < LANES; i++) {
        assert_ok(tunnel_new(fixture.clock, NULL, &lanes[i].tunnel));
        assert_ok(
            tunnel_listener_branch(lanes[0].listener, lanes[i].tunnel, on_connection, &lanes[i], &lanes[i].listener));
        assert_int_equal(tunnel_listener_port(lanes[i].listener), tunnel_listener_port(lanes[0].listener));
    }
}

static void open_lanes(void)
{
    tunnel_fixture_init_with(&fixture, NULL);
    listen_in_lanes();
}

static void close_lanes(void)
{
    for (int i = 0; i < LANES; i++) tunnel_listener_free(lanes[i].listener);
    for (int i = 1; i < LANES; i++) tunnel_free(lanes[i].tunnel);
    for (int i = 0; i < LANES; i++) {
        for (int k = 0; k < lanes[i].count; k++) (void)close(lanes[i].sockets[k]);
    }
    tunnel_fixture_done(&fixture);
}

static uint64_t open_in(const struct lane *lane)
{
    struct tunnel_counts counts;
    tunnel_listener_counts(lane->listener, &counts);
    return counts.open;
}

static void test_connections_are_spread_evenly_and_stay_where_they_are(void **)
{
    int clients[2 * LANES];
    open_lanes();
    for (int i = 0; i < 2 * LANES; i++) clients[i] = tunnel_test_connect(&fixture);
    for (int i = 0; i < LANES; i++) {
        wait_until(&lanes[i].count, 2);
        assert_int_equal(open_in(&lanes[i]), 2);
        for (int k = 0; k < i; k++) assert_false(pthread_equal(lanes[i].thread, lanes[k].thread));
        tunnel_test_send(lanes[i].sockets[0], SLICE_LITERAL("a"));
        tunnel_test_send(lanes[i].sockets[1], SLICE_LITERAL("a"));
    }
    for (int i = 0; i < 2 * LANES; i++) {
        tunnel_test_expect(clients[i], "a");
        (void)close(clients[i]);
    }
    close_lanes();
}

static void close_sockets(struct lane *lane)
{
    for (int i = 0; i < lane->count; i++) {
        (void)close(lane->sockets[i]);
        lane->sockets[i] = -1;
    }
    const int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (open_in(lane) > 0 && clock_monotonic_ms() < end_ms) (void)usleep(1000);
    assert_int_equal(open_in(lane), 0);
}

static void test_who_holds_far_more_than_another_gets_none(void **)
{
    enum { EACH = TUNNEL_HELD_MORE + 8, MORE = 6 };
    int clients[LANES * EACH + MORE];
    open_lanes();
    for (int i = 0; i < LANES * EACH; i++) clients[i] = tunnel_test_connect(&fixture);
    for (int i = 0; i < LANES; i++) wait_until(&lanes[i].count, EACH);
    /* Their peers close as well, or both ends would linger. */
    for (int i = 0; i < LANES * EACH; i++) {
        if (i % LANES != 0) (void)shutdown(clients[i], SHUT_RDWR);
    }
    for (int i = 1; i < LANES; i++) close_sockets(&lanes[i]);
    for (int i = 0; i < MORE; i++) clients[LANES * EACH + i] = tunnel_test_connect(&fixture);
    for (int i = 1; i < LANES; i++) wait_until(&lanes[i].count, EACH + MORE / (LANES - 1));
    assert_int_equal(lanes[0].count, EACH);
    for (int i = 0; i < LANES * EACH + MORE; i++) (void)close(clients[i]);
    close_lanes();
}

/* Those that dial are on the first lane's thread, so the network delivers on its processor. */
static void test_a_connection_goes_where_it_is_delivered_but_not_much_more_often(void **)
{
    enum { COUNT = TUNNEL_NEAR_MORE + 2 };
    const struct processors all = processors_allowed();
    int clients[COUNT];
    if (all.count < 2) {
        print_message("SKIP: one processor, on which all is delivered\n");
        skip();
    }
    assert_ok(processors_keep_to(all.numbers[0]));
    tunnel_fixture_init_with(&fixture, NULL);
    assert_ok(processors_keep_to(all.numbers[1]));
    listen_in_lanes();
    assert_ok(processors_spread(&all));
    for (int i = 0; i < COUNT; i++) clients[i] = tunnel_test_connect(&fixture);
    wait_until(&lanes[0].count, TUNNEL_NEAR_MORE + 1);
    wait_until(&lanes[1].count, 1);
    assert_int_equal(lanes[0].count, TUNNEL_NEAR_MORE + 1);
    for (int i = 0; i < COUNT; i++) (void)close(clients[i]);
    close_lanes();
}

static void test_each_branch_has_its_own_pace(void **)
{
    int clients[LANES];
    open_lanes();
    for (int i = 0; i < LANES; i++) tunnel_listener_set_pace(lanes[i].listener, pace, &lanes[i]);
    for (int i = 0; i < LANES; i++) clients[i] = tunnel_test_connect(&fixture);
    for (int i = 0; i < LANES; i++) {
        wait_until(&lanes[i].count, 1);
        assert_int_equal(lanes[i].asked, 1);
        (void)close(clients[i]);
    }
    close_lanes();
}

static void test_there_are_only_so_many_branches(void **)
{
    struct tunnel_listener *branches[TUNNEL_BRANCHES_MAX] = {}, *one_more = NULL;
    open_lanes();
    for (int i = LANES - 1; i < TUNNEL_BRANCHES_MAX; i++)
        assert_ok(tunnel_listener_branch(lanes[0].listener, lanes[1].tunnel, on_connection, &lanes[1], &branches[i]));
    assert_status(tunnel_listener_branch(lanes[0].listener, lanes[1].tunnel, on_connection, &lanes[1], &one_more),
                  ERR_TOO_LARGE);
    tunnel_listener_free(lanes[0].listener);
    lanes[0].listener = NULL;
    for (int i = LANES - 1; i < TUNNEL_BRANCHES_MAX; i++) tunnel_listener_free(branches[i]);
    close_lanes();
}

/* ---- guests ---- */

static struct guest {
    struct tunnel *tunnel;
    struct tunnel_guest *guest;
    struct clock *clock;
    int descriptor;
    _Atomic int runs, more;
} guest;

static bool run(void *)
{
    eventfd_t ignored;
    (void)eventfd_read(guest.descriptor, &ignored);
    guest.runs++;
    return guest.more > 0 && guest.more-- > 0;
}

static void open_guest(void)
{
    guest = (struct guest){.descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    assert_ok(clock_new(&guest.clock));
    assert_ok(tunnel_new(guest.clock, NULL, &guest.tunnel));
    assert_ok(tunnel_invite(guest.tunnel, guest.descriptor, run, NULL, &guest.guest));
}

static void close_guest(void)
{
    tunnel_guest_free(guest.guest);
    tunnel_free(guest.tunnel);
    clock_free(guest.clock);
    (void)close(guest.descriptor);
}

static void write_to_guest(void)
{
    assert_int_equal(eventfd_write(guest.descriptor, 1), 0);
}

static void wake_guest(void)
{
    tunnel_guest_wake(guest.guest);
}

static void wake_guest_that_wants_more(void)
{
    guest.more = 20;
    tunnel_guest_wake(guest.guest);
}

/* Five times well within the time after which it would run once anyway; in some tries, for machines may be busy. */
static void expect_soon(void (*act)(void), int runs)
{
    enum { TRIES = 10, TIMES = 5, SOON_MS = 400 };
    for (int i = 0; i < TRIES; i++) {
        const int64_t begin_ms = clock_monotonic_ms();
        for (int k = 0; k < TIMES; k++) {
            const int before = guest.runs;
            act();
            wait_until(&guest.runs, before + runs);
        }
        if (clock_monotonic_ms() - begin_ms < SOON_MS) return;
    }
    fail_msg("it never runs before its time");
}

static void test_a_guest_runs_when_there_is_something(void **)
{
    open_guest();
    wait_until(&guest.runs, 1); /* the first of those at least */
    expect_soon(write_to_guest, 1);
    expect_soon(wake_guest, 1);
    expect_soon(wake_guest_that_wants_more, 21);
    wait_until(&guest.runs, guest.runs + 1);
    close_guest();
}

static void test_a_guest_that_left_runs_no_more(void **)
{
    open_guest();
    wait_until(&guest.runs, 1);
    tunnel_guest_wake(guest.guest);
    tunnel_guest_free(guest.guest);
    const int before = guest.runs;
    guest.guest = NULL;
    assert_int_equal(eventfd_write(guest.descriptor, 1), 0);
    (void)usleep(700 * 1000);
    assert_int_equal(guest.runs, before);
    close_guest();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_are_spread_evenly_and_stay_where_they_are),
        cmocka_unit_test(test_who_holds_far_more_than_another_gets_none),
        cmocka_unit_test(test_a_connection_goes_where_it_is_delivered_but_not_much_more_often),
        cmocka_unit_test(test_each_branch_has_its_own_pace),
        cmocka_unit_test(test_there_are_only_so_many_branches),
        cmocka_unit_test(test_a_guest_runs_when_there_is_something),
        cmocka_unit_test(test_a_guest_that_left_runs_no_more),
    };
    return cmocka_run_group_tests_name("channel/tunnel_lanes", tests, NULL, NULL);
}
