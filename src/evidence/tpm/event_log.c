/* SPDX-License-Identifier: Apache-2.0
 *
 * TCG PC Client Platform Firmware Profile, section 10: a log is a run of TCG_PCR_EVENT2, each with a digest for every
 * bank, behind one event in the old form that names the banks ("Spec ID Event03"); or, before TPM 2.0, a run of
 * TCG_PCR_EVENT with one SHA-1 digest each. Little endian.
 */
#include "base/reader.h"
#include "evidence/tpm/wire.h"

#include <stdio.h>
#include <string.h>

/* Windows' trust points belong to no PCR (wbcl.h): they say something, and measure nothing. */
enum { NO_PCR = 0xffffffff };

static enum status refuse_short(const struct reader *reader, const char *field, struct refusal *why)
{
    return refuse(why, ERR_TPM_EVENT_LOG, field, "all bytes that an event has here", "%zu bytes left",
                  reader_left(reader));
}

static enum status read_data(struct reader *reader, struct refusal *why, struct slice *data_out)
{
    uint32_t size;
    if (reader_u32_le(reader, &size) != OK) return refuse_short(reader, "event_log.eventSize", why);
    if (reader_slice(reader, size, data_out) == OK) return OK;
    char expected[48];
    (void)snprintf(expected, sizeof(expected), "at most the %zu bytes that are left", reader_left(reader));
    return refuse(why, ERR_TPM_EVENT_LOG, "event_log.eventSize", expected, "%u", (unsigned)size);
}

static enum status refuse_index(const struct tpm_event *event, struct refusal *why)
{
    return refuse(why, ERR_TPM_EVENT_LOG, "event_log.pcrIndex", "0 to 23", "%u", (unsigned)event->pcr);
}

static enum status read_head(struct reader *reader, struct refusal *why, struct tpm_event *event)
{
    if (reader_u32_le(reader, &event->pcr) != OK) return refuse_short(reader, "event_log.pcrIndex", why);
    if (event->pcr >= TPM_PCR_COUNT && event->pcr != NO_PCR) return refuse_index(event, why);
    if (reader_u32_le(reader, &event->type) != OK) return refuse_short(reader, "event_log.eventType", why);
    if (event->pcr == NO_PCR && event->type != TPM_EVENT_NO_ACTION) return refuse_index(event, why);
    return OK;
}

/* TCG_PCR_EVENT. */
static enum status read_sha1_event(struct reader *reader, struct refusal *why, struct tpm_event *event_out)
{
    TRY(read_head(reader, why, event_out));
    if (reader_slice(reader, SHA1_BYTES, &event_out->digests[0]) != OK)
        return refuse_short(reader, "event_log.digest", why);
    return read_data(reader, why, &event_out->data);
}

static const struct tpm_bank_size *bank_of(const struct tpm_event_log *log, uint16_t algorithm)
{
    for (size_t i = 0; i < log->bank_count; i++) {
        if (log->banks[i].algorithm == algorithm) return &log->banks[i];
    }
    return NULL;
}

/* TPML_DIGEST_VALUES: every bank of the log once, in any order. Since no bank is there twice and the count is right,
 * none is missing. */
static enum status read_digests(struct reader *reader, const struct tpm_event_log *log, struct refusal *why,
                                struct tpm_event *event_out)
{
    uint32_t count, seen = 0;
    if (reader_u32_le(reader, &count) != OK) return refuse_short(reader, "event_log.digests.count", why);
    if (count != log->bank_count)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.digests.count", "one for each bank of the log", "%u",
                      (unsigned)count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t algorithm;
        if (reader_u16_le(reader, &algorithm) != OK) return refuse_short(reader, "event_log.digests.hash", why);
        const struct tpm_bank_size *const bank = bank_of(log, algorithm);
        const uint32_t bit = bank == NULL ? 0 : UINT32_C(1) << (bank - log->banks);
        if (bank == NULL || (seen & bit) != 0)
            return refuse(why, ERR_TPM_EVENT_LOG, "event_log.digests.hash", "each bank of the log once", "%s",
                          tpm_algorithm_text(algorithm).text);
        seen |= bit;
        if (reader_slice(reader, bank->size, &event_out->digests[bank - log->banks]) != OK)
            return refuse_short(reader, "event_log.digests.digest", why);
    }
    return OK;
}

