/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of records: 128 random bits as 32 lower-case hexadecimal digits, which are also valid FHIR ids. An id says
 * nothing about what it names, so it may stand in clear in tables and addresses.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

enum { RECORD_ID_BYTES = 32, FHIR_ID_MAX_BYTES = 64 };

struct record_id {
    char text[RECORD_ID_BYTES + 1];
};

/* A fresh one. ERR_CRYPTO. */
enum status record_id_new(struct record_id *id_out);

/* Whether `text` has the form that record_id_new gives: what a client names as a record of ours. */
bool record_id_is_valid(struct slice text);

/* The same with a copy. ERR_NOT_FOUND: no record can have such a name. */
enum status record_id_from(struct slice text, struct record_id *id_out);

/* FHIR R4's id: 1 to 64 of A-Z a-z 0-9 '-' '.'. */
bool fhir_id_is_valid(struct slice text);
