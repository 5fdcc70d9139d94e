/* SPDX-License-Identifier: Apache-2.0
 *
 * From levels to a verdict, without any cryptography: the tables are the test's own.
 */
#include "evidence/intel/verdict.h"

#include "testing.h"

/* Everything newest and up to date; a test changes one thing. Two levels each: platform and microcode 5 and 3, quoting
 * enclave 8 and 6, module (of major version 3) 5 and 3. */
struct scene {
    struct tcb_level levels[2];
    struct svn_level enclave[2], module[2];
    struct tdx_module_identity identity;
    struct collateral collateral;
    struct quote quote;
    struct pck pck;
    uint8_t svn[16], svn2[16];
    bool without_identity;
};

static void set_up(struct scene *s)
{
    static const struct level_status old = {.status = TCB_OUT_OF_DATE};
    *s = (struct scene){
        .levels = {{.pce_svn = 5, .facts = {.date_s = 200}}, {.pce_svn = 3, .facts = {.status = old, .date_s = 100}}},
        .enclave = {{.svn = 8, .facts = {.date_s = 150}}, {.svn = 6, .facts = {.status = old}}},
        .module = {{.svn = 5, .facts = {.date_s = 150}}, {.svn = 3, .facts = {.status = old}}},
        .pck = {.pce_svn = 5},
        .svn = {5, 3, 5},
        .svn2 = {5, 3, 5},
    };
    memset(s->pck.components, 5, sizeof(s->pck.components));
    for (int i = 0; i < 2; i++) {
        memset(s->levels[i].components, i == 0 ? 5 : 3, sizeof(s->levels[i].components));
        s->levels[i].tdx_components[2] = i == 0 ? 5 : 3;
    }
    (void)snprintf(s->identity.id, sizeof(s->identity.id), "TDX_03");
    s->identity.levels = (struct svn_levels){.items = s->module, .count = 2};
    s->collateral.tcb_info.levels = s->levels;
    s->collateral.tcb_info.level_count = 2;
    s->collateral.tcb_info.modules = (struct tdx_modules){.identities = &s->identity, .identity_count = 1};
    s->collateral.qe_identity.levels = (struct svn_levels){.items = s->enclave, .count = 2};
    s->quote.qe_report.svn = 8;
    s->quote.td_report.is_td15 = true;
    s->quote.td_report.tee_tcb_svn = SLICE_ARRAY(s->svn);
    s->quote.td_report.tee_tcb_svn2 = SLICE_ARRAY(s->svn2);
}

static enum status judge(struct scene *s, bool is_domain, struct refusal *why, struct verdict *verdict)
{
    if (!is_domain) return verdict_of_enclave(&s->quote, &s->pck, &s->collateral, why, verdict);
    return verdict_of_domain(&s->quote, &s->pck, &s->collateral, s->without_identity ? NULL : &s->identity, why,
                             verdict);
}

static struct verdict assert_status_of(struct scene *s, bool is_domain, enum tcb_status expected)
{
    struct verdict verdict = {};
    struct refusal why = {};
    const enum status status = judge(s, is_domain, &why, &verdict);
    if (status != OK) print_error("refused at %s, seen %s\n", why.field, why.seen);
    assert_ok(status);
    assert_string_equal(tcb_status_name(verdict.status), tcb_status_name(expected));
    return verdict;
}

static void assert_refused(struct scene *s, bool is_domain, enum status expected, const char *field)
{
    struct verdict verdict = {};
    struct refusal why = {};
    assert_status(judge(s, is_domain, &why, &verdict), expected);
    assert_string_equal(why.field, field);
}

/* ---- enclaves ---- */

