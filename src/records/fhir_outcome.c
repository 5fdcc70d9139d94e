/* SPDX-License-Identifier: Apache-2.0 */
#include "records/fhir_outcome.h"

enum { DIAGNOSTICS_MAX_BYTES = 1024 };

static const char *issue_type(enum status status)
{
    switch (status) {
    case ERR_FHIR:
    case ERR_ENCODING:
    case ERR_FIELD_VALUE: return "value";
    case ERR_FIELD_MISSING: return "required";
    case ERR_JSON_SYNTAX:
    case ERR_FIELD_TYPE:
    case ERR_FIELD_UNKNOWN: return "structure";
    case ERR_TOO_LARGE: return "too-long";
    case ERR_NOT_FOUND: return "not-found";
    case ERR_CONFLICT: return "conflict";
    case ERR_FORBIDDEN: return "forbidden";
    case ERR_SIGN_IN:
    case ERR_SESSION: return "login";
    case ERR_THROTTLED: return "throttled";
    case ERR_STORE_FULL: return "no-store";
    case ERR_CACHE:
    case ERR_BUSY:
    case ERR_TIMEOUT: return "transient";
    case ERR_UNSUPPORTED: return "not-supported";
    default: return "exception";
    }
}

/* "Patient.birthDate" and the like begin with a type's name. */
static bool is_fhir_path(const char *field)
{
    struct slice first = slice_of_text(field), rest;
    enum fhir_type type;
    if (!slice_split(slice_of_text(field), '.', &first, &rest)) first = slice_of_text(field);
    return fhir_type_from(first, &type) || slice_equal_text(first, "Bundle");
}

enum status fhir_outcome(const struct refusal *why, json_t **outcome_out)
{
    char diagnostics[DIAGNOSTICS_MAX_BYTES];
    refusal_text(why, diagnostics, sizeof(diagnostics));
    CLEANUP(json_done)
    json_t *issue = json_pack("{s:s, s:s, s:s, s:{s:[{s:s, s:s}]}}", "severity", "error", "code",
                              issue_type(why->status), "diagnostics", diagnostics, "details", "coding", "system",
                              "urn:lazaret:status", "code", status_name(why->status));
    if (issue == NULL) return ERR_NO_MEMORY;
    if (is_fhir_path(why->field) && json_object_set_new(issue, "expression", json_pack("[s]", why->field)) != 0)
        return ERR_NO_MEMORY;
    json_t *const outcome = json_pack("{s:s, s:[O]}", "resourceType", "OperationOutcome", "issue", issue);
    if (outcome == NULL) return ERR_NO_MEMORY;
    *outcome_out = outcome;
    return OK;
}
