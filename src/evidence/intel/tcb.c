/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/tcb.h"

#include "evidence/intel/signed_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
    [TCB_UP_TO_DATE] = "UpToDate",
    [TCB_SW_HARDENING_NEEDED] = "SWHardeningNeeded",
    [TCB_CONFIGURATION_NEEDED] = "ConfigurationNeeded",
    [TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = "ConfigurationAndSWHardeningNeeded",
    [TCB_OUT_OF_DATE] = "OutOfDate",
    [TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = "OutOfDateConfigurationNeeded",
    [TCB_TD_RELAUNCH_ADVISED] = "TDRelaunchAdvised",
    [TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = "TDRelaunchAdvisedConfigurationNeeded",
};
/* Collateral names only the first of these; the others are conclusions. */
enum { STATUS_COUNT = sizeof(names) / sizeof(names[0]), LEVEL_STATUS_COUNT = TCB_TD_RELAUNCH_ADVISED };

const char *tcb_status_name(enum tcb_status status)
{
    return (size_t)status < STATUS_COUNT ? names[status] : "Unknown";
}

bool level_status_from_text(struct slice text, struct level_status *status_out)
{
    if (slice_equal_text(text, "Revoked")) {
        *status_out = (struct level_status){.is_revoked = true};
        return true;
    }
    for (size_t i = 0; i < LEVEL_STATUS_COUNT; i++) {
        if (!slice_equal_text(text, names[i])) continue;
        *status_out = (struct level_status){.status = (enum tcb_status)i};
        return true;
    }
    return false;
}

/* Advisory names travel into tokens and logs: letters, digits and hyphens are all that they hold. */
static bool is_advisory(const struct json_node *value)
{
    if (value->type != JSON_STRING || value->size == 0 || value->size > ADVISORY_MAX_BYTES) return false;
    for (size_t i = 0; i < value->size; i++) {
        const char c = value->string[i];
        const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (!is_plain) return false;
    }
    return true;
}

static enum status read_advisories(const struct json_node *level, const char *path, struct refusal *why,
                                   const struct json_node **advisories_out)
{
    *advisories_out = NULL;
    if (json_node_member(level, "advisoryIDs") == NULL) return OK;
    const struct json_node *advisories;
    TRY(json_node_get_array(level, path, "advisoryIDs", ADVISORY_MAX_COUNT, why, &advisories));
    const struct json_node *advisory = json_node_first(advisories);
    for (size_t i = 0; i < advisories->size; i++, advisory = json_node_next(advisory)) {
        if (is_advisory(advisory)) continue;
        return refuse(why, ERR_FIELD_VALUE, path, "advisoryIDs of letters, digits and hyphens", "another value");
    }
    *advisories_out = advisories;
    return OK;
}

enum status level_facts_read(const struct json_node *level, const char *path, struct refusal *why,
                             struct level_facts *facts_out)
{
    enum { STATUS_MAX_BYTES = 64 };
    struct level_facts facts = {};
    struct slice text;
    TRY(json_node_get_time(level, path, "tcbDate", why, &facts.date_s));
    TRY(json_node_get_string(level, path, "tcbStatus", STATUS_MAX_BYTES, why, &text));
    if (!level_status_from_text(text, &facts.status))
        return refuse(why, ERR_FIELD_VALUE, path, "a tcbStatus that Intel defines", "%.*s", (int)text.size,
                      (const char *)text.bytes);
    TRY(read_advisories(level, path, why, &facts.advisories));
    *facts_out = facts;
    return OK;
}

static int compare_levels(const void *left, const void *right)
{
    const struct tcb_level *const a = left, *const b = right;
    const int order = memcmp(b->components, a->components, sizeof(a->components));
    if (order != 0) return order;
    if (a->pce_svn != b->pce_svn) return (int)b->pce_svn - (int)a->pce_svn;
    return memcmp(b->tdx_components, a->tdx_components, sizeof(a->tdx_components));
}

void tcb_levels_sort(struct tcb_level *levels, size_t count)
{
    qsort(levels, count, sizeof(*levels), compare_levels);
}

static bool reaches(const struct pck *platform, const struct tcb_level *level)
{
    for (size_t i = 0; i < TCB_COMPONENT_COUNT; i++) {
        if (platform->components[i] < level->components[i]) return false;
    }
    return platform->pce_svn >= level->pce_svn;
}

const struct tcb_level *tcb_match(const struct tcb_level *levels, size_t count, const struct pck *platform)
{
    for (size_t i = 0; i < count; i++) {
        if (reaches(platform, &levels[i])) return &levels[i];
    }
    return NULL;
}

static bool reaches_tdx(const uint8_t *tee_tcb_svn, const struct tcb_level *level)
{
    for (size_t i = tee_tcb_svn[1] > 0 ? 2 : 0; i < TCB_COMPONENT_COUNT; i++) {
        if (tee_tcb_svn[i] < level->tdx_components[i]) return false;
    }
    return true;
}

const struct tcb_level *tcb_match_tdx(const struct tcb_level *levels, size_t count, const struct pck *platform,
                                      const uint8_t tee_tcb_svn[static TCB_COMPONENT_COUNT])
{
    for (size_t i = 0; i < count; i++) {
        if (reaches(platform, &levels[i]) && reaches_tdx(tee_tcb_svn, &levels[i])) return &levels[i];
    }
    return NULL;
}

struct level_status tcb_merge(struct level_status platform, struct level_status software)
{
    if (platform.is_revoked || software.is_revoked) return (struct level_status){.is_revoked = true};
    if (software.status == TCB_UP_TO_DATE) return platform;
    switch (platform.status) {
    case TCB_UP_TO_DATE:
    case TCB_SW_HARDENING_NEEDED: return (struct level_status){.status = TCB_OUT_OF_DATE};
    case TCB_CONFIGURATION_NEEDED:
    case TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED:
        return (struct level_status){.status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED};
    case TCB_OUT_OF_DATE:
    case TCB_OUT_OF_DATE_CONFIGURATION_NEEDED:
    case TCB_TD_RELAUNCH_ADVISED: /* concluded only where the quoting enclave is up to date */
    case TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED: break;
    }
    return platform;
}
