/* SPDX-License-Identifier: Apache-2.0
 *
 * One sealed document with a version, on SQLite (one process) or PostgreSQL (shared by replicas): small state that is
 * read often and changed rarely and as a whole. The database sees size, version and time of changes, nothing else; what
 * it gives back is checked by its seal, which binds name and version. What document_write acknowledged is durable, and
 * of two writers of one version one gets ERR_CONFLICT.
 *
 * The database's owner can put back an earlier version while no process remembers a later one: relying parties see that
 * by the policy hash and the key that they pin.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "base/secret.h"

enum { DOCUMENT_MAX_SIZE = 4 * 1024 * 1024, DOCUMENT_NAME_MAX_BYTES = 128, DOCUMENT_WATCH_MS = 500 };

struct document_options {
    const char *path;         /* of the SQLite file, or NULL */
    const char *postgres;     /* a libpq connection string, or NULL; one of the two */
    const char *name;         /* of the document, in a shared database: deployment and measurement */
    const struct secret *key; /* 32 bytes; borrowed */
};

struct document; /* thread-safe */

/* ERR_STORE with what was refused, ERR_STORE_IN_USE for a file that another process has open. */
enum status document_open(const struct document_options *options, struct refusal *why, struct document **document_out);
void document_free(struct document *document);

/* Appends the newest content. ERR_NOT_FOUND: there is none yet, version 0. ERR_STORE_CORRUPT; ERR_STORE: the database
 * is away. A version lower than one that this process has seen: ERR_STORE_ROLLBACK. */
enum status document_read(struct document *document, struct refusal *why, struct buffer *content,
                          uint64_t *version_out);

/* Writes version + 1 if `version` is still the newest. ERR_CONFLICT, ERR_TOO_LARGE, ERR_STORE, ERR_STORE_FULL. */
enum status document_write(struct document *document, uint64_t version, struct slice content, struct refusal *why);

/* Waits for a version higher than `version`, at most `wait_ms`: told by the database at once, and looked for every
 * DOCUMENT_WATCH_MS in any case. False: nothing new. For SQLite, which nobody shares, only document_interrupt ends it
 * early. */
bool document_wait(struct document *document, uint64_t version, int wait_ms);
void document_interrupt(struct document *document);
