/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/verification_cache.h"

#include "evidence/kept.h"

static void *share(const void *chain)
{
    return pck_chain_share(chain);
}

static void give_up(void *chain)
{
    pck_chain_free(chain);
}

/* A cache is what is kept, under the name that its users know. */
enum status verification_cache_new(size_t max_count, struct verification_cache **cache_out)
{
    static const struct kept_kind chains = {.share = share, .free = give_up};
    struct kept *kept;
    TRY(kept_new(max_count, &chains, &kept));
    *cache_out = (struct verification_cache *)kept;
    return OK;
}

void verification_cache_free(struct verification_cache *cache)
{
    kept_free((struct kept *)cache);
}

struct pck_chain *verification_cache_find(struct verification_cache *cache, const uint8_t digest[static 32])
{
    return kept_find((struct kept *)cache, digest);
}

void verification_cache_keep(struct verification_cache *cache, const uint8_t digest[static 32],
                             const struct pck_chain *chain)
{
    kept_add((struct kept *)cache, digest, chain);
}
