/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands inside an HCL report: the runtime data, and the TDREPORT that the TD quote must repeat.
 */
#include "evidence/azure/runtime_data.h"
#include "evidence/azure/td_report.h"
#include "test_azure.h"

static struct key *rsa;

static int make_key(void **)
{
    assert_ok(key_generate(KEY_RSA, 2048, &rsa));
    return 0;
}

static int free_key(void **)
{
    key_cleanup(&rsa);
    return 0;
}

/* ---- runtime data ---- */

static enum status read_text(const struct buffer *text, struct refusal *why, struct azure_claims *claims)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    *claims = (struct azure_claims){};
    TRY(runtime_data_read(buffer_slice(text), why, claims, &key));
    assert_true(key_equal(key, rsa));
    return OK;
}

static void test_key_configuration_and_user_data_are_read(void **)
{
    CLEANUP(buffer_done)
    struct buffer text = test_runtime_data(rsa, ",{\"kid\":\"HCLEkPub\",\"kty\":\"EC\"}", NULL);
    struct azure_claims claims;
    assert_ok(read_text(&text, NULL, &claims));
    assert_true(claims.secure_boot);
    assert_true(claims.tpm_enabled);
    assert_true(claims.console_enabled);
    assert_string_equal(claims.vm_id, "AB-1");
    assert_string_equal(claims.user_data, "00ff");
}

static void test_what_is_not_said_is_false_and_empty(void **)
{
    static const char *const rests[] = {"}", ",\"vm-configuration\":{}}",
                                        ",\"vm-configuration\":{\"secure-boot\":false},\"user-data\":null}"};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(buffer_done) struct buffer text = test_runtime_data(rsa, "", rests[i]);
        struct azure_claims claims;
        assert_ok(read_text(&text, NULL, &claims));
        assert_false(claims.secure_boot);
        assert_false(claims.tpm_enabled);
        assert_false(claims.console_enabled);
        assert_string_equal(claims.vm_id, "");
        assert_string_equal(claims.user_data, "");
    }
}

static void check_text(const struct key *key, const char *more_keys, const char *rest, const char *field)
{
    CLEANUP(buffer_done) struct buffer text = test_runtime_data(key, more_keys, rest);
    struct azure_claims claims;
    struct refusal why = {};
    assert_refused(read_text(&text, &why, &claims), ERR_AZURE_REPORT, &why, field);
}

static void test_there_is_one_attestation_key(void **)
{
    CLEANUP(buffer_done) struct buffer second = buffer_of_maximum(4096);
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_RSA, 2048, &other));
    assert_ok(buffer_append_text(&second, ","));
    test_jwk(&second, "HCLAkPub", other);
    const char *text;
    assert_ok(buffer_text(&second, &text));
    check_text(rsa, text, "}", "runtime_data.keys.HCLAkPub");
    check_text(NULL, "", "}", "runtime_data.keys.HCLAkPub");
    check_text(NULL, text + 1, "x", "json");
    check_text(NULL, "{\"kid\":\"HCLEkPub\"}", "}", "runtime_data.keys.HCLAkPub");
    check_text(NULL, "{\"kty\":\"RSA\"}", "}", "runtime_data.keys[0].kid");
    check_text(NULL, "1,1,1,1,1,1,1,1,1", "}", "runtime_data.keys");
}

static void test_a_key_that_is_no_sound_rsa_key_is_refused(void **)
{
    check_text(NULL, "{\"kid\":\"HCLAkPub\",\"kty\":\"EC\"}", "}", "runtime_data.keys.HCLAkPub.kty");
    check_text(NULL, "{\"kid\":\"HCLAkPub\"}", "}", "runtime_data.keys.HCLAkPub.kty");
    check_text(NULL, "{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"e\":\"AQAB\"}", "}", "runtime_data.keys.HCLAkPub.n");
    check_text(NULL, "{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AQAB\"}", "}", "runtime_data.keys.HCLAkPub.e");
    check_text(NULL, "{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"+\",\"e\":\"AQAB\"}", "}",
               "runtime_data.keys.HCLAkPub.n");
    check_text(NULL, "{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "}",
               "runtime_data.keys.HCLAkPub");
}

