/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/setup.h"

#include "policy_signing.h"

/* Takes JSON text of a whole configuration. */
static enum status configure_text(const char *text, struct refusal *why, struct management_configuration *out)
{
    CLEANUP(configuration_done) struct configuration configuration = {.folder = "/etc/lazaret"};
    *out = (struct management_configuration){};
    assert_ok(json_parse(slice_of_text(text), SIGNED_MAX_BYTES, why, &configuration.json));
    return management_configure(&configuration, why, out);
}

static void expect(const char *text, enum status status, const char *field)
{
    struct management_configuration configured;
    struct refusal why = {};
    assert_status(configure_text(text, &why, &configured), status);
    if (status != OK) assert_string_equal(why.field, field);
    management_configuration_done(&configured);
}

#define WITH(members) "{\"management\":{" members "}}"

static void test_without_it_there_are_no_administrators(void **)
{
    struct management_configuration configured;
    struct refusal why = {};
    assert_ok(configure_text("{}", &why, &configured));
    assert_false(configured.is_isolated);
    assert_int_equal(configured.administrators.count, 0);
    assert_string_equal(configured.postgres, "");
    assert_ok(configure_text(WITH(""), &why, &configured));
    assert_false(configured.is_isolated);
}

static void test_models_of_trust(void **)
{
    struct management_configuration configured;
    struct refusal why = {};
    assert_ok(configure_text(WITH("\"trust\":\"isolated\",\"policy_signers\":\"s.pem\""), &why, &configured));
    assert_true(configured.is_isolated);
    assert_string_equal(configured.policy_signers, "/etc/lazaret/s.pem");
    expect(WITH("\"trust\":\"bearer\""), OK, NULL);
    expect(WITH("\"trust\":\"everybody\""), ERR_FIELD_VALUE, "management.trust");
    expect(WITH("\"trust\":5"), ERR_FIELD_TYPE, "management.trust");
    expect(WITH("\"trust\":\"isolated\""), ERR_FIELD_VALUE, "management.policy_signers");
    expect(WITH("\"policy_signers\":\"s.pem\""), ERR_FIELD_VALUE, "management.policy_signers");
}

static void test_other_members(void **)
{
    expect("{\"management\":5}", ERR_FIELD_TYPE, "management");
    expect(WITH("\"administrator\":[]"), ERR_FIELD_UNKNOWN, "management.administrator");
    expect(WITH("\"administrators\":[{}]"), ERR_FIELD_MISSING, "management.administrators[0].issuer");
    expect(WITH("\"postgres\":\"host=db dbname=x\""), OK, NULL);
    expect(WITH("\"postgres\":\"host=db password=x\""), ERR_CONFIG, "postgres");
    expect(WITH("\"postgres\":\"nonsense\""), ERR_CONFIG, "postgres");
    expect(WITH("\"postgres\":\"\""), ERR_FIELD_VALUE, "management.postgres");
}

static void test_what_the_sandbox_lets_through(void **)
{
    static struct sandbox sandbox;
    struct management_configuration configured;
    struct refusal why = {};
    assert_ok(configure_text(WITH("\"trust\":\"isolated\",\"policy_signers\":\"s.pem\","
                                  "\"postgres\":\"host=db port=6432 passfile=/etc/pgpass\",\"administrators\":["
                                  "{\"issuer\":\"i\",\"audience\":\"a\",\"keys\":\"/keys/k.json\"},"
                                  "{\"issuer\":\"i\",\"audience\":\"a\",\"keys_url\":\"https://login:8443/k\","
                                  "\"ca\":\"/etc/ca.pem\"}]"),
                             &why, &configured));
    assert_ok(management_allow(&configured, &sandbox, &why));
    assert_int_equal(sandbox.port_count, 2);
    assert_int_equal(sandbox.ports[0].number, 6432);
    assert_int_equal(sandbox.ports[1].number, 8443);
    const char *const expected[] = {"/etc/lazaret/s.pem", "/etc/pgpass", "/keys", "/etc/ca.pem"};
    size_t found = 0;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        for (size_t j = 0; j < sandbox.place_count; j++) {
            assert_int_equal(sandbox.places[j].use, SANDBOX_READ);
            found += strcmp(sandbox.places[j].path, expected[i]) == 0;
        }
    }
    assert_int_equal(found, 4);
    management_configuration_done(&configured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_it_there_are_no_administrators),
        cmocka_unit_test(test_models_of_trust),
        cmocka_unit_test(test_other_members),
        cmocka_unit_test(test_what_the_sandbox_lets_through),
    };
    return cmocka_run_group_tests_name("attestation/management_setup", tests, NULL, NULL);
}
