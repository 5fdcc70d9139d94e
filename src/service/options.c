/* SPDX-License-Identifier: Apache-2.0 */
#include "service/options.h"

#include <string.h>

static enum status refuse_usage(struct refusal *why, const char *expected, const char *seen)
{
    (void)!refuse(why, ERR_USAGE, "command line", expected, "%s", seen);
    return refuse_fix(why, ERR_USAGE, "see --help");
}

enum status options_parse(int count, char *const *arguments, struct refusal *why, struct options *options_out)
{
    struct options options = {.action = OPTIONS_RUN};
    for (int i = 1; i < count; i++) {
        const char *const argument = arguments[i];
        if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            options.action = OPTIONS_HELP;
        } else if (strcmp(argument, "--version") == 0) {
            options.action = OPTIONS_VERSION;
        } else if (strcmp(argument, "--check-config") == 0) {
            options.action = OPTIONS_CHECK_CONFIG;
        } else if (strcmp(argument, "--config") == 0) {
            if (i + 1 >= count) return refuse_usage(why, "--config FILE", "--config without a file");
            options.config_path = arguments[++i];
        } else {
            return refuse_usage(why, "--config FILE, --check-config, --help or --version", argument);
        }
    }
    const bool needs_config = options.action == OPTIONS_RUN || options.action == OPTIONS_CHECK_CONFIG;
    if (needs_config && options.config_path == NULL) return refuse_usage(why, "--config FILE", "no configuration file");
    *options_out = options;
    return OK;
}
