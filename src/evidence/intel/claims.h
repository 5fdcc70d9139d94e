/* SPDX-License-Identifier: Apache-2.0
 *
 * From verified evidence to the claims that intel.h hands out. Private to src/evidence/intel.
 */
#pragma once

#include "evidence/intel/verdict.h"

/* All that claims are taken from. */
struct verified {
    const struct quote *quote;
    struct slice wire; /* the quote as it was given */
    const struct pck_chain *chain;
    const struct collateral *collateral;
    const struct verdict *verdict;
};

/* What a verdict and the PCK certificate's numbers say of a platform; nothing of the quote. ERR_COLLATERAL_MALFORMED.
 */
enum status claims_of_verdict(const struct verdict *verdict, const struct pck *pck, const struct collateral *collateral,
                              struct refusal *why, struct intel_platform *platform_out);

/* ERR_COLLATERAL_MALFORMED if the levels name too many advisories. */
enum status claims_of_enclave(const struct verified *verified, struct refusal *why, struct sgx_claims *claims_out);
enum status claims_of_domain(const struct verified *verified, struct refusal *why, struct tdx_claims *claims_out);
