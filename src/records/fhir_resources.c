/* SPDX-License-Identifier: Apache-2.0
 *
 * The elements that are taken, type by type, with R4's cardinalities (hl7.org/fhir/R4) and the exceptions named in
 * records/fhir.h. A row: name, kind, cardinality, then what the kind needs. */
#include "records/fhir_primitive.h"
#include "records/fhir_schema.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define CHILDREN(table) .children = (table)
#define END                                                                                                            \
    {                                                                                                                  \
    }

/* --- data types --- */

static const struct fhir_element coding[] = {
    {"system", FHIR_URI},     {"version", FHIR_STRING},       {"code", FHIR_CODE},
    {"display", FHIR_STRING}, {"userSelected", FHIR_BOOLEAN}, END,
};

static const struct fhir_element concept[] = {
    {"coding", FHIR_OBJECT, MANY, CHILDREN(coding)},
    {"text", FHIR_STRING},
    END,
};

static const struct fhir_element period[] = {
    {"start", FHIR_DATETIME},
    {"end", FHIR_DATETIME},
    END,
};

static const struct fhir_element quantity[] = {
    {"value", FHIR_DECIMAL, REQUIRED},
    {"comparator", FHIR_CODE, .codes = WORDS("<", "<=", ">=", ">")},
    {"unit", FHIR_STRING},
    {"system", FHIR_URI},
    {"code", FHIR_CODE},
    END,
};

static const struct fhir_element identifier[] = {
    {"use", FHIR_CODE, .codes = WORDS("usual", "official", "temp", "secondary", "old")},
    {"type", FHIR_OBJECT, CHILDREN(concept)},
    {"system", FHIR_URI},
    {"value", FHIR_STRING, REQUIRED},
    {"period", FHIR_OBJECT, CHILDREN(period)},
    END,
};

static const struct fhir_element human_name[] = {
    {"use", FHIR_CODE, .codes = WORDS("usual", "official", "temp", "nickname", "anonymous", "old", "maiden")},
    {"text", FHIR_STRING},
    {"family", FHIR_STRING},
    {"given", FHIR_STRING, MANY},
    {"prefix", FHIR_STRING, MANY},
    {"suffix", FHIR_STRING, MANY},
    {"period", FHIR_OBJECT, CHILDREN(period)},
    END,
};

static const struct fhir_element contact_point[] = {
    {"system", FHIR_CODE, .codes = WORDS("phone", "fax", "email", "pager", "url", "sms", "other")},
    {"value", FHIR_STRING},
    {"use", FHIR_CODE, .codes = WORDS("home", "work", "temp", "old", "mobile")},
    {"rank", FHIR_COUNT},
    {"period", FHIR_OBJECT, CHILDREN(period)},
    END,
};

static const struct fhir_element address[] = {
    {"use", FHIR_CODE, .codes = WORDS("home", "work", "temp", "old", "billing")},
    {"type", FHIR_CODE, .codes = WORDS("postal", "physical", "both")},
    {"text", FHIR_STRING},
    {"line", FHIR_STRING, MANY},
    {"city", FHIR_STRING},
    {"district", FHIR_STRING},
    {"state", FHIR_STRING},
    {"postalCode", FHIR_STRING},
    {"country", FHIR_STRING},
    {"period", FHIR_OBJECT, CHILDREN(period)},
    END,
};

static const struct fhir_element annotation[] = {
    {"authorString", FHIR_STRING},
    {"time", FHIR_DATETIME},
    {"text", FHIR_TEXT, REQUIRED},
    END,
};

/* What the client sends here is replaced when the resource is stored. */
static const struct fhir_element meta[] = {
    {"versionId", FHIR_ID},
    {"lastUpdated", FHIR_INSTANT},
    {"source", FHIR_URI},
    {"profile", FHIR_URI, MANY},
    {"security", FHIR_OBJECT, MANY, CHILDREN(coding)},
    {"tag", FHIR_OBJECT, MANY, CHILDREN(coding)},
    END,
};

const struct fhir_element fhir_base_elements[] = {
    {"resourceType", FHIR_CODE, REQUIRED},
    {"id", FHIR_ID},
    {"meta", FHIR_OBJECT, CHILDREN(meta)},
    {"language", FHIR_CODE},
    END,
};

