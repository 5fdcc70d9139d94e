/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/decode.h"
#include "imaging/grey.h"

/* jpeglib.h needs size_t and FILE first. */
#include <stddef.h>
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <string.h>

/* libjpeg reports errors by longjmp, as libpng does: see png_read.c. */
struct jpeg_job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct refusal *why;
    enum status status;
    jmp_buf escape;
    struct buffer row;
    struct film film;
};

static struct jpeg_job *job_of(j_common_ptr jpeg)
{
    return jpeg->client_data;
}

[[gnu::noreturn]] static void on_error(j_common_ptr jpeg)
{
    struct jpeg_job *const job = job_of(jpeg);
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    if (jpeg->err->msg_code == JERR_OUT_OF_MEMORY)
        job->status = ERR_NO_MEMORY;
    else
        job->status = refuse(job->why, ERR_IMAGE_MALFORMED, "jpeg", "a whole, well-formed JPEG", "%s", message);
    longjmp(job->escape, 1);
}

/* libjpeg only warns of a file that ends too early and of broken blocks, and paints them grey. Half a lung must not
 * pass for a film. */
static void on_message(j_common_ptr jpeg, int level)
{
    const int code = jpeg->err->msg_code;
    if (level >= 0 || code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM) return;
    on_error(jpeg);
}

static void on_output(j_common_ptr)
{
    /* Nothing is printed. */
}

static enum status refuse_form(struct refusal *why, const char *field, const char *expected, const char *seen)
{
    (void)refuse(why, ERR_IMAGE_UNSUPPORTED, field, expected, "%s", seen);
    return refuse_fix(why, ERR_IMAGE_UNSUPPORTED, "save the film as baseline JPEG, as PNG, or as uncompressed DICOM");
}

static enum status check_form(struct jpeg_job *job)
{
    const struct jpeg_decompress_struct *const jpeg = &job->jpeg;
    if (jpeg->progressive_mode) return refuse_form(job->why, "jpeg.process", "baseline", "progressive");
    if (jpeg->arith_code) return refuse_form(job->why, "jpeg.process", "Huffman coding", "arithmetic coding");
    if (jpeg->data_precision != 8) return refuse_form(job->why, "jpeg.precision", "8 bits", "more bits");
    if (jpeg->num_components != 1 && jpeg->num_components != 3)
        return refuse_form(job->why, "jpeg.components", "grey or three colours", "another number of channels");
    return film_check_size(jpeg->image_width, jpeg->image_height, job->why);
}

static void take_row(struct jpeg_job *job, uint8_t *place, struct colour_count *colours)
{
    JSAMPROW row = job->jpeg.output_components == 3 ? job->row.bytes : place;
    (void)jpeg_read_scanlines(&job->jpeg, &row, 1);
    if (job->jpeg.output_components == 3) grey_from_rgb(row, job->film.width, place, colours);
}

static enum status read_rows(struct jpeg_job *job)
{
    uint8_t *pixels, *row;
    const uint32_t width = job->jpeg.image_width, height = job->jpeg.image_height;
    job->jpeg.out_color_space = job->jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    job->film.pixels = buffer_of_maximum(FILM_PIXELS_MAX);
    job->row = buffer_of_maximum((size_t)FILM_SIDE_MAX * 3);
    TRY(buffer_extend(&job->film.pixels, (size_t)width * height, &pixels));
    TRY(buffer_extend(&job->row, (size_t)width * 3, &row));
    (void)jpeg_start_decompress(&job->jpeg);
    if (job->jpeg.output_width != width || job->jpeg.output_height != height) return ERR_INTERNAL;
    job->film.width = width;
    job->film.height = height;
    struct colour_count colours = {};
    while (job->jpeg.output_scanline < height)
        take_row(job, pixels + (size_t)job->jpeg.output_scanline * width, &colours);
    (void)jpeg_finish_decompress(&job->jpeg);
    job->film.facts = (struct film_facts){
        .format = FILM_JPEG,
        .bits_stored = 8,
        .age_days = FILM_AGE_UNKNOWN,
        .is_colour = colour_count_is_colour(&colours),
    };
    return OK;
}

static enum status decode_guarded(struct jpeg_job *job, struct slice file)
{
    if (setjmp(job->escape) != 0) return job->status;
    jpeg_create_decompress(&job->jpeg);
    jpeg_mem_src(&job->jpeg, file.bytes, file.size);
    (void)jpeg_read_header(&job->jpeg, TRUE);
    TRY(check_form(job));
    return read_rows(job);
}

enum status jpeg_decode(struct slice file, struct refusal *why, struct film *film_out)
{
    struct jpeg_job job = {.why = why};
    job.jpeg.err = jpeg_std_error(&job.errors);
    job.errors.error_exit = on_error;
    job.errors.emit_message = on_message;
    job.errors.output_message = on_output;
    job.jpeg.client_data = &job;
    const enum status status = decode_guarded(&job, file);
    jpeg_destroy_decompress(&job.jpeg);
    buffer_done(&job.row);
    if (status == OK)
        *film_out = job.film;
    else
        film_done(&job.film);
    return status;
}
