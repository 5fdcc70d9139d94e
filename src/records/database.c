/* SPDX-License-Identifier: Apache-2.0 */
#include "records/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { VALUE_LIMIT_BYTES = 16 << 20, SQL_LIMIT_BYTES = 16 << 10, JOURNAL_LIMIT_BYTES = 32 << 20 };

void database_cleanup(sqlite3 **database)
{
    (void)sqlite3_close_v2(*database);
    *database = NULL;
}

enum status database_run(sqlite3 *database, const char *sql)
{
    return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : ERR_STORE;
}

enum status database_reindex(sqlite3 *database)
{
    const int result = sqlite3_exec(database, "REINDEX", NULL, NULL, NULL);
    if (result == SQLITE_OK) return OK;
    return (result & 0xff) == SQLITE_CONSTRAINT || (result & 0xff) == SQLITE_CORRUPT ? ERR_STORE_CORRUPT : ERR_STORE;
}

/* SQLite would make the file readable by others; its companions take the mode of this one. */
static enum status make_file(const char *path, struct refusal *why)
{
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return refuse(why, ERR_STORE, path, "a file that can be written", "%s", strerror(errno));
    (void)close(file);
    return OK;
}

static void harden(sqlite3 *database)
{
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_limit(database, SQLITE_LIMIT_LENGTH, VALUE_LIMIT_BYTES);
    (void)sqlite3_limit(database, SQLITE_LIMIT_SQL_LENGTH, SQL_LIMIT_BYTES);
    (void)sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
}

/* The lock is exclusive before the first read, so WAL needs no shared memory and no second process can come in. */
static enum status configure(sqlite3 *database, size_t cache_bytes)
{
    char pragmas[512];
    (void)snprintf(pragmas, sizeof(pragmas),
                   "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                   "PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY; PRAGMA foreign_keys=ON; PRAGMA mmap_size=0;"
                   "PRAGMA cell_size_check=ON; PRAGMA journal_size_limit=%d; PRAGMA cache_size=-%zu;"
                   "BEGIN EXCLUSIVE; COMMIT;",
                   JOURNAL_LIMIT_BYTES, cache_bytes / 1024);
    return database_run(database, pragmas);
}

static enum status refuse_open(sqlite3 *database, const char *path, struct refusal *why)
{
    const int code = database == NULL ? SQLITE_NOMEM : sqlite3_errcode(database);
    if ((code & 0xff) == SQLITE_BUSY) {
        (void)!refuse(why, ERR_STORE_IN_USE, path, "a store that no other process has open", "one in use");
        return refuse_fix(why, ERR_STORE_IN_USE, "stop the other process");
    }
    return refuse(why, ERR_STORE, path, "a record store", "%s", sqlite3_errstr(code));
}

enum status database_open(const char *path, size_t cache_bytes, struct refusal *why, sqlite3 **database_out)
{
    TRY(make_file(path, why));
    CLEANUP(database_cleanup) sqlite3 *database = NULL;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(path, &database, flags, NULL) != SQLITE_OK) return refuse_open(database, path, why);
    harden(database);
    if (configure(database, cache_bytes) != OK) return refuse_open(database, path, why);
    *database_out = database;
    database = NULL;
    return OK;
}

enum status database_prepare(sqlite3 *database, const char *sql, sqlite3_stmt **statement_out)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        return ERR_STORE;
    *statement_out = statement;
    return OK;
}

void statement_done(sqlite3_stmt **statement)
{
    if (*statement == NULL) return;
    (void)sqlite3_reset(*statement);
    (void)sqlite3_clear_bindings(*statement);
    *statement = NULL;
}

enum status bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    return sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC) == SQLITE_OK ? OK : ERR_STORE;
}

enum status bind_bytes(sqlite3_stmt *statement, int index, struct slice bytes)
{
    /* A NULL pointer would bind NULL where an empty value is meant. */
    const void *const start = bytes.bytes != NULL ? (const void *)bytes.bytes : "";
    return sqlite3_bind_blob64(statement, index, start, bytes.size, SQLITE_STATIC) == SQLITE_OK ? OK : ERR_STORE;
}

