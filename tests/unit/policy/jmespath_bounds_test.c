/* SPDX-License-Identifier: Apache-2.0
 *
 * Every maximum of JMESPath: what just fits, and what is refused one beyond.
 */
#include "policy/jmespath.h"
#include "policy/jmespath/values.h"
#include "policy/policy.h"
#include "testing.h"

static enum status compile(struct buffer *text, struct refusal *why)
{
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    return jmespath_compile(buffer_slice(text), why, &expression);
}

/* `before`, `count` times `part`, `after`. */
static enum status compile_repeated(const char *before, const char *part, size_t count, const char *after,
                                    struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20);
    assert_ok(buffer_append_text(&text, before));
    for (size_t i = 0; i < count; i++) assert_ok(buffer_append_text(&text, part));
    assert_ok(buffer_append_text(&text, after));
    return compile(&text, why);
}

static void assert_limit(enum status status, const struct refusal *why, const char *expected)
{
    assert_status(status, ERR_POLICY_LIMIT);
    assert_string_equal(why->expected, expected);
}

static void test_text(void **)
{
    struct refusal why = {};
    assert_ok(compile_repeated("'", "x", JMESPATH_MAX_BYTES - 2, "'", &why));
    assert_limit(compile_repeated("'", "x", JMESPATH_MAX_BYTES - 1, "'", &why), &why, "at most 8192 bytes");
}

static void test_bytes_that_are_no_text(void **)
{
    struct jmespath *expression = NULL;
    struct refusal why = {};
    assert_status(jmespath_compile(SLICE_LITERAL("'\xff'"), &why, &expression), ERR_JMESPATH);
    assert_string_equal(why.expected, "UTF-8 without NUL");
    assert_status(jmespath_compile(SLICE_LITERAL("'a\0b'"), &why, &expression), ERR_JMESPATH);
    assert_status(jmespath_compile(SLICE_LITERAL("a\0"), &why, &expression), ERR_JMESPATH);
    assert_null(expression);
}

static void test_parts(void **)
{
    struct refusal why = {};
    /* The list, and its elements. */
    assert_ok(compile_repeated("[a", ",a", JMESPATH_NODE_MAX_COUNT - 2, "]", &why));
    assert_limit(compile_repeated("[a", ",a", JMESPATH_NODE_MAX_COUNT - 1, "]", &why), &why, "at most 2048 parts");
}

