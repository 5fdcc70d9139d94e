/* SPDX-License-Identifier: Apache-2.0
 *
 * OperationOutcome: a refusal in FHIR's words. Pure.
 */
#pragma once

#include "records/fhir.h"

/* One issue of severity `error`: the code of R4's IssueType, our status name as its details, the refusal's sentence as
 * diagnostics, and the field as expression if it is a FHIRPath. */
enum status fhir_outcome(const struct refusal *why, json_t **outcome_out);
