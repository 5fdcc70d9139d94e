/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/resize.h"

#include "imaging/film.h"

#include <math.h>
#include <stdlib.h>

/* Pillow's fixed point: eight bits of pixel and two of overshoot leave 22 for the weights. */
enum { WEIGHT_BITS = 32 - 8 - 2 };

/* For each output position, the run of input positions that it is made of, and their weights. */
struct axis {
    uint32_t out_size;
    uint32_t reach;   /* weights per output position */
    uint32_t *first;  /* out_size */
    uint32_t *count;  /* out_size */
    int32_t *weights; /* out_size * reach */
};

static void axis_done(struct axis *axis)
{
    free(axis->first);
    free(axis->count);
    free(axis->weights);
    *axis = (struct axis){};
}

static double triangle(double x)
{
    return fabs(x) < 1 ? 1 - fabs(x) : 0;
}

static int32_t fixed_point(double weight)
{
    return (int32_t)(weight * (1 << WEIGHT_BITS) + (weight < 0 ? -0.5 : 0.5));
}

/* The weights of one output position: the triangle around its centre, made to add up to one. */
static void fill_position(struct axis *axis, uint32_t position, uint32_t in_size)
{
    const double scale = (double)in_size / axis->out_size;
    const double spread = scale < 1 ? 1 : scale;
    const double center = (position + 0.5) * scale;
    const double from = center - spread + 0.5;
    const uint32_t first = from <= 0 ? 0 : (uint32_t)from;
    const uint32_t to = (uint32_t)(center + spread + 0.5);
    const uint32_t end = to > in_size ? in_size : to;
    double sum = 0;
    for (uint32_t i = first; i < end; i++) sum += triangle((i - center + 0.5) / spread);
    for (uint32_t i = first; i < end; i++) {
        const double weight = triangle((i - center + 0.5) / spread) / sum;
        axis->weights[(size_t)position * axis->reach + (i - first)] = fixed_point(weight);
    }
    axis->first[position] = first;
    axis->count[position] = end - first;
}

static enum status axis_init(struct axis *axis, uint32_t in_size, uint32_t out_size)
{
    const double scale = (double)in_size / out_size;
    axis->out_size = out_size;
    axis->reach = (uint32_t)ceil(scale < 1 ? 1 : scale) * 2 + 1;
    axis->first = calloc(out_size, sizeof(*axis->first));
    axis->count = calloc(out_size, sizeof(*axis->count));
    axis->weights = calloc((size_t)out_size * axis->reach, sizeof(*axis->weights));
    if (axis->first == NULL || axis->count == NULL || axis->weights == NULL) return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < out_size; i++) fill_position(axis, i, in_size);
    return OK;
}

/* One output pixel from pixels that stand `step` bytes apart. */
static uint8_t weighted(const struct axis *axis, uint32_t position, const uint8_t *line, size_t step)
{
    int32_t sum = 1 << (WEIGHT_BITS - 1);
    const int32_t *const weights = axis->weights + (size_t)position * axis->reach;
    const uint8_t *pixel = line + axis->first[position] * step;
    for (uint32_t i = 0; i < axis->count[position]; i++, pixel += step) sum += *pixel * weights[i];
    const int32_t grey = sum >> WEIGHT_BITS;
    return grey < 0 ? 0 : grey > 255 ? 255 : (uint8_t)grey;
}

static void resize_rows(const struct axis *across, const uint8_t *pixels, uint32_t width, uint32_t height, uint8_t *out)
{
    for (uint32_t row = 0; row < height; row++) {
        const uint8_t *const line = pixels + (size_t)row * width;
        for (uint32_t x = 0; x < across->out_size; x++) *out++ = weighted(across, x, line, 1);
    }
}

static void resize_columns(const struct axis *down, const uint8_t *pixels, uint32_t width, uint8_t *out)
{
    for (uint32_t y = 0; y < down->out_size; y++) {
        for (uint32_t x = 0; x < width; x++) *out++ = weighted(down, y, pixels + x, width);
    }
}

static bool is_side(uint32_t side)
{
    return side >= 1 && side <= FILM_SIDE_MAX;
}

enum status resize_grey(struct slice pixels, uint32_t width, uint32_t height, uint32_t out_width, uint32_t out_height,
                        struct buffer *out)
{
    if (!is_side(width) || !is_side(height) || !is_side(out_width) || !is_side(out_height) ||
        pixels.size != (size_t)width * height)
        return ERR_INTERNAL;
    CLEANUP(axis_done) struct axis across = {};
    CLEANUP(axis_done) struct axis down = {};
    TRY(axis_init(&across, width, out_width));
    TRY(axis_init(&down, height, out_height));
    CLEANUP(buffer_done) struct buffer middle = buffer_of_maximum((size_t)FILM_SIDE_MAX * FILM_SIDE_MAX);
    uint8_t *narrowed, *place;
    TRY(buffer_extend(&middle, (size_t)out_width * height, &narrowed));
    TRY(buffer_extend(out, (size_t)out_width * out_height, &place));
    resize_rows(&across, pixels.bytes, width, height, narrowed);
    resize_columns(&down, narrowed, out_width, place);
    return OK;
}
