/* SPDX-License-Identifier: Apache-2.0
 *
 * One question to a service that gives out collateral, and what its answers have in common: statuses, pauses that it
 * asks for, issuer chains in headers, revocation lists in three encodings.
 */
#pragma once

#include "base/refusal.h"
#include "feeds/pacing.h"
#include "http/client.h"

enum { SOURCE_PATH_MAX_BYTES = 2048 };

/* A GET. `headers` as of struct http_exchange. OK for status 200 alone. ERR_NOT_FOUND for 404; ERR_HTTP_STATUS for
 * others, with what to do about 401, 403, 410 and 429; those of http_client_exchange. `hint` is filled in for every
 * answer that tells one. */
enum status source_get(struct http_client *client, const char *path, const char *const *headers, size_t max_answer,
                       struct refusal *why, struct pacing_hint *hint, struct http_answer *answer_out);

/* Appends the issuer chain that stands, percent-encoded, in this header. ERR_HTTP_MALFORMED. */
enum status source_chain(const struct http_answer *answer, const char *header, struct refusal *why, struct buffer *pem);

/* Percent-decodes an issuer chain header; '+' stands for itself. ERR_HTTP_MALFORMED. */
enum status collateral_chain_decode(struct slice header, struct buffer *pem);

/* Revocation lists come as DER, as PEM, or as hexadecimal DER from older PCCS: the last becomes DER, the others stay.
 * ERR_ENCODING. */
enum status collateral_crl_decode(struct slice body, struct buffer *crl);
