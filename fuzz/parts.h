/* SPDX-License-Identifier: Apache-2.0
 *
 * What targets share that reach behind a check: keys that are the same in each run, a file that is in memory, folders
 * that are. A part that would be slow or random (a password's hash, a child process, a peer) is exchanged by the
 * linker (--wrap in meson.build) for a stand-in in the target; the code that is looked at is never touched.
 */
#pragma once

#include "base/buffer.h"
#include "crypto/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* What a target builds for itself must work. */
static inline void must(enum status status)
{
    if (status == OK) return;
    (void)fprintf(stderr, "the target itself fails: %s\n", status_name(status));
    abort();
}

static inline struct key *fixed_p256(uint8_t last)
{
    const uint8_t scalar[P256_COORDINATE_BYTES] = {[P256_COORDINATE_BYTES - 1] = last};
    struct key *key = NULL;
    must(key_private_from_p256(SLICE_ARRAY(scalar), &key));
    return key;
}

static inline struct key *fixed_x25519(uint8_t first)
{
    const uint8_t bytes[X25519_BYTES] = {first};
    struct key *key = NULL;
    must(key_private_from_x25519(SLICE_ARRAY(bytes), &key));
    return key;
}

/* A file for readers that take a path. */
struct memory_file {
    int descriptor;
    char path[40];
};

static inline struct memory_file memory_file_new(void)
{
    struct memory_file file = {.descriptor = memfd_create("fuzz", MFD_CLOEXEC)};
    if (file.descriptor < 0) abort();
    (void)snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.descriptor);
    return file;
}

static inline void memory_file_set(const struct memory_file *file, struct slice bytes)
{
    if (ftruncate(file->descriptor, 0) != 0 ||
        pwrite(file->descriptor, bytes.bytes, bytes.size, 0) != (ssize_t)bytes.size)
        abort();
}

/* A folder in memory where the machine has one. */
static inline void scratch_folder(char *path, size_t size)
{
    (void)snprintf(path, size, "%s/lazaret-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(path) == NULL) abort();
}

/* Takes what stands before the first `mark` off `rest`; all of it if there is none. */
static inline struct slice take_until(struct slice *rest, struct slice mark)
{
    for (size_t i = 0; i + mark.size <= rest->size; i++) {
        if (!slice_equal(slice_part(*rest, i, mark.size), mark)) continue;
        const struct slice before = slice_part(*rest, 0, i);
        *rest = slice_part(*rest, i + mark.size, rest->size);
        return before;
    }
    const struct slice all = *rest;
    *rest = (struct slice){};
    return all;
}
