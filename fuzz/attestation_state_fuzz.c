/* SPDX-License-Identifier: Apache-2.0
 * Hits state_read: what was read can be written, and is then the very bytes that were read. */
#include "attestation/management/state_form.h"
#include "fuzz.h"
#include "parts.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct state_view view;
    CLEANUP(buffer_done) struct buffer written = buffer_of_maximum(STATE_MAX_BYTES);
    struct refusal why = {};
    const enum status status = state_read(slice_of(bytes, size), &why, &view);
    if (status != OK) {
        if (status != ERR_NO_MEMORY && why.field[0] == '\0') abort();
        return 0;
    }
    must(state_write(&view, &written));
    if (!slice_equal(buffer_slice(&written), slice_of(bytes, size))) abort();
    state_view_clear(&view);
    return 0;
}
