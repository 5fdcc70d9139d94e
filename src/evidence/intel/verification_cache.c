/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/verification_cache.h"

#include "evidence/kept.h"

#include <stdlib.h>

struct verification_cache {
    struct kept *chains, *signatures;
};

static void *share_chain(const void *chain)
{
    return pck_chain_share(chain);
}

static void give_up_chain(void *chain)
{
    pck_chain_free(chain);
}

/* That a digest is kept says all: what is kept under it is a mark that nobody owns. */
static uint8_t mark;

static void *share_mark(const void *)
{
    return &mark;
}

static void give_up_mark(void *)
{
}

static void cache_cleanup(struct verification_cache **cache)
{
    verification_cache_free(*cache);
}

enum status verification_cache_new(size_t max_count, struct verification_cache **cache_out)
{
    static const struct kept_kind chains = {.share = share_chain, .free = give_up_chain};
    static const struct kept_kind signatures = {.share = share_mark, .free = give_up_mark};
    CLEANUP(cache_cleanup) struct verification_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL) return ERR_NO_MEMORY;
    TRY(kept_new(max_count, &chains, &cache->chains));
    TRY(kept_new(max_count, &signatures, &cache->signatures));
    *cache_out = cache;
    cache = NULL;
    return OK;
}

void verification_cache_free(struct verification_cache *cache)
{
    if (cache == NULL) return;
    kept_free(cache->chains);
    kept_free(cache->signatures);
    free(cache);
}

struct pck_chain *verification_cache_find(struct verification_cache *cache, const uint8_t digest[static 32])
{
    return cache == NULL ? NULL : kept_find(cache->chains, digest);
}

void verification_cache_keep(struct verification_cache *cache, const uint8_t digest[static 32],
                             const struct pck_chain *chain)
{
    if (cache != NULL) kept_add(cache->chains, digest, chain);
}

bool verification_cache_knows_signature(struct verification_cache *cache, const uint8_t digest[static 32])
{
    return cache != NULL && kept_find(cache->signatures, digest) != NULL;
}

void verification_cache_keep_signature(struct verification_cache *cache, const uint8_t digest[static 32])
{
    if (cache != NULL) kept_add(cache->signatures, digest, &mark);
}
