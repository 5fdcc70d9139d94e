/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/measure.h"

#include "crypto/hash.h"
#include "folder.h"

#include <fcntl.h>
#include <sys/mman.h>

static void measure(const char *path, uint8_t mrenclave_out[static 32])
{
    struct loaded_program program;
    struct refusal why = {};
    if (program_load(path, &why, &program) != OK) fail_msg("%s: %s, not %s", why.field, why.seen, why.expected);
    memcpy(mrenclave_out, program.mrenclave, 32);
    program_unload(&program);
}

static void test_the_same_program_has_the_same_measurement(void **)
{
    uint8_t first[32], second[32];
    measure(probe_path(), first);
    measure(probe_path(), second);
    assert_memory_equal(first, second, 32);
}

static void test_a_changed_byte_changes_it(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    uint8_t first[32], second[32];
    measure(probe_path(), first);
    measure(changed_probe(&folder).text, second);
    assert_memory_not_equal(first, second, 32);
}

static void test_what_was_measured_cannot_be_changed(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const struct file_path path = changed_probe(&folder);
    struct loaded_program program;
    assert_ok(program_load(path.text, NULL, &program));
    const int all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    assert_int_equal(fcntl(program.descriptor, F_GET_SEALS) & all, all);
    assert_int_equal(write(program.descriptor, "x", 1), -1);
    assert_int_equal(ftruncate(program.descriptor, 0), -1);
    /* The file that it came from matters no more. */
    assert_ok(file_write(path.text, SLICE_LITERAL("another program"), 0755, NULL));
    char first[4] = {};
    assert_int_equal(pread(program.descriptor, first, 4, 0), 4);
    static const char magic[4] = {0x7f, 'E', 'L', 'F'};
    assert_memory_equal(first, magic, sizeof(magic));
    program_unload(&program);
}

/* Runs a script in the folder, which it finds as $PWD. */
static int run_in(const struct folder *folder, const char *script)
{
    char command[1024];
    (void)snprintf(command, sizeof(command), "cd %s && %s", folder->path, script);
    return system(command);
}

/* A program built against a library, whose bytes then change under the same name. */
static void test_a_changed_library_changes_it(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    if (run_in(&folder, "echo 'int f(void) { return 1; }' > f.c && echo 'int f(void); int main(void) { return f(); }' "
                        "> m.c && cc -shared -fPIC -o libf.so f.c && cc -o m m.c -L. -lf -Wl,-rpath,\"$PWD\"") != 0) {
        print_message("SKIP: no compiler to build a library with\n");
        skip();
    }
    uint8_t first[32], second[32];
    const struct file_path program = folder_file(&folder, "m");
    measure(program.text, first);
    assert_int_equal(run_in(&folder, "echo 'int f(void) { return 2; }' > f.c && cc -shared -fPIC -o libf.so f.c"), 0);
    measure(program.text, second);
    assert_memory_not_equal(first, second, 32);
    assert_int_equal(unlink(folder_file(&folder, "libf.so").text), 0);
    struct loaded_program loaded;
    struct refusal why = {};
    assert_status(program_load(program.text, &why, &loaded), ERR_UNSUPPORTED);
}

/* A static program: the formula without libraries. */
static void test_the_formula_is_the_documented_one(void **)
{
    static const uint8_t elf[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 2, [32] = 64, [54] = 56};
    CLEANUP(folder_remove) struct folder folder = folder_make();
    const struct file_path path = folder_file(&folder, "static");
    assert_ok(file_write(path.text, SLICE_ARRAY(elf), 0755, NULL));
    uint8_t seen[32], digest[32], expected[32];
    measure(path.text, seen);
    assert_ok(sha256(SLICE_ARRAY(elf), digest));
    const struct slice parts[] = {SLICE_LITERAL("lazaret-softtee/1\0"), SLICE_ARRAY(digest)};
    assert_ok(sha256_parts(parts, 2, expected));
    assert_memory_equal(seen, expected, 32);
}

static void test_what_is_no_program_is_refused(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    struct loaded_program program;
    struct refusal why = {};
    assert_status(program_load("/nonexistent/program", &why, &program), ERR_IO);
    assert_status(program_load(folder.path, &why, &program), ERR_IO);
    const struct file_path path = folder_file(&folder, "script");
    assert_ok(file_write(path.text, SLICE_LITERAL("#!/bin/sh\n"), 0755, NULL));
    assert_status(program_load(path.text, &why, &program), ERR_UNSUPPORTED);
    assert_ok(file_write(path.text, SLICE_LITERAL(""), 0755, NULL));
    assert_status(program_load(path.text, &why, &program), ERR_UNSUPPORTED);
}

static void test_a_loader_of_its_own_is_refused(void **)
{
    CLEANUP(folder_remove) struct folder folder = folder_make();
    CLEANUP(buffer_done) struct buffer bytes = read_whole(probe_path());
    static const char loader[] = "/lib64/ld-linux-x86-64.so.2";
    uint8_t *const at = memmem(bytes.bytes, bytes.size, loader, sizeof(loader));
    if (at == NULL) {
        print_message("SKIP: the probe names another loader on this machine\n");
        skip();
    }
    at[1] = 'L';
    const struct file_path path = folder_file(&folder, "own-loader");
    assert_ok(file_write(path.text, buffer_slice(&bytes), 0755, NULL));
    struct loaded_program program;
    struct refusal why = {};
    assert_status(program_load(path.text, &why, &program), ERR_UNSUPPORTED);
    assert_string_equal(why.field, "program.interpreter");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_program_has_the_same_measurement),
        cmocka_unit_test(test_a_changed_byte_changes_it),
        cmocka_unit_test(test_what_was_measured_cannot_be_changed),
        cmocka_unit_test(test_a_changed_library_changes_it),
        cmocka_unit_test(test_the_formula_is_the_documented_one),
        cmocka_unit_test(test_what_is_no_program_is_refused),
        cmocka_unit_test(test_a_loader_of_its_own_is_refused),
    };
    return cmocka_run_group_tests_name("softtee/measure", tests, NULL, NULL);
}
