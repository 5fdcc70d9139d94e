/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request to a token: find the platform's collateral, verify the quote, check what it binds, apply the policy,
 * sign. Nothing is fetched here; who asks about an unknown platform is told to come again.
 */
#pragma once

#include "attestation/attested_log.h"
#include "attestation/appraise/request.h"
#include "attestation/signer.h"
#include "evidence/appraisal.h"
#include "feeds/collateral.h"
#include "feeds/pck.h"

/* All borrowed; may be used by several threads. */
struct appraiser {
    const struct clock *clock;
    const struct trust_roots *roots;
    struct collateral_feed *collateral;
    struct pck_feed *pck; /* for quotes that carry no certificate; NULL: they are refused */
    struct verification_cache *cache;
    const struct signer *signer;
    const char *issuer;
    int64_t minimum_tcb_evaluation;
    struct attested_log *attested_log;     /* NULL: none */
    const struct appraisal_policy *policy; /* the host's, which can only refuse more; NULL: none */
};

/* Why a request has no token, and in which step it failed. */
enum appraisal_step {
    APPRAISAL_REQUEST,    /* what was sent is not an appraisable request: the client's fault */
    APPRAISAL_COLLATERAL, /* the platform's collateral is not at hand */
    APPRAISAL_EVIDENCE,   /* the evidence does not hold: the client's fault */
    APPRAISAL_POLICY,     /* the policy does not permit it */
    APPRAISAL_SIGNING,    /* this service's fault */
};

/* Appends the token. `wait_ms` is for this service's own evidence; 0 in a request's path. `step_out` is written in any
 * case: the step that failed, or APPRAISAL_SIGNING. */
enum status appraise(const struct appraiser *appraiser, const struct attest_request *request, int wait_ms,
                     struct refusal *why, enum appraisal_step *step_out, struct buffer *token);
