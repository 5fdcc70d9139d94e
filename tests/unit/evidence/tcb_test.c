/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/tcb.h"

#include "testing.h"

/* The whole table of the reference, section 10.2: rows are the platform's status, columns the quoting enclave's. */
static const struct {
    const char *platform, *up_to_date, *out_of_date, *revoked;
} merges[] = {
    {"UpToDate", "UpToDate", "OutOfDate", "Revoked"},
    {"SWHardeningNeeded", "SWHardeningNeeded", "OutOfDate", "Revoked"},
    {"ConfigurationNeeded", "ConfigurationNeeded", "OutOfDateConfigurationNeeded", "Revoked"},
    {"ConfigurationAndSWHardeningNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded",
     "Revoked"},
    {"OutOfDate", "OutOfDate", "OutOfDate", "Revoked"},
    {"OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded", "OutOfDateConfigurationNeeded", "Revoked"},
    {"Revoked", "Revoked", "Revoked", "Revoked"},
};

static struct level_status status_of(const char *text)
{
    struct level_status status;
    assert_true(level_status_from_text(slice_of_text(text), &status));
    return status;
}

static void assert_merge(const char *platform, const char *quoting_enclave, const char *expected)
{
    const struct level_status merged = tcb_merge(status_of(platform), status_of(quoting_enclave));
    assert_string_equal(merged.is_revoked ? "Revoked" : tcb_status_name(merged.status), expected);
}

static void test_the_merge_table(void **)
{
    for (size_t i = 0; i < sizeof(merges) / sizeof(merges[0]); i++) {
        assert_merge(merges[i].platform, "UpToDate", merges[i].up_to_date);
        assert_merge(merges[i].platform, "OutOfDate", merges[i].out_of_date);
        assert_merge(merges[i].platform, "Revoked", merges[i].revoked);
    }
}

static void test_only_intels_spelling_is_a_status(void **)
{
    static const char *const wrong[] = {"", "uptodate", "UpToDate ", "Up", "OK", "TDRelaunchAdvised", "Unknown"};
    struct level_status status;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(level_status_from_text(slice_of_text(wrong[i]), &status));
    assert_string_equal(tcb_status_name((enum tcb_status)99), "Unknown");
    const int behind_the_last = TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED + 1;
    assert_string_equal(tcb_status_name((enum tcb_status)behind_the_last), "Unknown");
}

static struct tcb_level level(uint8_t component, uint8_t last, uint16_t pce_svn)
{
    struct tcb_level made = {.pce_svn = pce_svn};
    memset(made.components, component, sizeof(made.components));
    made.components[TCB_COMPONENT_COUNT - 1] = last;
    return made;
}

static struct pck platform(uint8_t component, uint8_t last, uint16_t pce_svn)
{
    const struct tcb_level same = level(component, last, pce_svn);
    struct pck made = {.pce_svn = pce_svn};
    memcpy(made.components, same.components, sizeof(made.components));
    return made;
}

static void test_the_newest_level_that_is_reached_counts(void **)
{
    struct tcb_level levels[] = {level(2, 0, 5), level(5, 1, 10), level(5, 0, 10), level(5, 0, 13), level(9, 9, 13)};
    enum { COUNT = sizeof(levels) / sizeof(levels[0]) };
    tcb_levels_sort(levels, COUNT);
    for (size_t i = 0; i + 1 < COUNT; i++) {
        assert_true(levels[i].components[0] > levels[i + 1].components[0] ||
                    levels[i].components[15] > levels[i + 1].components[15] ||
                    levels[i].pce_svn > levels[i + 1].pce_svn);
    }
    const struct pck best = platform(9, 9, 13), middle = platform(5, 0, 12), old_pce = platform(9, 9, 9),
                     weak_last = platform(5, 0, 13), none = platform(1, 255, 255);
    assert_ptr_equal(tcb_match(levels, COUNT, &best), &levels[0]);
    assert_int_equal(tcb_match(levels, COUNT, &middle)->pce_svn, 10);
    assert_int_equal(tcb_match(levels, COUNT, &middle)->components[15], 0);
    assert_int_equal(tcb_match(levels, COUNT, &old_pce)->components[0], 2);
    assert_int_equal(tcb_match(levels, COUNT, &weak_last)->pce_svn, 13);
    assert_null(tcb_match(levels, COUNT, &none));
    assert_null(tcb_match(levels, 0, &best));
}

static void test_each_component_counts(void **)
{
    const struct tcb_level wanted = level(7, 7, 7);
    for (size_t i = 0; i < TCB_COMPONENT_COUNT; i++) {
        struct pck weak = platform(255, 255, 255);
        weak.components[i] = 6;
        assert_null(tcb_match(&wanted, 1, &weak));
        weak.components[i] = 7;
        assert_non_null(tcb_match(&wanted, 1, &weak));
    }
    const struct pck weak_pce = platform(255, 255, 6);
    assert_null(tcb_match(&wanted, 1, &weak_pce));
}

