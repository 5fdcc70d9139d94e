/* SPDX-License-Identifier: Apache-2.0
 * Hits attested_log_read and attested_read: what was read is written and reads as the same; a refusal names a field. */
#include "evidence/attested.h"
#include "fuzz.h"
#include "parts.h"

static enum status write_again(void *, const struct attested *attested)
{
    CLEANUP(buffer_done) struct buffer line = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer again = buffer_of_maximum(ATTESTED_LINE_MAX_BYTES);
    struct attested read;
    must(attested_write(attested, &line));
    must(attested_read(slice_of(line.bytes, line.size - 1), NULL, &read));
    must(attested_write(&read, &again));
    if (!slice_equal(buffer_slice(&line), buffer_slice(&again))) abort();
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct refusal why = {};
    bool is_torn = false;
    const enum status status = attested_log_read(slice_of(bytes, size), write_again, NULL, &why, &is_torn);
    if (status != OK && why.field[0] == '\0') abort();
    return 0;
}
