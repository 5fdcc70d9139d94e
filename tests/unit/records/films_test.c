/* SPDX-License-Identifier: Apache-2.0 */
#include "records/films.h"

#include "records_testing.h"

static struct place place;
static struct store_transaction *transaction;

enum { NOW_S = 1763719200, TAIL_BYTES = 100 };
static const struct record_id patient = {"00112233445566778899aabbccddeeff"};

static int set_up(void **)
{
    place_make(&place);
    place_open(&place);
    assert_ok(store_begin(place.store, &transaction));
    const struct store_record record = {
        .type = "Patient", .id = patient.text, .owner = "", .value = SLICE_LITERAL("{}")};
    assert_ok(store_put(transaction, &record, NULL, NULL));
    return 0;
}

static int tear_down(void **)
{
    store_rollback(&transaction);
    place_remove(&place);
    return 0;
}

static struct film_form form_of(uint64_t size)
{
    return (struct film_form){.patient = patient, .account = "1", .name = SLICE_LITERAL("chest.dcm"), .size = size};
}

static struct film begin(uint64_t size)
{
    const struct film_form form = form_of(size);
    struct film film;
    assert_ok(film_begin(transaction, &form, NOW_S, NULL, &film));
    return film;
}

static struct slice part_of(uint32_t number, size_t size)
{
    static uint8_t bytes[FILM_PART_BYTES + 1];
    memset(bytes, (int)number + 1, sizeof(bytes));
    return slice_of(bytes, size);
}

static void put_all(const struct film *film)
{
    assert_ok(film_put_part(transaction, film, 1, part_of(1, TAIL_BYTES), NULL));
    assert_ok(film_put_part(transaction, film, 0, part_of(0, FILM_PART_BYTES), NULL));
}

static void complete(struct film film)
{
    film.study = (struct record_id){"ffeeddccbbaa99887766554433221100"};
    (void)snprintf(film.format, sizeof(film.format), "dicom");
    (void)snprintf(film.modality, sizeof(film.modality), "DX");
    film.width = 2000;
    film.height = 1000;
    assert_ok(film_complete(transaction, &film));
}

static void test_a_film_grows_part_by_part_in_any_order(void **)
{
    const struct film film = begin(FILM_PART_BYTES + TAIL_BYTES);
    assert_int_equal(film.part_count, 2);
    bool received[FILM_MAX_PARTS];
    assert_ok(film_put_part(transaction, &film, 1, part_of(1, TAIL_BYTES), NULL));
    assert_ok(film_received(transaction, &film, received));
    assert_false(received[0]);
    assert_true(received[1]);
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(FILM_MAX_BYTES);
    assert_status(film_read(transaction, &film, &content), ERR_TRUNCATED);
    put_all(&film);
    buffer_clear(&content);
    assert_ok(film_read(transaction, &film, &content));
    assert_int_equal(content.size, FILM_PART_BYTES + TAIL_BYTES);
    assert_int_equal(content.bytes[0], 1);
    assert_int_equal(content.bytes[FILM_PART_BYTES], 2);
}

static void test_facts_come_back(void **)
{
    const struct film staged = begin(FILM_PART_BYTES + TAIL_BYTES);
    struct film film;
    assert_ok(film_get(transaction, &staged.id, NOW_S, &film));
    assert_memory_equal(&film, &staged, sizeof(film));
    assert_string_equal(film.name, "chest.dcm");
    assert_string_equal(film.account, "1");
    put_all(&film);
    complete(film);
    assert_ok(film_get(transaction, &staged.id, NOW_S + 10 * FILM_STAGING_S, &film));
    assert_true(film.is_complete);
    assert_string_equal(film.format, "dicom");
    assert_int_equal(film.width, 2000);
    struct film again;
    assert_ok(film_of_study(transaction, &film.study, &again));
    assert_string_equal(again.id.text, staged.id.text);
    assert_status(film_of_study(transaction, &patient, &again), ERR_NOT_FOUND);
}

static void test_a_complete_film_stays_as_it_is(void **)
{
    const struct film staged = begin(FILM_PART_BYTES + TAIL_BYTES);
    put_all(&staged);
    complete(staged);
    struct film film;
    assert_ok(film_get(transaction, &staged.id, NOW_S, &film));
    assert_status(film_put_part(transaction, &film, 0, part_of(0, FILM_PART_BYTES), NULL), ERR_CONFLICT);
    assert_status(film_forget(transaction, &film), ERR_CONFLICT);
    assert_status(film_complete(transaction, &film), ERR_CONFLICT);
    /* Somebody who still has the staged film in hand is told as well. */
    assert_status(film_complete(transaction, &staged), ERR_CONFLICT);
}