static void test_members_of_another_type_or_size_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer long_text = buffer_of_maximum(1024);
    const char *text;
    assert_ok(buffer_append_text(&long_text, ",\"user-data\":\""));
    for (size_t i = 0; i <= AZURE_USER_DATA_MAX_BYTES; i++) assert_ok(buffer_append_text(&long_text, "0"));
    assert_ok(buffer_append_text(&long_text, "\"}"));
    assert_ok(buffer_text(&long_text, &text));
    check_text(rsa, "", text, "runtime_data.user-data");
    check_text(rsa, "", ",\"user-data\":1}", "runtime_data.user-data");
    check_text(rsa, "", ",\"vm-configuration\":1}", "runtime_data.vm-configuration");
    check_text(rsa, "", ",\"vm-configuration\":{\"secure-boot\":1}}", "runtime_data.vm-configuration.secure-boot");
    check_text(rsa, "", ",\"vm-configuration\":{\"tpm-enabled\":1}}", "runtime_data.vm-configuration.tpm-enabled");
    check_text(rsa, "", ",\"vm-configuration\":{\"console-enabled\":1}}",
               "runtime_data.vm-configuration.console-enabled");
    check_text(rsa, "", ",\"vm-configuration\":{\"vmUniqueId\":1}}", "runtime_data.vm-configuration.vmUniqueId");
    struct azure_claims claims;
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer no_object = buffer_of_maximum(64);
    assert_ok(buffer_append_text(&no_object, "{\"keys\":{}}"));
    assert_refused(read_text(&no_object, &why, &claims), ERR_AZURE_REPORT, &why, "runtime_data.keys");
}

/* ---- TDREPORT ---- */

/* Every byte of the claims another one, and the report that says the same. */
static void make_td_report(struct tdx_claims *claims, uint8_t report[TD_REPORT_BYTES])
{
    const struct {
        size_t at, size;
        uint8_t *claim;
    } fields[] = {
        {128, 64, claims->report_data},    {264, 16, claims->tee_tcb_svn},
        {280, 48, claims->mrseam},         {328, 48, claims->mrsignerseam},
        {376, 8, claims->seam_attributes}, {384, 16, claims->tee_tcb_svn2},
        {512, 8, claims->td_attributes},   {520, 8, claims->xfam},
        {528, 48, claims->mrtd},           {576, 48, claims->mrconfigid},
        {624, 48, claims->mrowner},        {672, 48, claims->mrownerconfig},
        {720, 48, claims->rtmr[0]},        {768, 48, claims->rtmr[1]},
        {816, 48, claims->rtmr[2]},        {864, 48, claims->rtmr[3]},
        {912, 48, claims->mrservicetd},
    };
    memset(report, 0, TD_REPORT_BYTES);
    report[0] = 0x81;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        for (size_t j = 0; j < fields[i].size; j++)
            report[fields[i].at + j] = fields[i].claim[j] = (uint8_t)(1 + i * 7 + j);
    }
}

static void test_a_report_and_a_quote_that_agree(void **)
{
    struct tdx_claims claims = {};
    uint8_t report[TD_REPORT_BYTES];
    make_td_report(&claims, report);
    assert_ok(td_report_check(SLICE_ARRAY(report), &claims, NULL));
    claims.is_td15 = true;
    assert_ok(td_report_check(SLICE_ARRAY(report), &claims, NULL));
}

static void test_each_field_in_which_they_differ(void **)
{
    const struct {
        size_t first, last;
        const char *field;
    } fields[] = {
        {0, 0, "type"},
        {128, 191, "report_data"},
        {264, 279, "tee_tcb_svn"},
        {280, 327, "mrseam"},
        {328, 375, "mrsignerseam"},
        {376, 383, "seam_attributes"},
        {512, 519, "td_attributes"},
        {520, 527, "xfam"},
        {528, 575, "mrtd"},
        {576, 623, "mrconfigid"},
        {624, 671, "mrowner"},
        {672, 719, "mrownerconfig"},
        {720, 767, "rtmr0"},
        {768, 815, "rtmr1"},
        {816, 863, "rtmr2"},
        {864, 911, "rtmr3"},
        {384, 399, "tee_tcb_svn2"},
        {912, 959, "mrservicetd"},
    };
    struct tdx_claims claims = {.is_td15 = true};
    uint8_t report[TD_REPORT_BYTES];
    make_td_report(&claims, report);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const size_t ends[] = {fields[i].first, fields[i].last};
        for (size_t j = 0; j < 2; j++) {
            char field[64];
            struct refusal why = {};
            (void)snprintf(field, sizeof(field), "hcl_report.td_report.%s", fields[i].field);
            report[ends[j]] ^= 1;
            assert_refused(td_report_check(SLICE_ARRAY(report), &claims, &why), ERR_AZURE_REPORT, &why, field);
            claims.is_td15 = false;
            assert_status(td_report_check(SLICE_ARRAY(report), &claims, &why), i < 16 ? ERR_AZURE_REPORT : OK);
            claims.is_td15 = true;
            report[ends[j]] ^= 1;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_configuration_and_user_data_are_read),
        cmocka_unit_test(test_what_is_not_said_is_false_and_empty),
        cmocka_unit_test(test_there_is_one_attestation_key),
        cmocka_unit_test(test_a_key_that_is_no_sound_rsa_key_is_refused),
        cmocka_unit_test(test_members_of_another_type_or_size_are_refused),
        cmocka_unit_test(test_a_report_and_a_quote_that_agree),
        cmocka_unit_test(test_each_field_in_which_they_differ),
    };
    return cmocka_run_group_tests_name("evidence/azure_parts", tests, make_key, free_key);
}
