/* SPDX-License-Identifier: Apache-2.0
 *
 * What a PCR holds after the events of a log (TCG PC Client Platform Firmware Profile, section 3; PC Client Platform
 * TPM Profile, section 4.6.1).
 */
#pragma once

#include "base/refusal.h"
#include "evidence/tpm.h"

/* What a PCR holds before its first extension: PCRs 17 to 22 are all ones until a dynamic launch, then zeros. */
void tpm_pcr_begin(struct tpm_pcrs *pcrs, uint32_t pcr, bool after_dynamic_launch);

/* Extends the PCR of the event in the bank of `pcrs`, which the log has; `known` are the PCRs that were named.
 * ERR_TPM_EVENT_LOG. */
enum status tpm_replay_event(const struct tpm_event_log *log, const struct tpm_event *event, bool after_dynamic_launch,
                             struct refusal *why, struct tpm_pcrs *pcrs);
