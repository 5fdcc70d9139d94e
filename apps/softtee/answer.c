/* SPDX-License-Identifier: Apache-2.0 */
#include "softtee/answer.h"

#include <string.h>

static enum status answer_quote(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                struct slice operand, struct buffer *payload)
{
    uint8_t report_data[TEE_REPORT_DATA_BYTES];
    memcpy(report_data, operand.bytes, sizeof(report_data));
    return simulated_machine_quote(machine, identity, report_data, payload);
}

static enum status answer_key(const struct simulated_machine *machine, const struct simulated_identity *identity,
                              struct slice label, struct buffer *payload)
{
    CLEANUP(secret_done) struct secret key = {};
    TRY(simulated_machine_sealing_key(machine, identity, label, &key));
    return buffer_append(payload, secret_slice(&key));
}

static enum status answer_measure(const struct simulated_identity *identity, struct buffer *payload)
{
    struct tee_measurement measurement = {.product_id = identity->product_id, .svn = identity->svn};
    memcpy(measurement.mrenclave, identity->mrenclave, sizeof(measurement.mrenclave));
    memcpy(measurement.mrsigner, identity->mrsigner, sizeof(measurement.mrsigner));
    return softtee_measurement_write(&measurement, payload);
}

static enum status make_payload(const struct simulated_machine *machine, const struct simulated_identity *identity,
                                struct slice message, struct buffer *payload)
{
    struct softtee_request request;
    TRY(softtee_request_read(message, &request));
    switch (request.operation) {
    case SOFTTEE_QUOTE: return answer_quote(machine, identity, request.operand, payload);
    case SOFTTEE_KEY: return answer_key(machine, identity, request.operand, payload);
    case SOFTTEE_MEASURE: return answer_measure(identity, payload);
    case SOFTTEE_HAND_OVER: return OK; /* whom the launcher hears is its own business */
    }
    return ERR_UNSUPPORTED;
}

enum status softtee_answer(const struct simulated_machine *machine, const struct simulated_identity *identity,
                           struct slice request, struct buffer *answer)
{
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(TEE_EVIDENCE_MAX_BYTES);
    if (make_payload(machine, identity, request, &payload) != OK) return softtee_refusal_write(answer);
    return softtee_answer_write(buffer_slice(&payload), answer);
}
