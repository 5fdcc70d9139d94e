/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program must let its sandbox allow before a document on PostgreSQL is opened.
 */
#pragma once

#include "base/refusal.h"

#include <limits.h>

struct document_postgres_needs {
    bool is_tcp; /* otherwise a socket in a folder */
    uint16_t port;
    char files[5][PATH_MAX]; /* of passwords, certificates and keys, to be read */
    size_t file_count;
};

/* From libpq's connection string; nothing is dialled. ERR_CONFIG, also for one that carries a password. */
enum status document_postgres_look(const char *connection, struct refusal *why,
                                   struct document_postgres_needs *needs_out);
