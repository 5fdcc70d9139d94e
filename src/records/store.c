/* SPDX-License-Identifier: Apache-2.0 */
#include "records/store.h"

#include "base/reader.h"
#include "crypto/hash.h"
#include "records/database.h"
#include "records/state_sum.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_BYTES = 8 + SHA256_BYTES + 32 };

/* The schema, one step for each version. Columns before `sealed` are read without touching the value's pages. */
static const char *const schema_steps[] = {
    "CREATE TABLE head(one INTEGER PRIMARY KEY CHECK(one=1), store TEXT NOT NULL, generation INTEGER NOT NULL,"
    " sealed BLOB NOT NULL);"
    "CREATE TABLE record(sequence INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL,"
    " version INTEGER NOT NULL, expires INTEGER NOT NULL, seal BLOB NOT NULL, sealed BLOB NOT NULL, UNIQUE(type, id));"
    "CREATE INDEX record_by_owner ON record(owner, type);"
    "CREATE INDEX record_by_type ON record(type);"
    "CREATE INDEX record_by_expiry ON record(expires) WHERE expires > 0;"
    "CREATE TABLE lookup(record INTEGER NOT NULL REFERENCES record(sequence), token BLOB NOT NULL,"
    " PRIMARY KEY(record, token)) WITHOUT ROWID;"
    "CREATE INDEX lookup_by_token ON lookup(token, record);",
};

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    HEAD_GET,
    HEAD_PUT,
    RECORD_GET,
    RECORD_INSERT,
    RECORD_UPDATE,
    RECORD_DELETE,
    RECORD_SCAN,
    RECORD_AT,
    TOKEN_LIST,
    TOKEN_INSERT,
    TOKEN_DELETE,
    LIST_OWNED,
    LIST_OWNED_OF_TYPE,
    LIST_OF_TYPE,
    SEARCH,
    FIRST_OWNED,
    FIRST_OWNED_OF_TYPE,
    FIRST_EXPIRED,
    STATEMENT_COUNT,
};

/* The columns of every statement that gives records, in this order. */
#define COLUMNS "sequence, type, id, owner, version, expires, seal"
enum column { SEQUENCE, TYPE, ID, OWNER, VERSION, EXPIRES, SEAL, SEALED };

static const char *const statement_texts[STATEMENT_COUNT] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [HEAD_GET] = "SELECT store, generation, sealed FROM head",
    [HEAD_PUT] = "INSERT OR REPLACE INTO head(one, store, generation, sealed) VALUES(1, ?1, ?2, ?3)",
    [RECORD_GET] = "SELECT " COLUMNS ", sealed FROM record WHERE type = ?1 AND id = ?2",
    [RECORD_INSERT] = "INSERT INTO record(type, id, owner, version, expires, seal, sealed)"
                      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [RECORD_UPDATE] = "UPDATE record SET owner = ?3, version = ?4, expires = ?5, seal = ?6, sealed = ?7"
                      " WHERE type = ?1 AND id = ?2",
    [RECORD_DELETE] = "DELETE FROM record WHERE sequence = ?1",
    [RECORD_SCAN] = "SELECT " COLUMNS " FROM record",
    [RECORD_AT] = "SELECT 1 FROM record WHERE sequence = ?1",
    [TOKEN_LIST] = "SELECT token FROM lookup WHERE record = ?1 ORDER BY token",
    [TOKEN_INSERT] = "INSERT OR IGNORE INTO lookup(record, token) VALUES(?1, ?2)",
    [TOKEN_DELETE] = "DELETE FROM lookup WHERE record = ?1",
    [LIST_OWNED] = "SELECT " COLUMNS ", sealed FROM record WHERE owner = ?1 ORDER BY sequence DESC",
    [LIST_OWNED_OF_TYPE] = "SELECT " COLUMNS ", sealed FROM record WHERE owner = ?1 AND type = ?2"
                           " ORDER BY sequence DESC",
    [LIST_OF_TYPE] = "SELECT " COLUMNS ", sealed FROM record WHERE type = ?1 ORDER BY sequence DESC",
    /* Fewer tokens than eight: the others repeat the first. */
    [SEARCH] = "SELECT " COLUMNS ", sealed FROM lookup AS found JOIN record ON sequence = found.record"
               " WHERE found.token = ?2 AND type = ?1"
               " AND EXISTS(SELECT 1 FROM lookup WHERE record = sequence AND token = ?3)"
               " AND EXISTS(SELECT 1 FROM lookup WHERE record = sequence AND token = ?4)"
               " AND EXISTS(SELECT 1 FROM lookup WHERE record = sequence AND token = ?5)"
               " AND EXISTS(SELECT 1 FROM lookup WHERE record = sequence AND token = ?6)"
               " AND EXISTS(SELECT 1 FROM lookup WHERE record = sequence AND token = ?7)"
               " AND EXISTS(SELECT 1 FROM lookup WHERE record = sequence AND token = ?8)"
               " AND EXISTS(SELECT 1 FROM lookup WHERE record = sequence AND token = ?9)"
               " ORDER BY found.record DESC",
    [FIRST_OWNED] = "SELECT " COLUMNS " FROM record WHERE owner = ?1 LIMIT 1",
    [FIRST_OWNED_OF_TYPE] = "SELECT " COLUMNS " FROM record WHERE owner = ?1 AND type = ?2 LIMIT 1",
    [FIRST_EXPIRED] = "SELECT " COLUMNS " FROM record WHERE expires > 0 AND expires <= ?1 LIMIT 1",
};