#define CONCEPT(name, cardinality)                                                                                     \
    {                                                                                                                  \
        name, FHIR_OBJECT, cardinality, CHILDREN(concept)                                                              \
    }
#define BOUND(name, cardinality, url, ...)                                                                             \
    {                                                                                                                  \
        name, FHIR_CONCEPT, cardinality, CHILDREN(concept), .system = (url), .codes = WORDS(__VA_ARGS__)               \
    }
#define REFERENCE(name, cardinality, ...)                                                                              \
    {                                                                                                                  \
        name, FHIR_REFERENCE, cardinality, .targets = WORDS(__VA_ARGS__)                                               \
    }
#define PATIENT(name)                                                                                                  \
    {                                                                                                                  \
        name, FHIR_PATIENT_REFERENCE, REQUIRED, .targets = WORDS("Patient")                                            \
    }
#define ONSET(form, kind, ...)                                                                                         \
    {                                                                                                                  \
        "onset" form, kind, OPTIONAL, .choice = "onset", __VA_ARGS__                                                   \
    }
#define PERSONS "Practitioner", "PractitionerRole", "Patient", "RelatedPerson"
#define TERMINOLOGY "http://terminology.hl7.org/CodeSystem/"
#define GENDERS WORDS("male", "female", "other", "unknown")

/* --- Patient --- */

static const struct fhir_element patient_contact[] = {
    CONCEPT("relationship", MANY),
    {"name", FHIR_OBJECT, CHILDREN(human_name)},
    {"telecom", FHIR_OBJECT, MANY, CHILDREN(contact_point)},
    {"address", FHIR_OBJECT, CHILDREN(address)},
    {"gender", FHIR_CODE, .codes = GENDERS},
    {"period", FHIR_OBJECT, CHILDREN(period)},
    END,
};

static const struct fhir_element patient_communication[] = {
    CONCEPT("language", REQUIRED),
    {"preferred", FHIR_BOOLEAN},
    END,
};

static const struct fhir_element patient[] = {
    {"identifier", FHIR_OBJECT, MANY, CHILDREN(identifier)},
    {"active", FHIR_BOOLEAN},
    {"name", FHIR_OBJECT, AT_LEAST_ONE, CHILDREN(human_name)},
    {"telecom", FHIR_OBJECT, MANY, CHILDREN(contact_point)},
    {"gender", FHIR_CODE, .codes = GENDERS},
    {"birthDate", FHIR_BIRTH_DATE},
    {"deceasedBoolean", FHIR_BOOLEAN, .choice = "deceased"},
    {"deceasedDateTime", FHIR_DATETIME, .choice = "deceased"},
    {"address", FHIR_OBJECT, MANY, CHILDREN(address)},
    CONCEPT("maritalStatus", OPTIONAL),
    {"multipleBirthBoolean", FHIR_BOOLEAN, .choice = "multipleBirth"},
    {"multipleBirthInteger", FHIR_COUNT, .choice = "multipleBirth"},
    {"contact", FHIR_OBJECT, MANY, CHILDREN(patient_contact)},
    {"communication", FHIR_OBJECT, MANY, CHILDREN(patient_communication)},
    REFERENCE("generalPractitioner", MANY, "Practitioner", "PractitionerRole", "Organization"),
    REFERENCE("managingOrganization", OPTIONAL, "Organization"),
    END,
};

static enum status check_names(struct fhir_check *check, const json_t *resource)
{
    size_t index;
    json_t *name;
    json_array_foreach (json_object_get(resource, "name"), index, name) {
        if (json_object_get(name, "family") != NULL || json_object_get(name, "given") != NULL) return OK;
    }
    return fhir_refuse_member(check, "name", "a name with family or given", "none");
}

/* cpt-2: a value needs its system. An e-mail address has something on both sides of its one '@'. */
static enum status check_telecoms(struct fhir_check *check, const json_t *resource)
{
    size_t index;
    json_t *telecom;
    json_array_foreach (json_object_get(resource, "telecom"), index, telecom) {
        const struct slice system = fhir_text_of(telecom, "system"), value = fhir_text_of(telecom, "value");
        struct slice user, host, more;
        if (value.size > 0 && system.size == 0)
            return fhir_refuse_member(check, "telecom.system", "a system beside the value", "nothing");
        if (!slice_equal_text(system, "email")) continue;
        const bool is_address = slice_split(value, '@', &user, &host) && user.size > 0 && host.size > 0 &&
                                !slice_split(host, '@', &user, &more) && !slice_split(value, ' ', &user, &more);
        if (!is_address) return fhir_refuse_member(check, "telecom.value", "an e-mail address", "another form");
    }
    return OK;
}

