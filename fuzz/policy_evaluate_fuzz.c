/* SPDX-License-Identifier: Apache-2.0
 * Hits claim_set_read, policy_configure, policy_evaluate: a claim set as processes pass it, its size before it in two
 * bytes, and a policy. Most changes are made to tokens, rules and claims, so that most inputs still run. */
#include "fuzz.h"
#include "policy_mutations.h"

#include <stdlib.h>

#ifdef LAZARET_FUZZING
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max_size, unsigned seed)
{
    mutation_state = seed;
    if (below(8) == 0) return LLVMFuzzerMutate(bytes, size, max_size);
    return mutate_policy_input(bytes, size, max_size, below(2) == 0);
}
#endif

/* What was read is written as the same bytes. */
static void check_wire(const struct claim_set *claims, struct slice wire)
{
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(UINT16_MAX);
    must(claim_set_write(claims, &again));
    if (!slice_equal(buffer_slice(&again), wire)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct claim_set *claims;
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    const struct slice input = slice_of(bytes, size);
    struct refusal why = {};
    if (claims == NULL) must(claim_set_new(&claims));
    if (claim_set_read(claims_part(input), &why, claims) != OK) return 0;
    check_wire(claims, claims_part(input));
    if (policy_compile(policy_part(input), &why, &policy) == OK) check_policy(policy, claims);
    return 0;
}
