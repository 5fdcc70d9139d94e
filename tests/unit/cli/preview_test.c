/* SPDX-License-Identifier: Apache-2.0
 *
 * The preview of new collateral, with logs and collateral of the test's own making.
 */
#include "cli/preview/preview.h"

#include "appraisals.h"
#include "feeds/collateral_files.h"
#include "test_pki.h"

#include <sys/stat.h>

enum { NOW_S = PKI_NOW_S, HOUR_S = 3600 };

struct scene {
    char folder[64], log[96];
    struct test_pki pki;
    struct preview preview;
};

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    (void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/lazaret-preview-XXXXXX");
    if (mkdtemp(scene->folder) == NULL) return -1;
    (void)snprintf(scene->log, sizeof(scene->log), "%s/attested.jsonl", scene->folder);
    scene->preview.at_s = NOW_S;
    scene->preview.since_s = NOW_S - 24 * HOUR_S;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    char command[160];
    preview_done(&scene->preview);
    pki_done(&scene->pki);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", scene->folder);
    const int removed = system(command);
    free(scene);
    return removed;
}

/* The platform that test_pki.h mints, as it was attested an hour ago. */
static struct attested minted(uint8_t name)
{
    struct attested attested = {
        .time_s = NOW_S - HOUR_S,
        .numbers = {.tee = INTEL_SGX, .fmspc = {[5] = 7}, .pce_svn = 4, .qe_svn = 8},
        .has_platform = name != 0,
        .platform = {name},
        .tcb_evaluation = 7,
    };
    memset(attested.numbers.components, 4, sizeof(attested.numbers.components));
    return attested;
}

static void append_line(const char *path, const struct attested *attested)
{
    CLEANUP(buffer_done) struct buffer line = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
    FILE *const file = fopen(path, "a");
    assert_ok(attested_write(attested, &line));
    assert_non_null(file);
    assert_int_equal(fwrite(line.bytes, 1, line.size, file), line.size);
    assert_int_equal(fclose(file), 0);
}

/* Makes new collateral in a folder of the scene's folder. */
static void put_collateral(struct scene *scene, const char *name, const struct pki_options *options)
{
    char path[128];
    pki_done(&scene->pki);
    scene->pki = pki_make(options);
    const struct collateral_texts texts = pki_texts(&scene->pki);
    CLEANUP(collateral_files_done) struct collateral_files files = collateral_files_empty();
    assert_ok(buffer_append(&files.tcb_info, texts.tcb_info));
    assert_ok(buffer_append(&files.tcb_info_issuer_chain, texts.tcb_info_issuer_chain));
    assert_ok(buffer_append(&files.qe_identity, texts.qe_identity));
    assert_ok(buffer_append(&files.qe_identity_issuer_chain, texts.qe_identity_issuer_chain));
    assert_ok(buffer_append(&files.pck_crl, texts.pck_crl));
    assert_ok(buffer_append(&files.pck_crl_issuer_chain, texts.pck_crl_issuer_chain));
    assert_ok(buffer_append(&files.root_ca_crl, texts.root_ca_crl));
    (void)snprintf(path, sizeof(path), "%s/%s", scene->folder, name);
    assert_ok(collateral_files_write(path, &files, NULL));
}

static void read_collateral(struct scene *scene, const char *name)
{
    char path[128];
    struct refusal why = {};
    (void)snprintf(path, sizeof(path), "%s/%s", scene->folder, name);
    if (preview_read_collateral(path, pki_roots(&scene->pki), &why, &scene->preview) != OK)
        fail_msg("%s: %s", why.field, why.seen);
}

static void read_log(struct scene *scene)
{
    struct refusal why = {};
    if (preview_read_log(scene->log, &why, &scene->preview) != OK) fail_msg("%s: %s", why.field, why.seen);
}

static const struct preview_platform *judge_one(struct scene *scene, const struct pki_options *options,
                                                const struct appraisal_policy *policy)
{
    preview_done(&scene->preview);
    scene->preview = (struct preview){.at_s = NOW_S, .since_s = NOW_S - 24 * HOUR_S};
    put_collateral(scene, "new", options);
    read_collateral(scene, "new");
    read_log(scene);
    assert_ok(preview_judge(&scene->preview, policy));
    assert_int_equal(scene->preview.platform_count, 1);
    return &scene->preview.platforms[0];
}

