/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/report.h"
#include "base/encoding.h"

#include <stdio.h>
#include <string.h>

/* ---- properties ---- */

static enum status refuse_property(const char *name, const char *expected, struct refusal *why)
{
    char field[REFUSAL_FIELD_BYTES];
    (void)snprintf(field, sizeof(field), "configurationrules.%s", name);
    return refuse(why, ERR_POLICY_VALUE, field, expected, "another value");
}

static enum status read_boolean(const struct claim_set *properties, const char *name, struct refusal *why, bool *value)
{
    const struct claim *const claim = claim_set_find(properties, name);
    if (claim == NULL) return OK;
    if (claim->value.type != CLAIM_BOOLEAN) return refuse_property(name, "a Boolean", why);
    *value = claim->value.boolean;
    return OK;
}

static enum status read_integer(const struct claim_set *properties, const char *name, int64_t minimum, int64_t maximum,
                                struct refusal *why, int64_t *value)
{
    const struct claim *const claim = claim_set_find(properties, name);
    char expected[64];
    if (claim == NULL) return OK;
    (void)snprintf(expected, sizeof(expected), "an Integer from %lld to %lld", (long long)minimum, (long long)maximum);
    if (claim->value.type != CLAIM_INTEGER || claim->value.integer < minimum || claim->value.integer > maximum)
        return refuse_property(name, expected, why);
    *value = claim->value.integer;
    return OK;
}

enum status tpm_rules_of_policy(const struct claim_set *properties, const struct tpm_roots *roots, struct refusal *why,
                                struct tpm_rules *rules_out)
{
    enum { ALL_PCRS = (1 << TPM_PCR_COUNT) - 1 };
    struct tpm_rules rules = {.roots = roots, .require_valid_aik_cert = true};
    int64_t mask = ALL_PCRS;
    TRY(read_boolean(properties, "require_valid_aik_cert", why, &rules.require_valid_aik_cert));
    TRY(read_integer(properties, "required_pcr_mask", 0, ALL_PCRS, why, &mask));
    rules.required_pcr_mask = (uint32_t)mask;
    *rules_out = rules;
    return OK;
}

enum status tpm_report_life(const struct claim_set *properties, struct refusal *why, int64_t *life_s_out)
{
    int64_t minutes = TPM_REPORT_LIFE_DEFAULT_MIN;
    TRY(read_integer(properties, "report_validity_in_minutes", 1, TPM_REPORT_LIFE_MAX_MIN, why, &minutes));
    *life_s_out = minutes * 60;
    return OK;
}

enum status tpm_report_omits_certificate(const struct claim_set *properties, struct refusal *why, bool *omits_out)
{
    *omits_out = false;
    return read_boolean(properties, "omit_x5c", why, omits_out);
}

/* ---- incoming claims ---- */

static enum status add_text(struct claim_set *set, const char *type, struct slice text, bool read_only,
                            struct refusal *why)
{
    const struct claim claim = {.type = slice_of_text(type),
                                .value = {.type = CLAIM_STRING, .text = text},
                                .issuer = CLAIM_OF_SERVICE,
                                .read_only = read_only};
    return text.size == 0 ? OK : claim_set_add(set, &claim, why);
}

static enum status add_boot(const struct tpm_report *report, struct claim_set *set, struct refusal *why)
{
    const struct boot_facts *const facts = &report->facts;
    const struct {
        const char *type;
        bool value;
    } claims[] = {
        {"secureBootEnabled", boot_has_secure_boot(facts)},
        {"iommuEnabled", boot_has_iommu(facts)},
        {"bootDebuggingDisabled", boot_has_no_debugging(facts)},
        {"notSafeMode", boot_is_not_safe_mode(facts)},
        {"notWinPE", boot_is_not_win_pe(facts)},
        {"vbsEnabled", boot_has_vbs(facts)},
        {"vbsReportPresent", report->request.is_vbs},
        {"vsmReportPresent", report->request.is_vbs}, /* as a sample policy of Azure's spells it */
    };
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
        TRY(claim_set_add_boolean(set, claims[i].type, claims[i].value, CLAIM_OF_SERVICE, why));
    return OK;
}

static enum status add_identifier(struct claim_set *set, const char *type, struct slice bytes, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(64);
    TRY(base64url_encode(bytes, &text));
    return add_text(set, type, buffer_slice(&text), false, why);
}

