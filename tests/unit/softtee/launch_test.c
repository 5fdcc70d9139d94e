/* SPDX-License-Identifier: Apache-2.0
 *
 * The real launcher with a real program. Each launch runs in a child of the test, because the launcher takes over the
 * process's signals.
 */
#include "softtee/launch.h"

#include "folder.h"
#include "softtee/measure.h"
#include "softtee/signature.h"
#include "softtee/state.h"
#include "tee/tee.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { NOW = 1800000000, REFUSED = 99 };

/* A state folder, and where the probe writes what it sees. */
struct scene {
    struct folder folder;
    struct file_path seen;
};

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    scene->folder = folder_make();
    scene->seen = folder_file(&scene->folder, "seen");
    assert_ok(state_init(scene->folder.path, NOW, NULL));
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    folder_remove(&scene->folder);
    free(scene);
    return 0;
}

static pid_t start(const struct scene *scene, const char *deed, const struct launch_options *base)
{
    char program[PATH_MAX], deed_text[32], seen[PATH_MAX];
    (void)snprintf(program, sizeof(program), "%s", probe_path());
    (void)snprintf(deed_text, sizeof(deed_text), "%s", deed);
    (void)snprintf(seen, sizeof(seen), "%s", scene->seen.text);
    char *const arguments[] = {program, deed_text, seen, NULL};
    struct launch_options options = base != NULL ? *base : (struct launch_options){};
    options.state = scene->folder.path;
    if (options.arguments == NULL) options.arguments = arguments;
    const pid_t launcher = fork();
    if (launcher != 0) return launcher;
    int exit_code = 0;
    const enum status status = launch(&options, NULL, &exit_code);
    _exit(status == OK ? exit_code : REFUSED);
}

static int end_of(pid_t launcher)
{
    int ended = 0;
    while (waitpid(launcher, &ended, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 1000 + WTERMSIG(ended);
}

static int run(const struct scene *scene, const char *deed, const struct launch_options *base)
{
    return end_of(start(scene, deed, base));
}

static void assert_seen(const struct scene *scene, const char *expected)
{
    CLEANUP(buffer_done) struct buffer seen = read_whole(scene->seen.text);
    const char *text;
    assert_ok(buffer_text(&seen, &text));
    assert_string_equal(text, expected);
}

static void test_the_environment_is_empty_but_for_the_socket(void **state)
{
    assert_int_equal(setenv("SECRET_OF_THE_HOST", "x", 1), 0);
    assert_int_equal(run(*state, "environment", NULL), 0);
    assert_seen(*state, "LAZARET_SOFTTEE=3\n");
}

static void test_no_other_descriptor_is_inherited(void **state)
{
    const int open_descriptor = dup(0);
    assert_int_equal(run(*state, "descriptors", NULL), 0);
    (void)close(open_descriptor);
    assert_seen(*state, "3\n");
}

static void test_the_program_cannot_gain_privileges_and_dies_with_its_launcher(void **state)
{
    const struct scene *const scene = *state;
    const pid_t launcher = start(scene, "status", NULL);
    assert_int_equal(end_of(launcher), 0);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "1 %d 1 %d %u", SIGKILL, (int)launcher, (unsigned)getuid());
    assert_seen(scene, expected);
}

static void test_the_exit_code_is_passed_on(void **state)
{
    assert_int_equal(run(*state, "exit", NULL), 7);
    assert_int_equal(run(*state, "die", NULL), 128 + SIGKILL);
}

static void assert_quoted(const struct scene *scene, const char *program, const uint8_t mrsigner[static 32])
{
    CLEANUP(buffer_done) struct buffer seen = read_whole(scene->seen.text);
    struct loaded_program loaded;
    assert_ok(program_load(program, NULL, &loaded));
    const struct slice quote = slice_part(buffer_slice(&seen), 32, seen.size);
    assert_slice_equal(slice_part(buffer_slice(&seen), 0, 32), SLICE_ARRAY(loaded.mrenclave));
    assert_slice_equal(slice_part(quote, 48 + 64, 32), SLICE_ARRAY(loaded.mrenclave));
    assert_slice_equal(slice_part(quote, 48 + 128, 32), slice_of(mrsigner, 32));
    assert_true(slice_starts_with(slice_part(quote, 48 + 320, 64), SLICE_LITERAL("probe")));
    program_unload(&loaded);
}

static const uint8_t no_signer[32];

static void test_the_program_gets_quotes_over_its_own_measurement(void **state)
{
    assert_int_equal(run(*state, "quote", NULL), 0);
    assert_quoted(*state, probe_path(), no_signer);
}

/* The same program with one byte more says nothing else about itself, and is measured otherwise. */
static void test_the_program_cannot_choose_its_measurement(void **state)
{
    const struct scene *const scene = *state;
    struct file_path changed = changed_probe(&scene->folder);
    char name[PATH_MAX], deed[] = "quote", seen[PATH_MAX];
    (void)snprintf(name, sizeof(name), "%s", probe_path()); /* what it calls itself */
    (void)snprintf(seen, sizeof(seen), "%s", scene->seen.text);
    char *const arguments[] = {changed.text, deed, seen, NULL};
    const struct launch_options options = {.arguments = arguments};
    assert_int_equal(run(scene, "quote", &options), 0);
    assert_quoted(scene, changed.text, no_signer);
    CLEANUP(buffer_done) struct buffer written = read_whole(scene->seen.text);
    struct loaded_program original;
    assert_ok(program_load(probe_path(), NULL, &original));
    assert_memory_not_equal(written.bytes, original.mrenclave, 32);
    program_unload(&original);
}

static void test_a_child_of_the_program_gets_no_answer(void **state)
{
    assert_int_equal(run(*state, "child", NULL), 0);
    assert_quoted(*state, probe_path(), no_signer);
}

static void test_the_tee_is_handed_over_to_a_child_and_to_nobody_else(void **state)
{
    assert_int_equal(run(*state, "hand over", NULL), 0);
    assert_quoted(*state, probe_path(), no_signer);
    assert_int_equal(run(*state, "hand over to a stranger", NULL), 0);
}

static void test_sealing_keys_come_back_after_a_restart(void **state)
{
    const struct scene *const scene = *state;
    assert_int_equal(run(scene, "key", NULL), 0);
    CLEANUP(buffer_done) struct buffer first = read_whole(scene->seen.text);
    assert_int_equal(run(scene, "key", NULL), 0);
    CLEANUP(buffer_done) struct buffer second = read_whole(scene->seen.text);
    assert_int_equal(first.size, TEE_SEALING_KEY_BYTES);
    assert_slice_equal(buffer_slice(&first), buffer_slice(&second));
}

/* Signs the probe, or (with `changed`) what is not the probe. */
static struct file_path sign(const struct scene *scene, bool changed, uint8_t mrsigner_out[static 32])
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(SIGNATURE_MAX_BYTES);
    struct loaded_program loaded;
    struct simulated_identity identity = {.product_id = 5, .svn = 6};
    assert_ok(key_generate(KEY_RSA, SIGNATURE_KEY_BITS, &key));
    assert_ok(signature_signer(key, mrsigner_out));
    assert_ok(program_load(probe_path(), NULL, &loaded));
    memcpy(identity.mrenclave, loaded.mrenclave, 32);
    program_unload(&loaded);
    if (changed) identity.mrenclave[0] ^= 1;
    assert_ok(signature_write(&identity, key, &text));
    const struct file_path path = folder_file(&scene->folder, "probe.sig");
    assert_ok(file_write(path.text, buffer_slice(&text), 0644, NULL));
    return path;
}

