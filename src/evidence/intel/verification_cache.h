/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of verify.h's verification_cache. Private to src/evidence.
 */
#pragma once

#include "evidence/intel/chain.h"

/* The chain kept under this digest, as a new owner; NULL if there is none. `cache` may be NULL. */
struct pck_chain *verification_cache_find(struct verification_cache *cache, const uint8_t digest[static 32]);

/* Keeps `chain`, which is verified but for dates and revocation. `cache` may be NULL. */
void verification_cache_keep(struct verification_cache *cache, const uint8_t digest[static 32],
                             const struct pck_chain *chain);