static enum status add_enclave(const struct tpm_report *report, struct claim_set *set, struct refusal *why)
{
    const struct enclave_report *const enclave = &report->enclave;
    if (!report->request.is_vbs) return OK;
    TRY(add_identifier(set, "enclaveAuthorId", SLICE_ARRAY(enclave->author_id), why));
    TRY(add_identifier(set, "enclaveImageId", SLICE_ARRAY(enclave->image_id), why));
    TRY(add_identifier(set, "enclaveOwnerId", SLICE_ARRAY(enclave->owner_id), why));
    TRY(add_identifier(set, "enclaveFamilyId", SLICE_ARRAY(enclave->family_id), why));
    TRY(claim_set_add_integer(set, "enclaveSvn", enclave->svn, CLAIM_OF_SERVICE, why));
    TRY(claim_set_add_integer(set, "enclavePlatformSvn", enclave->platform_svn, CLAIM_OF_SERVICE, why));
    return claim_set_add_integer(set, "enclaveFlags", enclave->flags, CLAIM_OF_SERVICE, why);
}

static enum status add_custom(const struct tpm_report *report, const char *issuer, struct claim_set *set,
                              struct refusal *why)
{
    for (size_t i = 0; i < report->request.custom_count; i++) {
        const struct tpm_custom_claim *const custom = &report->request.custom[i];
        CLEANUP(buffer_done) struct buffer type = buffer_of_maximum(CLAIM_TYPE_MAX_BYTES);
        enum status status = buffer_append_format(&type, "%s/%.*s", issuer, (int)custom->name.size, custom->name.bytes);
        if (status == ERR_TOO_LARGE)
            return refuse(why, ERR_POLICY_LIMIT, "custom_claims.name", "at most CLAIM_TYPE_MAX_BYTES with the issuer",
                          "%zu characters", custom->name.size);
        const struct claim claim = {.type = buffer_slice(&type), .value = custom->value, .issuer = CLAIM_OF_CLIENT};
        if (status == OK) status = claim_set_add(set, &claim, why);
        if (status != OK) return status;
    }
    return OK;
}

enum status tpm_report_claims(const struct tpm_report *report, const char *issuer, struct refusal *why,
                              struct claim_set *incoming)
{
    TRY(claim_set_add_boolean(incoming, "aikValidated", report->is_aik_valid, CLAIM_OF_SERVICE, why));
    TRY(add_text(incoming, "aikPubHash", buffer_slice(&report->aik_hash), false, why));
    TRY(claim_set_add_integer(incoming, "tpmVersion", 2, CLAIM_OF_SERVICE, why));
    TRY(add_boot(report, incoming, why));
    TRY(add_enclave(report, incoming, why));
    TRY(add_text(incoming, "x-ms-tpm-request-key", buffer_slice(&report->request_key), false, why));
    TRY(add_text(incoming, "x-ms-tpm-other-keys", buffer_slice(&report->other_keys), false, why));
    /* Azure's own samples issue what they find in events, and say that PCRs cannot be issued. */
    TRY(add_text(incoming, "pcrs", buffer_slice(&report->pcrs), true, why));
    TRY(add_text(incoming, "events", buffer_slice(&report->events), false, why));
    TRY(add_text(incoming, "bootEvents", buffer_slice(&report->boot_events), false, why));
    return add_custom(report, issuer, incoming, why);
}

/* ---- for the host's policy ---- */

static const struct tpm_pcrs *longest_bank(const struct tpm_banks *banks)
{
    const struct tpm_pcrs *longest = &banks->items[0];
    for (size_t i = 1; i < banks->count; i++) {
        if (banks->items[i].hash > longest->hash) longest = &banks->items[i];
    }
    return longest;
}

enum status tpm_report_quote(const struct tpm_report *report, struct tpm_claims *claims_out)
{
    const struct tpm_platform_claims *const platform = &report->current;
    const struct tpm_pcrs *const bank = longest_bank(&platform->pcrs);
    struct tpm_claims claims = {
        .extra_data_size = platform->extra_data_size,
        .clock_ms = platform->clock_ms,
        .firmware_version = platform->firmware_version,
        .reset_count = platform->reset_count,
        .restart_count = platform->restart_count,
        .is_clock_safe = platform->is_clock_safe,
        .bank = bank->hash,
        .selection = bank->known,
        .pcrs = *bank,
        .has_event_log = report->request.current.log_count > 0,
    };
    memcpy(claims.extra_data, platform->extra_data, platform->extra_data_size);
    TRY(key_thumbprint(report->request.current.aik, claims.key_thumbprint));
    *claims_out = claims;
    return OK;
}

/* ---- the token ---- */

struct tpm_report_token tpm_report_token(const struct tpm_report *report)
{
    return (struct tpm_report_token){.confirmation = buffer_slice(&report->confirmation),
                                     .rp_data = report->request.rp_data,
                                     .request_key = buffer_slice(&report->request_key),
                                     .other_keys = buffer_slice(&report->other_keys)};
}
