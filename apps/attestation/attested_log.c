/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/attested_log.h"

#include "base/log.h"
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECONDS_PER_HOUR = 3600 };

struct attested_log {
    pthread_mutex_t mutex;
    char path[PATH_MAX], older_path[PATH_MAX];
    int file;
    size_t size;
    int64_t hour;                               /* that `seen` is of */
    uint64_t seen[ATTESTED_PLATFORMS_PER_HOUR]; /* digests of lines without their time */
    size_t seen_count;
    bool has_told; /* of a failure in this hour */
};

enum status attested_log_configure(const struct configuration *configuration, struct refusal *why,
                                   char path_out[static PATH_MAX])
{
    path_out[0] = '\0';
    if (json_object_get(configuration->json, "attested_log") == NULL) return OK;
    return configuration_path(configuration, configuration->json, "", "attested_log", why, path_out);
}

void attested_log_folder(const char *path, char folder_out[static PATH_MAX])
{
    char copy[PATH_MAX];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    (void)snprintf(folder_out, PATH_MAX, "%s", path[0] == '\0' ? "" : dirname(copy));
}

/* ---- opening ---- */

static enum status refuse_file(const struct attested_log *log, const char *expected, struct refusal *why)
{
    return refuse(why, ERR_IO, log->path, expected, "%s", strerror(errno));
}

/* How much of the file's end is a line that was not finished. */
static enum status torn_bytes(const struct attested_log *log, size_t *torn_out, struct refusal *why)
{
    char tail[ATTESTED_LINE_MAX_BYTES];
    const size_t wanted = log->size < sizeof(tail) ? log->size : sizeof(tail);
    if (pread(log->file, tail, wanted, (off_t)(log->size - wanted)) != (ssize_t)wanted)
        return refuse_file(log, "a readable file", why);
    const char *const end = wanted > 0 ? memrchr(tail, '\n', wanted) : NULL;
    if (end == NULL && log->size > wanted)
        return refuse(why, ERR_IO, log->path, "a log of attested platforms", "a longer line");
    *torn_out = end == NULL ? wanted : wanted - (size_t)(end - tail) - 1;
    return OK;
}

static enum status open_file(struct attested_log *log, struct refusal *why)
{
    struct stat found;
    size_t torn = 0;
    log->file = open(log->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->file < 0 || fstat(log->file, &found) != 0) return refuse_file(log, "a file that can be made", why);
    log->size = (size_t)found.st_size;
    TRY(torn_bytes(log, &torn, why));
    if (torn > 0 && ftruncate(log->file, (off_t)(log->size - torn)) != 0)
        return refuse_file(log, "a file that can be changed", why);
    log->size -= torn;
    return OK;
}

static enum status name_files(struct attested_log *log, const char *path, struct refusal *why)
{
    (void)snprintf(log->path, sizeof(log->path), "%s", path);
    const int wanted = snprintf(log->older_path, sizeof(log->older_path), "%s.1", path);
    return wanted < (int)sizeof(log->older_path) ? OK
                                                 : refuse(why, ERR_IO, "attested_log", "a shorter path", "%s", path);
}

enum status attested_log_open(const char *path, struct refusal *why, struct attested_log **log_out)
{
    *log_out = NULL;
    if (path[0] == '\0') return OK;
    struct attested_log *const log = calloc(1, sizeof(*log));
    if (log == NULL) return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&log->mutex, NULL);
    log->file = -1;
    enum status status = name_files(log, path, why);
    if (status == OK) status = open_file(log, why);
    if (status == OK)
        *log_out = log;
    else
        attested_log_free(log);
    return status;
}

void attested_log_free(struct attested_log *log)
{
    if (log == NULL) return;
    if (log->file >= 0) (void)close(log->file);
    (void)pthread_mutex_destroy(&log->mutex);
    free(log);
}

/* ---- writing ---- */

/* The older file makes room for this one. */
static enum status set_aside(struct attested_log *log)
{
    if (rename(log->path, log->older_path) != 0 && errno != ENOENT) return ERR_IO;
    if (log->file >= 0) (void)close(log->file);
    return open_file(log, NULL);
}

/* Whole or not at all. */
static enum status append(struct attested_log *log, struct slice line)
{
    if (log->size + line.size > ATTESTED_LOG_MAX_BYTES) TRY(set_aside(log));
    if (write(log->file, line.bytes, line.size) != (ssize_t)line.size) {
        (void)!ftruncate(log->file, (off_t)log->size);
        return ERR_IO;
    }
    log->size += line.size;
    return OK;
}

static enum status write_line(struct attested_log *log, struct attested *attested, int64_t now_s)
{
    CLEANUP(buffer_done) struct buffer line = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
    attested->time_s = now_s;
    TRY(attested_write(attested, &line));
    return append(log, buffer_slice(&line));
}

static bool has_seen(struct attested_log *log, uint64_t digest, int64_t now_s)
{
    if (now_s / SECONDS_PER_HOUR != log->hour) {
        log->hour = now_s / SECONDS_PER_HOUR;
        log->seen_count = 0;
        log->has_told = false;
    }
    for (size_t i = 0; i < log->seen_count; i++) {
        if (log->seen[i] == digest) return true;
    }
    return false;
}

static enum status note_new(struct attested_log *log, uint64_t digest, struct attested *attested, int64_t now_s)
{
    if (log->seen_count == ATTESTED_PLATFORMS_PER_HOUR) return ERR_BUSY;
    TRY(write_line(log, attested, now_s));
    log->seen[log->seen_count++] = digest;
    return OK;
}

/* The digest of a line without its time: what makes a platform another one. */
static enum status digest_of(const struct attested *attested, uint64_t *digest_out)
{
    CLEANUP(buffer_done) struct buffer line = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
    uint8_t digest[SHA256_BYTES];
    TRY(attested_write(attested, &line));
    TRY(sha256(buffer_slice(&line), digest));
    memcpy(digest_out, digest, sizeof(*digest_out));
    return OK;
}

void attested_log_note(struct attested_log *log, const struct attested *platform, int64_t now_s)
{
    if (log == NULL) return;
    struct attested attested = *platform;
    uint64_t digest;
    attested.time_s = 0;
    if (digest_of(&attested, &digest) != OK) return;
    (void)pthread_mutex_lock(&log->mutex);
    const enum status status = has_seen(log, digest, now_s) ? OK : note_new(log, digest, &attested, now_s);
    const bool tells = status != OK && !log->has_told;
    log->has_told |= tells;
    (void)pthread_mutex_unlock(&log->mutex);
    if (tells) log_event(LOG_WARNING, "attested_log.not_written", log_status(status));
}