static void test_a_signature_gives_signer_product_and_svn(void **state)
{
    const struct scene *const scene = *state;
    uint8_t mrsigner[32];
    const struct file_path signature = sign(scene, false, mrsigner);
    const struct launch_options options = {.signature = signature.text, .require_signature = true};
    assert_int_equal(run(scene, "quote", &options), 0);
    assert_quoted(scene, probe_path(), mrsigner);
    CLEANUP(buffer_done) struct buffer seen = read_whole(scene->seen.text);
    assert_slice_equal(slice_part(buffer_slice(&seen), 32 + 48 + 256, 4), SLICE_LITERAL("\x05\x00\x06\x00"));
}

static void test_anothers_signature_gives_nothing(void **state)
{
    const struct scene *const scene = *state;
    uint8_t mrsigner[32];
    const struct file_path signature = sign(scene, true, mrsigner);
    const struct launch_options options = {.signature = signature.text};
    assert_int_equal(run(scene, "quote", &options), 0);
    assert_quoted(scene, probe_path(), no_signer);
    const struct launch_options strict = {.signature = signature.text, .require_signature = true};
    assert_int_equal(run(scene, "quote", &strict), REFUSED);
    const struct launch_options unsigned_strict = {.require_signature = true};
    assert_int_equal(run(scene, "quote", &unsigned_strict), REFUSED);
}

static void test_a_forged_signature_is_refused(void **state)
{
    const struct scene *const scene = *state;
    uint8_t mrsigner[32];
    const struct file_path signature = sign(scene, false, mrsigner);
    CLEANUP(buffer_done) struct buffer text = read_whole(signature.text);
    uint8_t *const svn = memmem(text.bytes, text.size, "\"svn\":6", 7);
    assert_non_null(svn);
    svn[6] = '7';
    assert_ok(file_write(signature.text, buffer_slice(&text), 0644, NULL));
    const struct launch_options options = {.signature = signature.text};
    assert_int_equal(run(scene, "quote", &options), REFUSED);
}

