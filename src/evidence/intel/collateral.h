/* SPDX-License-Identifier: Apache-2.0
 *
 * Collateral, checked: what verify.h's opaque `struct collateral` holds. Private to src/evidence.
 */
#pragma once

#include "evidence/intel/chain.h"
#include "evidence/intel/qe_identity.h"
#include "evidence/intel/tcb_info.h"
#include "evidence/period.h"

#include <stdatomic.h>

enum { COLLATERAL_PERIOD_MAX_COUNT = 10 };

struct collateral {
    atomic_uint owners;
    struct anchor anchor; /* where every chain here ends */
    struct issuer_chain pck_crl_chain, tcb_info_chain, qe_identity_chain;
    struct crl *root_crl, *pck_crl;
    struct tcb_info tcb_info;
    struct qe_identity qe_identity;
    struct period periods[COLLATERAL_PERIOD_MAX_COUNT];
    size_t period_count;
    int64_t expires_s; /* earliest end of all periods */
    uint8_t tcb_info_hash[32], tcb_info_certificates_hash[32], qe_identity_hash[32], qe_identity_certificates_hash[32],
        root_crl_hash[32];
};

/* The lower of TCB info's and QE identity's evaluation numbers. */
int64_t collateral_evaluation(const struct collateral *collateral);

/* Whether it is for this kind of TEE, and for the model of the platform with this PCK certificate:
 * ERR_COLLATERAL_MISMATCH. */
enum status collateral_check_tee(const struct collateral *collateral, enum intel_tee tee, struct refusal *why);
enum status collateral_check_model(const struct collateral *collateral, const struct pck *pck, struct refusal *why);

/* ERR_CERTIFICATE_REVOKED. `part` names the certificate. */
enum status check_not_revoked(const struct crl *crl, const struct certificate *certificate, const char *part,
                              struct refusal *why);
