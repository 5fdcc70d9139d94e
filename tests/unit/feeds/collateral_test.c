/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral.h"

#include "base/file.h"
#include "feeds/collateral_wire.h"
#include "simulated_source.h"

#include <dirent.h>
#include <time.h>

enum { NOW = 1800000000, PATIENCE_MS = 10000 };

struct scene {
    struct simulated_source source;
    struct clock *clock;
    struct collateral_feed *feed;
    char cache[64];
};

static void open_feed_with(struct scene *scene, struct collateral_set set, int64_t minimum_evaluation)
{
    const struct collateral_feed_options options = {
        .set = set,
        .minimum_evaluation = minimum_evaluation,
        .clock = scene->clock,
        .roots = &scene->source.roots,
        .fetch = simulated_source_fetch,
        .fetch_context = &scene->source,
        .cache = scene->cache,
    };
    assert_ok(collateral_feed_start(&options, &scene->feed));
}

static void open_feed(struct scene *scene)
{
    open_feed_with(scene, (struct collateral_set){}, 0);
}

static void reopen_feed_with(struct scene *scene, struct collateral_set set, int64_t minimum_evaluation)
{
    collateral_feed_free(scene->feed);
    open_feed_with(scene, set, minimum_evaluation);
}

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    simulated_source_init(&scene->source, NOW);
    assert_ok(clock_new_fixed(NOW, &scene->clock));
    (void)snprintf(scene->cache, sizeof(scene->cache), "/tmp/lazaret-feed-test-XXXXXX");
    assert_non_null(mkdtemp(scene->cache));
    open_feed(scene);
    *state = scene;
    return 0;
}

static void empty(const char *folder)
{
    DIR *const entries = opendir(folder);
    for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(path) != 0) empty(path);
    }
    if (entries != NULL) (void)closedir(entries);
    (void)rmdir(folder);
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    collateral_feed_free(scene->feed);
    simulated_source_done(&scene->source);
    clock_free(scene->clock);
    empty(scene->cache);
    free(scene);
    return 0;
}

static enum status get(struct scene *scene, int wait_ms, struct refusal *why)
{
    const struct collateral_platform platform = simulated_platform();
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    return collateral_feed_get(scene->feed, &platform, wait_ms, why, &collateral);
}

static void pause_ms(long pause)
{
    const struct timespec time = {.tv_nsec = pause * 1000000};
    (void)nanosleep(&time, NULL);
}

/* Until `count` calls have reached the source and what they brought is in place. */
static void await_calls(struct scene *scene, unsigned count)
{
    for (int i = 0; i < PATIENCE_MS / 10 && simulated_source_calls(&scene->source) < count; i++) pause_ms(10);
    assert_int_equal(simulated_source_calls(&scene->source), count);
    pause_ms(50);
}

static void fail_from_now_on(struct scene *scene, enum status status)
{
    (void)pthread_mutex_lock(&scene->source.mutex);
    scene->source.fails_with = status;
    (void)pthread_mutex_unlock(&scene->source.mutex);
}

static void test_the_first_request_is_answered_at_once_and_starts_the_fetch(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    assert_status(get(scene, 0, &why), ERR_COLLATERAL_MISSING);
    assert_string_equal(why.expected, "4c5a52540001-platform");
    enum status status = ERR_COLLATERAL_MISSING;
    for (int i = 0; i < PATIENCE_MS / 10 && status == ERR_COLLATERAL_MISSING; i++) {
        pause_ms(10);
        status = get(scene, 0, &why);
    }
    assert_ok(status);
    assert_ok(get(scene, 0, &why));
    assert_int_equal(simulated_source_calls(&scene->source), 1);
}

static void test_who_may_wait_gets_it_with_the_first_call(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    assert_ok(get(scene, PATIENCE_MS, &why));
    assert_int_equal(clock_floor_s(scene->clock), NOW - 300);
}

static void test_a_failure_is_told_and_remembered(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    fail_from_now_on(scene, ERR_CONNECT);
    assert_status(get(scene, PATIENCE_MS, &why), ERR_CONNECT);
    for (int i = 0; i < 10; i++) assert_status(get(scene, 0, &why), ERR_CONNECT);
    assert_string_equal(why.field, "source");
    assert_int_equal(simulated_source_calls(&scene->source), 1);
}

