/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_issue.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 20, NUMBER_COUNT = 6, CRL_NUMBER_COUNT = 2 };

/* The parts that are numbers: where each stands, its name in the file and in refusals, and whether it is a time. */
static const struct part {
    size_t offset;
    const char *name, *field;
    bool is_time;
} parts[NUMBER_COUNT] = {
    {offsetof(struct collateral_issue, tcb_info_evaluation), "tcb_info_evaluation", "tcbInfo.tcbEvaluationDataNumber"},
    {offsetof(struct collateral_issue, qe_identity_evaluation), "qe_identity_evaluation",
     "enclaveIdentity.tcbEvaluationDataNumber"},
    {offsetof(struct collateral_issue, tcb_info_s), "tcb_info_issued", "tcbInfo.issueDate", true},
    {offsetof(struct collateral_issue, qe_identity_s), "qe_identity_issued", "enclaveIdentity.issueDate", true},
    {offsetof(struct collateral_issue, pck_crl_s), "pck_crl_issued", "pck_crl.thisUpdate", true},
    {offsetof(struct collateral_issue, root_crl_s), "root_ca_crl_issued", "root_ca_crl.thisUpdate", true},
};

static const struct crl_part {
    size_t offset;
    const char *name, *field;
} crl_parts[CRL_NUMBER_COUNT] = {
    {offsetof(struct collateral_issue, pck_crl_number), "pck_crl_number", "pck_crl.cRLNumber"},
    {offsetof(struct collateral_issue, root_crl_number), "root_ca_crl_number", "root_ca_crl.cRLNumber"},
};

static int64_t number_at(const struct collateral_issue *issue, size_t offset)
{
    int64_t number;
    memcpy(&number, (const uint8_t *)issue + offset, sizeof(number));
    return number;
}

static const uint8_t *crl_number_at(const struct collateral_issue *issue, size_t offset)
{
    return (const uint8_t *)issue + offset;
}

/* "at least 17, the highest seen" */
struct bound {
    char text[64];
};

static struct bound text_of(const struct part *part, int64_t number)
{
    struct bound bound;
    if (part->is_time)
        (void)snprintf(bound.text, sizeof(bound.text), "%s", time_iso8601(number).text);
    else
        (void)snprintf(bound.text, sizeof(bound.text), "%lld", (long long)number);
    return bound;
}

static enum status check_number(const struct part *part, int64_t seen, int64_t lowest, const char *because,
                                struct refusal *why)
{
    if (seen >= lowest) return OK;
    char expected[REFUSAL_TEXT_BYTES];
    (void)snprintf(expected, sizeof(expected), "at least %s, %s", text_of(part, lowest).text, because);
    return refuse(why, ERR_COLLATERAL_OLD, part->field, expected, "%s", text_of(part, seen).text);
}

static enum status check_crl_number(const struct crl_part *part, const struct collateral_issue *issue,
                                    const struct collateral_issue *highest, struct refusal *why)
{
    const uint8_t *const seen = crl_number_at(issue, part->offset), *const bound = crl_number_at(highest, part->offset);
    if (memcmp(seen, bound, NUMBER_BYTES) >= 0) return OK;
    char expected[REFUSAL_TEXT_BYTES];
    (void)snprintf(expected, sizeof(expected), "at least %s, the highest seen",
                   refusal_hex(slice_of(bound, NUMBER_BYTES)).text);
    return refuse(why, ERR_COLLATERAL_OLD, part->field, expected, "%s", refusal_hex(slice_of(seen, NUMBER_BYTES)).text);
}

enum status collateral_issue_check(const struct collateral_issue *issue, const struct collateral_issue *highest,
                                   struct refusal *why)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        const int64_t lowest = number_at(highest, parts[i].offset);
        TRY(check_number(&parts[i], number_at(issue, parts[i].offset), lowest, "the newest seen", why));
    }
    for (size_t i = 0; i < CRL_NUMBER_COUNT; i++) TRY(check_crl_number(&crl_parts[i], issue, highest, why));
    return OK;
}

enum status collateral_issue_check_minimum(const struct collateral_issue *issue, int64_t minimum, struct refusal *why)
{
    static const char because[] = "the minimum that is configured";
    TRY(check_number(&parts[0], issue->tcb_info_evaluation, minimum, because, why));
    return check_number(&parts[1], issue->qe_identity_evaluation, minimum, because, why);
}

void collateral_issue_raise(struct collateral_issue *highest, const struct collateral_issue *issue)
{
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        const int64_t number = number_at(issue, parts[i].offset);
        if (number > number_at(highest, parts[i].offset))
            memcpy((uint8_t *)highest + parts[i].offset, &number, sizeof(number));
    }
    for (size_t i = 0; i < CRL_NUMBER_COUNT; i++) {
        const uint8_t *const number = crl_number_at(issue, crl_parts[i].offset);
        uint8_t *const held = (uint8_t *)highest + crl_parts[i].offset;
        if (memcmp(number, held, NUMBER_BYTES) > 0) memcpy(held, number, NUMBER_BYTES);
    }
}

/* ---- the file ---- */

enum status collateral_issue_parse(struct slice text, struct refusal *why, struct collateral_issue *issue_out)
{
    static const char path[] = "highest";
    const char *const names[] = {parts[0].name, parts[1].name,     parts[2].name,     parts[3].name, parts[4].name,
                                 parts[5].name, crl_parts[0].name, crl_parts[1].name, NULL};
    CLEANUP(json_done) json_t *json = NULL;
    struct collateral_issue issue = {};
    TRY(json_parse(text, COLLATERAL_ISSUE_MAX_BYTES, why, &json));
    TRY(json_only(json, path, names, why));
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        int64_t number;
        TRY(json_get_integer(json, path, parts[i].name, 0, INT64_MAX, why, &number));
        memcpy((uint8_t *)&issue + parts[i].offset, &number, sizeof(number));
    }
    for (size_t i = 0; i < CRL_NUMBER_COUNT; i++)
        TRY(json_get_hex(json, path, crl_parts[i].name, NUMBER_BYTES, why, (uint8_t *)&issue + crl_parts[i].offset));
    *issue_out = issue;
    return OK;
}

enum status collateral_issue_read(const char *path, struct refusal *why, struct collateral_issue *issue_out)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(COLLATERAL_ISSUE_MAX_BYTES);
    TRY(file_read(path, why, &text));
    return collateral_issue_parse(buffer_slice(&text), why, issue_out);
}

static enum status compose(const struct collateral_issue *issue, struct buffer *text)
{
    const char *before = "{";
    for (size_t i = 0; i < NUMBER_COUNT; i++, before = ",\n ")
        TRY(buffer_append_format(text, "%s\"%s\": %lld", before, parts[i].name,
                                 (long long)number_at(issue, parts[i].offset)));
    for (size_t i = 0; i < CRL_NUMBER_COUNT; i++) {
        TRY(buffer_append_format(text, "%s\"%s\": \"", before, crl_parts[i].name));
        TRY(hex_encode(slice_of(crl_number_at(issue, crl_parts[i].offset), NUMBER_BYTES), text));
        TRY(buffer_append_text(text, "\""));
    }
    return buffer_append_text(text, "}\n");
}

enum status collateral_issue_write(const char *path, const struct collateral_issue *issue, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(COLLATERAL_ISSUE_MAX_BYTES);
    TRY(compose(issue, &text));
    return file_write(path, buffer_slice(&text), 0600, why);
}
