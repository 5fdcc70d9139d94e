/* SPDX-License-Identifier: Apache-2.0
 *
 * A benchmark whose work fails has nothing to measure.
 */
#pragma once

#include "base/refusal.h"

#include <stdio.h>
#include <stdlib.h>

[[gnu::noreturn]] static inline void stop(const char *what, enum status status, const struct refusal *why)
{
    (void)fprintf(stderr, "bench-evidence: %s: %s %s %s\n", what, status_name(status), why == NULL ? "" : why->field,
                  why == NULL ? "" : why->seen);
    exit(1);
}

static inline void need(const char *what, enum status status, const struct refusal *why)
{
    if (status != OK) stop(what, status, why);
}
