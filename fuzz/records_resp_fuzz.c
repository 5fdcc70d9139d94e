/* SPDX-License-Identifier: Apache-2.0
 * Hits resp_read. */
#include "records/resp.h"

#include "fuzz.h"

#include <stdlib.h>

/* Every borrowed text lies within the input, and no maximum is passed. */
static void check(struct slice input, const struct resp_reply *reply)
{
    if (reply->count == 0 || reply->count > 1 + RESP_ARRAY_MAX_COUNT) abort();
    for (size_t i = 0; i < reply->count; i++) {
        const struct slice text = reply->values[i].text;
        if (text.size > RESP_BULK_MAX_BYTES) abort();
        if (text.size > 0 && (text.bytes < input.bytes || text.bytes + text.size > input.bytes + input.size)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice input = slice_of(bytes, size);
    struct reader reader = reader_over(input);
    struct resp_reply reply;
    while (reader_left(&reader) > 0 && resp_read(&reader, &reply) == OK) check(input, &reply);
    return 0;
}