struct state {
    uint64_t generation;
    uint8_t head[SHA256_BYTES];
    struct state_sum sum;
};

struct store_transaction {
    struct store *store;
    struct state state; /* as it will be after commit */
    bool wrote;
    bool spoiled; /* a change failed halfway: nothing more is changed, and nothing kept */
};

struct store {
    pthread_mutex_t mutex;
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENT_COUNT];
    const struct record_keys *keys;
    struct record_id id;
    struct state state;
    struct store_transaction transaction;
    bool broken;   /* a commit failed: what is on the disk is not known */
    bool was_full; /* a commit found no room: the head is looked at before the next transaction */
};

void store_free(struct store *store)
{
    if (store == NULL) return;
    for (size_t i = 0; i < STATEMENT_COUNT; i++) (void)sqlite3_finalize(store->statements[i]);
    database_cleanup(&store->database);
    (void)pthread_mutex_destroy(&store->mutex);
    free(store);
}

void store_cleanup(struct store **store)
{
    store_free(*store);
    *store = NULL;
}

/* --- the head --- */

static enum status next_head(const struct store *store, struct state *state)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(256);
    uint8_t sum_mac[32];
    TRY(record_keys_state_mac(store->keys, SLICE_ARRAY(state->sum.bytes), sum_mac));
    TRY(buffer_append_text(&bytes, "lazaret-store-head/1 "));
    TRY(append_counted(&bytes, slice_of_text(store->id.text)));
    TRY(buffer_append_u64(&bytes, state->generation));
    TRY(buffer_append(&bytes, SLICE_ARRAY(state->head)));
    TRY(buffer_append(&bytes, SLICE_ARRAY(sum_mac)));
    return sha256(buffer_slice(&bytes), state->head);
}

static struct sealed_place head_place(const char *store_id, uint64_t generation)
{
    return (struct sealed_place){.type = "head", .owner = "", .id = store_id, .version = generation};
}

static enum status write_head(struct store *store, const struct state *state)
{
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(STATE_BYTES);
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(STATE_BYTES + SEALED_OVERHEAD_BYTES);
    TRY(buffer_append_u64(&plain, state->generation));
    TRY(buffer_append(&plain, SLICE_ARRAY(state->head)));
    TRY(buffer_append(&plain, SLICE_ARRAY(state->sum.bytes)));
    const struct sealed_place place = head_place(store->id.text, state->generation);
    TRY(sealed_seal(store->keys, &place, buffer_slice(&plain), &sealed));
    CLEANUP(statement_done) sqlite3_stmt *put = store->statements[HEAD_PUT];
    TRY(bind_text(put, 1, store->id.text));
    TRY(bind_integer(put, 2, (int64_t)state->generation));
    TRY(bind_bytes(put, 3, buffer_slice(&sealed)));
    return statement_run(put);
}

