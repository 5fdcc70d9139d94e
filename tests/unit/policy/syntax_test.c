/* SPDX-License-Identifier: Apache-2.0 */
#include "policies.h"

#define ONE_RULE(rule) "version=1.2;\nauthorizationrules {\n" rule "\n};"
#define ONE_ISSUE(rule) "version=1.2; authorizationrules {}; issuancerules {\n" rule "\n};"

static void test_forms_of_published_policies(void **)
{
    static const char *const policies[] = {
        "version= 1.0;authorizationrules{=> permit();};",
        "\n\r\n  version\t=\r\n1.0 ; authorizationrules { } ; issuancerules { } ;\n",
        "\xef\xbb\xbfversion=1.0;authorizationrules{};",
        "version=1.1;configurationrules{};authorizationrules{};issuancerules{};",
        "version=1.1;authorizationrules{};", /* configurationrules may be left out */
        "version=1.2;ConfigurationRules{};AUTHORIZATIONRULES{};Issuancerules{};",
        "// first\nversion=1.0;// \"\nauthorizationrules{// }\n};// last",
        ONE_RULE("[type==\"a\"]&&[type==\"b\",value!=-1]=>permit();"),
        ONE_RULE("c :[ type == \"a\" , value >= 0 ] && c1 : [value==c.value,issuer!=c.issuer] => permit ( ) ;"),
        ONE_RULE("c:[type==\"a\"] => issue(type=\"b\", value=c.value); => add(type=\"x\", value=1);"),
        ONE_RULE("type:[type==\"a\"] && issue:[value==type.value] => permit();"), /* names of any kind */
        ONE_ISSUE("=> issueproperty(type=\"x\", value=1440);"),
        ONE_ISSUE("=> issue(issuer=\"AttestationPolicy\", valueType=\"Boolean\", value=true, type=\"x\");"),
        ONE_ISSUE("=> issue(type=\"\xc3\xa4\", value=\"\xe2\x82\xac // no comment\");"),
        ONE_ISSUE("=> issue(type=\"x\", value=\"\\[\\*\\]\\_\\~\\! \\\"\\\\\\'\");"),
        ONE_ISSUE("=> issue(type=\"x\", value=-9223372036854775808);"),
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) must_compile(&world, policies[i]);
    policy_world_end(&world);
}

static void test_facts(void **)
{
    struct policy_world world;
    policy_world_begin(&world);
    must_compile(&world, "version=1.1; configurationrules { => issueproperty(type=\"a\", value=1); };"
                         "authorizationrules { => permit(); => deny(); }; issuancerules { };");
    const struct policy_facts facts = policy_facts(world.policy);
    assert_int_equal(facts.major, 1);
    assert_int_equal(facts.minor, 1);
    assert_int_equal(facts.configuration_rules, 1);
    assert_int_equal(facts.authorization_rules, 2);
    assert_int_equal(facts.issuance_rules, 0);
    policy_world_end(&world);
}

struct fault {
    const char *policy, *field, *seen, *expected;
};

static void assert_faults(const struct fault *faults, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP(policy_cleanup) struct policy *policy = NULL;
        struct refusal why = {};
        const enum status status = policy_compile(slice_of_text(faults[i].policy), &why, &policy);
        if (status != ERR_POLICY_SYNTAX || strcmp(why.field, faults[i].field) != 0 ||
            strcmp(why.seen, faults[i].seen) != 0 || strstr(why.expected, faults[i].expected) == NULL)
            fail_msg("%s\n%s: %s\nseen %s, expected %s", faults[i].policy, status_name(status), why.field, why.seen,
                     why.expected);
        assert_null(policy);
    }
}
#define ASSERT_FAULTS(faults) assert_faults(faults, sizeof(faults) / sizeof((faults)[0]))

