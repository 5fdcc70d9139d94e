/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of records share: a private temporary folder, keys that are the same in each run, a store in it.
 */
#pragma once

#include "records/store.h"

#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

struct place {
    char folder[64];
    char store_path[128];
    struct record_keys *keys;
    struct store *store;
};

static inline struct record_keys *test_keys(uint8_t seed, const char *tenant)
{
    uint8_t master[MASTER_KEY_BYTES];
    memset(master, seed, sizeof(master));
    struct record_keys *keys = NULL;
    assert_ok(record_keys_new(SLICE_ARRAY(master), slice_of_text(tenant), &keys));
    return keys;
}

static inline void place_make(struct place *place)
{
    *place = (struct place){.folder = "/tmp/lazaret-records-test-XXXXXX"};
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->store_path, sizeof(place->store_path), "%s/%s", place->folder, STORE_FILE);
    place->keys = test_keys(7, "hospital");
}

static inline void place_open(struct place *place)
{
    struct refusal why = {};
    if (store_open(place->store_path, 0, place->keys, &why, &place->store) != OK) {
        char text[512];
        refusal_text(&why, text, sizeof(text));
        fail_msg("%s", text);
    }
}

static inline void place_close(struct place *place)
{
    store_cleanup(&place->store);
}

/* As when the disk fails: nothing more can be written to the store's journal, for another reason than room. */
static inline void place_fail(const struct place *place)
{
    char journal[160];
    (void)snprintf(journal, sizeof(journal), "%s-wal", place->store_path);
    const int unwritable = open(journal, O_RDONLY | O_CLOEXEC);
    assert_true(unwritable >= 0);
    bool is_found = false;
    for (int descriptor = 3; descriptor < unwritable; descriptor++) {
        char link[32], path[PATH_MAX];
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
        const ssize_t size = readlink(link, path, sizeof(path));
        if (size != (ssize_t)strlen(journal) || memcmp(path, journal, (size_t)size) != 0) continue;
        assert_int_equal(dup3(unwritable, descriptor, O_CLOEXEC), descriptor);
        is_found = true;
    }
    (void)close(unwritable);
    assert_true(is_found);
}

static inline void place_remove(struct place *place)
{
    store_cleanup(&place->store);
    record_keys_cleanup(&place->keys);
    DIR *const folder = opendir(place->folder);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", place->folder, entry->d_name);
        if (entry->d_name[0] != '.') (void)unlink(path);
    }
    (void)closedir(folder);
    (void)rmdir(place->folder);
}
