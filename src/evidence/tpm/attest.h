/* SPDX-License-Identifier: Apache-2.0
 *
 * TPMS_ATTEST of a quote and of a certified key (TPM 2.0 Library part 2, section 10.12).
 */
#pragma once

#include "base/refusal.h"
#include "evidence/tpm.h"

struct tpm_selection {
    enum tpm_hash bank;
    uint32_t pcrs; /* bit i: PCR i */
};

/* Everything borrowed from the bytes. */
struct tpm_attest {
    struct slice whole; /* what is signed */
    struct slice qualified_signer, extra_data, pcr_digest;
    uint64_t clock_ms, firmware_version;
    uint32_t reset_count, restart_count;
    bool is_clock_safe;
    struct tpm_selection selections[TPM_QUOTED_BANK_MAX]; /* of a quote: none of them empty, no bank twice */
    size_t selection_count;
    enum tpm_hash bank; /* the first of them */
    uint32_t selection;
    struct slice name, qualified_name; /* of a certified key */
};

/* TPMS_ATTEST, or TPM2B_ATTEST: the two cannot be taken for each other, since the magic number as a size is larger than
 * any quote. ERR_TPM_MALFORMED, ERR_TPM_PCR (no PCR, or PCRs of several banks), ERR_TRAILING_BYTES, ERR_TOO_LARGE. */
enum status tpm_attest_parse(struct slice bytes, struct refusal *why, struct tpm_attest *attest_out);

/* The same over several banks, at most TPM_QUOTED_BANK_MAX. */
enum status tpm_attest_parse_banks(struct slice bytes, struct refusal *why, struct tpm_attest *attest_out);

/* TPMS_ATTEST, or TPM2B_ATTEST, of TPM2_Certify. ERR_TPM_MALFORMED, ERR_TRAILING_BYTES, ERR_TOO_LARGE. */
enum status tpm_attest_parse_certify(struct slice bytes, struct refusal *why, struct tpm_attest *attest_out);