static enum status parse_state(struct slice plain, struct state *state_out)
{
    struct state state = {};
    if (plain.size != STATE_BYTES) return ERR_STORE_CORRUPT;
    struct reader reader = reader_over(plain);
    TRY(reader_u64(&reader, &state.generation));
    TRY(reader_copy(&reader, sizeof(state.head), state.head));
    TRY(reader_copy(&reader, sizeof(state.sum.bytes), state.sum.bytes));
    TRY(reader_end(&reader));
    *state_out = state;
    return OK;
}

static enum status read_head(struct store *store, bool *found_out)
{
    CLEANUP(statement_done) sqlite3_stmt *get = store->statements[HEAD_GET];
    bool found;
    TRY(statement_step(get, &found));
    *found_out = found;
    if (!found) return OK;
    if (record_id_from(slice_of_text(column_text(get, 0)), &store->id) != OK) return ERR_STORE_CORRUPT;
    const struct sealed_place place = head_place(store->id.text, (uint64_t)sqlite3_column_int64(get, 1));
    CLEANUP(buffer_done) struct buffer plain = buffer_of_maximum(STATE_BYTES);
    const enum status opened = sealed_open(store->keys, &place, column_bytes(get, 2), &plain);
    if (opened == ERR_TOO_LARGE) return ERR_STORE_CORRUPT;
    TRY(opened);
    return parse_state(buffer_slice(&plain), &store->state);
}

/* --- rows --- */

static enum status append_tokens(struct store *store, int64_t sequence, struct buffer *tokens)
{
    CLEANUP(statement_done) sqlite3_stmt *list = store->statements[TOKEN_LIST];
    TRY(bind_integer(list, 1, sequence));
    for (;;) {
        bool found;
        TRY(statement_step(list, &found));
        if (!found) return OK;
        if (buffer_append(tokens, column_bytes(list, 0)) != OK) return ERR_STORE_CORRUPT;
    }
}

typedef enum status sum_change(const struct record_keys *keys, const struct state_row *row, struct state_sum *sum);

/* Adds or removes the row at which the statement stands. */
static enum status sum_row(struct store *store, sqlite3_stmt *at, sum_change *change, struct state_sum *sum)
{
    CLEANUP(buffer_done) struct buffer tokens = buffer_of_maximum(STATE_ROW_MAX_TOKEN_BYTES);
    const int64_t sequence = sqlite3_column_int64(at, SEQUENCE);
    TRY(append_tokens(store, sequence, &tokens));
    const struct state_row row = {
        .place = {.type = column_text(at, TYPE),
                  .owner = column_text(at, OWNER),
                  .id = column_text(at, ID),
                  .version = (uint64_t)sqlite3_column_int64(at, VERSION)},
        .sequence = sequence,
        .expires_s = sqlite3_column_int64(at, EXPIRES),
        .seal = column_bytes(at, SEAL),
        .tokens = buffer_slice(&tokens),
    };
    const enum status status = change(store->keys, &row, sum);
    return status == ERR_TOO_LARGE ? ERR_STORE_CORRUPT : status;
}

/* Opens the value of the row at which the statement stands. */
static enum status open_row(struct store *store, sqlite3_stmt *at, struct buffer *value)
{
    const struct slice sealed = column_bytes(at, SEALED);
    if (!slice_equal(column_bytes(at, SEAL), slice_part(sealed, 0, SEALED_HEAD_BYTES))) return ERR_STORE_CORRUPT;
    const struct sealed_place place = {.type = column_text(at, TYPE),
                                       .owner = column_text(at, OWNER),
                                       .id = column_text(at, ID),
                                       .version = (uint64_t)sqlite3_column_int64(at, VERSION)};
    return sealed_open(store->keys, &place, sealed, value);
}

/* --- opening --- */

static enum status init_mutex(pthread_mutex_t *mutex)
{
    /* A thread that begins twice is told, instead of waiting for itself. */
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0) return ERR_NO_MEMORY;
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    const int result = pthread_mutex_init(mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    return result == 0 ? OK : ERR_NO_MEMORY;
}

static enum status prepare_all(struct store *store)
{
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        TRY(database_prepare(store->database, statement_texts[i], &store->statements[i]));
    return OK;
}

