/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "testing.h"

#include <sys/stat.h>

static void test_what_is_written_is_read_with_its_mode(void **)
{
    char folder[] = "/tmp/lazaret-file-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    assert_false(file_exists(path));
    assert_ok(file_write(path, SLICE_LITERAL("first"), 0600, NULL));
    assert_ok(file_write(path, SLICE_LITERAL("second"), 0640, NULL));
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(6);
    assert_ok(file_read(path, NULL, &bytes));
    assert_true(slice_equal_text(buffer_slice(&bytes), "second"));
    CLEANUP(buffer_done) struct buffer small = buffer_of_maximum(5);
    struct refusal why = {};
    assert_status(file_read(path, &why, &small), ERR_TOO_LARGE);
    assert_string_equal(why.expected, "at most 5 bytes");
    (void)unlink(path);
    (void)rmdir(folder);
}

static void test_errors_name_the_path(void **)
{
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(5);
    assert_status(file_read("/nonexistent/file", &why, &bytes), ERR_IO);
    assert_string_equal(why.field, "/nonexistent/file");
    assert_status(file_write("/nonexistent/file", SLICE_LITERAL("x"), 0600, &why), ERR_IO);
    assert_string_equal(why.field, "/nonexistent/file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_with_its_mode),
        cmocka_unit_test(test_errors_name_the_path),
    };
    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
