/* SPDX-License-Identifier: Apache-2.0
 *
 * What verified collateral says of itself, as JSON: for which platforms, which evaluation, each part with its dates,
 * and how platforms fare at each TCB level.
 */
#pragma once

#include "base/json.h"
#include "evidence/intel.h"
#include "feeds/endorsement_source.h"

/* Of texts that collateral_new has accepted. A new object: "tee", "fmspc", "ca", "simulated", "evaluation", "expires",
 * "parts", "tcb_levels". ERR_NO_MEMORY, and those of the readers, which accepted texts do not meet. */
enum status collateral_statement(const struct collateral_texts *texts, const struct collateral_facts *facts,
                                 json_t **statement_out);

/* Of AMD's endorsements that were verified: "tee", "product", "chip_id", "tcb", "simulated", "expires", "parts". */
enum status endorsement_statement(const struct endorsement_files *files, const struct snp_endorsement_facts *facts,
                                  json_t **statement_out);
