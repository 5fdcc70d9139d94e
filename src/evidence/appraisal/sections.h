/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections of an appraisal policy, one for each kind of evidence and one for Intel's platforms. Each has a reader
 * and a check, in the file of its name. Private to src/evidence/appraisal.
 */
#pragma once

#include "evidence/appraisal.h"
#include "evidence/appraisal/rules.h"

/* ---- intel: the platform below SGX and TDX ---- */

struct grace_rule {
    uint32_t statuses; /* bit: enum tcb_status; 0: no grace */
    int64_t seconds, until_s, minimum_tcb_date_s;
};

struct intel_rules {
    struct section_rules section;
    uint32_t statuses; /* bit: enum tcb_status */
    bool any_advisory;
    char advisories[ADVISORY_MAX_COUNT][ADVISORY_MAX_BYTES + 1];
    size_t advisory_count;
    struct grace_rule grace;
    int64_t minimum_evaluation, maximum_age_s;
};

enum status intel_rules_read(const struct section_source *source, struct intel_rules *rules_out);
enum status intel_rules_check(const struct intel_rules *rules, const struct appraisal *appraisal,
                              const struct intel_platform *platform);
enum status intel_rules_check_tcb(const struct intel_rules *rules, const struct appraisal *appraisal,
                                  const struct intel_platform *platform);

/* ---- sgx ---- */

enum { SGX_IDENTITY_MAX_COUNT = 64 };

/* An enclave as a rule names it: whatever is given must hold. */
struct sgx_identity {
    bool has_mrenclave, has_mrsigner, has_product_id, has_svn;
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, svn; /* of an accepted enclave the lowest, of a denied one its own */
};

struct sgx_identities {
    struct sgx_identity at[SGX_IDENTITY_MAX_COUNT];
    size_t count;
};

struct sgx_rules {
    struct section_rules section;
    struct sgx_identities accepted, denied;
    int64_t minimum_config_svn;
};

enum status sgx_rules_read(const struct section_source *source, struct sgx_rules *rules_out);
enum status sgx_rules_check(const struct sgx_rules *rules, const struct appraisal *appraisal,
                            const struct sgx_claims *claims);

/* ---- tdx ---- */

struct tdx_rules {
    struct section_rules section;
    uint8_t minimum_tee_tcb_svn[16]; /* zeros: any */
};

enum status tdx_rules_read(const struct section_source *source, struct tdx_rules *rules_out);
enum status tdx_rules_check(const struct tdx_rules *rules, const struct appraisal *appraisal,
                            const struct tdx_claims *claims);

/* ---- snp ---- */

enum { PRODUCT_RULES_COUNT = SNP_TURIN + 1, SNP_CSP_MAX_COUNT = 8, SNP_DENIED_SVN_MAX_COUNT = 64 };

struct snp_product_rules {
    bool is_accepted;
    struct snp_tcb current, reported, committed, launch; /* at least; zeros: any */
    struct snp_firmware minimum_firmware;
};

struct snp_rules {
    struct section_rules section;
    struct snp_product_rules products[PRODUCT_RULES_COUNT];
    bool allow_vcek;
    char csp_ids[SNP_CSP_MAX_COUNT][SNP_CSP_ID_MAX_BYTES + 1]; /* whose VLEK is accepted */
    size_t csp_id_count;
    uint32_t vmpls; /* bit: VMPL */
    uint32_t minimum_guest_svn, denied_guest_svns[SNP_DENIED_SVN_MAX_COUNT];
    size_t denied_guest_svn_count;
};

enum status snp_rules_read(const struct section_source *source, struct snp_rules *rules_out);
enum status snp_rules_check(const struct snp_rules *rules, const struct appraisal *appraisal,
                            const struct snp_claims *claims);

/* The part of it in snp_product.c: `rules` has PRODUCT_RULES_COUNT elements. */
enum status snp_products_read(const struct section_source *source, struct snp_product_rules *rules);
enum status snp_products_check(const struct snp_product_rules *rules, const struct appraisal *appraisal,
                               const struct snp_claims *claims);

/* ---- tpm, and the PCRs of azure-vtpm ---- */

enum { PCR_BANK_COUNT = 3 };

struct pcr_rules {
    struct {
        uint32_t indexes; /* bit i: PCR i has a rule; 0: the bank is not accepted */
        struct value_list values[TPM_PCR_COUNT];
    } banks[PCR_BANK_COUNT];
};

enum status pcr_rules_read(const struct section_source *source, struct pcr_rules *rules_out);
enum status pcr_rules_check(const struct pcr_rules *rules, const struct appraisal *appraisal,
                            const struct tpm_claims *claims);

struct tpm_rules {
    struct section_rules section;
    uint64_t minimum_firmware;
    struct pcr_rules pcrs;
};

enum status tpm_section_read(const struct section_source *source, struct tpm_rules *rules_out);
enum status tpm_rules_check(const struct tpm_rules *rules, const struct appraisal *appraisal,
                            const struct tpm_claims *claims);

/* ---- azure-vtpm ---- */

struct azure_rules {
    struct section_rules section;
    bool has_snp, has_tdx;
    struct snp_rules snp;
    struct tdx_rules tdx;
    struct value_rule vm_id;
    struct pcr_rules pcrs;
};

enum status azure_rules_read(const struct section_source *source, struct azure_rules *rules_out);
/* `intel` is NULL if the policy has no such section; it has one if `has_tdx`. */
enum status azure_rules_check(const struct azure_rules *rules, const struct intel_rules *intel,
                              const struct appraisal *appraisal, const struct azure_claims *claims);
