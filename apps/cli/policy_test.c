/* SPDX-License-Identifier: Apache-2.0
 *
 * `lazaret policy test`: what a policy says to given claims, and why.
 */
#include "cli/command.h"

#include "cli/policy/claims_file.h"
#include "cli/policy/source.h"
#include "cli/policy/trial.h"

static const char help[] =
    "Usage: lazaret policy test FILE --claims FILE [--explain] [--json]\n"
    "\n"
    "Runs an attestation policy over claims, as the attestation service does over those of verified evidence, and\n"
    "prints whether it permits, which claims it issues and which properties it sets.\n"
    "\n"
    "  --claims FILE   JSON: {\"x-ms-sgx-svn\": 3, \"x-lazaret-tcb-advisories\": [\"a\", \"b\"]}, an array for "
    "several\n"
    "                  claims of one type; or [{\"type\", \"value\", \"valueType\"?, \"issuer\"?}]. An object as value "
    "stands\n"
    "                  for its JSON text. The issuer is AttestationService where none is said.\n"
    "  --explain       each rule: whether it fired, and if not, which condition failed and why\n"
    "  --json          print permitted, code, reason, issued, properties and, with --explain, rules as JSON\n"
    "\n"
    "FILE is the policy's text, or the JWS in which it is set; or - for standard input (one of the two files).\n"
    "docs/policies/ has policies with their claims. Exit codes: 0 permitted, 1 denied or refused, 2 the command line\n"
    "is not usable.\n";

enum { SCREEN_MAX_BYTES = 8 * 1024 * 1024 };

struct test_options {
    const char *file, *claims;
    bool explain, json;
};

static enum status read_options(int count, char **arguments, struct refusal *why, struct test_options *options)
{
    const struct command_option known[] = {{.name = "--claims", .value = &options->claims},
                                           {.name = "--explain", .flag = &options->explain},
                                           {.name = "--json", .flag = &options->json}};
    TRY(command_options(count, arguments, known, sizeof(known) / sizeof(known[0]), &options->file, why));
    if (options->file == NULL) return command_needs("FILE", "an attestation policy", why);
    return options->claims == NULL ? command_needs("--claims", "a file with claims", why) : OK;
}

static enum status read_claims(const char *path, struct refusal *why, struct claim_set *set)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(CLAIMS_FILE_MAX_BYTES);
    TRY(policy_input_read(path, why, &text));
    return claims_file_parse(buffer_slice(&text), why, set);
}

static enum status read_policy(const char *path, struct refusal *why, struct policy **policy_out)
{
    CLEANUP(policy_source_done) struct policy_source source = {};
    TRY(policy_source_read(path, why, &source));
    return policy_compile(buffer_slice(&source.text), why, policy_out);
}

static enum status tell(const struct test_options *options, const struct trial *trial, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SCREEN_MAX_BYTES);
    CLEANUP(json_done) json_t *json = NULL;
    if (options->json) {
        TRY(trial_json(trial, &json));
        TRY(json_write(json, &text));
    } else {
        TRY(trial_tell(trial, &text));
        buffer_truncate(&text, text.size - 1); /* the line's end comes with the printing */
    }
    return command_print(buffer_slice(&text), why);
}

/* The decision is the exit code: what the policy refused is told as a refusal. */
static enum status test(int count, char **arguments, struct refusal *why)
{
    struct test_options options = {};
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    CLEANUP(trial_done) struct trial trial = {};
    TRY(read_options(count, arguments, why, &options));
    TRY(trial_new(&trial));
    trial.is_explained = options.explain;
    TRY(read_policy(options.file, why, &policy));
    TRY(read_claims(options.claims, why, trial.incoming));
    TRY(trial_run(policy, &trial));
    TRY(tell(&options, &trial, why));
    *why = trial.why;
    return trial.status;
}

int command_policy_test(int count, char **arguments)
{
    if (command_helps(count, arguments, help)) return COMMAND_OK;
    struct refusal why = {};
    return command_exit("policy test", test(count, arguments, &why), &why);
}
