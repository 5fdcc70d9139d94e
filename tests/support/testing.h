/* SPDX-License-Identifier: Apache-2.0
 *
 * What every unit test includes: cmocka with its headers, status assertions that print names, fixtures on disk.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void assert_status_at(enum status seen, enum status expected, const char *file, int line)
{
    if (seen == expected) return;
    print_error("%s:%d: status %s, expected %s\n", file, line, status_name(seen), status_name(expected));
    _fail(file, line);
}
#define assert_status(call, expected) assert_status_at((call), (expected), __FILE__, __LINE__)
#define assert_ok(call) assert_status_at((call), OK, __FILE__, __LINE__)

#define assert_slice_equal(seen, expected)                                                                             \
    do {                                                                                                               \
        const struct slice seen_ = (seen), expected_ = (expected);                                                     \
        assert_int_equal(seen_.size, expected_.size);                                                                  \
        if (seen_.size > 0) assert_memory_equal(seen_.bytes, expected_.bytes, seen_.size);                             \
    } while (0)

/* A path below the folder of shared vectors; skips the test with a line if the folder is absent. */
static inline const char *shared_path(const char *relative)
{
    static char path[PATH_MAX];
    const char *const source = getenv("LAZARET_SOURCE");
    const char *const shared = getenv("LAZARET_SHARED");
    if (shared != NULL)
        (void)snprintf(path, sizeof(path), "%s/%s", shared, relative);
    else
        (void)snprintf(path, sizeof(path), "%s/../shared/%s", source != NULL ? source : ".", relative);
    if (access(path, R_OK) != 0) {
        print_message("SKIP: no shared vectors at %s (LAZARET_SHARED names their folder)\n", path);
        skip();
    }
    return path;
}

/* The whole file; fails the test if it cannot be read. */
static inline struct buffer read_whole(const char *path)
{
    struct buffer bytes = buffer_of_maximum(64 << 20);
    struct refusal why = {};
    if (file_read(path, &why, &bytes) != OK) fail_msg("%s: %s", path, why.seen);
    return bytes;
}
