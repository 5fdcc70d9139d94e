/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/shelf_policies.h"

#include "crypto/hash.h"
#include "token/jws.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    uint8_t digest[SHA256_BYTES];
    struct stored_policy policy;
    uint64_t used; /* 0: a free place */
};

struct policy_shelf {
    uint64_t uses;
    size_t max_count;
    struct kept items[];
};

enum status policy_shelf_new(size_t max_count, struct policy_shelf **shelf_out)
{
    struct policy_shelf *const shelf = calloc(1, sizeof(*shelf) + max_count * sizeof(shelf->items[0]));
    if (shelf == NULL) return ERR_NO_MEMORY;
    shelf->max_count = max_count;
    *shelf_out = shelf;
    return OK;
}

void policy_shelf_free(struct policy_shelf *shelf)
{
    if (shelf == NULL) return;
    for (size_t i = 0; i < shelf->max_count; i++) stored_policy_done(&shelf->items[i].policy);
    free(shelf);
}

static bool is_of(const struct kept *kept, const uint8_t digest[static SHA256_BYTES])
{
    return kept->used > 0 && memcmp(kept->digest, digest, SHA256_BYTES) == 0;
}

/* The policy's place, or the one that was used longest ago. */
static struct kept *place_of(struct policy_shelf *shelf, const uint8_t digest[static SHA256_BYTES])
{
    struct kept *oldest = &shelf->items[0];
    for (size_t i = 0; i < shelf->max_count; i++) {
        if (is_of(&shelf->items[i], digest)) return &shelf->items[i];
        if (shelf->items[i].used < oldest->used) oldest = &shelf->items[i];
    }
    return oldest;
}

static enum status renew(struct link *link, const uint8_t digest[static SHA256_BYTES], struct refusal *why,
                         struct kept *place)
{
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(JWS_MAX_BYTES);
    uint8_t seen[SHA256_BYTES];
    struct stored_policy policy;
    TRY(link_ask_back(link, LINK_NEED_POLICY, slice_of(digest, SHA256_BYTES), why, &jws));
    TRY(sha256(buffer_slice(&jws), seen));
    if (memcmp(seen, digest, sizeof(seen)) != 0)
        return refuse(why, ERR_CONFLICT, "policy", refusal_hex(slice_of(digest, SHA256_BYTES)).text, "%s",
                      refusal_hex(SLICE_ARRAY(seen)).text);
    TRY(stored_policy_open(buffer_slice(&jws), why, &policy));
    stored_policy_done(&place->policy);
    place->policy = policy;
    memcpy(place->digest, digest, sizeof(place->digest));
    return OK;
}

enum status policy_shelf_take(struct policy_shelf *shelf, struct link *link, const uint8_t digest[static 32],
                              struct refusal *why, const struct stored_policy **policy_out)
{
    struct kept *const place = place_of(shelf, digest);
    if (!is_of(place, digest)) TRY(renew(link, digest, why, place));
    place->used = ++shelf->uses;
    *policy_out = &place->policy;
    return OK;
}
