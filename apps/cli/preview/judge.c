/* SPDX-License-Identifier: Apache-2.0
 *
 * From lines to platforms, from platforms to verdicts.
 */
#include "cli/preview/preview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- which lines are of one platform ---- */

static int compare_numbers(const struct tcb_numbers *a, const struct tcb_numbers *b)
{
    int order = memcmp(a->components, b->components, sizeof(a->components));
    if (order == 0) order = (int)a->pce_svn - (int)b->pce_svn;
    if (order == 0) order = (int)a->qe_svn - (int)b->qe_svn;
    return order;
}

static int compare_domains(const struct tcb_numbers *a, const struct tcb_numbers *b)
{
    int order = (int)a->is_td15 - (int)b->is_td15;
    if (order == 0) order = memcmp(a->tee_tcb_svn, b->tee_tcb_svn, sizeof(a->tee_tcb_svn));
    if (order == 0) order = memcmp(a->tee_tcb_svn2, b->tee_tcb_svn2, sizeof(a->tee_tcb_svn2));
    return order;
}

/* A machine with a name is one, whatever its numbers: the newest count, as it may have been updated. Domains are told
 * apart by the module that they were started on. */
static int compare_identity(const struct attested *a, const struct attested *b)
{
    int order = (int)a->numbers.tee - (int)b->numbers.tee;
    if (order == 0) order = memcmp(a->numbers.fmspc, b->numbers.fmspc, sizeof(a->numbers.fmspc));
    if (order == 0) order = (int)a->has_platform - (int)b->has_platform;
    if (order == 0) order = memcmp(a->platform, b->platform, sizeof(a->platform));
    if (order == 0 && !a->has_platform) order = compare_numbers(&a->numbers, &b->numbers);
    if (order == 0) order = compare_domains(&a->numbers, &b->numbers);
    return order;
}

static int compare_age(const struct attested *a, const struct attested *b)
{
    return a->time_s < b->time_s ? 1 : a->time_s > b->time_s ? -1 : 0;
}

static int compare_lines(const void *left, const void *right)
{
    const int order = compare_identity(left, right);
    return order != 0 ? order : compare_age(left, right);
}

enum { SECONDS_PER_HOUR = 3600 };

static bool are_of_one_hour(const struct attested *a, const struct attested *b)
{
    return a->time_s / SECONDS_PER_HOUR == b->time_s / SECONDS_PER_HOUR;
}

/* Of the lines of one platform, which stand together and begin with the newest, this makes one. A service that was
 * started again notes a platform anew. */
static void take_platform(const struct preview *preview, size_t first, size_t end, struct preview_platform *platform)
{
    *platform = (struct preview_platform){.last = preview->lines[first], .hours = 1};
    for (size_t i = first + 1; i < end; i++)
        platform->hours += are_of_one_hour(&preview->lines[i - 1], &preview->lines[i]) ? 0 : 1;
}

static size_t end_of_platform(const struct preview *preview, size_t first)
{
    size_t end = first + 1;
    while (end < preview->line_count && compare_identity(&preview->lines[first], &preview->lines[end]) == 0) end++;
    return end;
}

static enum status take_platforms(struct preview *preview)
{
    size_t count = 0;
    if (preview->line_count == 0) return OK;
    qsort(preview->lines, preview->line_count, sizeof(preview->lines[0]), compare_lines);
    for (size_t i = 0; i < preview->line_count; i = end_of_platform(preview, i)) count++;
    preview->platforms = calloc(count, sizeof(*preview->platforms));
    if (preview->platforms == NULL) return ERR_NO_MEMORY;
    for (size_t i = 0, end; i < preview->line_count; i = end) {
        end = end_of_platform(preview, i);
        take_platform(preview, i, end, &preview->platforms[preview->platform_count++]);
    }
    return OK;
}

/* ---- verdicts ---- */

/* How bad a status is, in the order in which a person would mend. */
static unsigned badness(enum tcb_status status)
{
    static const unsigned order[] = {
        [TCB_UP_TO_DATE] = 0,           [TCB_SW_HARDENING_NEEDED] = 1,
        [TCB_CONFIGURATION_NEEDED] = 2, [TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED] = 3,
        [TCB_TD_RELAUNCH_ADVISED] = 4,  [TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED] = 5,
        [TCB_OUT_OF_DATE] = 6,          [TCB_OUT_OF_DATE_CONFIGURATION_NEEDED] = 7,
    };
    return order[status];
}

static enum status check_status(const struct preview_platform *platform, struct refusal *why)
{
    if (badness(platform->judged.tcb_status) <= badness(platform->last.status)) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%s as before, or better", tcb_status_name(platform->last.status));
    return refuse(why, ERR_APPRAISAL, "tcb_status", expected, "%s", tcb_status_name(platform->judged.tcb_status));
}

static bool is_for(const struct preview_collateral *collateral, const struct tcb_numbers *numbers)
{
    return collateral->facts.tee == numbers->tee &&
           slice_equal(SLICE_ARRAY(collateral->facts.fmspc), SLICE_ARRAY(numbers->fmspc));
}

static struct preview_platform judge_under(const struct preview_platform *platform,
                                           const struct preview_collateral *collateral, const struct preview *preview,
                                           const struct appraisal_policy *policy)
{
    struct preview_platform result = *platform;
    result.refusal_status =
        intel_tcb_judge(&platform->last.numbers, collateral->collateral, &result.why, &result.judged);
    enum status status = result.refusal_status;
    if (status == OK)
        status = policy != NULL ? appraisal_check_tcb(policy, &result.judged, preview->at_s, &result.why)
                                : check_status(&result, &result.why);
    result.verdict = status == OK ? PREVIEW_PASSES : PREVIEW_FAILS;
    return result;
}

static int compare_verdicts(const void *left, const void *right)
{
    static const int rank[] = {[PREVIEW_FAILS] = 0, [PREVIEW_PASSES] = 1, [PREVIEW_UNTOUCHED] = 2};
    const struct preview_platform *const a = left, *const b = right;
    int order = rank[a->verdict] - rank[b->verdict];
    if (order == 0) order = (int)(b->refusal_status != OK) - (int)(a->refusal_status != OK);
    if (order == 0 && a->refusal_status == OK)
        order = (int)badness(b->judged.tcb_status) - (int)badness(a->judged.tcb_status);
    if (order == 0) order = (int)b->hours - (int)a->hours;
    return order != 0 ? order : compare_lines(&a->last, &b->last);
}

static void judge_platform(const struct preview *preview, const struct appraisal_policy *policy,
                           struct preview_platform *platform)
{
    struct preview_platform worst = *platform;
    worst.verdict = PREVIEW_UNTOUCHED;
    for (size_t i = 0; i < preview->collateral_count; i++) {
        if (!is_for(&preview->collaterals[i], &platform->last.numbers)) continue;
        const struct preview_platform result = judge_under(platform, &preview->collaterals[i], preview, policy);
        if (compare_verdicts(&result, &worst) < 0) worst = result;
    }
    *platform = worst;
}

enum status preview_judge(struct preview *preview, const struct appraisal_policy *policy)
{
    TRY(take_platforms(preview));
    for (size_t i = 0; i < preview->platform_count; i++) judge_platform(preview, policy, &preview->platforms[i]);
    if (preview->platform_count > 0)
        qsort(preview->platforms, preview->platform_count, sizeof(preview->platforms[0]), compare_verdicts);
    return OK;
}

size_t preview_failing(const struct preview *preview)
{
    size_t count = 0;
    while (count < preview->platform_count && preview->platforms[count].verdict == PREVIEW_FAILS) count++;
    return count;
}
