/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever fails while a line is made, there is no line, or the whole one.
 */
#include "failing.h"

#include "evidence/attested.h"

enum { OFFSETS = 512, CALLS_MAX_COUNT = 1000 };

static enum status make_line(const struct evidence_claims *claims, struct buffer *line)
{
    struct attested attested;
    TRY(attested_from_claims(claims, 1795305600, &attested));
    return attested_write(&attested, line);
}

/* What stands before the line decides at which of its parts the buffer must grow. */
static void fail_each_call(const struct evidence_claims *claims, size_t offset, struct slice good)
{
    for (size_t number = 1; number < CALLS_MAX_COUNT; number++) {
        CLEANUP(buffer_done) struct buffer line = buffer_of_maximum(OFFSETS + ATTESTED_LINE_MAX_BYTES);
        uint8_t *before;
        if (offset > 0) assert_ok(buffer_extend(&line, offset, &before));
        failing_begin(number);
        const enum status status = make_line(claims, &line);
        const bool has_failed = failing_end();
        if (status == OK) assert_slice_equal(slice_part(buffer_slice(&line), offset, line.size), good);
        if (has_failed) continue;
        assert_ok(status);
        return;
    }
    fail_msg("no end of calls");
}

static void test_a_line_is_whole_or_not_there(void **)
{
    static struct evidence_claims claims = {
        .kind = EVIDENCE_TDX,
        .tdx = {.platform = {.has_instance = true, .instance_id = {1}}, .is_td15 = true, .tee_tcb_svn2 = {2}}};
    CLEANUP(buffer_done) struct buffer good = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
    assert_ok(make_line(&claims, &good));
    for (size_t offset = 0; offset < OFFSETS; offset++) fail_each_call(&claims, offset, buffer_slice(&good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_line_is_whole_or_not_there)};
    return cmocka_run_group_tests_name("evidence/attested_failing", tests, NULL, NULL);
}
