/* SPDX-License-Identifier: Apache-2.0
 * Hits softtee_request_read, softtee_request_write, softtee_answer_read, softtee_measurement_read.
 */
#include "fuzz.h"
#include "tee/softtee_message.h"

#include <stdlib.h>

/* What was read as a request is written as the same bytes. */
static void check_request(struct slice message)
{
    struct softtee_request request;
    if (softtee_request_read(message, &request) != OK) return;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(SOFTTEE_REQUEST_MAX_BYTES);
    if (softtee_request_write(&request, &written) != OK || !slice_equal(buffer_slice(&written), message)) abort();
}

static void check_answer(struct slice message)
{
    struct slice payload;
    struct tee_measurement measurement;
    if (softtee_answer_read(message, &payload) != OK) return;
    if (payload.size + 1 != message.size) abort();
    if (softtee_measurement_read(payload, &measurement) != OK) return;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(SOFTTEE_ANSWER_MAX_BYTES);
    if (softtee_measurement_write(&measurement, &written) != OK || !slice_equal(buffer_slice(&written), payload))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_request(slice_of(bytes, size));
    check_answer(slice_of(bytes, size));
    return 0;
}
