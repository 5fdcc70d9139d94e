/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over TDX trust domains: measurements, configuration, and attributes, of which unknown ones are refused.
 */
#include "evidence/appraisal/sections.h"

#include <string.h>

#define VALUE(member, hint)                                                                                            \
    .name = #member, .offset = offsetof(struct tdx_claims, member),                                                    \
    .size = sizeof(((struct tdx_claims *)NULL)->member), .fix = (hint)
#define RTMR(index, hint)                                                                                              \
    .name = "rtmr" #index, .offset = offsetof(struct tdx_claims, rtmr) + (index)*TD_MEASUREMENT_BYTES,                 \
    .size = TD_MEASUREMENT_BYTES, .fix = (hint)

enum { MRTD = 0 };

static const struct value_field values[] = {
    [MRTD] = {VALUE(mrtd, "start an accepted firmware image, or add this one to the policy"), .is_never_zero = true},
    {RTMR(0, "start the domain with the accepted firmware configuration, or add this value to the policy")},
    {RTMR(1, "start an accepted kernel, or add this value to the policy")},
    {RTMR(2, "start with the accepted command line and initial disk, or add this value to the policy")},
    {RTMR(3, "start the accepted workload, or add this value to the policy")},
    {VALUE(mrseam, "have the host load an accepted TDX module"), .is_never_zero = true},
    {VALUE(mrsignerseam, "have the host load an accepted TDX module")},
    {VALUE(mrconfigid, "start the domain with the accepted configuration")},
    {VALUE(mrowner, "start the domain with the accepted owner")},
    {VALUE(mrownerconfig, "start the domain with the accepted owner's configuration")},
    {VALUE(mrservicetd, "start the domain without a service domain, which could move it elsewhere"),
     .zero_by_default = true},
    {VALUE(xfam, "start the domain with the accepted processor features")},
};

#define ATTRIBUTE(mask_) .offset = offsetof(struct tdx_claims, attributes), .mask = (mask_)

static const struct flag_field flags[] = {
    {.name = INSECURE("allow_debug"),
     .claim = "debug",
     .kind = FLAG_INSECURE,
     .offset = offsetof(struct tdx_claims, debug),
     .fix = "start the domain without debugging: the host reads all that a debug domain holds"},
    {.name = "require_sept_ve_disable",
     .claim = "attributes.sept_ve_disable",
     .kind = FLAG_REQUIRE,
     ATTRIBUTE(TD_ATTRIBUTE_SEPT_VE_DISABLE),
     .fix = "start the domain with SEPT_VE_DISABLE: otherwise the host can interrupt it by taking pages away"},
    {.name = "allow_migratable",
     .claim = "attributes.migratable",
     .kind = FLAG_ALLOW,
     ATTRIBUTE(TD_ATTRIBUTE_MIGRATABLE),
     .fix = "start the domain as one that cannot be moved"},
    {.name = "allow_protection_keys",
     .claim = "attributes.protection_keys",
     .kind = FLAG_ALLOW,
     ATTRIBUTE(TD_ATTRIBUTE_PROTECTION_KEYS),
     .fix = "start the domain without supervisor protection keys"},
    {.name = "allow_key_locker",
     .claim = "attributes.key_locker",
     .kind = FLAG_ALLOW,
     ATTRIBUTE(TD_ATTRIBUTE_KEY_LOCKER),
     .fix = "start the domain without Key Locker"},
    {.name = "allow_perfmon",
     .claim = "attributes.perfmon",
     .kind = FLAG_ALLOW,
     ATTRIBUTE(TD_ATTRIBUTE_PERFMON),
     .fix = "start the domain without performance monitoring"},
};

static const char *const others[] = {"minimum_tee_tcb_svn", NULL};

static const struct section_shape shape = {
    .values = values,
    .value_count = sizeof(values) / sizeof(values[0]),
    .flags = flags,
    .flag_count = sizeof(flags) / sizeof(flags[0]),
    .others = others,
};

enum status tdx_rules_read(const struct section_source *source, struct tdx_rules *rules_out)
{
    struct tdx_rules rules = {};
    TRY(section_read(&shape, source, &rules.section));
    if (rules.section.values[MRTD].any)
        return refuse(source->why, ERR_FIELD_VALUE, json_path(source->path, "mrtd").text,
                      "the accepted measurements: without them anything could be inside", "any");
    if (!rule_is_word(source->json, "minimum_tee_tcb_svn", "any"))
        TRY(json_get_hex(source->json, source->path, "minimum_tee_tcb_svn", sizeof(rules.minimum_tee_tcb_svn),
                         source->why, rules.minimum_tee_tcb_svn));
    *rules_out = rules;
    return OK;
}

static enum status check_attributes(const struct appraisal *appraisal, const struct tdx_claims *claims)
{
    const uint64_t debug = 0xff, known = debug | TD_ATTRIBUTE_SEPT_VE_DISABLE | TD_ATTRIBUTE_MIGRATABLE |
                                         TD_ATTRIBUTE_PROTECTION_KEYS | TD_ATTRIBUTE_KEY_LOCKER | TD_ATTRIBUTE_PERFMON;
    if ((claims->attributes & ~known) == 0) return OK;
    return disagree(appraisal, "attributes", "start the domain without attributes that this program has no rule for",
                    "no attribute beside those that the policy rules", "%#llx",
                    (unsigned long long)(claims->attributes & ~known));
}

static enum status check_tee_tcb_svn(const struct tdx_rules *rules, const struct appraisal *appraisal,
                                     const struct tdx_claims *claims)
{
    for (size_t i = 0; i < sizeof(claims->tee_tcb_svn); i++) {
        if (claims->tee_tcb_svn[i] >= rules->minimum_tee_tcb_svn[i]) continue;
        return disagree(appraisal, "tee_tcb_svn", "have the host load a newer TDX module",
                        refusal_hex(SLICE_ARRAY(rules->minimum_tee_tcb_svn)).text, "%s",
                        refusal_hex(SLICE_ARRAY(claims->tee_tcb_svn)).text);
    }
    return OK;
}

enum status tdx_rules_check(const struct tdx_rules *rules, const struct appraisal *appraisal,
                            const struct tdx_claims *claims)
{
    TRY(section_check(&shape, &rules->section, appraisal, claims));
    TRY(check_attributes(appraisal, claims));
    return check_tee_tcb_svn(rules, appraisal, claims);
}