/* A scan goes from leaf to leaf of a table's tree, a search down from its root: where the file's owner has put other
 * keys on the way, the row is there and is not found. */
static enum status check_is_found(struct store *store, sqlite3_stmt *at)
{
    CLEANUP(statement_done) sqlite3_stmt *row = store->statements[RECORD_AT];
    bool found;
    TRY(bind_integer(row, 1, sqlite3_column_int64(at, SEQUENCE)));
    TRY(statement_step(row, &found));
    return found ? OK : ERR_STORE_CORRUPT;
}

static enum status sum_all_rows(struct store *store, struct state_sum *sum_out, bool *any_out)
{
    struct state_sum sum = {};
    bool any = false;
    CLEANUP(statement_done) sqlite3_stmt *scan = store->statements[RECORD_SCAN];
    for (;;) {
        bool found;
        TRY(statement_step(scan, &found));
        if (!found) break;
        any = true;
        TRY(sum_row(store, scan, state_sum_add, &sum));
        TRY(check_is_found(store, scan));
    }
    *sum_out = sum;
    *any_out = any;
    return OK;
}

/* The sum is over the tables. Searches and listings go through indexes, in which the file's owner may have hidden a row
 * that is there: they are made anew before anybody asks. */
static enum status renew_indexes(struct store *store, struct refusal *why)
{
    const enum status status = database_reindex(store->database);
    if (status != ERR_STORE_CORRUPT) return status;
    return refuse(why, status, "store.indexes", "rows that can be indexed", "others");
}

static enum status check_or_make_head(struct store *store, struct refusal *why)
{
    bool has_head, has_rows;
    struct state_sum sum;
    if (read_head(store, &has_head) != OK)
        return refuse(why, ERR_STORE_CORRUPT, "store.head", "a head sealed with this master key", "another");
    const enum status summed = sum_all_rows(store, &sum, &has_rows);
    if (summed == ERR_STORE_CORRUPT)
        return refuse(why, summed, "store.records", "rows that a search finds", "rows that only a scan finds");
    TRY(summed);
    if (has_head) {
        if (slice_equal_secret(SLICE_ARRAY(sum.bytes), SLICE_ARRAY(store->state.sum.bytes)))
            return renew_indexes(store, why);
        return refuse(why, ERR_STORE_CORRUPT, "store.head", "the rows that were last committed", "other rows");
    }
    if (has_rows) return refuse(why, ERR_STORE_CORRUPT, "store.head", "a head over the rows", "none");
    TRY(record_id_new(&store->id));
    TRY(next_head(store, &store->state));
    return write_head(store, &store->state);
}

static enum status open_into(struct store *store, const char *path, size_t cache_bytes, struct refusal *why)
{
    TRY(database_open(path, cache_bytes, why, &store->database));
    TRY(database_migrate(store->database, schema_steps, sizeof(schema_steps) / sizeof(schema_steps[0]), why));
    TRY(prepare_all(store));
    return check_or_make_head(store, why);
}

enum status store_open(const char *path, size_t cache_bytes, const struct record_keys *keys, struct refusal *why,
                       struct store **store_out)
{
    struct store *const allocated = calloc(1, sizeof(*allocated));
    if (allocated == NULL) return ERR_NO_MEMORY;
    const enum status mutex_status = init_mutex(&allocated->mutex);
    if (mutex_status != OK) {
        free(allocated);
        return mutex_status;
    }
    CLEANUP(store_cleanup) struct store *store = allocated;
    store->keys = keys;
    const enum status status = open_into(store, path, cache_bytes > 0 ? cache_bytes : STORE_DEFAULT_CACHE_BYTES, why);
    if (status == ERR_STORE && why != NULL && why->status == OK)
        return refuse(why, ERR_STORE, path, "a record store", "%s", sqlite3_errmsg(store->database));
    TRY(status);
    *store_out = store;
    store = NULL;
    return OK;
}

/* --- transactions --- */

enum status store_head(struct store *store, struct store_head *head_out)
{
    if (pthread_mutex_lock(&store->mutex) != 0) return ERR_INTERNAL;
    *head_out = (struct store_head){.store = store->id, .generation = store->state.generation};
    memcpy(head_out->head, store->state.head, sizeof(head_out->head));
    (void)pthread_mutex_unlock(&store->mutex);
    return OK;
}

