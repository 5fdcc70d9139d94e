/* SPDX-License-Identifier: Apache-2.0
 *
 * QE identity, version 2 (reference: evidence-formats section 9): which quoting enclave may sign attestation keys.
 */
#pragma once

#include "evidence/intel/report.h"
#include "evidence/intel/signed_json.h"
#include "evidence/intel/svn_levels.h"

/* The quoting enclaves of SGX and of TDX, and Intel's verifying enclave, which signs no quotes. */
enum enclave_id { ENCLAVE_QE, ENCLAVE_TD_QE, ENCLAVE_QVE };
const char *enclave_id_name(enum enclave_id id);

struct qe_identity {
    struct signed_json json;
    enum enclave_id id;
    int64_t issued_s, next_update_s;
    int64_t evaluation;
    uint32_t misc_select, misc_select_mask;
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t product_id;
    struct svn_levels levels;
};

/* `text` is borrowed for as long as `identity_out->json.signed_text` is used. ERR_COLLATERAL_MALFORMED,
 * ERR_NO_MEMORY. */
enum status qe_identity_parse(struct slice text, struct refusal *why, struct qe_identity *identity_out);
void qe_identity_done(struct qe_identity *identity);

/* Whether `report` is of the quoting enclave described. ERR_QE_IDENTITY names the first difference. */
enum status qe_identity_check(const struct qe_identity *identity, const struct report_body *report,
                              struct refusal *why);
