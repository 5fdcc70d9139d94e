/* SPDX-License-Identifier: Apache-2.0
 *
 * Names as they are searched for: folded, split into words, found by the first letters. Pure.
 *
 * Folding: ASCII in lower case; Latin letters up to U+017F become their plain letters ("Müller" muller, "Łódź" lodz,
 * "ß" ss), combining accents are dropped, apostrophes too ("O'Brien" obrien); Greek and Cyrillic capitals become small;
 * everything else that is not ASCII stays as it is. Every other ASCII sign, and Unicode's general punctuation, ends a
 * word ("Jean-Luc" jean luc).
 *
 * Index: each prefix of 2 to 8 letters of each word, and a word of one letter whole. A question's word is looked up by
 * its first 8 letters at most; the caller then compares the opened name (name_matches), so that longer words cost the
 * disk's owner no further knowledge. Beyond what sealed.h says, prefixes tell the disk's owner which names begin alike
 * and how long a word up to 8 letters is: with the frequency of names in a country that can be enough to guess common
 * ones.
 */
#pragma once

#include "base/buffer.h"

enum {
    NAME_PREFIX_MIN_LETTERS = 2,
    NAME_PREFIX_MAX_LETTERS = 8,
    NAME_MAX_BYTES = 1024,    /* before folding */
    NAME_WORDS_MAX_COUNT = 8, /* of one name; further words are not indexed */
};

/* Appends the folded words of `name` (UTF-8), a space between two. ERR_ENCODING for invalid UTF-8, ERR_TOO_LARGE over
 * NAME_MAX_BYTES. */
enum status name_fold(struct slice name, struct buffer *folded);

/* Takes the next word off `folded`. False if there is none. */
bool name_next_word(struct slice *folded, struct slice *word_out);

/* Letters (code points) of a folded word, and its first `letters` of them. */
size_t name_letters(struct slice word);
struct slice name_prefix(struct slice word, size_t letters);

/* Whether each word of the folded `question` begins some word of the folded `name`. */
bool name_matches(struct slice name, struct slice question);
