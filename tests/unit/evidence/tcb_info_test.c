/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/tcb_info.h"

#include "testing.h"

#define ZEROS_128                                                                                                      \
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" \
    "0000"                                                                                                             \
    "000000000000"

/* Replaces the first `from` in `text` and parses the outcome. NULL leaves it as it is. */
static enum status parse_with(const char *text, const char *from, const char *to, struct refusal *why,
                              struct tcb_info *info_out)
{
    static char changed[16384];
    const char *const at = from == NULL ? NULL : strstr(text, from);
    if (from != NULL) assert_non_null(at);
    if (at == NULL)
        (void)snprintf(changed, sizeof(changed), "%s", text);
    else
        (void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return tcb_info_parse(slice_of_text(changed), why, info_out);
}

#define SVNS_V3                                                                                                        \
    "{\"svn\":4},{\"svn\":4},{\"svn\":2},{\"svn\":4},{\"svn\":1},{\"svn\":128},{\"svn\":0},{\"svn\":0},{\"svn\":0},"   \
    "{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0}"

static const char version_3[] =
    "{\"tcbInfo\":{\"id\":\"SGX\",\"version\":3,\"issueDate\":\"2026-01-01T00:00:00Z\","
    "\"nextUpdate\":\"2026-01-31T00:00:00Z\",\"fmspc\":\"00906EA10000\",\"pceId\":\"0000\",\"tcbType\":0,"
    "\"tcbEvaluationDataNumber\":17,\"tcbLevels\":["
    "{\"tcb\":{\"sgxtcbcomponents\":[" SVNS_V3 "],\"pcesvn\":5},\"tcbDate\":\"2018-01-04T00:00:00Z\","
    "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00106\"]},"
    "{\"tcb\":{\"sgxtcbcomponents\":[" SVNS_V3 "],\"pcesvn\":7},\"tcbDate\":\"2019-05-15T00:00:00Z\","
    "\"tcbStatus\":\"UpToDate\"}]},\"signature\":\"" ZEROS_128 "\"}";

static void test_version_3(void **)
{
    CLEANUP(tcb_info_done) struct tcb_info info = {};
    assert_ok(parse_with(version_3, NULL, NULL, NULL, &info));
    assert_int_equal(info.tee, INTEL_SGX);
    assert_memory_equal(info.fmspc, "\x00\x90\x6e\xa1\x00\x00", 6);
    assert_int_equal(info.evaluation, 17);
    assert_int_equal(info.level_count, 2);
    assert_int_equal(info.levels[0].pce_svn, 7); /* sorted, whatever the order in the text */
    assert_int_equal(info.levels[0].components[5], 128);
    assert_int_equal(info.levels[1].facts.status.status, TCB_OUT_OF_DATE);
    assert_int_equal(info.levels[1].facts.advisories->size, 1);
    assert_true(slice_starts_with(info.json.signed_text, SLICE_LITERAL("{\"id\":\"SGX\"")));
}

static void test_each_fault_is_refused(void **)
{
    static const struct {
        const char *from, *to, *field;
    } faults[] = {
        {"\"version\":3", "\"version\":1", "tcbInfo.version"},
        {"\"version\":3", "\"version\":4", "tcbInfo.version"},
        {"\"version\":3,", "", "tcbInfo.version"},
        {"\"version\":3", "\"version\":3.0", "tcbInfo.version"},
        {"\"id\":\"SGX\"", "\"id\":\"sgx\"", "tcbInfo.id"},
        {"\"id\":\"SGX\",", "", "tcbInfo.id"},
        {"\"issueDate\":\"2026-01-01T00:00:00Z\"", "\"issueDate\":\"2026-01-01\"", "tcbInfo.issueDate"},
        {"\"nextUpdate\":\"2026-01-31T00:00:00Z\"", "\"nextUpdate\":\"2026-01-32T00:00:00Z\"", "tcbInfo.nextUpdate"},
        {"\"nextUpdate\":\"2026-01-31T00:00:00Z\",", "", "tcbInfo.nextUpdate"},
        {"\"fmspc\":\"00906EA10000\"", "\"fmspc\":\"00906EA1000\"", "tcbInfo.fmspc"},
        {"\"fmspc\":\"00906EA10000\"", "\"fmspc\":\"00906EA1000000\"", "tcbInfo.fmspc"},
        {"\"pceId\":\"0000\",", "", "tcbInfo.pceId"},
        {"\"tcbType\":0", "\"tcbType\":1", "tcbInfo.tcbType"},
        {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":\"17\"", "tcbInfo.tcbEvaluationDataNumber"},
        {"\"tcbEvaluationDataNumber\":17", "\"tcbEvaluationDataNumber\":-1", "tcbInfo.tcbEvaluationDataNumber"},
        {"\"pcesvn\":5", "\"pcesvn\":65536", "tcbInfo.tcbLevels[0].tcb.pcesvn"},
        {"\"pcesvn\":5", "\"pcesvn\":7", "tcbInfo.tcbLevels"}, /* two levels alike */
        {"{\"svn\":4}", "{\"svn\":256}", "tcbInfo.tcbLevels[0].tcb.sgxtcbcomponents[0].svn"},
        {"{\"svn\":4}", "{\"svn\":-1}", "tcbInfo.tcbLevels[0].tcb.sgxtcbcomponents[0].svn"},
        {"{\"svn\":4}", "4", "tcbInfo.tcbLevels[0].tcb.sgxtcbcomponents[0].svn"},
        {"{\"svn\":4},", "", "tcbInfo.tcbLevels[0].tcb.sgxtcbcomponents"},
        {"{\"svn\":4},", "{\"svn\":4},{\"svn\":4},", "tcbInfo.tcbLevels[0].tcb.sgxtcbcomponents"},
        {"\"tcbStatus\":\"OutOfDate\"", "\"tcbStatus\":\"Fine\"", "tcbInfo.tcbLevels[0]"},
        {"\"signature\":\"0", "\"signature\":\"A", "signature"},
        {"\"signature\":\"0", "\"signature\":\"00", "tcb_info.signature"},
        {"\"signature\":\"0", "\"signature\":\"g", "tcb_info.signature"},
        {"\"signature\"", "\"extra\":1,\"signature\"", "tcb_info.extra"},
        {"\"signature\"", "\"tcbInfo\":{},\"signature\"", "tcb_info"},
        {"\"pceId\":\"0000\"", "\"pceId\":\"0000\",\"pceId\":\"0000\"", "tcb_info"},
        {"\"tcbInfo\"", "\"tcb\\u0049nfo\"", "tcb_info"},
        {"\"tcbInfo\"", "\"enclaveIdentity\"", "tcb_info.enclaveIdentity"},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct refusal why = {};
        CLEANUP(tcb_info_done) struct tcb_info info = {};
        assert_status(parse_with(version_3, faults[i].from, faults[i].to, &why, &info), ERR_COLLATERAL_MALFORMED);
        assert_string_equal(why.field, faults[i].field);
        assert_int_equal(why.status, ERR_COLLATERAL_MALFORMED);
    }
}

/* Faults that another check would call by the same name: what was expected tells which one found them. */
static void test_each_fault_is_told_by_the_check_that_is_for_it(void **)
{
    static const struct {
        const char *from, *to, *field, *expected;
    } faults[] = {
        {"\"id\":\"SGX\"", "\"id\":7", "tcbInfo.id", "a string"},
        {"\"tcbLevels\":[", "\"tcbLevels\":0,\"x\":[", "tcbInfo.tcbLevels", "an array"},
        {"\"tcb\":{", "\"tcb\":0,\"x\":{", "tcbInfo.tcbLevels[0].tcb", "an object"},
        {"\"sgxtcbcomponents\":[", "\"sgxtcbcomponents\":0,\"x\":[", "tcbInfo.tcbLevels[0].tcb.sgxtcbcomponents",
         "an array"},
        {"\"tcbInfo\":{", "\"tcbInfo\":0,\"signature\":{", "tcb_info", NULL},
        {"\"tcbType\":0", "\"tdxModule\":{},\"tcbType\":0", "tcbInfo.tdxModule", "nothing, as the id is SGX"},
        {"\"tcbType\":0", "\"tdxModuleIdentities\":[],\"tcbType\":0", "tcbInfo.tdxModuleIdentities",
         "nothing, as the id is SGX"},
        {"\"id\":\"SGX\"", "\"id\":\"TDX\"", "tcbInfo.tdxModule", "an object"},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct refusal why = {};
        CLEANUP(tcb_info_done) struct tcb_info info = {};
        assert_status(parse_with(version_3, faults[i].from, faults[i].to, &why, &info), ERR_COLLATERAL_MALFORMED);
        assert_string_equal(why.field, faults[i].field);
        if (faults[i].expected != NULL) assert_string_equal(why.expected, faults[i].expected);
    }
}

static void test_levels_are_alike_only_in_all_of_their_parts(void **)
{
    CLEANUP(tcb_info_done) struct tcb_info info = {};
    struct refusal why = {};
    const char *const second = strstr(version_3, "\"pcesvn\":5"); /* the first component of the second level differs */
    assert_non_null(second);
    char text[sizeof(version_3) + 16];
    const char *const component = strstr(second, "{\"svn\":4}");
    (void)snprintf(text, sizeof(text), "%.*s{\"svn\":3}%s", (int)(component - version_3), version_3,
                   component + strlen("{\"svn\":4}"));
    assert_ok(parse_with(text, "\"pcesvn\":7", "\"pcesvn\":5", &why, &info));
    assert_int_equal(info.levels[0].components[0], 4);
}

#define SVNS_V2                                                                                                        \
    "\"sgxtcbcomp01svn\":4,\"sgxtcbcomp02svn\":4,\"sgxtcbcomp03svn\":2,\"sgxtcbcomp04svn\":4,\"sgxtcbcomp05svn\":1,"   \
    "\"sgxtcbcomp06svn\":128,\"sgxtcbcomp07svn\":0,\"sgxtcbcomp08svn\":0,\"sgxtcbcomp09svn\":0,\"sgxtcbcomp10svn\":0," \
    "\"sgxtcbcomp11svn\":0,\"sgxtcbcomp12svn\":0,\"sgxtcbcomp13svn\":0,\"sgxtcbcomp14svn\":0,\"sgxtcbcomp15svn\":0,"   \
    "\"sgxtcbcomp16svn\":9"

static const char version_2[] =
    "{\"tcbInfo\":{\"version\":2,\"issueDate\":\"2026-01-01T00:00:00Z\","
    "\"nextUpdate\":\"2026-01-31T00:00:00Z\",\"fmspc\":\"00906EA10000\",\"pceId\":\"0001\",\"tcbType\":0,"
    "\"tcbEvaluationDataNumber\":17,\"tcbLevels\":["
    "{\"tcb\":{" SVNS_V2 ",\"pcesvn\":5},\"tcbDate\":\"2018-01-04T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]},"
    "\"signature\":\"" ZEROS_128 "\"}";

static void test_version_2(void **)
{
    CLEANUP(tcb_info_done) struct tcb_info info = {}, without = {}, wrong = {};
    struct refusal why = {};
    assert_ok(parse_with(version_2, NULL, NULL, NULL, &info));
    assert_int_equal(info.tee, INTEL_SGX);
    assert_true(info.has_pce_id);
    assert_int_equal(info.pce_id[1], 1);
    assert_int_equal(info.levels[0].components[5], 128);
    assert_int_equal(info.levels[0].components[15], 9);
    assert_ok(parse_with(version_2, "\"pceId\":\"0001\",", "", NULL, &without));
    assert_false(without.has_pce_id);
    assert_status(parse_with(version_2, "\"pceId\":\"0001\"", "\"pceId\":\"001\"", &why, &wrong),
                  ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.field, "tcbInfo.pceId");
    assert_status(parse_with(version_2, "\"sgxtcbcomp16svn\":9", "\"sgxtcbcomp16svn\":256", &why, &wrong),
                  ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.field, "tcbInfo.tcbLevels[0].tcb.sgxtcbcomp16svn");
}

#define TDX_LEVEL(last, status)                                                                                        \
    "{\"tcb\":{\"sgxtcbcomponents\":[" SVNS_V3 "],\"pcesvn\":5,\"tdxtcbcomponents\":["                                 \
    "{\"svn\":1},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},"     \
    "{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":" last "}]},"                    \
    "\"tcbDate\":\"2018-01-04T00:00:00Z\",\"tcbStatus\":\"" status "\"}"