static void test_what_is_valid_serves_after_a_restart_without_the_source(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    assert_ok(get(scene, PATIENCE_MS, &why));
    collateral_feed_free(scene->feed);
    fail_from_now_on(scene, ERR_CONNECT);
    open_feed(scene);
    assert_ok(get(scene, PATIENCE_MS, &why));
    /* A newer one is asked for at once; that it fails changes nothing. */
    await_calls(scene, 2);
    assert_ok(get(scene, 0, &why));
}

static void test_nothing_is_served_after_its_expiry(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    assert_ok(get(scene, PATIENCE_MS, &why));
    clock_set(scene->clock, NOW + SIMULATED_COLLATERAL_LIFE_S - 1);
    assert_ok(get(scene, 0, &why));
    clock_set(scene->clock, NOW + SIMULATED_COLLATERAL_LIFE_S);
    assert_status(get(scene, 0, &why), ERR_COLLATERAL_MISSING);
    collateral_feed_free(scene->feed);
    open_feed(scene);
    assert_status(get(scene, PATIENCE_MS, &why), ERR_CRL_EXPIRED);
    assert_string_equal(why.field, "root_ca_crl.nextUpdate");
}

/* Issued later by a second: the older one that the source serves then must not take its place. */
static void test_something_older_is_not_taken(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    assert_ok(get(scene, PATIENCE_MS, &why));
    collateral_feed_free(scene->feed);
    scene->source.signed_s = NOW - 1000;
    open_feed(scene);
    const struct collateral_platform platform = simulated_platform();
    assert_ok(get(scene, PATIENCE_MS, &why));
    await_calls(scene, 2);
    struct collateral *collateral = NULL;
    struct collateral_facts facts;
    assert_ok(collateral_feed_get(scene->feed, &platform, 0, &why, &collateral));
    collateral_facts(collateral, &facts);
    collateral_free(collateral);
    assert_int_equal(facts.issued_s, NOW - 300);
}

static void test_collateral_of_another_platform_is_refused(void **state)
{
    struct scene *const scene = *state;
    struct collateral_platform platform = simulated_platform();
    platform.fmspc[5] ^= 1;
    struct refusal why = {};
    struct collateral *collateral = NULL;
    assert_status(collateral_feed_get(scene->feed, &platform, PATIENCE_MS, &why, &collateral), ERR_COLLATERAL_MISMATCH);
    platform = simulated_platform();
    (void)snprintf(platform.ca, sizeof(platform.ca), "processor");
    assert_status(collateral_feed_get(scene->feed, &platform, PATIENCE_MS, &why, &collateral), ERR_COLLATERAL_MISMATCH);
    assert_null(collateral);
}

static void test_collateral_of_another_root_is_refused(void **state)
{
    struct scene *const scene = *state;
    struct simulated_source other;
    simulated_source_init(&other, NOW);
    struct simulated_authority *const own = scene->source.authority;
    scene->source.authority = other.authority;
    struct refusal why = {};
    assert_status(get(scene, PATIENCE_MS, &why), ERR_CHAIN);
    scene->source.authority = own;
    simulated_source_done(&other);
}

/* A storm of quotes of unknown platforms: the number of platforms that are asked for at a time is bounded. */
static void test_a_storm_of_platforms_is_bounded(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    fail_from_now_on(scene, ERR_NOT_FOUND);
    /* The source waits while its state is held. */
    (void)pthread_mutex_lock(&scene->source.mutex);
    struct collateral_platform platform = simulated_platform();
    struct collateral *collateral = NULL;
    for (unsigned i = 0; i < COLLATERAL_PLATFORM_MAX_COUNT; i++) {
        platform.fmspc[0] = (uint8_t)i;
        assert_status(collateral_feed_get(scene->feed, &platform, 0, &why, &collateral), ERR_COLLATERAL_MISSING);
    }
    platform.fmspc[0] = 0xff;
    assert_status(collateral_feed_get(scene->feed, &platform, 0, &why, &collateral), ERR_BUSY);
    (void)pthread_mutex_unlock(&scene->source.mutex);
    await_calls(scene, COLLATERAL_PLATFORM_MAX_COUNT);
    /* Failures make room. */
    fail_from_now_on(scene, OK);
    assert_ok(get(scene, PATIENCE_MS, &why));
}

