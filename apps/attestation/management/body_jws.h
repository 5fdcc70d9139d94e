/* SPDX-License-Identifier: Apache-2.0
 *
 * The compact JWS in which policies and policy signers come (reference: azure-attestation sections 1.5 and 1.7): with
 * alg none, or signed by a certificate that its header carries, leaf first, as "x5c" or in "jwk". Who may sign what is
 * judged elsewhere (management.c); here only that the signature and the chain are what they say. Dates of certificates
 * are not looked at: a policy signer counts until it is removed. Pure.
 */
#pragma once

#include "crypto/x509.h"
#include "policy/policy.h"
#include "token/jws.h"

/* Small enough that a result token, which holds a policy's JWS whole, is no larger than any other token. */
enum { BODY_MAX_BYTES = 176 * 1024, MANAGEMENT_BODY_MAX_BYTES = BODY_MAX_BYTES + 1024 /* as JSON */ };

struct body_jws {
    bool is_signed;
    struct certificate *chain[CERTIFICATE_CHAIN_MAX_COUNT]; /* of the signer, leaf first; none if unsigned */
    size_t chain_count;
    json_t *payload; /* an object; NULL: the payload is empty, as in a reset */
};
void body_jws_done(struct body_jws *body);

/* Parses, and verifies the signature if there is one: RS256, .NET's spelling RSA256, ES256. Each certificate of a chain
 * is signed by the next, and the last is a CA. ERR_TOKEN_MALFORMED, ERR_TOO_LARGE; ERR_TOKEN_ALGORITHM;
 * ERR_TOKEN_SIGNATURE; ERR_CERTIFICATE_MALFORMED, ERR_KEY_INVALID and ERR_CHAIN for the certificates. */
enum status body_jws_open(struct slice text, struct refusal *why, struct body_jws *body_out);

/* The text of a policy, of at most POLICY_MAX_BYTES. ERR_TOKEN_MALFORMED, ERR_TOO_LARGE. */
enum status body_policy(const struct body_jws *body, struct refusal *why, struct buffer *text);

/* The certificate of a request to add or remove one, under any of the four names that the member has had: a JWK of
 * "kty" and "x5c" with one certificate. ERR_TOKEN_MALFORMED; errors of certificate_from_der. */
enum status body_certificate(const struct body_jws *body, struct refusal *why, struct certificate **certificate_out);

/* The JWS in a body of POST /certificates:add or :remove: a JSON string, or an object whose member `name` is one (the
 * form since 2025). ERR_TOKEN_MALFORMED, ERR_JSON_SYNTAX, ERR_FIELD_*. Appends. */
enum status body_of_certificates(struct slice body, const char *name, struct refusal *why, struct buffer *jws);
