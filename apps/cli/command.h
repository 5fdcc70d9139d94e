/* SPDX-License-Identifier: Apache-2.0
 *
 * What the commands of `lazaret` share. Each command stands in a file of its own and in the table of main.c. It is
 * called with its last word as arguments[0] ("sign" for `lazaret manifest sign`) and answers --help itself.
 */
#pragma once

#include "base/buffer.h"
#include "base/json.h"
#include "base/refusal.h"

enum { COMMAND_OK = 0, COMMAND_REFUSED = 1, COMMAND_USAGE = 2 }; /* exit codes */

typedef int command_function(int count, char **arguments);

command_function command_manifest_key, command_manifest_sign, command_manifest_show, command_manifest_issuer,
    command_key_administrator, command_key_recovery, command_key_password, command_key_restore, command_verify_evidence,
    command_verify_token, command_verify_chain, command_verify_portal, command_client, command_doctor,
    command_collateral_fetch, command_collateral_show, command_collateral_check, command_tcb_preview,
    command_appraisal_check, command_policy_bearer, command_policy_check, command_policy_test, command_policy_sign,
    command_policy_hash;

/* Values of an option that may stand several times. */
struct command_values {
    const char **items;
    size_t count, max_count;
};

/* One option: `value` takes the next argument, `values` each argument behind it, `flag` stands alone. Exactly one of
 * them is not NULL. */
struct command_option {
    const char *name; /* "--out" */
    const char **value;
    struct command_values *values;
    bool *flag;
};

/* Reads options, each at most once but those with `values`, and at most one argument that is none (`operand_out`, NULL
 * where the command takes none; it is left as it is if none stands there). ERR_USAGE. */
enum status command_options(int count, char **arguments, const struct command_option *options, size_t option_count,
                            const char **operand_out, struct refusal *why);

/* Whether --help or -h stands among the arguments; then the text has been printed. */
bool command_helps(int count, char **arguments, const char *help);

/* A missing option. */
enum status command_needs(const char *option, const char *expected, struct refusal *why);

/* Unix seconds from an option's text; the host's clock if it is NULL. ERR_USAGE. */
enum status command_time(const char *text, const char *option, struct refusal *why, int64_t *time_s_out);

/* Reads a text file and drops line ends from its end. */
enum status command_read_text(const char *path, size_t max_size, struct refusal *why, struct buffer *text_out);

/* Prints to standard output, with a line end. ERR_IO. */
enum status command_print(struct slice text, struct refusal *why);
enum status command_print_json(const json_t *value, struct refusal *why);

/* The exit code for a status. A failure is told on standard error: what, which field, seen, expected, what to do. */
int command_exit(const char *command, enum status status, const struct refusal *why);

/* Makes a file that must not exist yet, mode 0600: keys are never overwritten. ERR_IO. */
enum status command_write_secret(const char *path, struct slice bytes, struct refusal *why);
