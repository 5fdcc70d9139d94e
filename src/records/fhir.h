/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR R4 resources as a hospital desk needs them: parsed, validated, stamped. Pure; time is passed in.
 *
 * The set of types is closed, and so is the set of elements of each: what is not in the tables of
 * records/fhir_resources.c is refused by name, so that nothing is stored that nobody has looked at. Left out on
 * purpose, and refused: `extension`, `modifierExtension`, `implicitRules`, `contained`, `text` (narrative is HTML,
 * which no one here needs and a browser would run), attachments and primitive extensions ("_birthDate").
 *
 * Beyond R4's cardinalities and required code sets: Patient needs a name with family or given part; birthDate is not in
 * the future; Encounter needs a subject; references are relative ("Patient/ID") and name a type that the element
 * allows, and subject, patient and beneficiary name a Patient by `reference`, not by display. R4's own invariants of
 * severity "error" that concern these elements are checked: ait-1, ait-2, con-4, con-5, cpt-2, per-1. Strings are UTF-8
 * without control characters and not blank; arrays and objects not empty; null is refused.
 *
 * Every refusal is ERR_FHIR (or ERR_TOO_LARGE, ERR_JSON_SYNTAX) with a FHIRPath in `field` ("Patient.name[0].family"),
 * and says what was seen as a kind ("a number", "another code", "300 bytes"), never the value.
 */
#pragma once

#include "base/json.h"
#include "records/id.h"

enum {
    FHIR_RESOURCE_MAX_BYTES = 256 * 1024,
    FHIR_STRING_MAX_BYTES = 256,
    FHIR_TEXT_MAX_BYTES = 16 * 1024, /* notes, conclusions: the only strings with line ends */
    FHIR_CODE_MAX_BYTES = 64,
    FHIR_URI_MAX_BYTES = 256,
    FHIR_ARRAY_MAX_COUNT = 50,
};

enum fhir_type {
    /* written by clients */
    FHIR_PATIENT,
    FHIR_ALLERGY_INTOLERANCE,
    FHIR_CONDITION,
    FHIR_ENCOUNTER,
    FHIR_COVERAGE,
    /* ordered by clients: as they send it, with subject, supportingInfo (one ImagingStudy) and code */
    FHIR_SERVICE_REQUEST,
    /* written by the platform (records/fhir_build.h) */
    FHIR_IMAGING_STUDY,
    FHIR_OBSERVATION,
    FHIR_DIAGNOSTIC_REPORT,
    FHIR_COMMUNICATION,
    FHIR_TYPE_COUNT,
};

/* "AllergyIntolerance"; also the `type` under which the store keeps it. */
const char *fhir_type_name(enum fhir_type type);
bool fhir_type_from(struct slice name, enum fhir_type *type_out);

/* Whether clients may create and change resources of this type (an order is neither). */
bool fhir_type_is_clients(enum fhir_type type);

/* Reads one resource: at most FHIR_RESOURCE_MAX_BYTES of JSON, an object, of a known type. Not validated yet. */
enum status fhir_parse(struct slice text, struct refusal *why, json_t **resource_out);

/* The resource's type. ERR_FHIR with field "resourceType". */
enum status fhir_type_of(const json_t *resource, struct refusal *why, enum fhir_type *type_out);

/* Validates a resource that a client wrote or ordered. `now_s` is the clock's time. ERR_FHIR also for types that
 * clients do not write. */
enum status fhir_validate(const json_t *resource, int64_t now_s, struct refusal *why);

/* The same with another name for the resource in refusals ("Bundle.entry[2].resource"). */
enum status fhir_validate_at(const json_t *resource, const char *path, int64_t now_s, struct refusal *why);

/* What the server sets: id, meta.versionId, meta.lastUpdated; what the client sent there is replaced. */
enum status fhir_stamp(json_t *resource, const char *id, uint64_t version, int64_t now_s);

/* The id in a reference "Type/ID" of a member ("subject"), as the store names records. ERR_NOT_FOUND if there is none
 * or it is of another type. */
enum status fhir_reference_id(const json_t *resource, const char *member, enum fhir_type target,
                              struct record_id *id_out);

/* The patient to whom the resource belongs: subject, patient or beneficiary. ERR_NOT_FOUND for a Patient itself. */
enum status fhir_patient_of(const json_t *resource, struct record_id *patient_out);
