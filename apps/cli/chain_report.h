/* SPDX-License-Identifier: Apache-2.0
 *
 * The two ways to tell a chain's verdict, for `lazaret client verify` and `lazaret verify chain`.
 */
#pragma once

#include "cli/hospital.h"

/* Hop by hop, for a person; and one JSON object: {"accepted","hops":[{"service","verdict","reason","measurement",
 * "simulated"}],"manifest_version"}. */
void chain_report_print(const struct chain_report *report);
void chain_report_print_json(const struct chain_report *report);
