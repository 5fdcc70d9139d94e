/* SPDX-License-Identifier: Apache-2.0 */
#include "feeds/collateral_memory.h"

#include "crypto/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_COUNT = 7 };

struct remembered {
    uint8_t digest[SHA256_BYTES];
    struct collateral *collateral; /* NULL: a free place */
    uint64_t used;
};

struct collateral_memory {
    const struct trust_roots *roots;
    pthread_mutex_t mutex;
    uint64_t uses;
    size_t max_count;
    struct remembered items[];
};

enum status collateral_memory_new(size_t max_count, const struct trust_roots *roots,
                                  struct collateral_memory **memory_out)
{
    struct collateral_memory *const memory = calloc(1, sizeof(*memory) + max_count * sizeof(memory->items[0]));
    if (memory == NULL) return ERR_NO_MEMORY;
    memory->roots = roots;
    memory->max_count = max_count;
    (void)pthread_mutex_init(&memory->mutex, NULL);
    *memory_out = memory;
    return OK;
}

void collateral_memory_free(struct collateral_memory *memory)
{
    if (memory == NULL) return;
    for (size_t i = 0; i < memory->max_count; i++) collateral_free(memory->items[i].collateral);
    (void)pthread_mutex_destroy(&memory->mutex);
    free(memory);
}

/* The sizes stand before the texts, so that no byte can move from one text to the next. */
static enum status digest_of(const struct collateral_texts *texts, uint8_t digest_out[static SHA256_BYTES])
{
    const struct slice parts[TEXT_COUNT] = {
        texts->tcb_info, texts->tcb_info_issuer_chain, texts->qe_identity, texts->qe_identity_issuer_chain,
        texts->pck_crl,  texts->pck_crl_issuer_chain,  texts->root_ca_crl};
    uint64_t sizes[TEXT_COUNT];
    struct slice all[TEXT_COUNT + 1] = {SLICE_ARRAY(sizes)};
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        sizes[i] = parts[i].size;
        all[i + 1] = parts[i];
    }
    return sha256_parts(all, TEXT_COUNT + 1, digest_out);
}

/* Under the mutex. */
static struct remembered *find(struct collateral_memory *memory, const uint8_t digest[static SHA256_BYTES])
{
    for (size_t i = 0; i < memory->max_count; i++) {
        struct remembered *const item = &memory->items[i];
        if (item->collateral != NULL && memcmp(item->digest, digest, SHA256_BYTES) == 0) return item;
    }
    return NULL;
}

static struct collateral *recall(struct collateral_memory *memory, const uint8_t digest[static SHA256_BYTES])
{
    struct collateral *found = NULL;
    (void)pthread_mutex_lock(&memory->mutex);
    struct remembered *const item = find(memory, digest);
    if (item != NULL) {
        item->used = ++memory->uses;
        found = collateral_share(item->collateral);
    }
    (void)pthread_mutex_unlock(&memory->mutex);
    return found;
}

/* That of the same digest, a free one, or that of what was used longest ago: a free one was never used. */
static struct remembered *place_for(struct collateral_memory *memory, const uint8_t digest[static SHA256_BYTES])
{
    struct remembered *const same = find(memory, digest); /* two threads may have verified it at a time */
    struct remembered *oldest = &memory->items[0];
    for (size_t i = 1; i < memory->max_count; i++) {
        if (memory->items[i].used < oldest->used) oldest = &memory->items[i];
    }
    return same != NULL ? same : oldest;
}

static void remember(struct collateral_memory *memory, const uint8_t digest[static SHA256_BYTES],
                     const struct collateral *collateral)
{
    (void)pthread_mutex_lock(&memory->mutex);
    struct remembered *const place = place_for(memory, digest);
    collateral_free(place->collateral);
    memcpy(place->digest, digest, SHA256_BYTES);
    place->collateral = collateral_share(collateral);
    place->used = ++memory->uses;
    (void)pthread_mutex_unlock(&memory->mutex);
}

enum status collateral_memory_get(struct collateral_memory *memory, const struct collateral_texts *texts,
                                  struct refusal *why, struct collateral **collateral_out)
{
    uint8_t digest[SHA256_BYTES];
    TRY(digest_of(texts, digest));
    *collateral_out = recall(memory, digest);
    if (*collateral_out != NULL) return OK;
    TRY(collateral_new(texts, memory->roots, why, collateral_out));
    remember(memory, digest, *collateral_out);
    return OK;
}
