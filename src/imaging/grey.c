/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/grey.h"

/* JPEG's coarse chroma makes greys differ by a few levels between channels; a tint that is seen differs by more. */
enum { COLOUR_SPREAD = 32, COLOUR_ONE_PIXEL_IN = 200 };

void grey_from_rgb(const uint8_t *rgb, size_t count, uint8_t *grey_out, struct colour_count *colours)
{
    for (size_t i = 0; i < count; i++, rgb += 3) {
        const uint32_t red = rgb[0], green = rgb[1], blue = rgb[2];
        const uint32_t high = red > green ? (red > blue ? red : blue) : (green > blue ? green : blue);
        const uint32_t low = red < green ? (red < blue ? red : blue) : (green < blue ? green : blue);
        grey_out[i] = (uint8_t)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
        if (high - low > COLOUR_SPREAD) colours->colourful++;
    }
    colours->pixels += count;
}

bool colour_count_is_colour(const struct colour_count *colours)
{
    return colours->colourful > colours->pixels / COLOUR_ONE_PIXEL_IN;
}
