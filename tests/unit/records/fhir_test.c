/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir.h"

#include "fhir_testing.h"

static void assert_valid(const char *text)
{
    CLEANUP(json_done) json_t *resource = json_of(text);
    struct refusal why = {};
    if (fhir_validate(resource, TEST_NOW_S, &why) != OK) fail_msg("%s: %s", why.field, why.expected);
}

/* Each refusal names the element, and never repeats what the test wrote there. */
static void assert_refused_at(const char *text, const char *field, const char *file, int line)
{
    CLEANUP(json_done) json_t *resource = json_of(text);
    struct refusal why = {};
    assert_status_at(fhir_validate(resource, TEST_NOW_S, &why), ERR_FHIR, file, line);
    if (strcmp(why.field, field) != 0) {
        print_error("%s:%d: refused %s, expected %s (%s)\n", file, line, why.field, field, why.expected);
        _fail(file, line);
    }
    assert_null(strstr(why.seen, "Canary"));
    assert_null(strstr(why.expected, "Canary"));
    assert_true(why.expected[0] != '\0' && why.seen[0] != '\0');
}
#define assert_refused(text, field) assert_refused_at((text), (field), __FILE__, __LINE__)

/* A small Patient with more members. */
#define PATIENT_WITH(members) "{'resourceType':'Patient','name':[{'family':'Zebra'}]," members "}"
#define SUBJECT "'subject':{'reference':'Patient/" PATIENT_ID "'}"
#define OF_PATIENT "'patient':{'reference':'Patient/" PATIENT_ID "'}"
#define CODED(code) "{'coding':[{'code':'" code "'}]}"

static void test_what_a_desk_takes_is_valid(void **)
{
    assert_valid(PATIENT_FULL);
    assert_valid(ALLERGY);
    assert_valid(CONDITION);
    assert_valid(ENCOUNTER);
    assert_valid(COVERAGE);
    assert_valid(ORDER);
    assert_valid(PATIENT_WITH("'id':'x','meta':{'versionId':'4','lastUpdated':'2025-11-21T10:00:00Z'}"));
    assert_valid(PATIENT_WITH("'birthDate':'1980'"));
    assert_valid("{'resourceType':'Patient','name':[{'given':['Ida']}]}");
    assert_valid("{'resourceType':'AllergyIntolerance'," OF_PATIENT
                 ",'verificationStatus':" CODED("entered-in-error") "}");
    assert_valid("{'resourceType':'Condition'," SUBJECT
                 ",'clinicalStatus':" CODED("resolved") ",'abatementDateTime':'2025'}");
}

static void test_types_are_a_closed_list(void **)
{
    struct refusal why = {};
    json_t *resource = NULL;
    assert_status(fhir_parse(SLICE_LITERAL("{\"resourceType\":\"Canary\"}"), &why, &resource), ERR_FHIR);
    assert_string_equal(why.field, "resourceType");
    assert_null(strstr(why.seen, "Canary"));
    assert_status(fhir_parse(SLICE_LITERAL("{\"a\":1}"), &why, &resource), ERR_FHIR);
    assert_status(fhir_parse(SLICE_LITERAL("{\"resourceType\":1}"), &why, &resource), ERR_FHIR);
    assert_status(fhir_parse(SLICE_LITERAL("[1]"), &why, &resource), ERR_FHIR);
    assert_status(fhir_parse(SLICE_LITERAL("{"), &why, &resource), ERR_JSON_SYNTAX);
    assert_refused("{'resourceType':'DiagnosticReport','status':'final'}", "DiagnosticReport");
    assert_refused("{'resourceType':'Observation','status':'final'}", "Observation");
    assert_refused("{'resourceType':'ImagingStudy','status':'available'}", "ImagingStudy");
    assert_refused("{'resourceType':'Communication','status':'completed'}", "Communication");
}

static void test_size_is_bounded(void **)
{
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(FHIR_RESOURCE_MAX_BYTES + 1);
    uint8_t *bytes;
    assert_ok(buffer_extend(&large, FHIR_RESOURCE_MAX_BYTES + 1, &bytes));
    json_t *resource = NULL;
    assert_status(fhir_parse(buffer_slice(&large), NULL, &resource), ERR_TOO_LARGE);
}

