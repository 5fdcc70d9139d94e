/* SPDX-License-Identifier: Apache-2.0 */
#include "records/store.h"

#include "records_testing.h"

#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct place place;

static int set_up(void **)
{
    place_make(&place);
    place_open(&place);
    return 0;
}

static int tear_down(void **)
{
    place_remove(&place);
    return 0;
}

static struct store_transaction *begin(void)
{
    struct store_transaction *transaction = NULL;
    assert_ok(store_begin(place.store, &transaction));
    return transaction;
}

static struct store_record record_of(const char *id, const char *owner, uint64_t version, const char *value)
{
    return (struct store_record){
        .type = "Patient", .id = id, .owner = owner, .version = version, .value = slice_of_text(value)};
}

/* One record in a transaction of its own. */
static enum status put(const char *id, const char *owner, uint64_t version, const char *value,
                       const struct lookup_tokens *tokens)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = begin();
    const struct store_record record = record_of(id, owner, version, value);
    TRY(store_put(transaction, &record, tokens, NULL));
    return store_commit(&transaction);
}

static enum status get(const char *id, const char *expected, struct store_facts *facts_out)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = begin();
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(4096);
    TRY(store_get(transaction, "Patient", id, &value, facts_out));
    if (expected != NULL) assert_slice_equal(buffer_slice(&value), slice_of_text(expected));
    return OK;
}

static void test_versions_count_up_and_must_be_the_one_expected(void **)
{
    struct store_facts facts;
    assert_status(get("a", NULL, NULL), ERR_NOT_FOUND);
    assert_ok(put("a", "", 0, "one", NULL));
    assert_status(put("a", "", 0, "again", NULL), ERR_CONFLICT);
    assert_status(put("a", "", 2, "two", NULL), ERR_CONFLICT);
    assert_status(put("b", "", 1, "two", NULL), ERR_NOT_FOUND);
    assert_ok(put("a", "owner", 1, "two", NULL));
    assert_ok(get("a", "two", &facts));
    assert_int_equal(facts.version, 2);
    assert_string_equal(facts.owner, "owner");
    assert_ok(put("a", "", STORE_ANY_VERSION, "three", NULL));
    assert_ok(put("c", "", STORE_ANY_VERSION, "", NULL));
    assert_ok(get("a", "three", &facts));
    assert_int_equal(facts.version, 3);
    assert_ok(get("c", "", &facts));
    assert_int_equal(facts.version, 1);
}

static void test_what_was_not_committed_is_not_there(void **)
{
    {
        CLEANUP(store_rollback) struct store_transaction *transaction = begin();
        const struct store_record record = record_of("a", "", 0, "one");
        assert_ok(store_put(transaction, &record, NULL, NULL));
    }
    assert_status(get("a", NULL, NULL), ERR_NOT_FOUND);
    place_close(&place);
    place_open(&place);
    assert_status(get("a", NULL, NULL), ERR_NOT_FOUND);
}

static void test_what_was_committed_opens_again(void **)
{
    assert_ok(put("a", "", 0, "one", NULL));
    struct store_head before, after;
    assert_ok(store_head(place.store, &before));
    place_close(&place);
    place_open(&place);
    assert_ok(get("a", "one", NULL));
    assert_ok(store_head(place.store, &after));
    assert_memory_equal(&before, &after, sizeof(before));
}

static void test_each_commit_moves_the_head_and_reading_does_not(void **)
{
    struct store_head first, second, third;
    assert_ok(store_head(place.store, &first));
    assert_int_equal(first.generation, 0);
    assert_ok(put("a", "", 0, "one", NULL));
    assert_ok(store_head(place.store, &second));
    assert_int_equal(second.generation, 1);
    assert_memory_not_equal(first.head, second.head, sizeof(first.head));
    struct store_transaction *transaction = begin();
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(16);
    assert_ok(store_get(transaction, "Patient", "a", &value, NULL));
    assert_ok(store_commit(&transaction));
    assert_null(transaction);
    assert_ok(store_head(place.store, &third));
    assert_memory_equal(&second, &third, sizeof(second));
}

static void test_a_thread_that_begins_twice_is_told(void **)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = begin();
    assert_non_null(transaction);
    struct store_transaction *second = NULL;
    assert_status(store_begin(place.store, &second), ERR_INTERNAL);
    assert_null(second);
}

