/* SPDX-License-Identifier: Apache-2.0
 *
 * The one thing that is read from a program's ELF form: which loader it names.
 */
#pragma once

#include "base/refusal.h"
#include "base/slice.h"

/* The interpreter's path (PT_INTERP), borrowed, without its NUL; empty for a static program. ERR_UNSUPPORTED for what
 * is not a little-endian 64-bit ELF executable or shared object, ERR_TRUNCATED. */
enum status elf_interpreter(struct slice program, struct refusal *why, struct slice *path_out);
