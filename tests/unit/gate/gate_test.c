/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/gate.h"

#include "testing.h"

static enum status configure(const char *json, struct refusal *why, struct gate *gate)
{
    struct configuration configuration = {.folder = "/etc/lazaret"};
    assert_ok(json_parse(slice_of_text(json), 4096, NULL, &configuration.json));
    *gate = (struct gate){};
    const enum status status = gate_configure(gate, &configuration, why);
    configuration_done(&configuration);
    return status;
}

static void test_good_configurations(void **)
{
    struct gate gate;
    assert_ok(
        configure("{\"inner\": \"unix:/run/redis.sock\", \"accept\": [\"platform\", \"diagnosis\"]}", NULL, &gate));
    assert_string_equal(gate.inner, "unix:/run/redis.sock");
    assert_int_equal(gate.accept_count, 2);
    assert_string_equal(gate.accept[1], "diagnosis");
    assert_ok(configure("{\"inner\": \"unix:redis.sock\", \"accept\": [\"platform\"]}", NULL, &gate));
    assert_string_equal(gate.inner, "unix:/etc/lazaret/redis.sock");
    assert_ok(configure("{\"inner\": \"127.0.0.1:6379\", \"accept\": [\"platform\"]}", NULL, &gate));
    assert_string_equal(gate.inner, "127.0.0.1:6379");
}

static void refuses(const char *json, enum status expected, const char *field)
{
    struct gate gate;
    struct refusal why = {};
    assert_status(configure(json, &why, &gate), expected);
    assert_string_equal(why.field, field);
}

static void test_bad_configurations(void **)
{
    refuses("{\"accept\": [\"platform\"]}", ERR_FIELD_MISSING, "inner");
    refuses("{\"inner\": 1, \"accept\": [\"platform\"]}", ERR_FIELD_TYPE, "inner");
    refuses("{\"inner\": \"unix:\", \"accept\": [\"platform\"]}", ERR_FIELD_VALUE, "inner");
    refuses("{\"inner\": \"redis\", \"accept\": [\"platform\"]}", ERR_FIELD_VALUE, "inner");
    refuses("{\"inner\": \"h:1\"}", ERR_FIELD_MISSING, "accept");
    refuses("{\"inner\": \"h:1\", \"accept\": \"platform\"}", ERR_FIELD_TYPE, "accept");
    refuses("{\"inner\": \"h:1\", \"accept\": []}", ERR_FIELD_VALUE, "accept");
    refuses("{\"inner\": \"h:1\", \"accept\": [\"\"]}", ERR_FIELD_VALUE, "accept");
    refuses("{\"inner\": \"h:1\", \"accept\": [7]}", ERR_FIELD_VALUE, "accept");
    refuses("{\"inner\": \"h:1\", \"accept\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}", ERR_FIELD_VALUE, "accept");
}

static void test_the_rule_is_the_manifests(void **)
{
    struct manifest manifest = {.roles = {{.service = "gate"}, {.service = "platform"}}, .role_count = 2};
    struct gate gate = {.accept = {"platform"}, .accept_count = 1};
    struct tunnel_peer_rule rule = {};
    assert_ok(gate_rule(&gate, &manifest, NULL, &rule));
    assert_ptr_equal(rule.rules, &manifest.relying_party);
    assert_int_equal(rule.role_count, 1);
    assert_ptr_equal(rule.roles[0], &manifest.roles[1]);
    struct refusal why = {};
    (void)snprintf(gate.accept[0], sizeof(gate.accept[0]), "nobody");
    assert_status(gate_rule(&gate, &manifest, &why, &rule), ERR_MANIFEST);
    assert_string_equal(why.expected, "nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_configurations),
        cmocka_unit_test(test_bad_configurations),
        cmocka_unit_test(test_the_rule_is_the_manifests),
    };
    return cmocka_run_group_tests_name("gate/gate", tests, NULL, NULL);
}
