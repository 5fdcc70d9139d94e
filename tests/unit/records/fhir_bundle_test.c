/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir_bundle.h"

#include "fhir_testing.h"

#define URN "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
#define OTHER_URN "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e1"
#define ENTRY(url, resource, request) "{'fullUrl':'" url "','resource':" resource ",'request':" request "}"
#define POST_TO(type) "{'method':'POST','url':'" type "'}"
#define BUNDLE(entries) "{'resourceType':'Bundle','type':'transaction','entry':[" entries "]}"
#define SMALL_PATIENT "{'resourceType':'Patient','name':[{'family':'Zebra'}]}"
#define CONDITION_OF(reference)                                                                                        \
    "{'resourceType':'Condition','subject':{'reference':'" reference "'},'code':{'text':'Cough'}}"

static enum status read_bundle(const char *text, struct refusal *why, struct fhir_transaction *transaction_out)
{
    CLEANUP(buffer_done) struct buffer json = quoted(text);
    return fhir_transaction_read(buffer_slice(&json), TEST_NOW_S, why, transaction_out);
}

static void assert_refused_at(const char *text, const char *field, const char *file, int line)
{
    struct fhir_transaction transaction = {};
    struct refusal why = {};
    assert_status_at(read_bundle(text, &why, &transaction), ERR_FHIR, file, line);
    if (strcmp(why.field, field) != 0) {
        print_error("%s:%d: refused %s, expected %s (%s)\n", file, line, why.field, field, why.expected);
        _fail(file, line);
    }
    assert_null(strstr(why.seen, "Canary"));
}
#define assert_refused(text, field) assert_refused_at((text), (field), __FILE__, __LINE__)

static void test_references_between_entries_become_ids(void **)
{
    CLEANUP(fhir_transaction_done) struct fhir_transaction transaction = {};
    struct refusal why = {};
    /* The condition stands before the patient that it names. */
    assert_ok(read_bundle(BUNDLE(ENTRY(OTHER_URN, CONDITION_OF(URN),
                                       POST_TO("Condition")) "," ENTRY(URN, SMALL_PATIENT, POST_TO("Patient"))),
                          &why, &transaction));
    assert_int_equal(transaction.count, 2);
    assert_int_equal(transaction.entries[0].type, FHIR_CONDITION);
    assert_int_equal(transaction.entries[1].type, FHIR_PATIENT);
    struct record_id patient;
    assert_ok(fhir_patient_of(transaction.entries[0].resource, &patient));
    assert_string_equal(patient.text, transaction.entries[1].id.text);
    assert_string_not_equal(transaction.entries[0].id.text, transaction.entries[1].id.text);
}

static void test_entries_without_a_name_and_references_to_what_is_there(void **)
{
    CLEANUP(fhir_transaction_done) struct fhir_transaction transaction = {};
    assert_ok(
        read_bundle(BUNDLE("{'resource':" CONDITION_OF("Patient/" PATIENT_ID) ",'request':" POST_TO("Condition") "}"),
                    NULL, &transaction));
    assert_int_equal(transaction.count, 1);
}

static void test_the_envelope(void **)
{
    assert_refused("{'resourceType':'Patient'}", "resourceType");
    assert_refused("{'resourceType':'Bundle','entry':[]}", "Bundle.type");
    assert_refused("{'resourceType':'Bundle','type':'batch','entry':[]}", "Bundle.type");
    assert_refused("{'resourceType':'Bundle','type':'transaction'}", "Bundle.entry");
    assert_refused("{'resourceType':'Bundle','type':'transaction','entry':[]}", "Bundle.entry");
    assert_refused("{'resourceType':'Bundle','type':'transaction','total':1,'entry':[{}]}", "Bundle.total");
    assert_refused(BUNDLE("{'resource':" SMALL_PATIENT "}"), "Bundle.entry[0].request");
    assert_refused(BUNDLE("{'request':" POST_TO("Patient") "}"), "Bundle.entry[0].resource");
    assert_refused(BUNDLE("1"), "Bundle.entry[0]");
}

static void test_only_posts_to_the_resources_type(void **)
{
    assert_refused(BUNDLE(ENTRY(URN, SMALL_PATIENT, "{'method':'PUT','url':'Patient'}")),
                   "Bundle.entry[0].request.method");
    assert_refused(BUNDLE(ENTRY(URN, SMALL_PATIENT, POST_TO("Condition"))), "Bundle.entry[0].request.url");
    assert_refused(BUNDLE(ENTRY(URN, SMALL_PATIENT, "{'method':'POST','url':'Patient','ifNoneExist':'name=x'}")),
                   "Bundle.entry[0].request.ifNoneExist");
}

static void test_only_types_that_clients_write(void **)
{
    assert_refused(BUNDLE(ENTRY(URN, "{'resourceType':'Observation'}", POST_TO("Observation"))),
                   "Bundle.entry[0].resource");
    assert_refused(BUNDLE(ENTRY(URN, "{'resourceType':'Canary'}", POST_TO("Canary"))),
                   "Bundle.entry[0].resource.resourceType");
    assert_refused(BUNDLE(ENTRY(URN, ORDER, POST_TO("ServiceRequest"))), "Bundle.entry[0].resource");
}

