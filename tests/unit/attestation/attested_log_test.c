/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/attested_log.h"

#include "testing.h"

#include <sys/stat.h>

enum { HOUR_S = 3600, NOW_S = 499000 * HOUR_S };

struct scene {
    char folder[64], path[96], older_path[128];
};

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    (void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/lazaret-attested-XXXXXX");
    if (mkdtemp(scene->folder) == NULL) return -1;
    (void)snprintf(scene->path, sizeof(scene->path), "%s/attested.jsonl", scene->folder);
    (void)snprintf(scene->older_path, sizeof(scene->older_path), "%s.1", scene->path);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    (void)unlink(scene->path);
    (void)unlink(scene->older_path);
    (void)rmdir(scene->folder);
    free(scene);
    return 0;
}

static const struct evidence_claims *platform(uint16_t pce_svn)
{
    static struct evidence_claims claims;
    claims = (struct evidence_claims){.kind = EVIDENCE_SGX, .sgx = {.platform = {.pce_svn = pce_svn}}};
    memset(claims.sgx.report_data, 0x5a, sizeof(claims.sgx.report_data));
    memset(claims.sgx.mrenclave, 0xa5, sizeof(claims.sgx.mrenclave));
    return &claims;
}

static struct attested_log *open_log(const struct scene *scene)
{
    struct attested_log *log = NULL;
    struct refusal why = {};
    if (attested_log_open(scene->path, &why, &log) != OK) fail_msg("%s: %s", why.field, why.seen);
    return log;
}

static enum status count_line(void *context, const struct attested *)
{
    (*(size_t *)context)++;
    return OK;
}

static void note(struct attested_log *log, const struct evidence_claims *claims, int64_t now_s)
{
    struct attested attested;
    assert_ok(attested_from_claims(claims, 0, &attested));
    attested_log_note(log, &attested, now_s);
}

static size_t lines_in(const char *path)
{
    CLEANUP(buffer_done) struct buffer text = read_whole(path);
    bool is_torn = true;
    size_t lines = 0;
    assert_ok(attested_log_read(buffer_slice(&text), count_line, &lines, NULL, &is_torn));
    assert_false(is_torn);
    return lines;
}

static void test_a_platform_is_noted_once_an_hour(void **state)
{
    const struct scene *const scene = *state;
    struct attested_log *const log = open_log(scene);
    for (int i = 0; i < 1000; i++) note(log, platform(1), NOW_S + i);
    assert_int_equal(lines_in(scene->path), 1);
    note(log, platform(2), NOW_S + HOUR_S - 1);
    assert_int_equal(lines_in(scene->path), 2);
    note(log, platform(1), NOW_S + HOUR_S);
    note(log, platform(1), NOW_S + HOUR_S + 1);
    assert_int_equal(lines_in(scene->path), 3);
    attested_log_free(log);
}

