/* SPDX-License-Identifier: Apache-2.0
 *
 * DICOM files (PS3.10) with one uncompressed grey picture: the header's facts and the stored pixels, and the film made
 * of them. The reader keeps nothing else of the file.
 */
#pragma once

#include "base/refusal.h"
#include "imaging/film.h"

/* A lookup table (PS3.3 C.11.1, C.11.2): entry i stands for the value first + i; values outside take the nearest entry.
 */
struct dicom_table {
    uint32_t count; /* 0: no table */
    int32_t first;
    uint32_t bits; /* of an entry, 8 to 16 */
    bool is_wide;  /* entries of two bytes in the file's order; otherwise of one */
    struct slice entries;
};

enum dicom_window_kind { DICOM_WINDOW_NONE, DICOM_WINDOW_LINEAR, DICOM_WINDOW_LINEAR_EXACT, DICOM_WINDOW_SIGMOID };

struct dicom_picture {
    struct film_facts facts;
    uint32_t columns, rows;
    uint32_t bits_allocated; /* 8 or 16 */
    uint32_t bits_stored;    /* 8 to bits_allocated; the high bit is bits_stored - 1 */
    bool is_signed, is_big_endian;
    double slope, intercept; /* 1 and 0 where the file has none */
    struct dicom_table modality_table, voi_table;
    enum dicom_window_kind window;
    double window_center, window_width;
    bool has_padding; /* stored values from padding_low to padding_high are no picture */
    int32_t padding_low, padding_high;
    struct slice pixels; /* columns * rows words of bits_allocated, borrowed from the file */
};

/* `picture_out` borrows from `file`. ERR_IMAGE_MALFORMED, ERR_IMAGE_UNSUPPORTED, ERR_TOO_LARGE. */
enum status dicom_parse(struct slice file, struct refusal *why, struct dicom_picture *picture_out);

/* Stored values through rescale, window and polarity to 8-bit greys. Without a window or table the whole stored range
 * is shown, narrowed to the bits that unsigned pixels use. */
enum status dicom_render(const struct dicom_picture *picture, struct film *film_out);
