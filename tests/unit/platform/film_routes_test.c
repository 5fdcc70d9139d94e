/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/film_store.h"
#include "platform/platform.h"
#include "records/resources.h"

#include "records_testing.h"

enum { NOW_S = 1700000000 };

static struct place place;
static struct platform platform;
static struct record_id patient;
static struct account desk, other_desk;
static unsigned key_number;

static void new_account(struct account *account)
{
    struct record_id id;
    assert_ok(record_id_new(&id));
    *account = (struct account){.role = ROLE_CLERK};
    memcpy(account->id, id.text, sizeof(account->id));
}

static void register_patient(void)
{
    json_t *const resource = json_pack("{s:s, s:[{s:s}], s:s}", "resourceType", "Patient", "name", "family", "Weber",
                                       "birthDate", "1970-01-01");
    assert_non_null(resource);
    struct store_transaction *transaction = NULL;
    assert_ok(record_id_new(&patient));
    assert_ok(store_begin(place.store, &transaction));
    assert_ok(resource_create(transaction, resource, &patient, NOW_S, NULL));
    assert_ok(store_commit(&transaction));
    json_decref(resource);
}

static int make(void **)
{
    place_make(&place);
    place_open(&place);
    platform = (struct platform){.store = place.store, .long_work = 1};
    new_account(&desk);
    new_account(&other_desk);
    register_patient();
    return 0;
}

static int clear(void **)
{
    place_remove(&place);
    return 0;
}

/* One request of `account`, each under a key of its own. */
static enum status ask(inner_handler *handler, const struct account *account, const char *id, const char *part,
                       struct slice body, struct refusal *why, struct inner_response *response)
{
    char key[16];
    (void)snprintf(key, sizeof(key), "key-%u", key_number++);
    const struct bhttp_request message = {.method = SLICE_LITERAL("POST"), .path = slice_of_text(id), .body = body};
    const struct inner_request request = {
        .message = &message,
        .segments = {slice_of_text(id), slice_of_text(part)},
        .account = account,
        .idempotency_key = slice_of_text(key),
        .now_s = NOW_S,
    };
    inner_response_done(response);
    *response = (struct inner_response){};
    return handler(&platform, &request, why, response);
}

static enum status create(const struct account *account, const char *of_patient, long long size, struct refusal *why,
                          char id_out[static RECORD_ID_BYTES + 1])
{
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"patient\":\"%s\",\"size\":%lld}", of_patient, size);
    struct inner_response response = {};
    const enum status status = ask(film_create, account, NULL, NULL, slice_of_text(body), why, &response);
    if (status == OK) {
        json_t *answer = NULL;
        assert_int_equal(response.status, 201);
        assert_ok(json_parse(buffer_slice(&response.body), 4096, NULL, &answer));
        (void)snprintf(id_out, RECORD_ID_BYTES + 1, "%s", json_string_value(json_object_get(answer, "film")));
        json_decref(answer);
    }
    inner_response_done(&response);
    return status;
}

static void refuses(inner_handler *handler, const struct account *account, const char *id, const char *part,
                    struct slice body, enum status expected, const char *field)
{
    struct refusal why = {};
    struct inner_response response = {};
    assert_status(ask(handler, account, id, part, body, &why, &response), expected);
    assert_string_equal(why.field, field);
    inner_response_done(&response);
}

static void accepts(inner_handler *handler, const struct account *account, const char *id, const char *part,
                    struct slice body)
{
    struct inner_response response = {};
    assert_ok(ask(handler, account, id, part, body, NULL, &response));
    inner_response_done(&response);
}

static void test_an_account_stages_so_many_films(void **)
{
    char id[RECORD_ID_BYTES + 1], last[RECORD_ID_BYTES + 1];
    struct refusal why = {};
    for (size_t i = 0; i < FILM_STAGED_MAX_COUNT; i++) assert_ok(create(&desk, patient.text, 3, &why, last));
    assert_status(create(&desk, patient.text, 3, &why, id), ERR_BUSY);
    assert_string_equal(why.field, "films");
    assert_true(why.fix[0] != '\0');
    assert_int_equal(inner_status_of(why.status), 429);
    assert_ok(create(&other_desk, patient.text, 3, &why, id));
    accepts(film_cancel, &desk, last, NULL, (struct slice){});
    assert_ok(create(&desk, patient.text, 3, &why, id));
}

