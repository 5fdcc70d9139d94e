/* SPDX-License-Identifier: Apache-2.0
 * Hits quote_parse, quote_without_padding, oe_evidence_open, quote_facts_read. */
#include "evidence/intel.h"
#include "evidence/intel/quote.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = QUOTE_MAX_BYTES;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice input = slice_of(bytes, size);
    struct refusal why;
    struct oe_evidence opened = {.quote = input};
    if (oe_evidence_open(input, &why, &opened) == OK && opened.quote.size + opened.claims.size > size) abort();
    const struct slice inner = opened.quote;
    struct quote quote;
    const enum status status = quote_parse(inner, &why, &quote);
    struct slice cut;
    const enum status cut_status = quote_without_padding(inner, &why, &cut);
    /* A quote that fits exactly has no padding to lose. */
    if (status == OK && (cut_status != OK || cut.size != inner.size)) abort();
    struct quote_facts facts;
    (void)quote_facts_read(inner, &why, &facts);
    return 0;
}
