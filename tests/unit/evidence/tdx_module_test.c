/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/tdx_module.h"

#include "testing.h"

#define ZEROS_96 "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
#define SIGNER_1                                                                                                       \
    "11"                                                                                                               \
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
#define REST "\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
#define LEVEL(svn, status)                                                                                             \
    "{\"tcb\":{\"isvsvn\":" svn "},\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"" status "\"}"

static const char good[] =
    "{\"tdxModule\":{\"mrsigner\":\"" ZEROS_96 "\"," REST "},\"tdxModuleIdentities\":["
    "{\"id\":\"TDX_03\",\"mrsigner\":\"" SIGNER_1 "\"," REST ",\"tcbLevels\":[" LEVEL("3", "OutOfDate") "," LEVEL(
        "5", "UpToDate") "]},"
                         "{\"id\":\"TDX_1A\",\"mrsigner\":\"" ZEROS_96 "\"," REST
                         ",\"tcbLevels\":[" LEVEL("2", "UpToDate") "]}]}";

/* Reads `good` with the first `from` replaced by `to`; the document must outlive what is read. */
static enum status read_with(const char *from, const char *to, struct json_tree *document, struct refusal *why,
                             struct tdx_modules *modules)
{
    static char changed[8192];
    const char *const at = strstr(good, from);
    assert_non_null(at);
    (void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    assert_ok(json_tree_parse(slice_of_text(changed), sizeof(changed), "json", NULL, document));
    return tdx_modules_read(document->nodes, why, modules);
}

static void assert_refused(const char *from, const char *to, const char *field)
{
    CLEANUP(json_tree_done) struct json_tree document = {};
    CLEANUP(tdx_modules_done) struct tdx_modules modules = {};
    struct refusal why = {};
    assert_int_not_equal(read_with(from, to, &document, &why, &modules), OK);
    assert_string_equal(why.field, field);
}

static void test_modules_are_read(void **)
{
    CLEANUP(json_tree_done) struct json_tree document = {};
    CLEANUP(tdx_modules_done) struct tdx_modules modules = {};
    assert_ok(read_with("", "", &document, NULL, &modules));
    assert_int_equal(modules.identity_count, 2);
    assert_string_equal(modules.identities[0].id, "TDX_03");
    assert_int_equal(modules.identities[0].module.mrsigner[0], 0x11);
    assert_int_equal(modules.identities[0].levels.items[0].svn, 5);
    assert_int_equal(modules.identities[1].levels.count, 1);
}

static void test_a_platform_may_have_modules_of_version_0_alone(void **)
{
    static const char text[] = "{\"tdxModule\":{\"mrsigner\":\"" SIGNER_1 "\"," REST "}}";
    CLEANUP(json_tree_done) struct json_tree document = {};
    CLEANUP(tdx_modules_done) struct tdx_modules modules = {};
    assert_ok(json_tree_parse(SLICE_LITERAL(text), sizeof(text), "json", NULL, &document));
    assert_ok(tdx_modules_read(document.nodes, NULL, &modules));
    assert_int_equal(modules.identity_count, 0);
    assert_int_equal(modules.first.mrsigner[0], 0x11);
}

static void test_each_fault_is_refused(void **)
{
    assert_refused("\"tdxModule\"", "\"tdxModul\"", "tcbInfo.tdxModule");
    assert_refused("\"mrsigner\":\"00", "\"mrsigner\":\"0", "tcbInfo.tdxModule.mrsigner");
    assert_refused("\"attributes\":\"00", "\"attributes\":\"", "tcbInfo.tdxModule.attributes");
    assert_refused("\"attributesMask\":\"FF", "\"attributesMask\":\"", "tcbInfo.tdxModule.attributesMask");
    assert_refused("\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":0,\"x\":[", "tcbInfo.tdxModuleIdentities");
    assert_refused("\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[],\"x\":[", "tcbInfo.tdxModuleIdentities");
    assert_refused("\"id\":\"TDX_03\"", "\"id\":3", "tcbInfo.tdxModuleIdentities[0].id");
    assert_refused("\"id\":\"TDX_03\"", "\"id\":\"12345678901234567\"", "tcbInfo.tdxModuleIdentities[0].id");
    assert_refused("\"id\":\"TDX_03\"", "\"id\":\"tdx_1a\"", "tcbInfo.tdxModuleIdentities[1].id");
    assert_refused("\"mrsigner\":\"11", "\"mrsigner\":\"", "tcbInfo.tdxModuleIdentities[0].mrsigner");
    assert_refused(LEVEL("2", "UpToDate"), "", "tcbInfo.tdxModuleIdentities[1].tcbLevels");
    assert_refused("\"isvsvn\":2", "\"isvsvn\":-2", "tcbInfo.tdxModuleIdentities[1].tcbLevels[0].tcb.isvsvn");
}

static void test_modules_that_are_no_list_are_told_as_that(void **)
{
    CLEANUP(json_tree_done) struct json_tree document = {};
    CLEANUP(tdx_modules_done) struct tdx_modules modules = {};
    struct refusal why = {};
    assert_status(
        read_with("\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":0,\"x\":[", &document, &why, &modules),
        ERR_FIELD_TYPE);
    assert_string_equal(why.expected, "an array");
}

/* ---- the module of a report ---- */

static const struct tdx_module_identity *find(const struct tdx_modules *modules, uint8_t version)
{
    const uint8_t svn[16] = {5, version};
    const struct tdx_module_identity *found = NULL;
    assert_ok(tdx_module_find(modules, SLICE_ARRAY(svn), NULL, &found));
    return found;
}

static void test_the_modules_identity_is_found_by_its_major_version(void **)
{
    CLEANUP(json_tree_done) struct json_tree document = {};
    CLEANUP(tdx_modules_done) struct tdx_modules modules = {};
    assert_ok(read_with("TDX_1A", "tdx_1a", &document, NULL, &modules)); /* case does not count */
    assert_null(find(&modules, 0));
    assert_ptr_equal(find(&modules, 3), &modules.identities[0]);
    assert_ptr_equal(find(&modules, 0x1a), &modules.identities[1]);
    static const uint8_t svn[16] = {5, 4};
    const struct tdx_module_identity *found = NULL;
    struct refusal why = {};
    assert_status(tdx_module_find(&modules, SLICE_ARRAY(svn), &why, &found), ERR_TDX_MODULE);
    assert_string_equal(why.field, "tcbInfo.tdxModuleIdentities");
    assert_string_equal(why.expected, "TDX_04");
}

static void assert_check(const struct tdx_modules *modules, const struct tdx_module_identity *identity,
                         const uint8_t *mrsigner, uint8_t attribute, const char *field)
{
    const uint8_t attributes[8] = {attribute};
    const struct td_report report = {.mrsignerseam = slice_of(mrsigner, 48),
                                     .seam_attributes = SLICE_ARRAY(attributes)};
    struct refusal why = {};
    assert_status(tdx_module_check(modules, identity, &report, &why), field == NULL ? OK : ERR_TDX_MODULE);
    assert_string_equal(why.field, field == NULL ? "" : field);
}

static void test_signer_and_attributes_of_the_module_count(void **)
{
    static const uint8_t zeros[48], signer_1[48] = {0x11}, last[48] = {[47] = 1};
    CLEANUP(json_tree_done) struct json_tree document = {};
    CLEANUP(tdx_modules_done) struct tdx_modules modules = {};
    assert_ok(read_with("", "", &document, NULL, &modules));
    const struct tdx_module_identity *const identity = &modules.identities[0];
    assert_check(&modules, NULL, zeros, 0, NULL);
    assert_check(&modules, identity, signer_1, 0, NULL);
    assert_check(&modules, NULL, signer_1, 0, "report.mrsignerseam");
    assert_check(&modules, NULL, last, 0, "report.mrsignerseam");
    assert_check(&modules, identity, zeros, 0, "report.mrsignerseam");
    assert_check(&modules, identity, signer_1, 1, "report.seamattributes");
    modules.first.attributes[7] = 1;
    assert_check(&modules, NULL, zeros, 0, "tcbInfo.tdxModule.attributes");
    assert_check(&modules, identity, signer_1, 0, NULL);
}

/* ---- relaunch ---- */

/* A domain for which it is advised; a test changes one thing. The loaded module is of identity TDX_03, whose newest
 * level has SVN 5; the platform's newest level has 4 for a module of version 0 and 7 for the microcode. */
struct situation {
    struct level_status platform, domain, module;
    struct svn_level enclave;
    bool without_enclave;
    uint8_t svn[16];
};

static struct situation advised(void)
{
    return (struct situation){
        .domain = {.status = TCB_OUT_OF_DATE}, .module = {.status = TCB_OUT_OF_DATE}, .svn = {5, 3, 7}};
}

static enum tcb_status relaunch(const struct situation *s)
{
    CLEANUP(json_tree_done) struct json_tree document = {};
    CLEANUP(tdx_modules_done) struct tdx_modules modules = {};
    assert_ok(read_with("", "", &document, NULL, &modules));
    const struct tcb_level newest = {.tdx_components = {4, 0, 7}};
    const struct relaunch relaunch = {.platform = s->platform,
                                      .domain = s->domain,
                                      .module = s->module,
                                      .quoting_enclave = s->without_enclave ? NULL : &s->enclave,
                                      .newest = &newest};
    const struct td_report report = {.tee_tcb_svn2 = SLICE_ARRAY(s->svn)};
    struct level_status status = {};
    assert_ok(tdx_relaunch(&relaunch, &modules, &report, NULL, &status));
    return status.status;
}

static void test_relaunch_is_advised_where_only_the_modules_age_is_wrong(void **)
{
    struct situation s = advised();
    assert_int_equal(relaunch(&s), TCB_TD_RELAUNCH_ADVISED);
    s.svn[0] = 6;
    s.svn[2] = 8;
    assert_int_equal(relaunch(&s), TCB_TD_RELAUNCH_ADVISED);
    s = advised();
    s.svn[0] = 4; /* below identity TDX_03's newest level */
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
    s.svn[1] = 0; /* but a module of version 0 is held to the platform's */
    assert_int_equal(relaunch(&s), TCB_TD_RELAUNCH_ADVISED);
    s.svn[0] = 3;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
    s = advised();
    s.svn[2] = 6;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
}

static void test_relaunch_is_not_advised_where_something_else_is_wrong(void **)
{
    struct situation s = advised();
    s.without_enclave = true;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
    s = advised();
    s.enclave.facts.status.status = TCB_OUT_OF_DATE;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
    s = advised();
    s.enclave.facts.status.is_revoked = true;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
    s = advised();
    s.platform.is_revoked = true;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
    s = advised();
    s.platform.status = TCB_OUT_OF_DATE;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
    s.platform.status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
    s = advised();
    s.module.status = TCB_UP_TO_DATE;
    assert_int_equal(relaunch(&s), TCB_OUT_OF_DATE);
}

static void test_what_is_to_be_configured_is_told_with_the_relaunch(void **)
{
    struct situation s = advised();
    s.platform.status = TCB_SW_HARDENING_NEEDED;
    assert_int_equal(relaunch(&s), TCB_TD_RELAUNCH_ADVISED);
    s.platform.status = TCB_CONFIGURATION_NEEDED;
    assert_int_equal(relaunch(&s), TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
    s.platform.status = TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED;
    assert_int_equal(relaunch(&s), TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
    s = advised();
    s.domain.status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED;
    assert_int_equal(relaunch(&s), TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
}

static void test_a_loaded_module_without_identity_is_refused(void **)
{
    static const uint8_t svn[16] = {5, 9, 7};
    const struct tdx_modules modules = {};
    const struct svn_level enclave = {};
    const struct tcb_level newest = {};
    const struct relaunch relaunch = {.domain = {.status = TCB_OUT_OF_DATE},
                                      .module = {.status = TCB_OUT_OF_DATE},
                                      .quoting_enclave = &enclave,
                                      .newest = &newest};
    const struct td_report report = {.tee_tcb_svn2 = SLICE_ARRAY(svn)};
    struct level_status status;
    assert_status(tdx_relaunch(&relaunch, &modules, &report, NULL, &status), ERR_TDX_MODULE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modules_are_read),
        cmocka_unit_test(test_a_platform_may_have_modules_of_version_0_alone),
        cmocka_unit_test(test_each_fault_is_refused),
        cmocka_unit_test(test_modules_that_are_no_list_are_told_as_that),
        cmocka_unit_test(test_the_modules_identity_is_found_by_its_major_version),
        cmocka_unit_test(test_signer_and_attributes_of_the_module_count),
        cmocka_unit_test(test_relaunch_is_advised_where_only_the_modules_age_is_wrong),
        cmocka_unit_test(test_relaunch_is_not_advised_where_something_else_is_wrong),
        cmocka_unit_test(test_what_is_to_be_configured_is_told_with_the_relaunch),
        cmocka_unit_test(test_a_loaded_module_without_identity_is_refused),
    };
    return cmocka_run_group_tests_name("evidence/tdx_module", tests, NULL, NULL);
}
