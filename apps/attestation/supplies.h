/* SPDX-License-Identifier: Apache-2.0
 *
 * What parsers and signers ask back for, from what the service keeps fresh. The keys are read strictly: whoever asks
 * has met a stranger's bytes.
 */
#pragma once

#include "attestation/link/link.h"
#include "attestation/management/state.h"
#include "feeds/collateral.h"
#include "feeds/endorsements.h"
#include "feeds/pck.h"

/* All borrowed. */
struct supplies {
    struct collateral_feed *collateral;
    struct pck_feed *pck;                  /* for quotes that carry no certificate; NULL: they are refused */
    struct endorsement_feed *endorsements; /* for SNP reports without a chain; NULL: they are refused */
};

/* For one request. */
struct supply {
    const struct supplies *supplies;
    const struct state_view *view; /* whose policies it is judged by, whatever changes meanwhile */
    int wait_ms;                   /* for what is not at hand; 0 in a request's path */
};

/* A link_supply, whose context is a struct supply. ERR_FIELD_VALUE and others for a key of no good form, ERR_NOT_FOUND
 * for a policy that the view does not have; ERR_UNSUPPORTED for what there is no source of; else those of the feeds. */
enum status supply_need(void *context, enum link_need need, struct slice key, struct refusal *why,
                        struct buffer *supplied);
