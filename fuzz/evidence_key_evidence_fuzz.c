/* SPDX-License-Identifier: Apache-2.0
 * Hits key_evidence_read, key_evidence_check: certificates of signing keys, from a key set that anybody may have
 * written.
 */
#include "evidence/key_evidence.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t report_data[64];
    const struct slice certificate = slice_of(bytes, size);
    struct key_evidence evidence;
    struct refusal why = {};
    const enum status status = key_evidence_read(certificate, &why, &evidence);
    if (status != OK) {
        if (why.field[0] == '\0') abort();
        return 0;
    }
    if (evidence.quote.size >= size || evidence.public_key.size >= size) abort();
    if (key_evidence_check(&evidence, report_data, &why) == OK) abort(); /* nothing has this digest */
    return 0;
}
