/* SPDX-License-Identifier: Apache-2.0
 *
 * A shelf's collateral: by platform, verified here, and never replaced by something older. Private to the shelf.
 */
#pragma once

#include "attestation/link/link.h"
#include "feeds/collateral_source.h"

struct collateral_shelf;
enum status collateral_shelf_new(size_t max_count, const struct trust_roots *roots,
                                 struct collateral_shelf **shelf_out);
void collateral_shelf_free(struct collateral_shelf *shelf);

/* The platform's collateral, valid until the next call. Asked back for if there is none, if the feed has had something
 * new since (`generation`), or if it is out of date. Errors: what the service refuses with; those of collateral_new;
 * ERR_COLLATERAL_MISMATCH, ERR_COLLATERAL_OLD. */
enum status collateral_shelf_take(struct collateral_shelf *shelf, struct link *link,
                                  const struct collateral_platform *platform, uint64_t generation, int64_t now_s,
                                  struct refusal *why, const struct collateral **collateral_out);
