/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

static const char *const sections[] = {"configuration", "authorization", "issuance"};

/* One line for each event. */
static void note(void *context, const struct policy_event *event)
{
    CLEANUP(buffer_done) struct buffer line = buffer_of_maximum(1024);
    struct buffer *const lines = context;
    assert_ok(buffer_append_format(lines, "%s %zu line %u %s", sections[event->section], event->rule, event->line,
                                   event->fired ? "fired" : "did not"));
    if (event->failed_condition > 0) assert_ok(buffer_append_format(lines, " at %zu", event->failed_condition));
    assert_ok(buffer_append_format(lines, " %.*s", (int)event->condition.size, (const char *)event->condition.bytes));
    if (event->reason[0] != '\0') assert_ok(buffer_append_format(lines, ": %s", event->reason));
    if (event->fault != NULL)
        assert_ok(buffer_append_format(lines, " (%s, %s)", event->fault->field, event->fault->seen));
    assert_ok(buffer_append_text(lines, "\n"));
}

static void assert_explained(const char *policy, const char *claims, enum status expected, const char *lines)
{
    struct policy_world world;
    policy_world_begin(&world);
    CLEANUP(buffer_done) struct buffer seen = buffer_of_maximum(65536);
    const struct policy_trace trace = {.explain = note, .context = &seen};
    must_compile(&world, policy);
    claims_of_text(claims, world.incoming);
    const struct policy_result result = policy_world_result(&world);
    assert_ok(policy_configure(world.policy, world.incoming, &trace, NULL, &result));
    assert_status(policy_evaluate(world.policy, world.incoming, &trace, NULL, &result), expected);
    const char *text;
    assert_ok(buffer_text(&seen, &text));
    assert_string_equal(text, lines);
    policy_world_end(&world);
}

static void test_which_rule_fired_and_why_others_did_not(void **)
{
    assert_explained(
        "version=1.2;\nconfigurationrules {\n=> issueproperty(type=\"p\", value=1); };\n"
        "authorizationrules {\n"
        "[type==\"svn\", value>=3] => permit();\n"
        "[type==\"debug\", value==false] && [type==\"svn\", value>=4] => permit();\n"
        "[type==\"nobody\"] => permit();\n"
        "[value==77] => deny();\n"
        "![type == \"svn\"]\n => deny();\n"
        "};\nissuancerules {\n"
        "a:[type==\"svn\"] && b:[type==\"want\", value==a.value] => issue(claim=a);\n"
        "a:[type==\"svn\"] => issue(claim=a); };",
        "svn=3 debug=false want=4", OK,
        "configuration 1 line 3 fired issueproperty(type=\"p\", value=1)\n"
        "authorization 1 line 5 fired permit()\n"
        "authorization 2 line 6 did not at 2 [type==\"svn\", value>=4]: no claim of this type has the other "
        "properties\n"
        "authorization 3 line 7 did not at 1 [type==\"nobody\"]: no claim has this type\n"
        "authorization 4 line 8 did not at 1 [value==77]: no claim matches\n"
        "authorization 5 line 9 did not at 1 ![type == \"svn\"]: a claim matches\n"
        "issuance 1 line 13 did not at 2 b:[type==\"want\", value==a.value]: no claim of this type has the "
        "other properties\n"
        "issuance 2 line 14 fired issue(claim=a)\n");
}

static void test_rules_that_fired_and_made_nothing(void **)
{
    assert_explained(
        ISSUED("c:[type==\"pcrs\"] => issue(claim=c);\n=> issue(type=\"a\", value=JsonToClaimValue(\"null\"));\n"
               "=> issue(type=\"a\", value=NegateBool(1));"),
        "ro:pcrs='x'", OK,
        "authorization 1 line 1 fired permit()\n"
        "issuance 1 line 1 fired issue(claim=c): the value is read-only: it cannot be issued\n"
        "issuance 2 line 2 fired issue(type=\"a\", value=JsonToClaimValue(\"null\")): the value is empty\n"
        "issuance 3 line 3 fired issue(type=\"a\", value=NegateBool(1)): a function was given what it does not "
        "take (policy line 3, column 26, another type of value)\n");
}

/* The furthest condition that any combination came to. */
static void test_the_condition_that_failed(void **)
{
    assert_explained(
        AUTHORIZED("a:[type==\"a\"] && b:[type==\"b\", value==a.value] && c:[type==\"c\", value==b.value] => "
                   "permit(); => permit();"),
        "a=1 a=2 b=1 c=9", OK,
        "authorization 1 line 1 did not at 3 c:[type==\"c\", value==b.value]: no claim of this type has the other "
        "properties\nauthorization 2 line 1 fired permit()\n");
}

static void test_a_function_that_fails_the_configuration(void **)
{
    struct policy_world world;
    policy_world_begin(&world);
    CLEANUP(buffer_done) struct buffer seen = buffer_of_maximum(4096);
    const struct policy_trace trace = {.explain = note, .context = &seen};
    must_compile(&world, "version=1.2; configurationrules { => issueproperty(type=\"a\", value=NegateBool(1)); };"
                         "authorizationrules { => permit(); };");
    const struct policy_result result = policy_world_result(&world);
    assert_status(policy_configure(world.policy, world.incoming, &trace, NULL, &result), ERR_POLICY_VALUE);
    const char *text;
    assert_ok(buffer_text(&seen, &text));
    assert_string_equal(
        text, "configuration 1 line 1 fired issueproperty(type=\"a\", value=NegateBool(1)): a function was given "
              "what it does not take (policy line 1, column 68, another type of value)\n");
    policy_world_end(&world);
}

/* All authorization rules are told of, and none of issuance. */
static void test_a_denial(void **)
{
    assert_explained("version=1.2; authorizationrules { => deny(); => permit(); }; issuancerules { => add(type=\"a\", "
                     "value=1); };",
                     "", ERR_POLICY_DENIED,
                     "authorization 1 line 1 fired deny()\nauthorization 2 line 1 fired permit()\n");
}

static void test_a_function_that_fails_the_attestation(void **)
{
    assert_explained(
        AUTHORIZED("[value==NegateBool(1)] => permit(); => permit();"), "a=1", ERR_POLICY_VALUE,
        "authorization 1 line 1 did not permit(): a function was given what it does not take (policy line 1, "
        "column 43, another type of value)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_rule_fired_and_why_others_did_not),
        cmocka_unit_test(test_rules_that_fired_and_made_nothing),
        cmocka_unit_test(test_the_condition_that_failed),
        cmocka_unit_test(test_a_function_that_fails_the_configuration),
        cmocka_unit_test(test_a_denial),
        cmocka_unit_test(test_a_function_that_fails_the_attestation),
    };
    return cmocka_run_group_tests_name("policy/explain", tests, NULL, NULL);
}
