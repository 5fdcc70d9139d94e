/* SPDX-License-Identifier: Apache-2.0
 *
 * The six functions of version 1.2, what they do not take, and values that cannot be issued.
 */
#include "policies.h"

#define JSON "json='{\"foo\": \"bar\", \"values\": [0,1,2,3,4], \"none\": null, \"b\": {\"y\": 1, \"x\": 2.5}}'"

struct issue {
    const char *policy, *claims, *issued;
};

static void assert_all_issue(const struct issue *cases, size_t count)
{
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < count; i++) assert_issues(&world, cases[i].policy, cases[i].claims, cases[i].issued);
    policy_world_end(&world);
}
#define ASSERT_ALL_ISSUE(cases) assert_all_issue(cases, sizeof(cases) / sizeof((cases)[0]))

static void test_jmespath_gives_json_text(void **)
{
    static const struct issue cases[] = {
        {ISSUED("=> issue(type=\"r\", value=JmesPath(\"{\\\"foo\\\": \\\"bar\\\"}\", \"foo\"));"), "", "r='\"bar\"'"},
        {ISSUED("c:[type==\"json\"] => issue(type=\"r\", value=JmesPath(c.value, \"foo\"));"), JSON, "r='\"bar\"'"},
        {ISSUED("c:[type==\"json\"] => issue(type=\"r\", value=JmesPath(c.value, \"values[2]\"));"), JSON, "r='2'"},
        {ISSUED("c:[type==\"json\"] => issue(type=\"r\", value=JmesPath(c.value, \"nothing\"));"), JSON, "r='null'"},
        {ISSUED("c:[type==\"json\"] => issue(type=\"r\", value=JmesPath(c.value, \"b\"));"), JSON,
         "r='{\"y\":1,\"x\":2.5}'"},
        {ISSUED("c:[type==\"json\"] => issue(type=\"r\", value=JmesPath(c.value, \"values[?@ > `2`]\"));"), JSON,
         "r='[3,4]'"},
        {ISSUED(
             "c:[type==\"json\"] => issue(type=\"r\", value=JmesPath(c.value, \"equals_ignore_case(foo, 'BAR')\"));"),
         JSON, "r='true'"},
        {ISSUED("c:[type==\"json\"] && q:[type==\"q\"] => issue(type=\"r\", value=JmesPath(c.value, q.value));"),
         JSON " q='values[0]' q='values[1]'", "r='0' r='1'"},
        {ISSUED("=> issue(type=\"r\", value=JmesPath(\"7\", \"@\"));"), "", "r='7'"}, /* any JSON value */
    };
    ASSERT_ALL_ISSUE(cases);
}

static void test_json_to_claim_value(void **)
{
    static const struct issue cases[] = {
        {ISSUED("c:[type==\"j\"] => issue(type=\"r\", value=JsonToClaimValue(c.value));"),
         "j='100' j='true' j='\"abc\"' j='-5' j='\"\"'", "r=100 r=true r='abc' r=-5 r=''"},
        /* a set: a claim for each */
        {ISSUED("c:[type==\"j\"] => issue(type=\"r\", value=JsonToClaimValue(c.value));"), "j='[0, \"abc\", true]'",
         "r=0 r='abc' r=true"},
        {ISSUED("c:[type==\"j\"] => add(type=\"r\", value=JsonToClaimValue(c.value)); c:[type==\"r\"] => "
                "issue(type=c.valueType, value=c.value);"),
         "j='[1,1,null,2]'", "Integer=1 Integer=2"},
        /* null and the empty set: nothing */
        {ISSUED("c:[type==\"j\"] => issue(type=\"r\", value=JsonToClaimValue(c.value)); ![type==\"r\"] => "
                "issue(type=\"r\", value=false);"),
         "j='null' j='[]' j='[null]'", "r=false"},
        {ISSUED("=> issue(type=\"r\", value=JsonToClaimValue(\"[1,2]\"), valueType=\"Integer\");"), "", "r=1 r=2"},
        {ISSUED("=> issue(type=JsonToClaimValue(\"\\\"t\\\"\"), value=1);"), "", "t=1"},
    };
    ASSERT_ALL_ISSUE(cases);
}

