/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules over the Intel platform below an enclave or a trust domain: which TCB statuses, for how long after a recovery,
 * on which machines.
 */
#include "evidence/appraisal/sections.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { STATUS_COUNT = TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED + 1, ALLOW_SMT = 0 };

static const struct value_field values[] = {
    {.name = "fmspc",
     .offset = offsetof(struct intel_platform, fmspc),
     .size = sizeof(((struct intel_platform *)NULL)->fmspc),
     .fix = "use a platform of an accepted model, or add its FMSPC to intel.fmspc"},
    {.name = "instance_id",
     .offset = offsetof(struct intel_platform, instance_id),
     .size = sizeof(((struct intel_platform *)NULL)->instance_id),
     .is_never_zero = true,
     .fix = "use an accepted machine, or add its platform instance to intel.instance_id"},
};

static const struct flag_field flags[] = {
    [ALLOW_SMT] = {.name = "allow_smt",
                   .claim = "smt_enabled",
                   .kind = FLAG_ALLOW,
                   .offset = offsetof(struct intel_platform, smt_enabled),
                   .fix = "switch hyper-threading off in the firmware's set-up and register the platform anew"},
    {.name = "allow_dynamic_platform",
     .claim = "is_dynamic",
     .kind = FLAG_ALLOW,
     .offset = offsetof(struct intel_platform, is_dynamic),
     .fix = "use a platform to which no packages can be added"},
    {.name = "allow_cached_keys",
     .claim = "has_cached_keys",
     .kind = FLAG_ALLOW,
     .offset = offsetof(struct intel_platform, has_cached_keys),
     .fix = "register the platform without having Intel keep its keys"},
    {.name = INSECURE("allow_simulated"),
     .claim = "simulated",
     .kind = FLAG_INSECURE,
     .offset = offsetof(struct intel_platform, simulated),
     .fix = "use real hardware: whoever runs a software TEE can make it say anything"},
};

static const char *const others[] = {
    "statuses", "advisories", "grace", "minimum_tcb_evaluation", "maximum_collateral_age_s", NULL,
};

static const struct section_shape shape = {
    .values = values,
    .value_count = sizeof(values) / sizeof(values[0]),
    .flags = flags,
    .flag_count = sizeof(flags) / sizeof(flags[0]),
    .others = others,
};

/* ---- reading ---- */

static enum status read_statuses(const struct section_source *source, uint32_t *statuses_out)
{
    const char *names[STATUS_COUNT];
    for (size_t i = 0; i < STATUS_COUNT; i++) names[i] = tcb_status_name((enum tcb_status)i);
    return rule_names_read(source, "statuses", names, STATUS_COUNT, statuses_out);
}

static bool is_listed(const struct intel_rules *rules, const char *advisory)
{
    for (size_t i = rules->advisory_count; i > 0; i--) {
        if (strcmp(rules->advisories[i - 1], advisory) == 0) return true;
    }
    return false;
}

static enum status add_advisory(const json_t *value, const char *path, struct refusal *why, struct intel_rules *rules)
{
    const char *const text = json_string_value(value);
    const size_t size = json_string_length(value);
    if (size == 0 || size > ADVISORY_MAX_BYTES)
        return refuse(why, ERR_FIELD_VALUE, path, "an advisory such as INTEL-SA-00615", "%zu bytes of text", size);
    if (is_listed(rules, text)) return refuse(why, ERR_FIELD_VALUE, path, "each advisory once", "%s twice", text);
    memcpy(rules->advisories[rules->advisory_count++], text, size + 1);
    return OK;
}

static enum status read_advisories(const struct section_source *source, struct intel_rules *rules)
{
    json_t *list;
    rules->any_advisory = rule_is_word(source->json, "advisories", "any");
    if (rules->any_advisory || rule_is_word(source->json, "advisories", "none")) return OK;
    TRY(rule_list_read(source, "advisories", ADVISORY_MAX_COUNT, &list));
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(add_advisory(json_array_get(list, i), json_path_at(source->path, "advisories", i).text, source->why,
                         rules));
    return OK;
}

static enum status read_date(const struct section_source *source, const char *name, int64_t *time_s_out)
{
    enum { DATE_BYTES = 20 };
    struct slice text;
    TRY(json_get_string(source->json, source->path, name, DATE_BYTES, source->why, &text));
    if (time_parse_iso8601(text, time_s_out) == OK) return OK;
    return refuse(source->why, ERR_FIELD_VALUE, json_path(source->path, name).text,
                  "a date such as 2027-01-31T00:00:00Z", "%.*s", (int)text.size, (const char *)text.bytes);
}

static enum status read_grace(const struct section_source *source, struct intel_rules *rules)
{
    static const char *const names[] = {"statuses", "seconds", "until", "minimum_tcb_date", NULL};
    struct grace_rule *const grace = &rules->grace;
    json_t *json;
    if (rule_is_word(source->json, "grace", "none")) return OK;
    TRY(json_get_object(source->json, source->path, "grace", source->why, &json));
    const struct json_path path = json_path(source->path, "grace");
    const struct section_source inner = {.json = json, .path = path.text, .why = source->why};
    TRY(json_only(json, path.text, names, source->why));
    TRY(read_statuses(&inner, &grace->statuses));
    if ((grace->statuses & rules->statuses) != 0)
        return refuse(source->why, ERR_FIELD_VALUE, json_path(path.text, "statuses").text,
                      "statuses that are not accepted anyway", "one of intel.statuses");
    TRY(json_get_integer(json, path.text, "seconds", 1, APPRAISAL_GRACE_MAX_S, source->why, &grace->seconds));
    TRY(read_date(&inner, "until", &grace->until_s));
    return read_date(&inner, "minimum_tcb_date", &grace->minimum_tcb_date_s);
}

