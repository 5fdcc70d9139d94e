/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir.h"

#include "base/clock.h"
#include "records/fhir_schema.h"

#include <stdio.h>
#include <string.h>

static const char *const type_names[FHIR_TYPE_COUNT] = {
    [FHIR_PATIENT] = "Patient",
    [FHIR_ALLERGY_INTOLERANCE] = "AllergyIntolerance",
    [FHIR_CONDITION] = "Condition",
    [FHIR_ENCOUNTER] = "Encounter",
    [FHIR_COVERAGE] = "Coverage",
    [FHIR_SERVICE_REQUEST] = "ServiceRequest",
    [FHIR_IMAGING_STUDY] = "ImagingStudy",
    [FHIR_OBSERVATION] = "Observation",
    [FHIR_DIAGNOSTIC_REPORT] = "DiagnosticReport",
    [FHIR_COMMUNICATION] = "Communication",
};

const char *fhir_type_name(enum fhir_type type)
{
    return type_names[type];
}

bool fhir_type_from(struct slice name, enum fhir_type *type_out)
{
    for (unsigned i = 0; i < FHIR_TYPE_COUNT; i++) {
        if (!slice_equal_text(name, type_names[i])) continue;
        *type_out = (enum fhir_type)i;
        return true;
    }
    return false;
}

bool fhir_type_is_clients(enum fhir_type type)
{
    return type < FHIR_SERVICE_REQUEST;
}

enum status fhir_parse(struct slice text, struct refusal *why, json_t **resource_out)
{
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(json_parse(text, FHIR_RESOURCE_MAX_BYTES, why, &resource));
    enum fhir_type type;
    TRY(fhir_type_of(resource, why, &type));
    *resource_out = resource;
    resource = NULL;
    return OK;
}

enum status fhir_type_of(const json_t *resource, struct refusal *why, enum fhir_type *type_out)
{
    const struct slice name = fhir_text_of(resource, "resourceType");
    if (name.size == 0) return refuse(why, ERR_FHIR, "resourceType", "the name of a resource type", "nothing");
    if (fhir_type_from(name, type_out)) return OK;
    return refuse(why, ERR_FHIR, "resourceType", "a resource type that is known here", "another name");
}

enum status fhir_validate_at(const json_t *resource, const char *path, int64_t now_s, struct refusal *why)
{
    enum fhir_type type;
    TRY(fhir_type_of(resource, why, &type));
    const struct fhir_resource_rules *const rules = &fhir_resource_rules[type];
    struct fhir_check check = {.why = why, .now_s = now_s};
    const int wanted = snprintf(check.path, sizeof(check.path), "%s", path);
    check.path_size = (size_t)wanted < sizeof(check.path) ? (size_t)wanted : sizeof(check.path) - 1;
    if (rules->elements == NULL)
        return fhir_refuse(&check, "a type that clients write", "one that the platform writes");
    TRY(fhir_check_object(&check, resource, rules->elements, fhir_base_elements));
    return rules->invariants != NULL ? rules->invariants(&check, resource) : OK;
}

enum status fhir_validate(const json_t *resource, int64_t now_s, struct refusal *why)
{
    enum fhir_type type;
    TRY(fhir_type_of(resource, why, &type));
    return fhir_validate_at(resource, type_names[type], now_s, why);
}

enum status fhir_stamp(json_t *resource, const char *id, uint64_t version, int64_t now_s)
{
    char version_text[24];
    (void)snprintf(version_text, sizeof(version_text), "%llu", (unsigned long long)version);
    json_t *meta = json_object_get(resource, "meta");
    if (!json_is_object(meta)) {
        meta = json_object();
        if (json_object_set_new(resource, "meta", meta) != 0) return ERR_NO_MEMORY;
    }
    const bool failed = json_object_set_new(resource, "id", json_string(id)) != 0 ||
                        json_object_set_new(meta, "versionId", json_string(version_text)) != 0 ||
                        json_object_set_new(meta, "lastUpdated", json_string(time_iso8601(now_s).text)) != 0;
    return failed ? ERR_NO_MEMORY : OK;
}

enum status fhir_reference_id(const json_t *resource, const char *member, enum fhir_type target,
                              struct record_id *id_out)
{
    const json_t *value = json_object_get(resource, member);
    if (json_is_array(value)) value = json_array_get(value, 0);
    struct slice type, id;
    if (!slice_split(fhir_text_of(value, "reference"), '/', &type, &id)) return ERR_NOT_FOUND;
    if (!slice_equal_text(type, type_names[target])) return ERR_NOT_FOUND;
    return record_id_from(id, id_out);
}

enum status fhir_patient_of(const json_t *resource, struct record_id *patient_out)
{
    static const char *const members[] = {"subject", "patient", "beneficiary"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (json_object_get(resource, members[i]) != NULL)
            return fhir_reference_id(resource, members[i], FHIR_PATIENT, patient_out);
    }
    return ERR_NOT_FOUND;
}
