/* SPDX-License-Identifier: Apache-2.0
 *
 * The limits that a configuration may set for peers.
 */
#include "service/configuration.h"

#include "testing.h"

#include <unistd.h>

static enum status read_with(const char *limits, struct refusal *why, struct configuration *configuration_out)
{
    static const char *const own_names[] = {"rate_limit", NULL};
    static const struct configuration_defaults defaults = {.own_names = own_names,
                                                           .rate_limit = {.per_second = 7, .burst = 8}};
    char path[] = "/tmp/lazaret-configuration-XXXXXX", text[1024];
    const int file = mkstemp(path);
    assert_true(file >= 0);
    const int size = snprintf(text, sizeof(text),
                              "{\"manifest\":\"m\",\"state\":\"s\",\"listen\":\"127.0.0.1:0\",\"deployment\":"
                              "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"%s}",
                              limits);
    assert_int_equal(write(file, text, (size_t)size), size);
    (void)close(file);
    const enum status status = configuration_read(path, &defaults, why, configuration_out);
    (void)unlink(path);
    return status;
}

static void test_limits_are_optional_one_by_one(void **)
{
    struct configuration configuration;
    assert_ok(read_with("", NULL, &configuration));
    assert_int_equal(configuration.tunnel_limits.connections, 0);
    assert_int_equal(configuration.http_limits.idle_ms, 0);
    configuration_done(&configuration);
    assert_ok(read_with(",\"limits\":{\"connections\":100,\"idle_s\":7}", NULL, &configuration));
    assert_int_equal(configuration.tunnel_limits.connections, 100);
    assert_int_equal(configuration.http_limits.connections, 50);
    assert_int_equal(configuration.http_limits.idle_ms, 7000);
    assert_int_equal(configuration.tunnel_limits.idle_ms, 14000);
    assert_int_equal(configuration.http_limits.head_ms, 0);
    configuration_done(&configuration);
    assert_ok(
        read_with(",\"limits\":{\"handshake_s\":1,\"head_s\":2,\"body_s\":3,\"stall_s\":4}", NULL, &configuration));
    assert_int_equal(configuration.tunnel_limits.handshake_ms, 1000);
    assert_int_equal(configuration.http_limits.head_ms, 2000);
    assert_int_equal(configuration.http_limits.body_ms, 3000);
    assert_int_equal(configuration.tunnel_limits.stall_ms, 4000);
    configuration_done(&configuration);
}

static void test_the_rate_limit_is_the_programs_unless_it_is_given(void **)
{
    struct configuration configuration;
    assert_ok(read_with("", NULL, &configuration));
    assert_int_equal(configuration.rate_limit.per_second, 7);
    assert_int_equal(configuration.rate_limit.burst, 8);
    configuration_done(&configuration);
    assert_ok(read_with(",\"rate_limit\":{\"per_second\":0}", NULL, &configuration));
    assert_int_equal(configuration.rate_limit.per_second, 0);
    configuration_done(&configuration);
    assert_ok(read_with(",\"rate_limit\":{\"per_second\":20,\"burst\":3}", NULL, &configuration));
    assert_int_equal(configuration.rate_limit.per_second, 20);
    assert_int_equal(configuration.rate_limit.burst, 3);
    configuration_done(&configuration);
}

static void test_other_limits_are_refused(void **)
{
    static const struct {
        const char *limits, *field;
        enum status status;
    } cases[] = {
        {",\"limits\":{\"connections\":3}", "limits.connections", ERR_FIELD_VALUE},
        {",\"limits\":{\"connections\":65537}", "limits.connections", ERR_FIELD_VALUE},
        {",\"limits\":{\"handshake_s\":0}", "limits.handshake_s", ERR_FIELD_VALUE},
        {",\"limits\":{\"head_s\":601}", "limits.head_s", ERR_FIELD_VALUE},
        {",\"limits\":{\"body_s\":-1}", "limits.body_s", ERR_FIELD_VALUE},
        {",\"limits\":{\"idle_s\":0}", "limits.idle_s", ERR_FIELD_VALUE},
        {",\"limits\":{\"stall_s\":0}", "limits.stall_s", ERR_FIELD_VALUE},
        {",\"limits\":{\"stall_s\":\"1\"}", "limits.stall_s", ERR_FIELD_TYPE},
        {",\"limits\":{\"idle\":1}", "limits.idle", ERR_FIELD_UNKNOWN},
        {",\"limits\":1", "limits", ERR_FIELD_TYPE},
        {",\"rate_limit\":1", "rate_limit", ERR_FIELD_TYPE},
        {",\"rate_limit\":{}", "rate_limit.per_second", ERR_FIELD_MISSING},
        {",\"rate_limit\":{\"per_second\":-1}", "rate_limit.per_second", ERR_FIELD_VALUE},
        {",\"rate_limit\":{\"per_second\":1000001}", "rate_limit.per_second", ERR_FIELD_VALUE},
        {",\"rate_limit\":{\"per_second\":1,\"burst\":0}", "rate_limit.burst", ERR_FIELD_VALUE},
        {",\"rate_limit\":{\"per_second\":1,\"burst\":1000001}", "rate_limit.burst", ERR_FIELD_VALUE},
        {",\"rate_limit\":{\"per_second\":1,\"per_minute\":2}", "rate_limit.per_minute", ERR_FIELD_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct configuration configuration;
        struct refusal why = {};
        assert_status(read_with(cases[i].limits, &why, &configuration), cases[i].status);
        assert_string_equal(why.field, cases[i].field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_are_optional_one_by_one),
        cmocka_unit_test(test_the_rate_limit_is_the_programs_unless_it_is_given),
        cmocka_unit_test(test_other_limits_are_refused),
    };
    return cmocka_run_group_tests_name("service/configuration", tests, NULL, NULL);
}
