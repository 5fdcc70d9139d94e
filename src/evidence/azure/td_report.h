/* SPDX-License-Identifier: Apache-2.0
 *
 * TDREPORT_STRUCT (Intel TDX Module ABI, TDREPORT): what the TD quote was made of. Only the machine that made it could
 * check its MAC, so nothing in it counts that the signed quote does not repeat.
 */
#pragma once

#include "base/refusal.h"
#include "evidence/intel.h"

enum { TD_REPORT_BYTES = 1024 };

/* Whether the report, of TD_REPORT_BYTES, and the verified quote agree in everything that both say. ERR_AZURE_REPORT.
 */
enum status td_report_check(struct slice report, const struct tdx_claims *quote, struct refusal *why);