static void test_bad_films(void **)
{
    char id[RECORD_ID_BYTES + 1];
    struct refusal why = {};
    assert_status(create(&desk, "../films", 3, &why, id), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "patient");
    assert_null(strstr(why.seen, "films"));
    assert_status(create(&desk, desk.id, 3, &why, id), ERR_NOT_FOUND);
    assert_status(create(&desk, patient.text, 0, &why, id), ERR_FIELD_VALUE);
    assert_status(create(&desk, patient.text, (long long)FILM_FILE_MAX_BYTES + 1, &why, id), ERR_TOO_LARGE);
}

static void test_what_is_staged_is_its_accounts_alone(void **)
{
    char id[RECORD_ID_BYTES + 1];
    struct refusal why = {};
    assert_ok(create(&desk, patient.text, 3, &why, id));
    refuses(film_show, &other_desk, id, NULL, (struct slice){}, ERR_NOT_FOUND, "film");
    refuses(film_put_part, &other_desk, id, "0", SLICE_LITERAL("abc"), ERR_NOT_FOUND, "film");
    refuses(film_cancel, &other_desk, id, NULL, (struct slice){}, ERR_NOT_FOUND, "film");
    accepts(film_show, &desk, id, NULL, (struct slice){});
}

static void test_parts_that_are_refused(void **)
{
    char id[RECORD_ID_BYTES + 1];
    struct refusal why = {};
    assert_ok(create(&desk, patient.text, 3, &why, id));
    refuses(film_put_part, &desk, id, "1", SLICE_LITERAL("abc"), ERR_FIELD_VALUE, "part");
    refuses(film_put_part, &desk, id, "-1", SLICE_LITERAL("abc"), ERR_FIELD_VALUE, "part");
    refuses(film_put_part, &desk, id, "000000", SLICE_LITERAL("abc"), ERR_FIELD_VALUE, "part");
    refuses(film_put_part, &desk, id, "0", SLICE_LITERAL("ab"), ERR_FIELD_VALUE, "body");
    refuses(film_put_part, &desk, id, "0", SLICE_LITERAL("abcd"), ERR_FIELD_VALUE, "body");
    accepts(film_put_part, &desk, id, "0", SLICE_LITERAL("abc"));
}

static void test_completions_that_are_refused(void **)
{
    static const char digest[] = "{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";
    char id[RECORD_ID_BYTES + 1];
    struct refusal why = {};
    assert_ok(create(&desk, patient.text, 3, &why, id));
    refuses(film_complete, &desk, id, NULL, SLICE_LITERAL("{}"), ERR_FIELD_MISSING, "sha256");
    refuses(film_complete, &desk, id, NULL, slice_of_text(digest), ERR_FIELD_VALUE, "film.parts");
    accepts(film_put_part, &desk, id, "0", SLICE_LITERAL("abc"));
    refuses(film_complete, &other_desk, id, NULL, slice_of_text(digest), ERR_NOT_FOUND, "film");
    refuses(film_complete, &desk, id, NULL, slice_of_text(digest), ERR_FIELD_VALUE, "sha256");
    accepts(film_show, &desk, id, NULL, (struct slice){}); /* it may be sent again */
    assert_int_equal(platform.long_work, 1);               /* each has given its place back */
}

/* While all places for long work are taken, as by a diagnosis service that hangs, more of it is not begun. */
static void test_long_work_leaves_workers_for_others(void **)
{
    static const char digest[] = "{\"sha256\":\"0000000000000000000000000000000000000000000000000000000000000000\"}";
    char id[RECORD_ID_BYTES + 1];
    struct refusal why = {};
    struct long_work work = {};
    CLEANUP(inner_response_done) struct inner_response response = {};
    assert_ok(create(&desk, patient.text, 3, &why, id));
    assert_ok(long_work_begin(&platform, &why, &response, &work));
    assert_status(ask(film_complete, &desk, id, NULL, slice_of_text(digest), &why, &response), ERR_BUSY);
    assert_int_equal(response.field_count, 1);
    assert_string_equal(response.fields[0].name, "retry-after");
    accepts(film_put_part, &desk, id, "0", SLICE_LITERAL("abc"));
    long_work_end(&work);
    refuses(film_complete, &desk, id, NULL, slice_of_text(digest), ERR_FIELD_VALUE, "sha256");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_account_stages_so_many_films, make, clear),
        cmocka_unit_test_setup_teardown(test_bad_films, make, clear),
        cmocka_unit_test_setup_teardown(test_what_is_staged_is_its_accounts_alone, make, clear),
        cmocka_unit_test_setup_teardown(test_parts_that_are_refused, make, clear),
        cmocka_unit_test_setup_teardown(test_completions_that_are_refused, make, clear),
        cmocka_unit_test_setup_teardown(test_long_work_leaves_workers_for_others, make, clear),
    };
    return cmocka_run_group_tests_name("platform/film_routes", tests, NULL, NULL);
}
