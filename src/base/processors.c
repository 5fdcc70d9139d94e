/* SPDX-License-Identifier: Apache-2.0 */
#include "base/processors.h"

#include <sched.h>

struct processors processors_allowed(void)
{
    struct processors processors = {};
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0) CPU_ZERO(&set);
    for (size_t i = 0; i < CPU_SETSIZE && processors.count < PROCESSORS_MAX; i++) {
        if (CPU_ISSET(i, &set)) processors.numbers[processors.count++] = (int)i;
    }
    if (processors.count == 0) processors.numbers[processors.count++] = ANY_PROCESSOR;
    return processors;
}

enum status processors_spread(const struct processors *processors)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (unsigned i = 0; i < processors->count; i++) {
        if (processors->numbers[i] == ANY_PROCESSOR) return OK;
        CPU_SET((size_t)processors->numbers[i], &set);
    }
    return sched_setaffinity(0, sizeof(set), &set) == 0 ? OK : ERR_IO;
}

enum status processors_keep_to(int processor)
{
    return processors_spread(&(struct processors){.count = 1, .numbers = {processor}});
}

int processors_current(void)
{
    return sched_getcpu(); /* -1 where it is not known */
}
