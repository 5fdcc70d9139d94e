/* SPDX-License-Identifier: Apache-2.0
 *
 * TCB info of API versions 2 and 3 (reference: evidence-formats section 8): which security versions of a platform model
 * are good. Parsing only; signature, dates and platform are checked by collateral.h and verify.h.
 */
#pragma once

#include "evidence/intel/signed_json.h"
#include "evidence/intel/tdx_module.h"

struct tcb_info {
    struct signed_json json;
    int64_t version;    /* 2 or 3 */
    enum intel_tee tee; /* version 2 was for SGX alone */
    int64_t issued_s, next_update_s;
    uint8_t fmspc[FMSPC_BYTES];
    bool has_pce_id; /* some early version 2 texts lack it; they match no platform */
    uint8_t pce_id[PCE_ID_BYTES];
    int64_t evaluation;
    struct tcb_level *levels; /* newest first, no two alike */
    size_t level_count;
    struct tdx_modules modules; /* TDX alone */
};

/* `text` is borrowed for as long as `info_out->json.signed_text` is used. ERR_COLLATERAL_MALFORMED, ERR_NO_MEMORY. */
enum status tcb_info_parse(struct slice text, struct refusal *why, struct tcb_info *info_out);
void tcb_info_done(struct tcb_info *info);
