/* SPDX-License-Identifier: Apache-2.0
 *
 * How the keys of a request are bound to the TPM, and what policies and tokens are told of them. Private to this room.
 */
#pragma once

#include "attestation/tpm/report.h"

/* What the quote of now must carry: the digest of key and challenge for a key bound by the quote, else the challenge. A
 * request key in the second form must be bound. ERR_TPM_KEY. */
enum status keys_quote_nonce(const struct tpm_request *request, struct refusal *why,
                             uint8_t nonce_out[static HASH_MAX_BYTES], size_t *size_out);

/* Verifies certified keys, and writes confirmation, request_key and other_keys. ERR_TPM_*, ERR_KEY_INVALID, ... */
enum status keys_verify(struct tpm_report *report, struct refusal *why);
