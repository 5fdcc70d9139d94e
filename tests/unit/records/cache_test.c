/* SPDX-License-Identifier: Apache-2.0 */
#include "records/cache.h"

#include "redis_testing.h"

#include <pthread.h>

static char folder[64];
static struct redis redis;

static int set_up(void **)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/lazaret-cache-test-XXXXXX");
    redis = (struct redis){};
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **)
{
    redis_stop(&redis);
    (void)rmdir(folder);
    return 0;
}

static struct cache *new_cache(cache_connect *connect, void *context, int timeout_ms)
{
    struct cache *cache = NULL;
    const struct cache_options options = {.connect = connect, .context = context, .timeout_ms = timeout_ms};
    assert_ok(cache_new(&options, &cache));
    return cache;
}

static enum status get(struct cache *cache, const char *key, const char *expected)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(CACHE_VALUE_MAX_BYTES);
    TRY(cache_get(cache, slice_of_text(key), &value));
    assert_slice_equal(buffer_slice(&value), slice_of_text(expected));
    return OK;
}

static void test_values_come_and_go(void **)
{
    redis_start(&redis, folder);
    CLEANUP(cache_cleanup) struct cache *cache = new_cache(redis_connect, &redis, 0);
    assert_ok(cache_ping(cache));
    assert_status(get(cache, "key", ""), ERR_NOT_FOUND);
    assert_ok(cache_set(cache, SLICE_LITERAL("key"), SLICE_LITERAL("value"), 60));
    assert_ok(get(cache, "key", "value"));
    assert_ok(cache_delete(cache, SLICE_LITERAL("key")));
    assert_ok(cache_delete(cache, SLICE_LITERAL("key")));
    assert_status(get(cache, "key", ""), ERR_NOT_FOUND);
    assert_int_equal(redis.connects, 1);
}

static void test_values_expire(void **)
{
    redis_start(&redis, folder);
    CLEANUP(cache_cleanup) struct cache *cache = new_cache(redis_connect, &redis, 0);
    assert_ok(cache_set(cache, SLICE_LITERAL("key"), SLICE_LITERAL("value"), 1));
    pause_ms(1200);
    assert_status(get(cache, "key", ""), ERR_NOT_FOUND);
}

static void test_sizes_are_bounded(void **)
{
    redis_start(&redis, folder);
    CLEANUP(cache_cleanup) struct cache *cache = new_cache(redis_connect, &redis, 0);
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(CACHE_VALUE_MAX_BYTES + 1);
    uint8_t *bytes;
    assert_ok(buffer_extend(&large, CACHE_VALUE_MAX_BYTES + 1, &bytes));
    struct slice value = buffer_slice(&large);
    assert_status(cache_set(cache, SLICE_LITERAL("key"), value, 1), ERR_TOO_LARGE);
    assert_status(cache_get(cache, slice_part(value, 0, CACHE_KEY_MAX_BYTES + 1), &large), ERR_TOO_LARGE);
    value.size--;
    assert_ok(cache_set(cache, SLICE_LITERAL("key"), value, 1));
    CLEANUP(buffer_done) struct buffer got = buffer_of_maximum(CACHE_VALUE_MAX_BYTES);
    assert_ok(cache_get(cache, SLICE_LITERAL("key"), &got));
    assert_int_equal(got.size, CACHE_VALUE_MAX_BYTES);
}

static void test_a_restarted_server_is_found_again(void **)
{
    redis_start(&redis, folder);
    CLEANUP(cache_cleanup) struct cache *cache = new_cache(redis_connect, &redis, 0);
    assert_ok(cache_ping(cache));
    redis_stop(&redis);
    assert_status(cache_ping(cache), ERR_CACHE);
    redis_start(&redis, folder);
    pause_ms(CACHE_BACK_OFF_MS + 50);
    assert_ok(cache_ping(cache));
    /* A restart between two commands is not even noticed. */
    redis_stop(&redis);
    redis_start(&redis, folder);
    assert_ok(cache_ping(cache));
}

/* The peer that is connected from now on is another: nothing more goes to the one before. */
static void test_forgotten_connections_serve_no_command(void **)
{
    redis_start(&redis, folder);
    CLEANUP(cache_cleanup) struct cache *cache = new_cache(redis_connect, &redis, 0);
    assert_ok(cache_ping(cache));
    assert_ok(cache_ping(cache));
    assert_int_equal(redis.connects, 1);
    cache_forget_connections(cache);
    assert_ok(cache_ping(cache));
    assert_ok(cache_ping(cache));
    assert_int_equal(redis.connects, 2);
    /* That the peer before was away says nothing of this one. */
    redis_stop(&redis);
    assert_status(cache_ping(cache), ERR_CACHE);
    redis_start(&redis, folder);
    cache_forget_connections(cache);
    assert_ok(cache_ping(cache));
}

static void test_an_absent_server_is_not_asked_again_at_once(void **)
{
    (void)snprintf(redis.socket_path, sizeof(redis.socket_path), "%s/nobody", folder);
    CLEANUP(cache_cleanup) struct cache *cache = new_cache(redis_connect, &redis, 0);
    assert_status(cache_ping(cache), ERR_CACHE);
    assert_status(cache_ping(cache), ERR_CACHE);
    assert_int_equal(redis.connects, 1);
}

