/* SPDX-License-Identifier: Apache-2.0
 *
 * A document in a PostgreSQL database that replicas share. Two connections: one reads and writes, the other listens for
 * changes. Nothing waits for the server longer than PATIENCE_MS: then the connection is given up, and the next call
 * makes another. A connection that broke in a write leaves open whether the write counts; who asks is told so, and
 * reading shows it.
 */
#include "records/document_postgres.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "crypto/hash.h"
#include "records/document.h"
#include "records/document_backend.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, CHANNEL_MAX_BYTES = 63, STATEMENT_MAX_BYTES = 256, NUMBER_MAX_BYTES = 24 };

#define UNDEFINED_TABLE "42P01" /* SQLSTATE */

struct shared {
    char *connection;
    char channel[CHANNEL_MAX_BYTES + 1]; /* which the listeners to one document have in common */
    PGconn *work, *listener;             /* NULL: none now. `listener` under the mutex */
    pthread_mutex_t mutex;
    int wake[2]; /* a socket pair: readable once interrupted */
};

static void finish(PGconn **connection)
{
    if (*connection != NULL) PQfinish(*connection);
    *connection = NULL;
}

static void clear(PGresult **result)
{
    PQclear(*result);
}

/* Until the socket is ready for `events`, or what else makes waiting end. */
static bool is_ready(const PGconn *connection, short events, int64_t deadline_ms)
{
    const int socket = PQsocket(connection);
    const int64_t left_ms = deadline_ms - clock_monotonic_ms();
    if (socket < 0 || left_ms <= 0) return false;
    struct pollfd ready = {.fd = socket, .events = events};
    const int count = poll(&ready, 1, (int)left_ms);
    return count > 0 || (count < 0 && errno == EINTR);
}

static enum status refuse_server(const PGconn *connection, struct refusal *why)
{
    const char *const text = connection != NULL ? PQerrorMessage(connection) : "out of memory";
    return refuse(why, ERR_STORE, "postgres", "a database that answers", "%s",
                  text[0] != '\0' ? text : "no answer in time");
}

static bool is_connected(PGconn *connection)
{
    const int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        if (!is_ready(connection, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms)) return false;
        step = PQconnectPoll(connection);
    }
    return step == PGRES_POLLING_OK;
}

/* Notices are for the server's log, not for this program's standard error. */
static void ignore_notice(void *, const PGresult *)
{
}

static bool is_answered(PGconn *connection, int64_t deadline_ms)
{
    for (;;) {
        const int flushed = PQflush(connection);
        if (flushed < 0) return false;
        if (flushed == 0 && PQisBusy(connection) == 0) return true;
        if (!is_ready(connection, flushed > 0 ? POLLIN | POLLOUT : POLLIN, deadline_ms)) return false;
        if (PQconsumeInput(connection) == 0) return false;
    }
}

struct parameters {
    const char *values[4];
    int sizes[4], formats[4]; /* format 1: bytes */
    int count;
};

/* Runs one statement. NULL: the connection is of no more use. */
static PGresult *ask(PGconn *connection, const char *sql, const struct parameters *with)
{
    const int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;
    if (PQsendQueryParams(connection, sql, with->count, NULL, with->values, with->sizes, with->formats, 1) == 0)
        return NULL;
    PGresult *last = NULL;
    for (;;) {
        PGresult *const result = is_answered(connection, deadline_ms) ? PQgetResult(connection) : NULL;
        if (result == NULL) {
            if (PQtransactionStatus(connection) == PQTRANS_IDLE) return last;
            PQclear(last);
            return NULL;
        }
        PQclear(last);
        last = result;
    }
}

static bool runs(PGconn *connection, const char *sql)
{
    const struct parameters none = {};
    CLEANUP(clear) PGresult *result = ask(connection, sql, &none);
    return result != NULL && (PQresultStatus(result) == PGRES_COMMAND_OK || PQresultStatus(result) == PGRES_TUPLES_OK);
}

