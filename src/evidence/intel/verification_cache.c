/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/verification_cache.h"

#include "evidence/kept.h"

#include <stdlib.h>

struct verification_cache {
    struct kept *chains, *keys;
};

static void *share_chain(const void *chain)
{
    return pck_chain_share(chain);
}

static void give_up_chain(void *chain)
{
    pck_chain_free(chain);
}

static void *share_key(const void *key)
{
    return key_share(key);
}

static void give_up_key(void *key)
{
    key_free(key);
}

static void cache_cleanup(struct verification_cache **cache)
{
    verification_cache_free(*cache);
}

enum status verification_cache_new(size_t max_count, struct verification_cache **cache_out)
{
    static const struct kept_kind chains = {.share = share_chain, .free = give_up_chain};
    static const struct kept_kind keys = {.share = share_key, .free = give_up_key};
    CLEANUP(cache_cleanup) struct verification_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL) return ERR_NO_MEMORY;
    TRY(kept_new(max_count, &chains, &cache->chains));
    TRY(kept_new(max_count, &keys, &cache->keys));
    *cache_out = cache;
    cache = NULL;
    return OK;
}

void verification_cache_free(struct verification_cache *cache)
{
    if (cache == NULL) return;
    kept_free(cache->chains);
    kept_free(cache->keys);
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

struct key *verification_cache_find_key(struct verification_cache *cache, const uint8_t digest[static 32])
{
    return cache == NULL ? NULL : kept_find(cache->keys, digest);
}

void verification_cache_keep_key(struct verification_cache *cache, const uint8_t digest[static 32],
                                 const struct key *attestation_key)
{
    if (cache != NULL) kept_add(cache->keys, digest, attestation_key);
}
