/* SPDX-License-Identifier: Apache-2.0
 *
 * The appraisal policy that the configuration names, if it does (docs/appraisal.md).
 */
#pragma once

#include "evidence/appraisal.h"
#include "service/configuration.h"

/* The member `appraisal`; "" if it is not there. ERR_FIELD_*. */
enum status host_policy_configure(const struct configuration *configuration, struct refusal *why,
                                  char path_out[static PATH_MAX]);

/* NULL for "". The caller frees. ERR_IO, ERR_TOO_LARGE, ERR_APPRAISAL_POLICY. */
enum status host_policy_open(const char *path, struct refusal *why, struct appraisal_policy **policy_out);

/* The file's text, empty for "". The caller frees. ERR_IO, ERR_TOO_LARGE. */
enum status host_policy_read(const char *path, struct refusal *why, struct buffer *text);

/* Whether the file still says `text`: the processes that apply the policy have it from their start. ERR_CONFIG. */
enum status host_policy_check_same(const char *path, const struct buffer *text, struct refusal *why);
