/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a configuration may change while a program runs.
 */
#include "service/reload.h"

#include "testing.h"

static const char *const changeable[] = {"free", "both.inner", NULL};

static enum status check(const char *before_text, const char *after_text, struct refusal *why)
{
    CLEANUP(json_done) json_t *before = NULL;
    CLEANUP(json_done) json_t *after = NULL;
    assert_ok(json_parse(slice_of_text(before_text), 1024, NULL, &before));
    assert_ok(json_parse(slice_of_text(after_text), 1024, NULL, &after));
    return configuration_check_change(before, after, changeable, why);
}

static void test_what_is_changeable_may_change(void **)
{
    assert_ok(check("{}", "{}", NULL));
    assert_ok(check("{\"a\":1,\"b\":[1]}", "{\"b\":[1],\"a\":1}", NULL));
    assert_ok(check("{\"free\":1}", "{\"free\":{\"x\":2}}", NULL));
    assert_ok(check("{\"free\":1}", "{}", NULL));
    assert_ok(check("{}", "{\"free\":1,\"log_level\":\"debug\",\"drain_s\":3}", NULL));
    assert_ok(check("{\"both\":{\"inner\":1,\"x\":2}}", "{\"both\":{\"inner\":3,\"x\":2}}", NULL));
    assert_ok(check("{\"both\":{\"x\":2}}", "{\"both\":{\"inner\":3,\"x\":2}}", NULL));
}

static void test_what_is_not_is_named(void **)
{
    static const struct {
        const char *before, *after, *field;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":2}", "a"},
        {"{\"a\":1}", "{}", "a"},
        {"{}", "{\"a\":1}", "a"},
        {"{\"a\":[1]}", "{\"a\":[1,2]}", "a"},
        {"{\"both\":{\"inner\":1,\"x\":2}}", "{\"both\":{\"inner\":1,\"x\":3}}", "both.x"},
        {"{\"both\":{\"x\":2}}", "{\"both\":{\"x\":2,\"y\":3}}", "both.y"},
        {"{\"both\":{\"x\":2}}", "{\"both\":7}", "both.x"},
        {"{\"both\":7}", "{\"both\":{}}", "both"},
        {"{}", "{\"both\":{\"inner\":1}}", "both"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct refusal why = {};
        assert_status(check(cases[i].before, cases[i].after, &why), ERR_CONFIG);
        assert_string_equal(why.field, cases[i].field);
        assert_non_null(strstr(why.fix, "new start"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_changeable_may_change),
        cmocka_unit_test(test_what_is_not_is_named),
    };
    return cmocka_run_group_tests_name("service/reload", tests, NULL, NULL);
}
