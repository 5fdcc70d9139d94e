/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions that are refused, with the place, what stands there and what could; and values that functions do not
 * take.
 */
#include "policy/jmespath.h"
#include "testing.h"

enum { STEPS = 100000 };

static json_t *json_of(const char *text)
{
    json_t *const value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (value == NULL) fail_msg("not JSON: %s", text);
    return value;
}

static enum status run(const char *document, const char *text, struct refusal *why, json_t **result_out)
{
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *given = json_of(document);
    uint64_t steps = STEPS;
    TRY(jmespath_compile(slice_of_text(text), why, &expression));
    return jmespath_search(expression, given, &steps, why, result_out);
}

static void assert_refused(const char *document, const char *text, const char *field, const char *expected,
                           const char *seen)
{
    json_t *result = NULL;
    struct refusal why = {};
    const enum status status = run(document, text, &why, &result);
    if (status != ERR_JMESPATH) fail_msg("%s: %s", text, status_name(status));
    assert_null(result);
    assert_string_equal(why.field, field);
    assert_string_equal(why.expected, expected);
    assert_string_equal(why.seen, seen);
}

static void test_signs_that_are_none(void **)
{
    static const char sign[] = "a sign of JMESPath; other names in \"\"";
    assert_refused("{}", "a#", "column 2", sign, "#");
    assert_refused("{}", "a ^ b", "column 3", sign, "^");
    assert_refused("{}", "-", "column 1", sign, "-");
    assert_refused("{}", "a[?b?]", "column 5", sign, "?");
    assert_refused("{}", "a = b", "column 3", "== to compare", "=");
    assert_refused("{}", "\"é\".#", "column 5", sign, "#");
    assert_refused("{}", "\"open", "column 1", "a closing \"", "\"open");
    assert_refused("{}", "a == 'open\\'", "column 6", "a closing '", "'open\\'");
    assert_refused("{}", "`1", "column 1", "a closing `", "`1");
    assert_refused("{}", "'\\", "column 1", "a closing '", "'\\");
}

static void test_expressions_that_end_too_early(void **)
{
    static const char *const cases[] = {
        "",    " ",    "a.",  "a |",  "a ||", "a &&", "a ==",  "!",     "(",       "[",       "{",
        "[?",  "a[",   "a[?", "a[?b", "[a",   "[a,",  "{a",    "{a:",   "{a:b",    "{a:b,",   "(a",
        "a[1", "a[1:", "a[*", "*.",   "a[].", "abs(", "abs(a", "map(&", "map(&a,", "length(a"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *result = NULL;
        struct refusal why = {};
        const enum status status = run("{}", cases[i], &why, &result);
        if (status != ERR_JMESPATH || strcmp(why.seen, "the end") != 0)
            fail_msg("%s: %s, seen %s", cases[i], status_name(status), why.seen);
    }
}

