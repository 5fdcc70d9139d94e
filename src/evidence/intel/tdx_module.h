/* SPDX-License-Identifier: Apache-2.0
 *
 * The TDX module, which stands between the hardware and every TD (reference: evidence-formats sections 8 and 10 steps
 * 5, 10.1 and 10.3): what TCB info says of it, whether a TD report is of such a module, and when a TD should be started
 * again because a newer module than the one it was measured under is loaded.
 */
#pragma once

#include "evidence/intel/report.h"
#include "evidence/intel/svn_levels.h"

enum { TDX_MODULE_MAX_COUNT = 32, TDX_MODULE_ID_MAX_BYTES = 16 };

struct tdx_module {
    uint8_t mrsigner[TD_MEASUREMENT_BYTES];
    uint8_t attributes[8];
};

/* A major version of the module: "TDX_01" for TDX 1.5. */
struct tdx_module_identity {
    char id[TDX_MODULE_ID_MAX_BYTES + 1];
    struct tdx_module module;
    struct svn_levels levels;
};

struct tdx_modules {
    struct tdx_module first; /* of major version 0, whose SVNs stand in the platform's levels */
    struct tdx_module_identity *identities;
    size_t identity_count;
};

/* Reads "tdxModule" and "tdxModuleIdentities" of a TCB info. ERR_FIELD_*, ERR_NO_MEMORY. On failure as on success the
 * caller frees with tdx_modules_done. */
enum status tdx_modules_read(const struct json_node *body, struct refusal *why, struct tdx_modules *modules);
void tdx_modules_done(struct tdx_modules *modules);

/* The identity of the module that `tee_tcb_svn` tells of: ERR_TDX_MODULE if there is none. NULL, and OK, for modules of
 * major version 0. */
enum status tdx_module_find(const struct tdx_modules *modules, struct slice tee_tcb_svn, struct refusal *why,
                            const struct tdx_module_identity **identity_out);

/* Whether the report is of a module that Intel signed: ERR_TDX_MODULE. */
enum status tdx_module_check(const struct tdx_modules *modules, const struct tdx_module_identity *identity,
                             const struct td_report *report, struct refusal *why);

/* What the relaunch rule looks at. */
struct relaunch {
    struct level_status platform; /* of the SGX level */
    struct level_status domain;   /* of the TDX level, merged with the module's */
    struct level_status module;
    const struct svn_level *quoting_enclave; /* NULL: older than all levels */
    const struct tcb_level *newest;          /* of the platform */
};

/* The domain's status, or that the TD be launched again: where nothing but its module is out of date, and the module
 * that is loaded now is as new as the newest. ERR_TDX_MODULE if the loaded module has no identity. */
enum status tdx_relaunch(const struct relaunch *relaunch, const struct tdx_modules *modules,
                         const struct td_report *report, struct refusal *why, struct level_status *status_out);
