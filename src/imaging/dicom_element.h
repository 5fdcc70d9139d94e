/* SPDX-License-Identifier: Apache-2.0
 *
 * DICOM's data elements (PS3.5): walks a data set and hands out the values of the elements that are asked for.
 * Everything else, sequences and private elements included, is stepped over without being looked into.
 */
#pragma once

#include "base/reader.h"
#include "base/refusal.h"

enum { DICOM_SEQUENCE_MAX_DEPTH = 16, DICOM_ELEMENTS_MAX_COUNT = 100000 };

struct dicom_syntax {
    bool is_explicit, is_big_endian;
};

/* One element that the caller wants; all-zero but for the tag before the walk. */
struct dicom_wanted {
    uint32_t tag;
    bool is_there;
    bool is_encapsulated;   /* of undefined length, which pixel data has when it is compressed */
    char representation[2]; /* two letters; zeros in implicit syntax */
    struct slice value;     /* for a sequence: its items */
};

/* Walks until `stop_tag` has been taken, or the data set ends. An element that is wanted and stands there twice is
 * ERR_IMAGE_MALFORMED, as is anything that does not parse. */
enum status dicom_walk(struct reader *reader, struct dicom_syntax syntax, uint32_t stop_tag,
                       struct dicom_wanted *wanted, size_t wanted_count, struct refusal *why);

/* The content of a sequence's first item, walked in the same way. ERR_IMAGE_MALFORMED if there is none. */
enum status dicom_walk_first_item(struct slice sequence, struct dicom_syntax syntax, struct dicom_wanted *wanted,
                                  size_t wanted_count, struct refusal *why);

/* A 16-bit word in the syntax's byte order. */
uint32_t dicom_word(const uint8_t *bytes, bool is_big_endian);