bool store_has_failed(struct store *store)
{
    if (pthread_mutex_lock(&store->mutex) != 0) return false;
    const bool has_failed = store->broken;
    (void)pthread_mutex_unlock(&store->mutex);
    return has_failed;
}

static enum status run(struct store *store, enum statement name)
{
    CLEANUP(statement_done) sqlite3_stmt *statement = store->statements[name];
    return statement_run(statement);
}

/* The file must stand where it stood before the commit for which there was no room. */
static enum status check_unchanged(struct store *store)
{
    const struct state expected = store->state;
    const struct record_id id = store->id;
    bool found = false;
    const enum status status = read_head(store, &found);
    const bool is_same = status == OK && found && strcmp(store->id.text, id.text) == 0 &&
                         store->state.generation == expected.generation &&
                         memcmp(store->state.head, expected.head, sizeof(expected.head)) == 0;
    store->id = id;
    store->state = expected;
    return is_same ? OK : ERR_STORE;
}

static enum status open_transaction(struct store *store)
{
    if (store->broken) return ERR_STORE;
    TRY(run(store, BEGIN));
    if (store->was_full && check_unchanged(store) != OK) {
        store->broken = true;
        (void)!run(store, ROLLBACK);
        return ERR_STORE;
    }
    store->was_full = false;
    return OK;
}

enum status store_begin(struct store *store, struct store_transaction **transaction_out)
{
    if (pthread_mutex_lock(&store->mutex) != 0) return ERR_INTERNAL;
    const enum status status = open_transaction(store);
    if (status != OK) {
        (void)pthread_mutex_unlock(&store->mutex);
        return status;
    }
    store->transaction = (struct store_transaction){.store = store, .state = store->state};
    *transaction_out = &store->transaction;
    return OK;
}

void store_rollback(struct store_transaction **transaction)
{
    if (*transaction == NULL) return;
    struct store *const store = (*transaction)->store;
    *transaction = NULL;
    /* SQLite rolls back by itself when it has no room. */
    if (sqlite3_get_autocommit(store->database) == 0 && run(store, ROLLBACK) != OK) store->broken = true;
    (void)pthread_mutex_unlock(&store->mutex);
}

static enum status write_changes(struct store *store, struct store_transaction *transaction)
{
    transaction->state.generation++;
    TRY(next_head(store, &transaction->state));
    return write_head(store, &transaction->state);
}

enum status store_commit(struct store_transaction **transaction)
{
    CLEANUP(store_rollback) struct store_transaction *ending = *transaction;
    *transaction = NULL;
    struct store *const store = ending->store;
    if (ending->spoiled) return ERR_STORE;
    if (!ending->wrote) return OK;
    TRY(write_changes(store, ending));
    const enum status status = run(store, COMMIT);
    if (status != OK) {
        /* Without room nothing was committed. After any other failure it is not known whether the disk has it: nothing
         * more is promised until the file is read anew. */
        store->was_full = status == ERR_STORE_FULL;
        store->broken = !store->was_full;
        return status;
    }
    store->state = ending->state;
    ending = NULL;
    (void)pthread_mutex_unlock(&store->mutex);
    return OK;
}

const struct record_keys *store_keys(const struct store_transaction *transaction)
{
    return transaction->store->keys;
}

/* --- records --- */

enum status lookup_tokens_add(const struct record_keys *keys, const char *field, struct slice value,
                              struct lookup_tokens *tokens)
{
    struct lookup_token token;
    TRY(lookup_token_of(keys, field, value, &token));
    for (size_t i = 0; i < tokens->count; i++) {
        if (slice_equal(SLICE_ARRAY(tokens->items[i].bytes), SLICE_ARRAY(token.bytes))) return OK;
    }
    if (tokens->count == STORE_TOKEN_MAX_COUNT) return ERR_TOO_LARGE;
    tokens->items[tokens->count++] = token;
    return OK;
}

/* Stands at the record if it is there. The caller ends the statement. */
static enum status seek(sqlite3_stmt *get, const char *type, const char *id, bool *found_out)
{
    TRY(bind_text(get, 1, type));
    TRY(bind_text(get, 2, id));
    return statement_step(get, found_out);
}

