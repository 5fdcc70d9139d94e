/* SPDX-License-Identifier: Apache-2.0
 *
 * Colour to grey while a picture is decoded, and whether it was colour at all: many radiographs are stored as RGB with
 * three equal channels.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counts over a picture; starts as all-zero. */
struct colour_count {
    uint64_t pixels, colourful;
};

/* `count` RGB pixels to greys, with ITU-R 601 weights in Pillow's arithmetic (the model was trained behind it). */
void grey_from_rgb(const uint8_t *rgb, size_t count, uint8_t *grey_out, struct colour_count *colours);

/* A few coloured marks do not make a film a photograph. */
bool colour_count_is_colour(const struct colour_count *colours);
