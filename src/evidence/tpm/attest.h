/* SPDX-License-Identifier: Apache-2.0
 *
 * TPMS_ATTEST of a quote (TPM 2.0 Library part 2, section 10.12).
 */
#pragma once

#include "base/refusal.h"
#include "evidence/tpm.h"

/* Everything borrowed from the bytes. */
struct tpm_attest {
    struct slice whole; /* what is signed */
    struct slice qualified_signer, extra_data, pcr_digest;
    uint64_t clock_ms, firmware_version;
    uint32_t reset_count, restart_count;
    bool is_clock_safe;
    enum tpm_hash bank; /* of the one selection that is not empty */
    uint32_t selection; /* never 0 */
};

/* TPMS_ATTEST, or TPM2B_ATTEST: the two cannot be taken for each other, since the magic number as a size is larger than
 * any quote. ERR_TPM_MALFORMED, ERR_TPM_PCR (no PCR, or PCRs of several banks), ERR_TRAILING_BYTES, ERR_TOO_LARGE. */
enum status tpm_attest_parse(struct slice bytes, struct refusal *why, struct tpm_attest *attest_out);
