/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests that were made before: a file of many, each with its size (8 decimal digits and a line feed) before it.
 */
#pragma once

#include <stddef.h>

struct request {
    const char *bytes;
    size_t size;
};
struct requests {
    struct request *items;
    size_t count;
};

/* Ends the program if there are none. Kept to the program's end. */
struct requests requests_read(const char *path);

/* As a program that runs in the software TEE: `count` appraisal requests, each with a quote of its own over runtime
 * data of its own, into `path`. `host` is the name in the requests. The exit code. */
int requests_make(const char *path, size_t count, const char *host);
