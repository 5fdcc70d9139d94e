/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir_build.h"

#include "base/clock.h"
#include "base/encoding.h"

#include <string.h>

enum { UID_MAX_BYTES = 5 + 39, BITS_BYTES = RECORD_ID_BYTES / 2, HEATMAP_MAX_BYTES = 128 * 1024 };

#define TERMINOLOGY "http://terminology.hl7.org/CodeSystem/"
#define DICOM_CODES "http://dicom.nema.org/resources/ontology/DCM"

/* Sets a member that json_pack or another constructor made, or says that there was no memory for it. */
static enum status set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static json_t *reference_to(enum fhir_type type, const struct record_id *id)
{
    return json_pack("{s:o}", "reference", json_sprintf("%s/%s", fhir_type_name(type), id->text));
}

static json_t *concept_of(const char *system, const char *code, const char *display)
{
    return json_pack("{s:[{s:s, s:s, s:s}]}", "coding", "system", system, "code", code, "display", display);
}

/* A resource with type, id, meta and its patient. */
static enum status begin(enum fhir_type type, const struct record_id *id, const struct record_id *patient,
                         int64_t now_s, json_t **resource_out)
{
    CLEANUP(json_done) json_t *resource = json_pack("{s:s}", "resourceType", fhir_type_name(type));
    if (resource == NULL) return ERR_NO_MEMORY;
    TRY(fhir_stamp(resource, id->text, 1, now_s));
    TRY(set(resource, "subject", reference_to(FHIR_PATIENT, patient)));
    *resource_out = resource;
    resource = NULL;
    return OK;
}

/* --- ImagingStudy --- */

struct uid {
    char text[UID_MAX_BYTES + 1];
};

/* The decimal form of the id's bits, by division: one digit for each pass. */
static enum status uid_of(const struct record_id *id, struct uid *uid_out)
{
    uint8_t bits[BITS_BYTES];
    TRY(hex_decode_exact(slice_of_text(id->text), sizeof(bits), bits));
    char digits[UID_MAX_BYTES];
    size_t count = 0;
    do {
        unsigned rest = 0;
        for (size_t i = 0; i < sizeof(bits); i++) {
            rest = rest << 8 | bits[i];
            bits[i] = (uint8_t)(rest / 10);
            rest %= 10;
        }
        digits[count++] = (char)('0' + rest);
    } while (!slice_is_zero(SLICE_ARRAY(bits)));
    struct uid uid = {"2.25."};
    size_t at = strlen(uid.text);
    while (count > 0) uid.text[at++] = digits[--count];
    *uid_out = uid;
    return OK;
}

/* The one series with its one instance; both are named after the film. */
static enum status add_series(json_t *resource, const struct fhir_study *study)
{
    struct uid uid;
    TRY(uid_of(&study->film, &uid));
    const char *const modality = study->modality != NULL ? study->modality : "OT";
    json_t *const series = json_pack("{s:s, s:{s:s, s:s}, s:i, s:[{s:s, s:{s:s, s:s}}]}", "uid", uid.text, "modality",
                                     "system", DICOM_CODES, "code", modality, "numberOfInstances", 1, "instance", "uid",
                                     uid.text, "sopClass", "system", "urn:ietf:rfc:3986", "code",
                                     "urn:oid:1.2.840.10008.5.1.4.1.1.7"); /* Secondary Capture: whatever the file was,
                                                                              the picture is what is kept */
    TRY(set(resource, "series", json_pack("[o]", series)));
    if (study->body_part == NULL) return OK;
    return set(series, "bodySite", json_pack("{s:s}", "display", study->body_part));
}

enum status fhir_build_study(const struct fhir_study *study, json_t **resource_out)
{
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(begin(FHIR_IMAGING_STUDY, &study->id, &study->patient, study->now_s, &resource));
    struct uid uid;
    TRY(uid_of(&study->id, &uid));
    TRY(set(resource, "identifier",
            json_pack("[{s:s, s:o}, {s:s, s:s}]", "system", "urn:dicom:uid", "value",
                      json_sprintf("urn:oid:%s", uid.text), "system", "urn:lazaret:film", "value", study->film.text)));
    TRY(set(resource, "status", json_string("available")));
    TRY(set(resource, "started", json_string(time_iso8601(study->now_s).text)));
    TRY(set(resource, "numberOfSeries", json_integer(1)));
    TRY(set(resource, "numberOfInstances", json_integer(1)));
    TRY(add_series(resource, study));
    *resource_out = resource;
    resource = NULL;
    return OK;
}

/* --- ServiceRequest --- */

enum status fhir_build_order(const json_t *order, struct record_id id, const char *requester, int64_t now_s,
                             json_t **resource_out)
{
    CLEANUP(json_done) json_t *resource = json_deep_copy(order);
    if (resource == NULL) return ERR_NO_MEMORY;
    TRY(fhir_stamp(resource, id.text, 1, now_s));
    TRY(set(resource, "status", json_string("completed")));
    TRY(set(resource, "intent", json_string("order")));
    TRY(set(resource, "authoredOn", json_string(time_iso8601(now_s).text)));
    json_t *const display = json_string(requester);
    if (display == NULL) return ERR_ENCODING;
    TRY(set(resource, "requester", json_pack("{s:o}", "display", display)));
    *resource_out = resource;
    resource = NULL;
    return OK;
}

/* --- Observation and DiagnosticReport --- */

#define FINDING_CODE concept_of("urn:lazaret:finding", "pneumonia", "Pneumonia, probability by model")

