/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/png_write.h"

#include "base/secret.h"
#include "imaging/resize.h"

#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* libpng reports errors by longjmp: see png_read.c. */
struct write_job {
    struct buffer *png_bytes;
    enum status status;
    jmp_buf escape;
    png_structp png;
    png_infop info;
};

[[gnu::noreturn]] static void on_error(png_structp png, png_const_charp)
{
    struct write_job *const job = png_get_error_ptr(png);
    if (job->status == OK) job->status = ERR_INTERNAL;
    longjmp(job->escape, 1);
}

static void on_warning(png_structp, png_const_charp)
{
    /* What is written here has nothing to warn of. */
}

static void on_write(png_structp png, png_bytep bytes, size_t size)
{
    struct write_job *const job = png_get_io_ptr(png);
    job->status = buffer_append(job->png_bytes, slice_of(bytes, size));
    if (job->status != OK) png_error(png, "no room");
}

static void on_flush(png_structp)
{
    /* A buffer has nothing to flush. */
}

static png_voidp on_allocate(png_structp, size_t size)
{
    return malloc(size);
}

/* Rows and compressed pieces of the picture: this process lives on, unlike the children that read pictures. */
static void on_free(png_structp, png_voidp memory)
{
    secret_free(memory);
}

static enum status write_guarded(struct write_job *job, struct slice pixels, uint32_t width, uint32_t height)
{
    if (setjmp(job->escape) != 0) return job->status;
    job->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, job, on_error, on_warning, NULL, on_allocate, on_free);
    if (job->png == NULL) return ERR_NO_MEMORY;
    job->info = png_create_info_struct(job->png);
    if (job->info == NULL) return ERR_NO_MEMORY;
    png_set_write_fn(job->png, job, on_write, on_flush);
    png_set_IHDR(job->png, job->info, width, height, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(job->png, job->info);
    for (uint32_t row = 0; row < height; row++) png_write_row(job->png, pixels.bytes + (size_t)row * width);
    png_write_end(job->png, NULL);
    return OK;
}

enum status png_write_grey(struct slice pixels, uint32_t width, uint32_t height, struct buffer *png)
{
    if (film_check_size(width, height, NULL) != OK || pixels.size != (size_t)width * height) return ERR_INTERNAL;
    const size_t before = png->size;
    struct write_job job = {.png_bytes = png};
    const enum status status = write_guarded(&job, pixels, width, height);
    png_destroy_write_struct(&job.png, &job.info);
    if (status != OK) buffer_truncate(png, before);
    return status;
}

static uint32_t scaled_side(uint32_t side, uint32_t longest, uint32_t limit)
{
    const uint64_t scaled = ((uint64_t)side * limit + longest / 2) / longest;
    return scaled < 1 ? 1 : (uint32_t)scaled;
}

enum status png_write_film(const struct film *film, uint32_t longest_side, struct buffer *png)
{
    if (longest_side < PNG_LONGEST_SIDE_MIN || longest_side > PNG_LONGEST_SIDE_MAX) return ERR_INTERNAL;
    const uint32_t longest = film->width > film->height ? film->width : film->height;
    if (longest <= longest_side) return png_write_grey(buffer_slice(&film->pixels), film->width, film->height, png);
    const uint32_t width = scaled_side(film->width, longest, longest_side);
    const uint32_t height = scaled_side(film->height, longest, longest_side);
    CLEANUP(buffer_done) struct buffer scaled = buffer_of_maximum((size_t)width * height);
    TRY(resize_grey(buffer_slice(&film->pixels), film->width, film->height, width, height, &scaled));
    return png_write_grey(buffer_slice(&scaled), width, height, png);
}

enum status png_write_heatmap(struct slice values, uint32_t width, uint32_t height, struct buffer *png)
{
    if (film_check_size(width, height, NULL) != OK) return ERR_INTERNAL;
    const size_t count = (size_t)width * height;
    if (values.size != count * sizeof(float)) return ERR_INTERNAL;
    CLEANUP(buffer_done) struct buffer greys = buffer_of_maximum(count);
    uint8_t *place;
    TRY(buffer_extend(&greys, count, &place));
    for (size_t i = 0; i < count; i++) {
        float value;
        memcpy(&value, values.bytes + i * sizeof(value), sizeof(value));
        if (isnan(value)) return ERR_INTERNAL;
        place[i] = value <= 0 ? 0 : value >= 1 ? 255 : (uint8_t)(value * 255 + 0.5F);
    }
    return png_write_grey(buffer_slice(&greys), width, height, png);
}
