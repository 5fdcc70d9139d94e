/* SPDX-License-Identifier: Apache-2.0
 *
 * The verdicts as one screen, and as JSON.
 */
#include "cli/preview/preview.h"

#include "base/clock.h"
#include "base/encoding.h"

#include <stdio.h>

enum { ROWS_MAX_COUNT = 12, MODELS_MAX_COUNT = 4, HEX_MAX_BYTES = 40 };

struct hex_text {
    char text[HEX_MAX_BYTES];
};

static struct hex_text hex_text(struct slice bytes)
{
    struct hex_text hex = {};
    for (size_t i = 0; i < bytes.size && 2 * i + 2 < sizeof(hex.text); i++)
        (void)snprintf(hex.text + 2 * i, 3, "%02x", bytes.bytes[i]);
    return hex;
}

static const char *now_status(const struct preview_platform *platform)
{
    if (platform->verdict == PREVIEW_UNTOUCHED) return "-";
    return platform->refusal_status == OK ? tcb_status_name(platform->judged.tcb_status) : "refused";
}

static const char *verdict_name(enum preview_verdict verdict)
{
    static const char *const names[] = {
        [PREVIEW_PASSES] = "passes", [PREVIEW_UNTOUCHED] = "untouched", [PREVIEW_FAILS] = "FAILS"};
    return names[verdict];
}

/* ---- the screen ---- */

/* Collateral that is not current is no mistake here, but worth a word. */
static const char *timeliness(const struct collateral_facts *facts, int64_t at_s)
{
    if (facts->expires_s < at_s) return ", EXPIRED";
    return facts->issued_s > at_s ? ", not current yet" : "";
}

static enum status tell_collateral(const struct preview *preview, struct buffer *text)
{
    for (size_t i = 0; i < preview->collateral_count && i < MODELS_MAX_COUNT; i++) {
        const struct collateral_facts *const facts = &preview->collaterals[i].facts;
        TRY(buffer_append_format(
            text, "  %-11s %s %s, evaluation %lld, issued %s, serves until %s%s\n", i == 0 ? "new" : "",
            intel_tee_name(facts->tee), hex_text(SLICE_ARRAY(facts->fmspc)).text, (long long)facts->tcb_evaluation,
            time_iso8601(facts->issued_s).text, time_iso8601(facts->expires_s).text, timeliness(facts, preview->at_s)));
    }
    if (preview->collateral_count <= MODELS_MAX_COUNT) return OK;
    return buffer_append_format(text, "  %-11s and %zu more models\n", "",
                                preview->collateral_count - MODELS_MAX_COUNT);
}

static enum status tell_row(const struct preview_platform *platform, struct buffer *text)
{
    const struct attested *const last = &platform->last;
    const struct hex_text name = hex_text(slice_of(last->platform, sizeof(last->platform) / 2));
    TRY(buffer_append_format(text, "  %-9s %-16s %s %s %3u h  %s (%lld) -> %s", verdict_name(platform->verdict),
                             last->has_platform ? name.text : "(no name)", intel_tee_name(last->numbers.tee),
                             hex_text(SLICE_ARRAY(last->numbers.fmspc)).text, platform->hours,
                             tcb_status_name(last->status), (long long)last->tcb_evaluation, now_status(platform)));
    if (platform->verdict != PREVIEW_UNTOUCHED && platform->refusal_status == OK)
        TRY(buffer_append_format(text, " (%lld)", (long long)platform->judged.tcb_evaluation));
    TRY(buffer_append_text(text, "\n"));
    if (platform->verdict != PREVIEW_FAILS) return OK;
    return buffer_append_format(text, "            %s: expected %s\n", platform->why.field, platform->why.expected);
}

static enum status tell_rows(const struct preview *preview, struct buffer *text)
{
    const size_t shown = preview->platform_count < ROWS_MAX_COUNT ? preview->platform_count : ROWS_MAX_COUNT;
    for (size_t i = 0; i < shown; i++) TRY(tell_row(&preview->platforms[i], text));
    if (shown == preview->platform_count) return OK;
    return buffer_append_format(text, "  and %zu platforms more: --json tells all\n", preview->platform_count - shown);
}

