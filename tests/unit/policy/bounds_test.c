/* SPDX-License-Identifier: Apache-2.0
 *
 * What bounds an evaluation, whatever policy and claims are; those of the text are in syntax_test.c.
 */
#include "policies.h"

#include "policy/jmespath.h"

static void fill_claims(struct claim_set *set, const char *type, size_t count)
{
    for (size_t i = 0; i < count; i++) assert_ok(claim_set_add_integer(set, type, (int64_t)i, CLAIM_OF_SERVICE, NULL));
}

static enum status run_over(struct policy_world *world, const char *policy, size_t a_count, size_t b_count)
{
    must_compile(world, policy);
    claim_set_clear(world->incoming);
    fill_claims(world->incoming, "a", a_count);
    fill_claims(world->incoming, "b", b_count);
    const struct policy_result result = policy_world_result(world);
    return policy_evaluate(world->policy, world->incoming, NULL, &world->why, &result);
}

static void test_limit_of_combinations(void **)
{
    static const char each[] = AUTHORIZED(
        "=> permit();\na:[type==\"a\"] && b:[type==\"b\", value!=a.type] => add(type=a.type, value=b.value);");
    struct policy_world world;
    policy_world_begin(&world);
    assert_status(run_over(&world, each, 2, 4), OK);
    assert_int_equal(claim_set_count(world.incoming), 2 + 4 + 8);
    assert_status(run_over(&world, each, 64, 65), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "POLICY_COMBINATION_MAX_COUNT");
    assert_string_equal(world.why.seen, "more, at policy line 2");
    policy_world_end(&world);
}

static void test_limit_of_steps(void **)
{
    static const char found[] =
        AUTHORIZED("a:[type==\"a\"] && b:[type==\"b\", value>a.value] && [type==\"a\", value>b.value] => permit();");
    static const char none[] =
        AUTHORIZED("a:[type==\"a\"] && b:[type==\"b\", value!=a.type] && [type==\"a\", value==b.type] => permit();");
    struct policy_world world;
    policy_world_begin(&world);
    assert_status(run_over(&world, found, 1000, 1000), OK); /* the first that is found is enough */
    assert_status(run_over(&world, none, 1000, 1000), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "POLICY_STEP_MAX_COUNT");
    assert_string_equal(world.why.seen, "more, at policy line 1");
    policy_world_end(&world);
}

static void test_limit_of_claims(void **)
{
    static const char policy[] = AUTHORIZED("=> permit();\na:[type==\"a\"] => add(type=\"a\", value=a.value);");
    struct policy_world world;
    policy_world_begin(&world);
    assert_status(run_over(&world, policy, CLAIM_SET_MAX_COUNT / 2, 0), OK);
    assert_status(run_over(&world, policy, CLAIM_SET_MAX_COUNT / 2 + 1, 0), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "CLAIM_SET_MAX_COUNT");
    policy_world_end(&world);
}

static void test_limit_of_claims_in_issuance(void **)
{
    static const char *const policies[] = {
        ISSUED("a:[type==\"a\"] => issue(type=\"r\", value=a.value);"),
        ISSUED("a:[type==\"a\"] => add(type=\"r\", value=a.value);"),
        ISSUED("a:[type==\"a\"] => issueproperty(type=\"r\", value=a.value);"),
        ISSUED("a:[type==\"a\"] => issue(claim=a);"),
    };
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        claim_set_clear(world.properties);
        assert_status(run_over(&world, policies[i], 20, CLAIM_SET_MAX_COUNT - 30), ERR_POLICY_LIMIT);
        assert_string_equal(world.why.field, "CLAIM_SET_MAX_COUNT");
    }
    policy_world_end(&world);
}

/* Texts that double: the limit of one value is told, also where issuance cannot fail otherwise. */
static void test_limit_of_values(void **)
{
    char policy[4096];
    size_t at = (size_t)snprintf(policy, sizeof(policy),
                                 "version=1.2; authorizationrules { => permit(); }; issuancerules { "
                                 "=> add(type=\"s0\", value=\"0123456789abcdef\");");
    for (int i = 0; i < 16; i++)
        at +=
            (size_t)snprintf(policy + at, sizeof(policy) - at,
                             "c:[type==\"s%d\"] => add(type=\"s%d\", value=AppendString(c.value, c.value));", i, i + 1);
    (void)snprintf(policy + at, sizeof(policy) - at, "};");
    struct policy_world world;
    policy_world_begin(&world);
    assert_status(run_policy(&world, policy, ""), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "CLAIM_TEXT_MAX_BYTES");
    policy_world_end(&world);
}