enum { THREADS = 6, COMMANDS = 30 };

static void *use_cache(void *context)
{
    struct cache *const cache = context;
    for (int i = 0; i < COMMANDS; i++) {
        char key[64];
        (void)snprintf(key, sizeof(key), "%p-%d", (void *)&key, i);
        CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(64);
        if (cache_set(cache, slice_of_text(key), slice_of_text(key), 60) != OK) return context;
        if (cache_get(cache, slice_of_text(key), &value) != OK) return context;
        if (!slice_equal_text(buffer_slice(&value), key)) return context;
    }
    return NULL;
}

static void test_threads_share_the_pool(void **)
{
    redis_start(&redis, folder);
    CLEANUP(cache_cleanup) struct cache *cache = new_cache(redis_connect, &redis, 0);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, use_cache, cache), 0);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_in_range(redis.connects, 1, CACHE_CONNECTIONS);
}

/* A server that says one thing to the first command and then nothing more. */
struct liar {
    const char *answer;
    long pause_ms; /* between bytes */
    bool at_once;
    bool hangs_up;
    int far_end;
    pthread_t thread;
    bool runs;
};

static void *lie(void *context)
{
    struct liar *const liar = context;
    char command[1024];
    if (recv(liar->far_end, command, sizeof(command), 0) <= 0) return NULL;
    const size_t size = strlen(liar->answer);
    if (liar->at_once) (void)send(liar->far_end, liar->answer, size, MSG_NOSIGNAL);
    for (const char *at = liar->at_once ? "" : liar->answer; *at != '\0'; at++) {
        if (send(liar->far_end, at, 1, MSG_NOSIGNAL) != 1) return NULL;
        if (liar->pause_ms > 0) pause_ms(liar->pause_ms);
    }
    if (liar->hangs_up) (void)shutdown(liar->far_end, SHUT_RDWR);
    /* Until the cache hangs up. */
    while (recv(liar->far_end, command, sizeof(command), 0) > 0) {}
    return NULL;
}

static enum status connect_to_liar(void *context, int *socket_out)
{
    struct liar *const liar = context;
    int ends[2];
    if (liar->runs || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return ERR_CONNECT;
    liar->far_end = ends[0];
    liar->runs = pthread_create(&liar->thread, NULL, lie, liar) == 0;
    *socket_out = ends[1];
    return OK;
}

static void assert_get_fails(struct liar liar)
{
    struct cache *cache = new_cache(connect_to_liar, &liar, 200);
    const int64_t before_ms = clock_monotonic_ms();
    assert_status(get(cache, "key", ""), ERR_CACHE);
    assert_in_range(clock_monotonic_ms() - before_ms, 0, 1500);
    cache_cleanup(&cache);
    assert_int_equal(pthread_join(liar.thread, NULL), 0);
    (void)close(liar.far_end);
}

static void test_huge_claims_are_refused(void **)
{
    assert_get_fails((struct liar){.answer = "$9223372036854775807\r\nx"});
    assert_get_fails((struct liar){.answer = "*2147483647\r\n"});
    assert_get_fails((struct liar){.answer = "$1048576\r\nx"});
}

static void test_wrong_types_are_refused(void **)
{
    assert_get_fails((struct liar){.answer = "+OK\r\n"});
    assert_get_fails((struct liar){.answer = ":1\r\n"});
    assert_get_fails((struct liar){.answer = "*1\r\n$1\r\na\r\n"});
    assert_get_fails((struct liar){.answer = "-NOAUTH Authentication required.\r\n"});
    assert_get_fails((struct liar){.answer = "HTTP/1.1 200 OK\r\n\r\n"});
}

static void test_cut_answers_are_refused(void **)
{
    assert_get_fails((struct liar){.answer = "$5\r\nab", .hangs_up = true});
    assert_get_fails((struct liar){.answer = "$5\r\nab"});
    assert_get_fails((struct liar){.answer = "", .hangs_up = true});
}

static void test_more_than_was_asked_is_refused(void **)
{
    assert_get_fails((struct liar){.answer = "$0\r\n\r\n+more\r\n", .at_once = true});
}

static void test_slow_answers_time_out(void **)
{
    assert_get_fails((struct liar){.answer = "$5\r\nabcde\r\n", .pause_ms = 60});
    assert_get_fails((struct liar){.answer = ""});
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CACHE_TEST(test_values_come_and_go),
        CACHE_TEST(test_values_expire),
        CACHE_TEST(test_sizes_are_bounded),
        CACHE_TEST(test_a_restarted_server_is_found_again),
        CACHE_TEST(test_forgotten_connections_serve_no_command),
        CACHE_TEST(test_an_absent_server_is_not_asked_again_at_once),
        CACHE_TEST(test_threads_share_the_pool),
        CACHE_TEST(test_huge_claims_are_refused),
        CACHE_TEST(test_wrong_types_are_refused),
        CACHE_TEST(test_cut_answers_are_refused),
        CACHE_TEST(test_more_than_was_asked_is_refused),
        CACHE_TEST(test_slow_answers_time_out),
    };
    return cmocka_run_group_tests_name("records/cache", tests, NULL, NULL);
}
