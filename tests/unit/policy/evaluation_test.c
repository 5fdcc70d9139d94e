/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

static void test_deny_wins_and_without_a_permit_nothing_passes(void **)
{
    static const struct {
        const char *policy, *claims;
        enum status status;
        const char *field;
    } cases[] = {
        {"version= 1.0;authorizationrules{=> permit();};", "", OK, ""},
        {"version=1.0;\nauthorizationrules{\n};", "a=1", ERR_POLICY_DENIED, "policy authorizationrules"},
        {AUTHORIZED("[type==\"a\", value==1] => permit();"), "a=1", OK, ""},
        {AUTHORIZED("[type==\"a\", value==1] => permit();"), "a=2", ERR_POLICY_DENIED, "policy authorizationrules"},
        {AUTHORIZED("[type==\"a\", value==1] => permit();"), "a='1'", ERR_POLICY_DENIED, "policy authorizationrules"},
        {AUTHORIZED("=> permit();\n\n => deny();"), "", ERR_POLICY_DENIED, "policy line 3"},
        {AUTHORIZED("=> deny();\n => permit();"), "", ERR_POLICY_DENIED, "policy line 1"},
        {AUTHORIZED("=> deny();\n => deny();"), "", ERR_POLICY_DENIED, "policy line 1"}, /* the first is told of */
        {AUTHORIZED("[type==\"debug\", value==true] => deny(); => permit();"), "debug=false", OK, ""},
        {AUTHORIZED("[type==\"debug\", value==true] => deny(); => permit();"), "debug=true", ERR_POLICY_DENIED,
         "policy line 1"},
        {AUTHORIZED("[value==true] => permit();"), "", ERR_POLICY_DENIED, "policy authorizationrules"},
        {AUTHORIZED("[value==true] => permit();"), "x=true", OK, ""}, /* a condition need not name a type */
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_status(run_policy(&world, cases[i].policy, cases[i].claims), cases[i].status);
        if (cases[i].status != OK) assert_string_equal(world.why.field, cases[i].field);
    }
    policy_world_end(&world);
}

