/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) (void)close(*descriptor);
}

static enum status refuse_errno(struct refusal *why, const char *path, const char *expected)
{
    return refuse(why, ERR_IO, path, expected, "%s", strerror(errno));
}

enum status file_read(const char *path, struct refusal *why, struct buffer *bytes)
{
    CLEANUP(close_descriptor) int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return refuse_errno(why, path, "a readable file");
    for (;;) {
        uint8_t chunk[16384];
        const ssize_t got = read(file, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return refuse_errno(why, path, "a readable file");
        if (got == 0) return OK;
        const enum status status = buffer_append(bytes, slice_of(chunk, (size_t)got));
        explicit_bzero(chunk, (size_t)got);
        if (status == ERR_TOO_LARGE) {
            char expected[64];
            (void)snprintf(expected, sizeof(expected), "at most %zu bytes", bytes->maximum);
            return refuse(why, ERR_TOO_LARGE, path, expected, "more");
        }
        TRY(status);
    }
}

static enum status write_all(int file, struct slice bytes)
{
    while (bytes.size > 0) {
        const ssize_t put = write(file, bytes.bytes, bytes.size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return ERR_IO;
        bytes = slice_of(bytes.bytes + put, bytes.size - (size_t)put);
    }
    return fsync(file) == 0 ? OK : ERR_IO;
}

static void sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    CLEANUP(close_descriptor) int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some file systems cannot sync a folder; the rename is then as durable as they make it. */
    if (folder >= 0) (void)fsync(folder);
}

enum status file_write(const char *path, struct slice bytes, unsigned mode, struct refusal *why)
{
    char temporary[PATH_MAX];
    const int wanted = snprintf(temporary, sizeof(temporary), "%s.new-XXXXXX", path);
    if (wanted < 0 || (size_t)wanted >= sizeof(temporary))
        return refuse(why, ERR_IO, "path", "a shorter path", "%d bytes", wanted);
    CLEANUP(close_descriptor) int file = mkostemp(temporary, O_CLOEXEC);
    if (file < 0) return refuse_errno(why, path, "a folder that can be written to");
    if (fchmod(file, (mode_t)mode) != 0 || write_all(file, bytes) != OK || rename(temporary, path) != 0) {
        const enum status status = refuse_errno(why, path, "a file that can be written");
        (void)unlink(temporary);
        return status;
    }
    sync_folder_of(path);
    return OK;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