/* per-1. */
static enum status check_period(struct fhir_check *check, const json_t *object, const char *member)
{
    const json_t *const value = json_object_get(object, member);
    if (!fhir_day_is_after(fhir_text_of(value, "start"), fhir_text_of(value, "end"))) return OK;
    return fhir_refuse_member(check, member, "a start that is not after the end", "an earlier end");
}

static enum status patient_invariants(struct fhir_check *check, const json_t *resource)
{
    TRY(check_names(check, resource));
    return check_telecoms(check, resource);
}

/* --- AllergyIntolerance --- */

static const struct fhir_element reaction[] = {
    CONCEPT("substance", OPTIONAL),
    CONCEPT("manifestation", AT_LEAST_ONE),
    {"description", FHIR_STRING},
    {"onset", FHIR_DATETIME},
    {"severity", FHIR_CODE, .codes = WORDS("mild", "moderate", "severe")},
    CONCEPT("exposureRoute", OPTIONAL),
    {"note", FHIR_OBJECT, MANY, CHILDREN(annotation)},
    END,
};

static const struct fhir_element allergy[] = {
    {"identifier", FHIR_OBJECT, MANY, CHILDREN(identifier)},
    BOUND("clinicalStatus", OPTIONAL, TERMINOLOGY "allergyintolerance-clinical", "active", "inactive", "resolved"),
    BOUND("verificationStatus", OPTIONAL, TERMINOLOGY "allergyintolerance-verification", "unconfirmed", "confirmed",
          "refuted", "entered-in-error"),
    {"type", FHIR_CODE, .codes = WORDS("allergy", "intolerance")},
    {"category", FHIR_CODE, MANY, .codes = WORDS("food", "medication", "environment", "biologic")},
    {"criticality", FHIR_CODE, .codes = WORDS("low", "high", "unable-to-assess")},
    CONCEPT("code", OPTIONAL),
    PATIENT("patient"),
    REFERENCE("encounter", OPTIONAL, "Encounter"),
    ONSET("DateTime", FHIR_DATETIME),
    ONSET("Age", FHIR_OBJECT, CHILDREN(quantity)),
    ONSET("Period", FHIR_OBJECT, CHILDREN(period)),
    ONSET("String", FHIR_STRING),
    {"recordedDate", FHIR_DATETIME},
    REFERENCE("recorder", OPTIONAL, PERSONS),
    REFERENCE("asserter", OPTIONAL, PERSONS),
    {"lastOccurrence", FHIR_DATETIME},
    {"note", FHIR_OBJECT, MANY, CHILDREN(annotation)},
    {"reaction", FHIR_OBJECT, MANY, CHILDREN(reaction)},
    END,
};

/* ait-1 and ait-2. */
static enum status allergy_invariants(struct fhir_check *check, const json_t *resource)
{
    const bool is_error = fhir_concept_has(json_object_get(resource, "verificationStatus"), "entered-in-error");
    const bool has_status = json_object_get(resource, "clinicalStatus") != NULL;
    TRY(check_period(check, resource, "onsetPeriod"));
    if (is_error && has_status)
        return fhir_refuse_member(check, "clinicalStatus", "nothing beside entered-in-error", "this element");
    if (!is_error && !has_status)
        return fhir_refuse_member(check, "clinicalStatus", "this element unless entered-in-error", "nothing");
    return OK;
}

/* --- Condition --- */