/* ---- verdicts ---- */

static void test_a_platform_fails_that_is_refused_or_gets_worse(void **state)
{
    struct scene *const scene = *state;
    static const struct {
        struct pki_options options;
        enum preview_verdict verdict;
        enum status refusal;
        const char *field;
    } cases[] = {
        {{}, PREVIEW_PASSES, OK, ""},
        {{.tcb_status = "SWHardeningNeeded"}, PREVIEW_PASSES, OK, ""}, /* as it was */
        {{.tcb_status = "ConfigurationNeeded"}, PREVIEW_FAILS, OK, "tcb_status"},
        {{.tcb_status = "OutOfDate"}, PREVIEW_FAILS, OK, "tcb_status"},
        {{.qe_status = "OutOfDate"}, PREVIEW_FAILS, OK, "tcb_status"},
        {{.tcb_status = "Revoked"}, PREVIEW_FAILS, ERR_TCB_REVOKED, "pck_certificate.tcb"},
        {{.lowest_component = 5}, PREVIEW_FAILS, ERR_TCB_NOT_SUPPORTED, "pck_certificate.tcb"},
        {{.fmspc = "000000000008"}, PREVIEW_UNTOUCHED, OK, ""},
    };
    struct attested attested = minted(1);
    attested.status = TCB_SW_HARDENING_NEEDED;
    append_line(scene->log, &attested);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct preview_platform *const platform = judge_one(scene, &cases[i].options, NULL);
        assert_int_equal(platform->verdict, cases[i].verdict);
        assert_status(platform->refusal_status, cases[i].refusal);
        assert_string_equal(platform->why.field, cases[i].field);
        assert_int_equal(preview_failing(&scene->preview), cases[i].verdict == PREVIEW_FAILS);
    }
}

static void test_a_policy_decides_who_fails(void **state)
{
    struct scene *const scene = *state;
    const struct pki_options out_of_date = {.tcb_status = "OutOfDate"};
    struct attested attested = minted(1);
    CLEANUP(json_done) json_t *json = example_policy("sgx");
    CLEANUP(appraisal_policy_cleanup) struct appraisal_policy *strict = NULL, *lenient = NULL;
    attested.status = TCB_OUT_OF_DATE;
    append_line(scene->log, &attested);
    put(json, "intel/grace", "\"none\"");
    put(json, "intel/minimum_tcb_evaluation", "\"any\"");
    assert_ok(policy_of(json, NULL, &strict));
    put(json, "intel/statuses", "[\"OutOfDate\"]");
    put(json, "intel/advisories", "\"any\"");
    assert_ok(policy_of(json, NULL, &lenient));
    assert_int_equal(judge_one(scene, &out_of_date, NULL)->verdict, PREVIEW_PASSES); /* no worse than before */
    const struct preview_platform *const refused = judge_one(scene, &out_of_date, strict);
    assert_int_equal(refused->verdict, PREVIEW_FAILS);
    assert_string_equal(refused->why.field, "intel.tcb_status");
    assert_int_equal(judge_one(scene, &out_of_date, lenient)->verdict, PREVIEW_PASSES);
}

/* Of two issues of one model's collateral the worse counts: nobody knows which will apply first. */
static void test_of_two_collaterals_the_worse_counts(void **state)
{
    struct scene *const scene = *state;
    const struct pki_options out_of_date = {.tcb_status = "OutOfDate"};
    const struct attested attested = minted(1);
    append_line(scene->log, &attested);
    for (int round = 0; round < 2; round++) {
        preview_done(&scene->preview);
        scene->preview = (struct preview){.at_s = NOW_S, .since_s = 0};
        put_collateral(scene, "first", round == 0 ? &out_of_date : NULL);
        read_collateral(scene, "first");
        put_collateral(scene, "second", round == 0 ? NULL : &out_of_date);
        read_collateral(scene, "second");
        read_log(scene);
        assert_ok(preview_judge(&scene->preview, NULL));
        assert_int_equal(preview_failing(&scene->preview), 1);
    }
}

/* ---- lines ---- */

