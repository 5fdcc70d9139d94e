/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of intel.h's verification_cache: PCK chains, and attestation keys that a quoting enclave of a PCK key
 * vouches for. Private to this room. `cache` may be NULL: nothing is known then, and nothing kept.
 */
#pragma once

#include "evidence/intel/chain.h"

/* The chain kept under this digest, as a new owner; NULL if there is none. */
struct pck_chain *verification_cache_find(struct verification_cache *cache, const uint8_t digest[static 32]);

/* Keeps `chain`, which is verified but for dates and revocation. */
void verification_cache_keep(struct verification_cache *cache, const uint8_t digest[static 32],
                             const struct pck_chain *chain);

/* Attestation keys, by the digest of all that decides them: PCK key, quoting enclave's report, the signature by the one
 * over the other, and the attestation key's own bytes. As above. */
struct key *verification_cache_find_key(struct verification_cache *cache, const uint8_t digest[static 32]);
void verification_cache_keep_key(struct verification_cache *cache, const uint8_t digest[static 32],
                                 const struct key *attestation_key);
