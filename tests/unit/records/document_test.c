/* SPDX-License-Identifier: Apache-2.0 */
#include "records/document.h"

#include "base/clock.h"
#include "records/database.h"
#include "records/document_backend.h"
#include "records/document_postgres.h"

#include "postgres_testing.h"

#include <pthread.h>

static struct postgres server;

struct bench {
    char folder[64], path[128];
    struct secret key;
    struct document_options options;
};

static void bench_make(struct bench *bench, bool is_shared)
{
    static unsigned number;
    static char names[32][32];
    *bench = (struct bench){.folder = "/tmp/lazaret-document-test-XXXXXX"};
    assert_non_null(mkdtemp(bench->folder));
    (void)snprintf(bench->path, sizeof(bench->path), "%s/state.db", bench->folder);
    assert_ok(secret_alloc(32, &bench->key));
    (void)snprintf(names[number % 32], sizeof(names[0]), "document %u", number);
    bench->options = (struct document_options){.path = is_shared ? NULL : bench->path,
                                               .postgres = is_shared ? server.connection : NULL,
                                               .name = names[number++ % 32],
                                               .key = &bench->key};
}

static void bench_remove(struct bench *bench)
{
    char command[128];
    secret_done(&bench->key);
    (void)snprintf(command, sizeof(command), "rm -rf %s", bench->folder);
    assert_int_equal(system(command), 0);
}

static struct document *open_or_fail(const struct bench *bench)
{
    struct refusal why = {};
    struct document *document = NULL;
    if (document_open(&bench->options, &why, &document) != OK) fail_msg("%s: %s", why.field, why.seen);
    return document;
}

static void expect(struct document *document, enum status status, const char *content, uint64_t version)
{
    CLEANUP(buffer_done) struct buffer seen = buffer_of_maximum(DOCUMENT_MAX_SIZE);
    struct refusal why = {};
    uint64_t seen_version = 77;
    assert_status(document_read(document, &why, &seen, &seen_version), status);
    if (status != OK) assert_true(why.field[0] != '\0');
    if (status == OK) assert_slice_equal(buffer_slice(&seen), slice_of_text(content));
    if (status == OK || status == ERR_NOT_FOUND) assert_int_equal(seen_version, version);
}

static enum status put(struct document *document, uint64_t version, const char *content)
{
    struct refusal why = {};
    return document_write(document, version, slice_of_text(content), &why);
}

/* ---- both kinds ---- */

static void check_versions(bool is_shared)
{
    struct bench bench;
    bench_make(&bench, is_shared);
    struct document *document = open_or_fail(&bench);
    expect(document, ERR_NOT_FOUND, NULL, 0);
    assert_status(put(document, 1, "too early"), ERR_CONFLICT);
    assert_ok(put(document, 0, "one"));
    expect(document, OK, "one", 1);
    assert_status(put(document, 0, "again"), ERR_CONFLICT);
    assert_ok(put(document, 1, "two"));
    assert_status(put(document, 1, "late"), ERR_CONFLICT);
    expect(document, OK, "two", 2);
    document_free(document);
    document = open_or_fail(&bench);
    expect(document, OK, "two", 2);
    document_free(document);
    bench_remove(&bench);
}

static void test_versions_in_a_file(void **)
{
    check_versions(false);
}

static void test_versions_in_a_shared_database(void **)
{
    check_versions(true);
}

static void check_largest(bool is_shared)
{
    struct bench bench;
    bench_make(&bench, is_shared);
    struct document *const document = open_or_fail(&bench);
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(DOCUMENT_MAX_SIZE + 1);
    CLEANUP(buffer_done) struct buffer seen = buffer_of_maximum(DOCUMENT_MAX_SIZE);
    struct refusal why = {};
    uint8_t *bytes;
    uint64_t version;
    assert_ok(buffer_extend(&large, DOCUMENT_MAX_SIZE + 1, &bytes));
    assert_status(document_write(document, 0, buffer_slice(&large), &why), ERR_TOO_LARGE);
    memset(bytes, 'z', DOCUMENT_MAX_SIZE);
    buffer_truncate(&large, DOCUMENT_MAX_SIZE);
    assert_ok(document_write(document, 0, buffer_slice(&large), &why));
    assert_ok(document_read(document, &why, &seen, &version));
    assert_slice_equal(buffer_slice(&seen), buffer_slice(&large));
    document_free(document);
    bench_remove(&bench);
}

static void test_the_largest_document_in_a_file(void **)
{
    check_largest(false);
}

static void test_the_largest_document_in_a_shared_database(void **)
{
    check_largest(true);
}

