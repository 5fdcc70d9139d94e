/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixed default policy of Azure Attestation's shared providers for SgxEnclave (501 bytes) and what it issues.
 */
#pragma once

#include "base/encoding.h"
#include "base/json.h"

enum { POLICY_TEXT_MAX_BYTES = 64 * 1024 };

struct slice default_policy_text(void);

/* x-ms-policy-hash of a policy text: BASE64URL(SHA256(BASE64URL(text))). ERR_TOO_LARGE. */
enum status policy_text_hash(struct slice text, struct base64url32 *hash_out);

/* That of the default policy, known beforehand: "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw". */
const char *default_policy_hash(void);

/* Adds the claims that the policy issues (is-debuggable, sgx-mrsigner, sgx-mrenclave, product-id, svn, tee) to the
 * token payload, each from the x-ms-* claim that stands in it; a claim that is not there issues none. The policy
 * permits everything that verification found genuine. ERR_NO_MEMORY. */
enum status default_policy_apply(json_t *claims);