static void test_claims_are_issued(void **)
{
    static const struct {
        const char *policy, *claims, *issued;
    } cases[] = {
        {ISSUED("c:[type==\"x-ms-sgx-mrsigner\"] => issue(type=\"sgx-mrsigner\", value=c.value);"),
         "x-ms-sgx-mrsigner='aa' svn=3", "sgx-mrsigner='aa'"},
        {ISSUED("c:[type==\"a\"] => issue(claim=c);"), "a=1 b=2 a='x'", "a=1 a='x'"},
        {ISSUED("c:[type==\"a\"] => issue(type=\"b\", value=c.value);"), "a=1 a=2 a=1", "b=1 b=2"},
        {ISSUED("[type==\"a\"] => issue(type=\"b\", value=true);"), "a=1 a=2", "b=true"},
        {ISSUED("=> issue(type=\"level\", value=100);"), "", "level=100"},
        {ISSUED("=> issue(type=\"level\", value=-5, valueType=\"Integer\", issuer=\"AttestationPolicy\");"), "",
         "level=-5"},
        {ISSUED("=> issue(value=\"a\\\"b\\\\c\", type=\"t\");"), "", "t='a\"b\\c'"},
        /* what a rule adds, later ones see; itself it does not */
        {ISSUED("=> add(type=\"a\", value=1); c:[type==\"a\"] => issue(type=\"b\", value=c.value);"), "", "b=1"},
        {ISSUED("c:[type==\"a\"] => add(type=\"a\", value=c.value); c:[type==\"a\"] => issue(claim=c);"), "a=1", "a=1"},
        {ISSUED("c:[type==\"b\"] => issue(claim=c); => add(type=\"b\", value=1);"), "", ""},
        /* what is issued is incoming too, of the policy */
        {ISSUED("=> issue(type=\"a\", value=1); c:[type==\"a\", issuer==\"AttestationPolicy\"] => issue(type=\"b\", "
                "value=c.issuer);"),
         "", "a=1 b='AttestationPolicy'"},
        {ISSUED(
             "c:[type==\"a\"] => issue(claim=c); d:[type==\"a\", issuer==\"AttestationService\"] => issue(type=\"n\", "
             "value=d.valueType);"),
         "a=1", "a=1 n='Integer'"},
        /* types that are worked out */
        {ISSUED("c:[issuer==\"CustomClaim\"] => issue(type=c.type, value=c.value);"), "client:a=1 b=2 client:c=false",
         "a=1 c=false"},
        {ISSUED("c:[issuer==\"CustomClaim\"] => issue(type=AppendString(\"x-\", c.type), value=c.value);"),
         "client:a=1 client:a=1", "x-a=1"},
        /* absence */
        {ISSUED("![type==\"a\"] => issue(type=\"a\", value=0); ![type==\"a\"] => issue(type=\"a\", value=1);"), "",
         "a=0"},
        {ISSUED("[type==\"b\"] && ![type==\"a\", value==2] => issue(type=\"c\", value=0);"), "b=1 a=1", "c=0"},
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_issues(&world, cases[i].policy, cases[i].claims, cases[i].issued);
    policy_world_end(&world);
}

static void test_configuration_gives_properties(void **)
{
    struct policy_world world;
    policy_world_begin(&world);
    must_compile(&world,
                 "version=1.1; configurationrules { => issueproperty(type=\"required_pcr_mask\", value=15);"
                 "[type==\"tee\", value==\"tpm\"] => issueproperty(type=\"require_valid_aik_cert\", value=false);"
                 "[type==\"required_pcr_mask\"] => issueproperty(type=\"seen\", value=true); };"
                 "authorizationrules { => permit(); }; issuancerules {"
                 "=> issueproperty(type=\"report_validity_in_minutes\", value=1440); };");
    claims_of_text("tee='tpm'", world.incoming);
    claims_of_text("left=1", world.properties);
    claims_of_text("left=1", world.outgoing);
    const struct policy_result result = policy_world_result(&world);
    assert_ok(policy_configure(world.policy, world.incoming, NULL, NULL, &result));
    assert_string_equal(text_of_claims(world.properties).text,
                        "required_pcr_mask=15 require_valid_aik_cert=false seen=true");
    assert_ok(policy_evaluate(world.policy, world.incoming, NULL, NULL, &result));
    assert_string_equal(text_of_claims(world.properties).text,
                        "required_pcr_mask=15 require_valid_aik_cert=false seen=true report_validity_in_minutes=1440");
    assert_string_equal(text_of_claims(world.outgoing).text, "");
    policy_world_end(&world);
}

static void test_a_function_may_fail_the_configuration(void **)
{
    struct policy_world world;
    policy_world_begin(&world);
    must_compile(&world, "version=1.2; configurationrules { => issueproperty(type=\"a\", value=NegateBool(1)); };"
                         "authorizationrules { => permit(); };");
    const struct policy_result result = policy_world_result(&world);
    assert_status(policy_configure(world.policy, world.incoming, NULL, &world.why, &result), ERR_POLICY_VALUE);
    assert_string_equal(world.why.field, "policy line 1, column 68");
    policy_world_end(&world);
}

/* Published policies for TPMs issue among authorization rules: other rules see it, the token does not. */
static void test_issue_among_authorization_rules_adds(void **)
{
    struct policy_world world;
    policy_world_begin(&world);
    assert_issues(&world,
                  "version=1.2; authorizationrules { [type==\"a\"] => issue(type=\"ok\", value=true);"
                  "[type==\"ok\", value==true, issuer==\"AttestationPolicy\"] => permit(); };"
                  "issuancerules { c:[type==\"ok\"] => issue(type=\"seen\", value=c.value); };",
                  "a=1", "seen=true");
    assert_int_equal(claim_set_count(world.incoming), 3);
    policy_world_end(&world);
}

static void test_what_was_denied_issues_nothing(void **)
{
    struct policy_world world;
    policy_world_begin(&world);
    assert_status(run_policy(&world,
                             "version=1.2; authorizationrules { => permit(); => deny(); };"
                             "issuancerules { => issue(type=\"a\", value=1); };",
                             ""),
                  ERR_POLICY_DENIED);
    assert_int_equal(claim_set_count(world.outgoing), 0);
    assert_int_equal(claim_set_count(world.incoming), 0);
    policy_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deny_wins_and_without_a_permit_nothing_passes),
        cmocka_unit_test(test_claims_are_issued),
        cmocka_unit_test(test_configuration_gives_properties),
        cmocka_unit_test(test_a_function_may_fail_the_configuration),
        cmocka_unit_test(test_issue_among_authorization_rules_adds),
        cmocka_unit_test(test_what_was_denied_issues_nothing),
    };
    return cmocka_run_group_tests_name("policy/evaluation", tests, NULL, NULL);
}
