/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret verify chain`: the verdict on a platform and its hops, live from its address or from a saved answer of its
 * evidence endpoint.
 */
#include "base/file.h"
#include "cli/chain_report.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

enum { SAVED_MAX_BYTES = 512 * 1024 };

static const char help[] =
    "Usage: lazaret verify chain FILE|URL --manifest FILE --deployment T [--attestation URL] [--ca FILE]\n"
    "                                     [--at UNIX_SECONDS] [--json]\n\n"
    "URL: a platform's address; its evidence is appraised anew under a nonce of ours, and each hop's token is "
    "verified.\n"
    "FILE: a saved answer of /.well-known/lazaret/attestation, judged as of --at (default: now).\n\n"
    "Exit codes: 0 every hop is accepted, 1 one is refused, 2 usage.\n";

struct chain_options {
    struct hospital_options hospital;
    const char *target, *at;
    bool json;
};

static enum status verify_live(const struct chain_options *options, struct refusal *why, struct chain_report *report)
{
    struct hospital_options hospital_options = options->hospital;
    hospital_options.platform_url = options->target;
    CLEANUP(hospital_cleanup) struct hospital *hospital = NULL;
    TRY(hospital_open(&hospital_options, why, &hospital));
    return hospital_verify(hospital, why, report);
}

static enum status verify_saved(const struct chain_options *options, struct refusal *why, struct chain_report *report)
{
    int64_t at_s;
    TRY(command_time(options->at, "--at", why, &at_s));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SAVED_MAX_BYTES);
    TRY(file_read(options->target, why, &text));
    return hospital_verify_saved(options->hospital.manifest_path, options->hospital.deployment, buffer_slice(&text),
                                 at_s, why, report);
}

static enum status read_options(int count, char **arguments, struct refusal *why, struct chain_options *options)
{
    const struct command_option known[] = {
        {.name = "--manifest", .value = &options->hospital.manifest_path},
        {.name = "--deployment", .value = &options->hospital.deployment},
        {.name = "--attestation", .value = &options->hospital.attestation_url},
        {.name = "--ca", .value = &options->hospital.ca_path},
        {.name = "--at", .value = &options->at},
        {.name = "--json", .flag = &options->json},
    };
    TRY(command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), &options->target, why));
    if (options->target == NULL) return command_needs("FILE|URL", "a platform's address or a saved answer", why);
    if (options->hospital.manifest_path == NULL) return command_needs("--manifest", "the manifest's file", why);
    if (options->hospital.deployment == NULL)
        return command_needs("--deployment", "the deployment key's thumbprint", why);
    return OK;
}

static enum status verify_chain(int count, char **arguments, struct refusal *why)
{
    struct chain_options options = {};
    TRY(read_options(count, arguments, why, &options));
    struct chain_report report = {};
    const bool is_live = strncmp(options.target, "https://", 8) == 0;
    TRY(is_live ? verify_live(&options, why, &report) : verify_saved(&options, why, &report));
    if (options.json)
        chain_report_print_json(&report);
    else
        chain_report_print(&report);
    return report.is_accepted ? OK : refuse(why, ERR_PEER_REFUSED, "chain", "every hop accepted", "a hop that is not");
}

int command_verify_chain(int count, char **arguments)
{
    struct refusal why = {};
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    return command_exit("verify chain", verify_chain(count, arguments, &why), &why);
}
