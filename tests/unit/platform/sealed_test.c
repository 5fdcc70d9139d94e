/* SPDX-License-Identifier: Apache-2.0
 *
 * What happens to a sealed request before its route: date, replay, a full window. The client's side is OHTTP itself.
 */
#include "channel/ohttp.h"

#include "fakes.h"

enum { NOW_S = 1764000000 };

static struct platform platform;
static struct service service;
static struct ohttp_config config;
static char present[THUMBPRINT_TEXT_BYTES + 1];

static void show_present_key(void)
{
    assert_ok(sealed_keys_show(platform.sealed_keys, enclave_key(service.enclave, KEY_USE_HPKE), clock_monotonic_ms()));
    sealed_keys_present(platform.sealed_keys, present);
    ohttp_config_done(&config);
    assert_ok(ohttp_config_read(enclave_ohttp_configuration(service.enclave), NULL, &config));
}

static void make_with(size_t count, int64_t accept_ms)
{
    hops_reset();
    const struct enclave_options options = {.service = "platform",
                                            .version = "1",
                                            .deployment = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                            .has_hpke = true};
    service = (struct service){};
    platform = (struct platform){.service = &service};
    assert_ok(enclave_new(NULL, &options, &service.enclave));
    assert_ok(clock_new_fixed(NOW_S, &service.clock));
    open_custody(&platform);
    assert_ok(sealed_keys_new(
        &(struct sealed_keys_options){.window_count = count, .accept_ms = accept_ms, .hold_ms = 3600000},
        &platform.sealed_keys));
    config = (struct ohttp_config){};
    show_present_key();
}

static int make(void **)
{
    make_with(100, 3600000);
    return 0;
}

static int clear(void **)
{
    ohttp_config_done(&config);
    sealed_keys_free(platform.sealed_keys);
    clock_cleanup(&service.clock);
    custody_free(platform.custody);
    enclave_free(service.enclave);
    buffer_done(&hops.cached);
    return 0;
}

struct letter {
    char key[THUMBPRINT_TEXT_BYTES + 1];
    struct buffer sealed;
    struct ohttp_exchange *exchange;
};

static void letter_done(struct letter *letter)
{
    buffer_done(&letter->sealed);
    ohttp_exchange_cleanup(&letter->exchange);
}

/* GET of a path that is not there: once admitted, it is answered with 404. */
static struct letter letter_of(int64_t date_s)
{
    struct letter letter = {.sealed = buffer_of_maximum(4096)};
    memcpy(letter.key, present, sizeof(letter.key));
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(4096);
    const struct time_text date = time_http(date_s);
    const struct bhttp_request message = {
        .method = SLICE_LITERAL("GET"),
        .scheme = SLICE_LITERAL("https"),
        .authority = SLICE_LITERAL("platform"),
        .path = SLICE_LITERAL("/nowhere"),
        .fields = {{SLICE_LITERAL("date"), slice_of_text(date.text)}},
        .field_count = 1,
    };
    assert_ok(bhttp_write_request(&message, &content));
    assert_ok(ohttp_seal_request(&config, buffer_slice(&content), &letter.sealed, &letter.exchange));
    return letter;
}

/* The sealed answer's status; its fields and problem are checked by `look`, if given. */
static unsigned post(const struct letter *letter, void (*look)(const struct bhttp_response *response))
{
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(65536), content = buffer_of_maximum(65536);
    struct refusal why = {};
    struct bhttp_response response = {};
    assert_ok(sealed_exchange(&platform, slice_of_text(letter->key), buffer_slice(&letter->sealed), &why, &answer));
    assert_ok(ohttp_open_response(letter->exchange, buffer_slice(&answer), &why, &content));
    assert_ok(bhttp_read_response(buffer_slice(&content), &why, &response));
    if (look != NULL) look(&response);
    return response.status;
}

static unsigned post_new(int64_t date_s, void (*look)(const struct bhttp_response *response))
{
    CLEANUP(letter_done) struct letter letter = letter_of(date_s);
    return post(&letter, look);
}

static void says_replay(const struct bhttp_response *response)
{
    CLEANUP(json_done) json_t *problem = NULL;
    assert_ok(json_parse(response->body, 65536, NULL, &problem));
    assert_string_equal(json_string_value(json_object_get(problem, "type")), "urn:lazaret:problem:replay");
}

static void says_date(const struct bhttp_response *response)
{
    CLEANUP(json_done) json_t *problem = NULL;
    assert_ok(json_parse(response->body, 65536, NULL, &problem));
    assert_string_equal(json_string_value(json_object_get(problem, "field")), "date");
    assert_non_null(strstr(json_string_value(json_object_get(problem, "fix")), "clock"));
}

static void says_later(const struct bhttp_response *response)
{
    const struct slice after = bhttp_field(response->fields, response->field_count, "retry-after");
    assert_true(after.size > 0 && after.bytes[0] >= '1' && after.bytes[0] <= '9');
}

static void test_a_replay_within_the_window_and_after_it(void **)
{
    CLEANUP(letter_done) struct letter letter = letter_of(NOW_S);
    assert_int_equal(post(&letter, NULL), 404);
    assert_int_equal(post(&letter, says_replay), 409);
    clock_set(service.clock, NOW_S + REPLAY_WINDOW_S);
    assert_int_equal(post(&letter, says_replay), 409);
    clock_set(service.clock, NOW_S + REPLAY_WINDOW_S + 1);
    assert_int_equal(post(&letter, says_date), 400);
    clock_set(service.clock, NOW_S); /* forgotten, and set back */
    assert_int_equal(post(&letter, says_date), 400);
}