/* The version that is there now (0: none), after the check that it is the one expected. */
static enum status check_version(struct store *store, const struct store_record *record, uint64_t *present_out)
{
    CLEANUP(statement_done) sqlite3_stmt *get = store->statements[RECORD_GET];
    bool found;
    TRY(seek(get, record->type, record->id, &found));
    const uint64_t present = found ? (uint64_t)sqlite3_column_int64(get, VERSION) : 0;
    if (record->version != STORE_ANY_VERSION && record->version != present) return found ? ERR_CONFLICT : ERR_NOT_FOUND;
    *present_out = present;
    return OK;
}

static enum status sum_record(struct store_transaction *transaction, const char *type, const char *id,
                              sum_change *change)
{
    struct store *const store = transaction->store;
    CLEANUP(statement_done) sqlite3_stmt *get = store->statements[RECORD_GET];
    bool found;
    TRY(seek(get, type, id, &found));
    return found ? sum_row(store, get, change, &transaction->state.sum) : ERR_STORE_CORRUPT;
}

static int64_t round_up_expiry(int64_t expires_s)
{
    const int64_t hours = expires_s / STORE_EXPIRY_ROUNDING_S + (expires_s % STORE_EXPIRY_ROUNDING_S > 0 ? 1 : 0);
    return hours * STORE_EXPIRY_ROUNDING_S;
}

static enum status write_row(struct store *store, const struct store_record *record, uint64_t version, bool is_new,
                             struct slice sealed)
{
    CLEANUP(statement_done) sqlite3_stmt *put = store->statements[is_new ? RECORD_INSERT : RECORD_UPDATE];
    TRY(bind_text(put, 1, record->type));
    TRY(bind_text(put, 2, record->id));
    TRY(bind_text(put, 3, record->owner));
    TRY(bind_integer(put, 4, (int64_t)version));
    TRY(bind_integer(put, 5, round_up_expiry(record->expires_s)));
    TRY(bind_bytes(put, 6, slice_part(sealed, 0, SEALED_HEAD_BYTES)));
    TRY(bind_bytes(put, 7, sealed));
    return statement_run(put);
}

static enum status sequence_of(struct store *store, const char *type, const char *id, int64_t *sequence_out)
{
    CLEANUP(statement_done) sqlite3_stmt *get = store->statements[RECORD_GET];
    bool found;
    TRY(seek(get, type, id, &found));
    if (!found) return ERR_STORE_CORRUPT;
    *sequence_out = sqlite3_column_int64(get, SEQUENCE);
    return OK;
}

static enum status run_with_sequence(struct store *store, enum statement name, int64_t sequence)
{
    CLEANUP(statement_done) sqlite3_stmt *statement = store->statements[name];
    TRY(bind_integer(statement, 1, sequence));
    return statement_run(statement);
}

static enum status write_tokens(struct store *store, int64_t sequence, const struct lookup_tokens *tokens)
{
    TRY(run_with_sequence(store, TOKEN_DELETE, sequence));
    for (size_t i = 0; tokens != NULL && i < tokens->count; i++) {
        CLEANUP(statement_done) sqlite3_stmt *insert = store->statements[TOKEN_INSERT];
        TRY(bind_integer(insert, 1, sequence));
        TRY(bind_bytes(insert, 2, SLICE_ARRAY(tokens->items[i].bytes)));
        TRY(statement_run(insert));
    }
    return OK;
}

/* The row, its tokens and the sum change together; a failure between them spoils the transaction. */
static enum status replace_row(struct store_transaction *transaction, const struct store_record *record,
                               const struct lookup_tokens *tokens, uint64_t present, struct slice sealed)
{
    struct store *const store = transaction->store;
    if (present > 0) TRY(sum_record(transaction, record->type, record->id, state_sum_remove));
    TRY(write_row(store, record, present + 1, present == 0, sealed));
    int64_t sequence;
    TRY(sequence_of(store, record->type, record->id, &sequence));
    TRY(write_tokens(store, sequence, tokens));
    return sum_record(transaction, record->type, record->id, state_sum_add);
}

