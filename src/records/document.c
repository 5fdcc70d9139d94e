/* SPDX-License-Identifier: Apache-2.0 */
#include "records/document.h"

#include "records/document_backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct document {
    const struct document_backend *backend;
    void *state;
    struct record_keys *keys;
    char name[DOCUMENT_NAME_MAX_BYTES + 1];
    pthread_mutex_t mutex; /* over the backend's reading and writing, and this: */
    uint64_t highest;      /* version seen; a lower one is a database that was set back */
};

static struct sealed_place place_of(const struct document *document, uint64_t version)
{
    return (struct sealed_place){.type = "document", .owner = "", .id = document->name, .version = version};
}

static enum status open_backend(const struct document_options *options, struct refusal *why, struct document *document)
{
    if (options->postgres != NULL) {
        TRY(document_postgres_open(options->postgres, document->name, why, &document->state));
        document->backend = &document_postgres;
        return OK;
    }
    TRY(document_sqlite_open(options->path, why, &document->state));
    document->backend = &document_sqlite;
    return OK;
}

enum status document_open(const struct document_options *options, struct refusal *why, struct document **document_out)
{
    const size_t size = strlen(options->name);
    if (size == 0 || size > DOCUMENT_NAME_MAX_BYTES)
        return refuse(why, ERR_STORE, "document.name", "1 to 128 bytes", "%zu bytes", size);
    struct document *const document = calloc(1, sizeof(*document));
    if (document == NULL) return ERR_NO_MEMORY;
    (void)pthread_mutex_init(&document->mutex, NULL);
    memcpy(document->name, options->name, size);
    enum status status = record_keys_new(secret_slice(options->key), SLICE_LITERAL("documents"), &document->keys);
    if (status == OK) status = open_backend(options, why, document);
    if (status == OK)
        *document_out = document;
    else
        document_free(document);
    return status;
}

void document_free(struct document *document)
{
    if (document == NULL) return;
    if (document->backend != NULL) document->backend->free(document->state);
    record_keys_free(document->keys);
    (void)pthread_mutex_destroy(&document->mutex);
    free(document);
}

static enum status check_version(struct document *document, uint64_t version, struct refusal *why)
{
    if (version < document->highest)
        return refuse(why, ERR_STORE_ROLLBACK, "document.version", "not below what this process has seen",
                      "%llu after %llu", (unsigned long long)version, (unsigned long long)document->highest);
    return OK;
}

static enum status refuse_bytes(enum status status, struct refusal *why)
{
    return refuse(why, status, "document", "what this program sealed, under its name and version", "something else");
}

static enum status read_locked(struct document *document, struct refusal *why, struct buffer *content,
                               uint64_t *version_out)
{
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(DOCUMENT_SEALED_MAX_BYTES);
    uint64_t version = 0;
    const enum status status = document->backend->read(document->state, document->name, why, &sealed, &version);
    if (status == ERR_STORE_CORRUPT || status == ERR_TOO_LARGE) return refuse_bytes(status, why);
    if (status != OK && status != ERR_NOT_FOUND) return status;
    TRY(check_version(document, version, why));
    if (status == ERR_NOT_FOUND) {
        *version_out = 0;
        return refuse(why, ERR_NOT_FOUND, "document", document->name, "nothing yet");
    }
    const struct sealed_place place = place_of(document, version);
    const enum status opened = sealed_open(document->keys, &place, buffer_slice(&sealed), content);
    if (opened == ERR_STORE_CORRUPT) return refuse_bytes(opened, why);
    TRY(opened);
    document->highest = version;
    *version_out = version;
    return OK;
}

enum status document_read(struct document *document, struct refusal *why, struct buffer *content, uint64_t *version_out)
{
    (void)pthread_mutex_lock(&document->mutex);
    const enum status status = read_locked(document, why, content, version_out);
    (void)pthread_mutex_unlock(&document->mutex);
    return status;
}

static enum status write_locked(struct document *document, uint64_t version, struct slice sealed, struct refusal *why)
{
    TRY(document->backend->write(document->state, document->name, version, sealed, why));
    document->highest = version + 1;
    return OK;
}

enum status document_write(struct document *document, uint64_t version, struct slice content, struct refusal *why)
{
    if (content.size > DOCUMENT_MAX_SIZE)
        return refuse(why, ERR_TOO_LARGE, "document", "at most 4194304 bytes", "%zu bytes", content.size);
    CLEANUP(buffer_done) struct buffer sealed = buffer_of_maximum(DOCUMENT_SEALED_MAX_BYTES);
    const struct sealed_place place = place_of(document, version + 1);
    TRY(sealed_seal(document->keys, &place, content, &sealed));
    (void)pthread_mutex_lock(&document->mutex);
    const enum status status = write_locked(document, version, buffer_slice(&sealed), why);
    (void)pthread_mutex_unlock(&document->mutex);
    return status;
}

bool document_wait(struct document *document, uint64_t version, int wait_ms)
{
    return document->backend->wait(document->state, document->name, version, wait_ms);
}

void document_interrupt(struct document *document)
{
    document->backend->interrupt(document->state);
}