static const char domains[] =
    "{\"tcbInfo\":{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2026-01-01T00:00:00Z\","
    "\"nextUpdate\":\"2026-01-31T00:00:00Z\",\"fmspc\":\"00906EA10000\",\"pceId\":\"0000\",\"tcbType\":0,"
    "\"tcbEvaluationDataNumber\":17,\"tdxModule\":{\"mrsigner\":\"%096d\",\"attributes\":\"0000000000000000\","
    "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},\"tcbLevels\":[" TDX_LEVEL("2", "OutOfDate") "," TDX_LEVEL(
        "3", "UpToDate") "]},\"signature\":\"" ZEROS_128 "\"}";

static void test_levels_of_trust_domains(void **)
{
    char text[sizeof(domains) + 96];
    (void)snprintf(text, sizeof(text), domains, 0);
    CLEANUP(tcb_info_done) struct tcb_info info = {}, wrong = {};
    struct refusal why = {};
    assert_ok(parse_with(text, NULL, NULL, NULL, &info));
    assert_int_equal(info.tee, INTEL_TDX);
    assert_int_equal(info.levels[0].tdx_components[15], 3); /* alike but for this one */
    assert_int_equal(info.levels[1].tdx_components[0], 1);
    assert_status(parse_with(text, "\"svn\":3}", "\"svn\":2}", &why, &wrong), ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.field, "tcbInfo.tcbLevels");
    assert_status(parse_with(text, "{\"svn\":1},{\"svn\":0}", "{\"svn\":256},{\"svn\":0}", &why, &wrong),
                  ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.field, "tcbInfo.tcbLevels[0].tcb.tdxtcbcomponents[0].svn");
    assert_status(parse_with(text, "\"tdxtcbcomponents\"", "\"x\"", &why, &wrong), ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.field, "tcbInfo.tcbLevels[0].tcb.tdxtcbcomponents");
    assert_status(parse_with(text, "\"attributesMask\":\"FF", "\"attributesMask\":\"", &why, &wrong),
                  ERR_COLLATERAL_MALFORMED);
    assert_string_equal(why.field, "tcbInfo.tdxModule.attributesMask");
}