static bool has_long_text(const struct store_record *record)
{
    return strlen(record->type) > SEALED_TEXT_MAX_BYTES || strlen(record->id) > SEALED_TEXT_MAX_BYTES ||
           strlen(record->owner) > SEALED_TEXT_MAX_BYTES;
}

enum status store_put(struct store_transaction *transaction, const struct store_record *record,
                      const struct lookup_tokens *tokens, uint64_t *version_out)
{
    if (record->value.size > STORE_VALUE_MAX_BYTES || has_long_text(record)) return ERR_TOO_LARGE;
    if (transaction->spoiled) return ERR_STORE;
    uint64_t present;
    TRY(check_version(transaction->store, record, &present));
    const struct sealed_place place = {
        .type = record->type, .owner = record->owner, .id = record->id, .version = present + 1};
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(STORE_VALUE_MAX_BYTES + SEALED_OVERHEAD_BYTES);
    TRY(sealed_seal(transaction->store->keys, &place, record->value, &sealed));
    transaction->spoiled = true;
    TRY(replace_row(transaction, record, tokens, present, buffer_slice(&sealed)));
    transaction->spoiled = false;
    transaction->wrote = true;
    if (version_out != NULL) *version_out = present + 1;
    return OK;
}

static enum status facts_of(sqlite3_stmt *at, struct store_facts *facts_out)
{
    struct store_facts facts = {.version = (uint64_t)sqlite3_column_int64(at, VERSION),
                                .expires_s = sqlite3_column_int64(at, EXPIRES)};
    const int wanted = snprintf(facts.owner, sizeof(facts.owner), "%s", column_text(at, OWNER));
    if (wanted < 0 || (size_t)wanted >= sizeof(facts.owner)) return ERR_STORE_CORRUPT;
    *facts_out = facts;
    return OK;
}

enum status store_get(struct store_transaction *transaction, const char *type, const char *id, struct buffer *value,
                      struct store_facts *facts_out)
{
    struct store *const store = transaction->store;
    CLEANUP(statement_done) sqlite3_stmt *get = store->statements[RECORD_GET];
    bool found;
    TRY(seek(get, type, id, &found));
    if (!found) return ERR_NOT_FOUND;
    struct store_facts facts;
    TRY(facts_of(get, &facts));
    TRY(open_row(store, get, value));
    if (facts_out != NULL) *facts_out = facts;
    return OK;
}

enum status store_has(struct store_transaction *transaction, const char *type, const char *id, bool *is_there_out)
{
    CLEANUP(statement_done) sqlite3_stmt *get = transaction->store->statements[RECORD_GET];
    return seek(get, type, id, is_there_out);
}

static enum status delete_row(struct store_transaction *transaction, const char *type, const char *id)
{
    struct store *const store = transaction->store;
    int64_t sequence;
    TRY(sum_record(transaction, type, id, state_sum_remove));
    TRY(sequence_of(store, type, id, &sequence));
    TRY(run_with_sequence(store, TOKEN_DELETE, sequence));
    return run_with_sequence(store, RECORD_DELETE, sequence);
}

enum status store_delete(struct store_transaction *transaction, const char *type, const char *id)
{
    const struct store_record record = {.type = type, .id = id, .owner = "", .version = STORE_ANY_VERSION};
    if (transaction->spoiled) return ERR_STORE;
    uint64_t present;
    TRY(check_version(transaction->store, &record, &present));
    if (present == 0) return ERR_NOT_FOUND;
    transaction->spoiled = true;
    TRY(delete_row(transaction, type, id));
    transaction->spoiled = false;
    transaction->wrote = true;
    return OK;
}

/* Type and id of one record, copied out of a statement that is over. */
struct row_name {
    char type[SEALED_TEXT_MAX_BYTES + 1];
    char id[SEALED_TEXT_MAX_BYTES + 1];
};

static enum status first_row(sqlite3_stmt *statement, bool *found_out, struct row_name *name_out)
{
    TRY(statement_step(statement, found_out));
    if (!*found_out) return OK;
    const int type = snprintf(name_out->type, sizeof(name_out->type), "%s", column_text(statement, TYPE));
    const int id = snprintf(name_out->id, sizeof(name_out->id), "%s", column_text(statement, ID));
    return type <= SEALED_TEXT_MAX_BYTES && id <= SEALED_TEXT_MAX_BYTES ? OK : ERR_STORE_CORRUPT;
}