/* TCG_PCR_EVENT2. */
static enum status read_event(struct reader *reader, const struct tpm_event_log *log, struct refusal *why,
                              struct tpm_event *event_out)
{
    TRY(read_head(reader, why, event_out));
    TRY(read_digests(reader, log, why, event_out));
    return read_data(reader, why, &event_out->data);
}

/* One bank of TCG_EfiSpecIdEvent. Banks that are not known here are passed over by their size. */
static enum status read_bank(struct reader *reader, struct refusal *why, struct tpm_event_log *log)
{
    struct tpm_bank_size bank;
    enum hash hash;
    if (reader_u16_le(reader, &bank.algorithm) != OK || reader_u16_le(reader, &bank.size) != OK)
        return refuse_short(reader, "event_log.SpecID.digestSizes", why);
    if (bank_of(log, bank.algorithm) != NULL)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID.digestSizes", "each algorithm once", "%s again",
                      tpm_algorithm_text(bank.algorithm).text);
    const bool fits = !tpm_hash_known(bank.algorithm, &hash) || bank.size == hash_bytes(hash);
    if (!fits || bank.size > TPM_DIGEST_MAX_BYTES)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID.digestSizes", "the algorithm's size", "%u for %s",
                      bank.size, tpm_algorithm_text(bank.algorithm).text);
    log->banks[log->bank_count++] = bank;
    return OK;
}

static enum status read_spec_id(struct slice data, struct refusal *why, struct tpm_event_log *log)
{
    enum { BEFORE_COUNT = 16 + 4 + 4 }; /* signature, platform class, version and size of a number */
    struct reader reader = reader_over(data);
    uint32_t count;
    uint8_t vendor_size;
    if (reader_skip(&reader, BEFORE_COUNT) != OK || reader_u32_le(&reader, &count) != OK)
        return refuse_short(&reader, "event_log.SpecID", why);
    if (count > TPM_BANK_MAX_COUNT)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID.numberOfAlgorithms", "at most 16", "%u",
                      (unsigned)count);
    for (uint32_t i = 0; i < count; i++) TRY(read_bank(&reader, why, log));
    if (reader_u8(&reader, &vendor_size) != OK) return refuse_short(&reader, "event_log.SpecID.vendorInfo", why);
    if (reader_left(&reader) != vendor_size)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID.vendorInfoSize", "what is left of the event", "%u",
                      vendor_size);
    return OK;
}

/* The first event tells which form the log has. */
enum status tpm_event_log_open(struct slice bytes, struct refusal *why, struct tpm_event_log *log_out)
{
    static const uint8_t signature[16] = "Spec ID Event03";
    if (bytes.size > TPM_EVENT_LOG_MAX_BYTES)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log", "at most 1048576 bytes", "%zu bytes", bytes.size);
    struct tpm_event_log log = {.rest = bytes};
    struct reader ahead = reader_over(bytes);
    struct tpm_event first = {};
    TRY(read_sha1_event(&ahead, why, &first));
    log.is_sha1 = first.type != TPM_EVENT_NO_ACTION || !slice_starts_with(first.data, SLICE_ARRAY(signature));
    if (log.is_sha1) {
        log.banks[log.bank_count++] = (struct tpm_bank_size){TPM_HASH_SHA1, SHA1_BYTES};
    } else {
        TRY(read_spec_id(first.data, why, &log));
        log.rest = ahead.rest;
    }
    *log_out = log;
    return OK;
}

enum status tpm_event_log_next(struct tpm_event_log *log, struct refusal *why, struct tpm_event *event_out,
                               bool *is_event_out)
{
    if (log->rest.size == 0) {
        *is_event_out = false;
        return OK;
    }
    if (log->event_count == TPM_EVENT_MAX_COUNT)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log", "at most 4096 events", "more");
    struct reader reader = reader_over(log->rest);
    struct tpm_event event = {};
    TRY(log->is_sha1 ? read_sha1_event(&reader, why, &event) : read_event(&reader, log, why, &event));
    log->rest = reader.rest;
    log->event_count++;
    *event_out = event;
    *is_event_out = true;
    return OK;
}

bool tpm_event_log_has(const struct tpm_event_log *log, enum tpm_hash bank)
{
    return bank_of(log, (uint16_t)bank) != NULL;
}

struct slice tpm_event_digest(const struct tpm_event_log *log, const struct tpm_event *event, enum tpm_hash bank)
{
    const struct tpm_bank_size *const found = bank_of(log, (uint16_t)bank);
    return found == NULL ? (struct slice){} : event->digests[found - log->banks];
}