static const struct fhir_element condition[] = {
    {"identifier", FHIR_OBJECT, MANY, CHILDREN(identifier)},
    BOUND("clinicalStatus", OPTIONAL, TERMINOLOGY "condition-clinical", "active", "recurrence", "relapse", "inactive",
          "remission", "resolved"),
    BOUND("verificationStatus", OPTIONAL, TERMINOLOGY "condition-ver-status", "unconfirmed", "provisional",
          "differential", "confirmed", "refuted", "entered-in-error"),
    CONCEPT("category", MANY),
    CONCEPT("severity", OPTIONAL),
    CONCEPT("code", OPTIONAL),
    CONCEPT("bodySite", MANY),
    PATIENT("subject"),
    REFERENCE("encounter", OPTIONAL, "Encounter"),
    ONSET("DateTime", FHIR_DATETIME),
    ONSET("Age", FHIR_OBJECT, CHILDREN(quantity)),
    ONSET("Period", FHIR_OBJECT, CHILDREN(period)),
    ONSET("String", FHIR_STRING),
    {"abatementDateTime", FHIR_DATETIME, .choice = "abatement"},
    {"abatementAge", FHIR_OBJECT, .choice = "abatement", CHILDREN(quantity)},
    {"abatementPeriod", FHIR_OBJECT, .choice = "abatement", CHILDREN(period)},
    {"abatementString", FHIR_STRING, .choice = "abatement"},
    {"recordedDate", FHIR_DATETIME},
    REFERENCE("recorder", OPTIONAL, PERSONS),
    REFERENCE("asserter", OPTIONAL, PERSONS),
    {"note", FHIR_OBJECT, MANY, CHILDREN(annotation)},
    END,
};

static bool has_abatement(const json_t *resource)
{
    return json_object_get(resource, "abatementDateTime") != NULL ||
           json_object_get(resource, "abatementAge") != NULL || json_object_get(resource, "abatementPeriod") != NULL ||
           json_object_get(resource, "abatementString") != NULL;
}

/* con-4 and con-5. */
static enum status condition_invariants(struct fhir_check *check, const json_t *resource)
{
    const json_t *const status = json_object_get(resource, "clinicalStatus");
    const bool is_over = fhir_concept_has(status, "inactive") || fhir_concept_has(status, "resolved") ||
                         fhir_concept_has(status, "remission");
    TRY(check_period(check, resource, "onsetPeriod"));
    TRY(check_period(check, resource, "abatementPeriod"));
    if (has_abatement(resource) && !is_over)
        return fhir_refuse_member(check, "clinicalStatus", "inactive, remission or resolved beside an abatement",
                                  "another code");
    if (status != NULL && fhir_concept_has(json_object_get(resource, "verificationStatus"), "entered-in-error"))
        return fhir_refuse_member(check, "clinicalStatus", "nothing beside entered-in-error", "this element");
    return OK;
}

/* --- Encounter --- */

static const struct fhir_element encounter_participant[] = {
    CONCEPT("type", MANY),
    {"period", FHIR_OBJECT, CHILDREN(period)},
    REFERENCE("individual", OPTIONAL, "Practitioner", "PractitionerRole", "RelatedPerson"),
    END,
};

static const struct fhir_element encounter_diagnosis[] = {
    REFERENCE("condition", REQUIRED, "Condition"),
    CONCEPT("use", OPTIONAL),
    {"rank", FHIR_COUNT},
    END,
};

static const struct fhir_element encounter_hospitalization[] = {
    {"preAdmissionIdentifier", FHIR_OBJECT, CHILDREN(identifier)},
    REFERENCE("origin", OPTIONAL, "Location", "Organization"),
    CONCEPT("admitSource", OPTIONAL),
    CONCEPT("reAdmission", OPTIONAL),
    CONCEPT("dietPreference", MANY),
    CONCEPT("specialArrangement", MANY),
    REFERENCE("destination", OPTIONAL, "Location", "Organization"),
    CONCEPT("dischargeDisposition", OPTIONAL),
    END,
};

static const struct fhir_element encounter_location[] = {
    REFERENCE("location", REQUIRED, "Location"),
    {"status", FHIR_CODE, .codes = WORDS("planned", "active", "reserved", "completed")},
    {"period", FHIR_OBJECT, CHILDREN(period)},
    END,
};

