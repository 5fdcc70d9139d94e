/* SPDX-License-Identifier: Apache-2.0
 *
 * From a verified quote to its TCB status (reference: evidence-formats section 10.1 to 10.3; Intel's
 * checkTcbLevel, in its order).
 */
#pragma once

#include "evidence/intel/collateral.h"
#include "evidence/intel/quote.h"

struct verdict {
    enum tcb_status status; /* merged */
    const struct tcb_level *platform;
    const struct svn_level *module; /* NULL: SGX, and TDX modules of major version 0 */
    const struct svn_level *quoting_enclave;
    int64_t newest_date_s; /* of the newest levels that platform, module and quoting enclave are held to */
};

/* ERR_TCB_NOT_SUPPORTED, ERR_TCB_REVOKED. */
enum status verdict_of_enclave(const struct quote *quote, const struct pck *pck, const struct collateral *collateral,
                               struct refusal *why, struct verdict *verdict_out);

/* `module` is the identity that tdx_module_find gave. Also ERR_TDX_MODULE. */
enum status verdict_of_domain(const struct quote *quote, const struct pck *pck, const struct collateral *collateral,
                              const struct tdx_module_identity *module, struct refusal *why,
                              struct verdict *verdict_out);