static void test_lines_of_one_machine_are_merged_and_the_newest_counts(void **state)
{
    struct scene *const scene = *state;
    struct attested attested = minted(1);
    attested.time_s = NOW_S - 5 * HOUR_S;
    attested.numbers.pce_svn = 1; /* since then it was updated */
    append_line(scene->log, &attested);
    attested = minted(1);
    append_line(scene->log, &attested);
    attested.time_s = NOW_S - 3 * HOUR_S;
    append_line(scene->log, &attested);
    append_line(scene->log, &attested); /* the service was started again */
    const struct preview_platform *const platform = judge_one(scene, NULL, NULL);
    assert_int_equal(platform->hours, 3);
    assert_int_equal(platform->last.time_s, NOW_S - HOUR_S);
    assert_int_equal(platform->last.numbers.pce_svn, 4);
    assert_int_equal(platform->verdict, PREVIEW_PASSES);
}

static void test_machines_without_a_name_are_told_apart_by_their_numbers(void **state)
{
    struct scene *const scene = *state;
    struct attested attested = minted(0);
    append_line(scene->log, &attested);
    attested.time_s -= HOUR_S;
    append_line(scene->log, &attested);
    attested.numbers.pce_svn = 3;
    append_line(scene->log, &attested);
    attested = minted(0);
    attested.numbers.qe_svn = 7;
    append_line(scene->log, &attested);
    attested = minted(0);
    attested.numbers.components[15] = 3;
    append_line(scene->log, &attested);
    attested = minted(0);
    attested.numbers.tee = INTEL_TDX;
    append_line(scene->log, &attested);
    attested.numbers.tee_tcb_svn[0] = 1;
    append_line(scene->log, &attested);
    read_log(scene);
    assert_ok(preview_judge(&scene->preview, NULL));
    assert_int_equal(scene->preview.platform_count, 6);
}

static void test_only_the_time_asked_for_is_looked_at(void **state)
{
    struct scene *const scene = *state;
    struct attested attested = minted(1);
    attested.time_s = scene->preview.since_s;
    append_line(scene->log, &attested);
    attested.platform[0] = 2;
    attested.time_s--;
    append_line(scene->log, &attested);
    read_log(scene);
    assert_ok(preview_judge(&scene->preview, NULL));
    assert_int_equal(scene->preview.platform_count, 1);
    assert_int_equal(scene->preview.platforms[0].last.platform[0], 1);
}

static void test_the_log_that_was_set_aside_is_read_too(void **state)
{
    struct scene *const scene = *state;
    char older[128];
    struct attested attested = minted(1);
    struct refusal why = {};
    assert_status(preview_read_log(scene->log, &why, &scene->preview), ERR_IO);
    append_line(scene->log, &attested);
    attested.platform[0] = 2;
    (void)snprintf(older, sizeof(older), "%s.1", scene->log);
    append_line(older, &attested);
    read_log(scene);
    assert_int_equal(scene->preview.line_count, 2);
    assert_false(scene->preview.is_torn);
    assert_ok(file_write(older, SLICE_LITERAL("{\"ti"), 0600, NULL));
    read_log(scene);
    assert_true(scene->preview.is_torn);
    assert_ok(file_write(older, SLICE_LITERAL("{}\n"), 0600, NULL));
    assert_status(preview_read_log(scene->log, &why, &scene->preview), ERR_FIELD_MISSING);
    assert_string_equal(why.field, "line 1.tee");
}

/* ---- collateral ---- */

static void test_an_empty_log_has_no_platforms(void **state)
{
    struct scene *const scene = *state;
    assert_ok(file_write(scene->log, (struct slice){}, 0600, NULL));
    read_log(scene);
    assert_ok(preview_judge(&scene->preview, NULL));
    assert_int_equal(scene->preview.platform_count, 0);
    assert_int_equal(preview_failing(&scene->preview), 0);
}

static void test_a_folder_of_folders_is_read(void **state)
{
    struct scene *const scene = *state;
    char path[128];
    struct refusal why = {};
    put_collateral(scene, "000000000007-platform", NULL);
    (void)snprintf(path, sizeof(path), "%s/empty", scene->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_ok(preview_read_collateral(scene->folder, pki_roots(&scene->pki), &why, &scene->preview));
    assert_int_equal(scene->preview.collateral_count, 1);
    assert_int_equal(scene->preview.collaterals[0].facts.fmspc[5], 7);
    assert_status(preview_read_collateral(path, pki_roots(&scene->pki), &why, &scene->preview), ERR_USAGE);
    assert_status(preview_read_collateral("/nonexistent", NULL, &why, &scene->preview), ERR_USAGE);
    assert_status(preview_read_collateral(scene->folder, NULL, &why, &scene->preview), ERR_CHAIN); /* verified */
}

/* ---- what is told ---- */

static void fill(struct scene *scene, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct attested attested = minted((uint8_t)(i + 1));
        attested.numbers.pce_svn = i % 2 == 0 ? 4 : 3; /* every other one is too old */
        append_line(scene->log, &attested);
    }
    put_collateral(scene, "new", NULL);
    read_collateral(scene, "new");
    read_log(scene);
    assert_ok(preview_judge(&scene->preview, NULL));
}