/* ---- what never goes back ---- */

static void kept_path(const struct scene *scene, const char *name, char path_out[static 256])
{
    (void)snprintf(path_out, 256, "%s/4c5a52540001-platform%s", scene->cache, name);
}

static void remove_kept(const struct scene *scene, const char *name)
{
    char path[256];
    kept_path(scene, name, path);
    assert_int_equal(unlink(path), 0);
}

static void test_the_newest_that_was_seen_outlives_a_restart_and_what_was_kept(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    assert_ok(get(scene, PATIENCE_MS, &why));
    remove_kept(scene, "/tcbinfo.json");
    scene->source.signed_s = NOW - 1000;
    reopen_feed_with(scene, (struct collateral_set){}, 0);
    assert_status(get(scene, PATIENCE_MS, &why), ERR_COLLATERAL_OLD);
    assert_string_equal(why.field, "tcbInfo.issueDate");
    remove_kept(scene, "/highest.json");
    reopen_feed_with(scene, (struct collateral_set){}, 0);
    assert_ok(get(scene, PATIENCE_MS, &why));
}

static void test_older_files_in_the_cache_are_not_taken(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    char path[256];
    CLEANUP(collateral_files_done) struct collateral_files older = {};
    assert_ok(get(scene, PATIENCE_MS, &why));
    assert_ok(simulated_files(scene->source.authority, NOW - 1000, &older));
    kept_path(scene, "", path);
    assert_ok(collateral_files_write(path, &older, NULL));
    fail_from_now_on(scene, ERR_CONNECT);
    reopen_feed_with(scene, (struct collateral_set){}, 0);
    assert_status(get(scene, PATIENCE_MS, &why), ERR_CONNECT);
}

static void test_a_file_that_does_not_say_how_new_is_refused(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    char path[256];
    assert_ok(get(scene, PATIENCE_MS, &why));
    kept_path(scene, "/highest.json", path);
    assert_ok(file_write(path, SLICE_LITERAL("{}"), 0600, NULL));
    reopen_feed_with(scene, (struct collateral_set){}, 0);
    assert_status(get(scene, PATIENCE_MS, &why), ERR_COLLATERAL_OLD);
    assert_string_equal(why.field, "highest.tcb_info_evaluation");
    assert_non_null(strstr(why.fix, "highest.json"));
}

static void test_the_minimum_holds_without_anything_kept(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    reopen_feed_with(scene, (struct collateral_set){}, SIMULATED_TCB_EVALUATION + 1);
    assert_status(get(scene, PATIENCE_MS, &why), ERR_COLLATERAL_OLD);
    assert_string_equal(why.expected, "at least 2, the minimum that is configured");
    reopen_feed_with(scene, (struct collateral_set){}, SIMULATED_TCB_EVALUATION);
    assert_ok(get(scene, PATIENCE_MS, &why));
}

static void test_another_minimum_holds_for_what_is_kept(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    assert_ok(get(scene, PATIENCE_MS, &why));
    const uint64_t generation = collateral_feed_generation(scene->feed);
    collateral_feed_set_minimum(scene->feed, SIMULATED_TCB_EVALUATION + 1);
    assert_true(collateral_feed_generation(scene->feed) > generation);
    assert_status(get(scene, 0, &why), ERR_COLLATERAL_OLD);
    assert_string_equal(why.expected, "at least 2, the minimum that is configured");
    collateral_feed_set_minimum(scene->feed, SIMULATED_TCB_EVALUATION);
    assert_ok(get(scene, PATIENCE_MS, &why));
}