/* What was acknowledged must be durable, whatever the database's settings say. */
static enum status connect_to(struct shared *shared, struct refusal *why, PGconn **connection_out)
{
    if (*connection_out != NULL) return OK;
    CLEANUP(finish) PGconn *connection = PQconnectStart(shared->connection);
    if (connection == NULL || PQstatus(connection) == CONNECTION_BAD) return refuse_server(connection, why);
    (void)PQsetNoticeReceiver(connection, ignore_notice, NULL);
    if (!is_connected(connection) || PQsetnonblocking(connection, 1) != 0 ||
        !runs(connection, "SET synchronous_commit = on"))
        return refuse_server(connection, why);
    *connection_out = connection;
    connection = NULL;
    return OK;
}

/* A table of an operator's making will do as well; several replicas may make it at the same moment. */
static void make_table(PGconn *connection)
{
    (void)runs(connection, "CREATE TABLE IF NOT EXISTS lazaret_document(name text PRIMARY KEY,"
                           " version bigint NOT NULL, sealed bytea NOT NULL)");
}

static bool has_state(const PGresult *result, const char *sql_state)
{
    const char *const seen = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return seen != NULL && strcmp(seen, sql_state) == 0;
}

/* One statement that gives rows. */
static enum status query(struct shared *shared, const char *sql, const struct parameters *with, struct refusal *why,
                         PGresult **result_out)
{
    TRY(connect_to(shared, why, &shared->work));
    PGresult *result = ask(shared->work, sql, with);
    if (result != NULL && has_state(result, UNDEFINED_TABLE)) {
        PQclear(result);
        make_table(shared->work);
        result = ask(shared->work, sql, with);
    }
    if (result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK) {
        *result_out = result;
        return OK;
    }
    const enum status status = refuse_server(shared->work, why);
    PQclear(result);
    finish(&shared->work);
    return status;
}

/* The row's first column: a bigint in network order. */
static enum status version_of(const PGresult *result, uint64_t *version_out)
{
    if (PQgetlength(result, 0, 0) != 8) return ERR_STORE_CORRUPT;
    const uint8_t *const bytes = (const uint8_t *)PQgetvalue(result, 0, 0);
    uint64_t version = 0;
    for (size_t i = 0; i < 8; i++) version = version << 8 | bytes[i];
    if (version == 0 || version > INT64_MAX) return ERR_STORE_CORRUPT;
    *version_out = version;
    return OK;
}

static struct parameters named(const char *name)
{
    return (struct parameters){.values = {name}, .count = 1};
}

static enum status shared_read(void *state, const char *name, struct refusal *why, struct buffer *sealed,
                               uint64_t *version_out)
{
    CLEANUP(clear) PGresult *result = NULL;
    const struct parameters with = named(name);
    TRY(query(state, "SELECT version, sealed FROM lazaret_document WHERE name = $1", &with, why, &result));
    if (PQntuples(result) == 0) return ERR_NOT_FOUND;
    if (PQntuples(result) != 1 || PQnfields(result) != 2 || version_of(result, version_out) != OK)
        return ERR_STORE_CORRUPT;
    return buffer_append(sealed, slice_of(PQgetvalue(result, 0, 1), (size_t)PQgetlength(result, 0, 1)));
}

/* The change and its notice are one statement, hence one transaction: who is told finds it. */
static const char insert_statement[] = "WITH done AS (INSERT INTO lazaret_document(name, version, sealed)"
                                       " VALUES($1, $2::bigint + 1, $3) ON CONFLICT DO NOTHING RETURNING name)"
                                       " SELECT pg_notify($4, '') FROM done";
static const char update_statement[] = "WITH done AS (UPDATE lazaret_document SET version = $2::bigint + 1, sealed = $3"
                                       " WHERE name = $1 AND version = $2::bigint RETURNING name)"
                                       " SELECT pg_notify($4, '') FROM done";

