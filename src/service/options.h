/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line that every service program has: --config FILE, --check-config, --help, --version. Secrets never come
 * from flags or the environment.
 */
#pragma once

#include "base/refusal.h"

enum options_action { OPTIONS_RUN, OPTIONS_CHECK_CONFIG, OPTIONS_HELP, OPTIONS_VERSION };

struct options {
    enum options_action action;
    const char *config_path; /* borrowed from the arguments; NULL with --help and --version */
};

/* ERR_USAGE with the argument that is not understood, or that is missing. */
enum status options_parse(int count, char *const *arguments, struct refusal *why, struct options *options_out);
