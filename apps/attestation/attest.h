/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request to a token in one process: find the platform's collateral, appraise (appraise/appraise.h), sign.
 * Nothing is fetched here; who asks about an unknown platform is told to come again.
 */
#pragma once

#include "attestation/appraise/shelf.h"
#include "attestation/attested_log.h"
#include "attestation/signer.h"
#include "feeds/collateral.h"
#include "feeds/pck.h"

/* All borrowed; may be used by several threads. */
struct attest_service {
    struct appraiser appraiser;
    const struct stored_policy *policies; /* by type */
    const struct clock *clock;
    struct collateral_feed *collateral;
    struct pck_feed *pck; /* for quotes that carry no certificate; NULL: they are refused */
    const struct signer *signer;
    struct attested_log *attested_log; /* NULL: none */
};

/* The default policy of each type that has one; the caller frees each. */
enum status attest_default_policies(struct stored_policy policies_out[static ATTESTATION_TYPE_COUNT]);

/* Appends the token. `wait_ms` is for this service's own evidence; 0 in a request's path. `step_out` is written in any
 * case: the step that failed, or APPRAISAL_SIGNING. */
enum status attest(const struct attest_service *service, const struct attest_request *request, int wait_ms,
                   struct refusal *why, enum appraisal_step *step_out, struct buffer *token);