static void test_each_component_of_a_trust_domain_counts(void **)
{
    struct tcb_level wanted = level(7, 7, 7);
    memset(wanted.tdx_components, 7, sizeof(wanted.tdx_components));
    const struct pck strong = platform(7, 7, 7), weak = platform(7, 6, 7);
    for (int version = 0; version < 2; version++) {
        uint8_t *const svn = malloc(TCB_COMPONENT_COUNT); /* of its exact size, for the sanitizers */
        for (size_t i = 2; i < TCB_COMPONENT_COUNT; i++) {
            memset(svn, 7, TCB_COMPONENT_COUNT);
            if (version == 1) svn[1] = 1; /* the module has an identity, which judges it */
            assert_ptr_equal(tcb_match_tdx(&wanted, 1, &strong, svn), &wanted);
            assert_null(tcb_match_tdx(&wanted, 1, &weak, svn));
            svn[i] = 6;
            assert_null(tcb_match_tdx(&wanted, 1, &strong, svn));
        }
        free(svn);
    }
    uint8_t first[TCB_COMPONENT_COUNT] = {}, levelled[TCB_COMPONENT_COUNT] = {7};
    wanted = level(7, 7, 7);
    wanted.tdx_components[0] = 7;
    assert_null(tcb_match_tdx(&wanted, 1, &strong, first));
    assert_ptr_equal(tcb_match_tdx(&wanted, 1, &strong, levelled), &wanted);
    first[1] = 1;
    assert_ptr_equal(tcb_match_tdx(&wanted, 1, &strong, first), &wanted);
    struct tcb_level *const one = malloc(sizeof(*one));
    *one = wanted;
    assert_null(tcb_match_tdx(one, 1, &weak, first));
    assert_null(tcb_match(one, 1, &weak));
    free(one);
}

static void test_levels_that_differ_in_the_domains_components_are_sorted_by_them(void **)
{
    struct tcb_level levels[] = {level(5, 5, 5), level(5, 5, 5), level(5, 5, 5)};
    levels[1].tdx_components[2] = 9;
    levels[2].tdx_components[2] = 4;
    tcb_levels_sort(levels, 3);
    assert_int_equal(levels[0].tdx_components[2], 9);
    assert_int_equal(levels[1].tdx_components[2], 4);
    assert_int_equal(levels[2].tdx_components[2], 0);
}

static enum status read_facts(const char *text, struct refusal *why)
{
    CLEANUP(json_tree_done) struct json_tree level = {};
    assert_ok(json_tree_parse(slice_of_text(text), 65536, "json", NULL, &level));
    struct level_facts facts;
    return level_facts_read(level.nodes, "level", why, &facts);
}

static void test_facts_beside_a_level(void **)
{
    struct refusal why = {};
    assert_ok(read_facts("{\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}", &why));
    assert_ok(read_facts("{\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"Revoked\",\"advisoryIDs\":[]}", &why));
    assert_status(read_facts("{\"tcbStatus\":\"UpToDate\"}", &why), ERR_FIELD_MISSING);
    assert_string_equal(why.field, "level.tcbDate");
    assert_status(read_facts("{\"tcbDate\":\"2024-03-13\",\"tcbStatus\":\"UpToDate\"}", &why), ERR_FIELD_VALUE);
    assert_status(read_facts("{\"tcbDate\":\"2024-03-13T00:00:00Z\"}", &why), ERR_FIELD_MISSING);
    assert_status(read_facts("{\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"Good\"}", &why), ERR_FIELD_VALUE);
    static const char *const advisories[] = {"\"INTEL-SA-00615\"",
                                             "[[\"INTEL-SA-00615\"]]",
                                             "[615]",
                                             "[\"\"]",
                                             "[\"INTEL SA\"]",
                                             "[\"a\\\"b\"]",
                                             "[\"INTEL-SA-0000000000000000000000001\"]"};
    for (size_t i = 0; i < sizeof(advisories) / sizeof(advisories[0]); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "{\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":%s}",
                       advisories[i]);
        assert_int_not_equal(read_facts(text, &why), OK);
    }
    assert_ok(read_facts("{\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\","
                         "\"advisoryIDs\":[\"INTEL-SA-00000000000000000000001\",\"AZ-az-09\"]}",
                         &why));
    for (const char *c = "@[`{/:_ "; *c != '\0'; c++) {
        char text[128];
        (void)snprintf(text, sizeof(text),
                       "{\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":\"UpToDate\",\"advisoryIDs\":[\"%c\"]}",
                       *c);
        assert_status(read_facts(text, &why), ERR_FIELD_VALUE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_merge_table),
        cmocka_unit_test(test_only_intels_spelling_is_a_status),
        cmocka_unit_test(test_the_newest_level_that_is_reached_counts),
        cmocka_unit_test(test_each_component_counts),
        cmocka_unit_test(test_each_component_of_a_trust_domain_counts),
        cmocka_unit_test(test_levels_that_differ_in_the_domains_components_are_sorted_by_them),
        cmocka_unit_test(test_facts_beside_a_level),
    };
    return cmocka_run_group_tests_name("evidence/tcb", tests, NULL, NULL);
}
