/* SPDX-License-Identifier: Apache-2.0
 *
 * What every TPM structure is made of (TPM 2.0 Library part 2): big-endian numbers, TPM2B (a size and so many bytes)
 * and algorithm identifiers. Each read names its field in the refusal: ERR_TPM_MALFORMED, ERR_TRAILING_BYTES.
 */
#pragma once

#include "base/reader.h"
#include "base/refusal.h"
#include "crypto/hash.h"
#include "evidence/tpm.h"

/* TPM_ALG_ID, part 2 table 9 and the TCG Algorithm Registry. Hashes are `enum tpm_hash`. */
enum {
    TPM_ALG_RSA = 0x0001,
    TPM_ALG_NULL = 0x0010,
    TPM_ALG_RSASSA = 0x0014,
    TPM_ALG_RSAPSS = 0x0016,
    TPM_ALG_ECDSA = 0x0018,
    TPM_ALG_ECC = 0x0023,
};

/* "RSASSA (0x0014)", for refusals. */
struct tpm_algorithm_text {
    char text[40];
};
struct tpm_algorithm_text tpm_algorithm_text(uint16_t id);

/* The hash behind an identifier; false for one that is not among enum tpm_hash. */
bool tpm_hash_known(uint16_t id, enum hash *hash_out);

/* The same for names of keys, which SHA-1 does not make. */
bool tpm_name_hash_known(uint16_t id, enum hash *hash_out);

/* The hash of a bank, which the caller has checked. */
enum hash tpm_hash_of(enum tpm_hash id);

enum status tpm_read_u8(struct reader *reader, const char *field, struct refusal *why, uint8_t *value_out);
enum status tpm_read_u16(struct reader *reader, const char *field, struct refusal *why, uint16_t *value_out);
enum status tpm_read_u32(struct reader *reader, const char *field, struct refusal *why, uint32_t *value_out);
enum status tpm_read_u64(struct reader *reader, const char *field, struct refusal *why, uint64_t *value_out);

/* A TPM2B of at most `maximum` bytes, without its size. */
enum status tpm_read_sized(struct reader *reader, const char *field, size_t maximum, struct refusal *why,
                           struct slice *bytes_out);
enum status tpm_read_end(const struct reader *reader, const char *field, struct refusal *why);

/* What is behind the size if `bytes` are a TPM2B that fills them, otherwise all of them. */
struct slice tpm_without_size(struct slice bytes);

/* A number that may lack leading zeros, right-aligned in exactly `size` bytes; false if it is longer. */
bool tpm_pad_number(struct slice number, size_t size, uint8_t *bytes_out);