static void test_names_of_entries(void **)
{
    assert_refused(BUNDLE(ENTRY("urn:uuid:1", SMALL_PATIENT, POST_TO("Patient"))), "Bundle.entry[0].fullUrl");
    assert_refused(BUNDLE(ENTRY("https://x/Patient/1", SMALL_PATIENT, POST_TO("Patient"))), "Bundle.entry[0].fullUrl");
    assert_refused(
        BUNDLE(ENTRY(URN, SMALL_PATIENT, POST_TO("Patient")) "," ENTRY(URN, SMALL_PATIENT, POST_TO("Patient"))),
        "Bundle.entry[1].fullUrl");
}

static void test_every_resource_is_validated(void **)
{
    assert_refused(
        BUNDLE(ENTRY(URN, SMALL_PATIENT, POST_TO("Patient")) "," ENTRY(
            OTHER_URN, "{'resourceType':'Patient','name':[{'family':'Z'}],'gender':'Canary'}", POST_TO("Patient"))),
        "Bundle.entry[1].resource.gender");
}

static void test_references_to_no_entry_and_to_another_type(void **)
{
    assert_refused(BUNDLE(ENTRY(URN, CONDITION_OF(OTHER_URN), POST_TO("Condition"))),
                   "Bundle.entry[0].resource.subject.reference");
    assert_refused(BUNDLE(ENTRY(URN, CONDITION_OF(URN), POST_TO("Condition"))),
                   "Bundle.entry[0].resource.subject.reference");
}

static void test_the_number_of_entries_is_bounded(void **)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 16);
    assert_ok(buffer_append_text(&text, "{'resourceType':'Bundle','type':'transaction','entry':["));
    for (int i = 0; i <= FHIR_TRANSACTION_MAX_ENTRIES; i++)
        assert_ok(buffer_append_format(&text, "%s{'resource':" SMALL_PATIENT ",'request':" POST_TO("Patient") "}",
                                       i > 0 ? "," : ""));
    assert_ok(buffer_append_text(&text, "]}"));
    const char *bundle;
    assert_ok(buffer_text(&text, &bundle));
    assert_refused(bundle, "Bundle.entry");
}

static void test_the_answer_names_each_record(void **)
{
    CLEANUP(fhir_transaction_done) struct fhir_transaction transaction = {};
    assert_ok(read_bundle(BUNDLE(ENTRY(URN, SMALL_PATIENT, POST_TO("Patient"))), NULL, &transaction));
    (void)snprintf(transaction.entries[0].id.text, sizeof(transaction.entries[0].id.text), "%s", PATIENT_ID);
    assert_ok(fhir_stamp(transaction.entries[0].resource, PATIENT_ID, 1, TEST_NOW_S));
    CLEANUP(json_done) json_t *response = NULL;
    assert_ok(fhir_transaction_response(&transaction, TEST_NOW_S, &response));
    assert_json(response,
                "{'entry':[{'resource':{'id':'" PATIENT_ID "','meta':{'lastUpdated':'2025-11-21T10:00:00Z',"
                "'versionId':'1'},'name':[{'family':'Zebra'}],'resourceType':'Patient'},'response':{'etag':'W/\\'1\\'',"
                "'lastModified':'2025-11-21T10:00:00Z','location':'Patient/" PATIENT_ID "/_history/1',"
                "'status':'201 Created'}}],'resourceType':'Bundle','type':'transaction-response'}");
}

static void test_a_searchset_counts_along(void **)
{
    CLEANUP(json_done) json_t *bundle = NULL, *patient = json_of("{'resourceType':'Patient','id':'1'}");
    assert_ok(fhir_searchset_new(&bundle));
    assert_json(bundle, "{'resourceType':'Bundle','total':0,'type':'searchset'}");
    assert_ok(fhir_searchset_add(bundle, patient));
    assert_int_equal(fhir_searchset_count(bundle), 1);
    assert_json(bundle, "{'entry':[{'fullUrl':'https://platform/fhir/Patient/1','resource':{'id':'1',"
                        "'resourceType':'Patient'},'search':{'mode':'match'}}],'resourceType':'Bundle','total':1,"
                        "'type':'searchset'}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references_between_entries_become_ids),
        cmocka_unit_test(test_entries_without_a_name_and_references_to_what_is_there),
        cmocka_unit_test(test_the_envelope),
        cmocka_unit_test(test_only_posts_to_the_resources_type),
        cmocka_unit_test(test_only_types_that_clients_write),
        cmocka_unit_test(test_names_of_entries),
        cmocka_unit_test(test_every_resource_is_validated),
        cmocka_unit_test(test_references_to_no_entry_and_to_another_type),
        cmocka_unit_test(test_the_number_of_entries_is_bounded),
        cmocka_unit_test(test_the_answer_names_each_record),
        cmocka_unit_test(test_a_searchset_counts_along),
    };
    return cmocka_run_group_tests_name("records/fhir_bundle", tests, NULL, NULL);
}
