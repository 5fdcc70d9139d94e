/* SPDX-License-Identifier: Apache-2.0
 *
 * TCB levels of software that Intel signs and numbers with one ISVSVN: quoting enclaves (QE identity) and TDX modules
 * (TCB info, "tdxModuleIdentities").
 */
#pragma once

#include "evidence/intel/tcb.h"

struct svn_level {
    uint16_t svn;
    struct level_facts facts; /* UpToDate, OutOfDate or revoked: there is nothing to configure */
};

struct svn_levels {
    struct svn_level *items; /* newest first, no two alike, at least one */
    size_t count;
};

/* Reads "tcbLevels" of `object`, which `path` names. ERR_FIELD_*, ERR_NO_MEMORY. */
enum status svn_levels_read(const struct json_node *object, const char *path, struct refusal *why,
                            struct svn_levels *levels_out);
void svn_levels_done(struct svn_levels *levels);

/* The newest level that software of this SVN reaches; NULL if it is older than all. */
const struct svn_level *svn_levels_match(const struct svn_levels *levels, unsigned svn);