static void test_sizes_are_bounded(void **)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = begin();
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(STORE_VALUE_MAX_BYTES + 1);
    uint8_t *bytes;
    assert_ok(buffer_extend(&large, STORE_VALUE_MAX_BYTES + 1, &bytes));
    struct store_record record = record_of("a", "", 0, "");
    record.value = buffer_slice(&large);
    assert_status(store_put(transaction, &record, NULL, NULL), ERR_TOO_LARGE);
    record.value.size--;
    assert_ok(store_put(transaction, &record, NULL, NULL));
    char text[SEALED_TEXT_MAX_BYTES + 2] = {};
    memset(text, 'x', SEALED_TEXT_MAX_BYTES + 1);
    record = record_of(text, "", 0, "");
    assert_status(store_put(transaction, &record, NULL, NULL), ERR_TOO_LARGE);
    struct lookup_tokens tokens = {};
    assert_status(store_search(transaction, "Patient", &tokens, NULL, NULL), ERR_TOO_LARGE);
    for (unsigned i = 0; i < STORE_TOKEN_MAX_COUNT; i++) {
        assert_ok(lookup_tokens_add(place.keys, "n", slice_of(&i, sizeof(i)), &tokens));
        assert_ok(lookup_tokens_add(place.keys, "n", slice_of(&i, sizeof(i)), &tokens));
    }
    assert_status(lookup_tokens_add(place.keys, "n", SLICE_LITERAL("one more"), &tokens), ERR_TOO_LARGE);
    assert_status(store_search(transaction, "Patient", &tokens, NULL, NULL), ERR_TOO_LARGE);
}

/* Joins the ids of a listing, at most `limit` of them. */
struct ids {
    char text[256];
    size_t limit;
};

static enum status note_id(void *context, const struct store_record *record, bool *more)
{
    struct ids *const ids = context;
    const size_t used = strlen(ids->text);
    (void)snprintf(ids->text + used, sizeof(ids->text) - used, "%s ", record->id);
    *more = --ids->limit > 0;
    return OK;
}

static struct lookup_tokens tokens_of(const char *first, const char *second)
{
    struct lookup_tokens tokens = {};
    assert_ok(lookup_tokens_add(place.keys, "name", slice_of_text(first), &tokens));
    if (second != NULL) assert_ok(lookup_tokens_add(place.keys, "name", slice_of_text(second), &tokens));
    return tokens;
}

static void assert_found(struct lookup_tokens tokens, const char *expected)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = begin();
    struct ids ids = {.limit = 100};
    assert_ok(store_search(transaction, "Patient", &tokens, note_id, &ids));
    assert_string_equal(ids.text, expected);
}

static void test_search_needs_every_token_and_gives_newest_first(void **)
{
    const struct lookup_tokens both = tokens_of("x", "y"), one = tokens_of("x", NULL);
    assert_ok(put("a", "", 0, "1", &both));
    assert_ok(put("b", "", 0, "2", &one));
    assert_ok(put("c", "", 0, "3", &both));
    assert_found(one, "c b a ");
    assert_found(both, "c a ");
    assert_found(tokens_of("y", NULL), "c a ");
    assert_found(tokens_of("z", NULL), "");
    assert_ok(put("a", "", 1, "1b", &one));
    assert_found(both, "c ");
    assert_found(one, "c b a ");
    CLEANUP(store_rollback) struct store_transaction *transaction = begin();
    struct ids ids = {.limit = 2};
    assert_ok(store_search(transaction, "Patient", &one, note_id, &ids));
    assert_string_equal(ids.text, "c b ");
}

static void test_listings_by_owner_and_type(void **)
{
    assert_ok(put("a", "p", 0, "1", NULL));
    assert_ok(put("b", "p", 0, "2", NULL));
    assert_ok(put("c", "q", 0, "3", NULL));
    CLEANUP(store_rollback) struct store_transaction *transaction = begin();
    const struct store_record other = {.type = "Other", .id = "d", .owner = "p", .value = SLICE_LITERAL("4")};
    assert_ok(store_put(transaction, &other, NULL, NULL));
    struct ids all = {.limit = 100}, typed = {.limit = 100}, every = {.limit = 100};
    assert_ok(store_list_owned(transaction, "p", NULL, note_id, &all));
    assert_string_equal(all.text, "d b a ");
    assert_ok(store_list_owned(transaction, "p", "Patient", note_id, &typed));
    assert_string_equal(typed.text, "b a ");
    assert_ok(store_list(transaction, "Patient", note_id, &every));
    assert_string_equal(every.text, "c b a ");
}