static void test_faults_of_the_outer_form(void **)
{
    static const struct fault faults[] = {
        {"", "policy line 1, column 1 (policy > versionInfo)", "the end of the policy", "version"},
        {"authorizationrules{};", "policy line 1, column 1 (policy > versionInfo)", "'authorizationrules'", "version"},
        {"version 1.0;", "policy line 1, column 9 (policy > versionInfo)", "'1'", "="},
        {"version=\"1.0\";", "policy line 1, column 9 (policy > versionInfo)", "'\"1.0\"'", "1.0, 1.1 or 1.2"},
        {"version=1;", "policy line 1, column 10 (policy > versionInfo)", "';'", "a dot"},
        {"version=1.0;authorizationrules2{};", "policy line 1, column 13 (policy)", "'authorizationrules2'",
         "authorizationrules"},
        {"version=1.0;/ no comment", "policy line 1, column 13 (policy > versionInfo)", "'/'",
         "a character of the policy"},
        {"version=1.0;// \xc3\xa4\n\xc3\xa4", "policy line 2, column 1 (policy > versionInfo)", "'?\?'",
         "a character of the policy"},
        {"version=1.;", "policy line 1, column 11 (policy > versionInfo)", "';'", "1.0, 1.1 or 1.2"},
        {"version=1.3;", "policy line 1, column 9 (policy > versionInfo)", "'1.3'", "1.0, 1.1 or 1.2"},
        {"version=2.0;", "policy line 1, column 9 (policy > versionInfo)", "'2.0'", "1.0, 1.1 or 1.2"},
        {"version=1.-1;", "policy line 1, column 9 (policy > versionInfo)", "'1.-1'", "1.0, 1.1 or 1.2"},
        /* as Azure Attestation's guide has it */
        {"version=1.0\n[type==\"a\"]=>permit();", "policy line 2, column 1 (policy > versionInfo)", "'['", ";"},
        {"version=1.0;", "policy line 1, column 13 (policy)", "the end of the policy", "authorizationrules"},
        {"version=1.0;configurationrules{};authorizationrules{};", "policy line 1, column 13 (policy)",
         "'configurationrules'", "authorizationrules"},
        {"version=1.1;rules{};", "policy line 1, column 13 (policy)", "'rules'",
         "configurationrules or authorizationrules"},
        {"version=1.1;configurationrules{};issuancerules{};", "policy line 1, column 34 (policy)", "'issuancerules'",
         "authorizationrules"},
        {"version=1.0;issuancerules{};", "policy line 1, column 13 (policy)", "'issuancerules'", "authorizationrules"},
        {"version=1.0;authorizationrules;", "policy line 1, column 31 (policy > authorizationRules)", "';'", "{"},
        {"version=1.0;authorizationrules{}", "policy line 1, column 33 (policy > authorizationRules)",
         "the end of the policy", ";"},
        {"version=1.0;authorizationrules{};authorizationrules{};", "policy line 1, column 34 (policy)",
         "'authorizationrules'", "issuancerules or nothing more"},
        {"version=1.0;authorizationrules{};issuancerules{};x", "policy line 1, column 50 (policy)", "'x'",
         "nothing more"},
        {"version=1.0;authorizationrules{\xff};", "policy", "other bytes", "UTF-8 text"},
    };
    ASSERT_FAULTS(faults);
}

#define AT_CONDITION(column) "policy line 3, column " column " (policy > authorizationRules > rule > condition)"
#define AT_ACTION(column) "policy line 3, column " column " (policy > authorizationRules > rule > action)"

