/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock: operations per second by one thread or several, and the processor time of one, which others who use the
 * machine do not lengthen by much.
 */
#pragma once

#include <stddef.h>

enum { THREAD_MAX_COUNT = 2 };

/* `turn` counts up over all threads. */
typedef void operation(const void *context, size_t turn);

struct figure {
    double per_second, cpu_us; /* processor time of all threads for one operation */
};

struct figure measure(operation *run, const void *context, size_t threads, double seconds);
