/* SPDX-License-Identifier: Apache-2.0
 * Hits name_fold, name_next_word, name_prefix, name_matches. */
#include "base/encoding.h"
#include "fuzz.h"
#include "records/name.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(buffer_done) struct buffer folded = buffer_of_maximum(8 * NAME_MAX_BYTES), again = folded;
    if (name_fold(slice_of(bytes, size), &folded) != OK) return 0;
    const struct slice name = buffer_slice(&folded);
    if (!utf8_is_valid(name, true)) abort();
    struct slice rest = name, word;
    while (name_next_word(&rest, &word)) {
        if (word.size == 0 || name_letters(word) == 0) abort();
        if (!name_matches(name, name_prefix(word, NAME_PREFIX_MAX_LETTERS))) abort();
    }
    /* Folding what is folded changes nothing. */
    if (name.size <= NAME_MAX_BYTES && (name_fold(name, &again) != OK || !slice_equal(name, buffer_slice(&again))))
        abort();
    return 0;
}
