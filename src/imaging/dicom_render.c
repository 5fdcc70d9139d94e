/* SPDX-License-Identifier: Apache-2.0 */
#include "imaging/decode.h"
#include "imaging/dicom.h"
#include "imaging/dicom_element.h"

#include <math.h>

enum { STORED_VALUES_MAX = 65536 };

/* Real-world values between `low` and `high` become greys from 0 to 255. */
struct grey_range {
    double low, high;
};

static int32_t stored_value(const struct dicom_picture *picture, uint32_t word)
{
    const uint32_t bits = picture->bits_stored;
    const uint32_t value = word & ((1U << bits) - 1); /* overlays may stand in the bits above */
    return picture->is_signed && value >> (bits - 1) != 0 ? (int32_t)value - (int32_t)(1U << bits) : (int32_t)value;
}

static uint32_t word_at(const struct dicom_picture *picture, size_t index)
{
    if (picture->bits_allocated == 8) return picture->pixels.bytes[index];
    return dicom_word(picture->pixels.bytes + 2 * index, picture->is_big_endian);
}

static double table_entry(const struct dicom_table *table, double value, bool is_big_endian)
{
    const double last = (double)table->count - 1;
    const double offset = floor(value + 0.5) - table->first;
    const size_t index = offset <= 0 ? 0 : offset >= last ? (size_t)last : (size_t)offset;
    const uint32_t entry =
        table->is_wide ? dicom_word(table->entries.bytes + 2 * index, is_big_endian) : table->entries.bytes[index];
    const uint32_t maximum = (1U << table->bits) - 1;
    return entry > maximum ? maximum : entry;
}

static double modality_value(const struct dicom_picture *picture, int32_t stored)
{
    if (picture->modality_table.count > 0) return table_entry(&picture->modality_table, stored, picture->is_big_endian);
    return picture->slope * stored + picture->intercept;
}

/* The window functions of PS3.3 C.11.2.1.2 and C.11.2.1.3, from 0 to 255. */
static double window_grey(const struct dicom_picture *picture, double value)
{
    const double center = picture->window_center, width = picture->window_width;
    switch (picture->window) {
    case DICOM_WINDOW_SIGMOID: return 255 / (1 + exp(-4 * (value - center) / width));
    case DICOM_WINDOW_LINEAR_EXACT: return ((value - center) / width + 0.5) * 255;
    default: break;
    }
    if (width <= 1) return value <= center - 0.5 ? 0 : 255;
    return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255;
}

static double grey_of(const struct dicom_picture *picture, const struct grey_range *range, int32_t stored)
{
    const double value = modality_value(picture, stored);
    if (picture->window != DICOM_WINDOW_NONE) return window_grey(picture, value);
    if (picture->voi_table.count > 0) {
        const double entry = table_entry(&picture->voi_table, value, picture->is_big_endian);
        return entry * 255 / ((1U << picture->voi_table.bits) - 1);
    }
    return (value - range->low) * 255 / (range->high - range->low);
}

static bool is_padding(const struct dicom_picture *picture, int32_t stored)
{
    return picture->has_padding && stored >= picture->padding_low && stored <= picture->padding_high;
}

/* Many files say that 16 bits are stored and use 12: shown over 16 they would be black. */
static uint32_t bits_in_use(const struct dicom_picture *picture)
{
    int32_t highest = 255;
    const size_t count = (size_t)picture->columns * picture->rows;
    for (size_t i = 0; i < count; i++) {
        const int32_t stored = stored_value(picture, word_at(picture, i));
        if (stored > highest && !is_padding(picture, stored)) highest = stored;
    }
    uint32_t bits = 8;
    while (highest >> bits != 0) bits++;
    return bits;
}

static struct grey_range full_range(const struct dicom_picture *picture)
{
    if (picture->modality_table.count > 0)
        return (struct grey_range){.low = 0, .high = (double)((1U << picture->modality_table.bits) - 1)};
    const uint32_t bits = picture->is_signed ? picture->bits_stored : bits_in_use(picture);
    const int32_t lowest = picture->is_signed ? -(int32_t)(1U << (bits - 1)) : 0;
    const double a = modality_value(picture, lowest);
    const double b = modality_value(picture, lowest + (int32_t)((1U << bits) - 1));
    return (struct grey_range){.low = a < b ? a : b, .high = a < b ? b : a};
}

static uint8_t clamp_grey(double grey)
{
    return grey <= 0 ? 0 : grey >= 255 ? 255 : (uint8_t)(grey + 0.5);
}

/* One grey for each possible stored word: a table is made once, a film has millions of pixels. Padding is black in the
 * finished film, whatever the polarity. */
static void fill_greys(const struct dicom_picture *picture, uint8_t *greys)
{
    const struct grey_range range = full_range(picture);
    for (uint32_t word = 0; word < (1U << picture->bits_stored); word++) {
        const int32_t stored = stored_value(picture, word);
        const uint8_t grey = clamp_grey(grey_of(picture, &range, stored));
        greys[word] = is_padding(picture, stored) ? 0 : picture->facts.was_inverted ? (uint8_t)(255 - grey) : grey;
    }
}

enum status dicom_render(const struct dicom_picture *picture, struct film *film_out)
{
    CLEANUP(buffer_done) struct buffer greys = buffer_of_maximum(STORED_VALUES_MAX);
    CLEANUP(film_done) struct film film = {.width = picture->columns, .height = picture->rows, .facts = picture->facts};
    uint8_t *grey, *pixels;
    const size_t count = (size_t)picture->columns * picture->rows;
    film.pixels = buffer_of_maximum(FILM_PIXELS_MAX);
    TRY(buffer_extend(&greys, STORED_VALUES_MAX, &grey));
    TRY(buffer_extend(&film.pixels, count, &pixels));
    fill_greys(picture, grey);
    const uint32_t mask = (1U << picture->bits_stored) - 1;
    for (size_t i = 0; i < count; i++) pixels[i] = grey[word_at(picture, i) & mask];
    *film_out = film;
    film = (struct film){};
    return OK;
}

enum status dicom_decode(struct slice file, struct refusal *why, struct film *film_out)
{
    struct dicom_picture picture;
    TRY(dicom_parse(file, why, &picture));
    return dicom_render(&picture, film_out);
}
