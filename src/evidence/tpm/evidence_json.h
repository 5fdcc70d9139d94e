/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of a TPM's evidence in JSON, for texts that hold it as a part.
 */
#pragma once

#include "base/json.h"
#include "evidence/tpm.h"

/* Reads an object of these members into an empty `evidence`, at the place where it will stay. On failure the caller
 * still ends it with tpm_evidence_done. `has_key` false: "key" and "public" are not known. */
enum status tpm_evidence_members(const json_t *object, const char *path, bool has_key, struct refusal *why,
                                 struct tpm_evidence *evidence);

/* Lets the quote borrow from the members, when all are there. */
void tpm_evidence_join(struct tpm_evidence *evidence);