static void test_faults_of_conditions(void **)
{
    static const struct fault faults[] = {
        {ONE_RULE("permit();"), AT_CONDITION("7"), "'('", ":"},
        {ONE_RULE("(x) => permit();"), AT_CONDITION("1"), "'('", "a condition, => or the section's }"},
        {ONE_RULE("c: type => permit();"), AT_CONDITION("4"), "'type'", "["},
        {ONE_RULE("[] => permit();"), AT_CONDITION("2"), "']'", "type, value, valueType or issuer"},
        {ONE_RULE("[name==1] => permit();"), AT_CONDITION("2"), "'name'", "type, value, valueType or issuer"},
        {ONE_RULE("[type=\"a\"] => permit();"), AT_CONDITION("6"), "'='", "==, !="},
        {ONE_RULE("[type==\"a\" value==1] => permit();"), AT_CONDITION("12"), "'value'", ", or ]"},
        {ONE_RULE("[type==\"a\",] => permit();"), AT_CONDITION("12"), "']'", "type, value"},
        {ONE_RULE("[type==a] => permit();"), AT_CONDITION("8"), "'a'", "the name of an earlier condition"},
        {ONE_RULE("[type==<a>] => permit();"), AT_CONDITION("8"), "'<'", "a string, an integer"},
        {ONE_RULE("[type==1] => permit();"), AT_CONDITION("8"), "'1'", "a string"},
        {ONE_RULE("[issuer==true] => permit();"), AT_CONDITION("10"), "'true'", "a string"},
        {ONE_RULE("[type<\"a\"] => permit();"), AT_CONDITION("7"), "'\"a\"'", "only integers have an order"},
        {ONE_RULE("c:[value==1] && [type<c.type] => permit();"), AT_CONDITION("23"), "'c'",
         "only integers have an order"},
        {ONE_RULE("c:[value==1] => permit(); [value==c.value] => permit();"), AT_CONDITION("35"), "'c'",
         "the name of an earlier condition"},
        {ONE_RULE("[value>=\"a\"] => permit();"), AT_CONDITION("9"), "'\"a\"'", "only integers have an order"},
        {ONE_RULE("[value<true] => permit();"), AT_CONDITION("8"), "'true'", "only integers have an order"},
        {ONE_RULE("[value==c.value] => permit();"), AT_CONDITION("9"), "'c'", "the name of an earlier condition"},
        {ONE_RULE("c:[value==c.value] => permit();"), AT_CONDITION("11"), "'c'", "the name of an earlier condition"},
        {ONE_RULE("c:[value==1] && [value==c] => permit();"), AT_CONDITION("26"), "']'", "."},
        {ONE_RULE("c:[value==1] && [value==c.name] => permit();"), AT_CONDITION("27"), "'name'", "type, value"},
        {ONE_RULE("c:[value==1] && c:[value==1] => permit();"), AT_CONDITION("17"), "'c'", "no earlier condition"},
        {ONE_RULE("!c:[value==1] => permit();"), AT_CONDITION("2"), "'c'", "there is none to name"},
        {ONE_RULE("[value==1] || [value==2] => permit();"), AT_CONDITION("12"), "'|'", "a character of the policy"},
        {ONE_RULE("[value==1] & [value==2] => permit();"), AT_CONDITION("12"), "'&'", "a character of the policy"},
        {ONE_RULE("[value==1] && => permit();"), AT_CONDITION("15"), "'=>'", "a condition"},
        {ONE_RULE("[value==1] [value==2] => permit();"), "policy line 3, column 12 (policy > authorizationRules)",
         "'['", "&& or =>"},
        {"version=1.1;\nauthorizationrules{\n![type==\"a\"]=>permit();};", AT_CONDITION("1"), "'!'",
         "no '!': this policy is of version 1.1"},
        {"version=1.0;\nauthorizationrules{\n[value==NegateBool(true)]=>permit();};", AT_CONDITION("9"), "'NegateBool'",
         "no function: this policy is of version 1.0"},
    };
    ASSERT_FAULTS(faults);
}