enum status intel_rules_read(const struct section_source *source, struct intel_rules *rules_out)
{
    struct intel_rules rules = {};
    TRY(section_read(&shape, source, &rules.section));
    TRY(read_statuses(source, &rules.statuses));
    TRY(read_advisories(source, &rules));
    TRY(read_grace(source, &rules));
    TRY(rule_number_read(source, "minimum_tcb_evaluation", 1, INT32_MAX, 0, &rules.minimum_evaluation));
    TRY(rule_number_read(source, "maximum_collateral_age_s", 1, INT32_MAX, INT64_MAX, &rules.maximum_age_s));
    *rules_out = rules;
    return OK;
}

/* ---- checking ---- */

static const char *const update =
    "update the platform's firmware, microcode and SGX software, and fetch its PCK certificate anew";

static enum status check_advisories(const struct intel_rules *rules, const struct appraisal *appraisal,
                                    const struct intel_platform *platform)
{
    for (size_t i = 0; i < platform->advisory_count && !rules->any_advisory; i++) {
        if (is_listed(rules, platform->advisories[i])) continue;
        return disagree(appraisal, "advisories",
                        "mend the platform as Intel's advisory says, or list the advisory in intel.advisories",
                        "no advisory that the policy does not list", "%s", platform->advisories[i]);
    }
    return OK;
}

static enum status check_grace(const struct grace_rule *grace, const struct appraisal *appraisal,
                               const struct intel_platform *platform)
{
    const int64_t given_s = platform->newest_tcb_date_s + grace->seconds;
    const int64_t end_s = given_s < grace->until_s ? given_s : grace->until_s;
    char expected[96];
    if (appraisal->now_s > end_s) {
        (void)snprintf(expected, sizeof(expected), "a better status: the grace period ended at %s",
                       time_iso8601(end_s).text);
        return disagree(appraisal, "tcb_status", update, expected, "%s", tcb_status_name(platform->tcb_status));
    }
    if (platform->tcb_date_s >= grace->minimum_tcb_date_s) return OK;
    (void)snprintf(expected, sizeof(expected), "a level of %s or later, for the grace period to hold",
                   time_iso8601(grace->minimum_tcb_date_s).text);
    return disagree(appraisal, "tcb_date", update, expected, "%s", time_iso8601(platform->tcb_date_s).text);
}

/* A platform in its grace period has, for certain, the advisories that the recovery was for. */
static enum status check_status(const struct intel_rules *rules, const struct appraisal *appraisal,
                                const struct intel_platform *platform)
{
    const uint32_t status = UINT32_C(1) << platform->tcb_status;
    if ((rules->statuses & status) != 0) return check_advisories(rules, appraisal, platform);
    if ((rules->grace.statuses & status) != 0) return check_grace(&rules->grace, appraisal, platform);
    return disagree(appraisal, "tcb_status", update, "one of intel.statuses", "%s",
                    tcb_status_name(platform->tcb_status));
}

static enum status check_evaluation(const struct intel_rules *rules, const struct appraisal *appraisal,
                                    const struct intel_platform *platform)
{
    if (platform->tcb_evaluation >= rules->minimum_evaluation) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at least %lld", (long long)rules->minimum_evaluation);
    return disagree(appraisal, "tcb_evaluation", "fetch newer collateral", expected, "%lld",
                    (long long)platform->tcb_evaluation);
}

static enum status check_age(const struct intel_rules *rules, const struct appraisal *appraisal,
                             const struct intel_platform *platform)
{
    const int64_t age_s = appraisal->now_s - platform->collateral_issued_s;
    if (age_s <= rules->maximum_age_s) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "at most %lld seconds old", (long long)rules->maximum_age_s);
    return disagree(appraisal, "collateral_issued", "fetch newer collateral", expected, "%s, %lld seconds ago",
                    time_iso8601(platform->collateral_issued_s).text, (long long)age_s);
}

enum status intel_rules_check_tcb(const struct intel_rules *rules, const struct appraisal *appraisal,
                                  const struct intel_platform *platform)
{
    TRY(check_status(rules, appraisal, platform));
    TRY(check_evaluation(rules, appraisal, platform));
    return check_age(rules, appraisal, platform);
}

/* Whether a processor has hyper-threading on stands only in certificates of the Platform CA. */
static enum status check_smt_is_told(const struct intel_rules *rules, const struct appraisal *appraisal,
                                     const struct intel_platform *platform)
{
    if ((rules->section.flags & UINT32_C(1) << ALLOW_SMT) != 0 || platform->has_instance) return OK;
    return disagree(appraisal, flags[ALLOW_SMT].claim, "use a platform whose certificate tells it, or allow_smt", "no",
                    "nothing: a certificate of the Processor CA does not tell");
}

enum status intel_rules_check(const struct intel_rules *rules, const struct appraisal *appraisal,
                              const struct intel_platform *platform)
{
    TRY(check_smt_is_told(rules, appraisal, platform));
    TRY(section_check(&shape, &rules->section, appraisal, platform));
    return intel_rules_check_tcb(rules, appraisal, platform);
}