static void test_unknown_elements_are_refused_by_name(void **)
{
    assert_refused(PATIENT_WITH("'nickname':'Canary'"), "Patient.nickname");
    assert_refused(PATIENT_WITH("'Canary Zebra':1"), "Patient");
    assert_refused(PATIENT_WITH("'':1"), "Patient");
    assert_refused(PATIENT_WITH("'_birthDate':{}"), "Patient._birthDate");
    assert_refused(PATIENT_WITH("'extension':[{'url':'x'}]"), "Patient.extension");
    assert_refused(PATIENT_WITH("'contained':[{'resourceType':'Patient'}]"), "Patient.contained");
    assert_refused(PATIENT_WITH("'implicitRules':'x'"), "Patient.implicitRules");
    assert_refused("{'resourceType':'Patient','name':[{'family':'Z','middle':'Canary'}]}", "Patient.name[0].middle");
}

static void test_narrative_is_refused(void **)
{
    assert_refused(PATIENT_WITH("'text':{'status':'generated','div':'<div/>'}"), "Patient.text");
}

static void test_a_patient_needs_a_name(void **)
{
    assert_refused("{'resourceType':'Patient','gender':'male'}", "Patient.name");
    assert_refused("{'resourceType':'Patient','name':[]}", "Patient.name");
    assert_refused("{'resourceType':'Patient','name':{'family':'Z'}}", "Patient.name");
    assert_refused("{'resourceType':'Patient','name':[{}]}", "Patient.name[0]");
    assert_refused("{'resourceType':'Patient','name':['Canary']}", "Patient.name[0]");
    assert_refused("{'resourceType':'Patient','name':[{'text':'Canary'}]}", "Patient.name");
    assert_refused("{'resourceType':'Patient','name':[{'use':'usual'}]}", "Patient.name");
}

static void test_a_birth_date_is_a_past_day(void **)
{
    assert_refused(PATIENT_WITH("'birthDate':'1981-02-29'"), "Patient.birthDate");
    assert_refused(PATIENT_WITH("'birthDate':'21.11.1980'"), "Patient.birthDate");
    assert_refused(PATIENT_WITH("'birthDate':'1980-02-28T10:00:00Z'"), "Patient.birthDate");
    assert_refused(PATIENT_WITH("'birthDate':'2025-11-23'"), "Patient.birthDate");
    assert_refused(PATIENT_WITH("'birthDate':19800228"), "Patient.birthDate");
    assert_refused(PATIENT_WITH("'birthDate':null"), "Patient.birthDate");
}

static void test_gender_is_a_code_of_four(void **)
{
    assert_refused(PATIENT_WITH("'gender':'Canary'"), "Patient.gender");
    assert_refused(PATIENT_WITH("'gender':'Female'"), "Patient.gender");
    assert_refused(PATIENT_WITH("'gender':['male']"), "Patient.gender");
}

static void test_identifiers_need_a_value(void **)
{
    assert_refused(PATIENT_WITH("'identifier':[{'system':'urn:x'}]"), "Patient.identifier[0].value");
    assert_refused(PATIENT_WITH("'identifier':[{'system':'urn: Canary','value':'1'}]"), "Patient.identifier[0].system");
    assert_refused(PATIENT_WITH("'identifier':[{'value':''}]"), "Patient.identifier[0].value");
    assert_refused(PATIENT_WITH("'identifier':[{'value':12}]"), "Patient.identifier[0].value");
}

static void test_telecoms(void **)
{
    assert_refused(PATIENT_WITH("'telecom':[{'value':'Canary'}]"), "Patient.telecom.system");
    assert_refused(PATIENT_WITH("'telecom':[{'system':'pigeon','value':'1'}]"), "Patient.telecom[0].system");
    assert_refused(PATIENT_WITH("'telecom':[{'system':'email','value':'Canary'}]"), "Patient.telecom.value");
    assert_refused(PATIENT_WITH("'telecom':[{'system':'email','value':'a@b@c'}]"), "Patient.telecom.value");
    assert_refused(PATIENT_WITH("'telecom':[{'system':'email','value':'a b@c'}]"), "Patient.telecom.value");
    assert_refused(PATIENT_WITH("'telecom':[{'system':'email','value':'@c'}]"), "Patient.telecom.value");
}

static void test_choices_come_once(void **)
{
    assert_refused(PATIENT_WITH("'deceasedBoolean':true,'deceasedDateTime':'2025'"), "Patient.deceased");
    assert_refused("{'resourceType':'Condition'," SUBJECT ",'onsetDateTime':'2020','onsetString':'Canary'}",
                   "Condition.onset");
}