/* The key is what is remembered: with other bytes after it, it does not even open. */
static void test_the_same_key_with_other_bytes(void **)
{
    CLEANUP(letter_done) struct letter letter = letter_of(NOW_S);
    assert_int_equal(post(&letter, NULL), 404);
    letter.sealed.bytes[letter.sealed.size - 1] ^= 1;
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(65536);
    struct refusal why = {};
    assert_status(sealed_exchange(&platform, slice_of_text(letter.key), buffer_slice(&letter.sealed), &why, &answer),
                  ERR_AUTHENTICATION);
    letter.sealed.bytes[letter.sealed.size - 1] ^= 1;
    assert_int_equal(post(&letter, says_replay), 409);
}

static void test_the_verified_floor_outlasts_the_hosts_clock(void **)
{
    clock_raise_floor(service.clock, NOW_S + 1000);
    assert_int_equal(post_new(NOW_S + 1000, NULL), 404);
    assert_int_equal(post_new(NOW_S + 1000 - REPLAY_WINDOW_S - 1, says_date), 400);
    clock_set(service.clock, 0);
    assert_int_equal(post_new(NOW_S + 1000 - REPLAY_WINDOW_S - 1, says_date), 400);
    assert_int_equal(post_new(NOW_S + 1000, NULL), 404);
}

static void test_a_clock_that_was_ahead_serves_again(void **)
{
    CLEANUP(letter_done) struct letter before = letter_of(NOW_S);
    assert_int_equal(post(&before, NULL), 404);
    clock_set(service.clock, NOW_S + 365 * 24 * 3600);
    assert_int_equal(post_new(NOW_S + 1, says_date), 400);
    clock_set(service.clock, NOW_S + 2);
    assert_int_equal(post_new(NOW_S + 2, NULL), 404);
    assert_int_equal(post(&before, says_date), 400);
}

static void test_a_full_window_asks_to_come_again(void **state)
{
    (void)clear(state);
    make_with(2, 3600000);
    CLEANUP(letter_done) struct letter first = letter_of(NOW_S);
    assert_int_equal(post(&first, NULL), 404);
    assert_int_equal(post_new(NOW_S, NULL), 404);
    assert_int_equal(post_new(NOW_S, says_later), 503);
    assert_int_equal(post(&first, says_replay), 409); /* nothing was forgotten for it */
    clock_set(service.clock, NOW_S + REPLAY_WINDOW_S + 1);
    assert_int_equal(post_new(NOW_S + REPLAY_WINDOW_S + 1, NULL), 404);
}

static void test_a_key_that_is_not_held(void **)
{
    CLEANUP(letter_done) struct letter letter = letter_of(NOW_S);
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(65536);
    struct refusal why = {};
    assert_status(sealed_exchange(&platform, SLICE_LITERAL("another"), buffer_slice(&letter.sealed), &why, &answer),
                  ERR_OHTTP_KEY);
    assert_int_equal(answer.size, 0);
}

static void says_chain_changed(const struct bhttp_response *response)
{
    CLEANUP(json_done) json_t *problem = NULL;
    assert_ok(json_parse(response->body, 65536, NULL, &problem));
    assert_string_equal(json_string_value(json_object_get(problem, "type")), "urn:lazaret:problem:chain-changed");
    assert_string_equal(json_string_value(json_object_get(problem, "statement")), "the new statement");
}

/* A new key beside the one before: both are served, and what was sealed to one is remembered for that one. */
static void test_the_key_before_is_accepted_for_a_while(void **)
{
    CLEANUP(letter_done) struct letter before = letter_of(NOW_S), late = letter_of(NOW_S);
    assert_int_equal(post(&before, NULL), 404);
    assert_ok(enclave_renew_hpke(service.enclave));
    show_present_key();
    assert_int_equal(post_new(NOW_S, NULL), 404);
    assert_int_equal(post(&late, NULL), 404);
    assert_int_equal(post(&late, says_replay), 409);
    assert_int_equal(post(&before, says_replay), 409);
}

static void test_a_retired_key_is_told_so_inside_the_seal(void **state)
{
    (void)clear(state);
    make_with(100, 0);
    CLEANUP(letter_done) struct letter before = letter_of(NOW_S);
    assert_ok(enclave_renew_hpke(service.enclave));
    show_present_key();
    assert_int_equal(post(&before, says_chain_changed), 409);
    assert_int_equal(post_new(NOW_S, NULL), 404);
}

#define SEALED_TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEALED_TEST(test_a_replay_within_the_window_and_after_it),
        SEALED_TEST(test_the_same_key_with_other_bytes),
        SEALED_TEST(test_the_verified_floor_outlasts_the_hosts_clock),
        SEALED_TEST(test_a_clock_that_was_ahead_serves_again),
        SEALED_TEST(test_a_full_window_asks_to_come_again),
        SEALED_TEST(test_a_key_that_is_not_held),
        SEALED_TEST(test_the_key_before_is_accepted_for_a_while),
        SEALED_TEST(test_a_retired_key_is_told_so_inside_the_seal),
    };
    return cmocka_run_group_tests_name("platform/sealed", tests, NULL, NULL);
}
