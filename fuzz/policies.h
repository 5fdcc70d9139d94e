/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds of every evaluation of a policy, whatever policy and claims are.
 */
#pragma once

#include "parts.h"

#include "policy/policy.h"

/* The sets of one evaluation; kept from input to input, as programs keep theirs. */
struct policy_sets {
    struct claim_set *incoming, *outgoing, *properties;
};

static inline void policy_sets_make(struct policy_sets *sets)
{
    if (sets->incoming != NULL) return;
    must(claim_set_new(&sets->incoming));
    must(claim_set_new(&sets->outgoing));
    must(claim_set_new(&sets->properties));
}

static inline void copy_claims(const struct claim_set *from, struct claim_set *to)
{
    claim_set_clear(to);
    for (size_t i = 0; i < claim_set_count(from); i++) must(claim_set_add(to, claim_set_at(from, i), NULL));
}

static inline void count_event(void *context, const struct policy_event *event)
{
    size_t *const count = context;
    if (event->line == 0 || event->condition.size == 0) abort();
    if (!event->fired && event->fault == NULL && (event->failed_condition == 0 || event->reason[0] == '\0')) abort();
    (*count)++;
}

static inline enum status run_sets(const struct policy *policy, const struct claim_set *claims,
                                   const struct policy_trace *trace, struct policy_sets *sets)
{
    struct refusal why = {};
    policy_sets_make(sets);
    copy_claims(claims, sets->incoming);
    const struct policy_result result = {.outgoing = sets->outgoing, .properties = sets->properties};
    enum status status = policy_configure(policy, sets->incoming, trace, &why, &result);
    if (status == OK) status = policy_evaluate(policy, sets->incoming, trace, &why, &result);
    if (status != OK && status != ERR_POLICY_DENIED && status != ERR_POLICY_LIMIT && status != ERR_POLICY_VALUE)
        abort();
    if (status != OK && (why.field[0] == '\0' || why.expected[0] == '\0')) abort();
    return status;
}

/* What was given stands first and unchanged; what was made is the policy's. */
static inline void check_incoming(const struct claim_set *claims, const struct claim_set *incoming)
{
    static struct policy_sets given;
    policy_sets_make(&given);
    claim_set_clear(given.incoming);
    for (size_t i = 0; i < claim_set_count(incoming); i++) {
        const struct claim *const claim = claim_set_at(incoming, i);
        if (i < claim_set_count(claims))
            must(claim_set_add(given.incoming, claim, NULL));
        else if (claim->issuer != CLAIM_OF_POLICY)
            abort();
    }
    if (!claim_set_equal(given.incoming, claims)) abort();
}

static inline void check_made(const struct claim_set *set, bool may_be_read_only)
{
    for (size_t i = 0; i < claim_set_count(set); i++) {
        const struct claim *const claim = claim_set_at(set, i);
        if (claim->issuer != CLAIM_OF_POLICY || (claim->read_only && !may_be_read_only)) abort();
    }
}

/* Runs a policy over claims; whoever runs it again comes to the same. */
static inline void check_policy(const struct policy *policy, const struct claim_set *claims)
{
    static struct policy_sets first, second;
    size_t events = 0;
    const struct policy_trace trace = {.explain = count_event, .context = &events};
    const struct policy_facts facts = policy_facts(policy);
    const enum status status = run_sets(policy, claims, &trace, &first);
    if (status == ERR_POLICY_LIMIT) return; /* that takes long: once is enough */
    if (run_sets(policy, claims, NULL, &second) != status) abort();
    if (!claim_set_equal(first.incoming, second.incoming) || !claim_set_equal(first.outgoing, second.outgoing) ||
        !claim_set_equal(first.properties, second.properties))
        abort();
    check_incoming(claims, first.incoming);
    check_made(first.outgoing, false);
    check_made(first.properties, true);
    if (status == OK && events != facts.configuration_rules + facts.authorization_rules + facts.issuance_rules) abort();
}
