/* SPDX-License-Identifier: Apache-2.0
 *
 * A decoded film: 8-bit grey, row by row, 0 black, bone bright, whatever the file's polarity and depth were; and the
 * few facts of its header that say whether the model may read it. No name, number or date of a patient leaves the
 * decoder.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"

enum {
    FILM_FILE_MAX_BYTES = 64 * 1024 * 1024,
    FILM_SIDE_MAX = 16384,
    FILM_PIXELS_MAX = 64 * 1024 * 1024,
    FILM_CODE_MAX_BYTES = 16, /* DICOM's code strings (VR CS) */
    FILM_UID_MAX_BYTES = 64,
    FILM_AGE_UNKNOWN = -1,
};

enum film_format { FILM_PNG = 1, FILM_JPEG = 2, FILM_DICOM = 3 };

struct film_facts {
    enum film_format format;
    bool is_colour;                          /* the file shows colours, not greys stored as colours */
    bool was_inverted;                       /* MONOCHROME1 was turned into MONOCHROME2 */
    uint32_t bits_stored;                    /* per pixel and channel, in the file */
    int32_t age_days;                        /* of the patient, or FILM_AGE_UNKNOWN; years count 365 days */
    char modality[FILM_CODE_MAX_BYTES + 1];  /* these are empty where the file does not say */
    char body_part[FILM_CODE_MAX_BYTES + 1]; /* upper case letters, digits, spaces and underscores only */
    char view_position[FILM_CODE_MAX_BYTES + 1];
    char photometric[FILM_CODE_MAX_BYTES + 1];
    char transfer_syntax[FILM_UID_MAX_BYTES + 1];
};

struct film {
    uint32_t width, height;
    struct buffer pixels; /* width * height bytes */
    struct film_facts facts;
};

/* Wipes and frees. */
void film_done(struct film *film);

/* Checks the named maxima before anything of that size is allocated. ERR_IMAGE_MALFORMED for a side of 0,
 * ERR_TOO_LARGE. */
enum status film_check_size(uint64_t width, uint64_t height, struct refusal *why);

/* "png", "jpeg", "dicom". */
const char *film_format_name(enum film_format format);
