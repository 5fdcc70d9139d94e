/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/kept.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Each digest has its set of four places; the one used longest ago is given up. What is kept leads to a pinned root, so
 * nobody can crowd a set out with chains of his own making. */
enum { WAYS = 4 };

struct place {
    uint8_t digest[32];
    void *item; /* NULL: free */
    uint64_t used;
};

struct kept {
    const struct kept_kind *kind;
    pthread_mutex_t lock;
    uint64_t clock;
    size_t set_count;
    struct place *places; /* set_count * WAYS */
};

enum status kept_new(size_t max_count, const struct kept_kind *kind, struct kept **kept_out)
{
    struct kept *const kept = calloc(1, sizeof(*kept));
    if (kept == NULL) return ERR_NO_MEMORY;
    kept->kind = kind;
    kept->set_count = max_count / WAYS;
    if (kept->set_count == 0) kept->set_count = 1;
    kept->places = calloc(kept->set_count * WAYS, sizeof(*kept->places));
    if (kept->places == NULL || pthread_mutex_init(&kept->lock, NULL) != 0) {
        free(kept->places);
        free(kept);
        return ERR_NO_MEMORY;
    }
    *kept_out = kept;
    return OK;
}

void kept_free(struct kept *kept)
{
    if (kept == NULL) return;
    for (size_t i = 0; i < kept->set_count * WAYS; i++) kept->kind->free(kept->places[i].item);
    (void)pthread_mutex_destroy(&kept->lock);
    free(kept->places);
    free(kept);
}

static struct place *set_of(struct kept *kept, const uint8_t *digest)
{
    uint64_t number = 0;
    for (size_t i = 0; i < sizeof(number); i++) number = number << 8 | digest[i];
    return &kept->places[number % kept->set_count * WAYS];
}

static bool holds(const struct place *place, const uint8_t *digest)
{
    return place->item != NULL && slice_equal(SLICE_ARRAY(place->digest), slice_of(digest, sizeof(place->digest)));
}

/* The place of this digest, or the one to give up for it. */
static struct place *place_for(struct place *set, const uint8_t *digest)
{
    struct place *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (holds(&set[i], digest)) return &set[i];
        if (set[i].used < oldest->used) oldest = &set[i];
    }
    return oldest;
}

void *kept_find(struct kept *kept, const uint8_t digest[static 32])
{
    if (kept == NULL) return NULL;
    void *found = NULL;
    (void)pthread_mutex_lock(&kept->lock);
    struct place *const place = place_for(set_of(kept, digest), digest);
    if (holds(place, digest)) {
        place->used = ++kept->clock;
        found = kept->kind->share(place->item);
    }
    (void)pthread_mutex_unlock(&kept->lock);
    return found;
}

void kept_add(struct kept *kept, const uint8_t digest[static 32], const void *item)
{
    if (kept == NULL) return;
    (void)pthread_mutex_lock(&kept->lock);
    struct place *const place = place_for(set_of(kept, digest), digest);
    void *const given_up = place->item;
    memcpy(place->digest, digest, sizeof(place->digest));
    place->item = kept->kind->share(item);
    place->used = ++kept->clock;
    (void)pthread_mutex_unlock(&kept->lock);
    kept->kind->free(given_up);
}
