/* SPDX-License-Identifier: Apache-2.0
 *
 * A document in a SQLite file of its own.
 */
#include "base/clock.h"
#include "records/database.h"
#include "records/document_backend.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CACHE_BYTES = 64 * 1024, MS_PER_S = 1000, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static const char *const schema_steps[] = {
    "CREATE TABLE document(name TEXT PRIMARY KEY, version INTEGER NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID;",
};

struct file {
    char path[PATH_MAX];
    sqlite3 *database; /* NULL after a failure: it is opened again before its next use */
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool is_interrupted; /* under the mutex */
};

static void close_database(struct file *file)
{
    database_cleanup(&file->database);
}

static enum status open_database(struct file *file, struct refusal *why)
{
    if (file->database != NULL) return OK;
    TRY(database_open(file->path, CACHE_BYTES, why, &file->database));
    const enum status status = database_migrate(file->database, schema_steps, 1, why);
    if (status == ERR_STORE && why != NULL && why->status == OK)
        (void)!refuse(why, status, file->path, "a file of one document", "another");
    if (status != OK) close_database(file);
    return status;
}

enum status document_sqlite_open(const char *path, struct refusal *why, void **state_out)
{
    struct file *const file = calloc(1, sizeof(*file));
    if (file == NULL) return ERR_NO_MEMORY;
    (void)snprintf(file->path, sizeof(file->path), "%s", path);
    (void)pthread_mutex_init(&file->mutex, NULL);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&file->ended, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    const enum status status = open_database(file, why);
    if (status == OK)
        *state_out = file;
    else
        document_sqlite.free(file);
    return status;
}

static void file_free(void *state)
{
    struct file *const file = state;
    if (file->database != NULL) close_database(file);
    (void)pthread_cond_destroy(&file->ended);
    (void)pthread_mutex_destroy(&file->mutex);
    free(file);
}

/* What SQLite says of a commit that failed is not to be built on: the file is read anew. */
static enum status give_up(struct file *file, enum status status, struct refusal *why)
{
    if (status != ERR_STORE && status != ERR_STORE_FULL) return status;
    const char *const reason = sqlite3_errmsg(file->database);
    (void)!refuse(why, status, "document", "a file that can be read and written", "%s", reason);
    close_database(file);
    return status;
}

static void finalize(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

static enum status read_row(struct file *file, const char *name, struct buffer *sealed, uint64_t *version_out)
{
    CLEANUP(finalize) sqlite3_stmt *statement = NULL;
    TRY(database_prepare(file->database, "SELECT version, sealed FROM document WHERE name = ?1", &statement));
    TRY(bind_text(statement, 1, name));
    bool found;
    TRY(statement_step(statement, &found));
    if (!found) return ERR_NOT_FOUND;
    const int64_t version = sqlite3_column_int64(statement, 0);
    if (version <= 0) return ERR_STORE_CORRUPT;
    TRY(buffer_append(sealed, column_bytes(statement, 1)));
    *version_out = (uint64_t)version;
    return OK;
}

static enum status file_load(void *state, const char *name, struct refusal *why, struct buffer *sealed,
                             uint64_t *version_out)
{
    struct file *const file = state;
    TRY(open_database(file, why));
    return give_up(file, read_row(file, name, sealed, version_out), why);
}

static enum status write_row(struct file *file, const char *name, uint64_t version, struct slice sealed)
{
    CLEANUP(finalize) sqlite3_stmt *statement = NULL;
    TRY(database_prepare(file->database,
                         version == 0 ? "INSERT INTO document(name, version, sealed) VALUES(?1, ?2 + 1, ?3)"
                                      : "UPDATE document SET version = ?2 + 1, sealed = ?3"
                                        " WHERE name = ?1 AND version = ?2",
                         &statement));
    TRY(bind_text(statement, 1, name));
    TRY(bind_integer(statement, 2, (int64_t)version));
    TRY(bind_bytes(statement, 3, sealed));
    TRY(statement_run(statement));
    return sqlite3_changes(file->database) == 1 ? OK : ERR_CONFLICT;
}

static enum status file_store(void *state, const char *name, uint64_t version, struct slice sealed, struct refusal *why)
{
    struct file *const file = state;
    TRY(open_database(file, why));
    const enum status status = write_row(file, name, version, sealed);
    if (status == ERR_CONFLICT) return refuse(why, status, "document.version", "the newest", "an older one");
    return give_up(file, status, why);
}

static bool file_wait(void *state, const char *, uint64_t, int wait_ms)
{
    struct file *const file = state;
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    const int64_t nanoseconds = end.tv_nsec + (int64_t)(wait_ms % MS_PER_S) * NS_PER_MS;
    end.tv_sec += wait_ms / MS_PER_S + nanoseconds / NS_PER_S;
    end.tv_nsec = nanoseconds % NS_PER_S;
    (void)pthread_mutex_lock(&file->mutex);
    while (!file->is_interrupted && pthread_cond_timedwait(&file->ended, &file->mutex, &end) != ETIMEDOUT) continue;
    (void)pthread_mutex_unlock(&file->mutex);
    return false;
}

static void file_interrupt(void *state)
{
    struct file *const file = state;
    (void)pthread_mutex_lock(&file->mutex);
    file->is_interrupted = true;
    (void)pthread_cond_broadcast(&file->ended);
    (void)pthread_mutex_unlock(&file->mutex);
}

const struct document_backend document_sqlite = {file_free, file_load, file_store, file_wait, file_interrupt};
