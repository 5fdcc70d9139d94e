/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy in the JWS that Azure Attestation takes: payload {"AttestationPolicy": BASE64URL(text)}; the header is
 * {"alg":"none"}, or the algorithm and the signer's certificates as x5c, leaf first. An empty text, which is no policy,
 * has an empty payload: the JWS of a reset.
 */
#pragma once

#include "base/buffer.h"
#include "crypto/x509.h"

/* Appends the compact form with alg none and nothing behind the last dot. ERR_TOO_LARGE. */
enum status policy_wrap(struct slice text, struct buffer *jws);

/* RS256 or ES256, by the key. The key must be that of the first certificate (ERR_KEY_INVALID), RSA or P-256
 * (ERR_UNSUPPORTED), and each further certificate the signer of the one before (ERR_CHAIN). */
enum status policy_wrap_signed(struct slice text, const struct key *key, const struct certificate_list *chain,
                               struct refusal *why, struct buffer *jws);
