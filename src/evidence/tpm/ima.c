/* SPDX-License-Identifier: Apache-2.0
 *
 * The list that Linux' Integrity Measurement Architecture keeps (security/integrity/ima, binary_runtime_measurements):
 * PCR, SHA-1 of the template's data, the template's name and its data, each behind its size; little endian.
 */
#include "base/reader.h"
#include "evidence/tpm/replay.h"
#include "evidence/tpm/wire.h"

#include <string.h>

enum { NAME_MAX_BYTES = 32, DATA_MAX_BYTES = 64 * 1024, BANK_COUNT = 4 };

static const enum tpm_hash banks[BANK_COUNT] = {TPM_HASH_SHA1, TPM_HASH_SHA256, TPM_HASH_SHA384, TPM_HASH_SHA512};

struct entry {
    uint32_t pcr;
    struct slice digest, name, data;
};

struct conversion {
    const struct tpm_pcrs *told; /* the bank whose value says where the quote was taken; NULL: none */
    struct tpm_pcrs values;
    uint32_t pcr; /* of the first entry, and so of all */
    size_t count;
    struct buffer *log;
};

static enum status refuse_short(const struct reader *reader, const char *field, struct refusal *why)
{
    return refuse(why, ERR_TPM_EVENT_LOG, field, "all bytes that an entry has here", "%zu bytes left",
                  reader_left(reader));
}

static enum status read_part(struct reader *reader, const char *field, size_t maximum, struct refusal *why,
                             struct slice *part_out)
{
    uint32_t size;
    if (reader_u32_le(reader, &size) != OK) return refuse_short(reader, field, why);
    if (size > maximum) return refuse(why, ERR_TPM_EVENT_LOG, field, "fewer bytes", "a size of %u", (unsigned)size);
    return reader_slice(reader, size, part_out) == OK ? OK : refuse_short(reader, field, why);
}

/* The first template, "ima", has no size of its data and a digest over them that is padded: kernels since 3.13 do not
 * use it unless they are told to. */
static enum status read_entry(struct reader *reader, struct refusal *why, struct entry *entry_out)
{
    if (reader_u32_le(reader, &entry_out->pcr) != OK) return refuse_short(reader, "ima_log.pcr", why);
    if (entry_out->pcr >= TPM_PCR_COUNT)
        return refuse(why, ERR_TPM_EVENT_LOG, "ima_log.pcr", "0 to 23", "%u", (unsigned)entry_out->pcr);
    if (reader_slice(reader, SHA1_BYTES, &entry_out->digest) != OK) return refuse_short(reader, "ima_log.digest", why);
    TRY(read_part(reader, "ima_log.template_name", NAME_MAX_BYTES, why, &entry_out->name));
    if (slice_equal_text(entry_out->name, "ima"))
        return refuse(why, ERR_UNSUPPORTED, "ima_log.template_name", "ima-ng, or one of its successors", "ima");
    return read_part(reader, "ima_log.template_data", DATA_MAX_BYTES, why, &entry_out->data);
}

/* An entry without a digest tells that a file changed while it was measured; PCRs are extended with ones. */
static enum status digest_of(const struct entry *entry, enum hash hash, struct refusal *why,
                             uint8_t digest_out[static HASH_MAX_BYTES])
{
    uint8_t sha1[HASH_MAX_BYTES];
    if (slice_is_zero(entry->digest)) {
        memset(digest_out, 0xff, HASH_MAX_BYTES);
        return OK;
    }
    TRY(hash_parts(HASH_SHA1, &entry->data, 1, sha1));
    if (!slice_equal(entry->digest, slice_of(sha1, SHA1_BYTES)))
        return refuse(why, ERR_TPM_EVENT_LOG, "ima_log.digest", refusal_hex(slice_of(sha1, SHA1_BYTES)).text, "%s",
                      refusal_hex(entry->digest).text);
    return hash_parts(hash, &entry->data, 1, digest_out);
}

static enum status append_digests(const struct entry *entry, struct refusal *why, struct buffer *log)
{
    TRY(buffer_append_u32_le(log, BANK_COUNT));
    for (size_t i = 0; i < BANK_COUNT; i++) {
        const enum hash hash = tpm_hash_of(banks[i]);
        uint8_t digest[HASH_MAX_BYTES];
        TRY(digest_of(entry, hash, why, digest));
        TRY(buffer_append_u16_le(log, (uint16_t)banks[i]));
        TRY(buffer_append(log, slice_of(digest, hash_bytes(hash))));
    }
    return OK;
}