static void test_nesting(void **)
{
    static const char expected[] = "at most 256 parts in one another";
    static const struct {
        const char *before, *part, *after;
    } cases[] = {{"", "!", "a"},     {"", "(", "a"},  {"", "[", "a"},    {"", "{a:", "a"},    {"", "abs(", "a"},
                 {"a", "[*].b", ""}, {"a", ".*", ""}, {"a", "[]", ""},   {"a", "[?b].c", ""}, {"a", "[:].b", ""},
                 {"a", "==a", ""},   {"", "[?", "a"}, {"", "map(&", "a"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why = {};
        assert_limit(compile_repeated(cases[i].before, cases[i].part, 600, cases[i].after, &why), &why, expected);
    }
    struct refusal why = {};
    assert_ok(compile_repeated("", "!", JMESPATH_NESTING_MAX - 1, "a", &why));
    assert_limit(compile_repeated("", "!", JMESPATH_NESTING_MAX, "a", &why), &why, expected);
    assert_ok(compile_repeated("a", "[*].b", 200, "", &why));
}

/* Chains are as long as they like. */
static void test_chains(void **)
{
    static const char *const parts[] = {".a", "|a", "||a", "&&a", "[0]"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        struct refusal why = {};
        assert_ok(compile_repeated("a", parts[i], JMESPATH_NODE_MAX_COUNT - 2, "", &why));
    }
}

static enum status search(const char *text, const char *document, uint64_t *steps, struct refusal *why,
                          json_t **result_out)
{
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *given = json_loads(document, JSON_DECODE_ANY, NULL);
    assert_non_null(given);
    assert_ok(jmespath_compile(slice_of_text(text), NULL, &expression));
    return jmespath_search(expression, given, steps, why, result_out);
}

/* Takes exactly `needed` steps; with fewer it is refused, and nothing is left of them. */
static void assert_steps(const char *text, const char *document, uint64_t needed)
{
    for (uint64_t allowed = 0; allowed <= needed; allowed++) {
        CLEANUP(json_done) json_t *result = NULL;
        struct refusal why = {};
        uint64_t steps = allowed;
        const enum status status = search(text, document, &steps, &why, &result);
        if (allowed < needed)
            assert_limit(status, &why, "the steps that the caller allows");
        else
            assert_ok(status);
        if (status == OK && steps != 0) fail_msg("%s: %u steps are left", text, (unsigned)steps);
    }
}

static void test_steps(void **)
{
    assert_steps("@", "1", 1);
    assert_steps("a.b", "{}", 3);
    assert_steps("[*]", "[1,2]", 6);    /* projection, what it is over, two elements and what is found in them */
    assert_steps("[]", "[[1],2]", 8);   /* and two more that are looked into */
    assert_steps("[?@]", "[1,2]", 8);   /* and two conditions */
    assert_steps("@ == @", "[1,2]", 6); /* comparison, sides, the arrays and their elements */
    assert_steps("abs(@)", "1", 2);
    assert_steps("sum(@)", "[1,2]", 6); /* types are looked at, then numbers */
}

/* Long texts count by their size each time that they are looked at. */
static void test_steps_of_texts(void **)
{
    char document[4096 + 3] = "\"";
    memset(document + 1, 'x', 4096);
    document[4097] = '"';
    assert_steps("@ == @", document, 4 + 4096 / WORK_BYTES_PER_STEP);
    assert_steps("length(@)", document, 2 + 4096 / WORK_BYTES_PER_STEP);
    assert_steps("contains(@, 'y')", document, 3 + 4097 / WORK_BYTES_PER_STEP);
    assert_steps("equals_ignore_case(@, @)", document, 3 + 4096 / WORK_BYTES_PER_STEP);
    assert_steps("starts_with(@, @)", document, 3 + 4096 / WORK_BYTES_PER_STEP);
    assert_steps("reverse(@)", document, 2 + 4096 / WORK_BYTES_PER_STEP);
}

static void test_values_made(void **)
{
    struct refusal why = {};
    uint64_t steps = 100000000;
    json_t *result = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20);
    /* Twice as many elements with each pair of brackets. */
    assert_ok(buffer_append_text(&text, "[@,@]"));
    for (size_t i = 0; i < 17; i++) assert_ok(buffer_append_text(&text, "|[@,@][]"));
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *one = json_integer(1);
    assert_ok(jmespath_compile(buffer_slice(&text), &why, &expression));
    assert_limit(jmespath_search(expression, one, &steps, &why, &result), &why, "at most 100000 values made");
    assert_null(result);
}

static void test_strings_made(void **)
{
    struct refusal why = {};
    uint64_t steps = 100000000;
    json_t *result = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20);
    assert_ok(buffer_append_text(&text, "'0123456789abcdef'"));
    for (size_t i = 0; i < 30; i++) assert_ok(buffer_append_text(&text, "|join('',[@,@])"));
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *nothing = json_object();
    assert_ok(jmespath_compile(buffer_slice(&text), &why, &expression));
    assert_limit(jmespath_search(expression, nothing, &steps, &why, &result), &why, "at most 4 MiB of strings made");
    buffer_clear(&text);
    jmespath_cleanup(&expression);
    /* Quotes and backslashes double in each text of a text. */
    assert_ok(buffer_append_text(&text, "@"));
    for (size_t i = 0; i < 60; i++) assert_ok(buffer_append_text(&text, "|to_string([@])"));
    assert_ok(jmespath_compile(buffer_slice(&text), &why, &expression));
    assert_limit(jmespath_search(expression, nothing, &steps, &why, &result), &why, "at most 4 MiB of strings made");
    assert_null(result);
}

/* What is shared many times over is compared only as far as there are steps. */
static void test_a_value_that_would_be_endless(void **)
{
    struct refusal why = {};
    uint64_t steps = 1000000;
    json_t *result = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20);
    assert_ok(buffer_append_text(&text, "@"));
    for (size_t i = 0; i < 60; i++) assert_ok(buffer_append_text(&text, "|[@,@]"));
    assert_ok(buffer_append_text(&text, "|@==@"));
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *nothing = json_object();
    assert_ok(jmespath_compile(buffer_slice(&text), &why, &expression));
    assert_limit(jmespath_search(expression, nothing, &steps, &why, &result), &why, "the steps that the caller allows");
}