static void test_sets(void **)
{
    static const char subset[] =
        ISSUED("c1:[type==\"a\"] && c2:[type==\"b\"] => issue(type=\"r\", value=IsSubsetOf(c1.value, c2.value));");
    static const char only[] = ISSUED("c:[type==\"a\"] => issue(type=\"r\", value=ContainsOnlyValue(c.value, 1));");
    static const struct issue cases[] = {
        {subset, "a='abc' a=100 b=true b='abc' b=100", "r=true"},
        {subset, "a='abc' a=100 b=true b='abc'", "r=false"},
        {subset, "a=1 a=1 a=1 b=1", "r=true"},
        {subset, "a=1 b='1' b=true", "r=false"},
        {subset, "a=1", ""},
        {only, "a=1", "r=true"},
        {only, "a=1 a=1", "r=true"},
        {only, "a=1 a=2", "r=false"},
        {only, "a=true", "r=false"},
        {ISSUED("=> issue(type=\"r\", value=ContainsOnlyValue(JsonToClaimValue(\"[]\"), 1));"), "", "r=false"},
        {ISSUED("=> issue(type=\"r\", value=ContainsOnlyValue(JsonToClaimValue(\"[2,2]\"), 2));"), "", "r=true"},
        {ISSUED("=> issue(type=\"r\", value=ContainsOnlyValue(7, 7));"), "", "r=true"},
        {ISSUED("=> issue(type=\"r\", value=IsSubsetOf(JsonToClaimValue(\"null\"), 7));"), "", "r=true"},
        {ISSUED("c:[type==\"a\"] => issue(type=\"r\", value=IsSubsetOf(c.issuer, \"AttestationService\"));"), "a=1 a=2",
         "r=true"},
        {ISSUED("c:[type==\"a\", value>=2] => issue(type=\"r\", value=IsSubsetOf(c.value, "
                "JsonToClaimValue(\"[2,3]\")));"),
         "a=1 a=2 a=3", "r=true"},
        /* also among conditions: a set of all that the name's condition takes */
        {ISSUED(
             "c:[type==\"a\"] && [type==\"all\", value==ContainsOnlyValue(c.value, 1)] => issue(type=\"r\", value=1);"),
         "a=1 a=2 all=false", "r=1"},
    };
    ASSERT_ALL_ISSUE(cases);
}

static void test_texts_and_booleans(void **)
{
    static const struct issue cases[] = {
        {ISSUED("c1:[type==\"a\"] && c2:[type==\"b\"] => issue(type=\"r\", value=AppendString(c1.value, c2.value));"),
         "a='abc' b='xyz'", "r='abcxyz'"},
        {ISSUED("=> issue(type=\"r\", value=AppendString(\"\", \"\"));"), "", "r=''"},
        {ISSUED("=> issue(type=\"r\", value=AppendString(AppendString(\"[\", \"1\"), \"]\"));"), "", "r='[1]'"},
        {ISSUED("c:[type==\"a\"] => issue(type=\"r\", value=NegateBool(c.value));"), "a=true", "r=false"},
        {ISSUED("=> issue(type=\"r\", value=NegateBool(NegateBool(true)));"), "", "r=true"},
    };
    ASSERT_ALL_ISSUE(cases);
}

/* In conditions: nothing equals what is not there, and nothing differs from it either. */
static void test_calls_in_conditions(void **)
{
    static const struct issue cases[] = {
        {ISSUED("c:[type==\"pcrs\"] && d:[type==\"m\", value==JsonToClaimValue(JmesPath(c.value, \"a == `1`\"))] => "
                "issue(claim=d);"),
         "ro:pcrs='{\"a\":1}' m=true m=false", "m=true"},
        {ISSUED("c:[type==\"j\"] && d:[type==\"m\", value==JsonToClaimValue(c.value)] => issue(claim=d);"),
         "j='null' m=1", ""},
        {ISSUED("c:[type==\"j\"] && d:[type==\"m\", value!=JsonToClaimValue(c.value)] => issue(claim=d);"),
         "j='null' m=1", ""},
        {ISSUED("[type==\"m\", value>=JsonToClaimValue(\"2\")] => issue(type=\"r\", value=1);"), "m=2", "r=1"},
        {ISSUED("[type==\"m\", value>=JsonToClaimValue(\"true\")] => issue(type=\"r\", value=1);"), "m=2", ""},
    };
    ASSERT_ALL_ISSUE(cases);
}

/* What a function does not take fails the attestation among authorization rules, with its place; among issuance rules
 * the rule does nothing. */
