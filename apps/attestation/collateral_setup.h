/* SPDX-License-Identifier: Apache-2.0
 *
 * The collateral source that the configuration names: {"folder": PATH}, or {"url": "http[s]://host[:port]"} with "ca"
 * (PEM anchors; left out: the system's) and "root_crl_url" (left out: rootcacrl beside the rest, as a PCCS has it).
 * Intel's own service needs "root_crl_url": "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der".
 * "protocol" 3 or 4 (left out: 4), "update" "standard" or "early", or "evaluation" for one number, say what is asked
 * for. "minimum_evaluation" holds for both, beside the manifest's. "subscription_key" is a file with the key that
 * Intel's service wants before it gives out PCK certificates.
 */
#pragma once

#include "feeds/collateral.h"
#include "feeds/pck_source.h"
#include "feeds/source_connection.h"
#include "service/service.h"

struct collateral_configuration {
    char folder[PATH_MAX], ca[PATH_MAX];                          /* "" if not given */
    char subscription_key[PATH_MAX];                              /* the same; a file */
    char url[URL_MAX_BYTES + 1], root_crl_url[URL_MAX_BYTES + 1]; /* "" if not given */
    unsigned protocol;                                            /* PCS_VERSION_3 or _4 */
    struct collateral_set set;
    int64_t minimum_evaluation; /* 0: any */
};

/* Reads the member "collateral". ERR_FIELD_*, ERR_CONFIG. */
enum status collateral_configure(const struct configuration *configuration, struct refusal *why,
                                 struct collateral_configuration *own_out);

/* What fetching needs, opened. */
struct collateral_setup {
    struct collateral_service service;
    struct source_connection source, root_crl_source;
    struct buffer subscription_key;
    char folder[PATH_MAX];
    bool is_folder;
};
/* `own` is borrowed for the setup's life. */
enum status collateral_setup_open(const struct collateral_configuration *own, struct tunnel *tunnel,
                                  struct refusal *why, struct collateral_setup *setup_out);
/* Ends a fetch that is under way; later ones fail. */
void collateral_setup_interrupt(struct collateral_setup *setup);
void collateral_setup_done(struct collateral_setup *setup);

/* Where PCK certificates come from; borrows from `setup`. ERR_NOT_FOUND from a folder, which has none; ERR_NO_MEMORY.
 */
enum status collateral_setup_pck(struct collateral_setup *setup, struct pck_service *service_out);

/* The source for a feed; both borrow from `setup`. */
collateral_fetch *collateral_setup_fetch(const struct collateral_setup *setup);
void *collateral_setup_context(struct collateral_setup *setup);