static void test_strings_have_no_controls_and_a_bound(void **)
{
    assert_refused("{'resourceType':'Patient','name':[{'family':'Can\\u0007ary'}]}", "Patient.name[0].family");
    assert_refused("{'resourceType':'Patient','name':[{'family':'Can\\nary'}]}", "Patient.name[0].family");
    assert_refused("{'resourceType':'Patient','name':[{'family':'Can\\u009fary'}]}", "Patient.name[0].family");
    assert_refused("{'resourceType':'Patient','name':[{'family':' '}]}", "Patient.name[0].family");
    assert_refused("{'resourceType':'Patient','name':[{'family':''}]}", "Patient.name[0].family");
    char text[600];
    (void)snprintf(text, sizeof(text), "{'resourceType':'Patient','name':[{'family':'%0*d'}]}",
                   FHIR_STRING_MAX_BYTES + 1, 0);
    assert_refused(text, "Patient.name[0].family");
}

static void test_arrays_are_bounded(void **)
{
    char text[2048] = "{'resourceType':'Patient','name':[{'given':['a'";
    for (int i = 0; i < FHIR_ARRAY_MAX_COUNT; i++) (void)strncat(text, ",'a'", sizeof(text) - strlen(text) - 1);
    (void)strncat(text, "]}]}", sizeof(text) - strlen(text) - 1);
    assert_refused(text, "Patient.name[0].given");
}

static void test_numbers_and_flags(void **)
{
    assert_refused(PATIENT_WITH("'active':'true'"), "Patient.active");
    assert_refused(PATIENT_WITH("'multipleBirthInteger':-1"), "Patient.multipleBirthInteger");
    assert_refused(PATIENT_WITH("'multipleBirthInteger':1.5"), "Patient.multipleBirthInteger");
    assert_refused(PATIENT_WITH("'multipleBirthInteger':3000000000"), "Patient.multipleBirthInteger");
    assert_refused("{'resourceType':'Condition'," SUBJECT ",'onsetAge':{'value':'3'}}", "Condition.onsetAge.value");
}

static void test_an_allergy_needs_its_patient(void **)
{
    assert_refused("{'resourceType':'AllergyIntolerance','clinicalStatus':" CODED("active") "}",
                   "AllergyIntolerance.patient");
}

static void test_references_are_relative_and_of_the_right_type(void **)
{
#define ALLERGY_OF(reference)                                                                                          \
    "{'resourceType':'AllergyIntolerance','clinicalStatus':" CODED("active") ",'patient':" reference "}"
    const char *const field = "AllergyIntolerance.patient.reference";
    assert_refused(ALLERGY_OF("{'reference':'Condition/1'}"), field);
    assert_refused(ALLERGY_OF("{'reference':'https://elsewhere/Patient/1'}"), field);
    assert_refused(ALLERGY_OF("{'reference':'urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'}"), field);
    assert_refused(ALLERGY_OF("{'reference':'Patient/'}"), field);
    assert_refused(ALLERGY_OF("{'reference':'Patient/a/b'}"), field);
    assert_refused(ALLERGY_OF("{'reference':'Patient/Canary Zebra'}"), field);
    assert_refused(ALLERGY_OF("{'reference':'#1'}"), field);
    assert_refused(ALLERGY_OF("{'display':'Canary'}"), field);
    assert_refused(ALLERGY_OF("'Patient/1'"), "AllergyIntolerance.patient");
    assert_refused(
        "{'resourceType':'Coverage','status':'active','beneficiary':{'reference':'Patient/1'},'payor':[{'type':'x'}]}",
        "Coverage.payor[0].reference");
}

static void test_an_allergy_has_a_clinical_status_unless_it_is_an_error(void **)
{
    assert_refused("{'resourceType':'AllergyIntolerance'," OF_PATIENT "}", "AllergyIntolerance.clinicalStatus");
    assert_refused("{'resourceType':'AllergyIntolerance'," OF_PATIENT
                   ",'clinicalStatus':" CODED("active") ",'verificationStatus':" CODED("entered-in-error") "}",
                   "AllergyIntolerance.clinicalStatus");
}

static void test_bound_concepts_need_a_code_of_their_set(void **)
{
    const char *const field = "AllergyIntolerance.clinicalStatus.coding";
    assert_refused("{'resourceType':'AllergyIntolerance'," OF_PATIENT ",'clinicalStatus':" CODED("Canary") "}", field);
    assert_refused("{'resourceType':'AllergyIntolerance'," OF_PATIENT ",'clinicalStatus':{'text':'active'}}", field);
    assert_refused("{'resourceType':'AllergyIntolerance'," OF_PATIENT
                   ",'clinicalStatus':{'coding':[{'system':'urn:other','code':'active'}]}}",
                   field);
    assert_refused("{'resourceType':'AllergyIntolerance'," OF_PATIENT ",'clinicalStatus':'active'}",
                   "AllergyIntolerance.clinicalStatus");
}

