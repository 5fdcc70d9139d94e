/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers in Azure Attestation's form (reference: azure-attestation sections 1.9 and 5.4): {"error":{"code","message"}}
 * with what a refusal knows as "innererror", and the headers that every answer has.
 */
#pragma once

#include "attestation/appraise/appraise.h"
#include "http/server.h"

enum { COLLATERAL_AWAY_RETRY_S = 15, BUSY_RETRY_S = 1 };

#define ANSWER_CONTENT_TYPE "application/json; charset=utf-8"

/* x-ms-request-id (the caller's traceparent if it sent one that is well-formed) and
 * x-ms-maa-service-version. */
void answer_headers(const struct http_request *request, struct http_response *response);

/* 200 with {"token": ...}. */
void answer_token(struct http_response *response, struct slice token);

/* With the code as x-ms-error-code too, as interfaces since 2025 have it. `why` may be NULL. */
void answer_error(struct http_response *response, unsigned http_status, const char *code, const struct refusal *why);
/* The same with a message of its own. */
void answer_text(struct http_response *response, unsigned http_status, const char *code, const char *message,
                 const struct refusal *why);

/* The error for a refusal of attest_flow_ask: 400 for what the client sent, 503 with Retry-After while collateral is
 * away, 429 with it where more is asked than can be served, 500 where a process was lost or a fault is this service's.
 */
void answer_refusal(struct http_response *response, enum appraisal_step step, const struct refusal *why);

/* For requests that reach no handler: a http_server_options.respond_refusal. */
void answer_unhandled(void *context, const struct http_request *request, struct http_response *response,
                      unsigned http_status, const struct refusal *why);
