/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/film.h"

#include <inttypes.h>

void film_done(struct film *film)
{
    buffer_done(&film->pixels);
    *film = (struct film){};
}

enum status film_check_size(uint64_t width, uint64_t height, struct refusal *why)
{
    if (width == 0 || height == 0)
        return refuse(why, ERR_IMAGE_MALFORMED, "size", "at least 1 by 1 pixels", "%" PRIu64 " by %" PRIu64, width,
                      height);
    if (width > FILM_SIDE_MAX || height > FILM_SIDE_MAX || width * height > FILM_PIXELS_MAX)
        return refuse(why, ERR_TOO_LARGE, "size", "sides of at most 16384 pixels, at most 67108864 pixels in all",
                      "%" PRIu64 " by %" PRIu64, width, height);
    return OK;
}

const char *film_format_name(enum film_format format)
{
    switch (format) {
    case FILM_PNG: return "png";
    case FILM_JPEG: return "jpeg";
    case FILM_DICOM: return "dicom";
    }
    return "unknown";
}