static bool wait_for_file(const char *path)
{
    for (int i = 0; i < 500 && !file_exists(path); i++) {
        const struct timespec pause = {.tv_nsec = 10000000};
        (void)nanosleep(&pause, NULL);
    }
    return file_exists(path);
}

static void test_signals_are_forwarded_and_nothing_is_left_behind(void **state)
{
    const struct scene *const scene = *state;
    const pid_t launcher = start(scene, "wait", NULL);
    assert_true(wait_for_file(scene->seen.text));
    CLEANUP(buffer_done) struct buffer seen = read_whole(scene->seen.text);
    const char *text;
    assert_ok(buffer_text(&seen, &text));
    int program = 0, left_behind = 0;
    assert_int_equal(sscanf(text, "%d %d", &program, &left_behind), 2);
    assert_int_equal(kill(launcher, SIGTERM), 0);
    assert_int_equal(end_of(launcher), 33);
    const struct timespec pause = {.tv_nsec = 10000000};
    bool gone = false;
    for (int i = 0; i < 500 && !gone; i++) {
        /* Its parent is gone, so it becomes a zombie of whoever takes it in, or vanishes. */
        char path[64], line[256] = "";
        (void)snprintf(path, sizeof(path), "/proc/%d/stat", left_behind);
        FILE *const file = fopen(path, "r");
        gone = file == NULL || fgets(line, sizeof(line), file) == NULL || strstr(line, ") Z ") != NULL;
        if (file != NULL) (void)fclose(file);
        (void)nanosleep(&pause, NULL);
    }
    assert_true(gone);
}

static void test_a_program_that_cannot_start_is_told(void **state)
{
    const struct scene *const scene = *state;
    char absent[] = "/nonexistent/program";
    char *const arguments[] = {absent, NULL};
    const struct launch_options options = {.state = scene->folder.path, .arguments = arguments};
    struct refusal why = {};
    int exit_code;
    assert_status(launch(&options, &why, &exit_code), ERR_IO);
    assert_string_equal(why.field, absent);
}

static void run_as(const struct scene *scene, const char *user, unsigned expected_user, unsigned expected_group)
{
    const struct launch_options options = {.user = user};
    const pid_t launcher = start(scene, "status", &options);
    assert_int_equal(end_of(launcher), 0);
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "1 %d 1 %d %u", SIGKILL, (int)launcher, expected_user);
    assert_seen(scene, expected);
    struct stat facts;
    assert_int_equal(stat(scene->seen.text, &facts), 0);
    assert_int_equal(facts.st_uid, expected_user);
    assert_int_equal(facts.st_gid, expected_group);
    assert_int_equal(unlink(scene->seen.text), 0);
}

static void test_another_user_runs_it_where_that_is_possible(void **state)
{
    const struct scene *const scene = *state;
    if (geteuid() != 0) {
        print_message("SKIP: only root can start a program as another user\n");
        skip();
    }
    /* The probe writes into a folder that the other user may write to. */
    assert_int_equal(chmod(scene->folder.path, 0777), 0);
    run_as(scene, "nobody", 65534, 65534);
    run_as(scene, "60901", 60901, 60901);
    run_as(scene, "60901:60902", 60901, 60902);
}

static void test_what_is_no_user_is_refused(void **state)
{
    static const char *const others[] = {"no-such-user", "",   "60901:", ":60901", "60901:1:2",
                                         "60901x",       "-1", "+1",     " 1"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const struct launch_options options = {.user = others[i]};
        assert_int_equal(run(*state, "exit", &options), REFUSED);
    }
}

#define launch_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        launch_unit_test(test_the_environment_is_empty_but_for_the_socket),
        launch_unit_test(test_no_other_descriptor_is_inherited),
        launch_unit_test(test_the_program_cannot_gain_privileges_and_dies_with_its_launcher),
        launch_unit_test(test_the_exit_code_is_passed_on),
        launch_unit_test(test_the_program_gets_quotes_over_its_own_measurement),
        launch_unit_test(test_the_program_cannot_choose_its_measurement),
        launch_unit_test(test_a_child_of_the_program_gets_no_answer),
        launch_unit_test(test_the_tee_is_handed_over_to_a_child_and_to_nobody_else),
        launch_unit_test(test_sealing_keys_come_back_after_a_restart),
        launch_unit_test(test_a_signature_gives_signer_product_and_svn),
        launch_unit_test(test_anothers_signature_gives_nothing),
        launch_unit_test(test_a_forged_signature_is_refused),
        launch_unit_test(test_signals_are_forwarded_and_nothing_is_left_behind),
        launch_unit_test(test_a_program_that_cannot_start_is_told),
        launch_unit_test(test_another_user_runs_it_where_that_is_possible),
        launch_unit_test(test_what_is_no_user_is_refused),
    };
    return cmocka_run_group_tests_name("softtee/launch", tests, NULL, NULL);
}
