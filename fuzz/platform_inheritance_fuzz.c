/* SPDX-License-Identifier: Apache-2.0
 * Hits inheritance_read: what a predecessor answers. */
#include "fuzz.h"
#include "platform/inheritance.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct inheritance inheritance;
    struct refusal why = {};
    CLEANUP(json_done) json_t *parcel = NULL, *again = NULL;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(2 * INHERITANCE_MAX_BYTES);
    const enum status status = inheritance_read(slice_of(bytes, size), &why, &inheritance, &parcel);
    if (status != OK && status != why.status) abort();
    if (status != OK) return 0;
    /* What was read can be written, and is read alike. */
    struct inheritance copy;
    if (inheritance_write(&inheritance, NULL, &text) != OK) abort();
    if (inheritance_read(buffer_slice(&text), NULL, &copy, &again) != OK) abort();
    if (copy.head.generation != inheritance.head.generation) abort();
    return 0;
}