static void test_what_functions_do_not_take(void **)
{
    static const struct {
        const char *call, *expected, *seen;
    } cases[] = {
        {"JmesPath(1, \"a\")", "two strings for JmesPath", "another value"},
        {"JmesPath(\"{}\", true)", "two strings for JmesPath", "another value"},
        {"JmesPath(\"{}\", AppendString(\"\", \"\"))", "two strings for JmesPath", "another value"},
        {"JmesPath(\"\", \"a\")", "JSON", "an empty text"},
        {"JmesPath(\"{\", \"a\")", "JSON", "a fault at line 1"},
        {"JmesPath(\"{}\", AppendString(\"a\", \"[\"))", "a JMESPath query that fits", ""},
        {"JmesPath(\"{}\", \"length(@.a)\")", "a JMESPath query that fits", ""},
        {"JsonToClaimValue(1)", "JSON as a string for JsonToClaimValue", "another type of value"},
        {"JsonToClaimValue(\"abc\")", "JSON", "a fault at line 1"},
        {"JsonToClaimValue(\"\")", "JSON", "an empty text"},
        {"JsonToClaimValue(\"1.5\")", "an integer", "a fraction"},
        {"JsonToClaimValue(\"1e2\")", "an integer", "a fraction"},
        {"JsonToClaimValue(\"9223372036854775808\")", "JSON", "a fault at line 1"},
        {"JsonToClaimValue(\"{}\")", "a scalar, or an array of them", "an object"},
        {"JsonToClaimValue(\"[1,[2]]\")", "an array of scalars", "an array in an array"},
        {"JsonToClaimValue(\"[1,{}]\")", "a scalar, or an array of them", "an object"},
        {"AppendString(\"a\", 1)", "two strings", "another type of value"},
        {"AppendString(true, \"a\")", "two strings", "another type of value"},
        {"AppendString(\"a\", JsonToClaimValue(\"null\"))", "one value", "none"},
        {"AppendString(\"a\", JsonToClaimValue(\"[1,2]\"))", "one value", "several"},
        {"NegateBool(1)", "a boolean", "another type of value"},
        {"ContainsOnlyValue(1, JsonToClaimValue(\"[1,1]\"))", "one value", "several"},
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char policy[512];
        (void)snprintf(policy, sizeof(policy), AUTHORIZED("=> permit();\n=> add(type=\"r\", value=%s);"),
                       cases[i].call);
        assert_status(run_policy(&world, policy, ""), ERR_POLICY_VALUE);
        if (strncmp(world.why.field, "policy line 2, column ", 22) != 0 ||
            strstr(world.why.expected, cases[i].expected) == NULL || strstr(world.why.seen, cases[i].seen) == NULL)
            fail_msg("%s: %s: %s, %s", cases[i].call, world.why.field, world.why.expected, world.why.seen);
        (void)snprintf(
            policy, sizeof(policy),
            ISSUED("=> issue(type=\"a\", value=1); => issue(type=\"r\", value=%s); => issue(type=\"b\", value=2);"),
            cases[i].call);
        assert_issues(&world, policy, "", "a=1 b=2");
        assert_int_equal(world.why.status, OK);
    }
    policy_world_end(&world);
}

static void test_other_values_that_rules_cannot_use(void **)
{
    static const struct {
        const char *rule, *claims, *expected;
    } cases[] = {
        {"[type==\"a\", value==JsonToClaimValue(\"[1,2]\")] => permit();", "a=1", "one value to compare with"},
        {"c:[type==\"a\"] => add(type=c.value, value=1);", "a=1", "a string of 1 to 256 bytes"},
        {"c:[type==\"a\"] => add(type=c.value, value=1);", "a=''", "a string of 1 to 256 bytes"},
        {"=> add(type=JsonToClaimValue(\"null\"), value=1);", "", "a string of 1 to 256 bytes"},
        {"=> add(type=JsonToClaimValue(\"[\\\"a\\\",\\\"b\\\"]\"), value=1);", "", "a string of 1 to 256 bytes"},
        {"c:[type==\"a\"] => add(type=AppendString(AppendString(c.value, c.value), AppendString(c.value, c.value)), "
         "value=1);",
         "a='0123456789012345678901234567890123456789012345678901234567890123x'", "a string of 1 to 256 bytes"},
        {"=> add(type=\"b\", value=1, valueType=JsonToClaimValue(\"null\"));", "", "the type that the value has"},
        {"=> add(type=\"b\", value=1, valueType=JsonToClaimValue(\"[\\\"Integer\\\",1]\"));", "",
         "the type that the value has"},
        {"c:[type==\"a\"] => add(type=\"b\", value=c.value, valueType=\"String\");", "a=1",
         "the type that the value has"},
        {"c:[type==\"a\"] => add(type=\"b\", value=1, valueType=c.value);", "a=1", "the type that the value has"},
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char policy[512];
        (void)snprintf(policy, sizeof(policy), AUTHORIZED("%s"), cases[i].rule);
        assert_status(run_policy(&world, policy, cases[i].claims), ERR_POLICY_VALUE);
        assert_non_null(strstr(world.why.expected, cases[i].expected));
    }
    policy_world_end(&world);
}

