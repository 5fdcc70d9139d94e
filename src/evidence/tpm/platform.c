/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/tpm/attest.h"
#include "evidence/tpm/replay.h"
#include "evidence/tpm/signature.h"
#include "evidence/tpm/wire.h"

#include <stdio.h>
#include <string.h>

/* ---- the quote ---- */

static enum status check_nonce(const struct tpm_platform *platform, const struct tpm_attest *attest,
                               struct refusal *why)
{
    if (platform->nonce.size == 0 || slice_equal(platform->nonce, attest->extra_data)) return OK;
    (void)refuse(why, ERR_TPM_NONCE, "attest.extraData", refusal_hex(platform->nonce).text, "%s",
                 refusal_hex(attest->extra_data).text);
    return refuse_fix(why, ERR_TPM_NONCE, "ask for a new quote with this challenge, bound to this key");
}

static enum status check_required(const struct tpm_platform *platform, const struct tpm_attest *attest,
                                  struct refusal *why)
{
    uint32_t quoted = 0;
    for (size_t i = 0; i < attest->selection_count; i++) quoted |= attest->selections[i].pcrs;
    if ((platform->required & ~quoted) == 0) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at least the PCRs of the bitmap %06x", (unsigned)platform->required);
    return refuse(why, ERR_TPM_PCR, "attest.pcrSelect", expected, "%06x", (unsigned)quoted);
}

static const struct tpm_pcrs *bank_in(const struct tpm_banks *banks, enum tpm_hash bank)
{
    for (size_t i = 0; i < banks->count; i++) {
        if (banks->items[i].hash == bank) return &banks->items[i];
    }
    return NULL;
}

/* The values given for one selection of the quote, no others. */
static enum status take_values(const struct tpm_platform *platform, const struct tpm_selection *selection,
                               struct refusal *why, struct tpm_pcrs *pcrs_out)
{
    const struct tpm_pcrs *const given = bank_in(platform->pcrs, selection->bank);
    if (given == NULL)
        return refuse(why, ERR_TPM_PCR, "pcrs.algorithm", tpm_algorithm_text((uint16_t)selection->bank).text,
                      "%zu other banks", platform->pcrs->count);
    if ((selection->pcrs & ~given->known) != 0)
        return refuse(why, ERR_TPM_PCR, "pcrs.values", "values of all quoted PCRs", "none of those in the bitmap %06x",
                      (unsigned)(selection->pcrs & ~given->known));
    *pcrs_out = *given;
    pcrs_out->known = selection->pcrs; /* nothing vouches for the others */
    return OK;
}

/* The digest is over the PCRs of each selection in the quote's order, from the lowest to the highest. */
static enum status check_values(const struct tpm_platform *platform, const struct tpm_attest *attest,
                                enum hash scheme_hash, struct refusal *why, struct tpm_banks *banks_out)
{
    struct slice parts[TPM_QUOTED_BANK_MAX * TPM_PCR_COUNT];
    size_t count = 0;
    banks_out->count = attest->selection_count;
    for (size_t i = 0; i < attest->selection_count; i++) {
        struct tpm_pcrs *const pcrs = &banks_out->items[i];
        TRY(take_values(platform, &attest->selections[i], why, pcrs));
        for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++) {
            if ((pcrs->known >> pcr & 1) == 1)
                parts[count++] = slice_of(pcrs->values[pcr], hash_bytes(tpm_hash_of(pcrs->hash)));
        }
    }
    uint8_t digest[HASH_MAX_BYTES];
    TRY(hash_parts(scheme_hash, parts, count, digest));
    const struct slice expected = slice_of(digest, hash_bytes(scheme_hash));
    if (slice_equal(attest->pcr_digest, expected)) return OK;
    return refuse(why, ERR_TPM_PCR, "attest.pcrDigest", refusal_hex(expected).text, "%s",
                  refusal_hex(attest->pcr_digest).text);
}

/* ---- the logs ---- */

/* Replays all logs, one after the other, into the bank. `covered_out` false: one of them does not have it. */
static enum status replay_all(const struct tpm_platform *platform, enum tpm_hash bank, bool after_dynamic_launch,
                              struct refusal *why, struct tpm_pcrs *pcrs_out, bool *covered_out)
{
    *pcrs_out = (struct tpm_pcrs){.hash = bank};
    *covered_out = true;
    for (size_t i = 0; i < platform->log_count; i++) {
        struct tpm_event_log log;
        struct tpm_event event;
        bool is_event;
        TRY(tpm_event_log_open(platform->logs[i], why, &log));
        if (!tpm_event_log_has(&log, bank)) *covered_out = false;
        for (;;) {
            TRY(tpm_event_log_next(&log, why, &event, &is_event));
            if (!is_event) break;
            if (*covered_out) TRY(tpm_replay_event(&log, &event, after_dynamic_launch, why, pcrs_out));
        }
    }
    return OK;
}

