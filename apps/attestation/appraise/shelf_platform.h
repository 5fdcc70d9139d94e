/* SPDX-License-Identifier: Apache-2.0
 *
 * Which platform a quote is of, and the PCK certificate of one that carries none. Private to the shelf. Reading
 * certificates to find that out costs half as long as both of a quote's signatures, so what came out is kept by the
 * digest of what the quote brought.
 */
#pragma once

#include "attestation/appraise/appraise.h"
#include "attestation/link/link.h"
#include "feeds/collateral_source.h"

enum { SHELF_PLATFORM_MAX_COUNT = 1024, SHELF_PCK_MAX_COUNT = 64, SHELF_PCK_LIFE_S = 3600 };

struct platform_shelf;
enum status platform_shelf_new(const struct trust_roots *roots, struct platform_shelf **shelf_out);
void platform_shelf_free(struct platform_shelf *shelf);

/* `pck_chain_out` is empty for a quote that brings its own, and otherwise valid until the next call. `step_out` is
 * APPRAISAL_COLLATERAL where the certificate is not at hand, else APPRAISAL_EVIDENCE. Errors of quote_facts_read,
 * pck_request_of and pck_check; what the service refuses with. */
enum status platform_shelf_take(struct platform_shelf *shelf, struct link *link, struct slice quote, int64_t now_s,
                                struct refusal *why, enum appraisal_step *step_out,
                                struct collateral_platform *platform_out, struct slice *pck_chain_out);
