/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request to claims, for every type of evidence: verify it, check what it binds, apply the operator's appraisal
 * policy and the attestation policy. Pure: nothing is fetched, signed or kept here but what the caches hold. A parser
 * process runs it to answer the client; a signer process runs it again and believes only its own result.
 */
#pragma once

#include "attestation/appraise/request.h"
#include "evidence/appraisal.h"
#include "policy/policy.h"

struct tpm_report;
struct tpm_roots;

/* What does not change while a process lives. All borrowed. */
struct appraiser {
    const struct trust_roots *roots;
    const struct key *simulated_snp_root; /* NULL: none */
    const struct tpm_roots *tpm_roots;    /* tpm/tpm.h; NULL: no AIK certificate is valid */
    const struct evidence_caches *caches;
    const char *issuer;
    int64_t minimum_tcb_evaluation;
    const struct appraisal_policy *operator_policy; /* the host's, which can only refuse more; NULL: none */
};

/* A policy as it is stored: its JWS, opened. */
struct stored_policy {
    struct policy *policy;
    struct buffer text;
    char hash[44];  /* x-ms-policy-hash */
    json_t *signer; /* x-ms-policy-signer: {"kty","x5c"}; NULL for an unsigned one */
};

/* What this request needs besides itself. Borrowed. */
struct appraisal_materials {
    const struct collateral *collateral; /* Intel's; NULL where the evidence is not Intel's */
    struct slice pck_chain;              /* PEM; for quotes without certificates */
    const struct stored_policy *policy;
    int64_t now_s;
};

/* Why a request has no token, and in which step it failed. */
enum appraisal_step {
    APPRAISAL_REQUEST,    /* what was sent is not an appraisable request: the client's fault */
    APPRAISAL_COLLATERAL, /* the platform's collateral is not at hand */
    APPRAISAL_EVIDENCE,   /* the evidence does not hold: the client's fault */
    APPRAISAL_POLICY,     /* the policy does not permit it */
    APPRAISAL_SIGNING,    /* this service's fault */
};

/* Sets are made by appraised_new and reused from request to request. */
struct appraised {
    bool is_permitted; /* appraise() came to its end: without that there is no payload */
    struct evidence_claims evidence;
    struct tpm_report *tpm;  /* of a TPM's request, else NULL: tpm/tpm.h; `evidence` has its quote then */
    int64_t life_s, early_s; /* of the token: exp - iat, iat - nbf */
    struct claim_set *incoming, *outgoing, *properties;
    /* Compact JSON, as it stands in tokens: runtime and init time data of type JSON with their members sorted, and the
     * digests of Intel's collateral. */
    struct buffer runtime_json, init_time_json, collateral_json;
};
enum status appraised_new(struct appraised **appraised_out);
void appraised_free(struct appraised *appraised);
void appraised_cleanup(struct appraised **appraised);

/* `step_out` is written in any case. Runtime data are bound by report data, whose first half is their SHA-256 and whose
 * rest is zero; init time data in the same way by CONFIGID (enclaves with KSS), HOST_DATA (32 bytes: the digest alone)
 * and MRCONFIGID (48 bytes: digest and zeros). Errors: those of evidence_verify, policy_configure and policy_evaluate;
 * ERR_REPORT_DATA for data bound otherwise; ERR_UNSUPPORTED for what this evidence cannot bind; ERR_COLLATERAL_EXPIRED
 * for collateral of an evaluation below the service's minimum or the policy's x-ms-sgx-tcbidentifier ("azuredefault",
 * or a number: collateral must be of this evaluation or a later one); ERR_APPRAISAL; ERR_FIELD_TYPE, ERR_JSON_SYNTAX
 * for JSON data that is not one object; ERR_TOO_LARGE. */
enum status appraise(const struct appraiser *appraiser, const struct attest_request *request,
                     const struct appraisal_materials *materials, struct refusal *why, enum appraisal_step *step_out,
                     struct appraised *appraised);

/* Appends the token's payload, compact JSON with its members sorted: the service's own claims, and what was issued.
 * Several issued claims of one type are a JSON array in the order of issuing. No policy overrides the service: what it
 * issues under a name that the service has for itself is left out, in whichever token (appraise/reserved.h), and
 * x-lazaret-tcb-* too unless it is what this service found. `jti` is 64 lower-case hexadecimal digits. ERR_TOO_LARGE;
 * ERR_INTERNAL for what appraise() has not permitted. */
enum status appraised_payload(const struct appraiser *appraiser, const struct attest_request *request,
                              const struct appraisal_materials *materials, const struct appraised *appraised,
                              const char *jti, struct refusal *why, struct buffer *payload);

/* A token without a signature, for a draft policy: {"alg":"none",...} and an empty third part. Appends. */
enum status unsecured_token(struct slice payload, struct buffer *token);
