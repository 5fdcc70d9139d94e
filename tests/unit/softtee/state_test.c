/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/state.h"

#include "folder.h"

#include <sys/stat.h>

enum { NOW = 1800000000 };

static void test_init_makes_what_is_missing_and_keeps_what_is_there(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const struct file_path state = folder_file(&folder, "authority.state");
    const struct file_path machine = folder_file(&folder, "machine.state");
    struct refusal why = {};
    assert_ok(state_init(folder.path, NOW, &why));
    struct stat facts;
    assert_int_equal(stat(state.text, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(stat(machine.text, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    CLEANUP(buffer_done) struct buffer authority_before = read_whole(state.text);
    CLEANUP(buffer_done) struct buffer machine_before = read_whole(machine.text);
    assert_ok(state_init(folder.path, NOW + 1, &why));
    CLEANUP(buffer_done) struct buffer authority_after = read_whole(state.text);
    CLEANUP(buffer_done) struct buffer machine_after = read_whole(machine.text);
    assert_slice_equal(buffer_slice(&authority_after), buffer_slice(&authority_before));
    assert_slice_equal(buffer_slice(&machine_after), buffer_slice(&machine_before));
    /* A machine that is lost is replaced under the same root. */
    assert_int_equal(unlink(machine.text), 0);
    assert_ok(state_init(folder.path, NOW, &why));
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = NULL;
    CLEANUP(simulated_machine_cleanup) struct simulated_machine *fresh = NULL;
    assert_ok(state_authority(folder.path, &why, &authority));
    assert_ok(state_machine(folder.path, &why, &fresh));
    assert_true(key_equal(simulated_authority_root(authority), simulated_machine_root(fresh)));
}

static void test_without_init_the_refusal_says_so(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct simulated_machine *machine = NULL;
    struct simulated_authority *authority = NULL;
    struct refusal why = {};
    assert_status(state_machine(folder.path, &why, &machine), ERR_IO);
    assert_non_null(strstr(why.fix, "init"));
    assert_status(state_authority(folder.path, &why, &authority), ERR_IO);
    assert_non_null(strstr(why.fix, "init"));
}

static void test_a_machine_of_another_authority_is_refused(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct refusal why = {};
    assert_ok(state_init(folder.path, NOW, &why));
    assert_int_equal(unlink(folder_file(&folder, "authority.state").text), 0);
    assert_status(state_init(folder.path, NOW, &why), ERR_CONFIG);
    assert_string_equal(why.field, "machine.state");
}

static void test_a_folder_that_others_may_enter_is_refused(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct refusal why = {};
    assert_int_equal(chmod(folder.path, 0755), 0);
    assert_status(state_init(folder.path, NOW, &why), ERR_CONFIG);
    assert_string_equal(why.seen, "mode 755");
    assert_status(state_init("/nonexistent/folder", NOW, &why), ERR_IO);
}

static void test_a_damaged_state_is_refused_and_kept(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const struct file_path machine = folder_file(&folder, "machine.state");
    struct refusal why = {};
    assert_ok(state_init(folder.path, NOW, &why));
    assert_ok(file_write(machine.text, SLICE_LITERAL("damaged"), 0600, NULL));
    assert_status(state_init(folder.path, NOW, &why), ERR_FIELD_VALUE);
    CLEANUP(buffer_done) struct buffer kept = read_whole(machine.text);
    assert_true(slice_equal_text(buffer_slice(&kept), "damaged"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_makes_what_is_missing_and_keeps_what_is_there),
        cmocka_unit_test(test_without_init_the_refusal_says_so),
        cmocka_unit_test(test_a_machine_of_another_authority_is_refused),
        cmocka_unit_test(test_a_folder_that_others_may_enter_is_refused),
        cmocka_unit_test(test_a_damaged_state_is_refused_and_kept),
    };
    return cmocka_run_group_tests_name("softtee/state", tests, NULL, NULL);
}
