/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR resources in the sealed store: a record's type is the resource's type, its owner the patient ("" for a Patient
 * itself), its version the resource's.
 */
#pragma once

#include "base/json.h"
#include "platform/film_store.h"
#include "records/store.h"

enum { RESOURCE_MAX_BYTES = 4 * 1024 * 1024, SEARCH_MAX_COUNT = 100 };

/* Writes a resource under its id with the next version; sets meta.versionId and meta.lastUpdated in it first. `version`
 * as in store_put. */
enum status resource_put(struct store_transaction *transaction, json_t *resource, const char *owner, uint64_t version,
                         int64_t now_s);

/* ERR_NOT_FOUND, with the refusal's field. The caller owns `resource_out`. */
enum status resource_get(struct store_transaction *transaction, const char *type, const char *id, struct refusal *why,
                         json_t **resource_out, struct store_facts *facts_out);

/* The ImagingStudy of a film that has become complete. */
enum status resource_put_study(struct store_transaction *transaction, const struct film_record *film, int64_t now_s);

/* The patient's id in a reference member ("subject", "patient", "beneficiary"), or "" if the type has none. */
enum status resource_patient(const json_t *resource, struct refusal *why, struct record_id *patient_out);
