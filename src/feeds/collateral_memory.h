/* SPDX-License-Identifier: Apache-2.0
 *
 * Verified collateral by the digest of its texts, so that the same bytes are not verified twice. What was used longest
 * ago goes first.
 */
#pragma once

#include "evidence/intel.h"

struct collateral_memory; /* thread-safe */

/* `roots` borrowed. ERR_NO_MEMORY. */
enum status collateral_memory_new(size_t max_count, const struct trust_roots *roots,
                                  struct collateral_memory **memory_out);
void collateral_memory_free(struct collateral_memory *memory);

/* collateral_new of these texts, or what it gave for the same bytes before: an owner more. Only what was verified is
 * kept. */
enum status collateral_memory_get(struct collateral_memory *memory, const struct collateral_texts *texts,
                                  struct refusal *why, struct collateral **collateral_out);
