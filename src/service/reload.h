/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration that is read again while the program runs, on SIGHUP (docs/operations.md). It is taken up as a whole
 * or not at all: a file that cannot be read, a member that needs a new start, or one that the program refuses leaves
 * everything as it is, and the log says why.
 */
#pragma once

#include "base/sandbox.h"
#include "service/configuration.h"

/* Members that may change, as "name" or "object.name"; the list ends with NULL. */
typedef const char *const *changeable_names;

/* Whether `after` differs from `before` in nothing else: `log_level` and `drain_s` may change in any program.
 * ERR_CONFIG names the first member that does, and the fix. */
enum status configuration_check_change(const json_t *before, const json_t *after, changeable_names changeable,
                                       struct refusal *why);

struct service;
/* Once for each signal, on the main thread. `path` is the file; `before` the configuration's JSON as it is in force,
 * which is replaced by what is taken up. */
void configuration_reload(struct service *service, const char *path, json_t **before);

/* The folders of files that may be replaced while the program runs: a new file of an old name is a new file to the
 * sandbox, so the folder is what must be named. "" is none. */
enum status reload_allow_file(struct sandbox *sandbox, const char *path);
