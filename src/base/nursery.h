/* SPDX-License-Identifier: Apache-2.0
 *
 * Contained children on demand. A nursery is a small process that is forked before any thread starts and before any key
 * is made; it does nothing but fork a child for each nursery_open, and the child shuts itself in (base/containment.h)
 * and talks over its own socket. A child that dies takes nothing with it but its request. A nursery that dies cannot be
 * replaced, because by then there are keys and threads: service_main notices, and ends the program.
 */
#pragma once

#include "base/containment.h"
#include "base/processors.h"

#include <sys/types.h>

/* A child's whole life, already contained: it reads requests from `socket` and writes answers, and returns when the
 * other side has closed. `context` is what the plan held when the nursery was started. */
typedef void nursery_work(const void *context, int socket);

struct nursery_plan {
    const char *name; /* for the process list, at most 15 characters */
    nursery_work *work;
    const void *context;
    struct containment containment;
    int keep_descriptor; /* one open descriptor that the children need, or -1; every other is closed in them */
};

struct nursery; /* thread-safe */

/* Forks; so only the thread that lives as long as the program may call it, before there are others. The plan is copied,
 * its context is the forked copy. ERR_IO, ERR_NO_MEMORY. */
enum status nursery_start(const struct nursery_plan *plan, struct refusal *why, struct nursery **nursery_out);

/* Ends the nursery. Children end when their sockets are closed, and at the latest with the nursery. */
void nursery_stop(struct nursery *nursery);

/* A new child, on any processor; the caller closes `socket_out`, which ends it. ERR_CHILD_DIED if the nursery is gone,
 * ERR_IO. */
enum status nursery_open(struct nursery *nursery, int *socket_out);

/* The same, on `processor` or ANY_PROCESSOR, with a number by which the child can be killed. One that the child may not
 * use is no failure: it runs wherever it may. */
enum status nursery_open_numbered(struct nursery *nursery, int processor, uint32_t *child_out, int *socket_out);

/* One contained child, forked at once and without a nursery, for work that is to keep something of this process to
 * itself. Only where nursery_start may be called. `processor` as for nursery_open_numbered. The caller closes
 * `socket_out`, which ends it, and waits for `process_out`. ERR_IO. */
enum status nursery_fork(const struct nursery_plan *plan, int processor, struct refusal *why, pid_t *process_out,
                         int *socket_out);

/* Kills a child that does not answer, whatever it is doing: one that is at work would not notice that its socket is
 * closed. Nothing happens to any other process if it is gone already. */
void nursery_kill(struct nursery *nursery, uint32_t child);

/* Whole messages over a child's socket, until `deadline_ms` of clock_monotonic_ms. ERR_CHILD_DIED when the other side
 * is gone, ERR_TIMEOUT. The child itself passes NURSERY_NO_DEADLINE. */
enum { NURSERY_NO_DEADLINE = -1 };
enum status nursery_send(int socket, struct slice bytes, int64_t deadline_ms);
enum status nursery_receive(int socket, size_t size, int64_t deadline_ms, uint8_t *bytes_out);

/* A child's verdict on a request: OK, or a refusal. `why` may be NULL. */
enum status nursery_send_verdict(int socket, enum status verdict, const struct refusal *why);

/* The child has met a stranger's bytes, so what it says is checked: a status that exists and printable texts, otherwise
 * ERR_CHILD_DIED. Returns the verdict itself, with the child's refusal in `why`. */
enum status nursery_receive_verdict(int socket, int64_t deadline_ms, struct refusal *why);
