/* SPDX-License-Identifier: Apache-2.0
 *
 * The software TEE's state folder (0700): authority.state, the simulated vendor's keys, and machine.state, this
 * machine's. Both are written once, atomically, with mode 0600. `serve` needs the first, `launch` the second.
 */
#pragma once

#include "base/refusal.h"
#include "tee/simulation/machine.h"

/* Makes what is missing and keeps what is there; waits for another `state_init` of the same folder. ERR_IO; ERR_CONFIG
 * for a folder that others may enter, or a machine that another authority certified. */
enum status state_init(const char *folder, int64_t now_s, struct refusal *why);

/* ERR_IO, with "lazaret-softtee init" as the fix, and what reading a state can refuse. */
enum status state_authority(const char *folder, struct refusal *why, struct simulated_authority **authority_out);
enum status state_machine(const char *folder, struct refusal *why, struct simulated_machine **machine_out);