static enum status refuse_value(const struct tpm_pcrs *quoted, const struct tpm_pcrs *replayed, unsigned pcr,
                                struct refusal *why)
{
    const size_t size = hash_bytes(tpm_hash_of(quoted->hash));
    char field[32];
    (void)snprintf(field, sizeof(field), "event_log.pcr[%u]", pcr);
    return refuse(why, ERR_TPM_EVENT_LOG, field, refusal_hex(slice_of(quoted->values[pcr], size)).text, "%s",
                  refusal_hex(slice_of(replayed->values[pcr], size)).text);
}

static bool same_value(const struct tpm_pcrs *one, const struct tpm_pcrs *other, unsigned pcr)
{
    return memcmp(one->values[pcr], other->values[pcr], hash_bytes(tpm_hash_of(one->hash))) == 0;
}

/* Of one bank: which PCRs the logs explain. A dynamic launch sets PCRs 17 to 22 to zero before it extends them, and no
 * log says whether there was one: the TPM's values tell. */
static enum status explain(const struct tpm_pcrs *quoted, struct tpm_pcrs *replayed, struct tpm_pcrs *dynamic,
                           struct refusal *why, uint32_t *explained)
{
    for (unsigned pcr = 0; pcr < TPM_PCR_COUNT; pcr++) {
        if ((quoted->known >> pcr & 1) == 0) continue;
        const bool is_named = (replayed->known >> pcr & 1) == 1;
        tpm_pcr_begin(replayed, pcr, false);
        tpm_pcr_begin(dynamic, pcr, true);
        if (same_value(quoted, replayed, pcr) || same_value(quoted, dynamic, pcr)) continue;
        if (is_named) return refuse_value(quoted, replayed, pcr, why);
        *explained &= ~(UINT32_C(1) << pcr);
    }
    return OK;
}

/* Quotes over banks that the logs do not have say nothing about the logs' events. */
static enum status check_logs(const struct tpm_platform *platform, struct refusal *why,
                              struct tpm_platform_claims *claims)
{
    uint32_t explained = (UINT32_C(1) << TPM_PCR_COUNT) - 1, seen = 0;
    for (size_t i = 0; i < claims->pcrs.count && platform->log_count > 0; i++) {
        const struct tpm_pcrs *const quoted = &claims->pcrs.items[i];
        struct tpm_pcrs replayed, dynamic;
        bool is_covered;
        TRY(replay_all(platform, quoted->hash, false, why, &replayed, &is_covered));
        if (!is_covered) continue;
        TRY(replay_all(platform, quoted->hash, true, why, &dynamic, &is_covered));
        TRY(explain(quoted, &replayed, &dynamic, why, &explained));
        seen |= quoted->known;
    }
    if (platform->log_count > 0 && seen == 0)
        return refuse(why, ERR_TPM_EVENT_LOG, "event_log.SpecID", "a bank that is quoted, in every log", "other banks");
    claims->explained = explained & seen;
    return OK;
}

/* ---- both ---- */

static void fill(const struct tpm_attest *attest, struct tpm_platform_claims *claims)
{
    claims->extra_data_size = attest->extra_data.size;
    memcpy(claims->extra_data, attest->extra_data.bytes, attest->extra_data.size);
    claims->clock_ms = attest->clock_ms;
    claims->firmware_version = attest->firmware_version;
    claims->reset_count = attest->reset_count;
    claims->restart_count = attest->restart_count;
    claims->is_clock_safe = attest->is_clock_safe;
}

enum status tpm_platform_verify(const struct tpm_platform *platform, struct refusal *why,
                                struct tpm_platform_claims *claims_out)
{
    struct tpm_attest attest;
    struct tpm_signature signature;
    struct tpm_platform_claims claims = {};
    TRY(tpm_attest_parse_banks(platform->attest, why, &attest));
    TRY(tpm_signature_parse(platform->signature, why, &signature));
    TRY(tpm_signature_verify(&signature, platform->key, attest.whole, why));
    TRY(check_nonce(platform, &attest, why));
    TRY(check_required(platform, &attest, why));
    TRY(check_values(platform, &attest, signature.hash, why, &claims.pcrs));
    TRY(check_logs(platform, why, &claims));
    fill(&attest, &claims);
    *claims_out = claims;
    return OK;
}
