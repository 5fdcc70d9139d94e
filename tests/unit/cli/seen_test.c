/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/seen.h"

#include "base/file.h"

#include "testing.h"

#include <stdlib.h>
#include <unistd.h>

static char path[64];
static struct manifest manifest;

static int make(void **)
{
    (void)snprintf(path, sizeof(path), "/tmp/lazaret-seen-test-XXXXXX");
    const int file = mkstemp(path);
    if (file < 0) return -1;
    (void)close(file);
    (void)unlink(path);
    manifest = (struct manifest){.version = 3};
    memset(manifest.digest, 7, sizeof(manifest.digest));
    return 0;
}

static int clear(void **)
{
    (void)unlink(path);
    return 0;
}

static json_t *heads_of(const char *store, int generation, const char *head)
{
    return json_pack("[{s:s, s:i, s:s}]", "store", store, "generation", generation, "head", head);
}

/* What was seen is written, read again, and checked against `heads`. */
static enum status after(const char *store, int generation, const char *head, json_t *heads)
{
    CLEANUP(json_done) json_t *now = heads, *before = heads_of(store, generation, head);
    CLEANUP(json_done) json_t *seen = NULL, *again = NULL;
    struct refusal why = {};
    assert_ok(seen_read(path, &why, &seen));
    assert_ok(seen_write(path, seen, &manifest, before, &why));
    assert_ok(seen_read(path, &why, &again));
    assert_ok(seen_check_manifest(again, &manifest, &why));
    return seen_check_heads(again, now, &why);
}

static void test_nothing_was_seen(void **)
{
    CLEANUP(json_done) json_t *seen = NULL, *heads = heads_of("a", 1, "x");
    assert_ok(seen_read(path, NULL, &seen));
    assert_ok(seen_check_manifest(seen, &manifest, NULL));
    assert_ok(seen_check_heads(seen, heads, NULL));
}

static void test_records_that_were_set_back(void **)
{
    assert_ok(after("a", 5, "x", heads_of("a", 5, "x")));
    assert_ok(after("a", 5, "x", heads_of("a", 6, "y")));
    assert_status(after("a", 5, "x", heads_of("a", 4, "w")), ERR_STORE_ROLLBACK);
    assert_status(after("a", 5, "x", heads_of("a", 5, "y")), ERR_STORE_ROLLBACK);
    assert_status(after("a", 5, "x", heads_of("b", 9, "z")), ERR_STORE_ROLLBACK);
    assert_status(after("a", 5, "x", json_array()), ERR_STORE_ROLLBACK);
    assert_status(after("a", 5, "x", heads_of("a", -1, "x")), ERR_FIELD_VALUE);
}

static void test_manifests_that_were_set_back(void **)
{
    CLEANUP(json_done) json_t *seen = NULL, *heads = heads_of("a", 1, "x");
    assert_ok(seen_read(path, NULL, &seen));
    assert_ok(seen_write(path, seen, &manifest, heads, NULL));
    manifest.version = 2;
    assert_status(seen_check_manifest(seen, &manifest, NULL), ERR_MANIFEST_OLD);
    manifest.version = 4;
    assert_ok(seen_check_manifest(seen, &manifest, NULL));
    manifest.version = 3;
    assert_ok(seen_check_manifest(seen, &manifest, NULL));
    manifest.digest[0] ^= 1;
    assert_status(seen_check_manifest(seen, &manifest, NULL), ERR_MANIFEST_OLD);
}

static void test_a_file_of_another_form_is_not_nothing(void **)
{
    static const char *const texts[] = {
        "",
        "{}",
        "[]",
        "{\"heads\":{},\"manifest_hash\":\"x\",\"manifest_version\":-1}",
        "{\"heads\":[],\"manifest_hash\":\"x\",\"manifest_version\":1}",
        "{\"heads\":{\"a\":{\"generation\":1}},\"manifest_hash\":\"x\",\"manifest_version\":1}",
        "{\"heads\":{\"a\":1},\"manifest_hash\":\"x\",\"manifest_version\":1}",
        "{\"heads\":{},\"manifest_hash\":\"x\",\"manifest_version\":1,\"more\":1}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *seen = NULL;
        assert_ok(file_write(path, slice_of_text(texts[i]), 0600, NULL));
        assert_true(seen_read(path, NULL, &seen) != OK);
        assert_null(seen);
    }
}

#define SEEN_TEST(name) cmocka_unit_test_setup_teardown(name, make, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SEEN_TEST(test_nothing_was_seen),
        SEEN_TEST(test_records_that_were_set_back),
        SEEN_TEST(test_manifests_that_were_set_back),
        SEEN_TEST(test_a_file_of_another_form_is_not_nothing),
    };
    return cmocka_run_group_tests_name("cli/seen", tests, NULL, NULL);
}