static void test_deleting(void **)
{
    const struct lookup_tokens tokens = tokens_of("x", NULL);
    assert_ok(put("a", "p", 0, "1", &tokens));
    assert_ok(put("b", "p", 0, "2", &tokens));
    assert_ok(put("c", "q", 0, "3", &tokens));
    struct store_transaction *transaction = begin();
    assert_ok(store_delete(transaction, "Patient", "c"));
    assert_status(store_delete(transaction, "Patient", "c"), ERR_NOT_FOUND);
    assert_ok(store_delete_owned(transaction, "p", "Other"));
    assert_ok(store_delete_owned(transaction, "p", NULL));
    assert_ok(store_commit(&transaction));
    assert_found(tokens, "");
    place_close(&place);
    place_open(&place); /* the head agrees */
}

static void test_expired_records_go_with_what_they_own(void **)
{
    struct store_transaction *transaction = begin();
    struct store_record record = record_of("film", "", 0, "1");
    record.expires_s = 3601;
    assert_ok(store_put(transaction, &record, NULL, NULL));
    const struct store_record part = record_of("part", "film", 0, "2");
    assert_ok(store_put(transaction, &part, NULL, NULL));
    size_t count;
    assert_ok(store_sweep(transaction, 7199, 10, &count));
    assert_int_equal(count, 0); /* rounded up to the hour */
    assert_ok(store_sweep(transaction, 7200, 10, &count));
    assert_int_equal(count, 1);
    assert_ok(store_commit(&transaction));
    assert_status(get("part", NULL, NULL), ERR_NOT_FOUND);
}

static void test_a_second_opening_is_refused(void **)
{
    struct store *second = NULL;
    struct refusal why = {};
    assert_status(store_open(place.store_path, 0, place.keys, &why, &second), ERR_STORE_IN_USE);
    assert_string_equal(why.fix, "stop the other process");
}

static enum status reopen_with(const struct record_keys *keys, struct refusal *why)
{
    place_close(&place);
    CLEANUP(store_cleanup) struct store *store = NULL;
    return store_open(place.store_path, 0, keys, why, &store);
}

static void test_other_keys_do_not_open_it(void **)
{
    CLEANUP(record_keys_cleanup) struct record_keys *other = test_keys(8, "hospital");
    struct refusal why = {};
    assert_status(reopen_with(other, &why), ERR_STORE_CORRUPT);
    assert_string_equal(why.field, "store.head");
}

static void test_a_file_that_is_no_store_is_refused(void **)
{
    place_close(&place);
    assert_ok(file_write(place.store_path, SLICE_LITERAL("this is not a database, and long enough to tell so ...."),
                         0600, NULL));
    struct refusal why = {};
    assert_status(reopen_with(place.keys, &why), ERR_STORE);
    assert_string_equal(why.field, place.store_path);
}