enum status preview_text(const struct preview *preview, struct buffer *text)
{
    const size_t failing = preview_failing(preview);
    TRY(buffer_append_format(text, "%zu of %zu platforms attested since %s would fail\n\n", failing,
                             preview->platform_count, time_iso8601(preview->since_s).text));
    TRY(tell_collateral(preview, text));
    TRY(buffer_append_text(text, "\n"));
    TRY(tell_rows(preview, text));
    if (preview->is_torn) TRY(buffer_append_text(text, "  note        the log ends in the middle of a line\n"));
    return buffer_append_text(
        text, failing > 0
                  ? "\n  what to do  update firmware, microcode and SGX software of those that fail, and fetch their\n"
                    "              PCK certificates anew, before the new collateral applies"
                  : "\n  what to do  nothing");
}

/* ---- JSON ---- */

static json_t *json_of_hex(struct slice bytes)
{
    return json_string(hex_text(bytes).text);
}

static json_t *json_of_collateral(const struct collateral_facts *facts)
{
    return json_pack("{s:s, s:o, s:I, s:I, s:I}", "tee", intel_tee_name(facts->tee), "fmspc",
                     json_of_hex(SLICE_ARRAY(facts->fmspc)), "tcb_evaluation", (json_int_t)facts->tcb_evaluation,
                     "issued", (json_int_t)facts->issued_s, "expires", (json_int_t)facts->expires_s);
}

static json_t *json_of_advisories(const struct intel_platform *judged)
{
    json_t *const list = json_array();
    for (size_t i = 0; i < judged->advisory_count; i++)
        (void)json_array_append_new(list, json_string(judged->advisories[i]));
    return list;
}

static json_t *json_of_refusal(const struct refusal *why)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", status_name(why->status), "field", why->field, "seen",
                     why->seen, "expected", why->expected, "fix", why->fix);
}

static json_t *json_of_now(const struct preview_platform *platform)
{
    if (platform->refusal_status != OK) return json_null();
    return json_pack("{s:s, s:I, s:I, s:o}", "status", tcb_status_name(platform->judged.tcb_status), "tcb_evaluation",
                     (json_int_t)platform->judged.tcb_evaluation, "tcb_date", (json_int_t)platform->judged.tcb_date_s,
                     "advisories", json_of_advisories(&platform->judged));
}

static json_t *json_of_platform(const struct preview_platform *platform)
{
    static const char *const verdicts[] = {
        [PREVIEW_PASSES] = "passes", [PREVIEW_UNTOUCHED] = "untouched", [PREVIEW_FAILS] = "fails"};
    const struct attested *const last = &platform->last;
    return json_pack("{s:s, s:s, s:o, s:o, s:i, s:I, s:{s:s, s:I}, s:o, s:o}", "verdict", verdicts[platform->verdict],
                     "tee", intel_tee_name(last->numbers.tee), "fmspc", json_of_hex(SLICE_ARRAY(last->numbers.fmspc)),
                     "platform", last->has_platform ? json_of_hex(SLICE_ARRAY(last->platform)) : json_null(), "hours",
                     (int)platform->hours, "last", (json_int_t)last->time_s, "was", "status",
                     tcb_status_name(last->status), "tcb_evaluation", (json_int_t)last->tcb_evaluation, "now",
                     platform->verdict == PREVIEW_UNTOUCHED ? json_null() : json_of_now(platform), "reason",
                     platform->verdict == PREVIEW_FAILS ? json_of_refusal(&platform->why) : json_null());
}

enum status preview_json(const struct preview *preview, json_t **json_out)
{
    json_t *const collaterals = json_array(), *const platforms = json_array();
    for (size_t i = 0; i < preview->collateral_count; i++)
        (void)json_array_append_new(collaterals, json_of_collateral(&preview->collaterals[i].facts));
    for (size_t i = 0; i < preview->platform_count; i++)
        (void)json_array_append_new(platforms, json_of_platform(&preview->platforms[i]));
    const bool is_whole = json_array_size(collaterals) == preview->collateral_count &&
                          json_array_size(platforms) == preview->platform_count;
    *json_out = json_pack("{s:I, s:I, s:b, s:i, s:o, s:o}", "at", (json_int_t)preview->at_s, "since",
                          (json_int_t)preview->since_s, "torn", preview->is_torn, "failing",
                          (int)preview_failing(preview), "collateral", collaterals, "platforms", platforms);
    return is_whole && *json_out != NULL ? OK : ERR_NO_MEMORY;
}
