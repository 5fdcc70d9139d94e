/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/tensor.h"

#include "imaging/resize.h"

#include <assert.h>
#include <string.h>

/* FP32 is written in the machine's order, which is little endian on every machine that this is built for. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

enum status film_to_tensor(const struct film *film, struct buffer *tensor)
{
    enum { PIXELS = FILM_TENSOR_SIDE * FILM_TENSOR_SIDE };
    CLEANUP(buffer_done) struct buffer greys = buffer_of_maximum(PIXELS);
    TRY(resize_grey(buffer_slice(&film->pixels), film->width, film->height, FILM_TENSOR_SIDE, FILM_TENSOR_SIDE,
                    &greys));
    uint8_t *place;
    TRY(buffer_extend(tensor, FILM_TENSOR_BYTES, &place));
    for (size_t i = 0; i < PIXELS; i++) {
        const float grey = greys.bytes[i];
        memcpy(place + i * sizeof(grey), &grey, sizeof(grey));
    }
    return OK;
}