static void test_an_enclave_has_the_level_of_its_platform_and_its_quoting_enclave(void **)
{
    struct scene s;
    set_up(&s);
    const struct verdict verdict = assert_status_of(&s, false, TCB_UP_TO_DATE);
    assert_ptr_equal(verdict.platform, &s.levels[0]);
    assert_ptr_equal(verdict.quoting_enclave, &s.enclave[0]);
    s.quote.qe_report.svn = 7;
    assert_ptr_equal(assert_status_of(&s, false, TCB_OUT_OF_DATE).quoting_enclave, &s.enclave[1]);
    s.quote.qe_report.svn = 8;
    s.pck.pce_svn = 4;
    assert_ptr_equal(assert_status_of(&s, false, TCB_OUT_OF_DATE).platform, &s.levels[1]);
}

static void test_the_newest_date_is_the_later_of_platform_and_quoting_enclave(void **)
{
    struct scene s;
    set_up(&s);
    s.pck.pce_svn = 4; /* whatever level the platform itself has */
    assert_int_equal(assert_status_of(&s, false, TCB_OUT_OF_DATE).newest_date_s, 200);
    s.enclave[0].facts.date_s = 300;
    assert_int_equal(assert_status_of(&s, false, TCB_OUT_OF_DATE).newest_date_s, 300);
}

static void test_an_enclave_without_a_level_is_refused(void **)
{
    struct scene s;
    set_up(&s);
    s.pck.pce_svn = 2;
    assert_refused(&s, false, ERR_TCB_NOT_SUPPORTED, "pck_certificate.tcb");
    set_up(&s);
    s.quote.qe_report.svn = 5;
    assert_refused(&s, false, ERR_TCB_NOT_SUPPORTED, "qe_report.isvsvn");
}

static void test_a_revoked_level_of_an_enclave_is_refused(void **)
{
    struct scene s;
    set_up(&s);
    s.levels[0].facts.status.is_revoked = true;
    assert_refused(&s, false, ERR_TCB_REVOKED, "pck_certificate.tcb");
    set_up(&s);
    s.enclave[0].facts.status.is_revoked = true;
    assert_refused(&s, false, ERR_TCB_REVOKED, "qe_report.isvsvn");
}

/* ---- domains ---- */

static void test_a_domain_has_the_level_of_platform_module_and_quoting_enclave(void **)
{
    struct scene s;
    set_up(&s);
    s.quote.td_report.is_td15 = false;
    const struct verdict verdict = assert_status_of(&s, true, TCB_UP_TO_DATE);
    assert_ptr_equal(verdict.platform, &s.levels[0]);
    assert_ptr_equal(verdict.module, &s.module[0]);
    s.svn[2] = 4;
    assert_ptr_equal(assert_status_of(&s, true, TCB_OUT_OF_DATE).platform, &s.levels[1]);
    s.svn[2] = 5;
    s.svn[0] = 4;
    assert_ptr_equal(assert_status_of(&s, true, TCB_OUT_OF_DATE).module, &s.module[1]);
    s.svn[0] = 5;
    s.quote.qe_report.svn = 7;
    assert_ptr_equal(assert_status_of(&s, true, TCB_OUT_OF_DATE).quoting_enclave, &s.enclave[1]);
}

static void test_the_first_two_components_count_for_modules_of_version_0_alone(void **)
{
    struct scene s;
    set_up(&s);
    s.levels[0].tdx_components[0] = s.levels[0].tdx_components[1] = 9;
    assert_ptr_equal(assert_status_of(&s, true, TCB_UP_TO_DATE).platform, &s.levels[0]);
    s.svn[1] = 0;
    s.without_identity = true;
    const struct verdict verdict = assert_status_of(&s, true, TCB_OUT_OF_DATE);
    assert_ptr_equal(verdict.platform, &s.levels[1]);
    assert_null(verdict.module);
}