static enum status first_owned(struct store *store, const char *owner, const char *type, bool *found_out,
                               struct row_name *name_out)
{
    CLEANUP(statement_done)
    sqlite3_stmt *first = store->statements[type != NULL ? FIRST_OWNED_OF_TYPE : FIRST_OWNED];
    TRY(bind_text(first, 1, owner));
    if (type != NULL) TRY(bind_text(first, 2, type));
    return first_row(first, found_out, name_out);
}

enum status store_delete_owned(struct store_transaction *transaction, const char *owner, const char *type)
{
    for (;;) {
        bool found;
        struct row_name name;
        TRY(first_owned(transaction->store, owner, type, &found, &name));
        if (!found) return OK;
        TRY(store_delete(transaction, name.type, name.id));
    }
}

static enum status first_expired(struct store *store, int64_t now_s, bool *found_out, struct row_name *name_out)
{
    CLEANUP(statement_done) sqlite3_stmt *first = store->statements[FIRST_EXPIRED];
    TRY(bind_integer(first, 1, now_s));
    return first_row(first, found_out, name_out);
}

enum status store_sweep(struct store_transaction *transaction, int64_t now_s, size_t limit, size_t *count_out)
{
    size_t count = 0;
    for (; count < limit; count++) {
        bool found;
        struct row_name name;
        TRY(first_expired(transaction->store, now_s, &found, &name));
        if (!found) break;
        TRY(store_delete(transaction, name.type, name.id));
        TRY(store_delete_owned(transaction, name.id, NULL));
    }
    *count_out = count;
    return OK;
}

/* --- listings --- */

static enum status show_row(struct store *store, sqlite3_stmt *at, store_visit *visit, void *context, bool *more)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    TRY(open_row(store, at, &value));
    const struct store_record record = {.type = column_text(at, TYPE),
                                        .id = column_text(at, ID),
                                        .owner = column_text(at, OWNER),
                                        .version = (uint64_t)sqlite3_column_int64(at, VERSION),
                                        .expires_s = sqlite3_column_int64(at, EXPIRES),
                                        .value = buffer_slice(&value)};
    return visit(context, &record, more);
}

static enum status show_rows(struct store *store, sqlite3_stmt *list, store_visit *visit, void *context)
{
    bool more = true;
    while (more) {
        bool found;
        TRY(statement_step(list, &found));
        if (!found) return OK;
        TRY(show_row(store, list, visit, context, &more));
    }
    return OK;
}

enum status store_list_owned(struct store_transaction *transaction, const char *owner, const char *type,
                             store_visit *visit, void *context)
{
    struct store *const store = transaction->store;
    CLEANUP(statement_done)
    sqlite3_stmt *list = store->statements[type != NULL ? LIST_OWNED_OF_TYPE : LIST_OWNED];
    TRY(bind_text(list, 1, owner));
    if (type != NULL) TRY(bind_text(list, 2, type));
    return show_rows(store, list, visit, context);
}

enum status store_list(struct store_transaction *transaction, const char *type, store_visit *visit, void *context)
{
    struct store *const store = transaction->store;
    CLEANUP(statement_done) sqlite3_stmt *list = store->statements[LIST_OF_TYPE];
    TRY(bind_text(list, 1, type));
    return show_rows(store, list, visit, context);
}

enum status store_search(struct store_transaction *transaction, const char *type, const struct lookup_tokens *tokens,
                         store_visit *visit, void *context)
{
    if (tokens->count == 0 || tokens->count > STORE_QUERY_TOKEN_MAX_COUNT) return ERR_TOO_LARGE;
    struct store *const store = transaction->store;
    CLEANUP(statement_done) sqlite3_stmt *search = store->statements[SEARCH];
    TRY(bind_text(search, 1, type));
    for (size_t i = 0; i < STORE_QUERY_TOKEN_MAX_COUNT; i++) {
        const struct lookup_token *const token = &tokens->items[i < tokens->count ? i : 0];
        TRY(bind_bytes(search, (int)i + 2, SLICE_ARRAY(token->bytes)));
    }
    return show_rows(store, search, visit, context);
}
