/* SPDX-License-Identifier: Apache-2.0 */
#include "records/resources.h"

#include "fhir_testing.h"
#include "records_testing.h"

static struct place place;
static struct store_transaction *transaction;

static int set_up(void **)
{
    place_make(&place);
    place_open(&place);
    assert_ok(store_begin(place.store, &transaction));
    return 0;
}

static int tear_down(void **)
{
    store_rollback(&transaction);
    place_remove(&place);
    return 0;
}

static struct record_id id_of(char digit)
{
    struct record_id id = {};
    memset(id.text, digit, RECORD_ID_BYTES);
    return id;
}

static enum status create(const char *text, struct record_id id, struct refusal *why)
{
    CLEANUP(json_done) json_t *resource = json_of(text);
    return resource_create(transaction, resource, &id, TEST_NOW_S, why);
}

static struct record_id the_patient(void)
{
    struct record_id id;
    assert_ok(record_id_from(SLICE_LITERAL(PATIENT_ID), &id));
    assert_ok(create(PATIENT_FULL, id, NULL));
    return id;
}

static void test_what_is_created_is_read(void **)
{
    const struct record_id id = the_patient();
    CLEANUP(json_done) json_t *resource = NULL;
    uint64_t version;
    assert_ok(resource_get(transaction, FHIR_PATIENT, &id, &resource, &version));
    assert_int_equal(version, 1);
    CLEANUP(json_done) json_t *expected = json_of(PATIENT_FULL);
    assert_ok(fhir_stamp(expected, PATIENT_ID, 1, TEST_NOW_S));
    assert_true(json_equal(resource, expected));
    assert_status(resource_get(transaction, FHIR_CONDITION, &id, &resource, NULL), ERR_NOT_FOUND);
    assert_status(create(PATIENT_FULL, id, NULL), ERR_CONFLICT);
}

static void test_a_resource_belongs_to_a_known_patient(void **)
{
    struct refusal why = {};
    assert_status(create(CONDITION, id_of('1'), &why), ERR_FHIR);
    assert_string_equal(why.field, "Condition.subject.reference");
    assert_status(create(COVERAGE, id_of('1'), &why), ERR_FHIR);
    assert_string_equal(why.field, "Coverage.beneficiary.reference");
    (void)the_patient();
    assert_ok(create(CONDITION, id_of('1'), NULL));
}

static enum status update(const char *text, struct record_id id, uint64_t version, struct refusal *why)
{
    CLEANUP(json_done) json_t *resource = json_of(text);
    uint64_t next = 0;
    TRY(resource_update(transaction, resource, &id, version, TEST_NOW_S + 60, why, &next));
    assert_int_equal(next, version + 1);
    return OK;
}

static void test_updates_need_the_present_version(void **)
{
    const struct record_id id = the_patient();
    const char *const text = "{'resourceType':'Patient','name':[{'family':'Okapi'}]}";
    assert_status(update(text, id, 2, NULL), ERR_CONFLICT);
    assert_status(update(text, id_of('9'), 1, NULL), ERR_NOT_FOUND);
    assert_ok(update(text, id, 1, NULL));
    assert_status(update(text, id, 1, NULL), ERR_CONFLICT);
    CLEANUP(json_done) json_t *resource = NULL;
    uint64_t version;
    assert_ok(resource_get(transaction, FHIR_PATIENT, &id, &resource, &version));
    assert_int_equal(version, 2);
    assert_json(json_object_get(resource, "meta"), "{'lastUpdated':'2025-11-21T10:01:00Z','versionId':'2'}");
}

static void test_an_update_keeps_id_and_patient(void **)
{
    (void)the_patient();
    assert_ok(create(PATIENT_FULL, id_of('7'), NULL));
    assert_ok(create(CONDITION, id_of('1'), NULL));
    struct refusal why = {};
    assert_status(update("{'resourceType':'Condition','id':'x','subject':{'reference':'Patient/" PATIENT_ID "'}}",
                         id_of('1'), 1, &why),
                  ERR_FHIR);
    assert_string_equal(why.field, "id");
    assert_status(
        update("{'resourceType':'Condition','subject':{'reference':'Patient/77777777777777777777777777777777'}}",
               id_of('1'), 1, &why),
        ERR_FHIR);
    assert_string_equal(why.field, "Condition.subject.reference");
}

