/* SPDX-License-Identifier: Apache-2.0
 *
 * Certification data (reference: evidence-formats section 4): from what a quote says of its PCK certificate to a
 * verified chain, be it in the quote, beside it or in both.
 */
#pragma once

#include "evidence/intel/collateral.h"
#include "evidence/intel/quote.h"

/* Types 1 to 3: what a collateral source finds the PCK certificate by. Slices borrow from the quote. */
struct platform_ids {
    struct slice ppid;    /* 16 bytes in clear, or 256 or 384 encrypted to Intel */
    struct slice cpu_svn; /* 16: what the machine runs, which may be above the certificate's TCB */
    uint16_t pce_svn;
    struct slice pce_id; /* 2 */
};

/* ERR_QUOTE_MALFORMED unless the data has exactly the length of its type. */
enum status platform_ids_read(const struct quote *quote, struct refusal *why, struct platform_ids *ids_out);

/* Where this quote's certificates are. `pck_chain` was given beside the quote. ERR_UNSUPPORTED if there are none. */
enum status certification_source(const struct quote *quote, struct slice pck_chain, struct refusal *why,
                                 struct pck_source *source_out);

/* A verified chain of this quote: kept in `cache` from an earlier call, or verified now and kept there. Dates,
 * revocation and whether the root is accepted now are left to the caller. Errors: those of pck_chain_verify;
 * ERR_COLLATERAL_MISMATCH if the certificate is of another platform than the quote says. */
enum status certification_chain(const struct quote *quote, struct slice pck_chain, const struct collateral *collateral,
                                const struct trust_roots *roots, struct verification_cache *cache, struct refusal *why,
                                struct pck_chain **chain_out);