static void test_each_set_is_kept_apart(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    char path[256];
    assert_ok(get(scene, PATIENCE_MS, &why));
    scene->source.signed_s = NOW - 1000;
    reopen_feed_with(scene, (struct collateral_set){.is_early = true}, 0);
    assert_ok(get(scene, PATIENCE_MS, &why));
    kept_path(scene, "-early/tcbinfo.json", path);
    assert_true(file_exists(path));
    reopen_feed_with(scene, (struct collateral_set){.evaluation = SIMULATED_TCB_EVALUATION}, 0);
    assert_ok(get(scene, PATIENCE_MS, &why));
    kept_path(scene, "-n1/tcbinfo.json", path);
    assert_true(file_exists(path));
    reopen_feed_with(scene, (struct collateral_set){.evaluation = 18}, 0);
    assert_status(get(scene, PATIENCE_MS, &why), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.field, "collateral.tcbEvaluationDataNumber");
    assert_string_equal(why.expected, "18");
    assert_string_equal(why.seen, "1 and 1");
}

/* ---- beside the evidence ---- */

static enum status carry(struct scene *scene, int64_t signed_s, struct refusal *why, struct collateral **collateral_out)
{
    const struct collateral_platform platform = simulated_platform();
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    assert_ok(simulated_files(scene->source.authority, signed_s, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    return collateral_feed_carried(scene->feed, &platform, &texts, why, collateral_out);
}

static void test_what_is_carried_serves_without_the_source_and_that_evidence_alone(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    CLEANUP(collateral_cleanup) struct collateral *carried = NULL;
    fail_from_now_on(scene, ERR_CONNECT);
    assert_ok(carry(scene, NOW, &why, &carried));
    assert_non_null(carried);
    assert_int_equal(simulated_source_calls(&scene->source), 0);
    assert_status(get(scene, PATIENCE_MS, &why), ERR_CONNECT);
}

static void test_what_is_carried_is_held_to_what_was_seen_and_raises_nothing(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    CLEANUP(collateral_cleanup) struct collateral *newer = NULL;
    CLEANUP(collateral_cleanup) struct collateral *older = NULL;
    scene->source.signed_s = NOW - 1000;
    assert_ok(carry(scene, NOW, &why, &newer));
    assert_ok(get(scene, PATIENCE_MS, &why));
    assert_status(carry(scene, NOW - 2000, &why, &older), ERR_COLLATERAL_OLD);
    assert_string_equal(why.field, "tcbInfo.issueDate");
    assert_null(older);
    reopen_feed_with(scene, (struct collateral_set){}, 0);
    assert_status(carry(scene, NOW - 2000, &why, &older), ERR_COLLATERAL_OLD);
    reopen_feed_with(scene, (struct collateral_set){}, SIMULATED_TCB_EVALUATION + 1);
    assert_status(carry(scene, NOW, &why, &older), ERR_COLLATERAL_OLD);
    assert_string_equal(why.expected, "at least 2, the minimum that is configured");
}

static void test_what_is_carried_must_be_current_and_of_this_platform(void **state)
{
    struct scene *const scene = *state;
    struct refusal why = {};
    struct collateral *collateral = NULL;
    struct collateral_platform platform = simulated_platform();
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    assert_ok(simulated_files(scene->source.authority, NOW, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    clock_set(scene->clock, NOW + SIMULATED_COLLATERAL_LIFE_S);
    assert_status(collateral_feed_carried(scene->feed, &platform, &texts, &why, &collateral), ERR_CRL_EXPIRED);
    assert_string_equal(why.field, "root_ca_crl.nextUpdate");
    platform.tee = INTEL_TDX;
    assert_status(collateral_feed_carried(scene->feed, &platform, &texts, &why, &collateral), ERR_COLLATERAL_MISMATCH);
    assert_string_equal(why.expected, "tdx-4c5a52540001-platform");
    platform = simulated_platform();
    files.tcb_info.bytes[20] ^= 1;
    assert_int_not_equal(collateral_feed_carried(scene->feed, &platform, &texts, &why, &collateral), OK);
    assert_null(collateral);
}

static void test_the_same_texts_are_verified_once(void **state)
{
    struct scene *const scene = *state;
    struct collateral *first = NULL, *again = NULL;
    const struct collateral_platform platform = simulated_platform();
    CLEANUP(collateral_files_done) struct collateral_files files = {};
    assert_ok(simulated_files(scene->source.authority, NOW, &files));
    const struct collateral_texts texts = collateral_files_texts(&files);
    assert_ok(collateral_feed_carried(scene->feed, &platform, &texts, NULL, &first));
    assert_ok(collateral_feed_carried(scene->feed, &platform, &texts, NULL, &again));
    assert_ptr_equal(first, again);
    collateral_free(again);
    /* So many others come that it is forgotten. */
    for (int i = 1; i <= COLLATERAL_CARRIED_MAX_COUNT; i++) {
        struct collateral *other = NULL;
        assert_ok(carry(scene, NOW + i, NULL, &other));
        assert_ptr_not_equal(first, other);
        collateral_free(other);
    }
    assert_ok(collateral_feed_carried(scene->feed, &platform, &texts, NULL, &again));
    assert_ptr_not_equal(first, again);
    collateral_free(again);
    collateral_free(first);
}

static void test_texts_are_handed_out_and_each_replacement_raises_the_generation(void **state)
{
    struct scene *const scene = *state;
    const struct collateral_platform platform = simulated_platform();
    CLEANUP(buffer_done) struct buffer wire = buffer_of_maximum(COLLATERAL_WIRE_MAX_BYTES);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct collateral_texts texts;
    assert_int_equal(collateral_feed_generation(scene->feed), 0);
    assert_status(collateral_feed_texts(scene->feed, &platform, 0, NULL, &wire), ERR_COLLATERAL_MISSING);
    assert_ok(collateral_feed_texts(scene->feed, &platform, PATIENCE_MS, NULL, &wire));
    assert_int_equal(collateral_feed_generation(scene->feed), 1);
    assert_ok(collateral_wire_read(buffer_slice(&wire), NULL, &texts));
    assert_ok(collateral_new(&texts, &scene->source.roots, NULL, &collateral));
    /* Known by now: nothing is replaced. */
    assert_ok(get(scene, 0, NULL));
    assert_int_equal(collateral_feed_generation(scene->feed), 1);
    /* Read anew from disk by another feed: the first that it has. */
    reopen_feed_with(scene, (struct collateral_set){}, 0);
    assert_ok(get(scene, PATIENCE_MS, NULL));
    assert_int_equal(collateral_feed_generation(scene->feed), 1);
}

#define feed_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        feed_unit_test(test_the_first_request_is_answered_at_once_and_starts_the_fetch),
        feed_unit_test(test_who_may_wait_gets_it_with_the_first_call),
        feed_unit_test(test_a_failure_is_told_and_remembered),
        feed_unit_test(test_what_is_valid_serves_after_a_restart_without_the_source),
        feed_unit_test(test_nothing_is_served_after_its_expiry),
        feed_unit_test(test_something_older_is_not_taken),
        feed_unit_test(test_collateral_of_another_platform_is_refused),
        feed_unit_test(test_collateral_of_another_root_is_refused),
        feed_unit_test(test_a_storm_of_platforms_is_bounded),
        feed_unit_test(test_the_newest_that_was_seen_outlives_a_restart_and_what_was_kept),
        feed_unit_test(test_older_files_in_the_cache_are_not_taken),
        feed_unit_test(test_a_file_that_does_not_say_how_new_is_refused),
        feed_unit_test(test_the_minimum_holds_without_anything_kept),
        feed_unit_test(test_another_minimum_holds_for_what_is_kept),
        feed_unit_test(test_each_set_is_kept_apart),
        feed_unit_test(test_what_is_carried_serves_without_the_source_and_that_evidence_alone),
        feed_unit_test(test_what_is_carried_is_held_to_what_was_seen_and_raises_nothing),
        feed_unit_test(test_what_is_carried_must_be_current_and_of_this_platform),
        feed_unit_test(test_the_same_texts_are_verified_once),
        feed_unit_test(test_texts_are_handed_out_and_each_replacement_raises_the_generation),
    };
    return cmocka_run_group_tests_name("feeds/collateral", tests, NULL, NULL);
}