static void test_faults_of_actions(void **)
{
    static const struct fault faults[] = {
        {ONE_RULE("=> permit;"), AT_ACTION("10"), "';'", "("},
        {ONE_RULE("=> permit(c);"), AT_ACTION("11"), "'c'", ")"},
        {ONE_RULE("=> permit()"), "policy line 4, column 1 (policy > authorizationRules > rule > action)", "'}'", ";"},
        {ONE_RULE("=> allow();"), AT_ACTION("4"), "'allow'", "permit, deny, add or issue"},
        {ONE_RULE("=> issueproperty(type=\"a\", value=1);"), AT_ACTION("4"), "'issueproperty'",
         "permit, deny, add or issue"},
        {"version=1.0; authorizationrules {}; issuancerules { => permit(); };",
         "policy line 1, column 56 (policy > issuanceRules > rule > action)", "'permit'",
         "add, issue or issueproperty"},
        {"version=1.0; authorizationrules {}; issuancerules { => deny(); };",
         "policy line 1, column 56 (policy > issuanceRules > rule > action)", "'deny'", "add, issue or issueproperty"},
        {"version=1.1; configurationrules { => add(type=\"a\", value=1); };",
         "policy line 1, column 38 (policy > configurationRules > rule > action)", "'add'", "issueproperty"},
        {ONE_RULE("=> add();"), AT_ACTION("8"), "')'", "type, value"},
        {ONE_RULE("=> add(\"a\", value=1);"), AT_ACTION("8"), "'\"a\"'", "type, value"},
        {ONE_RULE("=> add(type=\"a\");"), AT_ACTION("16"), "')'", "type and value, both"},
        {ONE_RULE("=> add(value=1);"), AT_ACTION("15"), "')'", "type and value, both"},
        {ONE_RULE("=> add(type==\"a\", value=1);"), AT_ACTION("12"), "'=='", "="},
        {ONE_RULE("=> add(type=\"a\", value=1, type=\"b\");"), AT_ACTION("27"), "'type'", "each property once"},
        {ONE_RULE("=> add(type=\"\", value=1);"), AT_ACTION("13"), "'type'", "a string of 1 to 256 bytes"},
        {ONE_RULE("=> add(type=1, value=1);"), AT_ACTION("13"), "'type'", "a string of 1 to 256 bytes"},
        {ONE_RULE("=> add(type=\"a\", value=1, valueType=\"Int\");"), AT_ACTION("37"), "'valueType'", "\"String\", "},
        {ONE_RULE("=> add(type=\"a\", value=1, valueType=\"String\");"), AT_ACTION("37"), "'valueType'",
         "\"Integer\", as the value is one"},
        {ONE_RULE("=> add(type=\"a\", value=\"1\", valueType=\"Boolean\");"), AT_ACTION("39"), "'valueType'",
         "\"String\", as the value is one"},
        {ONE_RULE("=> add(type=\"a\", value=true, valueType=\"Integer\");"), AT_ACTION("40"), "'valueType'",
         "\"Boolean\", as the value is one"},
        {ONE_RULE("=> add(type=\"a\", value=1, issuer=\"AttestationService\");"), AT_ACTION("34"), "'issuer'",
         "\"AttestationPolicy\""},
        {ONE_RULE("c:[value==1] => add(type=\"a\", value=1, issuer=c.issuer);"), AT_ACTION("47"), "'issuer'",
         "\"AttestationPolicy\""},
        {ONE_RULE("=> add(claim);"), AT_ACTION("13"), "')'", "="},
        {ONE_RULE("=> add(claim=c);"), AT_ACTION("14"), "'c'", "the name of an earlier condition"},
        {ONE_RULE("c:[value==1] => add(claim=c, type=\"a\");"), AT_ACTION("28"), "','", ")"},
        {ONE_RULE("[value==1] => add(type=\"a\", value=c.value);"), AT_ACTION("35"), "'c'",
         "the name of an earlier condition"},
    };
    ASSERT_FAULTS(faults);
}

