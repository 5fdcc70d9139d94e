/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "policy/language/program.h"

#include <stdlib.h>

enum status policy_compile(struct slice text, struct refusal *why, struct policy **policy_out)
{
    CLEANUP(policy_cleanup) struct policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL) return ERR_NO_MEMORY;
    policy->memory.maximum = SIZE_MAX; /* the text's own maximum bounds what is made of it */
    TRY(policy_parse(text, why, policy));
    *policy_out = policy;
    policy = NULL;
    return OK;
}

void policy_free(struct policy *policy)
{
    if (policy == NULL) return;
    for (size_t i = 0; i < policy->query_count; i++) jmespath_free(policy->queries[i]);
    free(policy->queries);
    for (size_t i = POLICY_CONFIGURATION; i <= POLICY_ISSUANCE; i++) free(policy->sections[i].rules);
    type_names_done(&policy->types);
    memory_done(&policy->memory);
    free(policy);
}

void policy_cleanup(struct policy **policy)
{
    policy_free(*policy);
    *policy = NULL;
}

struct policy_facts policy_facts(const struct policy *policy)
{
    return (struct policy_facts){
        .major = policy->major,
        .minor = policy->minor,
        .configuration_rules = policy->sections[POLICY_CONFIGURATION].count,
        .authorization_rules = policy->sections[POLICY_AUTHORIZATION].count,
        .issuance_rules = policy->sections[POLICY_ISSUANCE].count,
    };
}