static void check_other_key(bool is_shared)
{
    struct bench bench;
    bench_make(&bench, is_shared);
    struct document *document = open_or_fail(&bench);
    assert_ok(put(document, 0, "one"));
    document_free(document);
    bench.key.bytes[5] ^= 1;
    document = open_or_fail(&bench);
    expect(document, ERR_STORE_CORRUPT, NULL, 0);
    document_free(document);
    bench_remove(&bench);
}

static void test_another_key_does_not_open_it(void **)
{
    check_other_key(false);
    check_other_key(true);
}

static void test_names_have_a_maximum(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    struct document *document = NULL;
    struct refusal why = {};
    char name[DOCUMENT_NAME_MAX_BYTES + 2];
    memset(name, 'n', sizeof(name));
    name[DOCUMENT_NAME_MAX_BYTES + 1] = '\0';
    bench.options.name = name;
    assert_status(document_open(&bench.options, &why, &document), ERR_STORE);
    name[DOCUMENT_NAME_MAX_BYTES] = '\0';
    document = open_or_fail(&bench);
    assert_ok(put(document, 0, "one"));
    document_free(document);
    bench.options.name = "";
    assert_status(document_open(&bench.options, &why, &document), ERR_STORE);
    bench_remove(&bench);
}

/* ---- a file ---- */

static void change_file(const struct bench *bench, const char *statement)
{
    CLEANUP(database_cleanup) sqlite3 *database = NULL;
    struct refusal why = {};
    assert_ok(database_open(bench->path, 1 << 16, &why, &database));
    assert_ok(database_run(database, statement));
}

static void test_a_file_is_opened_once(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    struct document *const document = open_or_fail(&bench);
    struct document *second = NULL;
    struct refusal why = {};
    assert_status(document_open(&bench.options, &why, &second), ERR_STORE_IN_USE);
    document_free(document);
    bench_remove(&bench);
}

static void test_what_the_files_owner_changed_does_not_open(void **)
{
    static const char *const changes[] = {
        "UPDATE document SET version = 5",
        "UPDATE document SET version = -1",
        "UPDATE document SET sealed = x''",
        "UPDATE document SET sealed = x'01020304'",
        "UPDATE document SET sealed = substr(sealed, 1, length(sealed) - 1)",
        "UPDATE document SET sealed = 'text'",
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct bench bench;
        bench_make(&bench, false);
        struct document *document = open_or_fail(&bench);
        assert_ok(put(document, 0, "one"));
        document_free(document);
        change_file(&bench, changes[i]);
        document = open_or_fail(&bench);
        expect(document, ERR_STORE_CORRUPT, NULL, 0);
        document_free(document);
        bench_remove(&bench);
    }
}

static void test_another_documents_row_does_not_open(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    struct document *document = open_or_fail(&bench);
    assert_ok(put(document, 0, "one"));
    document_free(document);
    change_file(&bench, "UPDATE document SET name = 'other'");
    bench.options.name = "other";
    document = open_or_fail(&bench);
    expect(document, ERR_STORE_CORRUPT, NULL, 0);
    document_free(document);
    bench_remove(&bench);
}

static void test_a_row_over_the_maximum_is_not_taken(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    struct document *document = open_or_fail(&bench);
    assert_ok(put(document, 0, "one"));
    document_free(document);
    change_file(&bench, "UPDATE document SET sealed = zeroblob(5000000)");
    document = open_or_fail(&bench);
    CLEANUP(buffer_done) struct buffer seen = buffer_of_maximum(DOCUMENT_MAX_SIZE);
    struct refusal why = {};
    uint64_t version;
    assert_status(document_read(document, &why, &seen, &version), ERR_TOO_LARGE);
    document_free(document);
    bench_remove(&bench);
}

static void test_a_file_that_is_none_is_refused(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    struct document *document = NULL;
    struct refusal why = {};
    assert_ok(
        file_write(bench.path, SLICE_LITERAL("this is not a database, and it is long enough to be seen"), 0600, &why));
    assert_status(document_open(&bench.options, &why, &document), ERR_STORE);
    assert_true(why.field[0] != '\0');
    bench.options.path = "/nowhere/at/all";
    assert_status(document_open(&bench.options, &why, &document), ERR_STORE);
    bench_remove(&bench);
}

/* Found by the fuzz target: SQLite reads such a file, and only then finds that it is none. */
static void test_a_file_whose_schema_cannot_be_read_is_told(void **)
{
    struct bench bench;
    bench_make(&bench, false);
    struct document *document = open_or_fail(&bench);
    assert_ok(put(document, 0, "one"));
    document_free(document);
    FILE *const file = fopen(bench.path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 100, SEEK_SET), 0); /* the kind of the first page */
    assert_int_equal(fputc(0x6f, file), 0x6f);
    (void)fclose(file);
    struct refusal why = {};
    assert_status(document_open(&bench.options, &why, &document), ERR_STORE);
    assert_true(why.field[0] != '\0');
    bench_remove(&bench);
}

