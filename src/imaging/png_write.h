/* SPDX-License-Identifier: Apache-2.0
 *
 * 8-bit grey PNG, without any text or time in it: films for the screen and heat maps. Errors: ERR_TOO_LARGE,
 * ERR_NO_MEMORY, ERR_INTERNAL (sides that do not fit the pixels).
 */
#pragma once

#include "imaging/film.h"

enum { PNG_LONGEST_SIDE_MIN = 64, PNG_LONGEST_SIDE_MAX = 2048 };

/* Appends a PNG of `pixels`, width * height bytes of grey. */
enum status png_write_grey(struct slice pixels, uint32_t width, uint32_t height, struct buffer *png);

/* The film scaled down so that its longest side is at most `longest_side`; never scaled up. */
enum status png_write_film(const struct film *film, uint32_t longest_side, struct buffer *png);

/* A heat map: `values` are width * height FP32, little endian; 0 and less gives black, 1 and more white. A value that
 * is not a number is ERR_INTERNAL. */
enum status png_write_heatmap(struct slice values, uint32_t width, uint32_t height, struct buffer *png);
