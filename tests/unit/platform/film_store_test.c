/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/film_store.h"

#include "records_testing.h"

enum { NOW_S = 1700000000 };

static struct place place;

static int make(void **)
{
    place_make(&place);
    place_open(&place);
    return 0;
}

static int clear(void **)
{
    place_remove(&place);
    return 0;
}

static struct film_record new_film(const struct record_id *account, int64_t size)
{
    struct film_record film = {.account = *account, .size = size, .created_s = NOW_S};
    assert_ok(record_id_new(&film.id));
    assert_ok(record_id_new(&film.patient));
    return film;
}

static struct record_id new_account(void)
{
    struct record_id account;
    assert_ok(record_id_new(&account));
    return account;
}

static struct store_transaction *begin(void)
{
    struct store_transaction *transaction = NULL;
    assert_ok(store_begin(place.store, &transaction));
    return transaction;
}

static uint64_t version_of(struct store_transaction *transaction, const struct film_record *film)
{
    struct film_record found;
    uint64_t version = 0;
    assert_ok(film_get(transaction, slice_of_text(film->id.text), &found, &version));
    return version;
}

static void test_part_sizes(void **)
{
    const struct record_id account = {};
    struct film_record film = {.account = account, .size = 1};
    assert_int_equal(film_part_count(&film), 1);
    assert_int_equal(film_part_size(&film, 0), 1);
    assert_int_equal(film_part_size(&film, 1), 0);
    film.size = FILM_PART_BYTES;
    assert_int_equal(film_part_count(&film), 1);
    assert_int_equal(film_part_size(&film, 0), FILM_PART_BYTES);
    film.size = FILM_PART_BYTES + 1;
    assert_int_equal(film_part_count(&film), 2);
    assert_int_equal(film_part_size(&film, 0), FILM_PART_BYTES);
    assert_int_equal(film_part_size(&film, 1), 1);
    film.size = FILM_FILE_MAX_BYTES;
    assert_int_equal(film_part_count(&film), FILM_PART_MAX_COUNT);
    assert_int_equal(film_part_size(&film, FILM_PART_MAX_COUNT), 0);
}

static void test_keeps_what_it_is_given(void **)
{
    const struct record_id account = new_account();
    struct film_record film = new_film(&account, 7), found;
    film.is_complete = true;
    film.width = 640;
    film.height = 480;
    (void)snprintf(film.format, sizeof(film.format), "png");
    (void)snprintf(film.unsuitable, sizeof(film.unsuitable), "view: lateral");
    (void)snprintf(film.facts.modality, sizeof(film.facts.modality), "DX");
    film.facts.bits_stored = 12;
    struct store_transaction *transaction = begin();
    assert_ok(film_put(transaction, &film, 0));
    uint64_t version;
    assert_ok(film_get(transaction, slice_of_text(film.id.text), &found, &version));
    assert_int_equal(version, 1);
    assert_string_equal(found.patient.text, film.patient.text);
    assert_string_equal(found.account.text, account.text);
    assert_true(found.is_complete);
    assert_int_equal(found.width, 640);
    assert_int_equal(found.height, 480);
    assert_string_equal(found.format, "png");
    assert_string_equal(found.unsuitable, "view: lateral");
    assert_string_equal(found.facts.modality, "DX");
    assert_int_equal(found.facts.bits_stored, 12);
    store_rollback(&transaction);
}

static void test_unknown_ids(void **)
{
    struct film_record found;
    struct store_transaction *transaction = begin();
    assert_status(film_get(transaction, slice_of_text(new_account().text), &found, NULL), ERR_NOT_FOUND);
    assert_true(film_get(transaction, SLICE_LITERAL("../records"), &found, NULL) != OK);
    assert_true(film_get(transaction, (struct slice){}, &found, NULL) != OK);
    store_rollback(&transaction);
}

