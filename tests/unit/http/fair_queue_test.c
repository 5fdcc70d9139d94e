/* SPDX-License-Identifier: Apache-2.0 */
#include "http/fair_queue.h"

#include "testing.h"

enum { ITEMS = 64 };

static struct fair_queue queue;
static struct {
    struct fair_item item;
    unsigned client;
} items[ITEMS];
static size_t used;

static void open_for(size_t maximum)
{
    used = 0;
    assert_ok(fair_queue_init(&queue, maximum));
}

static struct fair_item *put(unsigned client, bool is_quiet)
{
    const struct client_address address = {.family = CLIENT_IPV4, .bytes = {(uint8_t)client}};
    items[used].client = client;
    return fair_queue_put(&queue, &items[used++].item, &address, is_quiet);
}

static void must_put(unsigned client, bool is_quiet)
{
    assert_null(put(client, is_quiet));
}

static unsigned client_of(const struct fair_item *item)
{
    for (size_t i = 0; i < used; i++) {
        if (&items[i].item == item) return items[i].client;
    }
    fail_msg("an item that was never put");
    return 0;
}

/* The clients whose turns come, as digits, until the queue is empty. */
static void expect_turns(const char *turns)
{
    char seen[ITEMS + 1] = "";
    size_t count = 0;
    for (const struct fair_item *item; (item = fair_queue_take(&queue)) != NULL;)
        seen[count++] = (char)('0' + client_of(item));
    assert_string_equal(seen, turns);
    assert_int_equal(queue.count, 0);
}

static void test_one_client_is_served_in_order(void **)
{
    open_for(8);
    for (int i = 0; i < 8; i++) must_put(1, true);
    for (int i = 0; i < 8; i++) assert_ptr_equal(fair_queue_take(&queue), &items[i].item);
    assert_null(fair_queue_take(&queue));
    fair_queue_done(&queue);
}

static void test_clients_take_turns(void **)
{
    open_for(16);
    for (int i = 0; i < 5; i++) must_put(1, true);
    must_put(2, true);
    for (int i = 0; i < 2; i++) must_put(3, true);
    expect_turns("12313111");
    fair_queue_done(&queue);
}

static void test_quiet_ones_come_first_and_busy_ones_are_not_starved(void **)
{
    open_for(ITEMS);
    for (int i = 0; i < 3; i++) must_put(1, false);
    for (int i = 0; i < 10; i++) must_put(2, true);
    must_put(3, true);
    expect_turns("23222221222211");
    fair_queue_done(&queue);
}

static void test_who_becomes_busy_goes_behind(void **)
{
    open_for(8);
    must_put(1, true);
    must_put(1, false);
    must_put(2, true);
    must_put(2, true);
    expect_turns("1221");
    fair_queue_done(&queue);
}

static void test_when_full_the_busiest_gives_way(void **)
{
    open_for(4);
    for (int i = 0; i < 3; i++) must_put(1, true);
    must_put(2, true);
    assert_ptr_equal(put(3, true), &items[2].item); /* its newest */
    /* The rest has as much as anyone: the newcomer goes. */
    assert_ptr_equal(put(1, true), &items[5].item);
    assert_ptr_equal(put(4, true), &items[1].item);
    assert_ptr_equal(put(5, true), &items[7].item);
    expect_turns("1234");
    fair_queue_done(&queue);
}

static void test_when_full_a_busy_clients_only_item_gives_way_to_a_quiet_one(void **)
{
    open_for(2);
    must_put(1, false);
    must_put(2, true);
    assert_ptr_equal(put(3, false), &items[2].item);
    assert_ptr_equal(put(3, true), &items[0].item);
    assert_ptr_equal(put(4, true), &items[4].item);
    expect_turns("23");
    fair_queue_done(&queue);
}

static void test_a_queue_of_one(void **)
{
    open_for(1);
    must_put(1, true);
    assert_ptr_equal(put(1, true), &items[1].item);
    assert_ptr_equal(put(2, true), &items[2].item);
    expect_turns("1");
    must_put(2, true);
    expect_turns("2");
    fair_queue_done(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_client_is_served_in_order),
        cmocka_unit_test(test_clients_take_turns),
        cmocka_unit_test(test_quiet_ones_come_first_and_busy_ones_are_not_starved),
        cmocka_unit_test(test_who_becomes_busy_goes_behind),
        cmocka_unit_test(test_when_full_the_busiest_gives_way),
        cmocka_unit_test(test_when_full_a_busy_clients_only_item_gives_way_to_a_quiet_one),
        cmocka_unit_test(test_a_queue_of_one),
    };
    return cmocka_run_group_tests_name("http/fair_queue", tests, NULL, NULL);
}
