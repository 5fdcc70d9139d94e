/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/events.h"

#include "attestation/tpm/event_data.h"
#include "attestation/tpm/text.h"

#include <string.h>

void boot_facts_done(struct boot_facts *facts)
{
    windows_facts_done(&facts->windows);
}

/* ---- banks ---- */

static const char *bank_name(enum tpm_hash bank, enum hash *hash_out)
{
    switch (bank) {
    case TPM_HASH_SHA1: *hash_out = HASH_SHA1; return "SHA1";
    case TPM_HASH_SHA256: *hash_out = HASH_SHA256; return "SHA256";
    case TPM_HASH_SHA384: *hash_out = HASH_SHA384; return "SHA384";
    case TPM_HASH_SHA512: break;
    }
    *hash_out = HASH_SHA512;
    return "SHA512";
}

/* In every quoted bank of the log. */
static enum status is_digest_of(const struct tpm_event_log *log, const struct tpm_event *event,
                                const struct tpm_platform_claims *claims, struct slice data, bool *is_out)
{
    *is_out = false;
    for (size_t i = 0; i < claims->pcrs.count; i++) {
        const struct slice digest = tpm_event_digest(log, event, claims->pcrs.items[i].hash);
        uint8_t expected[HASH_MAX_BYTES];
        enum hash hash;
        if (digest.size == 0) continue;
        (void)bank_name(claims->pcrs.items[i].hash, &hash);
        TRY(hash_parts(hash, &data, 1, expected));
        *is_out = slice_equal(digest, slice_of(expected, hash_bytes(hash)));
        if (!*is_out) return OK;
    }
    return OK;
}

/* ---- facts ---- */

struct walk {
    const struct tpm_platform_claims *claims;
    struct boot_facts *facts;
    uint32_t ended; /* PCRs whose part of the boot is over: behind it anybody may extend them */
    size_t place;   /* of the next event in the logs */
    json_t *events;
};

static bool is_ended(const struct walk *walk, const struct tpm_event *event)
{
    return (walk->ended >> event->pcr & 1) == 1;
}

static bool is_windows_pcr(uint32_t pcr)
{
    return (WINDOWS_PCRS >> pcr & 1) == 1;
}

static enum status refuse_type(const struct tpm_event *event, const char *expected, struct refusal *why)
{
    return refuse(why, ERR_TPM_EVENT_LOG, "event_log.eventType", expected, "%08x in PCR %u", (unsigned)event->type,
                  (unsigned)event->pcr);
}

static enum status add_secure_boot(const struct tpm_event *event, struct refusal *why, struct walk *walk)
{
    struct uefi_variable variable;
    if (!uefi_variable_read(event->data, &variable) || !uefi_variable_is_secure_boot(&variable)) return OK;
    if (event->type != EVENT_VARIABLE_DRIVER_CONFIG)
        return refuse_type(event, "80000001 of the variable SecureBoot", why);
    walk->facts->secure_boot_count++;
    walk->facts->secure_boot = variable.data.size == 1 && variable.data.bytes[0] == 1;
    return OK;
}

/* What a proven event before the end of its PCR's part of the boot says. */
static enum status add_facts(const struct tpm_event *event, struct refusal *why, struct walk *walk)
{
    if (event->pcr == SECURE_BOOT_PCR) return add_secure_boot(event, why, walk);
    if (!is_windows_pcr(event->pcr)) return OK;
    if (event->type != EVENT_TAG && windows_is_trust_boundary(event->data))
        return refuse_type(event, "00000006 of a trust boundary of Windows", why);
    return windows_facts_add(event->data, &walk->facts->windows);
}

