/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers in Azure Attestation's form (reference: azure-attestation sections 1.9 and 5.4): {"error":{"code","message"}}
 * with what a refusal knows as "innererror", and the headers that every answer has.
 */
#pragma once

#include "attestation/attest.h"
#include "http/server.h"

enum { COLLATERAL_AWAY_RETRY_S = 15 };

/* x-ms-request-id (the caller's traceparent if it sent one that is well-formed; `request` may be NULL) and
 * x-ms-maa-service-version. */
void answer_headers(const struct http_request *request, struct http_response *response);

/* 200 with {"token": ...}. */
void answer_token(struct http_response *response, struct slice token);

/* `why` may be NULL. */
void answer_error(struct http_response *response, unsigned http_status, const char *code, const struct refusal *why);

/* The error for a refusal of `appraise`: 400 for what the client sent, 503 with Retry-After while collateral is away.
 */
void answer_refusal(struct http_response *response, enum appraisal_step step, const struct refusal *why);

/* For requests that reach no handler: a http_server_options.respond_refusal. */
void answer_unhandled(void *context, struct http_response *response, unsigned http_status, const struct refusal *why);
