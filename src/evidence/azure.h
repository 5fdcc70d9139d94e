/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying Azure confidential virtual machines: the hardware report that the paravisor keeps in the vTPM (HCL report,
 * NV index 0x01400001), the runtime data that it commits to, and a quote of the vTPM by the key named there. The
 * hardware report is AMD's, or Intel's TDREPORT together with the TD quote made of it. Pure.
 */
#pragma once

#include "evidence/amd.h"
#include "evidence/intel.h"
#include "evidence/tpm.h"

enum {
    HCL_REPORT_MAX_BYTES = 64 * 1024,
    HCL_RUNTIME_DATA_MAX_BYTES = 32 * 1024,
    AZURE_VM_ID_MAX_BYTES = 64,
    AZURE_USER_DATA_MAX_BYTES = 128,
};

enum azure_isolation { AZURE_SNP, AZURE_TDX };

struct azure_claims {
    enum azure_isolation isolation; /* which of the two below holds */
    struct snp_claims snp;
    struct tdx_claims tdx;
    bool has_tpm; /* a quote of the vTPM was given and holds; without one nothing says that the machine runs now */
    struct tpm_claims tpm;
    uint8_t runtime_data_hash[32];
    uint8_t ak_thumbprint[32];                      /* HCLAkPub, RFC 7638 */
    bool secure_boot, tpm_enabled, console_enabled; /* of vm-configuration; false if it is not said */
    char vm_id[AZURE_VM_ID_MAX_BYTES + 1];
    char user_data[AZURE_USER_DATA_MAX_BYTES + 1]; /* hexadecimal, as the runtime data has it */
    int64_t expires_s;
};

struct azure_evidence {
    struct slice hcl_report;
    struct slice td_quote;                /* TDX alone: the quote of the TDREPORT inside the HCL report */
    struct snp_endorsements endorsements; /* SNP */
    const struct collateral *collateral;  /* TDX */
    const struct trust_roots *roots;
    struct verification_cache *cache; /* TDX; may be NULL */
    struct snp_cache *snp_cache;      /* SNP; may be NULL */
    bool tpm_required; /* fail if there is no quote: services set it, a command that looks at a report alone does not */
    struct tpm_quote tpm; /* without its key, which is taken from the runtime data; `attest` empty: none */
};

enum status azure_vtpm_verify(const struct azure_evidence *evidence, int64_t now_s, struct refusal *why,
                              struct azure_claims *claims_out);
