/* SPDX-License-Identifier: Apache-2.0
 *
 * The log of attested platforms (evidence/attested.h), as a file of the host: for `lazaret tcb preview`. A line for
 * each platform and hour at most, whatever is asked; two files of ATTESTED_LOG_MAX_BYTES at most, the older one named
 * PATH.1.
 */
#pragma once

#include "evidence/attested.h"
#include "service/configuration.h"

enum { ATTESTED_PLATFORMS_PER_HOUR = 4096 };

/* The member `attested_log`; "" if it is not there. ERR_FIELD_*. */
enum status attested_log_configure(const struct configuration *configuration, struct refusal *why,
                                   char path_out[static PATH_MAX]);

/* Its folder, which the program must be allowed to change; "" for "". */
void attested_log_folder(const char *path, char folder_out[static PATH_MAX]);

/* Opens or makes the file and cuts off a line that a crash tore. NULL for "". The caller frees. ERR_IO, ERR_NO_MEMORY.
 */
struct attested_log;
enum status attested_log_open(const char *path, struct refusal *why, struct attested_log **log_out);
void attested_log_free(struct attested_log *log);

/* Notes evidence that was accepted. Thread-safe; nothing for NULL. What cannot be written is told in the program's log
 * once an hour: nobody's token waits for it. */
void attested_log_note(struct attested_log *log, const struct attested *platform, int64_t now_s);