static void test_what_stands_in_a_wrong_place(void **)
{
    static const char going_on[] = "the end, or a sign that goes on", any[] = "an expression";
    static const char dot[] = "a name, *, [ or { behind .";
    assert_refused("{}", "a b", "column 3", going_on, "b");
    assert_refused("{}", "a[*]b", "column 5", going_on, "b");
    assert_refused("{}", "*0", "column 2", going_on, "0");
    assert_refused("{}", "a]", "column 2", going_on, "]");
    assert_refused("{}", "a{b: c}", "column 2", going_on, "{");
    assert_refused("{}", "@(a)", "column 2", going_on, "(");
    assert_refused("{}", "\"length\"(a)", "column 9", going_on, "(");
    assert_refused("{}", "a.1", "column 3", dot, "1");
    assert_refused("{}", "a..b", "column 3", dot, ".");
    assert_refused("{}", "a.'b'", "column 3", dot, "'b'");
    assert_refused("{}", "a[*].`1`", "column 6", dot, "`1`");
    assert_refused("{}", ".a", "column 1", any, ".");
    assert_refused("{}", "a || || b", "column 6", any, "||");
    assert_refused("{}", "1", "column 1", any, "1");
    assert_refused("{}", "&a", "column 1", any, "&");
    assert_refused("{}", "[a, &b]", "column 5", any, "&");
    assert_refused("{}", "abs(a,)", "column 7", "fewer arguments of this function", ")");
    assert_refused("{}", "[a,]", "column 4", any, "]");
    assert_refused("{}", "{a: b,}", "column 7", "a member's name", "}");
    assert_refused("{}", "{}", "column 2", "a member's name", "}");
    assert_refused("{}", "{'a': b}", "column 2", "a member's name", "'a'");
    assert_refused("{}", "{a b}", "column 4", ":", "b");
    assert_refused("{}", "{a: b c}", "column 7", ", or }", "c");
    assert_refused("{}", "[a b]", "column 4", ", or ]", "b");
    assert_refused("{}", "(a b)", "column 4", ")", "b");
    assert_refused("{}", "not_null(a b)", "column 12", ", or )", "b");
    assert_refused("{}", "a[?b c]", "column 6", "] at the end of the filter", "c");
    assert_refused("{}", "a[b]", "column 3", "a number, : or * (a list of expressions stands behind . or |)", "b");
    assert_refused("{}", "a[*b]", "column 4", "]", "b");
    assert_refused("{}", "a[1, 2]", "column 4", "a number, : or ]", ",");
    assert_refused("{}", "a[1:2:3:4]", "column 8", "a number, : or ]", ":");
    assert_refused("{}", "a[:@]", "column 4", "a number, : or ]", "@");
}

static void test_literals_that_are_none(void **)
{
    assert_refused("{}", "``", "column 1", "one JSON value in ``", "``");
    assert_refused("{}", "a == `foo`", "column 6", "one JSON value in ``", "`foo`");
    assert_refused("{}", "`1, 2`", "column 1", "one JSON value in ``", "`1, 2`");
    assert_refused("{}", "`1] , [2`", "column 1", "one JSON value in ``", "`1] , [2`");
    assert_refused("{}", "`{\"a\":1,\"a\":2}`", "column 1", "one JSON value in ``", "`{\"a\":1,\"a\":2}`");
    assert_refused("{}", "`\"\\u0000\"`", "column 1", "one JSON value in ``", "`\"\\u0000\"`");
    assert_refused("{}", "\"\\u\"", "column 1", "a JSON string in \"\"", "\"\\u\"");
    assert_refused("{}", "\"a\nb\"", "column 1", "a JSON string in \"\"", "\"a?b\"");
    assert_refused("{}", "{\"\\x\": a}", "column 2", "a JSON string in \"\"", "\"\\x\"");
}

static void test_numbers_that_are_refused(void **)
{
    assert_refused("{}", "a[1000000000000000000]", "column 3", "a number of at most 18 digits", "1000000000000000000");
    assert_refused("{}", "a[::0]", "column 5", "a step other than 0", "0");
    assert_refused("{}", "a[1:2:-0]", "column 7", "a step other than 0", "-0");
    assert_refused("{}", "sum(`[1e308, 1e308]`)", "JMESPath search", "a number that JSON can hold", "one beyond");
}

static void test_functions_that_are_refused(void **)
{
    assert_refused("{}", "a.size(@)", "column 3", "a function of JMESPath, or equals_ignore_case", "size");
    assert_refused("{}", "length()", "column 8", "more arguments of this function", ")");
    assert_refused("{}", "not_null()", "column 10", "more arguments of this function", ")");
    assert_refused("{}", "merge()", "column 7", "more arguments of this function", ")");
    assert_refused("{}", "contains(a)", "column 11", "more arguments of this function", ")");
    assert_refused("{}", "length(a, b)", "column 11", "fewer arguments of this function", "b");
    assert_refused("{}", "sort_by(a, b)", "column 12", "& and an expression", "b");
    assert_refused("{}", "map(a, b)", "column 5", "& and an expression", "a");
    assert_refused("{}", "length(&a)", "column 8", "a value, not an expression behind &", "&");
    assert_refused("{}", "not_null(a, &b)", "column 13", "a value, not an expression behind &", "&");
}

