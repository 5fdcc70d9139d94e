/* SPDX-License-Identifier: Apache-2.0
 *
 * TPMT_SIGNATURE (TPM 2.0 Library part 2, section 11.3.4) of the kinds that are accepted: RSASSA, RSAPSS and ECDSA over
 * SHA-256 or SHA-384. Others are refused by name.
 */
#pragma once

#include "base/refusal.h"
#include "crypto/key.h"
#include "evidence/tpm.h"

struct tpm_signature {
    uint16_t scheme;  /* TPM_ALG_RSASSA, TPM_ALG_RSAPSS or TPM_ALG_ECDSA */
    uint16_t hash_id; /* enum tpm_hash */
    enum hash hash;
    struct slice first, second; /* RSA: the signature and nothing; ECDSA: r and s. Borrowed. */
};

/* ERR_TPM_MALFORMED, ERR_TRAILING_BYTES, ERR_TOO_LARGE. */
enum status tpm_signature_parse(struct slice bytes, struct refusal *why, struct tpm_signature *signature_out);

/* ERR_TPM_KEY if the key is of another kind than the signature, ERR_TPM_SIGNATURE. */
enum status tpm_signature_verify(const struct tpm_signature *signature, const struct key *key, struct slice message,
                                 struct refusal *why);
