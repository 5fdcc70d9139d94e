/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/key_sets.h"

#include "base/json.h"

#include "testing.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

struct scene {
    char folder[64], path[128];
    struct key *first, *second;
    struct clock *clock;
    int64_t now_ms;
    struct key_set_source sources[2];
    struct key_set_feed *feed;
};

static int64_t scene_ms(void *context)
{
    const struct scene *const scene = context;
    return scene->now_ms;
}

static void put(const struct scene *scene, const char *text)
{
    struct refusal why = {};
    assert_ok(file_write(scene->path, slice_of_text(text), 0600, &why));
}

static void put_key(const struct scene *scene, const struct key *key)
{
    json_t *jwk = NULL;
    assert_ok(jwk_from_key(key, &jwk));
    CLEANUP(json_done) json_t *set = json_pack("{s:[o]}", "keys", jwk);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4096);
    const char *characters;
    assert_ok(json_write(set, &text));
    assert_ok(buffer_text(&text, &characters));
    put(scene, characters);
}

static void scene_make(struct scene *scene)
{
    *scene = (struct scene){.folder = "/tmp/lazaret-key-sets-XXXXXX", .now_ms = INT64_C(1790000000000)};
    assert_non_null(mkdtemp(scene->folder));
    (void)snprintf(scene->path, sizeof(scene->path), "%s/keys.json", scene->folder);
    assert_ok(key_generate(KEY_P256, 0, &scene->first));
    assert_ok(key_generate(KEY_P256, 0, &scene->second));
    assert_ok(clock_new_fixed(scene->now_ms / 1000, &scene->clock));
    scene->sources[1] = (struct key_set_source){.name = "https://login.example", .path = scene->path};
}

static void scene_open(struct scene *scene)
{
    const struct key_set_feed_options options = {
        .clock = scene->clock,
        .sources = scene->sources,
        .source_count = 2,
        .timing = {.monotonic_ms = scene_ms, .time = scene, .seed = 5, .by_hand = true},
    };
    assert_ok(key_set_feed_start(&options, &scene->feed));
    while (key_set_feed_turn(scene->feed) == 0) continue;
}

static void scene_done(struct scene *scene)
{
    key_set_feed_free(scene->feed);
    clock_free(scene->clock);
    key_free(scene->first);
    key_free(scene->second);
    (void)unlink(scene->path);
    (void)rmdir(scene->folder);
}

static void pass(struct scene *scene, int64_t seconds)
{
    scene->now_ms += seconds * 1000;
    clock_set(scene->clock, scene->now_ms / 1000);
    while (key_set_feed_turn(scene->feed) == 0) continue;
}

static enum status get(struct scene *scene, const struct key *expected)
{
    CLEANUP(key_set_cleanup) struct key_set *set = NULL;
    struct refusal why = {};
    const enum status status = key_set_feed_get(scene->feed, 1, &why, &set);
    if (status != OK) {
        assert_true(why.field[0] != '\0');
        return status;
    }
    assert_int_equal(key_set_keys(set)->count, 1);
    assert_true(key_equal(key_set_keys(set)->items[0].key, expected));
    return OK;
}

static void test_a_file_is_there_from_the_start_and_read_again(void **)
{
    struct scene scene;
    scene_make(&scene);
    put_key(&scene, scene.first);
    scene_open(&scene);
    assert_ok(get(&scene, scene.first));
    put_key(&scene, scene.second);
    assert_ok(get(&scene, scene.first)); /* nobody waits */
    pass(&scene, KEY_SET_FILE_REFRESH_S + 1);
    assert_ok(get(&scene, scene.second));
    scene_done(&scene);
}

static void test_a_source_that_fails_changes_nothing_for_a_day(void **)
{
    static const char *const broken[] = {"no json", "{\"keys\":5}", "[]", "{\"keys\":[{\"kty\":\"EC\"}]}"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct scene scene;
        scene_make(&scene);
        put_key(&scene, scene.first);
        scene_open(&scene);
        put(&scene, broken[i]);
        pass(&scene, KEY_SET_FILE_REFRESH_S + 1);
        assert_ok(get(&scene, scene.first));
        for (int hours = 0; hours < 23; hours++) pass(&scene, HOUR_S);
        assert_ok(get(&scene, scene.first));
        for (int hours = 0; hours < 2; hours++) pass(&scene, HOUR_S);
        assert_true(get(&scene, scene.first) != OK);
        put_key(&scene, scene.second);
        for (int hours = 0; hours < 2; hours++) pass(&scene, HOUR_S);
        assert_ok(get(&scene, scene.second));
        scene_done(&scene);
    }
}

static void test_without_a_file_there_are_no_keys(void **)
{
    struct scene scene;
    scene_make(&scene);
    scene_open(&scene);
    assert_true(get(&scene, NULL) != OK);
    scene_done(&scene);
}

static void test_numbers_without_a_source(void **)
{
    struct scene scene;
    CLEANUP(key_set_cleanup) struct key_set *set = NULL;
    struct refusal why = {};
    scene_make(&scene);
    scene_open(&scene);
    assert_status(key_set_feed_get(scene.feed, 0, &why, &set), ERR_NOT_FOUND);
    assert_status(key_set_feed_get(scene.feed, 2, &why, &set), ERR_NOT_FOUND);
    scene_done(&scene);
}

static void test_sources_have_a_maximum(void **)
{
    struct key_set_feed *feed = NULL;
    const struct key_set_feed_options options = {.source_count = KEY_SET_SOURCE_MAX_COUNT + 1};
    assert_status(key_set_feed_start(&options, &feed), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_there_from_the_start_and_read_again),
        cmocka_unit_test(test_a_source_that_fails_changes_nothing_for_a_day),
        cmocka_unit_test(test_without_a_file_there_are_no_keys),
        cmocka_unit_test(test_numbers_without_a_source),
        cmocka_unit_test(test_sources_have_a_maximum),
    };
    return cmocka_run_group_tests_name("feeds/key_sets", tests, NULL, NULL);
}