static void test_a_reaction_needs_a_manifestation(void **)
{
    assert_refused("{'resourceType':'AllergyIntolerance'," OF_PATIENT
                   ",'clinicalStatus':" CODED("active") ",'reaction':[{'severity':'mild'}]}",
                   "AllergyIntolerance.reaction[0].manifestation");
}

static void test_a_condition(void **)
{
    assert_refused("{'resourceType':'Condition','code':{'text':'Canary'}}", "Condition.subject");
    assert_refused("{'resourceType':'Condition'," SUBJECT ",'abatementDateTime':'2025'}", "Condition.clinicalStatus");
    assert_refused("{'resourceType':'Condition'," SUBJECT
                   ",'clinicalStatus':" CODED("active") ",'abatementString':'x'}",
                   "Condition.clinicalStatus");
    assert_refused("{'resourceType':'Condition'," SUBJECT
                   ",'clinicalStatus':" CODED("active") ",'verificationStatus':" CODED("entered-in-error") "}",
                   "Condition.clinicalStatus");
    assert_refused("{'resourceType':'Condition'," SUBJECT ",'onsetPeriod':{'start':'2025-02-02','end':'2025-02-01'}}",
                   "Condition.onsetPeriod");
    assert_refused("{'resourceType':'Condition'," SUBJECT ",'note':[{'time':'2025'}]}", "Condition.note[0].text");
    assert_refused("{'resourceType':'Condition'," SUBJECT ",'recordedDate':'yesterday'}", "Condition.recordedDate");
}

static void test_an_encounter(void **)
{
    assert_refused("{'resourceType':'Encounter','class':{'code':'EMER'}," SUBJECT "}", "Encounter.status");
    assert_refused("{'resourceType':'Encounter','status':'Canary','class':{'code':'EMER'}," SUBJECT "}",
                   "Encounter.status");
    assert_refused("{'resourceType':'Encounter','status':'planned'," SUBJECT "}", "Encounter.class");
    assert_refused("{'resourceType':'Encounter','status':'planned','class':{'display':'x'}," SUBJECT "}",
                   "Encounter.class.code");
    assert_refused("{'resourceType':'Encounter','status':'planned','class':{'code':'EMER'}}", "Encounter.subject");
    assert_refused("{'resourceType':'Encounter','status':'planned','class':{'code':'EMER'}," SUBJECT
                   ",'period':{'start':'2025-11-21T10:00:00'}}",
                   "Encounter.period.start");
}

static void test_a_coverage(void **)
{
#define BENEFICIARY "'beneficiary':{'reference':'Patient/1'}"
    assert_refused("{'resourceType':'Coverage'," BENEFICIARY ",'payor':[{'display':'x'}]}", "Coverage.status");
    assert_refused("{'resourceType':'Coverage','status':'active','payor':[{'display':'x'}]}", "Coverage.beneficiary");
    assert_refused("{'resourceType':'Coverage','status':'active'," BENEFICIARY "}", "Coverage.payor");
    assert_refused("{'resourceType':'Coverage','status':'active'," BENEFICIARY ",'payor':[{'display':'x'}],"
                   "'class':[{'value':'1'}]}",
                   "Coverage.class[0].type");
}

static void test_an_order(void **)
{
#define STUDY "'supportingInfo':[{'reference':'ImagingStudy/1'}]"
#define WHAT "'code':{'text':'x'}"
    assert_refused("{'resourceType':'ServiceRequest'," SUBJECT "," STUDY "}", "ServiceRequest.code");
    assert_refused("{'resourceType':'ServiceRequest'," STUDY "," WHAT "}", "ServiceRequest.subject");
    assert_refused("{'resourceType':'ServiceRequest'," SUBJECT "," WHAT "}", "ServiceRequest.supportingInfo");
    assert_refused("{'resourceType':'ServiceRequest'," SUBJECT "," WHAT
                   ",'supportingInfo':[{'reference':'ImagingStudy/1'},{'reference':'ImagingStudy/2'}]}",
                   "ServiceRequest.supportingInfo");
    assert_refused("{'resourceType':'ServiceRequest'," SUBJECT "," WHAT ",'supportingInfo':[{'display':'x'}]}",
                   "ServiceRequest.supportingInfo[0].reference");
    assert_refused("{'resourceType':'ServiceRequest','status':'completed'," SUBJECT "," STUDY "," WHAT "}",
                   "ServiceRequest.status");
}

