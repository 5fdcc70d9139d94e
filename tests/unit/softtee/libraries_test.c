/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/libraries.h"

#include "testing.h"

static void test_lines_of_the_loader(void **)
{
    static const struct {
        const char *line, *path;
    } cases[] = {
        {"\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0000000000)", "/lib/x86_64-linux-gnu/libc.so.6"},
        {"\t/lib64/ld-linux-x86-64.so.2 (0x00007f0000000000)", "/lib64/ld-linux-x86-64.so.2"},
        {"\tlinux-vdso.so.1 (0x00007ffd00000000)", ""},
        {"\tlib => x.so => /odd name (1)/lib => x.so (0x0000000000000001)", NULL},
        {"\tlibodd.so => /opt/a (0x1)/libodd.so (0x00007f0000000000)", "/opt/a (0x1)/libodd.so"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice path;
        assert_ok(library_from_line(slice_of_text(cases[i].line), NULL, &path));
        if (cases[i].path != NULL) assert_true(slice_equal_text(path, cases[i].path));
    }
}

static void test_a_library_that_is_not_found_is_refused(void **)
{
    static const char *const cases[] = {"\tlibabsent.so.1 => not found",       "\tstatically linked", "", "\t", "(0x1)",
                                        "libc.so.6 => /lib/libc.so.6 (0x0000", "/lib/libc.so.6"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice path;
        struct refusal why = {};
        assert_status(library_from_line(slice_of_text(cases[i]), &why, &path), ERR_FIELD_VALUE);
        assert_string_equal(why.field, "library");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_the_loader),
        cmocka_unit_test(test_a_library_that_is_not_found_is_refused),
    };
    return cmocka_run_group_tests_name("softtee/libraries", tests, NULL, NULL);
}