static enum status shared_write(void *state, const char *name, uint64_t version, struct slice sealed,
                                struct refusal *why)
{
    struct shared *const shared = state;
    CLEANUP(clear) PGresult *result = NULL;
    char number[NUMBER_MAX_BYTES];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)version);
    const struct parameters with = {
        .values = {name, number, (const char *)sealed.bytes, shared->channel},
        .sizes = {0, 0, (int)sealed.size, 0},
        .formats = {0, 0, 1, 0},
        .count = 4,
    };
    TRY(query(shared, version == 0 ? insert_statement : update_statement, &with, why, &result));
    if (PQntuples(result) == 1) return OK;
    return refuse(why, ERR_CONFLICT, "document.version", "the newest", "an older one");
}

/* ---- waiting ---- */

static enum status listen_for_changes(struct shared *shared)
{
    if (shared->listener != NULL) return OK;
    struct refusal why = {};
    TRY(connect_to(shared, &why, &shared->listener));
    char statement[STATEMENT_MAX_BYTES];
    (void)snprintf(statement, sizeof(statement), "LISTEN %s", shared->channel);
    if (runs(shared->listener, statement)) return OK;
    finish(&shared->listener);
    return ERR_STORE;
}

static bool is_newer(struct shared *shared, const char *name, uint64_t version)
{
    const struct parameters with = named(name);
    uint64_t newest = 0;
    if (listen_for_changes(shared) != OK) return false;
    CLEANUP(clear)
    PGresult *result = ask(shared->listener, "SELECT version FROM lazaret_document WHERE name = $1", &with);
    if (result == NULL) finish(&shared->listener);
    return result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1 &&
           version_of(result, &newest) == OK && newest > version;
}

/* Whether there were notices: also such as came with the answer to a question, which no poll tells any more. */
static bool take_notices(struct shared *shared)
{
    bool is_any = false;
    for (PGnotify *notice; shared->listener != NULL && (notice = PQnotifies(shared->listener)) != NULL; is_any = true)
        PQfreemem(notice);
    return is_any;
}

/* True once interrupted. A connection that is gone is made anew at the next look. */
static bool pause_for(struct shared *shared, int64_t left_ms)
{
    struct pollfd ready[2] = {{.fd = shared->wake[0], .events = POLLIN},
                              {.fd = shared->listener != NULL ? PQsocket(shared->listener) : -1, .events = POLLIN}};
    const int64_t pause_ms = left_ms < DOCUMENT_WATCH_MS ? left_ms : DOCUMENT_WATCH_MS;
    if (take_notices(shared) || poll(ready, 2, pause_ms > 0 ? (int)pause_ms : 0) <= 0) return false;
    if (ready[1].revents != 0 && PQconsumeInput(shared->listener) == 0) finish(&shared->listener);
    (void)take_notices(shared);
    return ready[0].revents != 0;
}

static bool wait_locked(struct shared *shared, const char *name, uint64_t version, int wait_ms)
{
    const int64_t deadline_ms = clock_monotonic_ms() + wait_ms;
    for (;;) {
        if (is_newer(shared, name, version)) return true;
        const int64_t left_ms = deadline_ms - clock_monotonic_ms();
        if (left_ms <= 0 || pause_for(shared, left_ms)) return false;
    }
}

static bool shared_wait(void *state, const char *name, uint64_t version, int wait_ms)
{
    struct shared *const shared = state;
    (void)pthread_mutex_lock(&shared->mutex);
    const bool is_new = wait_locked(shared, name, version, wait_ms);
    (void)pthread_mutex_unlock(&shared->mutex);
    return is_new;
}

static void shared_interrupt(void *state)
{
    const struct shared *const shared = state;
    (void)!write(shared->wake[1], "", 1);
}

/* ---- opening ---- */

