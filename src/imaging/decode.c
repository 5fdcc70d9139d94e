/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/decode.h"

enum { DICOM_PREAMBLE_BYTES = 128 };

enum status image_decode(struct slice file, struct refusal *why, struct film *film_out)
{
    static const uint8_t png_signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t jpeg_signature[] = {0xff, 0xd8, 0xff};
    if (file.size > FILM_FILE_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "file", "at most 67108864 bytes", "%zu bytes", file.size);
    if (slice_starts_with(file, SLICE_ARRAY(png_signature))) return png_decode(file, why, film_out);
    if (slice_starts_with(file, SLICE_ARRAY(jpeg_signature))) return jpeg_decode(file, why, film_out);
    if (slice_equal_text(slice_part(file, DICOM_PREAMBLE_BYTES, 4), "DICM")) return dicom_decode(file, why, film_out);
    (void)refuse(why, ERR_IMAGE_FORMAT, "file", "PNG, JPEG, or DICOM with its preamble", "%zu bytes of another kind",
                 file.size);
    return refuse_fix(why, ERR_IMAGE_FORMAT, "export the film as DICOM, PNG or JPEG");
}