enum status bind_integer(sqlite3_stmt *statement, int index, int64_t number)
{
    return sqlite3_bind_int64(statement, index, number) == SQLITE_OK ? OK : ERR_STORE;
}

/* What the system said to the last write of the journal, into which every change goes first. */
static int reason_of_write(sqlite3 *database)
{
    sqlite3_file *journal = NULL;
    int reason = 0;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal) == SQLITE_OK &&
        journal != NULL && journal->pMethods != NULL)
        (void)journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &reason);
    return reason;
}

/* A write for which there was no room is told apart: it wrote nothing that counts, and there may be room again. */
static enum status failure_of(sqlite3_stmt *statement, int result)
{
    if ((result & 0xff) == SQLITE_FULL) return ERR_STORE_FULL;
    const int reason = result == SQLITE_IOERR_WRITE ? reason_of_write(sqlite3_db_handle(statement)) : 0;
    return reason == ENOSPC || reason == EDQUOT || reason == EFBIG ? ERR_STORE_FULL : ERR_STORE;
}

enum status statement_step(sqlite3_stmt *statement, bool *found_out)
{
    const int result = sqlite3_step(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE) return failure_of(statement, result);
    *found_out = result == SQLITE_ROW;
    return OK;
}

enum status statement_run(sqlite3_stmt *statement)
{
    const int result = sqlite3_step(statement);
    if (result == SQLITE_DONE) return OK;
    return (result & 0xff) == SQLITE_CONSTRAINT ? ERR_CONFLICT : failure_of(statement, result);
}

struct slice column_bytes(sqlite3_stmt *statement, int column)
{
    const void *const bytes = sqlite3_column_blob(statement, column);
    return slice_of(bytes, (size_t)sqlite3_column_bytes(statement, column));
}

const char *column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *const text = sqlite3_column_text(statement, column);
    return text != NULL ? (const char *)text : "";
}

static void finalize(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}

static enum status read_version(sqlite3 *database, int64_t *version_out)
{
    CLEANUP(finalize) sqlite3_stmt *statement = NULL;
    TRY(database_prepare(database, "PRAGMA user_version", &statement));
    bool found;
    TRY(statement_step(statement, &found));
    if (!found) return ERR_STORE;
    *version_out = sqlite3_column_int64(statement, 0);
    return OK;
}

static enum status take_step(sqlite3 *database, const char *step, size_t number)
{
    char set_version[64];
    (void)snprintf(set_version, sizeof(set_version), "PRAGMA user_version=%zu; COMMIT;", number);
    TRY(database_run(database, "BEGIN"));
    if (database_run(database, step) == OK && database_run(database, set_version) == OK) return OK;
    (void)database_run(database, "ROLLBACK");
    return ERR_STORE;
}

/* Whether the text stands in one of the steps: SQLite keeps the words of CREATE as they were given. */
static bool is_ours(const char *sql, const char *const *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(steps[i], sql) != NULL) return true;
    }
    return false;
}

static enum status check_schema(sqlite3 *database, const char *const *steps, size_t count, struct refusal *why)
{
    CLEANUP(finalize) sqlite3_stmt *statement = NULL;
    TRY(database_prepare(database, "SELECT type, sql FROM sqlite_schema", &statement));
    for (;;) {
        bool found;
        TRY(statement_step(statement, &found));
        if (!found) return OK;
        const bool is_automatic_index =
            sqlite3_column_type(statement, 1) == SQLITE_NULL && strcmp(column_text(statement, 0), "index") == 0;
        const char *const sql = column_text(statement, 1);
        if (!is_automatic_index && (sql[0] == '\0' || !is_ours(sql, steps, count)))
            return refuse(why, ERR_STORE_CORRUPT, "schema", "only the store's own tables", "another object");
    }
}

enum status database_migrate(sqlite3 *database, const char *const *steps, size_t count, struct refusal *why)
{
    int64_t version;
    TRY(read_version(database, &version));
    if (version < 0 || (uint64_t)version > count)
        return refuse(why, ERR_STORE, "schema.version", "a version that this program knows", "%lld",
                      (long long)version);
    TRY(check_schema(database, steps, count, why));
    for (size_t at = (size_t)version; at < count; at++) TRY(take_step(database, steps[at], at + 1));
    return OK;
}