enum status fhir_build_observation(const struct fhir_finding *finding, json_t **resource_out)
{
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(begin(FHIR_OBSERVATION, &finding->observation, &finding->patient, finding->now_s, &resource));
    const struct time_text when = time_iso8601(finding->now_s);
    const char *const code = finding->is_positive ? "POS" : "NEG";
    const char *const word = finding->is_positive ? "Positive" : "Negative";
    TRY(set(resource, "status", json_string("preliminary")));
    TRY(set(resource, "code", FINDING_CODE));
    TRY(set(resource, "effectiveDateTime", json_string(when.text)));
    TRY(set(resource, "issued", json_string(when.text)));
    TRY(set(resource, "derivedFrom", json_pack("[o]", reference_to(FHIR_IMAGING_STUDY, &finding->study))));
    TRY(set(resource, "valueQuantity",
            json_pack("{s:f, s:s, s:s, s:s}", "value", finding->score, "unit", "probability", "system",
                      "http://unitsofmeasure.org", "code", "1")));
    TRY(set(resource, "interpretation",
            json_pack("[o]", concept_of(TERMINOLOGY "v3-ObservationInterpretation", code, word))));
    TRY(set(resource, "device",
            json_pack("{s:o}", "display", json_sprintf("%s %s", finding->model_name, finding->model_version))));
    *resource_out = resource;
    resource = NULL;
    return OK;
}

static json_t *model_extension(const struct fhir_finding *finding)
{
    return json_pack("{s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:f}]}", "url", "urn:lazaret:fhir:model",
                     "extension", "url", "name", "valueString", finding->model_name, "url", "version", "valueString",
                     finding->model_version, "url", "digest", "valueString", finding->model_digest, "url", "threshold",
                     "valueDecimal", finding->threshold);
}

static enum status append(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status add_extensions(json_t *resource, const struct fhir_finding *finding)
{
    json_t *const extensions = json_array();
    TRY(set(resource, "extension", extensions));
    TRY(append(extensions, model_extension(finding)));
    if (finding->heatmap_png.size > 0) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(HEATMAP_MAX_BYTES);
        TRY(base64_encode(finding->heatmap_png, &text));
        TRY(append(extensions, json_pack("{s:s, s:s%}", "url", "urn:lazaret:fhir:heatmap", "valueBase64Binary",
                                         (const char *)text.bytes, text.size)));
    }
    if (finding->receipt == NULL) return OK;
    return append(extensions,
                  json_pack("{s:s, s:s}", "url", "urn:lazaret:fhir:receipt", "valueString", finding->receipt));
}

/* A film that the model cannot read has a report without a result. */
static enum status add_outcome(json_t *resource, const struct fhir_finding *finding)
{
    const bool is_unsuitable = finding->unsuitable != NULL;
    json_t *const conclusion = json_string(is_unsuitable ? finding->unsuitable : finding->conclusion);
    if (conclusion == NULL) return ERR_ENCODING;
    TRY(set(resource, "conclusion", conclusion));
    TRY(set(resource, "status", json_string(is_unsuitable ? "cancelled" : "preliminary")));
    if (is_unsuitable) return OK;
    return set(resource, "result", json_pack("[o]", reference_to(FHIR_OBSERVATION, &finding->observation)));
}

enum status fhir_build_report(const struct fhir_finding *finding, json_t **resource_out)
{
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(begin(FHIR_DIAGNOSTIC_REPORT, &finding->report, &finding->patient, finding->now_s, &resource));
    const struct time_text when = time_iso8601(finding->now_s);
    TRY(set(resource, "code", FINDING_CODE));
    TRY(set(resource, "category", json_pack("[o]", concept_of(TERMINOLOGY "v2-0074", "RAD", "Radiology"))));
    TRY(set(resource, "effectiveDateTime", json_string(when.text)));
    TRY(set(resource, "issued", json_string(when.text)));
    TRY(set(resource, "basedOn", json_pack("[o]", reference_to(FHIR_SERVICE_REQUEST, &finding->order))));
    TRY(set(resource, "imagingStudy", json_pack("[o]", reference_to(FHIR_IMAGING_STUDY, &finding->study))));
    TRY(add_outcome(resource, finding));
    TRY(add_extensions(resource, finding));
    *resource_out = resource;
    resource = NULL;
    return OK;
}

/* --- Communication --- */

enum status fhir_build_message(const struct fhir_message *message, json_t **resource_out)
{
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(begin(FHIR_COMMUNICATION, &message->id, &message->patient, message->now_s, &resource));
    TRY(set(resource, "status", json_string("in-progress")));
    TRY(set(resource, "category",
            json_pack("[o]", concept_of(TERMINOLOGY "communication-category", "notification", "Notification"))));
    TRY(set(resource, "about", json_pack("[o]", reference_to(FHIR_DIAGNOSTIC_REPORT, &message->report))));
    TRY(set(resource, "sent", json_string(time_iso8601(message->now_s).text)));
    TRY(set(resource, "payload", json_pack("[{s:s}]", "contentString", "A result waits.")));
    *resource_out = resource;
    resource = NULL;
    return OK;
}

enum status fhir_acknowledge_message(json_t *message, const char *reader, int64_t now_s)
{
    if (json_object_get(message, "received") != NULL) return OK;
    json_t *const display = json_string(reader);
    if (display == NULL) return ERR_ENCODING;
    TRY(set(message, "recipient", json_pack("[{s:o}]", "display", display)));
    TRY(set(message, "status", json_string("completed")));
    return set(message, "received", json_string(time_iso8601(now_s).text));
}
