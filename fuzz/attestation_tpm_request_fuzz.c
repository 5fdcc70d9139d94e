/* SPDX-License-Identifier: Apache-2.0
 * Hits tpm_report_verify and tpm_report_claims behind every signature, events_read behind every digest, and
 * enclave_report_verify and tpm_ima_log_convert. The first byte says what the rest is: 0 and 1 the payload of a request
 * of the second and the first form; 2 events (PCR, type, size in two bytes, data), of which a log is made; 3 a log; 4
 * an enclave's report; 5 a measurement list of Linux. */
#include "attestation/tpm/enclave.h"
#include "attestation/tpm/events.h"
#include "base/encoding.h"
#include "base/reader.h"
#include "fuzz.h"
#include "parts.h"

#include <string.h>

const size_t fuzz_allocation_max = FUZZ_JSON_GROWTH * (TPM_REQUEST_MAX_BYTES + 4096);

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */
enum status __wrap_key_verify_with(const struct key *key, enum hash hash, enum key_padding padding,
                                   struct slice message, struct slice signature);
enum status __wrap_key_verify_pss(const struct key *key, struct slice message, struct slice signature);
/* NOLINTEND(bugprone-reserved-identifier) */

enum status __wrap_key_verify_with(const struct key *, enum hash, enum key_padding, struct slice, struct slice)
{
    return OK;
}

enum status __wrap_key_verify_pss(const struct key *, struct slice, struct slice)
{
    return OK;
}

/* ---- requests ---- */

static void check_claims(const struct tpm_report *report)
{
    struct claim_set *set;
    must(claim_set_new(&set));
    const enum status status = tpm_report_claims(report, "https://attest.example", NULL, set);
    if (status != OK && status != ERR_POLICY_LIMIT) abort();
    if (status == OK && claim_set_find(set, "aikValidated")->value.boolean) abort(); /* there are no authorities */
    claim_set_free(set);
}

static void read_payload(struct slice payload, const char *header)
{
    static const struct tpm_rules rules = {.required_pcr_mask = 0};
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(2 * payload.size + 4096);
    CLEANUP(tpm_report_cleanup) struct tpm_report *report = NULL;
    struct refusal why = {};
    must(buffer_append_text(&message, "{\"payload\":{\"request\":\""));
    must(base64url_encode(slice_of_text(header), &message));
    must(buffer_append_text(&message, "."));
    must(base64url_encode(payload, &message));
    must(buffer_append_text(&message, ".AAAA\"}}"));
    const enum status status = tpm_report_verify(buffer_slice(&message), &rules, 1790000000, &why, &report);
    if (status == OK) check_claims(report);
    if (status != OK && status != ERR_NO_MEMORY && why.field[0] == '\0') abort();
}

/* ---- logs ---- */

static void read_log(struct slice bytes)
{
    struct tpm_side *side = calloc(1, sizeof(*side));
    struct tpm_platform_claims claims = {.explained = 0xffffff, .pcrs.count = 1};
    struct boot_facts facts = {};
    CLEANUP(buffer_done) struct buffer json = buffer_of_maximum(CLAIM_TEXT_MAX_BYTES);
    struct refusal why = {};
    if (side == NULL) return;
    claims.pcrs.items[0] = (struct tpm_pcrs){.hash = TPM_HASH_SHA256, .known = 0xffffff};
    side->logs[0] = buffer_of_maximum(bytes.size);
    must(buffer_append(&side->logs[0], bytes));
    side->log_count = 1;
    const enum status status = events_read(side, &claims, &why, &facts, &json);
    if (status == OK && json.size == 0) abort();
    if (status != OK && why.field[0] == '\0') abort();
    boot_facts_done(&facts);
    tpm_side_done(side);
    free(side);
}

static void append_event(struct buffer *log, uint32_t pcr, uint32_t type, struct slice data)
{
    uint8_t digest[SHA256_BYTES];
    must(sha256(data, digest));
    must(buffer_append_u32_le(log, pcr));
    must(buffer_append_u32_le(log, type));
    must(buffer_append_u32_le(log, 1));
    must(buffer_append_u16_le(log, TPM_HASH_SHA256));
    must(buffer_append(log, SLICE_ARRAY(digest)));
    must(buffer_append_u32_le(log, (uint32_t)data.size));
    must(buffer_append(log, data));
}

static void begin_log(struct buffer *log)
{
    static const uint8_t data[] = "Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\13\0\40\0";
    static const uint8_t no_digest[SHA1_BYTES];
    must(buffer_append_u32_le(log, 0));
    must(buffer_append_u32_le(log, TPM_EVENT_NO_ACTION));
    must(buffer_append(log, SLICE_ARRAY(no_digest)));
    must(buffer_append_u32_le(log, sizeof(data)));
    must(buffer_append(log, SLICE_ARRAY(data)));
}

static void read_events(struct slice bytes)
{
    static const uint32_t types[] = {
        4, 6, 5, 0x80000001, 0x80000002, 0x800000e0, 0x80000007, TPM_EVENT_IMA, TPM_EVENT_IMA_BUFFER, 13};
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(40 * bytes.size + 4096);
    struct reader reader = reader_over(bytes);
    uint8_t pcr, type;
    uint16_t size;
    struct slice data;
    begin_log(&log);
    while (reader_u8(&reader, &pcr) == OK && reader_u8(&reader, &type) == OK && reader_u16_le(&reader, &size) == OK &&
           reader_slice(&reader, size, &data) == OK)
        append_event(&log, pcr % TPM_PCR_COUNT, types[type % 10], data);
    read_log(buffer_slice(&log));
}

/* ---- enclaves ---- */

static void read_enclave(struct slice bytes)
{
    struct key *key = fixed_p256(9);
    struct enclave_report report;
    struct refusal why = {};
    if (enclave_report_verify(bytes, NULL, 0, &why, &report) == OK) abort();
    (void)!enclave_report_verify(bytes, &key, 1, &why, &report);
    key_free(key);
}

/* ---- measurement lists ---- */

static void read_list(struct slice bytes)
{
    static const struct tpm_banks none = {};
    CLEANUP(buffer_done) struct buffer log = buffer_of_maximum(TPM_EVENT_LOG_MAX_BYTES);
    struct tpm_pcrs pcrs;
    struct refusal why = {};
    const enum status status = tpm_ima_log_convert(bytes, &none, &why, &log);
    if (status != OK && why.field[0] == '\0') abort();
    if (status != OK) return;
    must(tpm_event_log_replay(buffer_slice(&log), TPM_HASH_SHA256, &why, &pcrs));
    read_log(buffer_slice(&log));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) return 0;
    const struct slice rest = slice_of(bytes + 1, size - 1);
    switch (bytes[0] % 6) {
    case 0: read_payload(rest, "{\"alg\":\"PS256\",\"typ\":\"attReqV2\"}"); break;
    case 1: read_payload(rest, "{\"alg\":\"PS256\",\"typ\":\"attReq\"}"); break;
    case 2: read_events(rest); break;
    case 3: read_log(rest); break;
    case 4: read_enclave(rest); break;
    default: read_list(rest); break;
    }
    return 0;
}