static void test_faults_of_literals_and_calls(void **)
{
    static const struct fault faults[] = {
        {ONE_RULE("=> add(type=\"a, value=1);"), AT_ACTION("13"), "'\"a, value=1);?};'",
         "a string that ends on its line"},
        {ONE_RULE("=> add(type=\"a\\"), AT_ACTION("15"), "'\\?'", "punctuation behind a backslash"},
        {ONE_RULE("=> add(type=\"a\xe2\x80\x9d, value=1);"), AT_ACTION("13"), "'\"a?\?\?, value=1);'",
         "a string that ends on its line"},
        {ONE_RULE("=> add(type=\xe2\x80\x9c"), AT_ACTION("13"), "'?\?\?'", "a character of the policy language"},
        {ONE_RULE("=> add(type=\"\xc3\xa4\", valu=1);"), AT_ACTION("18"), "'valu'", "type, value"},
        {ONE_RULE("=> add(type=\"a\n\", value=1);"), AT_ACTION("13"), "'\"a?\", value=1);?'",
         "a string that ends on its line"},
        {ONE_RULE("=> add(type=\"a\r\", value=1);"), AT_ACTION("13"), "'\"a?\", value=1);?'",
         "a string that ends on its line"},
        {ONE_RULE("=> add(type=\"a\\ \", value=1);"), AT_ACTION("15"), "'\\ '", "punctuation behind a backslash"},
        {ONE_RULE("=> add(type=\"a\\\x7f\", value=1);"), AT_ACTION("15"), "'\\?'", "punctuation behind a backslash"},
        {ONE_RULE("=> add(type=\"a\\\xc3\xa4\", value=1);"), AT_ACTION("15"), "'\\?'",
         "punctuation behind a backslash"},
        {ONE_RULE("=> add(type=\"a\\d\", value=1);"), AT_ACTION("15"), "'\\d'", "punctuation behind a backslash"},
        {ONE_RULE("=> add(type=\"a\", value=0xFFFFFF);"), AT_ACTION("24"), "'0xFFFFFF'", "a decimal integer"},
        {ONE_RULE("=> add(type=\"a\", value=1_000);"), AT_ACTION("24"), "'1_000'", "a decimal integer"},
        {ONE_RULE("=> add(type=\"a\", value=1.5);"), AT_ACTION("25"), "'.'", ")"},
        {ONE_RULE("=> add(type=\"a\", value=9223372036854775808);"), AT_ACTION("24"), "'9223372036854775808'",
         "an integer of 64 bits"},
        {ONE_RULE("=> add(type=\"a\", value=-9223372036854775809);"), AT_ACTION("24"), "'-9223372036854775809'",
         "an integer of 64 bits"},
        {ONE_RULE("=> add(type=\"a\", value=99999999999999999999999999);"), AT_ACTION("24"),
         "'99999999999999999999999999'", "an integer of 64 bits"},
        {ONE_RULE("=> add(type=\"a\", value=184467440737095516160);"), AT_ACTION("24"), "'184467440737095516160'",
         "an integer of 64 bits"},
        {ONE_RULE("=> add(type=\"a\", value=- 1);"), AT_ACTION("24"), "'-'", "a character of the policy language"},
        {ONE_RULE("=> add(type=\"a\", value=SumInt(1, 2));"), AT_ACTION("24"), "'SumInt'",
         "JmesPath, JsonToClaimValue"},
        {ONE_RULE("=> add(type=\"a\", value=negatebool(true));"), AT_ACTION("24"), "'negatebool'", "JmesPath"},
        {ONE_RULE("=> add(type=\"a\", value=NegateBool());"), AT_ACTION("35"), "')'", "a string, an integer"},
        {ONE_RULE("=> add(type=\"a\", value=NegateBool(true, true));"), AT_ACTION("39"), "','", ") behind"},
        {ONE_RULE("=> add(type=\"a\", value=ContainsOnlyValue(100));"), AT_ACTION("45"), "')'",
         ", and the function's next argument"},
        {ONE_RULE("=> add(type=\"a\", value=JmesPath(\"{}\", \"a[\"));"), AT_ACTION("39"), "'a['", "a JMESPath query"},
        {ONE_RULE("=> add(type=\"a\", value=JmesPath(\"{}\", \"nosuch(@)\"));"), AT_ACTION("39"), "'nosuch(@)'",
         "a JMESPath query"},
        {ONE_RULE("a:[value==1] && b:[value==a.value] => add(type=\"a\", value=ContainsOnlyValue(b.value, 1));"),
         AT_ACTION("77"), "'b'", "a name whose condition refers to no other name"},
    };
    ASSERT_FAULTS(faults);
}