/* What the disk's owner does to the file, without keys. */
static void tamper(const char *sql)
{
    place_close(&place);
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(place.store_path, &database), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void assert_tampering_is_noticed(const char *sql, const char *field)
{
    tamper(sql);
    struct refusal why = {};
    assert_status(reopen_with(place.keys, &why), ERR_STORE_CORRUPT);
    assert_string_equal(why.field, field);
}

static void two_records(void)
{
    const struct lookup_tokens tokens = tokens_of("x", "y");
    assert_ok(put("a", "p", 0, "one", &tokens));
    assert_ok(put("b", "p", 0, "two", &tokens));
}

static void test_swapped_rows_are_noticed(void **)
{
    two_records();
    assert_tampering_is_noticed("UPDATE record SET id='t' WHERE id='a'; UPDATE record SET id='a' WHERE id='b';"
                                "UPDATE record SET id='b' WHERE id='t'",
                                "store.head");
}

static void test_removed_rows_are_noticed(void **)
{
    two_records();
    assert_tampering_is_noticed("DELETE FROM lookup WHERE record=1; DELETE FROM record WHERE id='a'", "store.head");
}

static void test_another_owner_is_noticed(void **)
{
    two_records();
    assert_tampering_is_noticed("UPDATE record SET owner='q' WHERE id='a'", "store.head");
}

/* Puts a row back into its table alone while `index` is not in the schema: the row is there, the index does not say so.
 */
static void hide_row_from_index(const char *index)
{
    char sql[1024];
    (void)snprintf(sql, sizeof(sql),
                   "CREATE TABLE kept AS SELECT * FROM record WHERE id='a'; DELETE FROM record WHERE id='a';"
                   "CREATE TABLE kept_schema AS SELECT * FROM sqlite_schema WHERE name='%s';"
                   "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name='%s'",
                   index, index);
    tamper(sql);
    tamper("INSERT INTO record SELECT * FROM kept; DROP TABLE kept; PRAGMA writable_schema=ON;"
           "INSERT INTO sqlite_schema SELECT * FROM kept_schema");
    tamper("DROP TABLE kept_schema");
}

static void assert_both_are_listed(void)
{
    CLEANUP(store_rollback) struct store_transaction *transaction = begin();
    struct ids typed = {.limit = 100}, owned = {.limit = 100};
    assert_ok(store_list(transaction, "Patient", note_id, &typed));
    assert_string_equal(typed.text, "b a ");
    assert_ok(store_list_owned(transaction, "p", NULL, note_id, &owned));
    assert_string_equal(owned.text, "b a ");
}

static void test_a_row_hidden_from_the_index_of_types_is_found(void **)
{
    two_records();
    hide_row_from_index("record_by_type");
    place_open(&place);
    assert_both_are_listed();
}

static void test_a_row_hidden_from_the_index_of_owners_is_found(void **)
{
    two_records();
    hide_row_from_index("record_by_owner");
    place_open(&place);
    assert_both_are_listed();
}

static void test_a_token_hidden_from_its_index_is_found(void **)
{
    two_records();
    tamper("CREATE TABLE kept AS SELECT * FROM lookup WHERE record=1; DELETE FROM lookup WHERE record=1;"
           "CREATE TABLE kept_schema AS SELECT * FROM sqlite_schema WHERE name='lookup_by_token';"
           "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name='lookup_by_token'");
    tamper("INSERT INTO lookup SELECT * FROM kept; DROP TABLE kept; PRAGMA writable_schema=ON;"
           "INSERT INTO sqlite_schema SELECT * FROM kept_schema");
    tamper("DROP TABLE kept_schema");
    place_open(&place);
    assert_found(tokens_of("x", "y"), "b a ");
}

static long root_page_of_records(void)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(place.store_path, &database), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(database, "SELECT rootpage FROM sqlite_schema WHERE name='record'", -1, &statement, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const long page = (long)sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return page;
}

/* The table's root says that all rows below its first key are elsewhere: a scan still sees them. */
static void test_rows_that_only_a_scan_finds_are_noticed(void **)
{
    enum { PAGE_BYTES = 4096, RECORDS = 16, VALUE_BYTES = 700, INTERIOR_TABLE = 5, FIRST_POINTER = 12, KEY = 4 };
    char value[VALUE_BYTES + 1] = {}, id[16];
    memset(value, 'v', VALUE_BYTES);
    for (int i = 0; i < RECORDS; i++) {
        (void)snprintf(id, sizeof(id), "r%d", i);
        assert_ok(put(id, "p", 0, value, NULL));
    }
    place_close(&place);
    const long at = (root_page_of_records() - 1) * PAGE_BYTES;
    FILE *const file = fopen(place.store_path, "r+b");
    uint8_t page[PAGE_BYTES];
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fread(page, 1, sizeof(page), file), sizeof(page));
    assert_int_equal(page[0], INTERIOR_TABLE);
    const long cell = page[FIRST_POINTER] << 8 | page[FIRST_POINTER + 1];
    assert_in_range(page[cell + KEY], 1, RECORDS);
    assert_int_equal(fseek(file, at + cell + KEY, SEEK_SET), 0);
    assert_int_equal(fputc(0, file), 0);
    assert_int_equal(fclose(file), 0);
    struct refusal why = {};
    assert_status(reopen_with(place.keys, &why), ERR_STORE_CORRUPT);
    assert_string_equal(why.field, "store.records");
}

static void test_another_expiry_is_noticed(void **)
{
    two_records();
    assert_tampering_is_noticed("UPDATE record SET expires=3600 WHERE id='a'", "store.head");
}

static void test_a_removed_lookup_token_is_noticed(void **)
{
    two_records();
    assert_tampering_is_noticed("DELETE FROM lookup WHERE record=1 AND token=(SELECT min(token) FROM lookup)",
                                "store.head");
}