/* A rule that fails at its second combination takes the first back, and later rules see nothing of it. */
static void test_a_rule_that_fails_in_part_does_nothing(void **)
{
    static const struct issue cases[] = {
        {ISSUED("=> add(type=\"x\", value=\"[1]\"); c:[type==\"j\"] => issue(type=\"r\", "
                "value=JsonToClaimValue(c.value)); "
                "![type==\"r\"] => issue(type=\"r\", value=\"none\"); "
                "c:[type==\"x\"] => issue(type=\"y\", value=JmesPath(c.value, \"[0]\"));"),
         "j='1' j='2' j='{}' j='4'", "r='none' y='1'"},
        {ISSUED("c:[type==\"j\"] => issueproperty(type=\"p\", value=JsonToClaimValue(c.value)); "
                "c:[type==\"p\"] => issue(claim=c);"),
         "j='1' j='x'", ""},
        /* without functions, too, and nothing else is taken back */
        {ISSUED("=> issue(type=\"k\", value=1); c:[type==\"a\"] => issue(type=c.value, value=1);"), "a='x' a=5", "k=1"},
        {ISSUED("=> issue(type=\"k\", value=1); c:[type==\"a\"] => issue(type=\"r\", value=c.value, "
                "valueType=\"Integer\");"),
         "a=1 a='x'", "k=1"},
        {ISSUED("c:[type==\"a\"] => issue(type=c.value, value=1); [type==\"x\"] => issue(type=\"y\", value=1);"),
         "a='x' a=5", ""},
        {ISSUED("c:[type==\"a\"] => issue(type=\"r\", value=c.value, valueType=\"Integer\");"), "a=1 a='x'", ""},
        /* what earlier rules made stays */
        {ISSUED("=> issue(type=\"a\", value=1); c:[type==\"a\"] => issue(type=\"b\", value=NegateBool(c.value)); "
                "c:[type==\"a\"] => issue(type=\"c\", value=c.value);"),
         "a=true", "a=1 c=true c=1"},
    };
    ASSERT_ALL_ISSUE(cases);
}

static void test_read_only_values_are_not_issued(void **)
{
    static const struct issue cases[] = {
        {ISSUED("c:[type==\"pcrs\"] => issue(claim=c);"), "ro:pcrs='[1]'", ""},
        {ISSUED("c:[type==\"pcrs\"] => issue(type=\"x\", value=c.value);"), "ro:pcrs='[1]'", ""},
        {ISSUED("c:[type==\"pcrs\"] => issue(type=\"x\", value=JmesPath(c.value, \"[0]\"));"), "ro:pcrs='[1]'", ""},
        {ISSUED("c:[type==\"q\"] => issue(type=\"x\", value=JmesPath(\"[1]\", c.value));"), "ro:q='[0]'", ""},
        {ISSUED("c:[type==\"pcrs\"] => issue(type=\"x\", value=JsonToClaimValue(c.value));"), "ro:pcrs='[1]'", ""},
        {ISSUED("c:[type==\"pcrs\"] => issue(type=\"x\", value=AppendString(c.value, \"\"));"), "ro:pcrs='[1]'", ""},
        {ISSUED("c:[type==\"pcrs\"] => issue(type=\"x\", value=AppendString(\"\", c.value));"), "ro:pcrs='[1]'", ""},
        {ISSUED("c:[type==\"b\"] => issue(type=\"x\", value=NegateBool(c.value));"), "ro:b=true", ""},
        /* nor through a claim that is added first */
        {ISSUED("c:[type==\"pcrs\"] => add(type=\"y\", value=c.value); c:[type==\"y\"] => issue(claim=c);"),
         "ro:pcrs='[1]'", ""},
        /* properties other than the value, and comparisons, are free */
        {ISSUED("c:[type==\"pcrs\"] => issue(type=c.type, value=c.valueType);"), "ro:pcrs='[1]'", "pcrs='String'"},
        {ISSUED("c:[type==\"a\"] => issue(type=\"x\", value=ContainsOnlyValue(c.value, 1));"), "ro:a=1", "x=true"},
        {ISSUED("c:[type==\"a\"] => issue(type=\"x\", value=IsSubsetOf(c.value, 1));"), "ro:a=1", "x=true"},
        {ISSUED("[type==\"a\", value==1] => issue(type=\"x\", value=true);"), "ro:a=1", "x=true"},
    };
    ASSERT_ALL_ISSUE(cases);
}

