/* SPDX-License-Identifier: Apache-2.0
 *
 * TCB levels: matching a platform with them, and merging the platform's status with the quoting enclave's (reference:
 * evidence-formats sections 10.1 and 10.2). Pure.
 */
#pragma once

#include "base/json_tree.h"
#include "evidence/intel.h"
#include "evidence/intel/pck.h"

enum { TCB_LEVEL_MAX_COUNT = 128 };

/* A level's status as collateral gives it. Revoked is apart from the public statuses, because it is never a verdict. */
struct level_status {
    bool is_revoked;
    enum tcb_status status; /* unless revoked */
};

/* From Intel's spelling. False for a text that is not known, which is never taken for good. */
bool level_status_from_text(struct slice text, struct level_status *status_out);

/* What stands beside every level, of a platform or of a quoting enclave. */
struct level_facts {
    struct level_status status;
    int64_t date_s;
    const struct json_node
        *advisories; /* array of checked strings, borrowed from the document; NULL if there are none */
};

/* Reads "tcbDate", "tcbStatus" and "advisoryIDs". `path` names the level for refusals. ERR_FIELD_*. */
enum status level_facts_read(const struct json_node *level, const char *path, struct refusal *why,
                             struct level_facts *facts_out);

struct tcb_level {
    uint8_t components[TCB_COMPONENT_COUNT];
    uint16_t pce_svn;
    uint8_t tdx_components[TCB_COMPONENT_COUNT]; /* zeros in levels of SGX */
    struct level_facts facts;
};

/* Newest first, as Intel's library sorts: by components in order, then by PCESVN, then by TDX components. */
void tcb_levels_sort(struct tcb_level *levels, size_t count);

/* The first level that the platform reaches in every component and in PCESVN; NULL if there is none. */
const struct tcb_level *tcb_match(const struct tcb_level *levels, size_t count, const struct pck *platform);

/* The first level that besides is reached by TEE_TCB_SVN. Its first two bytes belong to the TDX module; from module
 * version 1 on (byte 1) modules have levels of their own and these two are passed over. */
const struct tcb_level *tcb_match_tdx(const struct tcb_level *levels, size_t count, const struct pck *platform,
                                      const uint8_t tee_tcb_svn[static TCB_COMPONENT_COUNT]);

/* The status of software on the platform, a TDX module or the quoting enclave, can only lower the platform's. */
struct level_status tcb_merge(struct level_status platform, struct level_status software);
