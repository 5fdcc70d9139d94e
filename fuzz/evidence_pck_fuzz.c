/* SPDX-License-Identifier: Apache-2.0
 * Hits pck_parse. */
#include "evidence/intel/pck.h"
#include "fuzz.h"

const size_t fuzz_allocation_max = 0;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pck pck;
    struct refusal why = {};
    (void)pck_parse(slice_of(bytes, size), &why, &pck);
    return 0;
}
