/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that runs out, at each call in turn: whatever was begun is given back, and the next try succeeds.
 */
#include "failing.h"
#include "policies.h"

static const char text[] =
    "version=1.2; configurationrules { => issueproperty(type=\"p\", value=1); };"
    "authorizationrules { a:[type==\"a\"] && b:[type==\"b\", value!=a.type] => add(type=a.type, value=b.value); => "
    "permit(); };"
    "issuancerules { c:[type==\"j\"] => issue(type=\"r\", value=JsonToClaimValue(JmesPath(c.value, \"[0]\")));"
    "c:[type==\"j\"] => issue(type=\"q\", value=JmesPath(c.value, AppendString(\"[\", \"1]\")));"
    "c:[type==\"a\"] => issue(type=\"s\", value=ContainsOnlyValue(c.value, 1)); };";

static enum status run(struct policy_world *world)
{
    TRY(claim_set_new(&world->incoming));
    TRY(claim_set_new(&world->outgoing));
    TRY(claim_set_new(&world->properties));
    TRY(policy_compile(SLICE_LITERAL(text), NULL, &world->policy));
    for (size_t i = 0; i < 70; i++)
        TRY(claim_set_add_integer(world->incoming, "a", (int64_t)i % 7, CLAIM_OF_SERVICE, NULL));
    TRY(claim_set_add_integer(world->incoming, "b", 1, CLAIM_OF_SERVICE, NULL));
    TRY(claim_set_add_text(world->incoming, "j", SLICE_LITERAL("[1,\"x\"]"), CLAIM_OF_SERVICE, NULL));
    TRY(policy_configure(world->policy, world->incoming, NULL, NULL, &(struct policy_result){NULL, world->properties}));
    const struct policy_result now = policy_world_result(world);
    return policy_evaluate(world->policy, world->incoming, NULL, NULL, &now);
}

static void test_memory_that_runs_out(void **)
{
    bool happened = true;
    size_t number;
    for (number = 1; happened; number++) {
        struct policy_world world = {};
        failing_begin(number);
        const enum status status = run(&world);
        happened = failing_end();
        if (!happened) assert_ok(status);
        if (status == OK) assert_true(claim_set_count(world.outgoing) <= 3);
        if (status != OK) assert_true(status == ERR_NO_MEMORY || status == ERR_POLICY_VALUE);
        policy_world_end(&world);
    }
    assert_true(number > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_that_runs_out)};
    return cmocka_run_group_tests_name("policy/failing", tests, NULL, NULL);
}
