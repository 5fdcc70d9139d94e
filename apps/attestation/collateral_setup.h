/* SPDX-License-Identifier: Apache-2.0
 *
 * The collateral source that the configuration names: {"folder": PATH}, or {"url": "http[s]://host[:port]"} with "ca"
 * (PEM anchors; left out: the system's) and "root_crl_url" (left out: rootcacrl beside the rest, as a PCCS has it).
 * Intel's own service needs "root_crl_url": "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der".
 */
#pragma once

#include "channel/address.h"
#include "feeds/collateral.h"
#include "service/service.h"

struct collateral_configuration {
    char folder[PATH_MAX], ca[PATH_MAX];                          /* "" if not given */
    char url[URL_MAX_BYTES + 1], root_crl_url[URL_MAX_BYTES + 1]; /* "" if not given */
};

/* Reads the member "collateral". ERR_FIELD_*, ERR_CONFIG. */
enum status collateral_configure(const struct configuration *configuration, struct refusal *why,
                                 struct collateral_configuration *own_out);

/* An URL in parts. */
struct collateral_url {
    bool is_tls;
    char base[ADDRESS_TEXT_MAX_BYTES + 16]; /* "https://host:port" */
    struct address_authority at;
    const char *path; /* borrowed from the text: "" or "/..." */
};
enum status collateral_url_split(const char *text, const char *field, struct refusal *why,
                                 struct collateral_url *url_out);

/* What fetching needs, opened. */
struct collateral_setup {
    struct collateral_service service;
    struct tunnel_dialer *dialer, *root_crl_dialer; /* NULL over plain HTTP */
    char folder[PATH_MAX];
    bool is_folder;
};
/* `own` is borrowed for the setup's life. */
enum status collateral_setup_open(const struct collateral_configuration *own, struct tunnel *tunnel,
                                  struct refusal *why, struct collateral_setup *setup_out);
/* Ends a fetch that is under way; later ones fail. */
void collateral_setup_interrupt(struct collateral_setup *setup);
void collateral_setup_done(struct collateral_setup *setup);

/* The source for a feed; both borrow from `setup`. */
collateral_fetch *collateral_setup_fetch(const struct collateral_setup *setup);
void *collateral_setup_context(struct collateral_setup *setup);
