/* SPDX-License-Identifier: Apache-2.0
 *
 * The three generations of EPYC processors with SEV-SNP, and what differs from one to the next: how certificates and
 * CPUID name them, and how the eight bytes of a TCB_VERSION are laid out (publication 56860, section 2.2; publication
 * 57230, table "VCEK certificate extensions").
 */
#pragma once

#include "evidence/amd.h"

enum { SNP_PRODUCT_COUNT = SNP_TURIN + 1, SNP_TCB_BYTES = 8, SNP_TURIN_HWID_BYTES = 8 };

/* CPUID family and model of a report of version 3 or later. Siena and Bergamo count as Genoa, whose authority signs
 * for them. False: no processor that is known here. */
bool product_of_cpuid(uint8_t family, uint8_t model, enum snp_product *product_out);

/* productName of a certificate: "Milan", or with a stepping "Milan-B0". */
bool product_of_name(struct slice name, enum snp_product *product_out);

/* A TCB_VERSION taken apart. `bytes` has SNP_TCB_BYTES. */
struct snp_tcb tcb_of_bytes(enum snp_product product, struct slice bytes);

/* Of each byte of a TCB_VERSION: the last arc of the certificate extension 1.3.6.1.4.1.3704.1.3.* that says it, and
 * what it is the version of. */
struct tcb_part {
    unsigned arc;
    const char *name;
};
const struct tcb_part *tcb_parts(enum snp_product product); /* SNP_TCB_BYTES of them */

/* Length of the chip's id: the rest of CHIP_ID is zero. */
size_t chip_id_bytes(enum snp_product product);
