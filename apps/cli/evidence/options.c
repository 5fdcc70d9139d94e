/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/evidence/options.h"
#include "cli/command.h"

#include <string.h>
#include <sys/stat.h>

#define KINDS "sgx, oe, tdx, snp, azure-vtpm or tpm"

static enum status refuse_usage(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    (void)!refuse(why, ERR_USAGE, field, expected, "%s", seen);
    return refuse_fix(why, ERR_USAGE, "see --help of this command");
}

static enum status take(int count, char **arguments, struct refusal *why, struct evidence_options *options)
{
    struct command_values certificates = {.items = options->certificates,
                                          .max_count = EVIDENCE_CERTIFICATE_FILES_MAX_COUNT};
    const struct command_option known[] = {
        {.name = "--tee", .value = &options->tee},
        {.name = "--file", .value = &options->file},
        {.name = "--collateral", .value = &options->collateral},
        {.name = "--certs", .values = &certificates},
        {.name = "--runtime-data", .value = &options->runtime_data},
        {.name = "--at", .value = &options->at},
#ifdef LAZARET_SIMULATION
        {.name = "--simulated-root", .value = &options->simulated_root},
#endif
        {.name = "--allow-zero-padding", .flag = &options->allow_zero_padding},
        {.name = "--json", .flag = &options->json},
    };
    TRY(command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), NULL, why));
    options->certificate_count = certificates.count;
    return OK;
}

static enum status check_kind(struct evidence_options *options, struct refusal *why)
{
    if (options->tee == NULL) return command_needs("--tee", KINDS, why);
    if (!evidence_kind_from_name(options->tee, &options->kind)) return refuse_usage(why, "--tee", KINDS, options->tee);
    return OK;
}

static bool is_intel(enum evidence_kind kind)
{
    return kind == EVIDENCE_SGX || kind == EVIDENCE_OPEN_ENCLAVE || kind == EVIDENCE_TDX;
}

static enum status check_collateral(const struct evidence_options *options, struct refusal *why)
{
    struct stat found;
    if (options->collateral == NULL)
        return is_intel(options->kind) ? command_needs("--collateral", "a folder of collateral", why) : OK;
    if (stat(options->collateral, &found) == 0 && S_ISDIR(found.st_mode)) return OK;
    return refuse_usage(why, "--collateral", "a folder of collateral", options->collateral);
}

enum status evidence_options_read(int count, char **arguments, struct refusal *why, struct evidence_options *options)
{
    TRY(take(count, arguments, why, options));
    TRY(check_kind(options, why));
    if (options->file == NULL) return command_needs("--file", "the file that holds the evidence", why);
    TRY(check_collateral(options, why));
    return command_time(options->at, "--at", why, &options->at_s);
}
