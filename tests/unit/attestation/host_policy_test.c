/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/host_policy.h"

#include "appraisals.h"

static enum status configure(const char *text, struct refusal *why, char path_out[static PATH_MAX])
{
    struct configuration configuration = {.folder = "/etc/lazaret"};
    configuration.json = json_loads(text, 0, NULL);
    const enum status status = host_policy_configure(&configuration, why, path_out);
    json_decref(configuration.json);
    return status;
}

static void test_the_member_may_be_left_out_but_not_be_empty(void **)
{
    char path[PATH_MAX];
    struct refusal why = {};
    assert_ok(configure("{}", &why, path));
    assert_string_equal(path, "");
    assert_ok(configure("{\"appraisal\":\"policy.json\"}", &why, path));
    assert_string_equal(path, "/etc/lazaret/policy.json");
    assert_status(configure("{\"appraisal\":\"\"}", &why, path), ERR_FIELD_VALUE);
    assert_status(configure("{\"appraisal\":null}", &why, path), ERR_FIELD_TYPE);
    assert_string_equal(why.field, "appraisal");
}

static void test_a_policy_is_read_or_the_program_does_not_start(void **)
{
    char path[] = "/tmp/lazaret-policy-XXXXXX";
    struct refusal why = {};
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *policy = NULL;
    CLEANUP(json_done) json_t *example = example_policy("sgx");
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(APPRAISAL_POLICY_MAX_BYTES);
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(close(descriptor), 0);
    assert_ok(host_policy_open("", &why, &policy));
    assert_null(policy);
    assert_status(host_policy_open(path, &why, &policy), ERR_APPRAISAL_POLICY);
    assert_ok(json_write(example, &text));
    assert_ok(file_write(path, buffer_slice(&text), 0600, &why));
    assert_ok(host_policy_open(path, &why, &policy));
    assert_non_null(policy);
    assert_int_equal(unlink(path), 0);
    struct appraisal_policy *none = NULL;
    assert_status(host_policy_open(path, &why, &none), ERR_IO);
}

static void test_another_text_needs_a_new_start(void **)
{
    char path[] = "/tmp/lazaret-policy-XXXXXX";
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer text = {};
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "one", 3), 3);
    assert_int_equal(close(descriptor), 0);
    assert_ok(host_policy_read(path, &why, &text));
    assert_ok(host_policy_check_same(path, &text, &why));
    assert_ok(file_write(path, SLICE_LITERAL("two"), 0600, &why));
    assert_status(host_policy_check_same(path, &text, &why), ERR_CONFIG);
    assert_string_equal(why.field, "appraisal");
    assert_int_equal(unlink(path), 0);
    assert_status(host_policy_check_same(path, &text, &why), ERR_IO);
    CLEANUP(buffer_done) struct buffer none = {};
    assert_ok(host_policy_read("", &why, &none));
    assert_ok(host_policy_check_same("", &none, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_member_may_be_left_out_but_not_be_empty),
        cmocka_unit_test(test_a_policy_is_read_or_the_program_does_not_start),
        cmocka_unit_test(test_another_text_needs_a_new_start),
    };
    return cmocka_run_group_tests_name("attestation/host_policy", tests, NULL, NULL);
}
