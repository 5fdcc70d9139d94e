/* SPDX-License-Identifier: Apache-2.0
 *
 * TD quotes under a vendor of the test's own making: modules, levels, every merge and the relaunch rule.
 */
#include "test_pki.h"

enum { LEVELS_MAX_BYTES = 8192 };

static enum status verify_td(const struct pki_options *pki_options, const struct minted_quote_options *options,
                             struct refusal *why, struct tdx_claims *claims)
{
    struct pki_options tdx = pki_options != NULL ? *pki_options : (struct pki_options){};
    tdx.tcb_info_id = "TDX";
    tdx.qe_identity_id = "TD_QE";
    CLEANUP(pki_done) struct test_pki pki = pki_make(&tdx);
    CLEANUP(buffer_done) struct buffer quote = mint_quote(&pki, options);
    const struct collateral_texts texts = pki_texts(&pki);
    CLEANUP(collateral_cleanup) struct collateral *collateral = NULL;
    TRY(collateral_new(&texts, pki_roots(&pki), why, &collateral));
    const struct intel_evidence evidence = {.quote = buffer_slice(&quote)};
    return tdx_quote_verify(&evidence, collateral, pki_roots(&pki), PKI_NOW_S, NULL, why, claims);
}

static struct tdx_claims assert_genuine(const struct pki_options *pki_options, const struct minted_td *td,
                                        uint16_t version)
{
    const struct minted_quote_options options = {.td = td, .version = version};
    struct tdx_claims claims = {};
    struct refusal why = {};
    const enum status status = verify_td(pki_options, &options, &why, &claims);
    if (status != OK) print_error("refused at %s, seen %s\n", why.field, why.seen);
    assert_ok(status);
    return claims;
}

static void assert_refused(const struct pki_options *pki_options, const struct minted_td *td, enum status expected,
                           const char *field)
{
    const struct minted_quote_options options = {.td = td, .version = 5};
    struct tdx_claims claims;
    struct refusal why = {};
    const enum status status = verify_td(pki_options, &options, &why, &claims);
    if (status != expected) print_error("refused at %s, seen %s\n", why.field, why.seen);
    assert_status(status, expected);
    assert_string_equal(why.field, field);
}

static bool is_filled(const uint8_t *bytes, size_t size, uint8_t fill)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != fill) return false;
    }
    return true;
}

/* ---- good evidence ---- */

