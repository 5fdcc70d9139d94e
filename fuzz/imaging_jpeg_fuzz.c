/* SPDX-License-Identifier: Apache-2.0
 * Hits jpeg_decode. */
#include "fuzz.h"
#include "imaging/decode.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(film_done) struct film film = {};
    struct refusal why = {};
    if (jpeg_decode(slice_of(bytes, size), &why, &film) != OK) {
        if (why.status == OK || film.pixels.bytes != NULL) abort();
        return 0;
    }
    if (film.pixels.size != (size_t)film.width * film.height) abort();
    return 0;
}
