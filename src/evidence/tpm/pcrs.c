/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/pcrs.h"

#include "evidence/tpm/wire.h"

#include <string.h>

/* What tpm2_quote writes is the memory of its TPML_PCR_SELECTION and of TPML_DIGESTs, little endian (tpm2-tools,
 * option "serialized"): arrays have their full length, with the unused rest in them. */
enum {
    SERIALIZED_BANK_COUNT = 16,
    SERIALIZED_BANK_BYTES = 8, /* two of the hash, one of the size, four of the bitmap, one of padding */
    SERIALIZED_DIGESTS_PER_LIST = 8,
    SERIALIZED_HEAD_BYTES = 4 + SERIALIZED_BANK_COUNT * SERIALIZED_BANK_BYTES + 4,
    SERIALIZED_LIST_BYTES = 4 + SERIALIZED_DIGESTS_PER_LIST * (2 + TPM_DIGEST_MAX_BYTES),
};

static unsigned count_bits(uint32_t bits)
{
    return (unsigned)__builtin_popcount(bits);
}

/* Whether the size is that of a serialised file. No run of at most 24 digests of one bank has such a size. */
static bool is_serialized(size_t size)
{
    return size > SERIALIZED_HEAD_BYTES && (size - SERIALIZED_HEAD_BYTES) % SERIALIZED_LIST_BYTES == 0 &&
           (size - SERIALIZED_HEAD_BYTES) / SERIALIZED_LIST_BYTES <= TPM_PCR_COUNT;
}

/* The values of the selected PCRs, one after the other. */
static enum status read_values(struct slice bytes, enum tpm_hash bank, uint32_t selection, struct refusal *why,
                               struct tpm_pcrs *pcrs_out)
{
    struct tpm_pcrs pcrs = {.hash = bank, .known = selection};
    const size_t size = hash_bytes(tpm_hash_of(bank));
    if (bytes.size != count_bits(selection) * size)
        return refuse(why, ERR_TPM_PCR, "pcrs",
                      "as tpm2_quote or tpm2_pcrread wrote them, or all 24 digests of the bank",
                      "%zu bytes for %u PCRs of %zu", bytes.size, count_bits(selection), size);
    const uint8_t *at = bytes.bytes;
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((selection >> i & 1) == 0) continue;
        memcpy(pcrs.values[i], at, size);
        at += size;
    }
    *pcrs_out = pcrs;
    return OK;
}

static uint32_t number_at(struct slice bytes, size_t at, size_t size)
{
    return (uint32_t)slice_number_le(slice_part(bytes, at, size));
}

/* One entry of the array: hash, size of the bitmap, bitmap. */
static enum status read_serialized_bank(struct slice entry, enum tpm_hash bank, struct refusal *why,
                                        uint32_t *selection)
{
    const uint16_t seen = (uint16_t)number_at(entry, 0, 2);
    const uint32_t size = number_at(entry, 2, 1), bits = number_at(entry, 3, 3);
    if (size > 3)
        return refuse(why, ERR_TPM_PCR, "pcrs.selection.sizeofSelect", "at most 3, for 24 PCRs", "%u", (unsigned)size);
    if (bits == 0) return OK;
    if (seen != bank)
        return refuse(why, ERR_TPM_PCR, "pcrs.selection", tpm_algorithm_text((uint16_t)bank).text, "PCRs of %s",
                      tpm_algorithm_text(seen).text);
    if (*selection != 0) return refuse(why, ERR_TPM_PCR, "pcrs.selection", "the bank once", "twice");
    *selection = bits;
    return OK;
}

static enum status read_serialized_selection(struct slice bytes, enum tpm_hash bank, struct refusal *why,
                                             uint32_t *selection)
{
    const uint32_t count = number_at(bytes, 0, 4);
    if (count > SERIALIZED_BANK_COUNT)
        return refuse(why, ERR_TPM_PCR, "pcrs.selection.count", "at most 16", "%u", (unsigned)count);
    for (uint32_t i = 0; i < count; i++) {
        const struct slice entry = slice_part(bytes, 4 + i * SERIALIZED_BANK_BYTES, SERIALIZED_BANK_BYTES);
        TRY(read_serialized_bank(entry, bank, why, selection));
    }
    return OK;
}

