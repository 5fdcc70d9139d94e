/* SPDX-License-Identifier: Apache-2.0
 *
 * The processors that this process may run on, and which of them a thread keeps to. Work that passes from thread to
 * thread, or from process to process, costs least when all of them stand on one processor: nobody is woken elsewhere,
 * and what was just written is in the cache.
 */
#pragma once

#include "base/status.h"

enum { PROCESSORS_MAX = 64, ANY_PROCESSOR = -1 };

struct processors {
    unsigned count; /* at least 1 */
    int numbers[PROCESSORS_MAX];
};

/* Those of the calling thread, at most the first PROCESSORS_MAX. Where the kernel does not say, there is one,
 * ANY_PROCESSOR. */
struct processors processors_allowed(void);

/* From now on the calling thread runs on this one alone; threads and processes that it starts inherit that.
 * ANY_PROCESSOR changes nothing. ERR_IO: it may not, and goes on as before. */
enum status processors_keep_to(int processor);

/* From now on it runs on any of these. ERR_IO. */
enum status processors_spread(const struct processors *processors);

/* The one that the calling thread runs on now; ANY_PROCESSOR if that is not known. */
int processors_current(void);
