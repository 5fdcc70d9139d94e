/* SPDX-License-Identifier: Apache-2.0
 * Hits qe_identity_parse, qe_identity_level. */
#include "evidence/intel/qe_identity.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = JSON_TREE_MAX_NODES * sizeof(struct json_node);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(qe_identity_done) struct qe_identity identity = {};
    struct refusal why = {};
    if (qe_identity_parse(slice_of(bytes, size), &why, &identity) != OK) return 0;
    if (svn_levels_match(&identity.levels, UINT16_MAX) != &identity.levels.items[0]) abort();
    return 0;
}
