/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/decode.h"

#include "base/reader.h"
#include "imaging/grey.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

/* libpng reports errors by longjmp, past every cleanup. So all that must be freed stands in the job, which the caller
 * of the guarded part owns, and that part keeps no state in variables of its own. */
struct png_job {
    struct reader source;
    struct refusal *why;
    enum status status;
    jmp_buf escape;
    png_structp png;
    png_infop info;
    struct buffer rows; /* one row, or the whole picture if it is interlaced */
    struct film film;
};

[[gnu::noreturn]] static void on_error(png_structp png, png_const_charp message)
{
    struct png_job *const job = png_get_error_ptr(png);
    if (job->status == OK)
        job->status = refuse(job->why, ERR_IMAGE_MALFORMED, "png", "a whole, well-formed PNG", "%s", message);
    longjmp(job->escape, 1);
}

static void on_warning(png_structp, png_const_charp)
{
    /* Oddities in chunks that are not used here. */
}

static void on_read(png_structp png, png_bytep bytes_out, size_t size)
{
    struct png_job *const job = png_get_io_ptr(png);
    if (reader_copy(&job->source, size, bytes_out) != OK) png_error(png, "the file ends too early");
}

static enum status open_png(struct png_job *job)
{
    job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning);
    if (job->png == NULL) return ERR_NO_MEMORY;
    job->info = png_create_info_struct(job->png);
    if (job->info == NULL) return ERR_NO_MEMORY;
    png_set_read_fn(job->png, job, on_read);
    png_set_user_limits(job->png, FILM_SIDE_MAX, FILM_SIDE_MAX);
    /* Only what makes the picture is read: header, palette, transparency, pixels. The library would take memory for
     * texts and profiles by the length that they claim, and its limit for that is a warning. */
    png_set_keep_unknown_chunks(job->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    return OK;
}

static enum status read_facts(struct png_job *job)
{
    const uint32_t width = png_get_image_width(job->png, job->info);
    const uint32_t height = png_get_image_height(job->png, job->info);
    TRY(film_check_size(width, height, job->why));
    job->film.width = width;
    job->film.height = height;
    job->film.facts = (struct film_facts){
        .format = FILM_PNG,
        .bits_stored = png_get_bit_depth(job->png, job->info),
        .age_days = FILM_AGE_UNKNOWN,
    };
    return OK;
}

/* Every kind of PNG becomes 8-bit grey or 8-bit RGB. Transparency and gamma are left aside, as Pillow does, behind
 * which the model was trained. */
static void ask_for_eight_bits(struct png_job *job)
{
    png_set_expand_gray_1_2_4_to_8(job->png);
    png_set_palette_to_rgb(job->png);
    png_set_scale_16(job->png);
    png_set_strip_alpha(job->png);
}

static void take_row(struct png_job *job, uint32_t row, const uint8_t *bytes, bool is_rgb, struct colour_count *colours)
{
    uint8_t *const place = job->film.pixels.bytes + (size_t)row * job->film.width;
    if (is_rgb)
        grey_from_rgb(bytes, job->film.width, place, colours);
    else
        memcpy(place, bytes, job->film.width);
}

static enum status read_rows(struct png_job *job)
{
    const int passes = png_set_interlace_handling(job->png);
    png_read_update_info(job->png, job->info);
    const bool is_rgb = (png_get_color_type(job->png, job->info) & PNG_COLOR_MASK_COLOR) != 0;
    const size_t row_size = png_get_rowbytes(job->png, job->info);
    const uint32_t height = job->film.height;
    if (row_size != (size_t)job->film.width * (is_rgb ? 3 : 1)) return ERR_INTERNAL;
    uint8_t *rows, *pixels;
    job->film.pixels = buffer_of_maximum(FILM_PIXELS_MAX);
    job->rows = buffer_of_maximum((size_t)FILM_PIXELS_MAX * 3);
    TRY(buffer_extend(&job->film.pixels, (size_t)job->film.width * height, &pixels));
    TRY(buffer_extend(&job->rows, passes == 1 ? row_size : row_size * height, &rows));
    struct colour_count colours = {};
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t row = 0; row < height; row++) {
            uint8_t *const place = passes == 1 ? rows : rows + row_size * row;
            png_read_row(job->png, place, NULL);
            if (pass == passes - 1) take_row(job, row, place, is_rgb, &colours);
        }
    }
    job->film.facts.is_colour = is_rgb && colour_count_is_colour(&colours);
    png_read_end(job->png, NULL);
    return OK;
}

static enum status decode_guarded(struct png_job *job)
{
    if (setjmp(job->escape) != 0) return job->status;
    TRY(open_png(job));
    png_read_info(job->png, job->info);
    TRY(read_facts(job));
    ask_for_eight_bits(job);
    return read_rows(job);
}

enum status png_decode(struct slice file, struct refusal *why, struct film *film_out)
{
    struct png_job job = {.source = reader_over(file), .why = why};
    const enum status status = decode_guarded(&job);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    buffer_done(&job.rows);
    if (status == OK)
        *film_out = job.film;
    else
        film_done(&job.film);
    return status;
}
