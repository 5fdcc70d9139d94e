/* SPDX-License-Identifier: Apache-2.0 */
#include "records/sessions.h"

#include "records_testing.h"
#include "redis_testing.h"

static struct place place;
static struct redis redis;
static struct cache *cache;
static struct sessions *sessions;

enum { NOW_S = 1763719200 };
static const struct account ida = {.id = "1", .user = "ida", .name = "Canary Zebra", .role = ROLE_CLINICIAN};

static int set_up(void **)
{
    place_make(&place);
    place_open(&place);
    redis = (struct redis){};
    redis_start(&redis, place.folder);
    const struct cache_options options = {.connect = redis_connect, .context = &redis};
    assert_ok(cache_new(&options, &cache));
    assert_ok(sessions_new(cache, place.store, place.keys, &sessions));
    return 0;
}

static int tear_down(void **)
{
    sessions_cleanup(&sessions);
    cache_cleanup(&cache);
    redis_stop(&redis);
    place_remove(&place);
    return 0;
}

static struct session_token start(void)
{
    struct session_token token;
    struct session session;
    assert_ok(sessions_start(sessions, &ida, NOW_S, &token, &session));
    assert_int_equal(session.expires_s, NOW_S + SESSION_IDLE_S);
    return token;
}

static enum status find(const struct session_token *token, int64_t now_s, struct session *session_out)
{
    struct session session = {};
    TRY(sessions_find(sessions, slice_of_text(token->text), now_s, &session));
    if (session_out != NULL) *session_out = session;
    return OK;
}

/* The one key in the cache, and its value, as the cache's owner sees them. */
static struct buffer stolen_key(void)
{
    int connected;
    assert_ok(redis_connect(&redis, &connected));
    assert_int_equal(write(connected, "KEYS *\r\n", 8), 8);
    char answer[256] = {};
    assert_true(read(connected, answer, sizeof(answer) - 1) > 0);
    (void)close(connected);
    const char *const key = strstr(answer, "lazaret:");
    assert_non_null(key);
    struct buffer text = buffer_of_maximum(256);
    assert_ok(buffer_append(&text, slice_of(key, strcspn(key, "\r"))));
    return text;
}

static void test_a_session_is_found_by_its_token(void **)
{
    const struct session_token token = start(), other = start();
    assert_int_equal(strlen(token.text), SESSION_TOKEN_TEXT_BYTES);
    assert_string_not_equal(token.text, other.text);
    struct session session;
    assert_ok(find(&token, NOW_S + 10, &session));
    assert_memory_equal(&session.account, &ida, sizeof(ida));
    assert_int_equal(session.started_s, NOW_S);
}

