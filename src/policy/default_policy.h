/* SPDX-License-Identifier: Apache-2.0
 *
 * The fixed default policy of Azure Attestation's shared providers for SgxEnclave (501 bytes) and what it issues.
 */
#pragma once

#include "base/json.h"
#include "base/slice.h"

struct slice default_policy_text(void);

/* BASE64URL(SHA256(BASE64URL(policy text))): "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw". */
const char *default_policy_hash(void);

/* Adds the claims that the policy issues (is-debuggable, sgx-mrsigner, sgx-mrenclave, product-id, svn, tee) to the
 * token payload, from the x-ms-* claims that stand in it. ERR_POLICY_DENIED, ERR_NO_MEMORY. */
enum status default_policy_apply(json_t *claims);
