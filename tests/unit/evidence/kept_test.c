/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/kept.h"

#include "testing.h"

/* An item that counts its owners. */
struct item {
    int owners;
};

static void *share(const void *item)
{
    ((struct item *)item)->owners++;
    return (struct item *)item;
}

static void give_up(void *item)
{
    if (item != NULL) ((struct item *)item)->owners--;
}

static const struct kept_kind kind = {.share = share, .free = give_up};

struct digest {
    uint8_t bytes[32];
};

/* The first eight bytes choose the set, the last one only tells digests of one set apart. */
static struct digest digest_of(uint8_t set, uint8_t number)
{
    return (struct digest){.bytes = {[7] = set, [31] = number}};
}

static bool is_kept(struct kept *kept, struct digest digest)
{
    struct item *const item = kept_find(kept, digest.bytes);
    give_up(item);
    return item != NULL;
}

static void test_what_was_added_is_found_and_has_one_more_owner(void **)
{
    struct kept *kept = NULL;
    struct item items[2] = {};
    assert_ok(kept_new(8, &kind, &kept));
    assert_null(kept_find(kept, digest_of(0, 0).bytes));
    kept_add(kept, digest_of(0, 0).bytes, &items[0]);
    kept_add(kept, digest_of(0, 1).bytes, &items[1]);
    assert_ptr_equal(kept_find(kept, digest_of(0, 0).bytes), &items[0]);
    assert_ptr_equal(kept_find(kept, digest_of(0, 1).bytes), &items[1]);
    assert_null(kept_find(kept, digest_of(0, 2).bytes));
    assert_int_equal(items[0].owners, 2);
    kept_free(kept);
    assert_int_equal(items[0].owners, 1);
}

static void test_the_item_used_longest_ago_is_given_up(void **)
{
    struct kept *kept = NULL;
    struct item items[5] = {};
    assert_ok(kept_new(4, &kind, &kept));
    for (uint8_t i = 0; i < 4; i++) kept_add(kept, digest_of(0, i).bytes, &items[i]);
    assert_true(is_kept(kept, digest_of(0, 0)));
    kept_add(kept, digest_of(0, 4).bytes, &items[4]);
    assert_false(is_kept(kept, digest_of(0, 1)));
    assert_int_equal(items[1].owners, 0);
    assert_true(is_kept(kept, digest_of(0, 0)));
    for (uint8_t i = 2; i < 5; i++) assert_true(is_kept(kept, digest_of(0, i)));
    kept_free(kept);
    for (size_t i = 0; i < 5; i++) assert_int_equal(items[i].owners, 0);
}

static void test_an_item_added_again_takes_no_second_place(void **)
{
    struct kept *kept = NULL;
    struct item items[4] = {};
    assert_ok(kept_new(4, &kind, &kept));
    for (uint8_t i = 0; i < 4; i++) kept_add(kept, digest_of(0, i).bytes, &items[i]);
    kept_add(kept, digest_of(0, 3).bytes, &items[3]);
    for (uint8_t i = 0; i < 4; i++) assert_true(is_kept(kept, digest_of(0, i)));
    assert_int_equal(items[3].owners, 1);
    kept_free(kept);
}

static void test_sets_do_not_crowd_each_other_out(void **)
{
    struct kept *kept = NULL;
    struct item item = {};
    assert_ok(kept_new(8, &kind, &kept));
    for (uint8_t i = 0; i < 8; i++) kept_add(kept, digest_of(i % 2, i).bytes, &item);
    for (uint8_t i = 0; i < 8; i++) assert_true(is_kept(kept, digest_of(i % 2, i)));
    kept_free(kept);
}

static void test_there_is_always_room_for_one_set(void **)
{
    for (size_t max_count = 0; max_count < 4; max_count++) {
        struct kept *kept = NULL;
        struct item item = {};
        assert_ok(kept_new(max_count, &kind, &kept));
        kept_add(kept, digest_of(7, 7).bytes, &item);
        assert_true(is_kept(kept, digest_of(7, 7)));
        kept_free(kept);
    }
}

static void test_more_than_memory_holds_is_an_error(void **)
{
    struct kept *kept = NULL;
    assert_status(kept_new(SIZE_MAX, &kind, &kept), ERR_NO_MEMORY);
    assert_null(kept);
}

static void test_without_a_place_nothing_is_kept(void **)
{
    struct item item = {};
    kept_add(NULL, digest_of(0, 0).bytes, &item);
    assert_null(kept_find(NULL, digest_of(0, 0).bytes));
    assert_int_equal(item.owners, 0);
    kept_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_found_and_has_one_more_owner),
        cmocka_unit_test(test_the_item_used_longest_ago_is_given_up),
        cmocka_unit_test(test_an_item_added_again_takes_no_second_place),
        cmocka_unit_test(test_sets_do_not_crowd_each_other_out),
        cmocka_unit_test(test_there_is_always_room_for_one_set),
        cmocka_unit_test(test_more_than_memory_holds_is_an_error),
        cmocka_unit_test(test_without_a_place_nothing_is_kept),
    };
    return cmocka_run_group_tests_name("evidence/kept", tests, NULL, NULL);
}