static enum status take_facts(const struct tpm_event *event, bool is_proven, struct refusal *why, struct walk *walk)
{
    const uint32_t bit = UINT32_C(1) << event->pcr;
    if (is_ended(walk, event)) return OK;
    if (is_proven) TRY(add_facts(event, why, walk));
    if (!is_proven && is_windows_pcr(event->pcr)) walk->facts->is_windows_hidden = true;
    if (is_proven ? event->data.size == SEPARATOR_BYTES : event->pcr == SECURE_BOOT_PCR) walk->ended |= bit;
    return OK;
}

/* ---- JSON ---- */

static enum status put_digests(const struct tpm_event_log *log, const struct tpm_event *event,
                               const struct tpm_platform_claims *claims, json_t *object)
{
    json_t *const digests = json_object();
    TRY(text_put(object, "Digests", digests));
    for (size_t i = 0; i < claims->pcrs.count; i++) {
        const struct slice digest = tpm_event_digest(log, event, claims->pcrs.items[i].hash);
        enum hash hash;
        json_t *text;
        if (digest.size == 0) continue;
        TRY(text_of_hex(digest, &text));
        TRY(text_put(digests, bank_name(claims->pcrs.items[i].hash, &hash), text));
    }
    return OK;
}

static enum status put_data(const struct tpm_event *event, bool is_proven, json_t *object)
{
    json_t *data = NULL;
    TRY(event_data_json(event, is_proven, &data));
    return data == NULL ? OK : text_put(object, "ProcessedData", data);
}

static enum status add_event(const struct tpm_event_log *log, const struct tpm_event *event, bool is_proven,
                             struct walk *walk)
{
    CLEANUP(json_done) json_t *object = json_object();
    const char *const type = event_type_name(event->type);
    TRY(text_put(object, "EventSeq", json_integer((json_int_t)walk->place)));
    TRY(text_put(object, "PcrIndex", json_integer((json_int_t)event->pcr)));
    TRY(text_put(object, "EventType",
                 json_integer((json_int_t)(event->type == TPM_EVENT_IMA_BUFFER ? TPM_EVENT_IMA : event->type))));
    if (type != NULL) TRY(text_put(object, "EventTypeString", json_string(type)));
    TRY(put_digests(log, event, walk->claims, object));
    TRY(put_data(event, is_proven, object));
    return json_array_append(walk->events, object) == 0 ? OK : ERR_NO_MEMORY;
}

/* ---- the walk ---- */

/* Whether the data are told. Of EV_EFI_VARIABLE_BOOT, firmware measures the value alone: its name is the log's word. */
static enum status is_told(const struct tpm_event_log *log, const struct tpm_event *event, bool is_proven,
                           const struct walk *walk, bool *is_out)
{
    struct uefi_variable variable;
    const bool is_late = event->pcr == SECURE_BOOT_PCR && event->type == EVENT_VARIABLE_DRIVER_CONFIG;
    *is_out = is_proven && !(is_late && is_ended(walk, event));
    if (is_proven || event->type != EVENT_VARIABLE_BOOT || !uefi_variable_read(event->data, &variable)) return OK;
    return is_digest_of(log, event, walk->claims, variable.data, is_out);
}

static enum status take_event(const struct tpm_event_log *log, const struct tpm_event *event, struct refusal *why,
                              struct walk *walk)
{
    bool is_proven, is_data_told;
    if (event->type == TPM_EVENT_NO_ACTION || (walk->claims->explained >> event->pcr & 1) == 0) return OK;
    TRY(is_digest_of(log, event, walk->claims, event->data, &is_proven));
    TRY(is_told(log, event, is_proven, walk, &is_data_told));
    TRY(take_facts(event, is_proven, why, walk));
    return add_event(log, event, is_data_told, walk);
}

static enum status take_log(struct slice bytes, struct refusal *why, struct walk *walk)
{
    struct tpm_event_log log;
    struct tpm_event event;
    bool is_event;
    TRY(tpm_event_log_open(bytes, why, &log));
    for (;;) {
        TRY(tpm_event_log_next(&log, why, &event, &is_event));
        if (!is_event) return OK;
        TRY(take_event(&log, &event, why, walk));
        walk->place++;
    }
}

