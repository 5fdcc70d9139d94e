/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/elf.h"

#include "testing.h"

/* An ELF header with `count` segments behind it. */
static struct buffer elf(uint16_t type, uint16_t count)
{
    struct buffer bytes = buffer_of_maximum(4096);
    static const uint8_t identification[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    assert_ok(buffer_append(&bytes, SLICE_ARRAY(identification)));
    uint8_t *rest;
    assert_ok(buffer_extend(&bytes, 9, &rest));
    assert_ok(buffer_append_u16_le(&bytes, type));
    assert_ok(buffer_extend(&bytes, 14, &rest));
    assert_ok(buffer_append_u32_le(&bytes, 64));
    assert_ok(buffer_append_u32_le(&bytes, 0));
    assert_ok(buffer_extend(&bytes, 14, &rest));
    assert_ok(buffer_append_u16_le(&bytes, 56));
    assert_ok(buffer_append_u16_le(&bytes, count));
    assert_ok(buffer_extend(&bytes, 6, &rest));
    assert_int_equal(bytes.size, 64);
    return bytes;
}

static void add_segment(struct buffer *bytes, uint32_t type, uint32_t offset, uint32_t size)
{
    uint8_t *rest;
    assert_ok(buffer_append_u32_le(bytes, type));
    assert_ok(buffer_append_u32_le(bytes, 0));
    assert_ok(buffer_append_u32_le(bytes, offset));
    assert_ok(buffer_extend(bytes, 20, &rest));
    assert_ok(buffer_append_u32_le(bytes, size));
    assert_ok(buffer_extend(bytes, 20, &rest));
}

static void test_the_interpreter_is_found(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = elf(3, 2);
    add_segment(&bytes, 1, 0, 64);
    add_segment(&bytes, 3, 64 + 2 * 56, 8);
    assert_ok(buffer_append(&bytes, SLICE_LITERAL("/lib/ld\0")));
    struct slice path;
    assert_ok(elf_interpreter(buffer_slice(&bytes), NULL, &path));
    assert_true(slice_equal_text(path, "/lib/ld"));
    for (size_t size = 0; size < bytes.size; size++)
        assert_int_not_equal(elf_interpreter(slice_part(buffer_slice(&bytes), 0, size), NULL, &path), OK);
}

static void test_a_static_program_has_none(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = elf(2, 1);
    add_segment(&bytes, 1, 0, 64);
    struct slice path = SLICE_LITERAL("x");
    assert_ok(elf_interpreter(buffer_slice(&bytes), NULL, &path));
    assert_int_equal(path.size, 0);
}

static void test_other_files_are_refused(void **)
{
    struct refusal why = {};
    struct slice path;
    assert_status(elf_interpreter(SLICE_LITERAL("#!/bin/sh\n"), &why, &path), ERR_UNSUPPORTED);
    CLEANUP(buffer_done) struct buffer core = elf(4, 0);
    assert_status(elf_interpreter(buffer_slice(&core), &why, &path), ERR_UNSUPPORTED);
    CLEANUP(buffer_done) struct buffer many = elf(3, 300);
    assert_status(elf_interpreter(buffer_slice(&many), &why, &path), ERR_UNSUPPORTED);
    CLEANUP(buffer_done) struct buffer outside = elf(3, 1);
    add_segment(&outside, 3, 0xfffffff0, 0xffffffff);
    assert_status(elf_interpreter(buffer_slice(&outside), &why, &path), ERR_TRUNCATED);
    CLEANUP(buffer_done) struct buffer endless = elf(3, 1);
    add_segment(&endless, 3, 1, 3);
    assert_status(elf_interpreter(buffer_slice(&endless), &why, &path), ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_interpreter_is_found),
        cmocka_unit_test(test_a_static_program_has_none),
        cmocka_unit_test(test_other_files_are_refused),
    };
    return cmocka_run_group_tests_name("softtee/elf", tests, NULL, NULL);
}