/* The file holds no byte of what ran or of what was asked. */
static void test_only_numbers_of_the_hardware_are_noted(void **state)
{
    const struct scene *const scene = *state;
    struct attested_log *const log = open_log(scene);
    note(log, platform(1), NOW_S);
    attested_log_free(log);
    CLEANUP(buffer_done) struct buffer text = read_whole(scene->path);
    const char *line;
    struct stat found;
    assert_ok(buffer_text(&text, &line));
    assert_null(strstr(line, "5a5a"));
    assert_null(strstr(line, "a5a5"));
    assert_int_equal(stat(scene->path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
}

static void test_platforms_of_an_hour_are_bounded(void **state)
{
    const struct scene *const scene = *state;
    struct attested_log *const log = open_log(scene);
    for (unsigned i = 0; i < ATTESTED_PLATFORMS_PER_HOUR + 100; i++) note(log, platform((uint16_t)i), NOW_S);
    assert_int_equal(lines_in(scene->path), ATTESTED_PLATFORMS_PER_HOUR);
    note(log, platform(UINT16_MAX), NOW_S + HOUR_S);
    assert_int_equal(lines_in(scene->path), ATTESTED_PLATFORMS_PER_HOUR + 1);
    attested_log_free(log);
}

static void test_a_full_log_is_set_aside_once(void **state)
{
    const struct scene *const scene = *state;
    struct attested_log *log = open_log(scene);
    note(log, platform(1), NOW_S);
    attested_log_free(log);
    CLEANUP(buffer_done) struct buffer line = read_whole(scene->path);
    CLEANUP(buffer_done) struct buffer many = buffer_of_maximum(ATTESTED_LOG_MAX_BYTES);
    while (buffer_append(&many, buffer_slice(&line)) == OK) continue;
    for (int round = 0; round < 2; round++) {
        assert_ok(file_write(scene->path, buffer_slice(&many), 0600, NULL));
        log = open_log(scene);
        note(log, platform(2), NOW_S);
        note(log, platform(3), NOW_S);
        attested_log_free(log);
        assert_int_equal(lines_in(scene->path), 2);
        assert_int_equal(lines_in(scene->older_path), many.size / line.size);
    }
}

static void test_a_torn_line_is_cut_off(void **state)
{
    const struct scene *const scene = *state;
    static const char *const torn[] = {"{\"time\":1", "x"};
    for (size_t i = 0; i < 2; i++) {
        struct attested_log *log = open_log(scene);
        note(log, platform((uint16_t)i), NOW_S);
        attested_log_free(log);
        FILE *const file = fopen(scene->path, "a");
        assert_non_null(file);
        assert_true(fputs(torn[i], file) >= 0);
        assert_int_equal(fclose(file), 0);
        log = open_log(scene);
        attested_log_free(log);
        assert_int_equal(lines_in(scene->path), i + 1);
    }
    assert_ok(file_write(scene->path, SLICE_LITERAL("{\"torn"), 0600, NULL));
    attested_log_free(open_log(scene));
    assert_int_equal(lines_in(scene->path), 0);
}

static void test_what_is_no_such_log_is_left_alone(void **state)
{
    const struct scene *const scene = *state;
    struct attested_log *log = NULL;
    struct refusal why = {};
    char text[ATTESTED_LINE_MAX_BYTES + 1];
    memset(text, 'x', sizeof(text));
    assert_ok(file_write(scene->path, SLICE_ARRAY(text), 0600, NULL));
    assert_status(attested_log_open(scene->path, &why, &log), ERR_IO);
    assert_string_equal(why.expected, "a log of attested platforms");
    assert_null(log);
    assert_status(attested_log_open(scene->folder, &why, &log), ERR_IO);
    assert_int_equal(unlink(scene->path), 0);
    assert_int_equal(symlink("/tmp/elsewhere", scene->path), 0);
    assert_status(attested_log_open(scene->path, &why, &log), ERR_IO);
}

static void test_without_a_path_there_is_no_log(void **)
{
    struct attested_log *log = NULL;
    char folder[PATH_MAX];
    assert_ok(attested_log_open("", NULL, &log));
    assert_null(log);
    note(NULL, platform(1), NOW_S);
    attested_log_free(NULL);
    attested_log_folder("", folder);
    assert_string_equal(folder, "");
    attested_log_folder("/var/lib/lazaret/attested.jsonl", folder);
    assert_string_equal(folder, "/var/lib/lazaret");
}

static void test_the_member_may_be_left_out_but_not_be_empty(void **)
{
    static const struct {
        const char *text;
        enum status status;
        const char *path;
    } cases[] = {{"{}", OK, ""},
                 {"{\"attested_log\":\"a.jsonl\"}", OK, "/etc/lazaret/a.jsonl"},
                 {"{\"attested_log\":\"\"}", ERR_FIELD_VALUE, ""},
                 {"{\"attested_log\":null}", ERR_FIELD_TYPE, ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct configuration configuration = {.folder = "/etc/lazaret"};
        char path[PATH_MAX];
        configuration.json = json_loads(cases[i].text, 0, NULL);
        assert_status(attested_log_configure(&configuration, NULL, path), cases[i].status);
        assert_string_equal(path, cases[i].path);
        json_decref(configuration.json);
    }
}

#define attested_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        attested_unit_test(test_a_platform_is_noted_once_an_hour),
        attested_unit_test(test_only_numbers_of_the_hardware_are_noted),
        attested_unit_test(test_platforms_of_an_hour_are_bounded),
        attested_unit_test(test_a_full_log_is_set_aside_once),
        attested_unit_test(test_a_torn_line_is_cut_off),
        attested_unit_test(test_what_is_no_such_log_is_left_alone),
        attested_unit_test(test_without_a_path_there_is_no_log),
        attested_unit_test(test_the_member_may_be_left_out_but_not_be_empty),
    };
    return cmocka_run_group_tests_name("attestation/attested_log", tests, NULL, NULL);
}