static void test_the_screen_is_one_and_begins_with_the_worst(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(64 * 1024);
    const char *screen;
    size_t lines = 1, widest = 0, width = 0;
    fill(scene, 100);
    assert_int_equal(preview_failing(&scene->preview), 50);
    assert_ok(preview_text(&scene->preview, &text));
    assert_ok(buffer_text(&text, &screen));
    for (const char *c = screen; *c != '\0'; c++) {
        width = *c == '\n' ? 0 : width + 1;
        lines += *c == '\n';
        if (width > widest) widest = width;
    }
    assert_true(lines <= 40);
    assert_true(widest <= 120);
    assert_non_null(strstr(screen, "50 of 100 platforms"));
    assert_non_null(strstr(screen, "and 88 platforms more"));
    assert_non_null(strstr(screen, "FAILS"));
    assert_null(strstr(screen, "passes"));
    assert_null(strstr(screen, "not current yet"));
    assert_null(strstr(screen, "EXPIRED"));
}

static void test_collateral_that_is_not_current_is_told(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(64 * 1024);
    const char *screen;
    fill(scene, 1);
    scene->preview.at_s = NOW_S - 30 * PKI_DAY_S;
    assert_ok(preview_text(&scene->preview, &text));
    scene->preview.at_s = NOW_S + 30 * PKI_DAY_S;
    scene->preview.is_torn = true;
    assert_ok(preview_text(&scene->preview, &text));
    assert_ok(buffer_text(&text, &screen));
    assert_non_null(strstr(screen, "not current yet"));
    assert_non_null(strstr(screen, "EXPIRED"));
    assert_non_null(strstr(screen, "middle of a line"));
    assert_non_null(strstr(screen, "what to do  nothing"));
}

static void test_json_tells_all(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(json_done) json_t *json = NULL;
    fill(scene, 100);
    assert_ok(preview_json(&scene->preview, &json));
    assert_int_equal(json_integer_value(json_object_get(json, "failing")), 50);
    const json_t *const platforms = json_object_get(json, "platforms");
    assert_int_equal(json_array_size(platforms), 100);
    const json_t *const worst = json_array_get(platforms, 0), *const best = json_array_get(platforms, 99);
    assert_string_equal(json_string_value(json_object_get(worst, "verdict")), "fails");
    assert_true(json_is_null(json_object_get(worst, "now")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(worst, "reason"), "code")),
                        "ERR_TCB_NOT_SUPPORTED");
    assert_string_equal(json_string_value(json_object_get(best, "verdict")), "passes");
    assert_string_equal(json_string_value(json_object_get(json_object_get(best, "now"), "status")), "UpToDate");
    assert_true(json_is_null(json_object_get(best, "reason")));
    assert_int_equal(json_array_size(json_object_get(json, "collateral")), 1);
}

#define preview_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        preview_unit_test(test_a_platform_fails_that_is_refused_or_gets_worse),
        preview_unit_test(test_a_policy_decides_who_fails),
        preview_unit_test(test_of_two_collaterals_the_worse_counts),
        preview_unit_test(test_lines_of_one_machine_are_merged_and_the_newest_counts),
        preview_unit_test(test_machines_without_a_name_are_told_apart_by_their_numbers),
        preview_unit_test(test_only_the_time_asked_for_is_looked_at),
        preview_unit_test(test_the_log_that_was_set_aside_is_read_too),
        preview_unit_test(test_an_empty_log_has_no_platforms),
        preview_unit_test(test_a_folder_of_folders_is_read),
        preview_unit_test(test_the_screen_is_one_and_begins_with_the_worst),
        preview_unit_test(test_collateral_that_is_not_current_is_told),
        preview_unit_test(test_json_tells_all),
    };
    return cmocka_run_group_tests_name("cli/preview", tests, NULL, NULL);
}
