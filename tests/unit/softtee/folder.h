/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder for a test's files, removed with everything in it.
 */
#pragma once

#include "testing.h"

#include <dirent.h>

struct folder {
    char path[64];
};

struct file_path {
    char text[PATH_MAX];
};

static inline struct folder folder_make(void)
{
    struct folder folder = {.path = "/tmp/lazaret-softtee-test-XXXXXX"};
    assert_non_null(mkdtemp(folder.path));
    return folder;
}

static inline struct file_path folder_file(const struct folder *folder, const char *name)
{
    struct file_path path;
    (void)snprintf(path.text, sizeof(path.text), "%s/%s", folder->path, name);
    return path;
}

static inline void folder_remove(struct folder *folder)
{
    DIR *const entries = opendir(folder->path);
    for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] != '.') (void)unlink(folder_file(folder, entry->d_name).text);
    }
    if (entries != NULL) (void)closedir(entries);
    (void)rmdir(folder->path);
}

/* The path of the probe, and a copy of it with one byte more at its end. */
static inline const char *probe_path(void)
{
    const char *const path = getenv("LAZARET_PROBE");
    assert_non_null(path);
    return path;
}

static inline struct file_path changed_probe(const struct folder *folder)
{
    const struct file_path path = folder_file(folder, "changed-probe");
    CLEANUP(buffer_done) struct buffer bytes = read_whole(probe_path());
    assert_ok(buffer_append_u8(&bytes, 0));
    assert_ok(file_write(path.text, buffer_slice(&bytes), 0755, NULL));
    return path;
}
