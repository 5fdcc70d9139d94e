/* SPDX-License-Identifier: Apache-2.0
 *
 * The service's routes: the part of Azure Attestation's wire form that it speaks (docs/protocols.md, section 4).
 */
#pragma once

#include "attestation/attest_routes.h"
#include "http/server.h"

struct management_options;
struct signing_keys;

/* What the routes work with; the server's context. All borrowed. */
struct attestation_routes {
    struct attest_flow attest;
    struct signing_keys *keys;                   /* signing/keys.h */
    struct service *service;                     /* for evidence, health and readiness */
    const struct management_options *management; /* management/management.h */
};

/* The server's options: routes in any case, refusals in Azure's form. The caller adds origins. */
struct http_server_options attestation_options(struct attestation_routes *routes);
