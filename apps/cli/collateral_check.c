/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret collateral show` and `lazaret collateral check`: a folder of collateral, told, and held to the time.
 */
#include "cli/collateral/folder.h"
#include "cli/command.h"

#include "base/clock.h"

enum { SCREEN_MAX_BYTES = 256 * 1024 };

static const char help[] =
    "Usage: lazaret collateral show DIR [--at UNIX_SECONDS] [--json]\n"
    "       lazaret collateral check DIR [--at UNIX_SECONDS] [--json]\n"
    "\n"
    "Verifies the collateral in a folder up to Intel's or AMD's pinned root and tells what it is for, how new each "
    "part\n"
    "is and until when it serves. `show` tells what is out of date as well; `check` refuses it.\n"
    "\n"
    "  --at UNIX_SECONDS      the time to judge by (default: now)\n"
#ifdef LAZARET_SIMULATION
    "  --simulated-root PEM   public key of a software TEE's root to accept as well (simulation build)\n"
#endif
    "  --json                 print JSON: genuine, current, tee, fmspc, evaluation, parts, tcb_levels, expires\n"
    "\n"
    "Exit codes: 0 genuine (check: and current), 1 refused, 2 the command line is not usable.\n";

struct options {
    const char *folder, *at, *simulated_root;
    bool json;
    int64_t at_s;
};

static enum status read_options(int count, char **arguments, struct refusal *why, struct options *options)
{
    const struct command_option known[] = {
        {.name = "--at", .value = &options->at},
#ifdef LAZARET_SIMULATION
        {.name = "--simulated-root", .value = &options->simulated_root},
#endif
        {.name = "--json", .flag = &options->json},
    };
    TRY(command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), &options->folder, why));
    if (options->folder == NULL) return command_needs("DIR", "a folder of collateral", why);
    return command_time(options->at, "--at", why, &options->at_s);
}

static enum status judge(const struct options *options, struct collateral_roots *roots,
                         struct collateral_folder *folder, struct refusal *why)
{
    TRY(collateral_roots_read(options->simulated_root, why, roots));
    TRY(collateral_folder_open(options->folder, roots, why, folder));
    return collateral_folder_check(folder, options->at_s, why);
}

static enum status tell(const struct options *options, const struct collateral_folder *folder, enum status status,
                        struct refusal *why)
{
    CLEANUP(json_done) json_t *verdict = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SCREEN_MAX_BYTES);
    TRY(collateral_verdict(folder, options->at_s, status, why, &verdict));
    if (options->json) return command_print_json(verdict, why);
    TRY(collateral_screen(verdict, &text));
    return command_print(buffer_slice(&text), why);
}

static int run(int count, char **arguments, const char *name, bool must_be_current)
{
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct options options = {};
    struct refusal why = {};
    CLEANUP(collateral_roots_done) struct collateral_roots roots = {};
    CLEANUP(collateral_folder_done) struct collateral_folder folder = {};
    enum status status = read_options(count, arguments, &why, &options);
    if (status != OK) return command_exit(name, status, &why);
    status = judge(&options, &roots, &folder, &why);
    const enum status told = status == ERR_USAGE || status == ERR_IO ? OK : tell(&options, &folder, status, &why);
    if (told != OK) return command_exit(name, told, &why);
    return command_exit(name, folder.statement != NULL && !must_be_current ? OK : status, &why);
}

int command_collateral_show(int count, char **arguments)
{
    return run(count, arguments, "collateral show", false);
}

int command_collateral_check(int count, char **arguments)
{
    return run(count, arguments, "collateral check", true);
}
