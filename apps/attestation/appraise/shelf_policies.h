/* SPDX-License-Identifier: Apache-2.0
 *
 * A shelf's policies: by the digest of their JWS, opened and compiled once. Private to the shelf.
 */
#pragma once

#include "attestation/appraise/shelf.h"

struct policy_shelf;
enum status policy_shelf_new(size_t max_count, struct policy_shelf **shelf_out);
void policy_shelf_free(struct policy_shelf *shelf);

/* The policy, valid until the next call. Errors: what the service refuses with; ERR_CONFLICT if it supplies something
 * else; those of stored_policy_open. */
enum status policy_shelf_take(struct policy_shelf *shelf, struct link *link, const uint8_t digest[static 32],
                              struct refusal *why, const struct stored_policy **policy_out);
