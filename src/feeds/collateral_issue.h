/* SPDX-License-Identifier: Apache-2.0
 *
 * The newest issue of a platform's collateral that was seen: older ones are refused, however well they are signed,
 * because an old issue calls platforms good that are known to be broken since. Kept on disk, so that a restart does not
 * forget it.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "evidence/intel.h"

enum { COLLATERAL_ISSUE_MAX_BYTES = 1024 };

/* Whether each part of `issue` is at least as new as `highest`. ERR_COLLATERAL_OLD, naming the first that is not. */
enum status collateral_issue_check(const struct collateral_issue *issue, const struct collateral_issue *highest,
                                   struct refusal *why);

/* Whether both evaluation numbers are at least `minimum`. ERR_COLLATERAL_OLD. */
enum status collateral_issue_check_minimum(const struct collateral_issue *issue, int64_t minimum, struct refusal *why);

/* Takes the higher of each part. */
void collateral_issue_raise(struct collateral_issue *highest, const struct collateral_issue *issue);

/* As a file of JSON. Errors of reading: ERR_JSON_SYNTAX, ERR_FIELD_*, ERR_TOO_LARGE; ERR_IO. */
enum status collateral_issue_parse(struct slice text, struct refusal *why, struct collateral_issue *issue_out);
enum status collateral_issue_read(const char *path, struct refusal *why, struct collateral_issue *issue_out);
enum status collateral_issue_write(const char *path, const struct collateral_issue *issue, struct refusal *why);
