/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/wire.h"

#include <stdio.h>
#include <string.h>

static const char *algorithm_name(uint16_t id)
{
    static const struct {
        uint16_t id;
        const char *name;
    } names[] = {
        {TPM_ALG_RSA, "RSA"},
        {TPM_HASH_SHA1, "SHA-1"},
        {0x0005, "HMAC"},
        {0x0006, "AES"},
        {0x0008, "KEYEDHASH"},
        {TPM_HASH_SHA256, "SHA-256"},
        {TPM_HASH_SHA384, "SHA-384"},
        {TPM_HASH_SHA512, "SHA-512"},
        {TPM_ALG_NULL, "null"},
        {0x0012, "SM3-256"},
        {TPM_ALG_RSASSA, "RSASSA"},
        {0x0015, "RSAES"},
        {TPM_ALG_RSAPSS, "RSAPSS"},
        {0x0017, "OAEP"},
        {TPM_ALG_ECDSA, "ECDSA"},
        {0x0019, "ECDH"},
        {0x001a, "ECDAA"},
        {0x001b, "SM2"},
        {0x001c, "ECSCHNORR"},
        {TPM_ALG_ECC, "ECC"},
        {0x0025, "SYMCIPHER"},
        {0x0027, "SHA3-256"},
        {0x0028, "SHA3-384"},
        {0x0029, "SHA3-512"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].id == id) return names[i].name;
    }
    return "unknown";
}

struct tpm_algorithm_text tpm_algorithm_text(uint16_t id)
{
    struct tpm_algorithm_text text;
    (void)snprintf(text.text, sizeof(text.text), "%s (0x%04x)", algorithm_name(id), id);
    return text;
}

bool tpm_hash_known(uint16_t id, enum hash *hash_out)
{
    switch (id) {
    case TPM_HASH_SHA1: *hash_out = HASH_SHA1; return true;
    case TPM_HASH_SHA256: *hash_out = HASH_SHA256; return true;
    case TPM_HASH_SHA384: *hash_out = HASH_SHA384; return true;
    case TPM_HASH_SHA512: *hash_out = HASH_SHA512; return true;
    default: return false;
    }
}

bool tpm_name_hash_known(uint16_t id, enum hash *hash_out)
{
    return id != TPM_HASH_SHA1 && tpm_hash_known(id, hash_out);
}

enum hash tpm_hash_of(enum tpm_hash id)
{
    enum hash hash = HASH_SHA1;
    (void)tpm_hash_known((uint16_t)id, &hash);
    return hash;
}

static enum status refuse_short(const struct reader *reader, const char *field, struct refusal *why)
{
    return refuse(why, ERR_TPM_MALFORMED, field, "all bytes that the structure has here", "%zu bytes left",
                  reader_left(reader));
}

enum status tpm_read_u8(struct reader *reader, const char *field, struct refusal *why, uint8_t *value_out)
{
    return reader_u8(reader, value_out) == OK ? OK : refuse_short(reader, field, why);
}

enum status tpm_read_u16(struct reader *reader, const char *field, struct refusal *why, uint16_t *value_out)
{
    return reader_u16(reader, value_out) == OK ? OK : refuse_short(reader, field, why);
}

enum status tpm_read_u32(struct reader *reader, const char *field, struct refusal *why, uint32_t *value_out)
{
    return reader_u32(reader, value_out) == OK ? OK : refuse_short(reader, field, why);
}

enum status tpm_read_u64(struct reader *reader, const char *field, struct refusal *why, uint64_t *value_out)
{
    return reader_u64(reader, value_out) == OK ? OK : refuse_short(reader, field, why);
}

enum status tpm_read_sized(struct reader *reader, const char *field, size_t maximum, struct refusal *why,
                           struct slice *bytes_out)
{
    uint16_t size;
    TRY(tpm_read_u16(reader, field, why, &size));
    if (size > maximum) {
        char expected[48];
        (void)snprintf(expected, sizeof(expected), "at most %zu bytes", maximum);
        return refuse(why, ERR_TPM_MALFORMED, field, expected, "a size of %u", size);
    }
    return reader_slice(reader, size, bytes_out) == OK ? OK : refuse_short(reader, field, why);
}

enum status tpm_read_end(const struct reader *reader, const char *field, struct refusal *why)
{
    if (reader_end(reader) == OK) return OK;
    return refuse(why, ERR_TRAILING_BYTES, field, "nothing behind the structure", "%zu more bytes",
                  reader_left(reader));
}

struct slice tpm_without_size(struct slice bytes)
{
    struct reader reader = reader_over(bytes);
    uint16_t size;
    return reader_u16(&reader, &size) == OK && size == reader_left(&reader) ? reader.rest : bytes;
}

bool tpm_pad_number(struct slice number, size_t size, uint8_t *bytes_out)
{
    if (number.size > size) return false;
    memset(bytes_out, 0, size - number.size);
    memcpy(bytes_out + size - number.size, number.bytes, number.size);
    return true;
}
