/* SPDX-License-Identifier: Apache-2.0
 *
 * The paths in the output of `ld.so --list`.
 */
#pragma once

#include "base/refusal.h"
#include "base/slice.h"

/* One line of the output: "\tNAME => PATH (ADDRESS)", "\tPATH (ADDRESS)" for the loader itself, or "\tNAME (ADDRESS)"
 * for what the kernel brings, which has no file: `path_out` is empty then. ERR_FIELD_VALUE for a library that was not
 * found and for any other line. */
enum status library_from_line(struct slice line, struct refusal *why, struct slice *path_out);
