/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/simulation/state.h"

#include "testing.h"

static struct buffer example(void)
{
    struct buffer state = buffer_of_maximum(256);
    assert_ok(simulation_state_begin(SIMULATION_STATE_MACHINE, &state));
    assert_ok(simulation_state_add(&state, SLICE_LITERAL("first")));
    assert_ok(simulation_state_add(&state, SLICE_LITERAL("")));
    return state;
}

static void test_fields_come_back(void **)
{
    CLEANUP(buffer_done) struct buffer state = example();
    struct slice fields[2];
    assert_ok(simulation_state_read(buffer_slice(&state), SIMULATION_STATE_MACHINE, 2, NULL, fields));
    assert_true(slice_equal_text(fields[0], "first"));
    assert_int_equal(fields[1].size, 0);
}

static void test_other_files_are_refused(void **)
{
    CLEANUP(buffer_done) struct buffer state = example();
    struct slice fields[3];
    struct refusal why = {};
    const struct slice whole = buffer_slice(&state);
    for (size_t size = 0; size < whole.size; size++) {
        const enum status status =
            simulation_state_read(slice_part(whole, 0, size), SIMULATION_STATE_MACHINE, 2, &why, fields);
        assert_int_not_equal(status, OK);
    }
    assert_status(simulation_state_read(whole, SIMULATION_STATE_MACHINE, 3, &why, fields), ERR_TRUNCATED);
    assert_status(simulation_state_read(whole, SIMULATION_STATE_MACHINE, 1, &why, fields), ERR_TRAILING_BYTES);
    assert_status(simulation_state_read(whole, SIMULATION_STATE_AUTHORITY, 2, &why, fields), ERR_FIELD_VALUE);
    assert_string_equal(why.field, "state.kind");
    assert_status(simulation_state_read(SLICE_LITERAL("{\"a\":1}"), SIMULATION_STATE_MACHINE, 2, &why, fields),
                  ERR_FIELD_VALUE);
    state.bytes[16] = 2;
    assert_status(simulation_state_read(whole, SIMULATION_STATE_MACHINE, 2, &why, fields), ERR_UNSUPPORTED);
    assert_string_equal(why.seen, "2");
}

static void test_a_field_has_a_maximum(void **)
{
    CLEANUP(buffer_done) struct buffer state = buffer_of_maximum(128 * 1024);
    static const uint8_t large[65536];
    assert_status(simulation_state_add(&state, SLICE_ARRAY(large)), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_come_back),
        cmocka_unit_test(test_other_files_are_refused),
        cmocka_unit_test(test_a_field_has_a_maximum),
    };
    return cmocka_run_group_tests_name("tee/simulation_state", tests, NULL, NULL);
}
