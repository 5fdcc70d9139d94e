/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm_setup.h"

#include "tpm_requests.h"

static enum status configure(const char *text, struct refusal *why, char path_out[static PATH_MAX])
{
    struct configuration configuration = {.folder = "/etc/lazaret"};
    configuration.json = json_loads(text, 0, NULL);
    const enum status status = tpm_setup_configure(&configuration, why, path_out);
    json_decref(configuration.json);
    return status;
}

static void test_the_member_may_be_left_out_but_not_be_empty(void **)
{
    char path[PATH_MAX];
    struct refusal why = {};
    assert_ok(configure("{}", &why, path));
    assert_string_equal(path, "");
    assert_ok(configure("{\"tpm_roots\":\"roots.pem\"}", &why, path));
    assert_string_equal(path, "/etc/lazaret/roots.pem");
    assert_refused(configure("{\"tpm_roots\":null}", &why, path), ERR_FIELD_TYPE, &why, "tpm_roots");
    assert_status(configure("{\"tpm_roots\":\"\"}", &why, path), ERR_FIELD_VALUE);
}

static void test_authorities_are_read_or_the_program_does_not_start(void **)
{
    char path[] = "/tmp/lazaret-roots-XXXXXX";
    struct refusal why = {};
    CLEANUP(tpm_roots_cleanup) struct tpm_roots *roots = NULL;
    struct tpm_roots *none = NULL;
    const int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(close(descriptor), 0);
    assert_ok(tpm_setup_open("", &why, &roots));
    assert_null(roots);
    assert_refused(tpm_setup_open(path, &why, &none), ERR_CHAIN, &why, "tpm_roots");
    assert_ok(file_write(path, buffer_slice(&machine()->authority_pem), 0600, &why));
    assert_ok(tpm_setup_open(path, &why, &roots));
    assert_non_null(roots);
    assert_int_equal(unlink(path), 0);
    assert_status(tpm_setup_open(path, &why, &none), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_member_may_be_left_out_but_not_be_empty),
        cmocka_unit_test(test_authorities_are_read_or_the_program_does_not_start),
    };
    return cmocka_run_group_tests_name("attestation/tpm/setup", tests, NULL, NULL);
}
