/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/softtee_message.h"

#include "base/reader.h"

enum result { RESULT_OK = 0, RESULT_REFUSED = 1 };

static enum status check_operand(const struct softtee_request *request)
{
    const size_t size = request->operand.size;
    switch (request->operation) {
    case SOFTTEE_QUOTE: return size == TEE_REPORT_DATA_BYTES ? OK : ERR_FIELD_VALUE;
    case SOFTTEE_KEY: return size >= 1 && size <= TEE_LABEL_MAX_BYTES ? OK : ERR_FIELD_VALUE;
    case SOFTTEE_MEASURE: return size == 0 ? OK : ERR_FIELD_VALUE;
    case SOFTTEE_HAND_OVER: return size == SOFTTEE_PROCESS_BYTES ? OK : ERR_FIELD_VALUE;
    }
    return ERR_UNSUPPORTED;
}

enum status softtee_request_write(const struct softtee_request *request, struct buffer *message)
{
    TRY(check_operand(request));
    TRY(buffer_append_u8(message, (uint8_t)request->operation));
    return buffer_append(message, request->operand);
}

enum status softtee_request_read(struct slice message, struct softtee_request *request_out)
{
    struct reader reader = reader_over(message);
    uint8_t operation;
    TRY(reader_u8(&reader, &operation));
    const struct softtee_request request = {.operation = (enum softtee_operation)operation, .operand = reader.rest};
    TRY(check_operand(&request));
    *request_out = request;
    return OK;
}

enum status softtee_answer_write(struct slice payload, struct buffer *message)
{
    TRY(buffer_append_u8(message, RESULT_OK));
    return buffer_append(message, payload);
}

enum status softtee_refusal_write(struct buffer *message)
{
    return buffer_append_u8(message, RESULT_REFUSED);
}

enum status softtee_answer_read(struct slice message, struct slice *payload_out)
{
    struct reader reader = reader_over(message);
    uint8_t result;
    if (reader_u8(&reader, &result) != OK || result != RESULT_OK) return ERR_TEE_PROTOCOL;
    *payload_out = reader.rest;
    return OK;
}

enum status softtee_measurement_write(const struct tee_measurement *measurement, struct buffer *payload)
{
    TRY(buffer_append(payload, SLICE_ARRAY(measurement->mrenclave)));
    TRY(buffer_append(payload, SLICE_ARRAY(measurement->mrsigner)));
    TRY(buffer_append_u16(payload, measurement->product_id));
    return buffer_append_u16(payload, measurement->svn);
}

static enum status read_measurement(struct reader *reader, struct tee_measurement *measurement)
{
    TRY(reader_copy(reader, sizeof(measurement->mrenclave), measurement->mrenclave));
    TRY(reader_copy(reader, sizeof(measurement->mrsigner), measurement->mrsigner));
    TRY(reader_u16(reader, &measurement->product_id));
    TRY(reader_u16(reader, &measurement->svn));
    return reader_end(reader);
}

enum status softtee_measurement_read(struct slice payload, struct tee_measurement *measurement_out)
{
    struct reader reader = reader_over(payload);
    struct tee_measurement measurement = {};
    if (read_measurement(&reader, &measurement) != OK) return ERR_TEE_PROTOCOL;
    *measurement_out = measurement;
    return OK;
}
