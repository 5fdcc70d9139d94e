/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/sealed_keys.h"

#include "base/encoding.h"

#include "testing.h"

enum { ACCEPT_MS = 1000, HOLD_MS = 500 };

static struct sealed_keys *keys;
static struct key *all[SEALED_KEYS_MAX_COUNT + 2];
static const size_t all_count = sizeof(all) / sizeof(all[0]);

static int make(void **)
{
    const struct sealed_keys_options options = {.window_count = 10, .accept_ms = ACCEPT_MS, .hold_ms = HOLD_MS};
    assert_ok(sealed_keys_new(&options, &keys));
    for (size_t i = 0; i < all_count; i++) assert_ok(key_generate(KEY_X25519, 0, &all[i]));
    return 0;
}

static int clear(void **)
{
    sealed_keys_free(keys);
    for (size_t i = 0; i < all_count; i++) key_cleanup(&all[i]);
    return 0;
}

static struct base64url32 name_of(size_t index)
{
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    assert_ok(key_thumbprint(all[index], thumbprint));
    return base64url_of_32(thumbprint);
}

static void shows(size_t index, int64_t now_ms)
{
    char present[THUMBPRINT_TEXT_BYTES + 1];
    assert_ok(sealed_keys_show(keys, all[index], now_ms));
    sealed_keys_present(keys, present);
    assert_string_equal(present, name_of(index).text);
}

static enum status take(size_t index, int64_t now_ms, bool *is_retired_out)
{
    const struct base64url32 name = name_of(index);
    struct sealed_key held = {};
    TRY(sealed_keys_take(keys, slice_of_text(name.text), now_ms, &held));
    assert_true(key_equal(held.key, all[index]));
    assert_non_null(held.window);
    *is_retired_out = held.is_retired;
    sealed_key_release(keys, &held);
    return OK;
}

static void is_accepted(size_t index, int64_t now_ms)
{
    bool is_retired = true;
    assert_ok(take(index, now_ms, &is_retired));
    assert_false(is_retired);
}

static void is_retired(size_t index, int64_t now_ms)
{
    bool is_retired = false;
    assert_ok(take(index, now_ms, &is_retired));
    assert_true(is_retired);
}

static void is_unknown(size_t index, int64_t now_ms)
{
    bool is_retired;
    assert_status(take(index, now_ms, &is_retired), ERR_OHTTP_KEY);
}

static void test_a_key_is_accepted_then_retired_then_forgotten(void **)
{
    is_unknown(0, 0);
    shows(0, 0);
    is_accepted(0, 1000000); /* as long as no other was shown */
    shows(1, 1000000);
    is_accepted(1, 1000000);
    is_accepted(0, 1000000);
    is_accepted(0, 1000000 + ACCEPT_MS - 1);
    is_retired(0, 1000000 + ACCEPT_MS);
    is_retired(0, 1000000 + ACCEPT_MS + HOLD_MS - 1);
    is_unknown(0, 1000000 + ACCEPT_MS + HOLD_MS);
    is_unknown(0, 1000000); /* for good */
    is_accepted(1, 1000000 + ACCEPT_MS + HOLD_MS);
    is_unknown(2, 1000000);
}

/* A token is renewed far more often than the key in it. */
static void test_the_same_key_again_changes_nothing(void **)
{
    const struct base64url32 name = name_of(0);
    struct sealed_key before = {}, again = {};
    shows(0, 0);
    assert_ok(sealed_keys_take(keys, slice_of_text(name.text), 0, &before));
    shows(0, 50);
    assert_ok(sealed_keys_take(keys, slice_of_text(name.text), 50, &again));
    assert_ptr_equal(before.window, again.window);
    sealed_key_release(keys, &before);
    sealed_key_release(keys, &again);
    is_accepted(0, 100 * (ACCEPT_MS + HOLD_MS));
}

static void test_each_key_has_a_window_of_its_own(void **)
{
    static const uint8_t encapsulated[REPLAY_KEY_BYTES] = {1};
    struct sealed_key held[2] = {};
    for (size_t i = 0; i < 2; i++) {
        const struct base64url32 name = name_of(i);
        shows(i, 0);
        assert_ok(sealed_keys_take(keys, slice_of_text(name.text), 0, &held[i]));
        assert_ok(replay_window_admit(held[i].window, encapsulated, 1000, 1000));
        assert_status(replay_window_admit(held[i].window, encapsulated, 1000, 1000), ERR_REPLAY);
    }
    for (size_t i = 0; i < 2; i++) sealed_key_release(keys, &held[i]);
}

/* A request that is under way keeps its key and window until it is answered; the sanitizers watch. */
static void test_what_is_forgotten_in_use_lives_until_its_release(void **)
{
    static const uint8_t encapsulated[REPLAY_KEY_BYTES] = {1};
    const struct base64url32 name = name_of(0);
    struct sealed_key held = {};
    shows(0, 0);
    assert_ok(sealed_keys_take(keys, slice_of_text(name.text), 0, &held));
    shows(1, 0);
    is_unknown(0, ACCEPT_MS + HOLD_MS);
    assert_true(key_equal(held.key, all[0]));
    assert_ok(replay_window_admit(held.window, encapsulated, 1000, 1000));
    sealed_key_release(keys, &held);
    assert_null(held.key);
}

static void test_so_many_keys_are_held(void **)
{
    for (size_t i = 0; i < all_count; i++) shows(i, 0);
    for (size_t i = 0; i < all_count - SEALED_KEYS_MAX_COUNT; i++) is_unknown(i, 0);
    for (size_t i = all_count - SEALED_KEYS_MAX_COUNT; i < all_count; i++) is_accepted(i, 0);
}

#define KEYS_TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KEYS_TEST(test_a_key_is_accepted_then_retired_then_forgotten),
        KEYS_TEST(test_the_same_key_again_changes_nothing),
        KEYS_TEST(test_each_key_has_a_window_of_its_own),
        KEYS_TEST(test_what_is_forgotten_in_use_lives_until_its_release),
        KEYS_TEST(test_so_many_keys_are_held),
    };
    return cmocka_run_group_tests_name("platform/sealed_keys", tests, NULL, NULL);
}
