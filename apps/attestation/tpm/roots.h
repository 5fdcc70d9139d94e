/* SPDX-License-Identifier: Apache-2.0
 *
 * Which attestation identity keys are a TPM's: the certificate's chain, dates and purpose. Revocation is not looked up:
 * the authorities that issue AIK certificates publish short-lived ones instead. Private to this room.
 */
#pragma once

#include "attestation/tpm/tpm.h"

/* Whether `aik_cert` (DER; or PEM, the key's own first, then its authorities) is of this key and leads to one of the
 * roots. ERR_CHAIN, ERR_CERTIFICATE_EXPIRED, ERR_CERTIFICATE_MALFORMED, ERR_KEY_INVALID, ERR_TOO_LARGE. */
enum status tpm_aik_check(const struct tpm_roots *roots, struct slice aik_cert, const struct key *aik, int64_t now_s,
                          struct refusal *why);
