/* SPDX-License-Identifier: Apache-2.0
 *
 * The appraisal policy: which genuine evidence is good enough. Verification (verify.h) says what is true of a machine;
 * a policy, a JSON text that an operator writes and signs off, says what of it is accepted. docs/appraisal.md is its
 * manual, docs/appraisal/ has complete examples.
 *
 * A policy is complete or rejected. Every rule of a kind of evidence that it names must stand in it, `"any"` included:
 * nothing is accepted because somebody forgot to say that it is not. What may be left out is off or zero: the
 * `insecure_*` members, which only a simulation build knows, and `mrservicetd`. A kind that it does not name is
 * refused. Pure: policy, claims and time in; OK or a refusal that names the claim out.
 */
#pragma once

#include "evidence/verify.h"

enum {
    APPRAISAL_POLICY_MAX_BYTES = 256 * 1024,
    APPRAISAL_LIST_MAX_COUNT = 256,   /* values of one list */
    APPRAISAL_GRACE_MAX_S = 31622400, /* a year: a grace period is no way to run old firmware */
};

/* Opaque and immutable; may be used by several threads. */
struct appraisal_policy;

/* Reads a policy. ERR_APPRAISAL_POLICY names the member: not JSON, unknown, missing, of another form, empty, twice, or
 * in contradiction to another. The caller frees. */
enum status appraisal_policy_new(struct slice text, struct refusal *why, struct appraisal_policy **policy_out);
void appraisal_policy_free(struct appraisal_policy *policy);
void appraisal_policy_cleanup(struct appraisal_policy **policy);

/* Whether the policy accepts verified evidence at `now_s`. Open Enclave evidence is judged as "sgx", which it is.
 * ERR_APPRAISAL names the claim, what was seen, what the policy expects and what to do. Nonce, report data and runtime
 * data are no matter of policy: who asked compares them. */
enum status appraisal_check(const struct appraisal_policy *policy, const struct evidence_claims *claims, int64_t now_s,
                            struct refusal *why);

/* The part of it that new collateral can change: status, advisories, grace period, dates and evaluation number. The
 * rest of `platform` is not looked at. ERR_APPRAISAL, also if the policy accepts no evidence of Intel's. */
enum status appraisal_check_tcb(const struct appraisal_policy *policy, const struct intel_platform *platform,
                                int64_t now_s, struct refusal *why);
