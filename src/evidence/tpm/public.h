/* SPDX-License-Identifier: Apache-2.0
 *
 * TPMT_PUBLIC of an attestation key (TPM 2.0 Library part 2, sections 12.2.3 and 12.2.4): RSA, or ECC on P-256 and
 * P-384, fit to sign quotes and nothing that comes from outside the TPM.
 */
#pragma once

#include "base/reader.h"
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

/* What every public area begins with. */
struct tpm_public_head {
    uint16_t type; /* TPM_ALG_RSA or TPM_ALG_ECC */
    enum tpm_hash name_hash;
    uint32_t attributes;
    struct slice policy; /* borrowed */
};
/* ERR_TPM_MALFORMED, ERR_TPM_KEY. */
enum status tpm_read_head(struct reader *reader, struct refusal *why, struct tpm_public_head *head_out);

/* The key's numbers, behind the scheme: TPMS_RSA_PARMS and TPM2B_PUBLIC_KEY_RSA, or TPMS_ECC_PARMS and TPMS_ECC_POINT.
 * ERR_TPM_MALFORMED, ERR_TPM_KEY, ERR_KEY_INVALID. */
enum status tpm_read_rsa(struct reader *reader, struct refusal *why, struct key **key_out);
enum status tpm_read_ecc(struct reader *reader, struct refusal *why, struct key **key_out);

/* The name of a public area. */
enum status tpm_name_of(struct slice area, enum tpm_hash name_hash, uint8_t name_out[static TPM_NAME_MAX_BYTES],
                        size_t *size_out);

/* Any key, whatever it may do. */
struct tpm_object {
    struct slice area;
    enum tpm_hash name_hash;
    uint32_t attributes;
    struct slice policy;
    struct key *key; /* owned */
};
void tpm_object_done(struct tpm_object *object);

/* TPM2B_PUBLIC or TPMT_PUBLIC; it borrows. As tpm_public_parse, but for attributes and schemes, which are not judged.
 */
enum status tpm_object_parse(struct slice bytes, struct refusal *why, struct tpm_object *object_out);

/* As tpm_public_name of evidence/tpm.h. */
enum status tpm_public_name_of(const struct tpm_public *parsed, uint8_t name_out[static TPM_NAME_MAX_BYTES],
                               size_t *size_out);

/* TPM2B_PUBLIC or TPMT_PUBLIC. ERR_TPM_MALFORMED, ERR_TPM_KEY (attributes, scheme, curve, size), ERR_KEY_INVALID,
 * ERR_TRAILING_BYTES, ERR_TOO_LARGE. The caller ends it with tpm_public_done. */
enum status tpm_public_parse(struct slice bytes, struct refusal *why, struct tpm_public *public_out);
