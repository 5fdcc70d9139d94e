/* SPDX-License-Identifier: Apache-2.0
 *
 * The compliance suite of jmespath.org, whatever of it stands in the folder of shared vectors: groups of a document and
 * cases, each with the result, the kind of error, or (benchmarks) neither.
 */
#include "policy/jmespath.h"
#include "policy/jmespath/values.h"
#include "vectors.h"

#include <dirent.h>

static bool same(const json_t *one, const json_t *other)
{
    uint64_t steps = 1000000;
    struct work work = {.steps = &steps};
    bool equal = false;
    return values_equal(&work, one, other, &equal) == OK && equal;
}

static void check_case(const char *file, const json_t *group, const json_t *test)
{
    CLEANUP(jmespath_cleanup) struct jmespath *expression = NULL;
    CLEANUP(json_done) json_t *result = NULL;
    struct refusal why = {};
    uint64_t steps = 100000;
    const char *const text = json_string_value(json_object_get(test, "expression"));
    const char *const bench = json_string_value(json_object_get(test, "bench"));
    const json_t *const expected = json_object_get(test, "result");
    enum status status = jmespath_compile(slice_of_text(text), &why, &expression);
    if (status == OK && (bench == NULL || strcmp(bench, "parse") != 0))
        status = jmespath_search(expression, json_object_get(group, "given"), &steps, &why, &result);
    if (json_object_get(test, "error") != NULL) {
        if (status != ERR_JMESPATH) fail_msg("%s: %s: %s, expected an error", file, text, status_name(status));
        assert_string_not_equal(why.expected, "");
    } else if (status != OK) {
        fail_msg("%s: %s: %s: expected %s, seen %s", file, text, why.field, why.expected, why.seen);
    } else if (expected != NULL && !same(result, expected)) {
        fail_msg("%s: %s: other result", file, text);
    }
}

static size_t check_file(const char *name)
{
    char relative[NAME_MAX + 32];
    size_t count = 0, i, j;
    const json_t *group, *test;
    (void)snprintf(relative, sizeof(relative), "vectors/jmespath/%s", name);
    CLEANUP(json_done) json_t *groups = vectors_load(relative);
    json_array_foreach (groups, i, group) {
        json_array_foreach (json_object_get(group, "cases"), j, test) {
            check_case(name, group, test);
            count++;
        }
    }
    return count;
}

static void test_every_case_of_the_suite(void **)
{
    DIR *const folder = opendir(shared_path("vectors/jmespath"));
    size_t files = 0, cases = 0;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strstr(entry->d_name, ".json") == NULL) continue;
        cases += check_file(entry->d_name);
        files++;
    }
    (void)closedir(folder);
    assert_true(files > 0);
    print_message("%zu cases of %zu files\n", cases, files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_case_of_the_suite)};
    return cmocka_run_group_tests_name("policy/jmespath_suite", tests, NULL, NULL);
}
