/* SPDX-License-Identifier: Apache-2.0 */
#include "records/resources.h"

#include "records/fhir_schema.h"
#include "records/name.h"
#include "records/patient_index.h"

/* The patient to whom it belongs, "" for a Patient. */
static enum status owner_of(const json_t *resource, enum fhir_type type, struct record_id *owner_out)
{
    *owner_out = (struct record_id){};
    return type == FHIR_PATIENT ? OK : fhir_patient_of(resource, owner_out);
}

static enum status check_patient(struct store_transaction *transaction, const struct record_id *patient)
{
    CLEANUP(buffer_done) struct buffer value = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    return store_get(transaction, fhir_type_name(FHIR_PATIENT), patient->text, &value, NULL);
}

/* The element that names the patient, for a refusal. */
static const char *patient_path(enum fhir_type type)
{
    switch (type) {
    case FHIR_ALLERGY_INTOLERANCE: return "AllergyIntolerance.patient.reference";
    case FHIR_CONDITION: return "Condition.subject.reference";
    case FHIR_ENCOUNTER: return "Encounter.subject.reference";
    case FHIR_COVERAGE: return "Coverage.beneficiary.reference";
    case FHIR_SERVICE_REQUEST: return "ServiceRequest.subject.reference";
    default: return "subject.reference";
    }
}

static enum status known_owner(struct store_transaction *transaction, const json_t *resource, enum fhir_type type,
                               struct refusal *why, struct record_id *owner_out)
{
    enum status status = owner_of(resource, type, owner_out);
    if (status == OK && owner_out->text[0] != '\0') status = check_patient(transaction, owner_out);
    if (status == ERR_NOT_FOUND)
        return refuse(why, ERR_FHIR, patient_path(type), "a patient who is registered here", "another id");
    return status;
}

/* Writes a stamped resource. `version` is the one expected in the store. */
static enum status write_resource(struct store_transaction *transaction, const json_t *resource, enum fhir_type type,
                                  const struct record_id *id, const struct record_id *owner, uint64_t version,
                                  uint64_t *version_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(FHIR_RESOURCE_MAX_BYTES);
    TRY(json_write(resource, &text));
    struct lookup_tokens tokens = {};
    if (type == FHIR_PATIENT) TRY(patient_index(store_keys(transaction), resource, &tokens));
    const struct store_record record = {.type = fhir_type_name(type),
                                        .id = id->text,
                                        .owner = owner->text,
                                        .version = version,
                                        .value = buffer_slice(&text)};
    return store_put(transaction, &record, &tokens, version_out);
}

enum status resource_create(struct store_transaction *transaction, json_t *resource, const struct record_id *id,
                            int64_t now_s, struct refusal *why)
{
    enum fhir_type type;
    struct record_id owner;
    TRY(fhir_type_of(resource, why, &type));
    TRY(known_owner(transaction, resource, type, why, &owner));
    TRY(fhir_stamp(resource, id->text, 1, now_s));
    return write_resource(transaction, resource, type, id, &owner, 0, NULL);
}

enum status resource_update(struct store_transaction *transaction, json_t *resource, const struct record_id *id,
                            uint64_t expected_version, int64_t now_s, struct refusal *why, uint64_t *version_out)
{
    enum fhir_type type;
    struct record_id owner;
    TRY(fhir_type_of(resource, why, &type));
    const struct slice carried = fhir_text_of(resource, "id");
    if (carried.size > 0 && !slice_equal_text(carried, id->text))
        return refuse(why, ERR_FHIR, "id", "the id in the address", "another id");
    CLEANUP(buffer_done) struct buffer present = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    struct store_facts facts;
    TRY(store_get(transaction, fhir_type_name(type), id->text, &present, &facts));
    if (facts.version != expected_version) return ERR_CONFLICT;
    TRY(known_owner(transaction, resource, type, why, &owner));
    if (!slice_equal_text(slice_of_text(owner.text), facts.owner))
        return refuse(why, ERR_FHIR, patient_path(type), "the same patient as before", "another");
    TRY(fhir_stamp(resource, id->text, expected_version + 1, now_s));
    return write_resource(transaction, resource, type, id, &owner, expected_version, version_out);
}

