/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of intel.h's verification_cache: PCK chains, and signatures over reports of quoting enclaves. Private to
 * this room. `cache` may be NULL: nothing is known then, and nothing kept.
 */
#pragma once

#include "evidence/intel/chain.h"

/* The chain kept under this digest, as a new owner; NULL if there is none. */
struct pck_chain *verification_cache_find(struct verification_cache *cache, const uint8_t digest[static 32]);

/* Keeps `chain`, which is verified but for dates and revocation. */
void verification_cache_keep(struct verification_cache *cache, const uint8_t digest[static 32],
                             const struct pck_chain *chain);

/* Signatures that held, by the digest of all that decides it: key, signed bytes, signature. */
bool verification_cache_knows_signature(struct verification_cache *cache, const uint8_t digest[static 32]);
void verification_cache_keep_signature(struct verification_cache *cache, const uint8_t digest[static 32]);