static void assert_fix(const char *policy, const char *fix)
{
    CLEANUP(policy_cleanup) struct policy *compiled = NULL;
    struct refusal why = {};
    assert_status(policy_compile(slice_of_text(policy), &why, &compiled), ERR_POLICY_SYNTAX);
    if (strstr(why.fix, fix) == NULL || (fix[0] == '\0') != (why.fix[0] == '\0')) fail_msg("%s\n%s", policy, why.fix);
}

static void test_what_to_do(void **)
{
    assert_fix("authorizationrules{};", "begin the policy with version=1.0;");
    assert_fix("version=1.0; configurationrules{};", "begin the policy with version=1.1;");
    assert_fix("version=1.1; issuancerules{};", "write the sections in this order");
    assert_fix(ONE_RULE("[type=\"a\"] => permit();"), "write == to compare");
    assert_fix(ONE_RULE("[type:\"a\"] => permit();"), "");
    assert_fix("version=1.1; authorizationrules { ![value==1] => permit(); };", "begin the policy with version=1.2;");
    assert_fix(ONE_RULE("=> add(claim=c);"), "name the condition");
    assert_fix(ONE_RULE("=> add(type=\xe2\x80\x9c"), "use straight quotation marks");
    assert_fix(ONE_RULE("[value==1] | "), "");
    assert_fix(ONE_RULE("=> add(type=\"a, value=1);"), "use straight quotation marks");
    assert_fix(ONE_RULE("=> add(type=\"a\\d\", value=1);"), "for a backslash itself");
    assert_fix(ONE_RULE("=> add(type=\"a\", value=0x10);"), "write numbers in decimal");
}

static void test_a_long_symbol_is_cut(void **)
{
    static const struct fault faults[] = {
        {"version=1.0;a23456789012345678901234567890123456789012345678901234567890{};",
         "policy line 1, column 13 (policy)", "'a23456789012345678901234567890123456789012345678901234567890'",
         "authorizationrules"},
        {"version=1.0;a234567890123456789012345678901234567890123456789012345678901{};",
         "policy line 1, column 13 (policy)", "'a23456789012345678901234567890123456789012345678901234567890'...",
         "authorizationrules"},
    };
    ASSERT_FAULTS(faults);
}

/* Every policy that is cut short is refused, at the cut. */
static void test_each_beginning_is_refused(void **)
{
    static const char text[] = "version=1.2;configurationrules{=>issueproperty(type=\"a\",value=1);};"
                               "authorizationrules{c:[type==\"a\",value>=-1]&&![issuer!=c.issuer]=>permit();};";
    for (size_t size = 0; size + 1 < sizeof(text); size++) {
        CLEANUP(policy_cleanup) struct policy *policy = NULL;
        struct refusal why;
        assert_status(policy_compile(slice_of(text, size), &why, &policy), ERR_POLICY_SYNTAX);
    }
}

/* ---- limits ---- */

struct text {
    char bytes[POLICY_MAX_BYTES * 2];
    size_t size;
};

[[gnu::format(printf, 2, 3)]] static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text->size += (size_t)vsnprintf(text->bytes + text->size, sizeof(text->bytes) - text->size, format, arguments);
    va_end(arguments);
}

static void assert_compiles(const struct text *text, enum status expected, const char *field)
{
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    struct refusal why = {};
    assert_status(policy_compile(slice_of(text->bytes, text->size), &why, &policy), expected);
    if (expected != OK) assert_string_equal(why.field, field);
}