/* Arrays of parts are as long as the largest film has, so a size of another kind must not come out of the store. */
static void test_sizes_that_no_film_has(void **)
{
    static const char *const values[] = {"{\"size\":0}", "{\"size\":-1}", "{\"size\":67108865}", "{}", "[]"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const struct record_id id = new_account();
        const struct store_record record = {
            .type = FILM_TYPE, .id = id.text, .owner = id.text, .value = slice_of_text(values[i])};
        struct film_record found;
        struct store_transaction *transaction = begin();
        assert_ok(store_put(transaction, &record, NULL, NULL));
        assert_status(film_get(transaction, slice_of_text(id.text), &found, NULL), ERR_STORE_CORRUPT);
        store_rollback(&transaction);
    }
}

static void put_part(struct store_transaction *transaction, const struct film_record *film, size_t part, uint8_t fill)
{
    const size_t size = film_part_size(film, part);
    uint8_t *const bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, fill, size);
    assert_ok(film_part_put(transaction, film, version_of(transaction, film), part, slice_of(bytes, size)));
    free(bytes);
}

static void test_parts_make_the_file(void **)
{
    const struct record_id account = new_account();
    const struct film_record film = new_film(&account, FILM_PART_BYTES + 3);
    struct store_transaction *transaction = begin();
    assert_ok(film_put(transaction, &film, 0));
    struct buffer file = buffer_of_maximum(FILM_FILE_MAX_BYTES);
    assert_status(film_file(transaction, &film, &file), ERR_TRUNCATED);
    put_part(transaction, &film, 1, 'b');
    bool present[FILM_PART_MAX_COUNT];
    assert_ok(film_parts_present(transaction, &film, present));
    assert_false(present[0]);
    assert_true(present[1]);
    buffer_clear(&file);
    assert_status(film_file(transaction, &film, &file), ERR_TRUNCATED);
    put_part(transaction, &film, 0, 'x');
    put_part(transaction, &film, 0, 'a'); /* sent again: the last one counts */
    buffer_clear(&file);
    assert_ok(film_file(transaction, &film, &file));
    assert_int_equal(file.size, FILM_PART_BYTES + 3);
    assert_int_equal(file.bytes[0], 'a');
    assert_int_equal(file.bytes[FILM_PART_BYTES], 'b');
    buffer_done(&file);
    store_rollback(&transaction);
}

static void test_a_part_of_another_size(void **)
{
    const struct record_id account = new_account();
    const struct film_record film = new_film(&account, 10);
    struct store_transaction *transaction = begin();
    assert_ok(film_put(transaction, &film, 0));
    assert_ok(film_part_put(transaction, &film, 1, 0, SLICE_LITERAL("short")));
    struct buffer file = buffer_of_maximum(FILM_FILE_MAX_BYTES);
    assert_status(film_file(transaction, &film, &file), ERR_STORE_CORRUPT);
    buffer_done(&file);
    store_rollback(&transaction);
}

/* Completing reads the parts, works without a transaction, and then must find the film as it was. */
static void test_a_part_changes_the_films_version(void **)
{
    const struct record_id account = new_account();
    struct film_record film = new_film(&account, 3);
    struct store_transaction *transaction = begin();
    assert_ok(film_put(transaction, &film, 0));
    assert_ok(film_part_put(transaction, &film, 1, 0, SLICE_LITERAL("abc")));
    const uint64_t read_at = version_of(transaction, &film);
    assert_int_equal(read_at, 2);
    assert_ok(film_part_put(transaction, &film, read_at, 0, SLICE_LITERAL("xyz")));
    assert_status(film_part_put(transaction, &film, read_at, 0, SLICE_LITERAL("uvw")), ERR_CONFLICT);
    film.is_complete = true;
    assert_status(film_put(transaction, &film, read_at), ERR_CONFLICT);
    store_rollback(&transaction);
}