/* What the store holds was written by this program: text that does not parse is damage. */
static enum status parse_stored(struct slice text, json_t **resource_out)
{
    const enum status status = json_parse(text, STORE_VALUE_MAX_BYTES, NULL, resource_out);
    return status == ERR_JSON_SYNTAX ? ERR_STORE_CORRUPT : status;
}

enum status resource_get(struct store_transaction *transaction, enum fhir_type type, const struct record_id *id,
                         json_t **resource_out, uint64_t *version_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(STORE_VALUE_MAX_BYTES);
    struct store_facts facts;
    TRY(store_get(transaction, fhir_type_name(type), id->text, &text, &facts));
    TRY(parse_stored(buffer_slice(&text), resource_out));
    if (version_out != NULL) *version_out = facts.version;
    return OK;
}

/* Patients before what belongs to them. */
enum status resource_apply(struct store_transaction *transaction, const struct fhir_transaction *entries, int64_t now_s,
                           struct refusal *why)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < entries->count; i++) {
            const struct fhir_entry *const entry = &entries->entries[i];
            if ((entry->type == FHIR_PATIENT) != (pass == 0)) continue;
            TRY(resource_create(transaction, entry->resource, &entry->id, now_s, why));
        }
    }
    return OK;
}

/* --- listings --- */

struct listing {
    json_t *searchset;
    size_t limit;
    struct slice question; /* folded name that a Patient must match; empty: any */
};

static enum status matches(const json_t *patient, struct slice question, bool *matches_out)
{
    CLEANUP(buffer_done) struct buffer names = buffer_of_maximum(FHIR_RESOURCE_MAX_BYTES);
    if (question.size > 0) TRY(patient_folded_names(patient, &names));
    *matches_out = name_matches(buffer_slice(&names), question);
    return OK;
}

static enum status add_to_listing(void *context, const struct store_record *record, bool *more)
{
    struct listing *const listing = context;
    enum fhir_type type;
    /* A patient owns films too, which are no resources. */
    if (!fhir_type_from(slice_of_text(record->type), &type)) return OK;
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(parse_stored(record->value, &resource));
    bool is_wanted;
    TRY(matches(resource, listing->question, &is_wanted));
    if (is_wanted) TRY(fhir_searchset_add(listing->searchset, resource));
    *more = fhir_searchset_count(listing->searchset) < listing->limit;
    return OK;
}

enum status resource_list(struct store_transaction *transaction, enum fhir_type type, const struct record_id *patient,
                          json_t *searchset)
{
    struct listing listing = {.searchset = searchset, .limit = SIZE_MAX};
    return store_list_owned(transaction, patient->text, fhir_type_name(type), add_to_listing, &listing);
}

enum status resource_list_all(struct store_transaction *transaction, enum fhir_type type, size_t limit,
                              json_t *searchset)
{
    struct listing listing = {.searchset = searchset, .limit = limit};
    return store_list(transaction, fhir_type_name(type), add_to_listing, &listing);
}

enum status resource_everything(struct store_transaction *transaction, const struct record_id *patient,
                                json_t *searchset)
{
    CLEANUP(json_done) json_t *resource = NULL;
    TRY(resource_get(transaction, FHIR_PATIENT, patient, &resource, NULL));
    TRY(fhir_searchset_add(searchset, resource));
    struct listing listing = {.searchset = searchset, .limit = SIZE_MAX};
    return store_list_owned(transaction, patient->text, NULL, add_to_listing, &listing);
}

enum status patient_search(struct store_transaction *transaction, const struct patient_query *query,
                           struct refusal *why, json_t *searchset)
{
    struct lookup_tokens tokens;
    TRY(patient_query_tokens(store_keys(transaction), query, why, &tokens));
    CLEANUP(buffer_done) struct buffer folded = buffer_of_maximum(2 * NAME_MAX_BYTES);
    TRY(name_fold(query->name, &folded));
    struct listing listing = {
        .searchset = searchset, .limit = PATIENT_SEARCH_MAX_COUNT, .question = buffer_slice(&folded)};
    const char *const type = fhir_type_name(FHIR_PATIENT);
    if (tokens.count == 0) return store_list(transaction, type, add_to_listing, &listing);
    return store_search(transaction, type, &tokens, add_to_listing, &listing);
}