static void test_a_transaction_is_written_patients_first(void **)
{
    CLEANUP(buffer_done)
    struct buffer text =
        quoted("{'resourceType':'Bundle','type':'transaction','entry':["
               "{'resource':{'resourceType':'Condition','subject':"
               "{'reference':'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'}},"
               "'request':{'method':'POST','url':'Condition'}},"
               "{'fullUrl':'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0','resource':"
               "{'resourceType':'Patient','name':[{'family':'Z'}]},'request':{'method':'POST','url':'Patient'}}]}");
    CLEANUP(fhir_transaction_done) struct fhir_transaction entries = {};
    assert_ok(fhir_transaction_read(buffer_slice(&text), TEST_NOW_S, NULL, &entries));
    assert_ok(resource_apply(transaction, &entries, TEST_NOW_S, NULL));
    CLEANUP(json_done) json_t *all = NULL;
    assert_ok(fhir_searchset_new(&all));
    assert_ok(resource_everything(transaction, &entries.entries[1].id, all));
    assert_int_equal(fhir_searchset_count(all), 2);
}

static void test_a_transaction_for_an_unknown_patient_is_refused(void **)
{
    CLEANUP(buffer_done)
    struct buffer text = quoted("{'resourceType':'Bundle','type':'transaction','entry':["
                                "{'resource':" CONDITION ",'request':{'method':'POST','url':'Condition'}}]}");
    CLEANUP(fhir_transaction_done) struct fhir_transaction entries = {};
    assert_ok(fhir_transaction_read(buffer_slice(&text), TEST_NOW_S, NULL, &entries));
    assert_status(resource_apply(transaction, &entries, TEST_NOW_S, NULL), ERR_FHIR);
}

/* The ids of a searchset by their first digit, in order. */
static void assert_ids(const json_t *searchset, const char *expected)
{
    char seen[256] = "";
    size_t index;
    json_t *entry;
    json_array_foreach (json_object_get(searchset, "entry"), index, entry)
        seen[index] = json_string_value(json_object_get(json_object_get(entry, "resource"), "id"))[0];
    assert_string_equal(seen, expected);
}

static void test_listings_are_the_patients(void **)
{
    const struct record_id patient = the_patient();
    assert_ok(create(CONDITION, id_of('1'), NULL));
    assert_ok(create(ALLERGY, id_of('2'), NULL));
    assert_ok(create(CONDITION, id_of('3'), NULL));
    const struct store_record film = {
        .type = "film", .id = "f", .owner = patient.text, .value = SLICE_LITERAL("not a resource")};
    assert_ok(store_put(transaction, &film, NULL, NULL));
    CLEANUP(json_done) json_t *conditions = NULL, *all = NULL, *every = NULL;
    assert_ok(fhir_searchset_new(&conditions));
    assert_ok(resource_list(transaction, FHIR_CONDITION, &patient, conditions));
    assert_ids(conditions, "31");
    assert_ok(fhir_searchset_new(&all));
    assert_ok(resource_everything(transaction, &patient, all));
    assert_ids(all, "0321");
    assert_ok(fhir_searchset_new(&every));
    assert_ok(resource_list_all(transaction, FHIR_CONDITION, 1, every));
    assert_ids(every, "3");
    const struct record_id nobody = id_of('9');
    assert_status(resource_everything(transaction, &nobody, all), ERR_NOT_FOUND);
}

static void assert_search(const char *name, const char *birth_date, const char *identifier, const char *expected)
{
    const struct patient_query query = {
        .name = slice_of_text(name), .birth_date = slice_of_text(birth_date), .identifier = slice_of_text(identifier)};
    CLEANUP(json_done) json_t *searchset = NULL;
    assert_ok(fhir_searchset_new(&searchset));
    assert_ok(patient_search(transaction, &query, NULL, searchset));
    assert_ids(searchset, expected);
}

#define NAMED(family, given, more)                                                                                     \
    "{'resourceType':'Patient','name':[{'family':'" family "','given':['" given "']}]" more "}"

static void three_patients(void)
{
    assert_ok(create(
        NAMED("Müller", "Jean-Luc", ",'birthDate':'1980-02-29','identifier':[{'system':'urn:id','value':'A1-23'}]"),
        id_of('1'), NULL));
    assert_ok(create(NAMED("Schwarzenberger", "Ida", ",'birthDate':'1980-02-29'"), id_of('2'), NULL));
    assert_ok(create(NAMED("Schwarzenegger", "Otto M", ",'identifier':[{'value':'a 123'}]"), id_of('3'), NULL));
}

