/* SPDX-License-Identifier: Apache-2.0
 *
 * Picture files to films: PNG (any depth), baseline JPEG, uncompressed DICOM (explicit and implicit VR, either byte
 * order, MONOCHROME1 and MONOCHROME2, 8 to 16 stored bits, signed, rescaled, windowed, lookup tables). The format is
 * recognised by content, never by name.
 *
 * This is the decoding itself, which meets strangers' bytes. Programs call it through imaging/decoder_child.h, in a
 * process that holds nothing else.
 */
#pragma once

#include "base/refusal.h"
#include "imaging/film.h"

/* `file`: at most FILM_FILE_MAX_BYTES (ERR_TOO_LARGE). ERR_IMAGE_FORMAT: no picture of a known format.
 * ERR_IMAGE_MALFORMED: broken or truncated. ERR_IMAGE_UNSUPPORTED: a form that is not read (compressed DICOM,
 * progressive JPEG, several frames, ...); the refusal names it and says what to do. ERR_NO_MEMORY. */
enum status image_decode(struct slice file, struct refusal *why, struct film *film_out);

/* The three readers behind it, each for bytes that begin with its own signature. */
enum status png_decode(struct slice file, struct refusal *why, struct film *film_out);
enum status jpeg_decode(struct slice file, struct refusal *why, struct film *film_out);
enum status dicom_decode(struct slice file, struct refusal *why, struct film *film_out);