static void test_limits(void **)
{
    static struct text text;
    static const struct {
        size_t most;
        const char *begin, *first, *more, *end, *field;
    } limits[] = {
        {POLICY_RULE_MAX_COUNT, "version=1.2;authorizationrules{", "=>permit();", "=>permit();", "};",
         "POLICY_RULE_MAX_COUNT"},
        {POLICY_CONDITION_MAX_COUNT, "version=1.2;authorizationrules{", "[value==1]", "&&[value==1]", "=>permit();};",
         "POLICY_CONDITION_MAX_COUNT"},
        {POLICY_PROPERTY_MAX_COUNT, "version=1.2;authorizationrules{[", "value==1", ",value==1", "]=>permit();};",
         "POLICY_PROPERTY_MAX_COUNT"},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        for (size_t over = 0; over < 2; over++) {
            text.size = 0;
            put(&text, "%s%s", limits[i].begin, limits[i].first);
            for (size_t k = 1; k < limits[i].most + over; k++) put(&text, "%s", limits[i].more);
            put(&text, "%s", limits[i].end);
            assert_compiles(&text, over == 0 ? OK : ERR_POLICY_LIMIT, limits[i].field);
        }
    }
}

/* Of all sections together. */
static void test_limit_of_rules_in_all(void **)
{
    static struct text text;
    for (size_t over = 0; over < 2; over++) {
        text.size = 0;
        put(&text, "version=1.2;configurationrules{=>issueproperty(type=\"a\",value=1);};authorizationrules{");
        for (size_t i = 2; i < POLICY_RULE_MAX_COUNT; i++) put(&text, "=>permit();");
        put(&text, "};issuancerules{");
        for (size_t i = 0; i <= over; i++) put(&text, "=>add(type=\"a\",value=1);");
        put(&text, "};");
        assert_compiles(&text, over == 0 ? OK : ERR_POLICY_LIMIT, "POLICY_RULE_MAX_COUNT");
    }
}

static void test_limit_of_nesting(void **)
{
    static struct text text;
    for (size_t depth = POLICY_NESTING_MAX; depth <= POLICY_NESTING_MAX + 1; depth++) {
        text.size = 0;
        put(&text, "version=1.2;authorizationrules{[value==");
        for (size_t i = 0; i < depth; i++) put(&text, "NegateBool(");
        put(&text, "true");
        for (size_t i = 0; i < depth; i++) put(&text, ")");
        put(&text, "]=>permit();};");
        assert_compiles(&text, depth == POLICY_NESTING_MAX ? OK : ERR_POLICY_LIMIT, "POLICY_NESTING_MAX");
    }
}

static void test_limit_of_text(void **)
{
    static struct text text;
    for (size_t over = 0; over < 2; over++) {
        text.size = 0;
        put(&text, "version=1.2;authorizationrules{};");
        while (text.size < POLICY_MAX_BYTES + over) put(&text, " ");
        assert_compiles(&text, over == 0 ? OK : ERR_POLICY_LIMIT, "POLICY_MAX_BYTES");
    }
}

static void test_limit_of_types(void **)
{
    static struct text text;
    for (size_t size = CLAIM_TYPE_MAX_BYTES; size <= CLAIM_TYPE_MAX_BYTES + 1; size++) {
        text.size = 0;
        put(&text, "version=1.2;authorizationrules{=>add(type=\"%0*d\", value=1);};", (int)size, 0);
        assert_compiles(&text, size == CLAIM_TYPE_MAX_BYTES ? OK : ERR_POLICY_SYNTAX,
                        "policy line 1, column 43 (policy > authorizationRules > rule > action)");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_of_published_policies),
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_faults_of_the_outer_form),
        cmocka_unit_test(test_faults_of_conditions),
        cmocka_unit_test(test_faults_of_actions),
        cmocka_unit_test(test_faults_of_literals_and_calls),
        cmocka_unit_test(test_what_to_do),
        cmocka_unit_test(test_a_long_symbol_is_cut),
        cmocka_unit_test(test_each_beginning_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limit_of_rules_in_all),
        cmocka_unit_test(test_limit_of_nesting),
        cmocka_unit_test(test_limit_of_text),
        cmocka_unit_test(test_limit_of_types),
    };
    return cmocka_run_group_tests_name("policy/syntax", tests, NULL, NULL);
}
