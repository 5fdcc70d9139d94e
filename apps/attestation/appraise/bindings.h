/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes with evidence and is bound by it, and the form in which tokens have it. Private to this room. What
 * evidence_verify compares itself, runtime data, is not compared here again.
 */
#pragma once

#include "attestation/appraise/appraise.h"

enum { COLLATERAL_JSON_MAX_BYTES = 1024 };

/* CONFIGID, HOST_DATA and MRCONFIGID hold SHA-256 of init time data, and zeros where they are longer. */
enum status check_init_time(const struct attest_data *data, const struct evidence_claims *evidence,
                            struct refusal *why);

/* Data of type JSON in canonical form; nothing is appended for others. ERR_JSON_SYNTAX, ERR_FIELD_TYPE for what is not
 * an object, ERR_TOO_LARGE. */
enum status embed_data(const struct attest_data *data, const char *field, struct refusal *why, struct buffer *json);

/* x-ms-sgx-collateral of an enclave; nothing is appended for others. */
enum status embed_collateral(const struct evidence_claims *evidence, struct buffer *json);

/* Text without control characters. ERR_FIELD_VALUE. */
enum status check_nonce(struct slice nonce, struct refusal *why);
