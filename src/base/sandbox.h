/* SPDX-License-Identifier: Apache-2.0
 *
 * The sandbox of a whole program, for good and for all that it forks. (A child that meets strangers' bytes is shut in
 * much more narrowly: base/containment.h.) Two steps, because a program needs more while it starts:
 *
 *   sandbox_forbid   first of all: what no program of ours ever does. Starting another program, tracing and reading
 *                    other processes, mounting, loading code into the kernel, changing the clock, io_uring: the kernel
 *                    kills the process
 *   sandbox_enter    once its contained children are forked and before its threads start: only the listed system calls
 *                    (any other fails with EPERM), no memory becomes executable, no process is forked; and, where the
 *                    kernel has Landlock, only the named files and folders and the named TCP ports
 *
 * What the kernel does not have is left out and told: the other layers stand by themselves. Landlock does not see UDP,
 * datagrams to name servers among it, nor sockets that were open before.
 */
#pragma once

#include "base/refusal.h"

#include <limits.h>

enum {
    SANDBOX_MAX_PLACES = 24,
    SANDBOX_MAX_PORTS = 12,
    SANDBOX_LANDLOCK_ABI_FILES = 1,
    SANDBOX_LANDLOCK_ABI_PORTS = 4
};

enum sandbox_use {
    SANDBOX_READ,   /* a file, or a folder and all below it */
    SANDBOX_CHANGE, /* a folder: files and folders below it are read, made, written, renamed, removed */
    SANDBOX_MEET,   /* a folder: sockets and folders are made and removed there, no file is read or written */
};

/* What a program names for itself. Filled with the functions below; a zeroed one allows nothing. */
struct sandbox {
    struct sandbox_place {
        enum sandbox_use use;
        char path[PATH_MAX];
    } places[SANDBOX_MAX_PLACES];
    size_t place_count;
    struct sandbox_port {
        uint16_t number;
        bool is_listened; /* at; otherwise connected to */
    } ports[SANDBOX_MAX_PORTS];
    size_t port_count;
};

/* Absent paths need no rule, "" is none. ERR_TOO_LARGE if there are too many. */
enum status sandbox_allow(struct sandbox *sandbox, enum sandbox_use use, const char *path);
enum status sandbox_allow_listening(struct sandbox *sandbox, uint16_t port); /* 0: a free one */
enum status sandbox_allow_connecting(struct sandbox *sandbox, uint16_t port);

/* What stands after a call. */
struct sandbox_report {
    bool filters_calls; /* seccomp */
    int landlock_abi;   /* 0: no Landlock; below SANDBOX_LANDLOCK_ABI_PORTS: ports are not held */
};

/* Both need no further privilege, and take the way to any from the process. ERR_UNSUPPORTED if a part that the kernel
 * has cannot be applied: then the program must not go on. */
enum status sandbox_forbid(struct refusal *why);
/* No other thread may run. */
enum status sandbox_enter(const struct sandbox *sandbox, struct refusal *why, struct sandbox_report *report_out);
