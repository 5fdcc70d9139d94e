/* SPDX-License-Identifier: Apache-2.0
 *
 * QE identity, version 2 (reference: evidence-formats section 9): which quoting enclave may sign attestation keys.
 */
#pragma once

#include "evidence/intel/quote.h"
#include "evidence/intel/signed_json.h"
#include "evidence/intel/tcb.h"

struct qe_level {
    uint16_t svn;
    struct level_facts facts;
};

struct qe_identity {
    struct signed_json json;
    bool is_sgx; /* id "QE"; otherwise "TD_QE" or "QVE" */
    int64_t issued_s, next_update_s;
    int64_t evaluation;
    uint32_t misc_select, misc_select_mask;
    uint8_t attributes[16], attributes_mask[16];
    uint8_t mrsigner[32];
    uint16_t product_id;
    struct qe_level *levels; /* newest first, no two alike */
    size_t level_count;
};

/* `text` is borrowed for as long as `identity_out->json.signed_text` is used. ERR_COLLATERAL_MALFORMED,
 * ERR_NO_MEMORY. */
enum status qe_identity_parse(struct slice text, struct refusal *why, struct qe_identity *identity_out);
void qe_identity_done(struct qe_identity *identity);

/* Whether `report` is of the quoting enclave described. ERR_QE_IDENTITY names the first difference. */
enum status qe_identity_check(const struct qe_identity *identity, const struct report_body *report,
                              struct refusal *why);

/* The level of a quoting enclave of this SVN; NULL if it is older than all. */
const struct qe_level *qe_identity_level(const struct qe_identity *identity, uint16_t svn);
