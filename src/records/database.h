/* SPDX-License-Identifier: Apache-2.0
 *
 * The few calls that the store needs over SQLite: one file opened by one process, prepared statements, bound values,
 * columns as slices. Used by records/store.c and document_sqlite.c alone. The file is the host's: what comes out of it
 * is checked by seals, and a schema with anything that is not ours in it is refused before a statement runs. Errors:
 * ERR_STORE, unless said otherwise; after one of a commit the file must be opened again.
 */
#pragma once

#include "base/refusal.h"
#include "base/slice.h"

#include <sqlite3.h>

/* Opens or makes the file (mode 0600), takes the exclusive lock, sets WAL, synchronous FULL, secure_delete, temporary
 * tables in memory, and a page cache of `cache_bytes`. ERR_STORE with what was refused, also if another process has it
 * open. */
enum status database_open(const char *path, size_t cache_bytes, struct refusal *why, sqlite3 **database_out);
void database_cleanup(sqlite3 **database);

/* Runs statements that give no rows. */
enum status database_run(sqlite3 *database, const char *sql);

/* Brings the schema to version `count`: `steps[n]` leads from version n to n + 1, each in one transaction with its
 * number. ERR_STORE for a file of a newer version. Afterwards each object in the file must be one that a step creates,
 * word for word: ERR_STORE_CORRUPT. */
enum status database_migrate(sqlite3 *database, const char *const *steps, size_t count, struct refusal *why);

/* Makes every index anew out of its table: what the file's owner wrote into one is gone. ERR_STORE_CORRUPT if the rows
 * cannot be indexed. */
enum status database_reindex(sqlite3 *database);

enum status database_prepare(sqlite3 *database, const char *sql, sqlite3_stmt **statement_out);

/* Makes a statement ready for its next use and drops what was bound. For CLEANUP of a borrowed statement. */
void statement_done(sqlite3_stmt **statement);

/* Bound values are borrowed until statement_done. */
enum status bind_text(sqlite3_stmt *statement, int index, const char *text);
enum status bind_bytes(sqlite3_stmt *statement, int index, struct slice bytes);
enum status bind_integer(sqlite3_stmt *statement, int index, int64_t number);

/* The next row. `found_out` false at the end. */
enum status statement_step(sqlite3_stmt *statement, bool *found_out);

/* A statement without rows. ERR_CONFLICT if a uniqueness rule refused it. */
enum status statement_run(sqlite3_stmt *statement);

/* A column of the present row, valid until the next step. `column_text` is NUL-terminated, never NULL. */
struct slice column_bytes(sqlite3_stmt *statement, int column);
const char *column_text(sqlite3_stmt *statement, int column);
