/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/verification_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Each digest has its set of four places; the one used longest ago is given up. The digests are of chains that lead to
 * a pinned root, so nobody can crowd a set out with chains of his own making. */
enum { WAYS = 4, SET_MAX_COUNT = 1 << 20 };

struct place {
    uint8_t digest[32];
    struct pck_chain *chain; /* NULL: free */
    uint64_t used;
};

struct verification_cache {
    pthread_mutex_t lock;
    uint64_t clock;
    size_t set_count;
    struct place *places; /* set_count * WAYS */
};

enum status verification_cache_new(size_t max_count, struct verification_cache **cache_out)
{
    struct verification_cache *const cache = calloc(1, sizeof(*cache));
    if (cache == NULL) return ERR_NO_MEMORY;
    cache->set_count = max_count / WAYS;
    if (cache->set_count == 0) cache->set_count = 1;
    if (cache->set_count > SET_MAX_COUNT) cache->set_count = SET_MAX_COUNT;
    cache->places = calloc(cache->set_count * WAYS, sizeof(*cache->places));
    if (cache->places == NULL || pthread_mutex_init(&cache->lock, NULL) != 0) {
        free(cache->places);
        free(cache);
        return ERR_NO_MEMORY;
    }
    *cache_out = cache;
    return OK;
}

void verification_cache_free(struct verification_cache *cache)
{
    if (cache == NULL) return;
    for (size_t i = 0; i < cache->set_count * WAYS; i++) pck_chain_free(cache->places[i].chain);
    (void)pthread_mutex_destroy(&cache->lock);
    free(cache->places);
    free(cache);
}

static struct place *set_of(struct verification_cache *cache, const uint8_t *digest)
{
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof(number); i++) number = number << 8 | digest[i];
    return &cache->places[number % cache->set_count * WAYS];
}

/* The place of this digest, or the one to give up for it. */
static struct place *place_for(struct place *set, const uint8_t *digest)
{
    struct place *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].chain != NULL && slice_equal(SLICE_ARRAY(set[i].digest), slice_of(digest, sizeof(set[i].digest))))
            return &set[i];
        if (set[i].used < oldest->used) oldest = &set[i];
    }
    return oldest;
}

static bool holds(const struct place *place, const uint8_t *digest)
{
    return place->chain != NULL && slice_equal(SLICE_ARRAY(place->digest), slice_of(digest, sizeof(place->digest)));
}

struct pck_chain *verification_cache_find(struct verification_cache *cache, const uint8_t digest[static 32])
{
    if (cache == NULL) return NULL;
    struct pck_chain *found = NULL;
    (void)pthread_mutex_lock(&cache->lock);
    struct place *const place = place_for(set_of(cache, digest), digest);
    if (holds(place, digest)) {
        place->used = ++cache->clock;
        found = pck_chain_share(place->chain);
    }
    (void)pthread_mutex_unlock(&cache->lock);
    return found;
}

void verification_cache_keep(struct verification_cache *cache, const uint8_t digest[static 32],
                             const struct pck_chain *chain)
{
    if (cache == NULL) return;
    (void)pthread_mutex_lock(&cache->lock);
    struct place *const place = place_for(set_of(cache, digest), digest);
    struct pck_chain *const given_up = place->chain;
    memcpy(place->digest, digest, sizeof(place->digest));
    place->chain = pck_chain_share(chain);
    place->used = ++cache->clock;
    (void)pthread_mutex_unlock(&cache->lock);
    pck_chain_free(given_up);
}