static void test_a_row_put_back_to_an_earlier_version_is_noticed(void **)
{
    two_records();
    char keep[512], put_back[512];
    (void)snprintf(keep, sizeof(keep),
                   "ATTACH '%s/kept' AS kept; CREATE TABLE kept.row AS SELECT * FROM record WHERE id='a'",
                   place.folder);
    (void)snprintf(
        put_back, sizeof(put_back),
        "ATTACH '%s/kept' AS kept; DELETE FROM record WHERE id='a'; INSERT INTO record SELECT * FROM kept.row",
        place.folder);
    tamper(keep);
    place_open(&place);
    assert_ok(put("a", "p", 1, "newer", NULL));
    tamper(put_back);
    struct refusal why = {};
    assert_status(reopen_with(place.keys, &why), ERR_STORE_CORRUPT);
}

static void test_a_removed_head_is_noticed(void **)
{
    two_records();
    assert_tampering_is_noticed("DELETE FROM head", "store.head");
}

static void test_a_head_of_another_generation_is_noticed(void **)
{
    two_records();
    assert_tampering_is_noticed("UPDATE head SET generation=3", "store.head");
}

static void test_a_foreign_object_in_the_schema_is_refused(void **)
{
    two_records();
    assert_tampering_is_noticed("CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM lookup; END", "schema");
}

static void test_a_newer_schema_is_refused(void **)
{
    tamper("PRAGMA user_version=99");
    struct refusal why = {};
    assert_status(reopen_with(place.keys, &why), ERR_STORE);
    assert_string_equal(why.field, "schema.version");
}

/* Altered under the open store's eyes, as far as that can be played: the value is checked on each reading. */
static void test_an_altered_value_is_noticed_on_reading(void **)
{
    two_records();
    /* The sum looks at the seal, so content altered behind it passes the opening and is caught by its own seal. */
    tamper("UPDATE record SET sealed=seal||zeroblob(length(sealed)-25) WHERE id='a'");
    place_open(&place);
    assert_status(get("a", NULL, NULL), ERR_STORE_CORRUPT);
    assert_ok(get("b", "two", NULL));
    place_close(&place);
    tamper("UPDATE record SET sealed=(SELECT sealed FROM record WHERE id='b') WHERE id='a'");
    place_open(&place);
    assert_status(get("a", NULL, NULL), ERR_STORE_CORRUPT);
}

static void test_no_value_stands_in_the_file(void **)
{
    assert_ok(put("a", "", 0, "CanaryZebra", NULL));
    place_close(&place);
    CLEANUP(buffer_done) struct buffer file = read_whole(place.store_path);
    assert_null(memmem(file.bytes, file.size, "CanaryZebra", 11));
    struct slice rest = buffer_slice(&file);
    assert_true(rest.size > 0);
}

enum { WRITERS = 3, WRITES = 20 };

static void *write_some(void *context)
{
    const int thread = *(const int *)context;
    for (int i = 0; i < WRITES; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "t%d-%d", thread, i);
        if (put(id, "threads", 0, id, NULL) != OK) return context;
    }
    return NULL;
}

static void test_threads_take_turns(void **)
{
    pthread_t threads[WRITERS];
    int numbers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    struct store_head head;
    assert_ok(store_head(place.store, &head));
    assert_int_equal(head.generation, WRITERS * WRITES);
    place_close(&place);
    place_open(&place);
}

