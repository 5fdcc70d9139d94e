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
        {.name = "--crl", .value = &options->crl},
        {.name = "--tpm-quote", .value = &options->quote},
        {.name = "--signature", .value = &options->signature},
        {.name = "--pcrs", .value = &options->pcrs},
        {.name = "--event-log", .value = &options->event_log},
        {.name = "--nonce", .value = &options->nonce},
        {.name = "--td-quote", .value = &options->td_quote},
        {.name = "--runtime-data", .value = &options->runtime_data},
        {.name = "--policy", .value = &options->policy},
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

bool evidence_options_are_intels(const struct evidence_options *options)
{
    const enum evidence_kind kind = options->kind;
    return kind == EVIDENCE_SGX || kind == EVIDENCE_OPEN_ENCLAVE || kind == EVIDENCE_TDX;
}

static enum status check_collateral(const struct evidence_options *options, struct refusal *why)
{
    struct stat found;
    if (options->collateral == NULL)
        return evidence_options_are_intels(options) ? command_needs("--collateral", "a folder of collateral", why) : OK;
    if (stat(options->collateral, &found) == 0 && S_ISDIR(found.st_mode)) return OK;
    return refuse_usage(why, "--collateral", "a folder of collateral", options->collateral);
}

static enum status check_belonging(const struct evidence_options *options, struct refusal *why)
{
    const bool is_snp = options->kind == EVIDENCE_SNP, is_tpm = options->kind == EVIDENCE_TPM;
    const bool is_azure = options->kind == EVIDENCE_AZURE_VTPM;
    const struct {
        const char *name, *value;
        bool belongs;
        const char *kinds;
    } some[] = {
        {"--crl", options->crl, is_snp || is_azure, "evidence of snp or azure-vtpm"},
        {"--tpm-quote", options->quote, is_azure, "evidence of azure-vtpm"},
        {"--td-quote", options->td_quote, is_azure, "evidence of azure-vtpm"},
        {"--signature", options->signature, is_tpm || is_azure, "evidence of tpm or azure-vtpm"},
        {"--pcrs", options->pcrs, is_tpm || is_azure, "evidence of tpm or azure-vtpm"},
        {"--event-log", options->event_log, is_tpm || is_azure, "evidence of tpm or azure-vtpm"},
        {"--nonce", options->nonce, is_tpm || is_azure, "evidence of tpm or azure-vtpm"},
    };
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
        if (some[i].value != NULL && !some[i].belongs)
            return refuse_usage(why, some[i].name, some[i].kinds, options->tee);
    }
    return OK;
}

enum status evidence_options_read(int count, char **arguments, struct refusal *why, struct evidence_options *options)
{
    TRY(take(count, arguments, why, options));
    TRY(check_kind(options, why));
    if (options->file == NULL) return command_needs("--file", "the file that holds the evidence", why);
    TRY(check_belonging(options, why));
    TRY(check_collateral(options, why));
    return command_time(options->at, "--at", why, &options->at_s);
}
