/* SPDX-License-Identifier: Apache-2.0
 *
 * Where `lazaret collateral fetch` gets collateral from, opened from its options.
 */
#pragma once

#include "feeds/collateral_source.h"
#include "feeds/source_connection.h"

struct collateral_source_options {
    const char *url, *root_crl_url, *anchors; /* NULL: not given; `anchors` a PEM file */
    const char *folder;
    unsigned version;
    struct collateral_set set;
};

struct collateral_source {
    const char *folder; /* NULL: the service */
    struct clock *clock;
    struct tunnel *tunnel;
    struct source_connection main, root_crl;
    struct collateral_service service;
};

/* `options` borrowed. ERR_CONFIG, ERR_IO, and those of the tunnel. */
enum status collateral_source_open(const struct collateral_source_options *options, struct refusal *why,
                                   struct collateral_source *source_out);
void collateral_source_done(struct collateral_source *source);

/* One platform's texts. Errors of collateral_fetch. */
enum status collateral_source_bring(struct collateral_source *source, const struct collateral_platform *platform,
                                    struct refusal *why, struct collateral_files *files_out);
