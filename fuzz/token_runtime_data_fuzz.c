/* SPDX-License-Identifier: Apache-2.0
 * Hits runtime_data_from_json, runtime_data_write. */
#include "fuzz.h"
#include "token/runtime_data.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(json_done) json_t *value = NULL, *again = NULL;
    CLEANUP(runtime_data_done) struct runtime_data data = {}, second = {};
    struct refusal why;
    if (json_parse(slice_of(bytes, size), RUNTIME_DATA_MAX_BYTES, &why, &value) != OK) return 0;
    if (runtime_data_from_json(value, "", &why, &data) != OK) return 0;
    /* What was understood can be written, and reads as the same. */
    CLEANUP(buffer_done) struct buffer first_text = buffer_of_maximum(2 * RUNTIME_DATA_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer second_text = buffer_of_maximum(2 * RUNTIME_DATA_MAX_BYTES);
    if (runtime_data_write(&data, &first_text) != OK) abort();
    if (json_parse(buffer_slice(&first_text), 2 * RUNTIME_DATA_MAX_BYTES, &why, &again) != OK) abort();
    if (runtime_data_from_json(again, "", &why, &second) != OK) abort();
    if (runtime_data_write(&second, &second_text) != OK) abort();
    if (!slice_equal(buffer_slice(&first_text), buffer_slice(&second_text))) abort();
    return 0;
}
