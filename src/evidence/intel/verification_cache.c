/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/verification_cache.h"

#include "evidence/kept.h"

#include <stdlib.h>

struct verification_cache {
    struct kept *chains;
};

static void *share(const void *chain)
{
    return pck_chain_share(chain);
}

static void give_up(void *chain)
{
    pck_chain_free(chain);
}

enum status verification_cache_new(size_t max_count, struct verification_cache **cache_out)
{
    static const struct kept_kind chains = {.share = share, .free = give_up};
    struct verification_cache *const cache = calloc(1, sizeof(*cache));
    if (cache == NULL) return ERR_NO_MEMORY;
    const enum status status = kept_new(max_count, &chains, &cache->chains);
    if (status != OK) {
        free(cache);
        return status;
    }
    *cache_out = cache;
    return OK;
}

void verification_cache_free(struct verification_cache *cache)
{
    if (cache == NULL) return;
    kept_free(cache->chains);
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
