/* SPDX-License-Identifier: Apache-2.0
 *
 * From verified evidence to the claims that verify.h hands out. Private to src/evidence.
 */
#pragma once

#include "evidence/intel/collateral.h"
#include "evidence/intel/quote.h"

struct verdict {
    enum tcb_status status; /* merged */
    const struct tcb_level *platform;
    const struct qe_level *quoting_enclave;
};

/* `wire` is the quote as it was given. ERR_COLLATERAL_MALFORMED if the two levels name too many advisories. */
enum status claims_fill(const struct quote *quote, struct slice wire, const struct pck_chain *chain,
                        const struct collateral *collateral, const struct verdict *verdict, struct refusal *why,
                        struct sgx_claims *claims_out);
