/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /attest/{type} over HTTP: answers and refusals in Azure's form (reference:
 * azure-attestation sections 1.1 to 1.4, 1.8 and 1.9).
 */
#pragma once

#include "attestation/attest_flow.h"
#include "http/server.h"

/* Answers a request of this type. */
void attest_respond(const struct attest_flow *flow, enum attestation_type type, const struct http_request *request,
                    struct http_response *response);