static enum status write_object(const json_t *object, struct refusal *why, struct buffer *json)
{
    const enum status status = json_write(object, json);
    if (status != ERR_TOO_LARGE) return status;
    return refuse(why, status, "logs", "events whose JSON text has at most 524288 bytes", "more");
}

enum status events_read(const struct tpm_side *side, const struct tpm_platform_claims *claims, struct refusal *why,
                        struct boot_facts *facts, struct buffer *json)
{
    CLEANUP(json_done) json_t *object = json_object();
    struct walk walk = {.claims = claims, .facts = facts, .events = json_array()};
    TRY(text_put(object, "Events", walk.events));
    facts->explained = claims->explained;
    for (size_t i = 0; i < side->log_count; i++) TRY(take_log(buffer_slice(&side->logs[i]), why, &walk));
    if (facts->windows.has_trust_boundary && facts->is_windows_hidden)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.event", "the data that were measured, beside trust boundaries",
                      "others");
    return write_object(object, why, json);
}

/* ---- PCRs ---- */

static enum status put_pcr(const struct tpm_platform_claims *claims, unsigned pcr, json_t *list)
{
    CLEANUP(json_done) json_t *entry = json_object();
    json_t *const digests = json_object();
    TRY(text_put(entry, "Digests", digests));
    TRY(text_put(entry, "Index", json_integer((json_int_t)pcr)));
    for (size_t i = 0; i < claims->pcrs.count; i++) {
        const struct tpm_pcrs *const bank = &claims->pcrs.items[i];
        enum hash hash;
        json_t *text;
        if ((bank->known >> pcr & 1) == 0) continue;
        const char *const name = bank_name(bank->hash, &hash);
        TRY(text_of_hex(slice_of(bank->values[pcr], hash_bytes(hash)), &text));
        TRY(text_put(digests, name, text));
    }
    if (json_object_size(digests) == 0) return OK;
    return json_array_append(list, entry) == 0 ? OK : ERR_NO_MEMORY;
}

enum status events_pcrs(const struct tpm_platform_claims *claims, struct buffer *json)
{
    CLEANUP(json_done) json_t *object = json_object();
    json_t *const list = json_array();
    TRY(text_put(object, "PCRs", list));
    for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++) TRY(put_pcr(claims, pcr, list));
    return json_write(object, json);
}

/* ---- rules ---- */

static bool is_true(const struct windows_flag *flag)
{
    return flag->was_true && !flag->was_false;
}

/* What was not measured can be believed to be absent only if every PCR where it would stand is explained. */
static bool is_absent(const struct boot_facts *facts, const struct windows_flag *flag)
{
    return facts->windows.has_os_parameters && (facts->explained & WINDOWS_PCRS) == WINDOWS_PCRS && !flag->was_true;
}

bool boot_has_secure_boot(const struct boot_facts *facts)
{
    return facts->secure_boot_count == 1 && facts->secure_boot;
}

bool boot_has_no_debugging(const struct boot_facts *facts)
{
    return facts->windows.boot_debugging.was_false && is_absent(facts, &facts->windows.boot_debugging);
}

bool boot_is_not_safe_mode(const struct boot_facts *facts)
{
    return is_absent(facts, &facts->windows.safe_mode);
}

bool boot_is_not_win_pe(const struct boot_facts *facts)
{
    return is_absent(facts, &facts->windows.win_pe);
}

bool boot_has_vbs(const struct boot_facts *facts)
{
    const struct windows_facts *const windows = &facts->windows;
    if (windows->vsm_required.was_false || windows->vbs_mandatory.was_false) return false;
    return windows->vsm_required.was_true || windows->vbs_mandatory.was_true;
}

bool boot_has_iommu(const struct boot_facts *facts)
{
    return is_true(&facts->windows.iommu_required);
}
