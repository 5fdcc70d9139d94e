/* SPDX-License-Identifier: Apache-2.0
 * Hits oip_answer_parse: two bytes say how long the JSON is. */
#include "fuzz.h"
#include "inference/oip.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char json_size[16];
    CLEANUP(oip_answer_done) struct oip_answer answer = {};
    if (size < 2) return 0;
    const int named = bytes[0] | bytes[1] << 8;
    (void)snprintf(json_size, sizeof(json_size), "%d", named);
    const char *const header = named == 0xffff ? NULL : json_size;
    if (oip_answer_parse(slice_of(bytes + 2, size - 2), header, 1, NULL, &answer) != OK) return 0;
    for (size_t i = 0; i < answer.output_count; i++) {
        if (answer.values[i].size != tensor_item_bytes(&answer.specs[i])) abort();
        if (!tensor_is_finite(buffer_slice(&answer.values[i]))) abort();
    }
    return 0;
}
