/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/answer.h"

#include "testing.h"

enum { NOW = 1800000000 };

static const struct simulated_identity program = {.mrenclave = {0xaa}, .mrsigner = {0xbb}, .product_id = 3, .svn = 4};

static int set_up(void **state)
{
    CLEANUP(simulated_authority_cleanup) struct simulated_authority *authority = NULL;
    struct simulated_machine *machine = NULL;
    assert_ok(simulated_authority_new(NOW, &authority));
    assert_ok(simulated_machine_new(authority, NULL, NOW, &machine));
    *state = machine;
    return 0;
}

static int tear_down(void **state)
{
    simulated_machine_free(*state);
    return 0;
}

static void ask(const struct simulated_machine *machine, enum softtee_operation operation, struct slice operand,
                struct buffer *answer)
{
    CLEANUP(buffer_done) struct buffer request = buffer_of_maximum(SOFTTEE_REQUEST_MAX_BYTES);
    const struct softtee_request asked = {operation, operand};
    assert_ok(softtee_request_write(&asked, &request));
    assert_ok(softtee_answer(machine, &program, buffer_slice(&request), answer));
}

static void test_a_quote_is_over_the_launchers_identity(void **state)
{
    static const uint8_t report_data[64] = {9, [63] = 8};
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    struct slice quote;
    ask(*state, SOFTTEE_QUOTE, SLICE_ARRAY(report_data), &answer);
    assert_ok(softtee_answer_read(buffer_slice(&answer), &quote));
    assert_slice_equal(slice_part(quote, 48 + 64, 32), SLICE_ARRAY(program.mrenclave));
    assert_slice_equal(slice_part(quote, 48 + 128, 32), SLICE_ARRAY(program.mrsigner));
    assert_slice_equal(slice_part(quote, 48 + 320, 64), SLICE_ARRAY(report_data));
}

static void test_keys_and_measurements(void **state)
{
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    struct slice payload;
    ask(*state, SOFTTEE_KEY, SLICE_LITERAL("label"), &answer);
    assert_ok(softtee_answer_read(buffer_slice(&answer), &payload));
    CLEANUP(secret_done) struct secret expected = {};
    assert_ok(simulated_machine_sealing_key(*state, &program, SLICE_LITERAL("label"), &expected));
    assert_slice_equal(payload, secret_slice(&expected));
    buffer_clear(&answer);
    ask(*state, SOFTTEE_MEASURE, (struct slice){}, &answer);
    assert_ok(softtee_answer_read(buffer_slice(&answer), &payload));
    struct tee_measurement measurement;
    assert_ok(softtee_measurement_read(payload, &measurement));
    assert_memory_equal(measurement.mrenclave, program.mrenclave, 32);
    assert_int_equal(measurement.product_id, 3);
    assert_int_equal(measurement.svn, 4);
}

static void test_what_cannot_be_met_is_refused(void **state)
{
    static const uint8_t requests[][2] = {{0, 0}, {1, 0}, {3, 0}, {4, 0}, {255, 0}};
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
        assert_ok(softtee_answer(*state, &program, SLICE_ARRAY(requests[i]), &answer));
        assert_int_equal(answer.size, 1);
        assert_int_equal(answer.bytes[0], 1);
    }
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    assert_ok(softtee_answer(*state, &program, (struct slice){}, &answer));
    assert_int_equal(answer.bytes[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quote_is_over_the_launchers_identity),
        cmocka_unit_test(test_keys_and_measurements),
        cmocka_unit_test(test_what_cannot_be_met_is_refused),
    };
    return cmocka_run_group_tests_name("softtee/answer", tests, set_up, tear_down);
}