static void test_arguments_of_wrong_types(void **)
{
    static const struct {
        const char *text, *expected, *seen;
    } cases[] = {
        {"abs('a')", "a number as argument 1 of abs()", "string"},
        {"ceil(@)", "a number as argument 1 of ceil()", "object"},
        {"floor(missing)", "a number as argument 1 of floor()", "null"},
        {"avg(`[1, \"a\"]`)", "an array of numbers as argument 1 of avg()", "array"},
        {"sum(`[null]`)", "an array of numbers as argument 1 of sum()", "array"},
        {"sum(`1`)", "an array of numbers as argument 1 of sum()", "number"},
        {"max(`[1, \"a\"]`)", "an array of numbers, or one of strings as argument 1 of max()", "array"},
        {"min(`[true]`)", "an array of numbers, or one of strings as argument 1 of min()", "array"},
        {"sort(`[[1]]`)", "an array of numbers, or one of strings as argument 1 of sort()", "array"},
        {"join(`1`, `[]`)", "a string as argument 1 of join()", "number"},
        {"join('', `[1]`)", "an array of strings as argument 2 of join()", "array"},
        {"contains(`1`, 'a')", "an array or a string as argument 1 of contains()", "number"},
        {"starts_with(`[]`, 'a')", "a string as argument 1 of starts_with()", "array"},
        {"starts_with('a', `true`)", "a string as argument 2 of starts_with()", "boolean"},
        {"ends_with('a', missing)", "a string as argument 2 of ends_with()", "null"},
        {"equals_ignore_case('a', missing)", "a string as argument 2 of equals_ignore_case()", "null"},
        {"equals_ignore_case(`1`, 'a')", "a string as argument 1 of equals_ignore_case()", "number"},
        {"length(`1`)", "a string, an array or an object as argument 1 of length()", "number"},
        {"reverse(@)", "an array or a string as argument 1 of reverse()", "object"},
        {"keys(`[]`)", "an object as argument 1 of keys()", "array"},
        {"values('a')", "an object as argument 1 of values()", "string"},
        {"merge(@, `[]`)", "an object as argument 2 of merge()", "array"},
        {"map(&a, @)", "an array as argument 2 of map()", "object"},
        {"sort_by('a', &b)", "an array as argument 1 of sort_by()", "string"},
        {"max_by(missing, &b)", "an array as argument 1 of max_by()", "null"},
        {"min_by(`1`, &b)", "an array as argument 1 of min_by()", "number"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused("{}", cases[i].text, "column 1", cases[i].expected, cases[i].seen);
}

static void test_keys_that_have_no_order(void **)
{
    static const char expected[] = "an expression that finds numbers only, or strings only";
    assert_refused("[{\"a\":1},{\"a\":\"b\"}]", "@ | sort_by(@, &a)", "column 5", expected, "string");
    assert_refused("[{\"a\":\"b\"},{\"a\":1}]", "max_by(@, &a)", "column 1", expected, "number");
    assert_refused("[{\"a\":1},{}]", "min_by(@, &a)", "column 1", expected, "null");
    assert_refused("[{\"a\":true}]", "sort_by(@, &a)", "column 1", expected, "boolean");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signs_that_are_none),          cmocka_unit_test(test_expressions_that_end_too_early),
        cmocka_unit_test(test_what_stands_in_a_wrong_place), cmocka_unit_test(test_literals_that_are_none),
        cmocka_unit_test(test_numbers_that_are_refused),     cmocka_unit_test(test_functions_that_are_refused),
        cmocka_unit_test(test_arguments_of_wrong_types),     cmocka_unit_test(test_keys_that_have_no_order),
    };
    return cmocka_run_group_tests_name("policy/jmespath_refusal", tests, NULL, NULL);
}
