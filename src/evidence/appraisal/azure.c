/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over Azure confidential machines: the hardware's evidence below (of Microsoft's paravisor, so its rules stand
 * in this section and are not those of plain guests), the machine's configuration, and its vTPM, which says what
 * booted.
 */
#include "evidence/appraisal/sections.h"

static const struct flag_field flags[] = {
    {.name = "require_secure_boot",
     .claim = "secure_boot",
     .kind = FLAG_REQUIRE,
     .offset = offsetof(struct azure_claims, secure_boot),
     .fix = "create the machine with secure boot"},
    {.name = "allow_console",
     .claim = "console_enabled",
     .kind = FLAG_ALLOW,
     .offset = offsetof(struct azure_claims, console_enabled),
     .fix = "switch the machine's console off"},
    {.name = "require_event_log",
     .claim = "tpm.has_event_log",
     .kind = FLAG_REQUIRE,
     .offset = offsetof(struct azure_claims, tpm) + offsetof(struct tpm_claims, has_event_log),
     .fix = "give the event log with the quote"},
};

static const struct value_field vm_id_field = {
    .name = "vm_id",
    .size = UUID_BYTES,
    .is_never_zero = true,
    .is_uuid = true,
    .fix = "use an accepted machine, or add its id to azure-vtpm.vm_id",
};

static const char *const others[] = {"snp", "tdx", "vm_id", "pcrs", NULL};

static const struct section_shape shape = {
    .flags = flags,
    .flag_count = sizeof(flags) / sizeof(flags[0]),
    .others = others,
};

static struct section_source inner_source(const struct section_source *source, const char *name,
                                          const struct json_path *path)
{
    struct section_source inner = *source;
    inner.json = json_object_get(source->json, name);
    inner.path = path->text;
    return inner;
}

static enum status read_hardware(const struct section_source *source, struct azure_rules *rules)
{
    const struct json_path snp_path = json_path(source->path, "snp"), tdx_path = json_path(source->path, "tdx");
    const struct section_source snp = inner_source(source, "snp", &snp_path);
    const struct section_source tdx = inner_source(source, "tdx", &tdx_path);
    rules->has_snp = snp.json != NULL;
    rules->has_tdx = tdx.json != NULL;
    if (!rules->has_snp && !rules->has_tdx)
        return refuse(source->why, ERR_FIELD_MISSING, source->path, "snp or tdx: the hardware below", "neither");
    if (rules->has_snp) TRY(snp_rules_read(&snp, &rules->snp));
    if (rules->has_tdx) TRY(tdx_rules_read(&tdx, &rules->tdx));
    return OK;
}

enum status azure_rules_read(const struct section_source *source, struct azure_rules *rules_out)
{
    struct azure_rules rules = {};
    TRY(section_read(&shape, source, &rules.section));
    TRY(read_hardware(source, &rules));
    TRY(value_rule_read(&vm_id_field, source, &rules.vm_id));
    TRY(pcr_rules_read(source, &rules.pcrs));
    *rules_out = rules;
    return OK;
}

static struct appraisal inner_appraisal(const struct appraisal *appraisal, const struct json_path *path)
{
    struct appraisal inner = *appraisal;
    inner.path = path->text;
    return inner;
}

static enum status refuse_isolation(const struct appraisal *appraisal, const char *isolation)
{
    return disagree(appraisal, "isolation", "create the machine in a size with accepted hardware",
                    "hardware for which azure-vtpm has a section", "%s", isolation);
}

static enum status check_hardware(const struct azure_rules *rules, const struct intel_rules *intel,
                                  const struct appraisal *appraisal, const struct azure_claims *claims)
{
    const struct json_path snp_path = json_path(appraisal->path, "snp"), tdx_path = json_path(appraisal->path, "tdx");
    const struct json_path intel_path = json_path("", "intel");
    const struct appraisal snp = inner_appraisal(appraisal, &snp_path), tdx = inner_appraisal(appraisal, &tdx_path);
    const struct appraisal platform = inner_appraisal(appraisal, &intel_path);
    if (claims->isolation == AZURE_SNP)
        return rules->has_snp ? snp_rules_check(&rules->snp, &snp, &claims->snp) : refuse_isolation(appraisal, "snp");
    if (!rules->has_tdx) return refuse_isolation(appraisal, "tdx");
    TRY(intel_rules_check(intel, &platform, &claims->tdx.platform));
    return tdx_rules_check(&rules->tdx, &tdx, &claims->tdx);
}

/* A machine that does not say its id as a UUID has none that a policy could name: it stays zero. */
static enum status check_vm_id(const struct azure_rules *rules, const struct appraisal *appraisal,
                               const struct azure_claims *claims)
{
    uint8_t id[UUID_BYTES] = {};
    (void)!uuid_decode(slice_of_text(claims->vm_id), id);
    return value_rule_check(&vm_id_field, &rules->vm_id, appraisal, id);
}

enum status azure_rules_check(const struct azure_rules *rules, const struct intel_rules *intel,
                              const struct appraisal *appraisal, const struct azure_claims *claims)
{
    TRY(check_hardware(rules, intel, appraisal, claims));
    TRY(check_vm_id(rules, appraisal, claims));
    if (!claims->has_tpm)
        return disagree(appraisal, "tpm", "give a quote of the machine's vTPM, made for a fresh nonce",
                        "a quote of the vTPM: without one nothing says what booted, nor that it runs now", "none");
    TRY(section_check(&shape, &rules->section, appraisal, claims));
    return pcr_rules_check(&rules->pcrs, appraisal, &claims->tpm);
}
