/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting a measured program and answering it until it ends. The program gets descriptor 3, its arguments and the
 * standard streams; an environment of LAZARET_SOFTTEE=3 alone; no way to new privileges; a process group of its own,
 * all of which is killed when it ends; and the launcher's death signal. Requests are answered only if the kernel says
 * that they come from the program's own process.
 */
#pragma once

#include "base/refusal.h"

struct launch_options {
    const char *state;      /* folder */
    const char *signature;  /* file, or NULL */
    bool require_signature; /* refuse instead of starting unsigned */
    const char *user;       /* to run as: a name, or numbers UID[:GID], which need no account; NULL for this one */
    char *const *arguments; /* program and its arguments, NULL-terminated */
};

/* Runs it. `exit_code_out` is the program's, or 128 and the signal that ended it. */
enum status launch(const struct launch_options *options, struct refusal *why, int *exit_code_out);