static void test_levels_have_a_maximum_and_a_minimum(void **)
{
    static const char head[] = "{\"tcbInfo\":{\"id\":\"SGX\",\"version\":3,\"issueDate\":\"2026-01-01T00:00:00Z\","
                               "\"nextUpdate\":\"2026-01-31T00:00:00Z\",\"fmspc\":\"00906EA10000\",\"pceId\":\"0000\","
                               "\"tcbType\":0,\"tcbEvaluationDataNumber\":17,\"tcbLevels\":[";
    static const char tail[] = "]},\"signature\":\"" ZEROS_128 "\"}";
    for (int count = 0; count <= TCB_LEVEL_MAX_COUNT + 1; count += TCB_LEVEL_MAX_COUNT + 1) {
        CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(1 << 20);
        assert_ok(buffer_append_text(&text, head));
        for (int i = 0; i < count; i++)
            assert_ok(buffer_append_format(&text,
                                           "%s{\"tcb\":{\"sgxtcbcomponents\":[%s],\"pcesvn\":%d},"
                                           "\"tcbDate\":\"2018-01-04T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}",
                                           i > 0 ? "," : "", SVNS_V3, i));
        assert_ok(buffer_append_text(&text, tail));
        struct refusal why = {};
        CLEANUP(tcb_info_done) struct tcb_info info = {};
        assert_status(tcb_info_parse(buffer_slice(&text), &why, &info), ERR_COLLATERAL_MALFORMED);
        assert_string_equal(why.field, "tcbInfo.tcbLevels");
    }
}

