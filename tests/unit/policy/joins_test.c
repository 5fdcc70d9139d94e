/* SPDX-License-Identifier: Apache-2.0
 *
 * Rules whose names stand for several claims: for which the action runs, how often, and what bounds it.
 */
#include "policies.h"

#define OS_NAMES "client:os='linux' client:os='windows' os='linux' os='bsd'"

static void test_the_action_runs_for_each_combination_that_it_uses(void **)
{
    static const struct {
        const char *rule, *claims, *issued;
    } cases[] = {
        /* each claim once, however many others it goes with */
        {"a:[type==\"os\", issuer==\"CustomClaim\"] && b:[type==\"os\", issuer==\"AttestationService\", "
         "value==a.value] => "
         "issue(claim=b);",
         OS_NAMES " client:os='linux'", "os='linux'"},
        {"a:[type==\"a\"] && b:[type==\"b\", value==a.value] => issue(type=\"r\", value=a.value);",
         "a=1 a=2 a=3 b=3 b=1 b=1", "r=1 r=3"},
        {"a:[type==\"a\"] && b:[type==\"b\", value!=a.value] => issue(type=b.type, value=b.value);",
         "a=1 a=2 b=1 b=2 b=3", "b=2 b=3 b=1"},
        /* names that nobody uses need only stand for something */
        {"a:[type==\"a\"] && b:[type==\"b\"] => issue(type=\"r\", value=a.value);", "a=1 a=2 b=1 b=2", "r=1 r=2"},
        {"a:[type==\"a\"] && b:[type==\"b\"] => issue(type=\"r\", value=true);", "a=1 a=2 b=1 b=2", "r=true"},
        {"a:[type==\"a\"] && b:[type==\"b\"] => issue(type=\"r\", value=a.value);", "a=1 a=2", ""},
        /* both: each with each, in the order of the claims */
        {"a:[type==\"a\"] && b:[type==\"b\"] => issue(type=\"r\", value=AppendString(a.value, b.value));",
         "a='1' a='2' b='x' b='y'", "r='1x' r='1y' r='2x' r='2y'"},
        {"a:[type==\"a\"] && b:[type==\"b\"] && c:[type==\"c\", value==b.value] => issue(type=a.value, value=c.value);",
         "a='p' a='q' b=1 b=2 b=2 c=2 c=3", "p=2 q=2"},
        /* absence for that combination */
        {"a:[type==\"a\"] && ![type==\"b\", value==a.value] => issue(type=\"r\", value=a.value);", "a=1 a=2 a=3 b=2",
         "r=1 r=3"},
        {"![type==\"b\"] && a:[type==\"a\"] => issue(claim=a);", "a=1 b=1", ""},
        {"a:[type==\"a\"] && ![type==\"b\"] => issue(claim=a);", "a=1 a=2", "a=1 a=2"},
        /* conditions behind the last name that is used */
        {"a:[type==\"a\"] && b:[type==\"b\", value==a.value] && c:[type==\"c\", value==b.value] => issue(claim=a);",
         "a=1 a=2 b=1 b=1 b=2 c=1 c=1", "a=1"},
        /* other properties */
        {"a:[type==\"a\"] && b:[type==a.value, issuer==a.issuer, valueType!=a.valueType] => issue(claim=b);",
         "a='x' a='y' x=1 x='1' client:y=2 policy:x=3", "x=1"},
        {"a:[value==1] && b:[type!=a.type, value==1] => issue(type=a.type, value=b.type);", "p=1 q=1 r=2",
         "p='q' q='p'"},
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char policy[512];
        (void)snprintf(policy, sizeof(policy), ISSUED("%s"), cases[i].rule);
        assert_issues(&world, policy, cases[i].claims, cases[i].issued);
    }
    policy_world_end(&world);
}

