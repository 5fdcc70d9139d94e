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

enum {
    EVENT_NO_ACTION = 3, /* says something, measures nothing */
    LOCALITY_PCR = 0,
    DYNAMIC_FIRST_PCR = 17, /* PCRs 17 to 22 are all ones until a dynamic launch (PC Client TPM Profile, 4.6.1) */
    DYNAMIC_LAST_PCR = 22,
};

struct bank_size {
    uint16_t algorithm, size;
};

struct replay {
    enum tpm_hash bank;
    struct bank_size banks[TPM_BANK_MAX_COUNT]; /* of each digest list; none for a SHA-1 log */
    size_t bank_count;
    struct tpm_pcrs pcrs;
};

struct event {
    uint32_t pcr, type;
    struct slice digest; /* of the bank */
    struct slice data;
};

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

static enum status read_head(struct reader *reader, struct refusal *why, struct event *event)
{
    if (reader_u32_le(reader, &event->pcr) != OK) return refuse_short(reader, "event_log.pcrIndex", why);
    if (event->pcr >= TPM_PCR_COUNT)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.pcrIndex", "0 to 23", "%u", (unsigned)event->pcr);
    if (reader_u32_le(reader, &event->type) != OK) return refuse_short(reader, "event_log.eventType", why);
    return OK;
}

/* TCG_PCR_EVENT. */
static enum status read_sha1_event(struct reader *reader, struct refusal *why, struct event *event_out)
{
    TRY(read_head(reader, why, event_out));
    if (reader_slice(reader, SHA1_BYTES, &event_out->digest) != OK)
        return refuse_short(reader, "event_log.digest", why);
    return read_data(reader, why, &event_out->data);
}

static const struct bank_size *bank_of(const struct replay *replay, uint16_t algorithm)
{
    for (size_t i = 0; i < replay->bank_count; i++) {
        if (replay->banks[i].algorithm == algorithm) return &replay->banks[i];
    }
    return NULL;
}

/* TPML_DIGEST_VALUES: every bank of the log once, in any order. Since no bank is there twice and the count is right,
 * the quoted one is among them. */
static enum status read_digests(struct reader *reader, const struct replay *replay, struct refusal *why,
                                struct slice *digest_out)
{
    uint32_t count, seen = 0;
    if (reader_u32_le(reader, &count) != OK) return refuse_short(reader, "event_log.digests.count", why);
    if (count != replay->bank_count)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.digests.count", "one for each bank of the log", "%u",
                      (unsigned)count);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t algorithm;
        struct slice digest;
        if (reader_u16_le(reader, &algorithm) != OK) return refuse_short(reader, "event_log.digests.hash", why);
        const struct bank_size *const bank = bank_of(replay, algorithm);
        const uint32_t bit = bank == NULL ? 0 : UINT32_C(1) << (bank - replay->banks);
        if (bank == NULL || (seen & bit) != 0)
            return refuse(why, ERR_TPM_EVENT_LOG, "event_log.digests.hash", "each bank of the log once", "%s",
                          tpm_algorithm_text(algorithm).text);
        seen |= bit;
        if (reader_slice(reader, bank->size, &digest) != OK)
            return refuse_short(reader, "event_log.digests.digest", why);
        if (algorithm == replay->bank) *digest_out = digest;
    }
    return OK;
}

/* TCG_PCR_EVENT2. */
static enum status read_event(struct reader *reader, const struct replay *replay, struct refusal *why,
                              struct event *event_out)
{
    TRY(read_head(reader, why, event_out));
    TRY(read_digests(reader, replay, why, &event_out->digest));
    return read_data(reader, why, &event_out->data);
}

/* What a PCR holds before its first extension. */
static void begin_pcr(struct tpm_pcrs *pcrs, uint32_t pcr)
{
    if ((pcrs->known >> pcr & 1) == 1) return;
    const bool is_dynamic = pcr >= DYNAMIC_FIRST_PCR && pcr <= DYNAMIC_LAST_PCR;
    memset(pcrs->values[pcr], is_dynamic ? 0xff : 0, sizeof(pcrs->values[pcr]));
    pcrs->known |= UINT32_C(1) << pcr;
}