/* The shared parser cases carry their expectation in their names. Version 1 (2018) is out of use and refused with the
 * rest, though its case is well-formed. */
static void test_shared_cases(void **)
{
    static const struct {
        const char *name;
        enum status expected;
    } cases[] = {
        {"oe-report-data-tcbInfo.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativeCompSvn.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativeIntegerOverflow.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativeInvalidIssueDate.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativeInvalidNextUpdate.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativePceSvn.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativePropertyMissingLevel1.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativePropertyMissingLevel2.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativePropertyWrongTypeLevel0.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativePropertyWrongTypeLevel2.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativePropertyWrongTypeLevel3.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data-tcbInfoNegativeStringEscape.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfo.json", OK},
        {"oe-report-data_v2-tcbInfoAdvisoryIds.json", OK},
        {"oe-report-data_v2-tcbInfoNegativeFloat.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativeIntegerWithSign.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativeInvalidIssueDate.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativeMissingNextUpdate.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativePropertyMissingLevel0.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativePropertyMissingLevel1.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativePropertyMissingLevel3.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativePropertyWrongTypeLevel1.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativePropertyWrongTypeLevel2.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativeSignature.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfoNegativeTcbType.json", ERR_COLLATERAL_MALFORMED},
        {"oe-report-data_v2-tcbInfo_with_pceid.json", OK},
        {"oe-report-data_v3-tcbinfo_sgx.json", OK},
        {"oe-report-data_v3-tcbinfo_tdx.json", OK},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char relative[160];
        (void)snprintf(relative, sizeof(relative), "vectors/collateral-json/%s", cases[i].name);
        CLEANUP(buffer_done) struct buffer text = read_whole(shared_path(relative));
        struct refusal why = {};
        CLEANUP(tcb_info_done) struct tcb_info info = {};
        const enum status status = tcb_info_parse(buffer_slice(&text), &why, &info);
        if (status != cases[i].expected) print_error("%s: %s %s\n", cases[i].name, why.field, why.seen);
        assert_status(status, cases[i].expected);
        assert_int_equal(info.tee, strstr(cases[i].name, "_tdx") != NULL ? INTEL_TDX : INTEL_SGX);
    }
}

static void test_version_2_needs_no_pce_id(void **)
{
    CLEANUP(buffer_done)
    struct buffer without = read_whole(shared_path("vectors/collateral-json/oe-report-data_v2-tcbInfo.json"));
    CLEANUP(tcb_info_done) struct tcb_info info = {};
    assert_ok(tcb_info_parse(buffer_slice(&without), NULL, &info));
    assert_false(info.has_pce_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_3),
        cmocka_unit_test(test_each_fault_is_refused),
        cmocka_unit_test(test_each_fault_is_told_by_the_check_that_is_for_it),
        cmocka_unit_test(test_levels_are_alike_only_in_all_of_their_parts),
        cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_levels_of_trust_domains),
        cmocka_unit_test(test_levels_have_a_maximum_and_a_minimum),
        cmocka_unit_test(test_shared_cases),
        cmocka_unit_test(test_version_2_needs_no_pce_id),
    };
    return cmocka_run_group_tests_name("evidence/tcb_info", tests, NULL, NULL);
}
