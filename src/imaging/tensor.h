/* SPDX-License-Identifier: Apache-2.0
 *
 * A film as the model takes it: the whole film at the model's input size, FP32 greys 0 to 255, little endian.
 */
#pragma once

#include "imaging/film.h"

enum { FILM_TENSOR_SIDE = 224, FILM_TENSOR_BYTES = FILM_TENSOR_SIDE * FILM_TENSOR_SIDE * 4 };

/* Appends FILM_TENSOR_BYTES to `tensor`. The film's header has been judged by header_gate_check. */
enum status film_to_tensor(const struct film *film, struct buffer *tensor);