static void *interrupt_soon(void *document)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    (void)nanosleep(&pause, NULL);
    document_interrupt(document);
    return NULL;
}

static void check_waiting_ends(bool is_shared)
{
    struct bench bench;
    bench_make(&bench, is_shared);
    struct document *const document = open_or_fail(&bench);
    const int64_t start_ms = clock_monotonic_ms();
    assert_false(document_wait(document, 0, 120));
    assert_in_range(clock_monotonic_ms() - start_ms, 100, 3000);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_soon, document), 0);
    assert_false(document_wait(document, 0, 60000));
    assert_in_range(clock_monotonic_ms() - start_ms, 100, 10000);
    (void)pthread_join(thread, NULL);
    assert_false(document_wait(document, 0, 60000)); /* for good */
    document_free(document);
    bench_remove(&bench);
}

static void test_waiting_ends(void **)
{
    check_waiting_ends(false);
    check_waiting_ends(true);
}

/* ---- a shared database ---- */

static void test_of_two_writers_one_wins(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    struct document *const one = open_or_fail(&bench), *const other = open_or_fail(&bench);
    assert_ok(put(one, 0, "one"));
    assert_status(put(other, 0, "other"), ERR_CONFLICT);
    expect(other, OK, "one", 1);
    assert_ok(put(other, 1, "other"));
    assert_status(put(one, 1, "one again"), ERR_CONFLICT);
    expect(one, OK, "other", 2);
    document_free(one);
    document_free(other);
    bench_remove(&bench);
}

static void *write_soon(void *document)
{
    const struct timespec pause = {.tv_nsec = 100000000};
    (void)nanosleep(&pause, NULL);
    assert_ok(put(document, 0, "new"));
    return NULL;
}

static void test_a_change_is_told_at_once(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    struct document *const one = open_or_fail(&bench), *const other = open_or_fail(&bench);
    pthread_t thread;
    (void)document_wait(other, 0, 1); /* connects */
    const int64_t start_ms = clock_monotonic_ms();
    assert_int_equal(pthread_create(&thread, NULL, write_soon, one), 0);
    assert_true(document_wait(other, 0, 10000));
    assert_in_range(clock_monotonic_ms() - start_ms, 90, 450); /* sooner than by looking */
    (void)pthread_join(thread, NULL);
    assert_true(document_wait(other, 0, 10000));
    assert_false(document_wait(other, 1, 1));
    document_free(one);
    document_free(other);
    bench_remove(&bench);
}

static void test_a_database_that_was_set_back_is_noticed(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    struct document *const document = open_or_fail(&bench);
    char statement[160];
    assert_ok(put(document, 0, "one"));
    postgres_do(&server, "CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM lazaret_document LIMIT 0");
    (void)snprintf(statement, sizeof(statement), "INSERT INTO kept SELECT * FROM lazaret_document WHERE name = '%s'",
                   bench.options.name);
    postgres_do(&server, statement);
    assert_ok(put(document, 1, "two"));
    (void)snprintf(statement, sizeof(statement), "DELETE FROM lazaret_document WHERE name = '%s'", bench.options.name);
    postgres_do(&server, statement);
    expect(document, ERR_STORE_ROLLBACK, NULL, 0);
    postgres_do(&server, "INSERT INTO lazaret_document SELECT * FROM kept");
    expect(document, ERR_STORE_ROLLBACK, NULL, 0);
    document_free(document);
    bench_remove(&bench);
}

static void test_what_the_databases_owner_changed_does_not_open(void **)
{
    static const char *const changes[] = {"version = 9", "sealed = ''", "sealed = '\\x0102'", "version = -3"};
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct bench bench;
        bench_make(&bench, true);
        struct document *const document = open_or_fail(&bench);
        char statement[160];
        assert_ok(put(document, 0, "one"));
        (void)snprintf(statement, sizeof(statement), "UPDATE lazaret_document SET %s WHERE name = '%s'", changes[i],
                       bench.options.name);
        postgres_do(&server, statement);
        expect(document, ERR_STORE_CORRUPT, NULL, 0);
        document_free(document);
        bench_remove(&bench);
    }
}

static void test_a_table_of_another_form_is_refused(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    struct document *document = open_or_fail(&bench);
    assert_ok(put(document, 0, "one"));
    postgres_do(&server, "ALTER TABLE lazaret_document RENAME TO put_aside;"
                         "CREATE TABLE lazaret_document(name text, version text, sealed text);"
                         "INSERT INTO lazaret_document SELECT name, 'x', 'y' FROM put_aside");
    expect(document, ERR_STORE_CORRUPT, NULL, 0);
    postgres_do(&server, "DROP TABLE lazaret_document; ALTER TABLE put_aside RENAME TO lazaret_document");
    expect(document, OK, "one", 1);
    document_free(document);
    bench_remove(&bench);
}