/* Also of one that is only compared; what is as long as the maximum is no fault. */
static void test_limit_of_appended_texts(void **)
{
    static const char rule[] =
        AUTHORIZED("=> permit(); a:[type==\"a\"] && [type==\"t\", value==AppendString(a.value, a.value)] => permit();");
    static uint8_t half[CLAIM_TEXT_MAX_BYTES / 2 + 1];
    struct policy_world world;
    policy_world_begin(&world);
    must_compile(&world, rule);
    const struct policy_result result = policy_world_result(&world);
    for (size_t over = 0; over < 2; over++) {
        claim_set_clear(world.incoming);
        fill_claims(world.incoming, "t", 1);
        assert_ok(
            claim_set_add_text(world.incoming, "a", slice_of(half, sizeof(half) - 1 + over), CLAIM_OF_SERVICE, NULL));
        assert_status(policy_evaluate(world.policy, world.incoming, NULL, &world.why, &result),
                      over == 0 ? OK : ERR_POLICY_LIMIT);
    }
    assert_string_equal(world.why.field, "CLAIM_TEXT_MAX_BYTES");
    policy_world_end(&world);
}

/* What one rule works out together. */
static void test_limit_of_memory(void **)
{
    static const char few[] =
        AUTHORIZED("=> permit();\na:[type==\"a\"] && [type==\"t\", value==AppendString(a.value, \"x\")] => permit();");
    static const char many[] = AUTHORIZED("=> permit();\na:[type==\"a\"] && b:[type==\"a\", value!=a.type] && "
                                          "[type==\"t\", value==AppendString(AppendString("
                                          "a.value, b.value), a.value)] => permit();");
    static uint8_t large[CLAIM_TEXT_MAX_BYTES / 16];
    memset(large, 'x', sizeof(large));
    struct policy_world world;
    policy_world_begin(&world);
    for (size_t i = 0; i < 60; i++)
        assert_ok(claim_set_add_text(world.incoming, "a", SLICE_ARRAY(large), CLAIM_OF_SERVICE, NULL));
    fill_claims(world.incoming, "t", 1);
    const struct policy_result result = policy_world_result(&world);
    must_compile(&world, few);
    assert_ok(policy_evaluate(world.policy, world.incoming, NULL, &world.why, &result));
    must_compile(&world, many);
    assert_status(policy_evaluate(world.policy, world.incoming, NULL, &world.why, &result), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "POLICY_MEMORY_MAX_BYTES");
    policy_world_end(&world);
}

/* JSON takes more room than its text. */
static void test_limit_of_memory_for_json(void **)
{
    static uint8_t text[CLAIM_TEXT_MAX_BYTES];
    for (size_t i = 0; i < sizeof(text); i++) text[i] = i % 2 == 0 ? '1' : ',';
    text[0] = '[';
    text[1] = '1';
    text[sizeof(text) - 1] = ']';
    struct policy_world world;
    policy_world_begin(&world);
    must_compile(&world,
                 AUTHORIZED("=> permit();\nc:[type==\"j\"] => add(type=\"k\", value=JmesPath(c.value, \"[0]\"));"));
    const struct policy_result result = policy_world_result(&world);
    assert_ok(claim_set_add_text(world.incoming, "j", SLICE_ARRAY(text), CLAIM_OF_SERVICE, NULL));
    assert_status(policy_evaluate(world.policy, world.incoming, NULL, &world.why, &result), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "POLICY_MEMORY_MAX_BYTES");
    policy_world_end(&world);
}

/* ... and reading it takes steps: half a megabyte, 17 times. */
static void test_limit_of_steps_for_json(void **)
{
    static uint8_t text[CLAIM_TEXT_MAX_BYTES];
    memset(text, ' ', sizeof(text));
    text[sizeof(text) - 1] = '1';
    char policy[4096];
    size_t at = (size_t)snprintf(policy, sizeof(policy), "version=1.2; authorizationrules { => permit();");
    for (int i = 0; i < 17; i++)
        at += (size_t)snprintf(policy + at, sizeof(policy) - at,
                               "c:[type==\"j\"] => add(type=\"k\", value=JsonToClaimValue(c.value));");
    (void)snprintf(policy + at, sizeof(policy) - at, "};");
    struct policy_world world;
    policy_world_begin(&world);
    must_compile(&world, policy);
    const struct policy_result result = policy_world_result(&world);
    assert_ok(claim_set_add_text(world.incoming, "j", SLICE_ARRAY(text), CLAIM_OF_SERVICE, NULL));
    assert_status(policy_evaluate(world.policy, world.incoming, NULL, &world.why, &result), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "POLICY_STEP_MAX_COUNT");
    policy_world_end(&world);
}

