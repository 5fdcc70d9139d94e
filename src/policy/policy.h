/* SPDX-License-Identifier: Apache-2.0
 *
 * The attestation policy language, versions 1.0, 1.1 and 1.2 whole (reference: azure-attestation section 4;
 * docs/policy-language.md). A policy compiles once, is immutable and may be used by several threads; evaluating it
 * takes bounded steps and memory, whatever policy and claims are. Pure.
 */
#pragma once

#include "policy/claims.h"

enum {
    POLICY_MAX_BYTES = 64 * 1024,
    POLICY_RULE_MAX_COUNT = 1024,
    POLICY_CONDITION_MAX_COUNT = 16,          /* of one rule */
    POLICY_PROPERTY_MAX_COUNT = 16,           /* of one condition */
    POLICY_COMBINATION_MAX_COUNT = 4096,      /* of claims for which one rule's action runs */
    POLICY_NESTING_MAX = 16,                  /* of function calls in one another */
    POLICY_STEP_MAX_COUNT = 1000000,          /* of one evaluation: claims looked at, functions and queries included */
    POLICY_MEMORY_MAX_BYTES = 8 * 1024 * 1024 /* of one evaluation, the claims that it was given not counted */
};

struct policy;

/* Errors: ERR_POLICY_SYNTAX, whose field says "policy line L, column C (policy > versionInfo)", with what stands there,
 * what could, and the part of the grammar that was read;
 * ERR_POLICY_LIMIT with the name of the maximum; ERR_NO_MEMORY. */
enum status policy_compile(struct slice text, struct refusal *why, struct policy **policy_out);
void policy_free(struct policy *policy);
void policy_cleanup(struct policy **policy);

struct policy_facts {
    unsigned major, minor; /* 1.0 to 1.2 */
    size_t configuration_rules, authorization_rules, issuance_rules;
};
struct policy_facts policy_facts(const struct policy *policy);

/* What one evaluation does, rule by rule, for people: which fired, which did not and why. Called in order of the text.
 */
enum policy_section { POLICY_CONFIGURATION, POLICY_AUTHORIZATION, POLICY_ISSUANCE };
struct policy_event {
    enum policy_section section;
    size_t rule;   /* from 1 in its section */
    unsigned line; /* where it begins */
    bool fired;
    size_t failed_condition; /* from 1; 0 if it fired */
    struct slice condition;  /* the text of that condition; of the action if it fired or a function failed */
    const char *reason; /* "no claim matches", "a claim matches" behind '!', ...; "" if it fired and did something */
    const struct refusal *fault; /* what a function was given that it does not take; otherwise NULL */
};
typedef void policy_explain(void *context, const struct policy_event *event);
struct policy_trace {
    policy_explain *explain;
    void *context;
};

/* Sets are the caller's, emptied first. After a failure nothing in them means anything. */
struct policy_result {
    struct claim_set *outgoing;   /* what was issued: goes into the token */
    struct claim_set *properties; /* what steers the service: x-ms-sgx-tcbidentifier, required_pcr_mask, ... */
};

/* Runs the configuration rules alone, before there are claims of evidence: they decide how it is verified. `incoming`
 * holds what there is (often nothing); the properties are added to it too, so that who adds the evidence's claims to
 * that set shows them to the other rules. Of `result` only `properties` is used. ERR_POLICY_LIMIT, ERR_POLICY_VALUE. */
enum status policy_configure(const struct policy *policy, struct claim_set *incoming, const struct policy_trace *trace,
                             struct refusal *why, const struct policy_result *result);

/* Authorization, then issuance. `incoming` grows by what rules add. ERR_POLICY_DENIED with the line of the rule that
 * denied, or saying that none permitted: a deny wins, wherever it stands. ERR_POLICY_LIMIT; ERR_POLICY_VALUE where a
 * function was given what it does not take, with its line (in issuance rules such a rule issues nothing: issuance
 * cannot fail an attestation). `trace` may be NULL. Properties are added to those of policy_configure. */
enum status policy_evaluate(const struct policy *policy, struct claim_set *incoming, const struct policy_trace *trace,
                            struct refusal *why, const struct policy_result *result);
