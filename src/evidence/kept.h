/* SPDX-License-Identifier: Apache-2.0
 *
 * Verified things kept by the digest of all that they were made from, so that the next verification with the same input
 * pays for less: the inside of verification_cache (intel.h) and snp_cache (amd.h). Of more than there is room for, the
 * ones used longest ago go first. Thread-safe. Private to src/evidence.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

/* What is kept has owners that count themselves. */
struct kept_kind {
    void *(*share)(const void *item);
    void (*free)(void *item);
};

struct kept;
enum status kept_new(size_t max_count, const struct kept_kind *kind, struct kept **kept_out); /* ERR_NO_MEMORY */
void kept_free(struct kept *kept);

/* What is kept under this digest, as a new owner; NULL if there is nothing. `kept` may be NULL. */
void *kept_find(struct kept *kept, const uint8_t digest[static 32]);

/* Keeps another owner of `item`. `kept` may be NULL. */
void kept_add(struct kept *kept, const uint8_t digest[static 32], const void *item);
