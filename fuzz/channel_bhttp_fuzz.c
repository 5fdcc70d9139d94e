/* SPDX-License-Identifier: Apache-2.0
 * Hits bhttp_read_request, bhttp_read_response, bhttp_write_request, bhttp_write_response. */
#include "channel/bhttp.h"
#include "fuzz.h"

#include <stdlib.h>

static void check_request(struct slice message)
{
    struct refusal why;
    struct bhttp_request request, again;
    if (bhttp_read_request(message, &why, &request) != OK) return;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(16 << 20);
    if (bhttp_write_request(&request, &written) != OK) abort();
    if (bhttp_read_request(buffer_slice(&written), &why, &again) != OK) abort();
    if (!slice_equal(again.path, request.path) || !slice_equal(again.body, request.body) ||
        again.field_count != request.field_count)
        abort();
}

static void check_response(struct slice message)
{
    struct refusal why;
    struct bhttp_response response, again;
    if (bhttp_read_response(message, &why, &response) != OK) return;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(16 << 20);
    if (bhttp_write_response(&response, &written) != OK) abort();
    if (bhttp_read_response(buffer_slice(&written), &why, &again) != OK) abort();
    if (again.status != response.status || !slice_equal(again.body, response.body)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_request(slice_of(bytes, size));
    check_response(slice_of(bytes, size));
    return 0;
}