static void test_what_is_no_token_is_no_session(void **)
{
    struct session session;
    assert_status(sessions_find(sessions, SLICE_LITERAL(""), NOW_S, &session), ERR_SESSION);
    assert_status(sessions_find(sessions, SLICE_LITERAL("abc"), NOW_S, &session), ERR_SESSION);
    assert_status(
        sessions_find(sessions, SLICE_LITERAL("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), NOW_S, &session),
        ERR_SESSION);
}

static void test_the_cache_sees_neither_token_nor_account(void **)
{
    const struct session_token token = start();
    CLEANUP(buffer_done) struct buffer key = stolen_key(), value = buffer_of_maximum(4096);
    assert_null(memmem(key.bytes, key.size, token.text, 16));
    assert_ok(cache_get(cache, buffer_slice(&key), &value));
    assert_null(memmem(value.bytes, value.size, "Canary", 6));
    assert_null(memmem(value.bytes, value.size, "clinician", 9));
}

static void test_an_idle_session_is_over(void **)
{
    const struct session_token token = start();
    assert_ok(find(&token, NOW_S + SESSION_IDLE_S - 1, NULL));
    const struct session_token other = start();
    assert_status(find(&other, NOW_S + SESSION_IDLE_S, NULL), ERR_SESSION);
}

static void test_being_seen_keeps_it_but_not_beyond_its_life(void **)
{
    const struct session_token token = start();
    struct session session = {};
    int64_t now_s = NOW_S;
    for (; now_s < NOW_S + SESSION_LIFE_S - SESSION_IDLE_S; now_s += SESSION_IDLE_S / 2)
        assert_ok(find(&token, now_s, &session));
    assert_ok(find(&token, now_s, &session));
    assert_int_equal(session.expires_s, NOW_S + SESSION_LIFE_S);
    assert_ok(find(&token, NOW_S + SESSION_LIFE_S - 1, NULL));
    assert_status(find(&token, NOW_S + SESSION_LIFE_S, NULL), ERR_SESSION);
}

static void test_a_logout_holds_even_if_the_cache_shows_the_session_again(void **)
{
    const struct session_token token = start();
    CLEANUP(buffer_done) struct buffer key = stolen_key(), value = buffer_of_maximum(4096);
    assert_ok(cache_get(cache, buffer_slice(&key), &value));
    assert_ok(sessions_end(sessions, slice_of_text(token.text), NOW_S + 1));
    assert_status(find(&token, NOW_S + 2, NULL), ERR_SESSION);
    assert_ok(cache_set(cache, buffer_slice(&key), buffer_slice(&value), 600));
    assert_status(find(&token, NOW_S + 2, NULL), ERR_SESSION);
    assert_status(sessions_end(sessions, SLICE_LITERAL("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), NOW_S),
                  ERR_SESSION);
}

static void test_a_logout_goes_when_the_session_would_have_ended(void **)
{
    const struct session_token token = start();
    assert_ok(sessions_end(sessions, slice_of_text(token.text), NOW_S + 1));
    CLEANUP(store_rollback) struct store_transaction *transaction = NULL;
    assert_ok(store_begin(place.store, &transaction));
    size_t count;
    assert_ok(store_sweep(transaction, NOW_S + SESSION_LIFE_S - 1, 10, &count));
    assert_int_equal(count, 0);
    assert_ok(store_sweep(transaction, NOW_S + SESSION_LIFE_S + STORE_EXPIRY_ROUNDING_S, 10, &count));
    assert_int_equal(count, 1);
}

static void test_a_value_that_was_altered_or_moved_is_no_session(void **)
{
    const struct session_token token = start();
    CLEANUP(buffer_done) struct buffer key = stolen_key(), value = buffer_of_maximum(4096);
    assert_ok(cache_get(cache, buffer_slice(&key), &value));
    const struct session_token other = start();
    struct session session;
    /* The other's value under this key. */
    assert_ok(cache_delete(cache, buffer_slice(&key)));
    CLEANUP(buffer_done) struct buffer other_key = stolen_key();
    assert_ok(cache_set(cache, buffer_slice(&other_key), buffer_slice(&value), 600));
    assert_status(find(&other, NOW_S, &session), ERR_SESSION);
    value.bytes[value.size - 1] ^= 1;
    assert_ok(cache_set(cache, buffer_slice(&key), buffer_slice(&value), 600));
    assert_status(find(&token, NOW_S, &session), ERR_SESSION);
}

static void test_sessions_outlive_the_platform(void **)
{
    const struct session_token token = start();
    sessions_cleanup(&sessions);
    place_close(&place);
    place_open(&place);
    assert_ok(sessions_new(cache, place.store, place.keys, &sessions));
    assert_ok(find(&token, NOW_S + 10, NULL));
}

static void test_without_the_cache_nobody_is_let_in_and_logouts_are_kept(void **)
{
    const struct session_token token = start(), other = start();
    redis_stop(&redis);
    struct session_token refused;
    struct session session;
    assert_status(sessions_start(sessions, &ida, NOW_S, &refused, &session), ERR_CACHE);
    assert_status(find(&token, NOW_S, NULL), ERR_CACHE);
    struct store_head before, after;
    assert_ok(store_head(place.store, &before));
    assert_ok(sessions_end(sessions, slice_of_text(token.text), NOW_S));
    assert_ok(store_head(place.store, &after));
    assert_int_equal(after.generation, before.generation + 1);
    for (int i = 1; i < SESSION_UNCHECKED_LOGOUTS_MAX; i++)
        assert_ok(sessions_end(sessions, slice_of_text(token.text), NOW_S));
    assert_status(sessions_end(sessions, slice_of_text(other.text), NOW_S), ERR_CACHE);
}

#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

enum { SKIPPED = 77 };

int main(void)
{
    if (!redis_is_installed()) return SKIPPED;
    const struct CMUnitTest tests[] = {
        SESSION_TEST(test_a_session_is_found_by_its_token),
        SESSION_TEST(test_what_is_no_token_is_no_session),
        SESSION_TEST(test_the_cache_sees_neither_token_nor_account),
        SESSION_TEST(test_an_idle_session_is_over),
        SESSION_TEST(test_being_seen_keeps_it_but_not_beyond_its_life),
        SESSION_TEST(test_a_logout_holds_even_if_the_cache_shows_the_session_again),
        SESSION_TEST(test_a_logout_goes_when_the_session_would_have_ended),
        SESSION_TEST(test_a_value_that_was_altered_or_moved_is_no_session),
        SESSION_TEST(test_sessions_outlive_the_platform),
        SESSION_TEST(test_without_the_cache_nobody_is_let_in_and_logouts_are_kept),
    };
    return cmocka_run_group_tests_name("records/sessions", tests, NULL, NULL);
}
