/* SPDX-License-Identifier: Apache-2.0
 *
 * Claims to try a policy with, as a person writes them (docs/policies/README.md): a JSON object {type: value, ...}, in
 * which an array stands for several claims of that type, or an array of {"type", "value", "valueType"?, "issuer"?}.
 * Values are strings, integers and booleans; an object stands for its compact JSON text, as the service shows `events`
 * or x-ms-sgx-collateral. Without an issuer a claim is the service's own: "AttestationService".
 */
#pragma once

#include "policy/claims.h"

enum { CLAIMS_FILE_MAX_BYTES = 4 * 1024 * 1024 };

/* Adds the claims of the text to `set`. ERR_JSON_SYNTAX, ERR_TOO_LARGE, ERR_FIELD_*, and those of claim_set_add. */
enum status claims_file_parse(struct slice text, struct refusal *why, struct claim_set *set);

/* Of a claim's value type and issuer: "String", "AttestationPolicy". */
const char *claims_file_value_type(enum claim_value_type type);
const char *claims_file_issuer(enum claim_issuer issuer);
