/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret tcb preview`: which platforms attested lately would fail under collateral that does not apply yet.
 */
#include "cli/collateral/folder.h"
#include "cli/command.h"
#include "cli/preview/preview.h"

#include "base/file.h"

static const char help[] =
    "Usage: lazaret tcb preview --collateral NEW --attested LOG [--policy FILE] [--since SECONDS]\n"
    "                           [--at UNIX_SECONDS] [--json]\n"
    "\n"
    "Says which platforms that attested in the last day would fail under new collateral, before it applies: fetch the\n"
    "early set (lazaret collateral fetch), and try it on the attestation service's log.\n"
    "\n"
    "  --collateral NEW       a folder of collateral, or a folder of such folders; may stand several times. It is\n"
    "                         verified, but need not be current\n"
    "  --attested LOG         the attestation service's attested_log (LOG.1 is read too, if it is there)\n"
    "  --policy FILE          an appraisal policy: who is not accepted fails. Without one, who is refused or gets a\n"
    "                         worse status than it had\n"
    "  --since SECONDS        how far back (default: 86400, a day)\n"
    "  --at UNIX_SECONDS      the time to judge by (default: now)\n"
#ifdef LAZARET_SIMULATION
    "  --simulated-root PEM   public key of a software TEE's root to accept as well (simulation build)\n"
#endif
    "  --json                 print JSON: failing, platforms, collateral\n"
    "\n"
    "Exit codes: 0 none would fail, 1 some would, or NEW is refused, 2 the command line is not usable.\n";

enum { FOLDERS_MAX_COUNT = 16, DAY_S = 86400, OUTPUT_MAX_BYTES = 256 * 1024 * 1024 };

struct options {
    const char *folders[FOLDERS_MAX_COUNT];
    size_t folder_count;
    const char *attested, *policy, *since, *at, *simulated_root;
    bool json;
    int64_t at_s, since_s;
};

static enum status take_options(int count, char **arguments, struct refusal *why, struct options *options)
{
    struct command_values folders = {.items = options->folders, .max_count = FOLDERS_MAX_COUNT};
    const struct command_option known[] = {
        {.name = "--collateral", .values = &folders},
        {.name = "--attested", .value = &options->attested},
        {.name = "--policy", .value = &options->policy},
        {.name = "--since", .value = &options->since},
        {.name = "--at", .value = &options->at},
#ifdef LAZARET_SIMULATION
        {.name = "--simulated-root", .value = &options->simulated_root},
#endif
        {.name = "--json", .flag = &options->json},
    };
    TRY(command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), NULL, why));
    options->folder_count = folders.count;
    if (options->folder_count == 0) return command_needs("--collateral", "a folder of new collateral", why);
    if (options->attested == NULL) return command_needs("--attested", "a log of attested platforms", why);
    TRY(command_time(options->at, "--at", why, &options->at_s));
    options->since_s = DAY_S;
    return options->since == NULL ? OK : command_time(options->since, "--since", why, &options->since_s);
}

static enum status read_policy(const char *path, struct refusal *why, struct appraisal_policy **policy_out)
{
    if (path == NULL) return OK;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(APPRAISAL_POLICY_MAX_BYTES);
    TRY(file_read(path, why, &text));
    return appraisal_policy_new(buffer_slice(&text), why, policy_out);
}

static enum status run(const struct options *options, struct refusal *why, struct preview *preview)
{
    CLEANUP(collateral_roots_done) struct collateral_roots roots = {};
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    preview->at_s = options->at_s;
    preview->since_s = options->at_s - options->since_s;
    TRY(collateral_roots_read(options->simulated_root, why, &roots));
    TRY(read_policy(options->policy, why, &policy));
    for (size_t i = 0; i < options->folder_count; i++)
        TRY(preview_read_collateral(options->folders[i], &roots.roots, why, preview));
    TRY(preview_read_log(options->attested, why, preview));
    return preview_judge(preview, policy);
}

static enum status write_json(const struct preview *preview, struct buffer *text)
{
    CLEANUP(json_done) json_t *json = NULL;
    TRY(preview_json(preview, &json));
    return json_write(json, text);
}

static enum status tell(const struct options *options, const struct preview *preview, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(OUTPUT_MAX_BYTES);
    TRY(options->json ? write_json(preview, &text) : preview_text(preview, &text));
    return command_print(buffer_slice(&text), why);
}

int command_tcb_preview(int count, char **arguments)
{
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct options options = {};
    struct refusal why = {};
    CLEANUP(preview_done) struct preview preview = {};
    enum status status = take_options(count, arguments, &why, &options);
    if (status == OK) status = run(&options, &why, &preview);
    if (status == OK) status = tell(&options, &preview, &why);
    if (status != OK) return command_exit("tcb preview", status, &why);
    return preview_failing(&preview) > 0 ? COMMAND_REFUSED : COMMAND_OK;
}