static void test_patients_are_found_by_the_beginning_of_a_name(void **)
{
    three_patients();
    assert_search("mul", NULL, NULL, "1");
    assert_search("MÜLLER", NULL, NULL, "1");
    assert_search("luc mu", NULL, NULL, "1");
    assert_search("Schwarze", NULL, NULL, "32");
    assert_search("schwarzenb", NULL, NULL, "2");
    assert_search("Schwarzenegger Otto", NULL, NULL, "3");
    assert_search("otto m schwarz", NULL, NULL, "3");
    assert_search("ida m", NULL, NULL, "");
    assert_search("m", NULL, NULL, "3"); /* one letter alone finds words of one letter */
    assert_search("uller", NULL, NULL, "");
}

static void test_patients_are_found_by_birth_date_and_identifier(void **)
{
    three_patients();
    assert_search(NULL, "1980-02-29", NULL, "21");
    assert_search("schw", "1980-02-29", NULL, "2");
    assert_search(NULL, "1980", NULL, "");
    assert_search(NULL, NULL, "A123", "31");
    assert_search(NULL, NULL, "urn:id|a-1.2/3", "1");
    assert_search(NULL, NULL, "urn:other|A123", "");
    assert_search("jean", "1980-02-29", "A123", "1");
    assert_search(NULL, NULL, NULL, "321");
}

static void test_bad_questions_are_refused_by_name(void **)
{
    CLEANUP(json_done) json_t *searchset = NULL;
    assert_ok(fhir_searchset_new(&searchset));
    const struct {
        struct patient_query query;
        const char *field;
    } cases[] = {
        {{.name = SLICE_LITERAL("--")}, "name"},
        {{.name = SLICE_LITERAL("\xff")}, "name"},
        {{.birth_date = SLICE_LITERAL("29.2.1980")}, "birthdate"},
        {{.identifier = SLICE_LITERAL("urn:id|")}, "identifier"},
        {{.identifier = SLICE_LITERAL("-")}, "identifier"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why = {};
        assert_status(patient_search(transaction, &cases[i].query, &why, searchset), ERR_FIELD_VALUE);
        assert_string_equal(why.field, cases[i].field);
    }
}

static void test_an_updated_patient_is_found_anew(void **)
{
    three_patients();
    assert_ok(update(NAMED("Okapi", "Jean", ""), id_of('1'), 1, NULL));
    assert_search("mul", NULL, NULL, "");
    assert_search("oka", NULL, NULL, "1");
}

static void test_at_most_a_hundred_are_given(void **)
{
    for (int i = 0; i < PATIENT_SEARCH_MAX_COUNT + 5; i++) {
        struct record_id id;
        assert_ok(record_id_new(&id));
        assert_ok(create(NAMED("Zebra", "Ida", ""), id, NULL));
    }
    const struct patient_query query = {.name = SLICE_LITERAL("zebra")};
    CLEANUP(json_done) json_t *searchset = NULL;
    assert_ok(fhir_searchset_new(&searchset));
    assert_ok(patient_search(transaction, &query, NULL, searchset));
    assert_int_equal(fhir_searchset_count(searchset), PATIENT_SEARCH_MAX_COUNT);
}

/* Nothing that was written here may stand in clear in the file. */
static void test_the_disk_sees_no_patient(void **)
{
    three_patients();
    assert_ok(store_commit(&transaction));
    place_close(&place);
    CLEANUP(buffer_done) struct buffer file = read_whole(place.store_path);
    const char *const words[] = {"Schwarze", "schwarze", "1980-02-29", "A1-23", "A123", "Otto"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_null(memmem(file.bytes, file.size, words[i], strlen(words[i])));
}

#define RESOURCE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESOURCE_TEST(test_what_is_created_is_read),
        RESOURCE_TEST(test_a_resource_belongs_to_a_known_patient),
        RESOURCE_TEST(test_updates_need_the_present_version),
        RESOURCE_TEST(test_an_update_keeps_id_and_patient),
        RESOURCE_TEST(test_a_transaction_is_written_patients_first),
        RESOURCE_TEST(test_a_transaction_for_an_unknown_patient_is_refused),
        RESOURCE_TEST(test_listings_are_the_patients),
        RESOURCE_TEST(test_patients_are_found_by_the_beginning_of_a_name),
        RESOURCE_TEST(test_patients_are_found_by_birth_date_and_identifier),
        RESOURCE_TEST(test_bad_questions_are_refused_by_name),
        RESOURCE_TEST(test_an_updated_patient_is_found_anew),
        RESOURCE_TEST(test_at_most_a_hundred_are_given),
        RESOURCE_TEST(test_the_disk_sees_no_patient),
    };
    return cmocka_run_group_tests_name("records/resources", tests, NULL, NULL);
}
