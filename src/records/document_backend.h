/* SPDX-License-Identifier: Apache-2.0
 *
 * What keeps a document's sealed bytes for document.c: a database that is not believed. A row is a name, a version and
 * bytes. Of one backend each function but `wait` and `interrupt` is called by one thread at a time.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "records/sealed.h"

enum { DOCUMENT_SEALED_MAX_BYTES = 4 * 1024 * 1024 + SEALED_OVERHEAD_BYTES };

struct document_backend {
    void (*free)(void *state);
    /* Appends. ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_STORE. */
    enum status (*read)(void *state, const char *name, struct refusal *why, struct buffer *sealed,
                        uint64_t *version_out);
    /* Puts version + 1 in the place of `version`, which is 0 for a row that must not be there yet; durable when it
     * returns. ERR_CONFLICT, ERR_STORE, ERR_STORE_FULL. */
    enum status (*write)(void *state, const char *name, uint64_t version, struct slice sealed, struct refusal *why);
    bool (*wait)(void *state, const char *name, uint64_t version, int wait_ms);
    void (*interrupt)(void *state);
};

extern const struct document_backend document_sqlite, document_postgres;
enum status document_sqlite_open(const char *path, struct refusal *why, void **state_out);
enum status document_postgres_open(const char *connection, const char *name, struct refusal *why, void **state_out);
