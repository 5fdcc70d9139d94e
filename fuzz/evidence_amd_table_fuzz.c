/* SPDX-License-Identifier: Apache-2.0
 * Hits snp_certificate_table_parse. */
#include "evidence/amd.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = 0;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum { HEADER_MIN_BYTES = 48 }; /* of a table that holds anything: one entry and the one of zeros */
    struct refusal why = {};
    struct snp_certificate_table table;
    const enum status status = snp_certificate_table_parse(slice_of(bytes, size), &why, &table);
    if (status != OK) {
        if (why.status != status || why.field[0] == '\0') abort();
        return 0;
    }
    const struct slice parts[] = {table.vcek, table.vlek, table.ask, table.ark};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].size == 0) continue;
        if (parts[i].bytes < bytes + HEADER_MIN_BYTES || parts[i].bytes + parts[i].size > bytes + size) abort();
    }
    return 0;
}