static void test_forgets_all_of_it(void **)
{
    const struct record_id account = new_account();
    const struct film_record film = new_film(&account, 3);
    struct store_transaction *transaction = begin();
    assert_ok(film_put(transaction, &film, 0));
    put_part(transaction, &film, 0, 'a');
    assert_ok(film_value_put(transaction, &film, FILM_SCREEN_TYPE, SLICE_LITERAL("screen")));
    assert_ok(film_forget(transaction, &film));
    struct film_record found;
    assert_status(film_get(transaction, slice_of_text(film.id.text), &found, NULL), ERR_NOT_FOUND);
    bool present[FILM_PART_MAX_COUNT];
    assert_ok(film_parts_present(transaction, &film, present));
    assert_false(present[0]);
    struct buffer value = buffer_of_maximum(64);
    assert_status(film_value_get(transaction, &film, FILM_SCREEN_TYPE, &value), ERR_NOT_FOUND);
    buffer_done(&value);
    store_rollback(&transaction);
}

static void test_forgets_only_what_was_refused(void **)
{
    const struct record_id account = new_account();
    struct film_record film = new_film(&account, 3);
    struct store_transaction *transaction = begin();
    assert_ok(film_put(transaction, &film, 0));
    put_part(transaction, &film, 0, 'a');
    assert_status(film_forget_staged(transaction, &film, 1), ERR_CONFLICT);
    film.is_complete = true;
    assert_ok(film_put(transaction, &film, 2));
    assert_status(film_forget_staged(transaction, &film, 3), ERR_CONFLICT);
    struct buffer file = buffer_of_maximum(16);
    assert_ok(film_file(transaction, &film, &file));
    buffer_done(&file);
    film.is_complete = false;
    assert_ok(film_put(transaction, &film, 3));
    assert_ok(film_forget_staged(transaction, &film, 4));
    assert_status(film_forget_staged(transaction, &film, 4), ERR_NOT_FOUND);
    store_rollback(&transaction);
}

static size_t staged(struct store_transaction *transaction, const struct record_id *account, int64_t now_s)
{
    size_t count = 99;
    assert_ok(film_count_staged(transaction, account, now_s, &count));
    return count;
}

static void test_counts_what_an_account_has_staged(void **)
{
    const struct record_id account = new_account(), other = new_account();
    struct film_record films[] = {new_film(&account, 3), new_film(&account, 3), new_film(&other, 3)};
    struct store_transaction *transaction = begin();
    assert_int_equal(staged(transaction, &account, NOW_S), 0);
    for (size_t i = 0; i < sizeof(films) / sizeof(films[0]); i++) assert_ok(film_put(transaction, &films[i], 0));
    assert_int_equal(staged(transaction, &account, NOW_S), 2);
    assert_int_equal(staged(transaction, &other, NOW_S), 1);
    put_part(transaction, &films[0], 0, 'a');
    assert_int_equal(staged(transaction, &account, NOW_S), 2);
    films[0].is_complete = true;
    assert_ok(film_put(transaction, &films[0], STORE_ANY_VERSION));
    assert_int_equal(staged(transaction, &account, NOW_S), 1);
    assert_int_equal(staged(transaction, &account, NOW_S + FILM_STAGING_LIFE_S - 1), 1);
    assert_int_equal(staged(transaction, &account, NOW_S + FILM_STAGING_LIFE_S), 0);
    assert_ok(film_forget(transaction, &films[1]));
    assert_int_equal(staged(transaction, &account, NOW_S), 0);
    store_rollback(&transaction);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_part_sizes),
        cmocka_unit_test_setup_teardown(test_keeps_what_it_is_given, make, clear),
        cmocka_unit_test_setup_teardown(test_unknown_ids, make, clear),
        cmocka_unit_test_setup_teardown(test_sizes_that_no_film_has, make, clear),
        cmocka_unit_test_setup_teardown(test_parts_make_the_file, make, clear),
        cmocka_unit_test_setup_teardown(test_a_part_of_another_size, make, clear),
        cmocka_unit_test_setup_teardown(test_a_part_changes_the_films_version, make, clear),
        cmocka_unit_test_setup_teardown(test_forgets_all_of_it, make, clear),
        cmocka_unit_test_setup_teardown(test_forgets_only_what_was_refused, make, clear),
        cmocka_unit_test_setup_teardown(test_counts_what_an_account_has_staged, make, clear),
    };
    return cmocka_run_group_tests_name("platform/film_store", tests, NULL, NULL);
}