/* Of a query that is a literal when the policy is compiled, of one that is put together when it runs. */
static void test_limit_of_queries(void **)
{
    static const char rule[] =
        AUTHORIZED("=> permit(); c:[type==\"q\"] => add(type=\"r\", value=JmesPath(\"{}\", c.value));");
    static char query[JMESPATH_MAX_BYTES + 2], policy[JMESPATH_MAX_BYTES + 200];
    memset(query, 'a', JMESPATH_MAX_BYTES + 1);
    (void)snprintf(policy, sizeof(policy),
                   "version=1.2; authorizationrules { => add(type=\"r\", value=JmesPath(\"{}\", \"%s\")); };", query);
    struct policy_world world;
    policy_world_begin(&world);
    assert_status(policy_compile(slice_of_text(policy), &world.why, &world.policy), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "JMESPath expression");
    assert_status(policy_compile(slice_of_text(policy), NULL, &world.policy), ERR_POLICY_LIMIT);
    must_compile(&world, rule);
    assert_ok(claim_set_add_text(world.incoming, "q", slice_of(query, JMESPATH_MAX_BYTES + 1), CLAIM_OF_SERVICE, NULL));
    const struct policy_result result = policy_world_result(&world);
    assert_status(policy_evaluate(world.policy, world.incoming, NULL, &world.why, &result), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "JMESPath expression");
    assert_status(policy_evaluate(world.policy, world.incoming, NULL, NULL, &result), ERR_POLICY_LIMIT);
    policy_world_end(&world);
}

/* The steps of a query are the evaluation's. */
static void test_limit_of_steps_for_queries(void **)
{
    static uint8_t text[64 * 1024];
    for (size_t i = 0; i < sizeof(text); i++) text[i] = i % 2 == 0 ? '1' : ',';
    text[0] = '[';
    text[1] = '1';
    text[sizeof(text) - 1] = ']';
    struct policy_world world;
    policy_world_begin(&world);
    char policy[1024], *at = policy;
    at += snprintf(at, 200,
                   "version=1.2; authorizationrules { => permit(); c:[type==\"j\"] => add(type=\"r\", "
                   "value=JmesPath(c.value, \"[?a");
    for (int i = 0; i < 40; i++) at += snprintf(at, 20, "||@ == a");
    (void)snprintf(at, 20, "]\")); };");
    must_compile(&world, policy);
    const struct policy_result result = policy_world_result(&world);
    assert_ok(claim_set_add_text(world.incoming, "j", SLICE_ARRAY(text), CLAIM_OF_SERVICE, NULL));
    assert_status(policy_evaluate(world.policy, world.incoming, NULL, &world.why, &result), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "POLICY_STEP_MAX_COUNT");
    policy_world_end(&world);
}

/* A query whose result is far longer than what it was found in. */
static void test_limit_of_results(void **)
{
    static uint8_t text[CLAIM_TEXT_MAX_BYTES / 4];
    memset(text, 'x', sizeof(text));
    text[0] = text[sizeof(text) - 1] = '"';
    struct policy_world world;
    policy_world_begin(&world);
    must_compile(
        &world, AUTHORIZED("=> permit(); c:[type==\"j\"] => add(type=\"r\", value=JmesPath(c.value, \"[@,@,@,@]\"));"));
    assert_ok(claim_set_add_text(world.incoming, "j", SLICE_ARRAY(text), CLAIM_OF_SERVICE, NULL));
    const struct policy_result result = policy_world_result(&world);
    assert_status(policy_evaluate(world.policy, world.incoming, NULL, &world.why, &result), ERR_POLICY_LIMIT);
    assert_string_equal(world.why.field, "CLAIM_TEXT_MAX_BYTES");
    policy_world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_of_combinations),
        cmocka_unit_test(test_limit_of_steps),
        cmocka_unit_test(test_limit_of_claims),
        cmocka_unit_test(test_limit_of_claims_in_issuance),
        cmocka_unit_test(test_limit_of_values),
        cmocka_unit_test(test_limit_of_appended_texts),
        cmocka_unit_test(test_limit_of_memory),
        cmocka_unit_test(test_limit_of_memory_for_json),
        cmocka_unit_test(test_limit_of_steps_for_json),
        cmocka_unit_test(test_limit_of_queries),
        cmocka_unit_test(test_limit_of_steps_for_queries),
        cmocka_unit_test(test_limit_of_results),
    };
    return cmocka_run_group_tests_name("policy/bounds", tests, NULL, NULL);
}
