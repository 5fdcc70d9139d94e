/* SPDX-License-Identifier: Apache-2.0
 * Hits attest_request_read, attest_request_write: what a parser that was taken over may hand to a signer.
 */
#include "attestation/appraise/request.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(size);
    struct refusal why = {};
    const enum status status = attest_request_read(slice_of(bytes, size), &why, &request);
    if (status != OK && status != ERR_NO_MEMORY && why.field[0] == '\0') abort();
    if (status != OK) return 0;
    /* A request has one form. */
    if (attest_request_write(&request, &again) != OK) abort();
    if (!slice_equal(buffer_slice(&again), slice_of(bytes, size))) abort();
    return 0;
}