/* As policies for TPMs do it: find where something is, put a query together with that, and ask again. */
static void test_queries_that_are_put_together(void **)
{
    static const char policy[] = ISSUED(
        "c:[type==\"events\"] => add(type=\"end\", value=JmesPath(c.value, \"Events[?Type == 'SEPARATOR' && (Pcr == "
        "`12` || Pcr == "
        "`13`)] | @[0].Seq\"));"
        "c:[type==\"end\", value!=\"null\"] => add(type=\"before\", value=AppendString(AppendString(\"Events[?Seq < "
        "`\", c.value), "
        "\"`\"));"
        "[type==\"end\", value==\"null\"] => add(type=\"before\", value=\"Events[?`true`\");"
        "c:[type==\"before\"] => add(type=\"query\", value=AppendString(c.value, \" && Data.Svn].Data.Svn | @[0]\"));"
        "q:[type==\"query\"] && e:[type==\"events\"] => issue(type=\"svn\", value=JsonToClaimValue(JmesPath(e.value, "
        "q.value)));"
        "![type==\"svn\", issuer==\"AttestationPolicy\"] => issue(type=\"svn\", value=0);"
        "c:[type==\"svn\"] => issue(type=\"svn\", value=c.value);");
    static const struct issue cases[] = {
        {policy,
         "events='{\"Events\":[{\"Seq\":1,\"Data\":{}},{\"Seq\":2,\"Data\":{\"Svn\":5}},"
         "{\"Seq\":3,\"Type\":\"SEPARATOR\",\"Pcr\":12},{\"Seq\":4,\"Data\":{\"Svn\":6}}]}'",
         "svn=5"},
        {policy, "events='{\"Events\":[{\"Seq\":4,\"Data\":{\"Svn\":6}}]}'", "svn=6"},
        {policy, "events='{\"Events\":[]}'", "svn=0"},
        {policy, "events='{}'", "svn=0"},
        {policy, "", "svn=0"},
    };
    ASSERT_ALL_ISSUE(cases);
}

/* One parsed text serves many queries; texts of a length in the same place are not taken for each other. */
static void test_texts_that_follow_each_other(void **)
{
    static const struct issue cases[] = {
        {ISSUED("c:[type==\"j\"] => issue(type=\"r\", value=JmesPath(AppendString(c.value, \"\"), \"[0]\"));"),
         "j='[1]' j='[2]' j='[3]' j='[4]' j='[5]' j='[6]'", "r='1' r='2' r='3' r='4' r='5' r='6'"},
        {ISSUED("c:[type==\"j\"] => issue(type=\"r\", value=JmesPath(c.value, \"[0]\"));"
                "c:[type==\"j\"] => issue(type=\"r\", value=JmesPath(c.value, \"[1]\"));"),
         "j='[1,7]' j='[2,7]' j='[3,7]' j='[4,7]' j='[5,8]'", "r='1' r='2' r='3' r='4' r='5' r='7' r='8'"},
    };
    ASSERT_ALL_ISSUE(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jmespath_gives_json_text),
        cmocka_unit_test(test_json_to_claim_value),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_texts_and_booleans),
        cmocka_unit_test(test_calls_in_conditions),
        cmocka_unit_test(test_what_functions_do_not_take),
        cmocka_unit_test(test_other_values_that_rules_cannot_use),
        cmocka_unit_test(test_a_rule_that_fails_in_part_does_nothing),
        cmocka_unit_test(test_read_only_values_are_not_issued),
        cmocka_unit_test(test_queries_that_are_put_together),
        cmocka_unit_test(test_texts_that_follow_each_other),
    };
    return cmocka_run_group_tests_name("policy/functions", tests, NULL, NULL);
}
