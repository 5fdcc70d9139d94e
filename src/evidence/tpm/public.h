/* SPDX-License-Identifier: Apache-2.0
 *
 * TPMT_PUBLIC of an attestation key (TPM 2.0 Library part 2, sections 12.2.3 and 12.2.4): RSA, or ECC on P-256 and
 * P-384, fit to sign quotes and nothing that comes from outside the TPM.
 */
#pragma once

#include "base/refusal.h"
#include "crypto/key.h"
#include "evidence/tpm.h"

struct tpm_public {
    struct slice area;    /* TPMT_PUBLIC without a size, borrowed: what the name is taken over */
    uint16_t scheme;      /* the only one that the TPM signs with */
    uint16_t scheme_hash; /* enum tpm_hash */
    enum tpm_hash name_hash;
    struct key *key; /* owned */
};
void tpm_public_done(struct tpm_public *parsed);

/* As tpm_public_name of evidence/tpm.h. */
enum status tpm_public_name_of(const struct tpm_public *parsed, uint8_t name_out[static TPM_NAME_MAX_BYTES],
                               size_t *size_out);

/* TPM2B_PUBLIC or TPMT_PUBLIC. ERR_TPM_MALFORMED, ERR_TPM_KEY (attributes, scheme, curve, size), ERR_KEY_INVALID,
 * ERR_TRAILING_BYTES, ERR_TOO_LARGE. The caller ends it with tpm_public_done. */
enum status tpm_public_parse(struct slice bytes, struct refusal *why, struct tpm_public *public_out);