static const struct fhir_element encounter[] = {
    {"identifier", FHIR_OBJECT, MANY, CHILDREN(identifier)},
    {"status", FHIR_CODE, REQUIRED,
     .codes = WORDS("planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled",
                    "entered-in-error", "unknown")},
    {"class", FHIR_OBJECT, REQUIRED, CHILDREN(coding)},
    CONCEPT("type", MANY),
    CONCEPT("serviceType", OPTIONAL),
    CONCEPT("priority", OPTIONAL),
    PATIENT("subject"),
    {"participant", FHIR_OBJECT, MANY, CHILDREN(encounter_participant)},
    {"period", FHIR_OBJECT, CHILDREN(period)},
    CONCEPT("reasonCode", MANY),
    REFERENCE("reasonReference", MANY, "Condition", "Observation"),
    {"diagnosis", FHIR_OBJECT, MANY, CHILDREN(encounter_diagnosis)},
    {"hospitalization", FHIR_OBJECT, CHILDREN(encounter_hospitalization)},
    {"location", FHIR_OBJECT, MANY, CHILDREN(encounter_location)},
    REFERENCE("serviceProvider", OPTIONAL, "Organization"),
    REFERENCE("partOf", OPTIONAL, "Encounter"),
    END,
};

static enum status encounter_invariants(struct fhir_check *check, const json_t *resource)
{
    if (fhir_text_of(json_object_get(resource, "class"), "code").size == 0)
        return fhir_refuse_member(check, "class.code", "this element", "nothing");
    return check_period(check, resource, "period");
}

/* --- Coverage --- */

static const struct fhir_element coverage_class[] = {
    CONCEPT("type", REQUIRED),
    {"value", FHIR_STRING, REQUIRED},
    {"name", FHIR_STRING},
    END,
};

static const struct fhir_element coverage[] = {
    {"identifier", FHIR_OBJECT, MANY, CHILDREN(identifier)},
    {"status", FHIR_CODE, REQUIRED, .codes = WORDS("active", "cancelled", "draft", "entered-in-error")},
    CONCEPT("type", OPTIONAL),
    REFERENCE("policyHolder", OPTIONAL, "Patient", "RelatedPerson", "Organization"),
    REFERENCE("subscriber", OPTIONAL, "Patient", "RelatedPerson"),
    {"subscriberId", FHIR_STRING},
    PATIENT("beneficiary"),
    {"dependent", FHIR_STRING},
    CONCEPT("relationship", OPTIONAL),
    {"period", FHIR_OBJECT, CHILDREN(period)},
    REFERENCE("payor", AT_LEAST_ONE, "Organization", "Patient", "RelatedPerson"),
    {"class", FHIR_OBJECT, MANY, CHILDREN(coverage_class)},
    {"order", FHIR_COUNT},
    {"network", FHIR_STRING},
    {"subrogation", FHIR_BOOLEAN},
    END,
};

static enum status coverage_invariants(struct fhir_check *check, const json_t *resource)
{
    return check_period(check, resource, "period");
}

/* --- ServiceRequest, as it is ordered --- */

static const struct fhir_element order[] = {
    {"status", FHIR_CODE, .codes = WORDS("active")},
    {"intent", FHIR_CODE, .codes = WORDS("order")},
    {"priority", FHIR_CODE, .codes = WORDS("routine", "urgent", "asap", "stat")},
    CONCEPT("code", REQUIRED),
    PATIENT("subject"),
    REFERENCE("encounter", OPTIONAL, "Encounter"),
    CONCEPT("reasonCode", MANY),
    REFERENCE("supportingInfo", AT_LEAST_ONE, "ImagingStudy"),
    {"note", FHIR_OBJECT, MANY, CHILDREN(annotation)},
    END,
};

/* One study for each order: the report answers for one film. */
static enum status order_invariants(struct fhir_check *check, const json_t *resource)
{
    const json_t *const studies = json_object_get(resource, "supportingInfo");
    if (json_array_size(studies) != 1) return fhir_refuse_member(check, "supportingInfo", "one ImagingStudy", "more");
    if (fhir_text_of(json_array_get(studies, 0), "reference").size == 0)
        return fhir_refuse_member(check, "supportingInfo[0].reference", "ImagingStudy/ID", "nothing");
    return OK;
}

const struct fhir_resource_rules fhir_resource_rules[FHIR_TYPE_COUNT] = {
    [FHIR_PATIENT] = {patient, patient_invariants},       [FHIR_ALLERGY_INTOLERANCE] = {allergy, allergy_invariants},
    [FHIR_CONDITION] = {condition, condition_invariants}, [FHIR_ENCOUNTER] = {encounter, encounter_invariants},
    [FHIR_COVERAGE] = {coverage, coverage_invariants},    [FHIR_SERVICE_REQUEST] = {order, order_invariants},
};
