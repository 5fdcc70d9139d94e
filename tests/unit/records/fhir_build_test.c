/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir_build.h"

#include "fhir_testing.h"
#include "records/fhir_outcome.h"

#define ID(digit)                                                                                                                                                                                                                       \
    {                                                                                                                                                                                                                                   \
#digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit #digit \
    }
static const struct record_id one = ID(1), two = ID(2), three = ID(3), four = ID(4), five = ID(5);
#define ONES "11111111111111111111111111111111"
#define TWOS "22222222222222222222222222222222"
#define THREES "33333333333333333333333333333333"
#define FOURS "44444444444444444444444444444444"
#define FIVES "55555555555555555555555555555555"
#define META "'meta':{'lastUpdated':'2025-11-21T10:00:00Z','versionId':'1'}"
#define NOW "'2025-11-21T10:00:00Z'"

static void test_a_study(void **)
{
    const struct fhir_study study = {.id = one,
                                     .patient = two,
                                     .film = {"00000000000000000000000000000100"},
                                     .modality = "DX",
                                     .body_part = "CHEST",
                                     .now_s = TEST_NOW_S};
    CLEANUP(json_done) json_t *resource = NULL;
    assert_ok(fhir_build_study(&study, &resource));
    assert_json(resource, "{'id':'" ONES "','identifier':[{'system':'urn:dicom:uid',"
                          "'value':'urn:oid:2.25.22685491128062564230891640495451214097'},"
                          "{'system':'urn:lazaret:film','value':'00000000000000000000000000000100'}]," META
                          ",'numberOfInstances':1,'numberOfSeries':1,'resourceType':'ImagingStudy',"
                          "'series':[{'bodySite':{'display':'CHEST'},'instance':[{'sopClass':{"
                          "'code':'urn:oid:1.2.840.10008.5.1.4.1.1.7','system':'urn:ietf:rfc:3986'},'uid':'2.25.256'}],"
                          "'modality':{'code':'DX','system':'http://dicom.nema.org/resources/ontology/DCM'},"
                          "'numberOfInstances':1,'uid':'2.25.256'}],'started':" NOW ",'status':'available',"
                          "'subject':{'reference':'Patient/" TWOS "'}}");
}

static void test_an_order(void **)
{
    CLEANUP(json_done) json_t *order = json_of(ORDER);
    CLEANUP(json_done) json_t *resource = NULL;
    assert_ok(fhir_build_order(order, one, "Dr. Otto", TEST_NOW_S, &resource));
    assert_json(resource,
                "{'authoredOn':" NOW ",'code':{'text':'Chest film reading'},'id':'" ONES "','intent':'order'," META
                ",'requester':{'display':'Dr. Otto'},'resourceType':'ServiceRequest','status':'completed',"
                "'subject':{'reference':'Patient/" PATIENT_ID "'},"
                "'supportingInfo':[{'reference':'ImagingStudy/" PATIENT_ID "'}]}");
    json_t *bad = NULL;
    assert_status(fhir_build_order(order, one, "\xff", TEST_NOW_S, &bad), ERR_ENCODING);
}

static struct fhir_finding finding_of(bool is_positive)
{
    return (struct fhir_finding){.observation = one,
                                 .report = two,
                                 .patient = three,
                                 .study = four,
                                 .order = five,
                                 .model_name = "chest-xray",
                                 .model_version = "1",
                                 .model_digest = "aa",
                                 .threshold = 0.5,
                                 .score = 0.75,
                                 .is_positive = is_positive,
                                 .conclusion = "Pneumonia likely.",
                                 .heatmap_png = SLICE_LITERAL("PNG"),
                                 .receipt = "a.b.c",
                                 .now_s = TEST_NOW_S};
}

#define FINDING_CODE                                                                                                   \
    "'code':{'coding':[{'code':'pneumonia','display':'Pneumonia, probability by "                                      \
    "model','system':'urn:lazaret:finding'}]}"

static void test_an_observation(void **)
{
    const struct fhir_finding finding = finding_of(true);
    CLEANUP(json_done) json_t *resource = NULL;
    assert_ok(fhir_build_observation(&finding, &resource));
    assert_json(
        resource,
        "{" FINDING_CODE ",'derivedFrom':[{'reference':'ImagingStudy/" FOURS "'}],'device':{'display':'chest-xray 1'},"
        "'effectiveDateTime':" NOW ",'id':'" ONES "','interpretation':[{'coding':[{'code':'POS',"
        "'display':'Positive','system':'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation'}]}],"
        "'issued':" NOW "," META ",'resourceType':'Observation','status':'preliminary',"
        "'subject':{'reference':'Patient/" THREES "'},'valueQuantity':{'code':'1',"
        "'system':'http://unitsofmeasure.org','unit':'probability','value':0.75}}");
    const struct fhir_finding negative = finding_of(false);
    CLEANUP(json_done) json_t *other = NULL;
    assert_ok(fhir_build_observation(&negative, &other));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(4096);
    assert_ok(json_write(other, &text));
    assert_non_null(memmem(text.bytes, text.size, "\"NEG\"", 5));
}

#define REPORT_HEAD                                                                                                    \
    "{'basedOn':[{'reference':'ServiceRequest/" FIVES                                                                  \
    "'}],'category':[{'coding':[{'code':'RAD','display':'Radiology',"                                                  \
    "'system':'http://terminology.hl7.org/CodeSystem/v2-0074'}]}]," FINDING_CODE