static void test_the_stamp_is_the_servers(void **)
{
    CLEANUP(json_done)
    json_t *resource = json_of("{'resourceType':'Patient','id':'mine','meta':{'versionId':'9','profile':['urn:p']}}");
    assert_ok(fhir_stamp(resource, "theirs", 2, TEST_NOW_S));
    assert_json(resource, "{'id':'theirs','meta':{'lastUpdated':'2025-11-21T10:00:00Z','profile':['urn:p'],"
                          "'versionId':'2'},'resourceType':'Patient'}");
    CLEANUP(json_done) json_t *bare = json_of("{'resourceType':'Patient'}");
    assert_ok(fhir_stamp(bare, "x", 1, TEST_NOW_S));
    assert_json(bare,
                "{'id':'x','meta':{'lastUpdated':'2025-11-21T10:00:00Z','versionId':'1'},'resourceType':'Patient'}");
}

static void test_the_patient_of_a_resource(void **)
{
    const char *const texts[] = {ALLERGY, CONDITION, COVERAGE, ORDER};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        CLEANUP(json_done) json_t *resource = json_of(texts[i]);
        struct record_id id;
        assert_ok(fhir_patient_of(resource, &id));
        assert_string_equal(id.text, PATIENT_ID);
    }
    CLEANUP(json_done) json_t *patient = json_of(PATIENT_FULL);
    struct record_id id;
    assert_status(fhir_patient_of(patient, &id), ERR_NOT_FOUND);
    CLEANUP(json_done) json_t *order = json_of(ORDER);
    assert_ok(fhir_reference_id(order, "supportingInfo", FHIR_IMAGING_STUDY, &id));
    assert_status(fhir_reference_id(order, "supportingInfo", FHIR_PATIENT, &id), ERR_NOT_FOUND);
    assert_status(fhir_reference_id(order, "absent", FHIR_PATIENT, &id), ERR_NOT_FOUND);
    CLEANUP(json_done) json_t *foreign = json_of("{'subject':{'reference':'Patient/elsewhere'}}");
    assert_status(fhir_patient_of(foreign, &id), ERR_NOT_FOUND);
}

static void test_who_writes_what(void **)
{
    enum fhir_type type;
    assert_true(fhir_type_from(SLICE_LITERAL("Coverage"), &type));
    assert_true(fhir_type_is_clients(type));
    assert_false(fhir_type_is_clients(FHIR_SERVICE_REQUEST));
    assert_false(fhir_type_is_clients(FHIR_COMMUNICATION));
    assert_false(fhir_type_from(SLICE_LITERAL("Bundle"), &type));
    assert_string_equal(fhir_type_name(FHIR_IMAGING_STUDY), "ImagingStudy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_desk_takes_is_valid),
        cmocka_unit_test(test_types_are_a_closed_list),
        cmocka_unit_test(test_size_is_bounded),
        cmocka_unit_test(test_unknown_elements_are_refused_by_name),
        cmocka_unit_test(test_narrative_is_refused),
        cmocka_unit_test(test_a_patient_needs_a_name),
        cmocka_unit_test(test_a_birth_date_is_a_past_day),
        cmocka_unit_test(test_gender_is_a_code_of_four),
        cmocka_unit_test(test_identifiers_need_a_value),
        cmocka_unit_test(test_telecoms),
        cmocka_unit_test(test_choices_come_once),
        cmocka_unit_test(test_strings_have_no_controls_and_a_bound),
        cmocka_unit_test(test_arrays_are_bounded),
        cmocka_unit_test(test_numbers_and_flags),
        cmocka_unit_test(test_an_allergy_needs_its_patient),
        cmocka_unit_test(test_references_are_relative_and_of_the_right_type),
        cmocka_unit_test(test_an_allergy_has_a_clinical_status_unless_it_is_an_error),
        cmocka_unit_test(test_bound_concepts_need_a_code_of_their_set),
        cmocka_unit_test(test_a_reaction_needs_a_manifestation),
        cmocka_unit_test(test_a_condition),
        cmocka_unit_test(test_an_encounter),
        cmocka_unit_test(test_a_coverage),
        cmocka_unit_test(test_an_order),
        cmocka_unit_test(test_the_stamp_is_the_servers),
        cmocka_unit_test(test_the_patient_of_a_resource),
        cmocka_unit_test(test_who_writes_what),
    };
    return cmocka_run_group_tests_name("records/fhir", tests, NULL, NULL);
}