/* Nor is it written further than that, or than there is room. */
static void test_a_result_whose_text_would_be_endless(void **)
{
    struct refusal why = {};
    uint64_t steps = 1000000;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20), small = buffer_of_maximum(64);
    CLEANUP(json_done) json_t *result = NULL, *nothing = json_object();
    assert_ok(buffer_append_text(&text, "@"));
    for (size_t i = 0; i < 60; i++) assert_ok(buffer_append_text(&text, "|[@,@]"));
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    assert_ok(jmespath_compile(buffer_slice(&text), &why, &expression));
    assert_ok(jmespath_search(expression, nothing, &steps, &why, &result));
    assert_status(jmespath_write(result, &steps, &why, &small), ERR_TOO_LARGE);
    CLEANUP(buffer_done) struct buffer large = buffer_of_maximum(64 << 20);
    assert_limit(jmespath_write(result, &steps, &why, &large), &why, "the steps that the caller allows");
    assert_int_equal(steps, 0);
}

static void test_a_policy_whose_query_would_be_endless(void **)
{
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20);
    CLEANUP(policy_cleanup) struct policy *policy = NULL;
    CLEANUP(claim_set_cleanup) struct claim_set *incoming = NULL, *outgoing = NULL, *properties = NULL;
    assert_ok(
        buffer_append_text(&text, "version=1.2; authorizationrules { => add(type=\"x\", value=JmesPath(\"{}\", \"@"));
    for (size_t i = 0; i < 60; i++) assert_ok(buffer_append_text(&text, "|[@,@]"));
    assert_ok(buffer_append_text(&text, "\")); => permit(); };"));
    assert_ok(policy_compile(buffer_slice(&text), &why, &policy));
    assert_ok(claim_set_new(&incoming));
    assert_ok(claim_set_new(&outgoing));
    assert_ok(claim_set_new(&properties));
    const struct policy_result result = {.outgoing = outgoing, .properties = properties};
    assert_status(policy_evaluate(policy, incoming, NULL, &why, &result), ERR_POLICY_LIMIT);
}

static void test_results_are_written(void **)
{
    CLEANUP(json_done) json_t *value = json_loads("{\"b\":[0.1,1,\"\\u00e9\\\"\"],\"a\":null}", 0, NULL);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1024);
    uint64_t steps = 6;
    assert_ok(jmespath_write(value, &steps, NULL, &text));
    assert_slice_equal(buffer_slice(&text), slice_of_text("{\"b\":[0.1,1,\"é\\\"\"],\"a\":null}"));
    assert_int_equal(steps, 0);
}

/* A document is left as it was, and an expression serves many searches. */
static void test_documents_are_not_changed(void **)
{
    CLEANUP(json_done) json_t *document = json_loads("{\"l\":[3,1,2],\"o\":{\"b\":1}}", 0, NULL);
    CLEANUP(json_done) json_t *copy = json_deep_copy(document);
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    assert_ok(jmespath_compile(
        SLICE_LITERAL("[sort(l), reverse(l), merge(o, `{\"b\": 2}`), l[], o.*, map(&[@], l), sort_by(l, &@)]"), NULL,
        &expression));
    json_t *first = NULL;
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(json_done) json_t *result = NULL;
        uint64_t steps = 1000;
        assert_ok(jmespath_search(expression, document, &steps, NULL, &result));
        assert_true(json_equal(document, copy));
        if (first == NULL) first = json_deep_copy(result);
        assert_true(json_equal(first, result));
    }
    json_decref(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_steps_of_texts),
        cmocka_unit_test(test_values_made),
        cmocka_unit_test(test_strings_made),
        cmocka_unit_test(test_a_value_that_would_be_endless),
        cmocka_unit_test(test_a_result_whose_text_would_be_endless),
        cmocka_unit_test(test_results_are_written),
        cmocka_unit_test(test_a_policy_whose_query_would_be_endless),
        cmocka_unit_test(test_documents_are_not_changed),
    };
    return cmocka_run_group_tests_name("policy/jmespath_bounds", tests, NULL, NULL);
}