static void test_a_domain_without_a_level_is_refused(void **)
{
    struct scene s;
    set_up(&s);
    s.pck.pce_svn = 2;
    assert_refused(&s, true, ERR_TCB_NOT_SUPPORTED, "pck_certificate.tcb");
    set_up(&s);
    s.svn[2] = 2;
    assert_refused(&s, true, ERR_TCB_NOT_SUPPORTED, "report.tee_tcb_svn");
    set_up(&s);
    s.svn[0] = 2;
    assert_refused(&s, true, ERR_TCB_NOT_SUPPORTED, "report.tee_tcb_svn[0]");
    set_up(&s);
    s.quote.qe_report.svn = 5;
    assert_refused(&s, true, ERR_TCB_NOT_SUPPORTED, "qe_report.isvsvn");
}

static void test_a_revoked_level_of_a_domain_is_refused(void **)
{
    struct scene s;
    set_up(&s);
    s.levels[0].facts.status.is_revoked = true;
    assert_refused(&s, true, ERR_TCB_REVOKED, "pck_certificate.tcb");
    set_up(&s);
    s.module[0].facts.status.is_revoked = true;
    assert_refused(&s, true, ERR_TCB_REVOKED, "report.tee_tcb_svn[0]");
    set_up(&s);
    s.enclave[0].facts.status.is_revoked = true;
    assert_refused(&s, true, ERR_TCB_REVOKED, "qe_report.isvsvn");
}

static void test_the_newest_date_counts_the_modules_too(void **)
{
    struct scene s;
    set_up(&s);
    s.module[0].facts.date_s = 300;
    assert_int_equal(assert_status_of(&s, true, TCB_UP_TO_DATE).newest_date_s, 300);
    s.enclave[0].facts.date_s = 400;
    assert_int_equal(assert_status_of(&s, true, TCB_UP_TO_DATE).newest_date_s, 400);
}

/* ---- relaunch ---- */

static void test_relaunch_is_advised_by_reports_that_tell_of_the_loaded_module(void **)
{
    struct scene s;
    set_up(&s);
    s.svn[0] = 4;
    (void)assert_status_of(&s, true, TCB_TD_RELAUNCH_ADVISED);
    s.quote.td_report.is_td15 = false;
    (void)assert_status_of(&s, true, TCB_OUT_OF_DATE);
    set_up(&s);
    s.svn[0] = 4;
    s.svn2[1] = 4;
    assert_refused(&s, true, ERR_TDX_MODULE, "tcbInfo.tdxModuleIdentities");
    set_up(&s);
    s.svn[1] = 0;
    s.without_identity = true;
    s.levels[0].facts.status.status = TCB_OUT_OF_DATE;
    (void)assert_status_of(&s, true, TCB_OUT_OF_DATE);
}

/* The platform's own level decides, not the lower one that the domain has. */
static void test_relaunch_is_not_advised_on_an_old_platform(void **)
{
    struct scene s;
    set_up(&s);
    s.svn[0] = 4;
    s.pck.pce_svn = 4;
    (void)assert_status_of(&s, true, TCB_OUT_OF_DATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_enclave_has_the_level_of_its_platform_and_its_quoting_enclave),
        cmocka_unit_test(test_the_newest_date_is_the_later_of_platform_and_quoting_enclave),
        cmocka_unit_test(test_an_enclave_without_a_level_is_refused),
        cmocka_unit_test(test_a_revoked_level_of_an_enclave_is_refused),
        cmocka_unit_test(test_a_domain_has_the_level_of_platform_module_and_quoting_enclave),
        cmocka_unit_test(test_the_first_two_components_count_for_modules_of_version_0_alone),
        cmocka_unit_test(test_a_domain_without_a_level_is_refused),
        cmocka_unit_test(test_a_revoked_level_of_a_domain_is_refused),
        cmocka_unit_test(test_the_newest_date_counts_the_modules_too),
        cmocka_unit_test(test_relaunch_is_advised_by_reports_that_tell_of_the_loaded_module),
        cmocka_unit_test(test_relaunch_is_not_advised_on_an_old_platform),
    };
    return cmocka_run_group_tests_name("evidence/verdict", tests, NULL, NULL);
}