static void test_claims_of_each_kind_of_td_report(void **)
{
    static const uint8_t loaded[16] = {5, 1, 9};
    static const struct {
        bool is_td15;
        uint16_t version;
    } cases[] = {{false, 4}, {false, 5}, {true, 5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct minted_td td = {
            .is_td15 = cases[i].is_td15, .fill = 0x3c, .attributes = {0, 0, 0, 0x10}, .tee_tcb_svn2 = loaded};
        const struct tdx_claims claims = assert_genuine(NULL, &td, cases[i].version);
        assert_memory_equal(claims.tee_tcb_svn, "\x04\x01\x00", 3);
        assert_true(is_filled(claims.mrseam, 48, 0x3c) && is_filled(claims.mrtd, 48, 0x3c));
        assert_true(is_filled(claims.mrconfigid, 48, 0x3c) && is_filled(claims.mrowner, 48, 0x3c));
        assert_true(is_filled(claims.mrownerconfig, 48, 0x3c) && is_filled(claims.xfam, 8, 0x3c));
        assert_true(is_filled(claims.rtmr[0], sizeof(claims.rtmr), 0x3c));
        assert_true(is_filled(claims.mrsignerseam, 48, 0) && is_filled(claims.seam_attributes, 8, 0));
        assert_memory_equal(claims.report_data, "report data", sizeof("report data"));
        assert_int_equal(claims.attributes, TD_ATTRIBUTE_SEPT_VE_DISABLE);
        assert_false(claims.debug);
        assert_int_equal(claims.is_td15, cases[i].is_td15);
        if (cases[i].is_td15) assert_memory_equal(claims.tee_tcb_svn2, loaded, 16);
        assert_true(is_filled(claims.mrservicetd, 48, cases[i].is_td15 ? 0x3c : 0));
    }
}

static void test_claims_of_the_platform(void **)
{
    static const struct minted_td td = {};
    const struct intel_platform platform = assert_genuine(NULL, &td, 4).platform;
    assert_true(platform.simulated);
    assert_int_equal(platform.tcb_status, TCB_UP_TO_DATE);
    assert_int_equal(platform.tcb_evaluation, 8); /* the lower of 9 and 8 */
    assert_int_equal(platform.qe_svn, 8);
    assert_int_equal(platform.pce_svn, 4);
    assert_int_equal(platform.ppid[0], 0x99);
    assert_false(platform.has_instance);
    assert_string_equal(time_iso8601(platform.tcb_date_s).text, "2026-01-01T00:00:00Z");
    assert_string_equal(time_iso8601(platform.newest_tcb_date_s).text, "2026-01-02T00:00:00Z"); /* the module's */
    assert_int_equal(platform.expires_s, PKI_NOW_S + 4 * PKI_DAY_S);
}

static void test_each_bit_of_the_untrusted_group_is_debug(void **)
{
    for (unsigned bit = 0; bit < 16; bit++) {
        const struct minted_td td = {.attributes = {(uint8_t)(1U << bit), (uint8_t)(1U << bit >> 8)}};
        assert_int_equal(assert_genuine(NULL, &td, 4).debug, bit < 8);
    }
    static const struct minted_td last = {.attributes = {[7] = 0x80}};
    assert_int_equal(assert_genuine(NULL, &last, 4).attributes, TD_ATTRIBUTE_PERFMON);
}

/* ---- the module ---- */

#define SIGNER_1 "\"mrsigner\":\"01" /* and 47 zeros */
#define ZEROS_47                                                                                                       \
    "0000000000000000000000000000000000000000000000"                                                                   \
    "000000000000000000000000000000000000000000000000"
#define MODULE_OF_SIGNER_1                                                                                             \
    SIGNER_1 ZEROS_47 "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
#define MODULE_WITH_ATTRIBUTES                                                                                         \
    "\"mrsigner\":\"" PKI_48_ZEROS "\",\"attributes\":\"0100000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
#define MODULE_LEVEL(svn, status)                                                                                      \
    "{\"tcb\":{\"isvsvn\":" #svn "},\"tcbDate\":\"2026-01-02T00:00:00Z\",\"tcbStatus\":\"" status "\","                \
    "\"advisoryIDs\":[\"MODULE-" #svn "\"]}"
#define IDENTITY(id, module, levels) "{\"id\":\"" id "\"," module ",\"tcbLevels\":[" levels "]}"

static void test_the_module_must_be_the_one_described(void **)
{
    static const uint8_t version_0[16] = {4, 0}, version_3[16] = {4, 3};
    static const struct {
        struct pki_options options;
        struct minted_td td;
        const char *field;
    } cases[] = {
        {{}, {.mrsignerseam = 1}, "report.mrsignerseam"},
        {{}, {.seam_attributes = 1}, "report.seamattributes"},
        {{}, {.tee_tcb_svn = version_0, .mrsignerseam = 1}, "report.mrsignerseam"},
        {{}, {.tee_tcb_svn = version_0, .seam_attributes = 1}, "report.seamattributes"},
        {{}, {.tee_tcb_svn = version_3}, "tcbInfo.tdxModuleIdentities"},
        {{.tdx_modules = ""}, {}, "tcbInfo.tdxModuleIdentities"},
        {{.tdx_module = "{" MODULE_OF_SIGNER_1 "}"}, {.tee_tcb_svn = version_0}, "report.mrsignerseam"},
        {{.tdx_module = "{" MODULE_WITH_ATTRIBUTES "}"}, {.tee_tcb_svn = version_0}, "tcbInfo.tdxModule.attributes"},
        {{.tdx_modules = IDENTITY("TDX_01", MODULE_OF_SIGNER_1, MODULE_LEVEL(4, "UpToDate"))},
         {},
         "report.mrsignerseam"},
        {{.tdx_modules = IDENTITY("TDX_01", MODULE_WITH_ATTRIBUTES, MODULE_LEVEL(4, "UpToDate"))},
         {},
         "tcbInfo.tdxModule.attributes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(&cases[i].options, &cases[i].td, ERR_TDX_MODULE, cases[i].field);
}

static void test_the_identity_is_chosen_by_version(void **)
{
    static const uint8_t version_0[16] = {0, 0}, version_1f[16] = {4, 0x1f};
    static const struct minted_td of_signer_1 = {.mrsignerseam = 1}, version_0_td = {.tee_tcb_svn = version_0};
    static const struct minted_td version_1f_td = {.tee_tcb_svn = version_1f};
    /* Each version has its own signer; "tdxModule" speaks for version 0 alone. */
    static const struct pki_options other_first = {.tdx_module = "{" MODULE_OF_SIGNER_1 "}"};
    (void)assert_genuine(&other_first, &(const struct minted_td){}, 4);
    assert_refused(&other_first, &version_0_td, ERR_TDX_MODULE, "report.mrsignerseam");
    static const struct pki_options two = {.tdx_modules =
                                               IDENTITY("TDX_03", PKI_MODULE, MODULE_LEVEL(9, "UpToDate")) "," IDENTITY(
                                                   "TDX_01", MODULE_OF_SIGNER_1, MODULE_LEVEL(4, "UpToDate"))};
    (void)assert_genuine(&two, &of_signer_1, 4);
    (void)assert_genuine(&two, &version_0_td, 4);
    static const char *const spellings[] = {
        IDENTITY("TDX_1F", PKI_MODULE, MODULE_LEVEL(4, "UpToDate")),
        IDENTITY("tdx_1f", PKI_MODULE, MODULE_LEVEL(4, "UpToDate")),
    };
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
        (void)assert_genuine(&(const struct pki_options){.tdx_modules = spellings[i]}, &version_1f_td, 4);
}

static void test_a_module_older_than_all_levels(void **)
{
    static const struct pki_options options = {.tdx_modules =
                                                   IDENTITY("TDX_01", PKI_MODULE, MODULE_LEVEL(5, "UpToDate"))};
    static const struct minted_td td = {};
    assert_refused(&options, &td, ERR_TCB_NOT_SUPPORTED, "report.tee_tcb_svn[0]");
}

/* ---- levels ---- */

/* One level: all SGX components and PCESVN at `sgx`, TDX components given by their first three. */
static void append_level(struct buffer *text, unsigned sgx, const uint8_t tdx[static 16], const char *status,
                         const char *advisory)
{
    assert_ok(buffer_append_text(text, text->size > 0 ? ",{\"tcb\":{" : "{\"tcb\":{"));
    pki_components(text, "sgxtcbcomponents", sgx);
    assert_ok(buffer_append_text(text, "\"tdxtcbcomponents\":["));
    for (int i = 0; i < 16; i++) assert_ok(buffer_append_format(text, "%s{\"svn\":%u}", i > 0 ? "," : "", tdx[i]));
    assert_ok(buffer_append_format(text,
                                   "],\"pcesvn\":%u},\"tcbDate\":\"2025-01-01T00:00:00Z\",\"tcbStatus\":\"%s\","
                                   "\"advisoryIDs\":[\"%s\"]}",
                                   sgx, status, advisory));
}

static const char *text_of(struct buffer *buffer)
{
    const char *text;
    assert_ok(buffer_text(buffer, &text));
    return text;
}

static void test_each_tdx_component_counts_but_the_modules(void **)
{
    for (unsigned version = 0; version < 2; version++) {
        for (size_t weak = 0; weak < 16; weak++) {
            uint8_t wanted[16], has[16];
            memset(wanted, 7, sizeof(wanted));
            memset(has, 7, sizeof(has));
            wanted[1] = (uint8_t)version; /* what byte 1 is compared with when it counts */
            has[1] = (uint8_t)version;
            wanted[weak]++;
            CLEANUP(buffer_done) struct buffer levels = buffer_of_maximum(LEVELS_MAX_BYTES);
            append_level(&levels, 4, wanted, "UpToDate", "A");
            const struct pki_options options = {.tcb_levels = text_of(&levels)};
            const struct minted_td td = {.tee_tcb_svn = has};
            if (version > 0 && weak < 2)
                (void)assert_genuine(&options, &td, 4);
            else
                assert_refused(&options, &td, ERR_TCB_NOT_SUPPORTED, "report.tee_tcb_svn");
        }
    }
}

static void test_the_tdx_level_may_lie_below_the_sgx_level(void **)
{
    static const uint8_t high[16] = {0, 0, 9}, low[16] = {0, 0, 3}, has[16] = {4, 1, 5};
    static const struct minted_td td = {.tee_tcb_svn = has};
    CLEANUP(buffer_done) struct buffer levels = buffer_of_maximum(LEVELS_MAX_BYTES);
    append_level(&levels, 2, low, "ConfigurationNeeded", "LOW");
    append_level(&levels, 4, high, "UpToDate", "HIGH");
    const struct pki_options options = {.tcb_levels = text_of(&levels)};
    const struct tdx_claims claims = assert_genuine(&options, &td, 4);
    assert_int_equal(claims.platform.tcb_status, TCB_CONFIGURATION_NEEDED);
    assert_string_equal(claims.platform.advisories[0], "LOW");
    /* Levels that differ in their TDX components alone are two, the newer one first. */
    CLEANUP(buffer_done) struct buffer same = buffer_of_maximum(LEVELS_MAX_BYTES);
    append_level(&same, 4, low, "OutOfDate", "LOW");
    append_level(&same, 4, has, "UpToDate", "HIGH");
    const struct pki_options twice = {.tcb_levels = text_of(&same)};
    assert_int_equal(assert_genuine(&twice, &td, 4).platform.tcb_status, TCB_UP_TO_DATE);
}

static void test_a_platform_below_all_levels(void **)
{
    static const uint8_t zero[16];
    static const struct minted_td td = {};
    CLEANUP(buffer_done) struct buffer levels = buffer_of_maximum(LEVELS_MAX_BYTES);
    append_level(&levels, 5, zero, "UpToDate", "A");
    const struct pki_options options = {.tcb_levels = text_of(&levels)};
    assert_refused(&options, &td, ERR_TCB_NOT_SUPPORTED, "pck_certificate.tcb");
    static const struct pki_options qe = {.lowest_qe_svn = 9};
    assert_refused(&qe, &td, ERR_TCB_NOT_SUPPORTED, "qe_report.isvsvn");
}

/* ---- merges ---- */

#define UP_TO_DATE "UpToDate"
#define OUT_OF_DATE "OutOfDate"
#define REVOKED "Revoked"

/* One cell of the table in reference section 10.2; NULL: revoked. Written apart from the code's own. */
static const char *merged(const char *platform, const char *software)
{
    if (platform == NULL || strcmp(platform, REVOKED) == 0 || strcmp(software, REVOKED) == 0) return NULL;
    if (strcmp(software, UP_TO_DATE) == 0) return platform;
    if (strcmp(platform, "UpToDate") == 0 || strcmp(platform, "SWHardeningNeeded") == 0) return "OutOfDate";
    if (strcmp(platform, "ConfigurationNeeded") == 0 || strcmp(platform, "ConfigurationAndSWHardeningNeeded") == 0)
        return "OutOfDateConfigurationNeeded";
    return platform;
}

static const char *module_of(const char *status)
{
    if (strcmp(status, UP_TO_DATE) == 0) return IDENTITY("TDX_01", PKI_MODULE, MODULE_LEVEL(4, UP_TO_DATE));
    if (strcmp(status, OUT_OF_DATE) == 0)
        return IDENTITY("TDX_01", PKI_MODULE, MODULE_LEVEL(5, UP_TO_DATE) "," MODULE_LEVEL(4, OUT_OF_DATE));
    return IDENTITY("TDX_01", PKI_MODULE, MODULE_LEVEL(4, REVOKED));
}

static void check_cell(const char *platform, const char *module, const char *enclave)
{
    static const struct minted_td td = {};
    const struct pki_options options = {.tcb_status = platform, .tdx_modules = module_of(module), .qe_status = enclave};
    const char *const expected = merged(merged(platform, module), enclave);
    if (expected != NULL) {
        const struct tdx_claims claims = assert_genuine(&options, &td, 4);
        assert_string_equal(tcb_status_name(claims.platform.tcb_status), expected);
        return;
    }
    const bool is_platform = strcmp(platform, REVOKED) == 0, is_module = strcmp(module, REVOKED) == 0;
    assert_refused(&options, &td, ERR_TCB_REVOKED,
                   is_platform ? "pck_certificate.tcb"
                   : is_module ? "report.tee_tcb_svn[0]"
                               : "qe_report.isvsvn");
}

static void test_every_cell_of_the_merge_table(void **)
{
    static const char *const platforms[] = {"UpToDate",
                                            "SWHardeningNeeded",
                                            "ConfigurationNeeded",
                                            "ConfigurationAndSWHardeningNeeded",
                                            "OutOfDate",
                                            "OutOfDateConfigurationNeeded",
                                            "Revoked"};
    static const char *const software[] = {UP_TO_DATE, OUT_OF_DATE, REVOKED};
    for (size_t i = 0; i < 7; i++) {
        for (size_t j = 0; j < 3; j++) {
            for (size_t k = 0; k < 3; k++) check_cell(platforms[i], software[j], software[k]);
        }
    }
}

static void test_advisories_of_all_three_levels(void **)
{
    static const struct minted_td td = {};
    const struct pki_options options = {.tdx_modules = module_of(OUT_OF_DATE)};
    const struct intel_platform platform = assert_genuine(&options, &td, 4).platform;
    assert_int_equal(platform.advisory_count, 4);
    assert_string_equal(platform.advisories[0], "MODULE-4");
    assert_string_equal(platform.advisories[1], "TEST-1"); /* TEST-2 of two levels counts once */
    assert_string_equal(platform.advisories[2], "TEST-2");
    assert_string_equal(platform.advisories[3], "TEST-3");
}

/* 63 of the platform's, one of the module's, and two of the quoting enclave's. */
static void test_more_advisories_than_claims_hold_are_refused(void **)
{
    static const struct minted_td td = {};
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(4096);
    struct pki_options options = {.tdx_modules = module_of(OUT_OF_DATE)};
    for (int i = 1; i < ADVISORY_MAX_COUNT; i++)
        assert_ok(buffer_append_format(&list, "%s\"A-%02d\"", i == 1 ? "" : ",", i));
    assert_ok(buffer_text(&list, &options.advisories));
    assert_refused(&options, &td, ERR_COLLATERAL_MALFORMED, "advisoryIDs");
    assert_ok(buffer_append_text(&list, ",\"A-64\"")); /* the module's alone is too much then */
    assert_ok(buffer_text(&list, &options.advisories));
    assert_refused(&options, &td, ERR_COLLATERAL_MALFORMED, "advisoryIDs");
}

/* ---- relaunch ---- */

/* The TD runs on the module's word of SVN 4; the newest is 6; the newest level wants 3 in the third component. */
#define RELAUNCH_MODULES                                                                                               \
    IDENTITY("TDX_01", PKI_MODULE, MODULE_LEVEL(6, UP_TO_DATE) "," MODULE_LEVEL(4, OUT_OF_DATE))                       \
    "," IDENTITY("TDX_03", PKI_MODULE, MODULE_LEVEL(2, UP_TO_DATE))

struct relaunch_case {
    uint8_t loaded[16];
    const char *platform, *qe_status, *expected;
};

static void check_relaunch(const struct relaunch_case *test, const char *modules, bool is_td15)
{
    static const uint8_t newest[16] = {5, 0, 3}, started[16] = {4, 1, 3};
    const struct minted_td td = {.is_td15 = is_td15, .tee_tcb_svn = started, .tee_tcb_svn2 = test->loaded};
    CLEANUP(buffer_done) struct buffer levels = buffer_of_maximum(LEVELS_MAX_BYTES);
    append_level(&levels, 4, newest, test->platform, "A");
    const struct pki_options options = {
        .tcb_levels = text_of(&levels), .tdx_modules = modules, .qe_status = test->qe_status};
    assert_string_equal(tcb_status_name(assert_genuine(&options, &td, 5).platform.tcb_status), test->expected);
}

static void test_relaunch_is_advised_for_the_modules_age_alone(void **)
{
    static const struct relaunch_case cases[] = {
        /* loaded module with an identity */
        {{6, 1, 3}, "UpToDate", NULL, "TDRelaunchAdvised"},
        {{6, 1, 3}, "SWHardeningNeeded", NULL, "TDRelaunchAdvised"},
        {{6, 1, 3}, "ConfigurationNeeded", NULL, "TDRelaunchAdvisedConfigurationNeeded"},
        {{6, 1, 3}, "ConfigurationAndSWHardeningNeeded", NULL, "TDRelaunchAdvisedConfigurationNeeded"},
        {{2, 3, 3}, "UpToDate", NULL, "TDRelaunchAdvised"},
        {{7, 1, 4}, "UpToDate", NULL, "TDRelaunchAdvised"},
        {{5, 1, 3}, "UpToDate", NULL, "OutOfDate"}, /* not the newest */
        {{6, 1, 2}, "UpToDate", NULL, "OutOfDate"}, /* microcode too old */
        {{1, 3, 3}, "UpToDate", NULL, "OutOfDate"},
        /* major version 0: the level's own components */
        {{5, 0, 3}, "UpToDate", NULL, "TDRelaunchAdvised"},
        {{4, 0, 3}, "UpToDate", NULL, "OutOfDate"},
        {{5, 0, 2}, "UpToDate", NULL, "OutOfDate"},
        {{5, 0, 3}, "ConfigurationNeeded", NULL, "TDRelaunchAdvisedConfigurationNeeded"},
        /* something else is wrong too */
        {{6, 1, 3}, "OutOfDate", NULL, "OutOfDate"},
        {{6, 1, 3}, "OutOfDateConfigurationNeeded", NULL, "OutOfDateConfigurationNeeded"},
        {{6, 1, 3}, "UpToDate", OUT_OF_DATE, "OutOfDate"},
        {{6, 1, 3}, "ConfigurationNeeded", OUT_OF_DATE, "OutOfDateConfigurationNeeded"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) check_relaunch(&cases[i], RELAUNCH_MODULES, true);
}

static void test_relaunch_is_not_advised_without_cause(void **)
{
    static const struct relaunch_case current = {{6, 1, 3}, "UpToDate", NULL, "UpToDate"},
                                      old = {{6, 1, 3}, "UpToDate", NULL, "OutOfDate"};
    check_relaunch(&current, IDENTITY("TDX_01", PKI_MODULE, MODULE_LEVEL(4, UP_TO_DATE)), true);
    check_relaunch(&old, RELAUNCH_MODULES, false); /* a report of version 1.0 tells nothing of the loaded module */
}

/* The newest level of all counts, and the SGX level's configuration as well as the domain's. */
static void test_relaunch_looks_at_the_newest_level_and_at_both_statuses(void **)
{
    static const uint8_t newest[16] = {5, 0, 9}, lower[16] = {5, 0, 3}, started[16] = {4, 1, 3};
    static const uint8_t loaded[16] = {6, 1, 9}, loaded_low[16] = {6, 1, 8};
    CLEANUP(buffer_done) struct buffer levels = buffer_of_maximum(LEVELS_MAX_BYTES);
    append_level(&levels, 4, newest, "ConfigurationNeeded", "A");
    append_level(&levels, 3, lower, "UpToDate", "B");
    const struct pki_options options = {.tcb_levels = text_of(&levels), .tdx_modules = RELAUNCH_MODULES};
    const struct minted_td td = {.is_td15 = true, .tee_tcb_svn = started, .tee_tcb_svn2 = loaded};
    const struct minted_td low = {.is_td15 = true, .tee_tcb_svn = started, .tee_tcb_svn2 = loaded_low};
    assert_int_equal(assert_genuine(&options, &td, 5).platform.tcb_status,
                     TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED);
    assert_int_equal(assert_genuine(&options, &low, 5).platform.tcb_status, TCB_OUT_OF_DATE);
    /* A revoked level of SGX gives no advice; Intel's rule then lets the domain's own level decide. */
    CLEANUP(buffer_done) struct buffer revoked = buffer_of_maximum(LEVELS_MAX_BYTES);
    append_level(&revoked, 4, newest, "Revoked", "A");
    append_level(&revoked, 3, lower, "UpToDate", "B");
    const struct pki_options with_revoked = {.tcb_levels = text_of(&revoked), .tdx_modules = RELAUNCH_MODULES};
    assert_int_equal(assert_genuine(&with_revoked, &td, 5).platform.tcb_status, TCB_OUT_OF_DATE);
}

static void test_a_loaded_module_without_identity_is_refused(void **)
{
    static const uint8_t newest[16] = {5, 0, 3}, started[16] = {4, 1, 3}, loaded[16] = {6, 2, 3};
    CLEANUP(buffer_done) struct buffer levels = buffer_of_maximum(LEVELS_MAX_BYTES);
    append_level(&levels, 4, newest, "UpToDate", "A");
    const struct pki_options options = {.tcb_levels = text_of(&levels), .tdx_modules = RELAUNCH_MODULES};
    const struct minted_td td = {.is_td15 = true, .tee_tcb_svn = started, .tee_tcb_svn2 = loaded};
    assert_refused(&options, &td, ERR_TDX_MODULE, "tcbInfo.tdxModuleIdentities");
    /* A quoting enclave that is older than all its levels ends it before anybody looks for the module. */
    const struct pki_options old_qe = {
        .tcb_levels = options.tcb_levels, .tdx_modules = RELAUNCH_MODULES, .lowest_qe_svn = 9};
    assert_refused(&old_qe, &td, ERR_TCB_NOT_SUPPORTED, "qe_report.isvsvn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims_of_each_kind_of_td_report),
        cmocka_unit_test(test_claims_of_the_platform),
        cmocka_unit_test(test_each_bit_of_the_untrusted_group_is_debug),
        cmocka_unit_test(test_the_module_must_be_the_one_described),
        cmocka_unit_test(test_the_identity_is_chosen_by_version),
        cmocka_unit_test(test_a_module_older_than_all_levels),
        cmocka_unit_test(test_each_tdx_component_counts_but_the_modules),
        cmocka_unit_test(test_the_tdx_level_may_lie_below_the_sgx_level),
        cmocka_unit_test(test_a_platform_below_all_levels),
        cmocka_unit_test(test_every_cell_of_the_merge_table),
        cmocka_unit_test(test_advisories_of_all_three_levels),
        cmocka_unit_test(test_more_advisories_than_claims_hold_are_refused),
        cmocka_unit_test(test_relaunch_is_advised_for_the_modules_age_alone),
        cmocka_unit_test(test_relaunch_is_not_advised_without_cause),
        cmocka_unit_test(test_relaunch_looks_at_the_newest_level_and_at_both_statuses),
        cmocka_unit_test(test_a_loaded_module_without_identity_is_refused),
    };
    return cmocka_run_group_tests_name("evidence/tdx_verify", tests, NULL, NULL);
}
