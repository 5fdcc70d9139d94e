/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /.well-known/lazaret/attestation (docs/protocols.md, section 5): the program's own evidence, token and, where it
 * has one, chain statement, with a proof by the attested signing key that answers the caller's nonce. No quote is made
 * on a stranger's request.
 */
#pragma once

#include "service/service.h"

enum { EVIDENCE_NONCE_MIN_BYTES = 16, EVIDENCE_NONCE_MAX_BYTES = 64, STATEMENT_MAX_BYTES = 160 * 1024 };

#define EVIDENCE_ENDPOINT_PATH "/.well-known/lazaret/attestation"

/* `statement` is the current chain statement, or empty. 400 for a bad nonce, 503 while there is no token. */
void service_respond_evidence(struct service *service, const struct http_request *request, struct slice statement,
                              struct http_response *response);