/* TCG_PCR_EVENT2. */
static enum status append_entry(const struct entry *entry, struct refusal *why, struct buffer *log)
{
    const bool holds_data = slice_equal_text(entry->name, "ima-buf");
    TRY(buffer_append_u32_le(log, entry->pcr));
    TRY(buffer_append_u32_le(log, holds_data ? TPM_EVENT_IMA_BUFFER : TPM_EVENT_IMA));
    TRY(append_digests(entry, why, log));
    TRY(buffer_append_u32_le(log, (uint32_t)entry->data.size));
    return buffer_append(log, entry->data);
}

/* The event that names the banks. */
static enum status append_head(struct buffer *log)
{
    static const uint8_t signature[16] = "Spec ID Event03", version[8] = {0, 0, 0, 0, 0, 2, 0, 2};
    static const uint8_t no_digest[SHA1_BYTES] = {};
    TRY(buffer_append_u32_le(log, 0));
    TRY(buffer_append_u32_le(log, TPM_EVENT_NO_ACTION));
    TRY(buffer_append(log, SLICE_ARRAY(no_digest)));
    TRY(buffer_append_u32_le(log, sizeof(signature) + sizeof(version) + 4 + 4 * BANK_COUNT + 1));
    TRY(buffer_append(log, SLICE_ARRAY(signature)));
    TRY(buffer_append(log, SLICE_ARRAY(version)));
    TRY(buffer_append_u32_le(log, BANK_COUNT));
    for (size_t i = 0; i < BANK_COUNT; i++) {
        TRY(buffer_append_u16_le(log, (uint16_t)banks[i]));
        TRY(buffer_append_u16_le(log, (uint16_t)hash_bytes(tpm_hash_of(banks[i]))));
    }
    return buffer_append_u8(log, 0);
}

/* Follows the PCR, and tells when it holds what it held as the quote was taken. */
static enum status extend(struct conversion *conversion, const struct entry *entry, struct refusal *why,
                          bool *is_reached_out)
{
    *is_reached_out = false;
    if (conversion->told == NULL) return OK;
    const enum hash hash = tpm_hash_of(conversion->told->hash);
    uint8_t *const value = conversion->values.values[entry->pcr];
    uint8_t digest[HASH_MAX_BYTES];
    TRY(digest_of(entry, hash, why, digest));
    const struct slice parts[] = {slice_of(value, hash_bytes(hash)), slice_of(digest, hash_bytes(hash))};
    TRY(hash_parts(hash, parts, 2, value));
    *is_reached_out = memcmp(value, conversion->told->values[entry->pcr], hash_bytes(hash)) == 0;
    return OK;
}

static enum status take_entry(struct conversion *conversion, const struct entry *entry, struct refusal *why,
                              bool *is_reached_out)
{
    if (conversion->count++ == 0) conversion->pcr = entry->pcr;
    if (entry->pcr != conversion->pcr)
        return refuse(why, ERR_TPM_EVENT_LOG, "ima_log.pcr", "one PCR in the whole list", "%u and %u",
                      (unsigned)conversion->pcr, (unsigned)entry->pcr);
    if (conversion->count > TPM_EVENT_MAX_COUNT)
        return refuse(why, ERR_TPM_EVENT_LOG, "ima_log", "at most 4096 entries before the quote", "more");
    TRY(append_entry(entry, why, conversion->log));
    return extend(conversion, entry, why, is_reached_out);
}

enum status tpm_ima_log_convert(struct slice list, const struct tpm_banks *pcrs, struct refusal *why,
                                struct buffer *log)
{
    struct conversion conversion = {.told = pcrs->count > 0 ? &pcrs->items[pcrs->count - 1] : NULL, .log = log};
    struct reader reader = reader_over(list);
    bool is_reached = false;
    TRY(append_head(log));
    while (reader_left(&reader) > 0 && !is_reached) {
        struct entry entry = {};
        TRY(read_entry(&reader, why, &entry));
        const enum status status = take_entry(&conversion, &entry, why, &is_reached);
        if (status == ERR_TOO_LARGE)
            return refuse(why, status, "ima_log", "entries of fewer bytes", "%zu bytes", list.size);
        TRY(status);
    }
    return OK;
}
