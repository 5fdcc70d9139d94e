/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/softtee_message.h"

#include "testing.h"

static const uint8_t report_data[TEE_REPORT_DATA_BYTES] = {1, 2, 3};

static void test_requests_come_back(void **)
{
    const struct softtee_request requests[] = {
        {SOFTTEE_QUOTE, SLICE_ARRAY(report_data)},
        {SOFTTEE_KEY, SLICE_LITERAL("l")},
        {SOFTTEE_MEASURE, {}},
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(SOFTTEE_REQUEST_MAX_BYTES);
        assert_ok(softtee_request_write(&requests[i], &message));
        struct softtee_request read;
        assert_ok(softtee_request_read(buffer_slice(&message), &read));
        assert_int_equal(read.operation, requests[i].operation);
        assert_slice_equal(read.operand, requests[i].operand);
    }
}

static void test_operands_have_their_size(void **)
{
    struct softtee_request read;
    uint8_t message[66] = {SOFTTEE_QUOTE};
    assert_status(softtee_request_read((struct slice){}, &read), ERR_TRUNCATED);
    assert_status(softtee_request_read(slice_of(message, 64), &read), ERR_FIELD_VALUE);
    assert_status(softtee_request_read(slice_of(message, 66), &read), ERR_FIELD_VALUE);
    message[0] = SOFTTEE_KEY;
    assert_status(softtee_request_read(slice_of(message, 1), &read), ERR_FIELD_VALUE);
    assert_status(softtee_request_read(slice_of(message, 66), &read), ERR_FIELD_VALUE);
    assert_ok(softtee_request_read(slice_of(message, 65), &read));
    message[0] = SOFTTEE_MEASURE;
    assert_status(softtee_request_read(slice_of(message, 2), &read), ERR_FIELD_VALUE);
    message[0] = 0;
    assert_status(softtee_request_read(slice_of(message, 1), &read), ERR_UNSUPPORTED);
    message[0] = SOFTTEE_HAND_OVER;
    assert_status(softtee_request_read(slice_of(message, 1 + SOFTTEE_PROCESS_BYTES - 1), &read), ERR_FIELD_VALUE);
    assert_status(softtee_request_read(slice_of(message, 1 + SOFTTEE_PROCESS_BYTES + 1), &read), ERR_FIELD_VALUE);
    assert_ok(softtee_request_read(slice_of(message, 1 + SOFTTEE_PROCESS_BYTES), &read));
    message[0] = 5;
    assert_status(softtee_request_read(slice_of(message, 1), &read), ERR_UNSUPPORTED);
}

static void test_answers_are_a_payload_or_a_refusal(void **)
{
    CLEANUP(buffer_done) struct buffer message = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    struct slice payload;
    assert_status(softtee_answer_read(buffer_slice(&message), &payload), ERR_TEE_PROTOCOL);
    assert_ok(softtee_answer_write(SLICE_LITERAL("quote"), &message));
    assert_ok(softtee_answer_read(buffer_slice(&message), &payload));
    assert_true(slice_equal_text(payload, "quote"));
    buffer_clear(&message);
    assert_ok(softtee_refusal_write(&message));
    assert_status(softtee_answer_read(buffer_slice(&message), &payload), ERR_TEE_PROTOCOL);
}

static void test_measurements_come_back(void **)
{
    const struct tee_measurement measurement = {
        .mrenclave = {1, 2}, .mrsigner = {3}, .product_id = 0x0102, .svn = 0xfffe};
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(128);
    assert_ok(softtee_measurement_write(&measurement, &payload));
    assert_int_equal(payload.size, 68);
    struct tee_measurement read;
    assert_ok(softtee_measurement_read(buffer_slice(&payload), &read));
    assert_memory_equal(read.mrenclave, measurement.mrenclave, 32);
    assert_memory_equal(read.mrsigner, measurement.mrsigner, 32);
    assert_int_equal(read.product_id, measurement.product_id);
    assert_int_equal(read.svn, measurement.svn);
    assert_status(softtee_measurement_read(slice_part(buffer_slice(&payload), 0, 67), &read), ERR_TEE_PROTOCOL);
    assert_ok(buffer_append_u8(&payload, 0));
    assert_status(softtee_measurement_read(buffer_slice(&payload), &read), ERR_TEE_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_come_back),
        cmocka_unit_test(test_operands_have_their_size),
        cmocka_unit_test(test_answers_are_a_payload_or_a_refusal),
        cmocka_unit_test(test_measurements_come_back),
    };
    return cmocka_run_group_tests_name("tee/softtee_message", tests, NULL, NULL);
}