static void shared_free(void *state)
{
    struct shared *const shared = state;
    finish(&shared->work);
    finish(&shared->listener);
    for (size_t i = 0; i < 2; i++) {
        if (shared->wake[i] >= 0) (void)close(shared->wake[i]);
    }
    (void)pthread_mutex_destroy(&shared->mutex);
    free(shared->connection);
    free(shared);
}

/* An identifier that needs no quotes, whatever the document is called. */
static enum status name_channel(const char *name, struct shared *shared)
{
    uint8_t digest[SHA256_BYTES];
    TRY(sha256(slice_of_text(name), digest));
    (void)snprintf(shared->channel, sizeof(shared->channel), "lazaret_%.32s", hex_of_32(digest).text);
    return OK;
}

static enum status prepare(const char *connection, const char *name, struct shared *shared, struct refusal *why)
{
    struct document_postgres_needs needs;
    TRY(document_postgres_look(connection, why, &needs));
    shared->connection = strdup(connection);
    if (shared->connection == NULL) return ERR_NO_MEMORY;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, shared->wake) != 0) return ERR_IO;
    TRY(name_channel(name, shared));
    /* A database that is away now is told now. */
    return connect_to(shared, why, &shared->work);
}

enum status document_postgres_open(const char *connection, const char *name, struct refusal *why, void **state_out)
{
    struct shared *const shared = calloc(1, sizeof(*shared));
    if (shared == NULL) return ERR_NO_MEMORY;
    shared->wake[0] = shared->wake[1] = -1;
    (void)pthread_mutex_init(&shared->mutex, NULL);
    const enum status status = prepare(connection, name, shared, why);
    if (status == OK)
        *state_out = shared;
    else
        shared_free(shared);
    return status;
}

const struct document_backend document_postgres = {shared_free, shared_read, shared_write, shared_wait,
                                                   shared_interrupt};

/* ---- what a sandbox must let through ---- */

static enum status take_option(const PQconninfoOption *option, struct refusal *why,
                               struct document_postgres_needs *needs)
{
    enum { PORT_MAX = 65535, DECIMAL = 10 };
    static const char *const files[] = {"passfile", "sslrootcert", "sslcert", "sslkey", "sslcrl"};
    if (option->val == NULL) return OK;
    if (strcmp(option->keyword, "password") == 0)
        return refuse(why, ERR_CONFIG, "postgres", "passfile=PATH: a password stands in a file of its own",
                      "a password");
    if (strcmp(option->keyword, "port") == 0) {
        char *end;
        const unsigned long port = strtoul(option->val, &end, DECIMAL);
        if (*end != '\0' || port == 0 || port > PORT_MAX)
            return refuse(why, ERR_CONFIG, "postgres", "one port", "%s", option->val);
        needs->port = (uint16_t)port;
    }
    if (strcmp(option->keyword, "host") == 0) needs->is_tcp = option->val[0] != '/';
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (strcmp(option->keyword, files[i]) == 0)
            (void)snprintf(needs->files[needs->file_count++], PATH_MAX, "%s", option->val);
    }
    return OK;
}

enum status document_postgres_look(const char *connection, struct refusal *why,
                                   struct document_postgres_needs *needs_out)
{
    char *error = NULL;
    PQconninfoOption *const options = PQconninfoParse(connection, &error);
    if (options == NULL) {
        (void)!refuse(why, ERR_CONFIG, "postgres", "a connection string of libpq", "%s",
                      error != NULL ? error : "something else");
        PQfreemem(error);
        return ERR_CONFIG;
    }
    enum { POSTGRES_PORT = 5432 };
    *needs_out = (struct document_postgres_needs){.port = POSTGRES_PORT};
    enum status status = OK;
    for (const PQconninfoOption *option = options; option->keyword != NULL && status == OK; option++)
        status = take_option(option, why, needs_out);
    PQconninfoFree(options);
    return status;
}
