/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of PCRs and the digest that a quote carries of them (TPM 2.0 Library part 3, TPM2_Quote).
 */
#pragma once

#include "base/refusal.h"
#include "crypto/hash.h"
#include "evidence/tpm/attest.h"

/* Checks that the values are those which the quote was made over: the digest, by the hash of the signature scheme, of
 * the selected PCRs from the lowest to the highest. ERR_TPM_PCR. */
enum status tpm_pcrs_check(const struct tpm_pcrs *pcrs, const struct tpm_attest *attest, enum hash scheme_hash,
                           struct refusal *why);
