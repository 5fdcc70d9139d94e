/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files in and out. Reading is bounded; writing is atomic (a temporary file beside it, synced, renamed, folder
 * synced), so that a crash leaves the old file or the new one.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"

/* Appends the file's bytes, at most `bytes`' maximum. ERR_IO (the refusal names path and errno), ERR_TOO_LARGE. */
enum status file_read(const char *path, struct refusal *why, struct buffer *bytes);

/* `mode` such as 0600. ERR_IO. */
enum status file_write(const char *path, struct slice bytes, unsigned mode, struct refusal *why);

bool file_exists(const char *path);
