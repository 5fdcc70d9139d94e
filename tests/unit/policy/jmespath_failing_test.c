/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever allocation fails while an expression is compiled, searches or is written, there is no result, or the whole
 * one: never a shorter list, or null in place of a value.
 */
#include "failing.h"

#include "policy/jmespath.h"

enum { CALLS_MAX_COUNT = 5000, STEPS = 100000, TEXT_MAX_BYTES = 65536 };

static const char document[] =
    "{\"l\":[{\"k\":3,\"t\":\"c\"},{\"k\":1,\"t\":\"a\"},{\"k\":2,\"t\":\"b\"}],\"o\":{\"x\":1.5}}";

static enum status run(const char *text, json_t *given, struct buffer *written)
{
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *result = NULL;
    struct refusal why = {};
    uint64_t steps = STEPS;
    TRY(jmespath_compile(slice_of_text(text), &why, &expression));
    TRY(jmespath_search(expression, given, &steps, &why, &result));
    return jmespath_write(result, &steps, &why, written);
}

static void assert_whole_or_nothing(const char *text)
{
    CLEANUP(json_done) json_t *given = json_loads(document, 0, NULL);
    CLEANUP(buffer_done) struct buffer whole = buffer_of_maximum(TEXT_MAX_BYTES);
    assert_ok(run(text, given, &whole));
    for (size_t number = 1; number < CALLS_MAX_COUNT; number++) {
        CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(TEXT_MAX_BYTES);
        failing_begin(number);
        const enum status status = run(text, given, &written);
        const bool has_failed = failing_end();
        if (status == OK) assert_slice_equal(buffer_slice(&written), buffer_slice(&whole));
        if (status != OK && status != ERR_NO_MEMORY && status != ERR_JMESPATH)
            fail_msg("%s: %s when call %zu failed", text, status_name(status), number);
        if (has_failed) continue;
        assert_ok(status);
        return;
    }
    fail_msg("no end of calls");
}

static void test_paths_and_projections(void **)
{
    static const char *const texts[] = {"l[*].k",
                                        "l[?k > `1`].t | [0]",
                                        "o.*",
                                        "l[::-1].t",
                                        "l[].[k, t]",
                                        "l[*].{\"a b\": t, k: k}",
                                        "`{\"a\": [1, \"x\"]}`.a",
                                        "'raw' == 'raw' && !o.y || \"l\"[0]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) assert_whole_or_nothing(texts[i]);
}

static void test_functions(void **)
{
    static const char *const texts[] = {
        "sort_by(l, &k)[*].t",
        "[max_by(l, &k).t, min_by(l, &t).k, max(l[*].k), min(l[*].t)]",
        "join('-', sort(l[*].t))",
        "[sum(l[*].k), avg(l[*].k), abs(`-2`), ceil(`1.5`), floor(o.x)]",
        "[to_string(l), to_number('12'), to_array(`1`), type(o)]",
        "[keys(o), values(o), merge(o, `{\"y\": 2}`), map(&k, l)]",
        "[reverse(l), reverse('abc'), length('abc'), not_null(a, b, c, d, e, o)]",
        "[contains(l[*].t, 'a'), starts_with('ab', 'a'), ends_with('ab', 'b'), equals_ignore_case('A', 'a')]",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) assert_whole_or_nothing(texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_and_projections),
        cmocka_unit_test(test_functions),
    };
    return cmocka_run_group_tests_name("policy/jmespath_failing", tests, NULL, NULL);
}
