/* SPDX-License-Identifier: Apache-2.0
 *
 * Antialiased resizing of 8-bit grey pictures with a triangle filter whose reach grows with the reduction: the filter
 * that Pillow calls BILINEAR, bit for bit, because the model was trained behind it.
 */
#pragma once

#include "base/buffer.h"

/* Appends out_width * out_height bytes to `out`. All sides are 1 to FILM_SIDE_MAX, and `pixels` has width * height
 * bytes: ERR_INTERNAL otherwise. ERR_TOO_LARGE, ERR_NO_MEMORY. */
enum status resize_grey(struct slice pixels, uint32_t width, uint32_t height, uint32_t out_width, uint32_t out_height,
                        struct buffer *out);
