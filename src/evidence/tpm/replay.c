/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/replay.h"

#include "evidence/tpm/wire.h"

#include <string.h>

enum { LOCALITY_PCR = 0, DYNAMIC_FIRST_PCR = 17, DYNAMIC_LAST_PCR = 22 };

void tpm_pcr_begin(struct tpm_pcrs *pcrs, uint32_t pcr, bool after_dynamic_launch)
{
    if ((pcrs->known >> pcr & 1) == 1) return;
    const bool is_dynamic = pcr >= DYNAMIC_FIRST_PCR && pcr <= DYNAMIC_LAST_PCR;
    memset(pcrs->values[pcr], is_dynamic && !after_dynamic_launch ? 0xff : 0, sizeof(pcrs->values[pcr]));
    pcrs->known |= UINT32_C(1) << pcr;
}

/* PCR 0 begins with the locality that started the TPM, in its last byte; so it must be known before PCR 0 is used. */
static enum status take_locality(const struct tpm_event *event, struct refusal *why, struct tpm_pcrs *pcrs)
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
    if ((pcrs->known & 1) == 1)
        return refuse(why, ERR_TPM_EVENT_LOG, field, "once, before PCR 0 is extended", "behind an event of PCR 0");
    tpm_pcr_begin(pcrs, LOCALITY_PCR, false);
    pcrs->values[LOCALITY_PCR][hash_bytes(tpm_hash_of(pcrs->hash)) - 1] = locality;
    return OK;
}

enum status tpm_replay_event(const struct tpm_event_log *log, const struct tpm_event *event, bool after_dynamic_launch,
                             struct refusal *why, struct tpm_pcrs *pcrs)
{
    if (event->type == TPM_EVENT_NO_ACTION) return take_locality(event, why, pcrs);
    const enum hash hash = tpm_hash_of(pcrs->hash);
    uint8_t *const value = pcrs->values[event->pcr];
    tpm_pcr_begin(pcrs, event->pcr, after_dynamic_launch);
    const struct slice parts[] = {slice_of(value, hash_bytes(hash)), tpm_event_digest(log, event, pcrs->hash)};
    return hash_parts(hash, parts, 2, value);
}

enum status tpm_event_log_replay(struct slice log, enum tpm_hash bank, struct refusal *why, struct tpm_pcrs *pcrs_out)
{
    struct tpm_event_log cursor;
    TRY(tpm_event_log_open(log, why, &cursor));
    if (!tpm_event_log_has(&cursor, bank))
        return refuse(why, ERR_TPM_EVENT_LOG, cursor.is_sha1 ? "event_log" : "event_log.SpecID",
                      tpm_algorithm_text((uint16_t)bank).text,
                      cursor.is_sha1 ? "a log of SHA-1 digests alone" : "a log of other banks");
    struct tpm_pcrs pcrs = {.hash = bank};
    for (;;) {
        struct tpm_event event;
        bool is_event;
        TRY(tpm_event_log_next(&cursor, why, &event, &is_event));
        if (!is_event) break;
        TRY(tpm_replay_event(&cursor, &event, false, why, &pcrs));
    }
    *pcrs_out = pcrs;
    return OK;
}