#define MODEL                                                                                                          \
    "{'extension':[{'url':'name','valueString':'chest-xray'},{'url':'version','valueString':'1'},"                     \
    "{'url':'digest','valueString':'aa'},{'url':'threshold','valueDecimal':0.5}],'url':'urn:lazaret:fhir:model'}"

static void test_a_report(void **)
{
    const struct fhir_finding finding = finding_of(true);
    CLEANUP(json_done) json_t *resource = NULL;
    assert_ok(fhir_build_report(&finding, &resource));
    assert_json(resource,
                REPORT_HEAD ",'conclusion':'Pneumonia likely.','effectiveDateTime':" NOW ",'extension':[" MODEL
                            ",{'url':'urn:lazaret:fhir:heatmap','valueBase64Binary':'UE5H'},"
                            "{'url':'urn:lazaret:fhir:receipt','valueString':'a.b.c'}],'id':'" TWOS "',"
                            "'imagingStudy':[{'reference':'ImagingStudy/" FOURS "'}],'issued':" NOW "," META
                            ",'resourceType':'DiagnosticReport','result':[{'reference':'Observation/" ONES "'}],"
                            "'status':'preliminary','subject':{'reference':'Patient/" THREES "'}}");
}

static void test_a_report_on_a_film_that_cannot_be_read(void **)
{
    struct fhir_finding finding = finding_of(true);
    finding.unsuitable = "This is not a chest film.";
    finding.heatmap_png = (struct slice){};
    finding.receipt = NULL;
    CLEANUP(json_done) json_t *resource = NULL;
    assert_ok(fhir_build_report(&finding, &resource));
    assert_json(
        resource, REPORT_HEAD
        ",'conclusion':'This is not a chest film.','effectiveDateTime':" NOW ",'extension':[" MODEL "],'id':'" TWOS "',"
        "'imagingStudy':[{'reference':'ImagingStudy/" FOURS "'}],'issued':" NOW "," META
        ",'resourceType':'DiagnosticReport','status':'cancelled','subject':{'reference':'Patient/" THREES "'}}");
}

static void test_a_message_is_read_once(void **)
{
    const struct fhir_message message = {.id = one, .patient = three, .report = two, .now_s = TEST_NOW_S};
    CLEANUP(json_done) json_t *resource = NULL;
    assert_ok(fhir_build_message(&message, &resource));
#define MESSAGE_HEAD                                                                                                   \
    "{'about':[{'reference':'DiagnosticReport/" TWOS "'}],'category':[{'coding':[{'code':'notification',"              \
    "'display':'Notification','system':'http://terminology.hl7.org/CodeSystem/communication-category'}]}],"            \
    "'id':'" ONES "'," META ",'payload':[{'contentString':'A result waits.'}]"
    assert_json(resource, MESSAGE_HEAD ",'resourceType':'Communication','sent':" NOW ",'status':'in-progress',"
                                       "'subject':{'reference':'Patient/" THREES "'}}");
    assert_ok(fhir_acknowledge_message(resource, "Dr. Otto", TEST_NOW_S));
    assert_ok(fhir_acknowledge_message(resource, "Dr. Late", TEST_NOW_S + 60));
    assert_json(resource, MESSAGE_HEAD ",'received':" NOW ",'recipient':[{'display':'Dr. Otto'}],"
                                       "'resourceType':'Communication','sent':" NOW ",'status':'completed',"
                                       "'subject':{'reference':'Patient/" THREES "'}}");
}

static void test_an_outcome_names_the_element(void **)
{
    struct refusal why = {};
    assert_status(refuse(&why, ERR_FHIR, "Patient.birthDate", "a date", "another form"), ERR_FHIR);
    CLEANUP(json_done) json_t *outcome = NULL;
    assert_ok(fhir_outcome(&why, &outcome));
    assert_json(outcome,
                "{'issue':[{'code':'value','details':{'coding':[{'code':'ERR_FHIR','system':'urn:lazaret:status'}]},"
                "'diagnostics':'the resource does not conform: Patient.birthDate: seen another form, expected a date',"
                "'expression':['Patient.birthDate'],'severity':'error'}],'resourceType':'OperationOutcome'}");
}

static void test_an_outcome_without_an_element(void **)
{
    const struct refusal why = {.status = ERR_NOT_FOUND};
    CLEANUP(json_done) json_t *outcome = NULL;
    assert_ok(fhir_outcome(&why, &outcome));
    assert_json(outcome,
                "{'issue':[{'code':'not-found','details':{'coding':[{'code':'ERR_NOT_FOUND',"
                "'system':'urn:lazaret:status'}]},'diagnostics':'there is no such record','severity':'error'}],"
                "'resourceType':'OperationOutcome'}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_study),
        cmocka_unit_test(test_an_order),
        cmocka_unit_test(test_an_observation),
        cmocka_unit_test(test_a_report),
        cmocka_unit_test(test_a_report_on_a_film_that_cannot_be_read),
        cmocka_unit_test(test_a_message_is_read_once),
        cmocka_unit_test(test_an_outcome_names_the_element),
        cmocka_unit_test(test_an_outcome_without_an_element),
    };
    return cmocka_run_group_tests_name("records/fhir_build", tests, NULL, NULL);
}