/* Claims that are added show how often an action ran; those that are issued stand only once in the token. */
static void test_how_often_the_action_runs(void **)
{
    static const struct {
        const char *rule, *claims, *added;
    } cases[] = {
        {"a:[type==\"a\"] && b:[type==\"b\", value==a.value] => add(type=\"r\", value=b.value);",
         "a=1 a=1 a=2 b=1 b=1 b=3", "r=1 r=1"},
        {"a:[type==\"a\"] && b:[type==\"b\", value!=a.value] => add(type=\"r\", value=b.value);", "a=1 a=2 a=3 b=7",
         "r=7"},
        {"a:[type==\"a\"] && b:[type==\"b\", value==a.value] => add(type=\"r\", value=a.value);", "a=1 b=1 b=1", "r=1"},
        {"a:[type==\"a\"] && b:[type==\"b\"] && c:[type==\"c\", value==b.value] => add(type=\"r\", value=a.value);",
         "a=1 a=2 b=1 b=1 c=1 c=1", "r=1 r=2"},
        {"a:[type==\"a\"] && b:[type==\"b\", value!=a.value] && c:[type==\"c\", value!=b.value] => "
         "add(type=a.type, value=c.value);",
         "a=1 b=2 b=3 c=4 c=5", "a=4 a=5"},
        {"a:[type==\"a\"] && b:[type==\"b\"] => add(type=\"r\", value=true);", "a=1 a=2 b=1 b=2", "r=true"},
        {"a:[type==\"a\"] && ![type==\"b\"] && [type==\"c\"] => add(type=\"r\", value=a.value);", "a=1 a=2 c=1 c=2",
         "r=1 r=2"},
        /* a set that is worked out of a name is one for each of its claims */
        {"c:[type==\"j\"] => add(type=\"r\", value=ContainsOnlyValue(JsonToClaimValue(c.value), 1));",
         "j='[1]' j='[2]'", "r=true r=false"},
        /* a set does not grow by what its own rule adds */
        {"c:[type==\"a\"] && s:[type==\"x\"] => add(type=\"x\", value=ContainsOnlyValue(s.value, c.value));",
         "a=2 a=1 x=1", "x=false x=true"},
        {"c:[type==\"a\"] && s:[value!=\"none\"] => add(type=c.type, value=IsSubsetOf(false, s.value));", "a=2 a=1",
         "a=false a=false"},
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char policy[512], expected[256];
        (void)snprintf(policy, sizeof(policy), ISSUED("%s"), cases[i].rule);
        (void)snprintf(expected, sizeof(expected), "%s %s", cases[i].claims, cases[i].added);
        assert_ok(run_policy(&world, policy, cases[i].claims));
        const struct claims_text seen = text_of_claims(world.incoming);
        if (strcmp(seen.text, expected) != 0) fail_msg("%s\nseen     %s\nexpected %s", policy, seen.text, expected);
    }
    policy_world_end(&world);
}

static void test_comparisons(void **)
{
    static const struct {
        const char *test;
        const char *claims;
        bool holds;
    } cases[] = {
        {"value==3", "a=3", true},
        {"value==3", "a=4", false},
        {"value!=3", "a=4", true},
        {"value!=3", "a=3", false},
        {"value<3", "a=2", true},
        {"value<3", "a=3", false},
        {"value<=3", "a=3", true},
        {"value<=3", "a=4", false},
        {"value>3", "a=4", true},
        {"value>3", "a=3", false},
        {"value>=3", "a=3", true},
        {"value>=3", "a=2", false},
        {"value>=0", "a=true", false},
        {"value>=0", "a='5'", false},
        {"value!=3", "a='3'", true},
        {"value==\"x\"", "a='x'", true},
        {"value==\"x\"", "a='X'", false},
        {"value!=\"x\"", "a=''", true},
        {"value==true", "a=true", true},
        {"value!=true", "a=true", false},
        {"value==false", "a=0", false},
        {"value==\"\"", "a=''", true},
        {"type!=\"a\"", "a=1", false},
        {"type!=\"b\"", "a=1", true},
        {"type==\"a\", type==\"b\"", "a=1 b=1", false},
        {"issuer==\"AttestationService\"", "a=1", true},
        {"issuer==\"AttestationPolicy\"", "policy:a=1", true},
        {"issuer==\"CustomClaim\"", "client:a=1", true},
        {"issuer!=\"CustomClaim\"", "client:a=1", false},
        {"issuer==\"Nobody\"", "a=1", false},
        {"valueType==\"String\"", "a='1'", true},
        {"valueType==\"Integer\"", "a=1", true},
        {"valueType==\"Boolean\"", "a=true", true},
        {"valueType==\"boolean\"", "a=true", false},
        {"value<-1", "a=-9223372036854775808", true},
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char policy[512];
        (void)snprintf(policy, sizeof(policy), AUTHORIZED("[%s] => permit();"), cases[i].test);
        assert_status(run_policy(&world, policy, cases[i].claims), cases[i].holds ? OK : ERR_POLICY_DENIED);
        (void)snprintf(policy, sizeof(policy), AUTHORIZED("![%s] => permit();"), cases[i].test);
        assert_status(run_policy(&world, policy, cases[i].claims), cases[i].holds ? ERR_POLICY_DENIED : OK);
    }
    policy_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_action_runs_for_each_combination_that_it_uses),
        cmocka_unit_test(test_how_often_the_action_runs),
        cmocka_unit_test(test_comparisons),
    };
    return cmocka_run_group_tests_name("policy/joins", tests, NULL, NULL);
}
