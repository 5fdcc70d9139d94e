/* SPDX-License-Identifier: Apache-2.0
 *
 * Shutting the calling process in, for good, before it touches a stranger's bytes: libseccomp's allow-list of system
 * calls, Landlock where the kernel has it, resource limits, no core dumps. A process that cannot be shut in must not go
 * on: the call fails closed.
 */
#pragma once

#include "base/refusal.h"

enum containment_level {
    /* Computes on memory and talks over descriptors that it has. No file is opened, no thread made, no memory becomes
     * executable. A forbidden call kills the process. */
    CONTAINED_COMPUTE,
    /* As a large library needs it: threads, system files read (under /usr, /lib, /sys and /proc/cpuinfo), code loaded.
     * No socket, no file opened for writing, no other program, no tracing. A forbidden call fails with EPERM. */
    CONTAINED_LIBRARY,
};

struct containment {
    enum containment_level level;
    uint64_t memory_bytes; /* of address space; 0: no limit. Not applied under AddressSanitizer, which maps terabytes */
    uint32_t cpu_seconds;  /* 0: no limit */
};

/* No other thread may run. ERR_UNSUPPORTED if the kernel does not do it; the refusal names the call. */
enum status containment_enter(const struct containment *containment, struct refusal *why);

/* Whether this kernel has Landlock: without it the system-call filter stands alone, and a program says so. */
bool containment_has_landlock(void);