/* As on a full disk: the journal can grow by so many bytes only. */
static void leave_room(off_t bytes)
{
    char journal[160];
    struct stat facts = {};
    (void)snprintf(journal, sizeof(journal), "%s-wal", place.store_path);
    assert_int_equal(stat(journal, &facts), 0);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = (rlim_t)(facts.st_size + bytes);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void make_room(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int tear_down_with_room(void **state)
{
    make_room();
    return tear_down(state);
}

/* After it: what was there before is there, nothing else is, and the file opens. */
static void check_nothing_but_a(void)
{
    assert_ok(get("a", "one", NULL));
    assert_status(get("b", NULL, NULL), ERR_NOT_FOUND);
    make_room();
    assert_status(get("b", NULL, NULL), ERR_NOT_FOUND);
    assert_ok(put("c", "", 0, "three", NULL));
    place_close(&place);
    place_open(&place);
    assert_ok(get("a", "one", NULL));
    assert_ok(get("c", "three", NULL));
    assert_status(get("b", NULL, NULL), ERR_NOT_FOUND);
}

static void test_without_room_a_commit_is_refused_and_the_store_goes_on(void **)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_ok(put("a", "", 0, "one", NULL));
    leave_room(100);
    for (int i = 0; i < 3; i++) assert_status(put("b", "", 0, "two", NULL), ERR_STORE_FULL);
    check_nothing_but_a();
}

/* More than the pages that SQLite holds in memory: it writes before the commit, and rolls back by itself. */
static void test_without_room_a_large_transaction_is_refused_and_the_store_goes_on(void **)
{
    static uint8_t large[1 << 20];
    (void)signal(SIGXFSZ, SIG_IGN);
    place_close(&place);
    assert_ok(store_open(place.store_path, 64 * 1024, place.keys, NULL, &place.store));
    assert_ok(put("a", "", 0, "one", NULL));
    leave_room(200 * 1024);
    {
        CLEANUP(store_rollback) struct store_transaction *transaction = begin();
        struct store_record record = record_of("b", "", 0, "two");
        record.value = SLICE_ARRAY(large);
        assert_status(store_put(transaction, &record, NULL, NULL), ERR_STORE_FULL);
        /* SQLite's transaction is over: a further change would be kept by itself. */
        make_room();
        record.value = SLICE_LITERAL("two");
        assert_status(store_put(transaction, &record, NULL, NULL), ERR_STORE);
        assert_status(store_delete(transaction, "Patient", "a"), ERR_STORE);
        assert_status(store_commit(&transaction), ERR_STORE);
    }
    check_nothing_but_a();
}

static void test_after_a_failure_of_the_disk_only_a_new_opening_tells(void **)
{
    assert_ok(put("a", "", 0, "one", NULL));
    assert_false(store_has_failed(place.store));
    place_fail(&place);
    assert_status(put("b", "", 0, "two", NULL), ERR_STORE);
    assert_true(store_has_failed(place.store));
    struct store_transaction *transaction = NULL;
    assert_status(store_begin(place.store, &transaction), ERR_STORE);
    place_close(&place);
    place_open(&place);
    assert_false(store_has_failed(place.store));
    assert_ok(get("a", "one", NULL));
    assert_status(get("b", NULL, NULL), ERR_NOT_FOUND);
    assert_ok(put("b", "", 0, "two", NULL));
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_versions_count_up_and_must_be_the_one_expected),
        STORE_TEST(test_what_was_not_committed_is_not_there),
        STORE_TEST(test_what_was_committed_opens_again),
        STORE_TEST(test_each_commit_moves_the_head_and_reading_does_not),
        STORE_TEST(test_a_thread_that_begins_twice_is_told),
        STORE_TEST(test_sizes_are_bounded),
        STORE_TEST(test_search_needs_every_token_and_gives_newest_first),
        STORE_TEST(test_listings_by_owner_and_type),
        STORE_TEST(test_deleting),
        STORE_TEST(test_expired_records_go_with_what_they_own),
        cmocka_unit_test_setup_teardown(test_without_room_a_commit_is_refused_and_the_store_goes_on, set_up,
                                        tear_down_with_room),
        cmocka_unit_test_setup_teardown(test_without_room_a_large_transaction_is_refused_and_the_store_goes_on, set_up,
                                        tear_down_with_room),
        STORE_TEST(test_after_a_failure_of_the_disk_only_a_new_opening_tells),
        STORE_TEST(test_a_second_opening_is_refused),
        STORE_TEST(test_other_keys_do_not_open_it),
        STORE_TEST(test_a_file_that_is_no_store_is_refused),
        STORE_TEST(test_swapped_rows_are_noticed),
        STORE_TEST(test_removed_rows_are_noticed),
        STORE_TEST(test_another_owner_is_noticed),
        STORE_TEST(test_a_row_hidden_from_the_index_of_types_is_found),
        STORE_TEST(test_a_row_hidden_from_the_index_of_owners_is_found),
        STORE_TEST(test_a_token_hidden_from_its_index_is_found),
        STORE_TEST(test_rows_that_only_a_scan_finds_are_noticed),
        STORE_TEST(test_another_expiry_is_noticed),
        STORE_TEST(test_a_removed_lookup_token_is_noticed),
        STORE_TEST(test_a_row_put_back_to_an_earlier_version_is_noticed),
        STORE_TEST(test_a_removed_head_is_noticed),
        STORE_TEST(test_a_head_of_another_generation_is_noticed),
        STORE_TEST(test_a_foreign_object_in_the_schema_is_refused),
        STORE_TEST(test_a_newer_schema_is_refused),
        STORE_TEST(test_an_altered_value_is_noticed_on_reading),
        STORE_TEST(test_no_value_stands_in_the_file),
        STORE_TEST(test_threads_take_turns),
    };
    return cmocka_run_group_tests_name("records/store", tests, NULL, NULL);
}