/* PCR 0 begins with the locality that started the TPM, in its last byte; so it must be known before PCR 0 is used. */
static enum status take_locality(const struct event *event, struct refusal *why, struct replay *replay)
{
    static const uint8_t name[16] = "StartupLocality";
    static const char field[] = "event_log.StartupLocality";
    if (!slice_starts_with(event->data, SLICE_ARRAY(name))) return OK;
    if (event->data.size != sizeof(name) + 1 || event->pcr != LOCALITY_PCR)
        return refuse(why, ERR_TPM_EVENT_LOG, field, "one byte, in an event of PCR 0", "%zu bytes, of PCR %u",
                      event->data.size - sizeof(name), (unsigned)event->pcr);
    const uint8_t locality = event->data.bytes[sizeof(name)];
    if (locality != 0 && locality != 3 && locality != 4)
        return refuse(why, ERR_TPM_EVENT_LOG, field, "0, 3 or 4", "%u", locality);
    if ((replay->pcrs.known & 1) == 1)
        return refuse(why, ERR_TPM_EVENT_LOG, field, "once, before PCR 0 is extended", "behind an event of PCR 0");
    begin_pcr(&replay->pcrs, LOCALITY_PCR);
    replay->pcrs.values[LOCALITY_PCR][hash_bytes(tpm_hash_of(replay->bank)) - 1] = locality;
    return OK;
}

static enum status extend(const struct event *event, struct replay *replay)
{
    uint8_t *const value = replay->pcrs.values[event->pcr];
    const enum hash hash = tpm_hash_of(replay->bank);
    begin_pcr(&replay->pcrs, event->pcr);
    const struct slice parts[] = {slice_of(value, hash_bytes(hash)), event->digest};
    return hash_parts(hash, parts, 2, value);
}

static enum status take_event(const struct event *event, struct refusal *why, struct replay *replay)
{
    if (event->type == EVENT_NO_ACTION) return take_locality(event, why, replay);
    return extend(event, replay);
}

/* One bank of TCG_EfiSpecIdEvent. Banks that are not known here are passed over by their size. */
static enum status read_bank(struct reader *reader, struct refusal *why, struct replay *replay)
{
    struct bank_size bank;
    enum hash hash;
    if (reader_u16_le(reader, &bank.algorithm) != OK || reader_u16_le(reader, &bank.size) != OK)
        return refuse_short(reader, "event_log.SpecID.digestSizes", why);
    if (bank_of(replay, bank.algorithm) != NULL)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID.digestSizes", "each algorithm once", "%s again",
                      tpm_algorithm_text(bank.algorithm).text);
    const bool fits = !tpm_hash_known(bank.algorithm, &hash) || bank.size == hash_bytes(hash);
    if (!fits || bank.size > TPM_DIGEST_MAX_BYTES)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID.digestSizes", "the algorithm's size", "%u for %s",
                      bank.size, tpm_algorithm_text(bank.algorithm).text);
    replay->banks[replay->bank_count++] = bank;
    return OK;
}

static enum status read_spec_id(struct slice data, struct refusal *why, struct replay *replay)
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
    for (uint32_t i = 0; i < count; i++) TRY(read_bank(&reader, why, replay));
    if (reader_u8(&reader, &vendor_size) != OK) return refuse_short(&reader, "event_log.SpecID.vendorInfo", why);
    if (reader_left(&reader) != vendor_size)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID.vendorInfoSize", "what is left of the event", "%u",
                      vendor_size);
    return OK;
}

/* The first event tells which form the log has. */
static enum status begin(struct reader *reader, struct refusal *why, struct replay *replay, bool *is_sha1_out)
{
    static const uint8_t signature[16] = "Spec ID Event03";
    struct event first = {};
    struct reader ahead = *reader;
    TRY(read_sha1_event(&ahead, why, &first));
    *is_sha1_out = first.type != EVENT_NO_ACTION || !slice_starts_with(first.data, SLICE_ARRAY(signature));
    if (*is_sha1_out) {
        if (replay->bank == TPM_HASH_SHA1) return OK;
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log", tpm_algorithm_text((uint16_t)replay->bank).text,
                      "a log of SHA-1 digests alone");
    }
    TRY(read_spec_id(first.data, why, replay));
    *reader = ahead;
    if (bank_of(replay, (uint16_t)replay->bank) != NULL) return OK;
    return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID", tpm_algorithm_text((uint16_t)replay->bank).text,
                  "a log of other banks");
}

enum status tpm_event_log_replay(struct slice log, enum tpm_hash bank, struct refusal *why, struct tpm_pcrs *pcrs_out)
{
    if (log.size > TPM_EVENT_LOG_MAX_BYTES)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log", "at most 1048576 bytes", "%zu bytes", log.size);
    struct replay replay = {.bank = bank, .pcrs.hash = bank};
    struct reader reader = reader_over(log);
    bool is_sha1;
    TRY(begin(&reader, why, &replay, &is_sha1));
    for (size_t i = 0; reader_left(&reader) > 0; i++) {
        struct event event = {};
        if (i == TPM_EVENT_MAX_COUNT) return refuse(why, ERR_TPM_EVENT_LOG, "event_log", "at most 4096 events", "more");
        TRY(is_sha1 ? read_sha1_event(&reader, why, &event) : read_event(&reader, &replay, why, &event));
        TRY(take_event(&event, why, &replay));
    }
    *pcrs_out = replay.pcrs;
    return OK;
}
