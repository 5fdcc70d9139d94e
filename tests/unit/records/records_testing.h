/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of records share: a private temporary folder, keys that are the same in each run, a store in it.
 */
#pragma once

#include "records/store.h"

#include "testing.h"

#include <dirent.h>

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