static void assert_form_refused(struct film_form form, enum status expected, const char *field)
{
    struct film film;
    struct refusal why = {};
    assert_status(film_begin(transaction, &form, NOW_S, &why, &film), expected);
    assert_string_equal(why.field, field);
}

static void test_bad_forms_are_refused(void **)
{
    assert_form_refused(form_of(0), ERR_FIELD_VALUE, "size");
    assert_form_refused(form_of(FILM_MAX_BYTES + 1), ERR_FIELD_VALUE, "size");
    struct film_form form = form_of(1);
    form.name = SLICE_LITERAL("a\nb");
    assert_form_refused(form, ERR_FIELD_VALUE, "name");
    form = form_of(1);
    form.patient.text[0] = 'f';
    assert_form_refused(form, ERR_NOT_FOUND, "");
}

static void test_parts_have_their_size(void **)
{
    const struct film film = begin(FILM_PART_BYTES + TAIL_BYTES);
    struct refusal why = {};
    assert_status(film_put_part(transaction, &film, 0, part_of(0, FILM_PART_BYTES - 1), &why), ERR_FIELD_VALUE);
    assert_string_equal(why.expected, "1048576 bytes");
    assert_status(film_put_part(transaction, &film, 0, part_of(0, FILM_PART_BYTES + 1), NULL), ERR_FIELD_VALUE);
    assert_status(film_put_part(transaction, &film, 1, part_of(1, TAIL_BYTES + 1), NULL), ERR_FIELD_VALUE);
    assert_status(film_put_part(transaction, &film, 2, part_of(1, 0), NULL), ERR_NOT_FOUND);
    assert_status(film_put_part(transaction, &film, UINT32_MAX, part_of(1, 0), NULL), ERR_NOT_FOUND);
}

static void test_unfinished_uploads_are_bounded(void **)
{
    for (int i = 0; i < FILM_STAGED_MAX_COUNT; i++) (void)begin(1);
    assert_form_refused(form_of(1), ERR_BUSY, "films");
    struct film_form other = form_of(1);
    other.account = "2";
    struct film film;
    assert_ok(film_begin(transaction, &other, NOW_S, NULL, &film));
}

static void test_forgetting_a_staged_film(void **)
{
    const struct film film = begin(FILM_PART_BYTES + TAIL_BYTES);
    put_all(&film);
    assert_ok(film_forget(transaction, &film));
    struct film gone;
    assert_status(film_get(transaction, &film.id, NOW_S, &gone), ERR_NOT_FOUND);
    bool received[FILM_MAX_PARTS];
    assert_ok(film_received(transaction, &film, received));
    assert_false(received[0] || received[1]);
}

static void test_staged_films_time_out(void **)
{
    const struct film film = begin(FILM_PART_BYTES + TAIL_BYTES), finished = begin(FILM_PART_BYTES + TAIL_BYTES);
    put_all(&film);
    put_all(&finished);
    complete(finished);
    struct film found;
    const int64_t later_s = NOW_S + FILM_STAGING_S + STORE_EXPIRY_ROUNDING_S;
    assert_status(film_get(transaction, &film.id, later_s, &found), ERR_NOT_FOUND);
    size_t count;
    assert_ok(store_sweep(transaction, later_s, 10, &count));
    assert_int_equal(count, 1);
    bool received[FILM_MAX_PARTS];
    assert_ok(film_received(transaction, &film, received));
    assert_false(received[0]);
    assert_ok(film_received(transaction, &finished, received));
    assert_true(received[0]);
}

static void test_pictures_are_kept_by_side(void **)
{
    const struct film film = begin(1);
    CLEANUP(buffer_done) struct buffer png = buffer_of_maximum(100);
    assert_status(film_image(transaction, &film, 256, &png), ERR_NOT_FOUND);
    assert_ok(film_keep_image(transaction, &film, 256, SLICE_LITERAL("PNG")));
    assert_ok(film_image(transaction, &film, 256, &png));
    assert_slice_equal(buffer_slice(&png), SLICE_LITERAL("PNG"));
    assert_status(film_image(transaction, &film, 512, &png), ERR_NOT_FOUND);
}

#define FILM_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILM_TEST(test_a_film_grows_part_by_part_in_any_order),
        FILM_TEST(test_facts_come_back),
        FILM_TEST(test_a_complete_film_stays_as_it_is),
        FILM_TEST(test_bad_forms_are_refused),
        FILM_TEST(test_parts_have_their_size),
        FILM_TEST(test_unfinished_uploads_are_bounded),
        FILM_TEST(test_forgetting_a_staged_film),
        FILM_TEST(test_staged_films_time_out),
        FILM_TEST(test_pictures_are_kept_by_side),
    };
    return cmocka_run_group_tests_name("records/films", tests, NULL, NULL);
}
