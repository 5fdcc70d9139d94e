/* SPDX-License-Identifier: Apache-2.0
 *
 * What a parser or signer process keeps at hand between requests: collateral by platform, and compiled policies. What
 * is not there, or may be out of date, is asked back for (link/link.h) and verified here: neither process believes the
 * other side. Collateral carries the `generation` of the service's feed; when the feed has something newer, its number
 * is higher and the shelf asks again.
 */
#pragma once

#include "attestation/appraise/appraise.h"
#include "attestation/link/link.h"

enum { SHELF_COLLATERAL_MAX_COUNT = 64, SHELF_POLICY_MAX_COUNT = 32 };

struct shelf; /* for one thread */
enum status shelf_new(const struct trust_roots *roots, struct shelf **shelf_out);
void shelf_free(struct shelf *shelf);

/* Fills in what `request` needs: collateral, PCK chain, the policy of digest `policy` (unless the request brings a
 * draft, which is compiled for it alone). What `materials_out` borrows is valid until the next call. `step_out` as
 * appraise's: APPRAISAL_REQUEST for evidence that cannot be read and drafts that do not compile, APPRAISAL_COLLATERAL
 * for what is not at hand. */
enum status shelf_take(struct shelf *shelf, struct link *link, struct attest_request *request, uint64_t generation,
                       const uint8_t policy[static 32], int64_t now_s, struct refusal *why,
                       enum appraisal_step *step_out, struct appraisal_materials *materials_out);

/* Opens a stored policy's JWS: text, hash, signer. Signatures are checked when a policy is set, not here.
 * ERR_TOKEN_MALFORMED, ERR_TOO_LARGE, errors of policy_compile. */
enum status stored_policy_open(struct slice jws, struct refusal *why, struct stored_policy *policy_out);
/* One without a signer, of this text, which is taken over. */
enum status stored_policy_compile(struct buffer *text, struct refusal *why, struct stored_policy *policy_out);
void stored_policy_done(struct stored_policy *policy);