static void test_a_database_that_goes_away_and_comes_back(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    struct document *const document = open_or_fail(&bench);
    struct document *second = NULL;
    struct refusal why = {};
    assert_ok(put(document, 0, "one"));
    postgres_kill(&server);
    expect(document, ERR_STORE, NULL, 0);
    assert_status(put(document, 1, "two"), ERR_STORE);
    assert_status(document_open(&bench.options, &why, &second), ERR_STORE);
    assert_false(document_wait(document, 0, 10));
    postgres_resume(&server);
    expect(document, OK, "one", 1);
    assert_ok(put(document, 1, "two"));
    assert_true(document_wait(document, 1, 2000));
    document_free(document);
    bench_remove(&bench);
}

static void test_a_server_that_hangs_is_given_up(void **)
{
    struct bench bench;
    bench_make(&bench, true);
    struct document *const document = open_or_fail(&bench);
    assert_ok(put(document, 0, "one"));
    postgres_do(&server, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                         " 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';"
                         "CREATE TRIGGER slow BEFORE UPDATE ON lazaret_document EXECUTE FUNCTION slow()");
    const int64_t start_ms = clock_monotonic_ms();
    assert_status(put(document, 1, "two"), ERR_STORE);
    assert_in_range(clock_monotonic_ms() - start_ms, 4000, 15000);
    postgres_do(&server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE query LIKE '%UPDATE lazaret_document%' AND pid <> pg_backend_pid()");
    postgres_do(&server, "DROP FUNCTION slow CASCADE");
    expect(document, OK, "one", 1);
    document_free(document);
    bench_remove(&bench);
}

static void test_connection_strings(void **)
{
    struct document_postgres_needs needs;
    struct refusal why = {};
    assert_ok(
        document_postgres_look("host=db.example port=6432 passfile=/etc/p sslrootcert=/etc/r dbname=x", &why, &needs));
    assert_true(needs.is_tcp);
    assert_int_equal(needs.port, 6432);
    assert_int_equal(needs.file_count, 2);
    assert_string_equal(needs.files[0], "/etc/p");
    assert_ok(document_postgres_look("postgresql://db.example/x", &why, &needs));
    assert_true(needs.is_tcp);
    assert_int_equal(needs.port, 5432);
    assert_ok(document_postgres_look("host=/run/postgresql", &why, &needs));
    assert_false(needs.is_tcp);
    static const char *const wrong[] = {
        "host='",        "no sense",          "host=a password=secret", "postgresql://user:secret@host/x",
        "host=a port=x", "host=a port=70000", "host=a port=1,2"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        why = (struct refusal){};
        assert_status(document_postgres_look(wrong[i], &why, &needs), ERR_CONFIG);
        assert_string_equal(why.field, "postgres");
        assert_null(strstr(why.seen, "secret"));
    }
}

static int start_server(void **)
{
    if (postgres_is_installed()) postgres_start(&server);
    return 0;
}

static int stop_server(void **)
{
    if (server.folder[0] != '\0') postgres_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest in_files[] = {
        cmocka_unit_test(test_versions_in_a_file),
        cmocka_unit_test(test_the_largest_document_in_a_file),
        cmocka_unit_test(test_names_have_a_maximum),
        cmocka_unit_test(test_a_file_is_opened_once),
        cmocka_unit_test(test_what_the_files_owner_changed_does_not_open),
        cmocka_unit_test(test_another_documents_row_does_not_open),
        cmocka_unit_test(test_a_row_over_the_maximum_is_not_taken),
        cmocka_unit_test(test_a_file_that_is_none_is_refused),
        cmocka_unit_test(test_a_file_whose_schema_cannot_be_read_is_told),
        cmocka_unit_test(test_connection_strings),
    };
    const struct CMUnitTest shared[] = {
        cmocka_unit_test(test_versions_in_a_shared_database),
        cmocka_unit_test(test_the_largest_document_in_a_shared_database),
        cmocka_unit_test(test_another_key_does_not_open_it),
        cmocka_unit_test(test_waiting_ends),
        cmocka_unit_test(test_of_two_writers_one_wins),
        cmocka_unit_test(test_a_change_is_told_at_once),
        cmocka_unit_test(test_a_database_that_was_set_back_is_noticed),
        cmocka_unit_test(test_what_the_databases_owner_changed_does_not_open),
        cmocka_unit_test(test_a_table_of_another_form_is_refused),
        cmocka_unit_test(test_a_database_that_goes_away_and_comes_back),
        cmocka_unit_test(test_a_server_that_hangs_is_given_up),
    };
    const int failed = cmocka_run_group_tests_name("records/document", in_files, NULL, NULL);
    if (!postgres_is_installed()) return failed;
    return failed + cmocka_run_group_tests_name("records/document_shared", shared, start_server, stop_server);
}
