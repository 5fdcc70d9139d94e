/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret appraisal check`: whether an appraisal policy is usable, and what it leaves open.
 */
#include "cli/command.h"

#include "base/file.h"
#include "evidence/appraisal.h"

#include <string.h>

static const char help[] =
    "Usage: lazaret appraisal check FILE\n"
    "\n"
    "Says whether an appraisal policy (docs/appraisal.md) is usable: complete, and without contradictions. If it is, "
    "says\n"
    "which kinds of evidence it has rules for, each rule that accepts \"any\", and what in it weakens security.\n"
    "\n"
    "Exit codes: 0 usable, 1 not usable, 2 the command line is not usable.\n";

enum { SCREEN_MAX_BYTES = 256 * 1024 };

/* Appends the path of each member below `value` for which `picks` holds. */
typedef bool pick(const char *name, const json_t *value);

static enum status list_picked(const json_t *value, const char *path, pick *picks, struct buffer *text)
{
    const char *name;
    json_t *member;
    json_object_foreach ((json_t *)value, name, member) {
        const struct json_path inner = json_path(path, name);
        if (picks(name, member)) TRY(buffer_append_format(text, "    %s\n", inner.text));
        if (json_is_object(member)) TRY(list_picked(member, inner.text, picks, text));
    }
    return OK;
}

static bool is_any(const char *, const json_t *value)
{
    return json_is_string(value) && strcmp(json_string_value(value), "any") == 0;
}

/* A release has none: it refuses the policy. */
static bool is_insecure([[maybe_unused]] const char *name, [[maybe_unused]] const json_t *value)
{
#ifdef LAZARET_SIMULATION
    return strncmp(name, "insecure_", strlen("insecure_")) == 0 && json_is_true(value);
#else
    return false;
#endif
}

static enum status list_under(const char *title, const json_t *policy, pick *picks, struct buffer *text)
{
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(SCREEN_MAX_BYTES);
    TRY(list_picked(policy, "", picks, &list));
    if (list.size == 0) return OK;
    TRY(buffer_append_format(text, "\n  %s\n", title));
    return buffer_append(text, buffer_slice(&list));
}

static enum status tell(const json_t *policy, struct buffer *text)
{
    static const char *const kinds[] = {"sgx", "tdx", "snp", "azure-vtpm", "tpm"};
    TRY(buffer_append_text(text, "usable: accepts evidence of"));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (json_has(policy, kinds[i])) TRY(buffer_append_format(text, " %s", kinds[i]));
    }
    TRY(buffer_append_text(text, ", and of no other kind\n"));
    TRY(list_under("WEAKENS SECURITY", policy, is_insecure, text));
    return list_under("accepts anything for", policy, is_any, text);
}

static enum status check(const char *path, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer file = buffer_of_maximum(APPRAISAL_POLICY_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SCREEN_MAX_BYTES);
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    CLEANUP(json_done) json_t *json = NULL;
    TRY(file_read(path, why, &file));
    TRY(appraisal_policy_new(buffer_slice(&file), why, &policy));
    TRY(json_parse(buffer_slice(&file), APPRAISAL_POLICY_MAX_BYTES, why, &json));
    TRY(tell(json, &text));
    buffer_truncate(&text, text.size - 1); /* the line's end comes with the printing */
    return command_print(buffer_slice(&text), why);
}

int command_appraisal_check(int count, char **arguments)
{
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct refusal why = {};
    const char *path = NULL;
    enum status status = command_options(count, arguments, NULL, 0, &path, &why);
    if (status == OK) status = path == NULL ? command_needs("FILE", "an appraisal policy", &why) : check(path, &why);
    return command_exit("appraisal check", status, &why);
}
