/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret`: the command line. Finds the command in the table and hands the rest of the arguments to it.
 */
#include "base/json.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *group; /* first word */
    const char *name;  /* second word; NULL if the group is the command */
    command_function *run;
    const char *summary;
} commands[] = {
    {"manifest", "key", command_manifest_key, "makes a deployment key and prints its thumbprint"},
    {"manifest", "sign", command_manifest_sign, "signs a manifest with the deployment key"},
    {"manifest", "show", command_manifest_show, "verifies a manifest and says what it allows"},
    {"manifest", "issuer", command_manifest_issuer, "takes an attestation service's keys, with their evidence"},
    {"key", "administrator", command_key_administrator,
     "makes the key of an attestation service's local administrator"},
    {"key", "recovery", command_key_recovery, "makes the hospital's recovery key and prints its public half"},
    {"key", "password", command_key_password, "hashes the administrator's password, from standard input"},
    {"key", "restore", command_key_restore, "opens a locked platform's records with the recovery key"},
    {"verify", "evidence", command_verify_evidence, "verifies SGX, Open Enclave, TDX, SEV-SNP, Azure and TPM evidence"},
    {"verify", "token", command_verify_token, "verifies an attestation token with a key set"},
    {"verify", "chain", command_verify_chain, "verifies a platform and each hop behind it"},
    {"verify", "portal", command_verify_portal, "compares a served portal with its release"},
    {"collateral", "fetch", command_collateral_fetch, "fetches a platform's collateral into a folder"},
    {"collateral", "show", command_collateral_show, "says what collateral is for and how new it is"},
    {"collateral", "check", command_collateral_check, "verifies collateral and its dates"},
    {"appraisal", "check", command_appraisal_check,
     "says whether an appraisal policy is usable, and what it leaves open"},
    {"policy", "bearer", command_policy_bearer, "makes the bearer token of a service's local administrator"},
    {"policy", "check", command_policy_check, "says whether an attestation policy is usable, and what it has"},
    {"policy", "test", command_policy_test, "says what an attestation policy permits and issues, and why"},
    {"policy", "sign", command_policy_sign, "puts an attestation policy into the JWS in which it is set"},
    {"policy", "hash", command_policy_hash, "prints the hashes by which tokens name an attestation policy"},
    {"tcb", "preview", command_tcb_preview, "says which platforms would fail under new collateral"},
    {"client", NULL, command_client, "plays the hospital over the sealed channel"},
    {"doctor", NULL, command_doctor, "finds what is wrong with a set-up"},
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *stream, const char *group)
{
    (void)fprintf(stream, "Usage: lazaret %s ...\n\n", group == NULL ? "COMMAND" : group);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *const command = &commands[i];
        if (group != NULL && strcmp(group, command->group) != 0) continue;
        char words[64];
        (void)snprintf(words, sizeof(words), "%s %s", command->group, command->name == NULL ? "" : command->name);
        (void)fprintf(stream, "  %-18s %s\n", words, command->summary);
    }
    (void)fprintf(stream,
                  "\nEach command has --help. Exit codes: 0 done, 1 refused, 2 the command line is not usable.\n");
}

static bool is_group(const char *word)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].group, word) == 0) return true;
    }
    return false;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int misses_command(const char *seen)
{
    (void)fprintf(stderr,
                  "lazaret: the command line is not usable: command: seen %s, expected one of the following\n\n", seen);
    return COMMAND_USAGE;
}

static int run_in_group(int count, char **arguments)
{
    const char *const second = count > 2 ? arguments[2] : NULL;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const struct command *const command = &commands[i];
        if (strcmp(command->group, arguments[1]) != 0) continue;
        if (command->name == NULL) return command->run(count - 1, arguments + 1);
        if (second != NULL && strcmp(command->name, second) == 0) return command->run(count - 2, arguments + 2);
    }
    if (second != NULL && asks_for_help(second)) {
        print_help(stdout, arguments[1]);
        return COMMAND_OK;
    }
    const int code = misses_command(second == NULL ? "nothing" : second);
    print_help(stderr, arguments[1]);
    return code;
}

int main(int count, char **arguments)
{
    json_wipe_what_is_freed();
    if (count > 1 && is_group(arguments[1])) return run_in_group(count, arguments);
    if (count > 1 && asks_for_help(arguments[1])) {
        print_help(stdout, NULL);
        return COMMAND_OK;
    }
    if (count > 1 && strcmp(arguments[1], "--version") == 0) {
        (void)printf("lazaret %s%s\n", LAZARET_VERSION, LAZARET_BUILD_KIND);
        return COMMAND_OK;
    }
    const int code = misses_command(count > 1 ? arguments[1] : "nothing");
    print_help(stderr, NULL);
    return code;
}
