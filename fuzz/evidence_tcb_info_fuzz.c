/* SPDX-License-Identifier: Apache-2.0
 * Hits tcb_info_parse, signed_json_parse, tcb_match, tcb_match_tdx, tdx_module_find. */
#include "evidence/intel/tcb_info.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = JSON_TREE_MAX_NODES * sizeof(struct json_node);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(tcb_info_done) struct tcb_info info = {};
    struct refusal why = {};
    if (tcb_info_parse(slice_of(bytes, size), &why, &info) != OK) return 0;
    /* The signed text is a part of the input, braces and all. */
    const struct slice text = info.json.signed_text;
    if (text.size < 2 || text.bytes < bytes || text.bytes + text.size > bytes + size) abort();
    if (text.bytes[0] != '{' || text.bytes[text.size - 1] != '}') abort();
    struct pck best = {.pce_svn = UINT16_MAX};
    for (size_t i = 0; i < TCB_COMPONENT_COUNT; i++) best.components[i] = UINT8_MAX;
    if (tcb_match(info.levels, info.level_count, &best) != &info.levels[0]) abort();
    /* What SGX matching was given serves as TEE_TCB_SVN too. */
    if (tcb_match_tdx(info.levels, info.level_count, &best, best.components) != &info.levels[0]) abort();
    const struct tdx_module_identity *identity;
    if (tdx_module_find(&info.modules, SLICE_ARRAY(best.components), &why, &identity) == OK && identity == NULL)
        abort();
    return 0;
}
