/* SPDX-License-Identifier: Apache-2.0
 *
 * Well-behaved clients: keep-alive connections with one request at a time each, from one or more addresses.
 */
#pragma once

#include "requests.h"

#include <stdint.h>

struct load {
    const char *address;     /* of the server */
    const char *const *from; /* client addresses, NULL-terminated, that connections take in turn; NULL: the system's */
    unsigned connections;
    double seconds; /* whichever comes first; 0: no end by time */
    uint64_t count; /* of answers; 0: no end by number */
};

enum { LOAD_STATUS_MAX = 600 };
struct load_result {
    double seconds, processor_s; /* processor time of this process */
    uint64_t answers, statuses[LOAD_STATUS_MAX];
    uint64_t lost;                         /* requests whose connection ended without an answer */
    uint64_t dialled, failed;              /* connections; those that did not come to be */
    double p50_ms, p90_ms, p99_ms, max_ms; /* of answers with 200 */
};
void load_run(const struct load *load, const struct requests *requests, struct load_result *result_out);
