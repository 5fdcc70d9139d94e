/* SPDX-License-Identifier: Apache-2.0
 *
 * What proven event logs say: as JSON for policies, and as the few facts that Azure's older claims are made of. An
 * event is told only if its PCR is explained (evidence/tpm.h), and its data only if they are what was measured. Private
 * to this room.
 */
#pragma once

#include "attestation/tpm/request.h"
#include "attestation/tpm/windows.h"

struct boot_facts {
    struct windows_facts windows;
    unsigned secure_boot_count; /* events that told the variable SecureBoot */
    bool secure_boot;           /* the value in the last of them */
    uint32_t explained;
    bool is_windows_hidden; /* data of some event where Windows measures are not what was measured */
};
void boot_facts_done(struct boot_facts *facts);

/* No digest covers an event's place in the boot or its type, so both are read from what is measured: a PCR's part of
 * the boot ends with the first data of four bytes (EV_SEPARATOR), behind which anybody may extend it; SecureBoot counts
 * before that, and as long as all data before it are proven; a SecureBoot variable or a trust boundary of Windows under
 * another type, and a log with trust boundaries that hides the data of other events beside them, are refused.
 *
 * Appends {"Events": [...]}: EventSeq (place in the logs, from 0), PcrIndex, EventType, EventTypeString, Digests, and
 * ProcessedData where the data are known and proven. ERR_TPM_EVENT_LOG, ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum status events_read(const struct tpm_side *side, const struct tpm_platform_claims *claims, struct refusal *why,
                        struct boot_facts *facts, struct buffer *json);

/* Appends {"PCRs": [{"Index", "Digests": {"SHA256": hexadecimal}}]}. */
enum status events_pcrs(const struct tpm_platform_claims *claims, struct buffer *json);

/* A rule for each of the older claims; docs/tpm-attestation.md has them in words. */
bool boot_has_secure_boot(const struct boot_facts *facts);
bool boot_has_no_debugging(const struct boot_facts *facts);
bool boot_is_not_safe_mode(const struct boot_facts *facts);
bool boot_is_not_win_pe(const struct boot_facts *facts);
bool boot_has_vbs(const struct boot_facts *facts);
bool boot_has_iommu(const struct boot_facts *facts);
