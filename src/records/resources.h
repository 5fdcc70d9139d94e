/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR resources in the store: what the routes of docs/protocols.md, section 8, do to it. A record's type is the
 * resource's type, its owner the patient (a Patient has none), its value the JSON text.
 *
 * Resources given here are validated (records/fhir.h) or built by the platform (records/fhir_build.h). Patients are
 * found by name (records/name.h says how), birth date and identifier; nothing else is searchable. Identifiers compare
 * without case, spaces, '-', '.' and '/'.
 * Errors: those of the store; ERR_FHIR with its FHIRPath where a rule about other records is broken.
 */
#pragma once

#include "records/fhir_bundle.h"
#include "records/store.h"

enum { PATIENT_SEARCH_MAX_COUNT = 100, PATIENT_INDEXED_NAME_TOKENS = 160, PATIENT_INDEXED_IDENTIFIERS = 8 };

/* Stamps and writes a new resource under `id`. ERR_FHIR if its patient is not known. */
enum status resource_create(struct store_transaction *transaction, json_t *resource, const struct record_id *id,
                            int64_t now_s, struct refusal *why);

/* Replaces it; `expected_version` comes from if-match. ERR_NOT_FOUND, ERR_CONFLICT; ERR_FHIR if the resource carries
 * another id or would go to another patient. */
enum status resource_update(struct store_transaction *transaction, json_t *resource, const struct record_id *id,
                            uint64_t expected_version, int64_t now_s, struct refusal *why, uint64_t *version_out);

/* ERR_NOT_FOUND. `version_out` may be NULL. */
enum status resource_get(struct store_transaction *transaction, enum fhir_type type, const struct record_id *id,
                         json_t **resource_out, uint64_t *version_out);

/* Writes every entry, or none if the store's transaction is then rolled back. ERR_FHIR as above. */
enum status resource_apply(struct store_transaction *transaction, const struct fhir_transaction *entries, int64_t now_s,
                           struct refusal *why);

/* Adds the patient's resources of one type to a searchset, newest first. */
enum status resource_list(struct store_transaction *transaction, enum fhir_type type, const struct record_id *patient,
                          json_t *searchset);

/* Adds all resources of a type, newest first, at most `limit`: the inbox reads Communications. */
enum status resource_list_all(struct store_transaction *transaction, enum fhir_type type, size_t limit,
                              json_t *searchset);

/* Adds the patient, then all resources that belong to him, newest first. ERR_NOT_FOUND. */
enum status resource_everything(struct store_transaction *transaction, const struct record_id *patient,
                                json_t *searchset);

/* Adds the patients that match all that is given, newest first, at most PATIENT_SEARCH_MAX_COUNT. Empty slices are not
 * asked for; with none, the newest patients. `identifier` is "system|value" or "value". ERR_FIELD_VALUE with the
 * parameter's name. */
struct patient_query {
    struct slice name;
    struct slice birth_date;
    struct slice identifier;
};
enum status patient_search(struct store_transaction *transaction, const struct patient_query *query,
                           struct refusal *why, json_t *searchset);
