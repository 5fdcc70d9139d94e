/* SPDX-License-Identifier: Apache-2.0
 *
 * The ATTESTATION_REPORT (publication 56860, table 23 of revision 1.57), versions 2, 3 and 5, taken apart. Slices
 * borrow from the report. Nothing here is verified: that is evidence/amd.h.
 */
#pragma once

#include "crypto/key.h"
#include "evidence/amd/product.h"

struct snp_report {
    uint32_t version, guest_svn, vmpl;
    uint64_t policy, platform_info;
    bool is_vlek; /* SIGNING_KEY; otherwise the VCEK */
    bool has_author_key, is_chip_key_masked;
    struct slice family_id, image_id, report_data, measurement, host_data;
    struct slice id_key_digest, author_key_digest, report_id, report_id_ma, chip_id;
    struct slice current_tcb, reported_tcb, committed_tcb, launch_tcb; /* SNP_TCB_BYTES each */
    bool has_cpuid;                                                    /* with what follows, from version 3 on */
    uint8_t cpuid_family, cpuid_model, cpuid_stepping;
    enum snp_product product;
    struct snp_firmware current_firmware, committed_firmware;
    bool has_mitigations; /* with what follows, from version 5 on */
    uint64_t launch_mitigations, current_mitigations;
    struct slice signed_part;
    uint8_t signature[P384_SIGNATURE_BYTES]; /* r || s, big endian */
};

/* Strict: reserved bits and bytes are zero, nothing follows. ERR_SNP_MALFORMED, ERR_TRAILING_BYTES; ERR_SNP_SIGNATURE
 * for a report that says it is not signed; ERR_UNSUPPORTED for another version, signature algorithm or processor. */
enum status snp_report_parse(struct slice wire, struct refusal *why, struct snp_report *report_out);