/* One TPML_DIGEST, whose used digests are put behind those before; the rest of the array is not looked at. */
static enum status read_serialized_list(struct slice list, size_t digest_size, struct refusal *why, uint8_t *values,
                                        size_t *used)
{
    const uint32_t count = number_at(list, 0, 4);
    if (count > SERIALIZED_DIGESTS_PER_LIST)
        return refuse(why, ERR_TPM_PCR, "pcrs.digests.count", "at most 8", "%u", (unsigned)count);
    for (uint32_t i = 0; i < count; i++) {
        const struct slice entry = slice_part(list, 4 + i * (2 + TPM_DIGEST_MAX_BYTES), 2 + TPM_DIGEST_MAX_BYTES);
        const uint32_t size = number_at(entry, 0, 2);
        if (size != digest_size)
            return refuse(why, ERR_TPM_PCR, "pcrs.digests.size", "the size of the bank's digests", "%u",
                          (unsigned)size);
        memcpy(values + *used, entry.bytes + 2, size);
        *used += size;
    }
    return OK;
}

static enum status read_serialized(struct slice bytes, enum tpm_hash bank, struct refusal *why,
                                   struct tpm_pcrs *pcrs_out)
{
    uint8_t values[TPM_PCR_COUNT * SERIALIZED_DIGESTS_PER_LIST * TPM_DIGEST_MAX_BYTES];
    const size_t lists = (bytes.size - SERIALIZED_HEAD_BYTES) / SERIALIZED_LIST_BYTES;
    const uint32_t count = number_at(bytes, SERIALIZED_HEAD_BYTES - 4, 4);
    uint32_t selection = 0;
    size_t used = 0;
    TRY(read_serialized_selection(bytes, bank, why, &selection));
    if (count != lists)
        return refuse(why, ERR_TPM_PCR, "pcrs.digests", "as many lists as the file has room for", "%u",
                      (unsigned)count);
    for (size_t i = 0; i < lists; i++) {
        const struct slice list =
            slice_part(bytes, SERIALIZED_HEAD_BYTES + i * SERIALIZED_LIST_BYTES, SERIALIZED_LIST_BYTES);
        TRY(read_serialized_list(list, hash_bytes(tpm_hash_of(bank)), why, values, &used));
    }
    return read_values(slice_of(values, used), bank, selection, why, pcrs_out);
}

enum status tpm_pcrs_read(struct slice bytes, enum tpm_hash hash, struct refusal *why, struct tpm_pcrs *pcrs_out)
{
    if (is_serialized(bytes.size)) return read_serialized(bytes, hash, why, pcrs_out);
    return read_values(bytes, hash, (UINT32_C(1) << TPM_PCR_COUNT) - 1, why, pcrs_out);
}

enum status tpm_pcrs_read_quoted(struct slice bytes, struct slice attest, struct refusal *why,
                                 struct tpm_pcrs *pcrs_out)
{
    struct tpm_attest parsed;
    TRY(tpm_attest_parse(attest, why, &parsed));
    const size_t size = hash_bytes(tpm_hash_of(parsed.bank));
    if (bytes.size == count_bits(parsed.selection) * size)
        return read_values(bytes, parsed.bank, parsed.selection, why, pcrs_out);
    return tpm_pcrs_read(bytes, parsed.bank, why, pcrs_out);
}

static enum status check_known(const struct tpm_pcrs *pcrs, const struct tpm_attest *attest, struct refusal *why)
{
    if (pcrs->hash != attest->bank)
        return refuse(why, ERR_TPM_PCR, "pcrs.bank", tpm_algorithm_text((uint16_t)attest->bank).text, "%s",
                      tpm_algorithm_text((uint16_t)pcrs->hash).text);
    if ((attest->selection & ~pcrs->known) != 0)
        return refuse(why, ERR_TPM_PCR, "pcrs", "values of all quoted PCRs", "none of those in the bitmap %06x",
                      (unsigned)(attest->selection & ~pcrs->known));
    return OK;
}

enum status tpm_pcrs_check(const struct tpm_pcrs *pcrs, const struct tpm_attest *attest, enum hash scheme_hash,
                           struct refusal *why)
{
    TRY(check_known(pcrs, attest, why));
    const size_t size = hash_bytes(tpm_hash_of(attest->bank));
    struct slice parts[TPM_PCR_COUNT];
    size_t count = 0;
    for (unsigned i = 0; i < TPM_PCR_COUNT; i++) {
        if ((attest->selection >> i & 1) == 1) parts[count++] = slice_of(pcrs->values[i], size);
    }
    uint8_t digest[HASH_MAX_BYTES];
    TRY(hash_parts(scheme_hash, parts, count, digest));
    const struct slice expected = slice_of(digest, hash_bytes(scheme_hash));
    if (slice_equal(attest->pcr_digest, expected)) return OK;
    return refuse(why, ERR_TPM_PCR, "attest.pcrDigest", refusal_hex(expected).text, "%s",
                  refusal_hex(attest->pcr_digest).text);
}
