/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/screen.h"
#include "cli/collateral/folder.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *name)
{
    const char *const text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static enum status tell_platform(const json_t *verdict, struct buffer *text)
{
    const json_t *const evaluation = json_object_get(verdict, "evaluation");
    const bool is_simulated = json_is_true(json_object_get(verdict, "simulated"));
    TRY(buffer_append_format(text, SCREEN_TITLE "%s, %s%s%s\n", "for", text_of(verdict, "tee"),
                             is_simulated ? "SIMULATED" : "", is_simulated ? ", " : "",
                             text_of(verdict, evaluation != NULL ? "ca" : "product")));
    if (evaluation == NULL) return screen_line(text, "chip", text_of(verdict, "chip_id"));
    TRY(screen_line(text, "FMSPC", text_of(verdict, "fmspc")));
    return buffer_append_format(text, SCREEN_TITLE "TCB info %lld, QE identity %lld\n", "evaluation",
                                (long long)json_integer_value(json_object_get(evaluation, "tcb_info")),
                                (long long)json_integer_value(json_object_get(evaluation, "qe_identity")));
}

/* The certificates of one chain stand in several files: each once. */
static bool is_told(const json_t *parts, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (json_equal(json_array_get(parts, i), json_array_get(parts, index))) return true;
    }
    return false;
}

static enum status tell_parts(const json_t *verdict, struct buffer *text)
{
    const json_t *const parts = json_object_get(verdict, "parts");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *const part = json_array_get(parts, i);
        if (is_told(parts, i)) continue;
        TRY(buffer_append_format(text, SCREEN_TITLE "%-20s to %-20s  %s\n", i == 0 ? "valid from" : "",
                                 text_of(part, "issued"), text_of(part, "expires"), text_of(part, "name")));
    }
    return OK;
}

/* The newest levels; old ones differ little. */
static enum status tell_levels(const json_t *verdict, struct buffer *text)
{
    enum { TOLD_MAX = 6 };
    const json_t *const levels = json_object_get(verdict, "tcb_levels");
    const size_t count = json_array_size(levels);
    for (size_t i = 0; i < count && i < TOLD_MAX; i++) {
        const json_t *const level = json_array_get(levels, i);
        TRY(buffer_append_format(text, SCREEN_TITLE "%-20s %s\n", i == 0 ? "TCB levels" : "", text_of(level, "date"),
                                 text_of(level, "status")));
    }
    return count <= TOLD_MAX ? OK : buffer_append_format(text, SCREEN_TITLE "and %zu older\n", "", count - TOLD_MAX);
}

static enum status tell_refusal(const json_t *verdict, struct buffer *text)
{
    TRY(screen_line(text, "what is wrong", text_of(verdict, "reason")));
    if (text_of(verdict, "field")[0] != '\0') TRY(screen_line(text, "field", text_of(verdict, "field")));
    if (text_of(verdict, "seen")[0] != '\0') TRY(screen_line(text, "seen", text_of(verdict, "seen")));
    if (text_of(verdict, "expected")[0] != '\0') TRY(screen_line(text, "expected", text_of(verdict, "expected")));
    const char *const fix = text_of(verdict, "fix");
    return screen_line(text, "what to do", fix[0] != '\0' ? fix : "fetch it anew: lazaret collateral fetch");
}

enum status collateral_screen(const json_t *verdict, struct buffer *text)
{
    const bool is_genuine = json_is_true(json_object_get(verdict, "genuine"));
    const bool is_current = json_is_true(json_object_get(verdict, "current"));
    TRY(buffer_append_format(text, "%s\n",
                             !is_genuine   ? "REFUSED: not genuine"
                             : !is_current ? "GENUINE, and not current"
                                           : "GENUINE and current"));
    if (is_genuine) {
        TRY(tell_platform(verdict, text));
        TRY(tell_parts(verdict, text));
        TRY(tell_levels(verdict, text));
        TRY(screen_line(text, "good until", text_of(verdict, "expires")));
    }
    if (!is_current) TRY(tell_refusal(verdict, text));
    return buffer_append_format(text, SCREEN_TITLE "%s", "judged at", text_of(verdict, "at"));
}
