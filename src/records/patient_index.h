/* SPDX-License-Identifier: Apache-2.0
 *
 * How a Patient is found: the lookup tokens of its fields, those of a question, and the comparison afterwards that
 * tokens of eight letters cannot make. Pure.
 */
#pragma once

#include "records/resources.h"

/* The tokens under which a Patient is kept. */
enum status patient_index(const struct record_keys *keys, const json_t *patient, struct lookup_tokens *tokens_out);

/* The tokens of a question; none if nothing is asked. ERR_FIELD_VALUE with the parameter's name. */
enum status patient_query_tokens(const struct record_keys *keys, const struct patient_query *query, struct refusal *why,
                                 struct lookup_tokens *tokens_out);

/* Appends all names of a Patient, folded. */
enum status patient_folded_names(const json_t *patient, struct buffer *folded);
