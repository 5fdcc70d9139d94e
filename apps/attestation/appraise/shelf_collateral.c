/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/shelf_collateral.h"

#include "attestation/appraise/needs.h"
#include "crypto/hash.h"
#include "feeds/collateral_issue.h"
#include "feeds/collateral_wire.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    struct collateral *collateral; /* NULL: a free place */
    struct collateral_platform platform;
    struct collateral_facts facts;
    uint8_t digest[SHA256_BYTES]; /* of the texts */
    uint64_t generation;          /* of the feed, up to which they are known to be its newest */
    uint64_t used;
};

struct collateral_shelf {
    const struct trust_roots *roots;
    uint64_t uses;
    size_t max_count;
    struct kept items[];
};

enum status collateral_shelf_new(size_t max_count, const struct trust_roots *roots, struct collateral_shelf **shelf_out)
{
    struct collateral_shelf *const shelf = calloc(1, sizeof(*shelf) + max_count * sizeof(shelf->items[0]));
    if (shelf == NULL) return ERR_NO_MEMORY;
    shelf->roots = roots;
    shelf->max_count = max_count;
    *shelf_out = shelf;
    return OK;
}

void collateral_shelf_free(struct collateral_shelf *shelf)
{
    if (shelf == NULL) return;
    for (size_t i = 0; i < shelf->max_count; i++) collateral_free(shelf->items[i].collateral);
    free(shelf);
}

static bool is_of(const struct kept *kept, const struct collateral_platform *platform)
{
    return kept->collateral != NULL && kept->platform.tee == platform->tee &&
           memcmp(kept->platform.fmspc, platform->fmspc, sizeof(platform->fmspc)) == 0 &&
           strcmp(kept->platform.ca, platform->ca) == 0;
}

/* The platform's place, or the one that was used longest ago. */
static struct kept *place_of(struct collateral_shelf *shelf, const struct collateral_platform *platform)
{
    struct kept *oldest = &shelf->items[0];
    for (size_t i = 0; i < shelf->max_count; i++) {
        struct kept *const kept = &shelf->items[i];
        if (is_of(kept, platform)) return kept;
        if (kept->used < oldest->used) oldest = kept;
    }
    return oldest;
}

/* What was held before tells what is older, whatever the service says. */
static enum status open_texts(const struct collateral_shelf *shelf, const struct collateral_platform *platform,
                              const struct kept *before, struct slice supplied, struct refusal *why,
                              struct kept *kept_out)
{
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    struct collateral_texts texts;
    struct kept kept = {.platform = *platform};
    TRY(collateral_wire_read(supplied, why, &texts));
    TRY(collateral_new(&texts, shelf->roots, why, &collateral));
    collateral_facts(collateral, &kept.facts);
    TRY(collateral_check_platform(platform, &kept.facts, why));
    if (is_of(before, platform)) TRY(collateral_issue_check(&kept.facts.issue, &before->facts.issue, why));
    kept.collateral = collateral;
    collateral = NULL;
    *kept_out = kept;
    return OK;
}

static enum status renew(struct collateral_shelf *shelf, struct link *link, const struct collateral_platform *platform,
                         uint64_t generation, struct refusal *why, struct kept *place)
{
    CLEANUP(buffer_done) struct buffer key = buffer_of_maximum(NEED_KEY_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer supplied = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    uint8_t digest[SHA256_BYTES];
    struct kept kept;
    TRY(need_collateral_write(platform, &key));
    TRY(link_ask_back(link, LINK_NEED_COLLATERAL, buffer_slice(&key), why, &supplied));
    TRY(sha256(buffer_slice(&supplied), digest));
    if (!is_of(place, platform) || memcmp(place->digest, digest, sizeof(digest)) != 0) {
        TRY(open_texts(shelf, platform, place, buffer_slice(&supplied), why, &kept));
        collateral_free(place->collateral);
        memcpy(kept.digest, digest, sizeof(digest));
        *place = kept;
    }
    place->generation = generation;
    return OK;
}

enum status collateral_shelf_take(struct collateral_shelf *shelf, struct link *link,
                                  const struct collateral_platform *platform, uint64_t generation, int64_t now_s,
                                  struct refusal *why, const struct collateral **collateral_out)
{
    struct kept *const place = place_of(shelf, platform);
    const bool serves = is_of(place, platform) && place->generation >= generation && now_s < place->facts.expires_s;
    if (!serves) TRY(renew(shelf, link, platform, generation, why, place));
    place->used = ++shelf->uses;
    *collateral_out = place->collateral;
    return OK;
}
