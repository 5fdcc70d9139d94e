/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy as a command is given it: as text, or as the compact JWS in which it travels (payload {"AttestationPolicy":
 * BASE64URL(text)}, signed or with alg none).
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "crypto/x509.h"

struct policy_source {
    struct buffer text;         /* the policy itself */
    struct buffer jws;          /* as it was given, without line ends behind it; empty for text */
    struct certificate *signer; /* whose signature verifies; NULL if there is none */
};
void policy_source_done(struct policy_source *source);

/* Appends a file's bytes, or those of standard input for "-". ERR_IO, ERR_TOO_LARGE over the buffer's maximum. */
enum status policy_input_read(const char *path, struct refusal *why, struct buffer *bytes);

/* Reads a file, or standard input for "-". A JWS that is signed must verify with its own x5c[0]: whether that
 * certificate is trusted is not asked. ERR_IO, ERR_TOO_LARGE, ERR_TOKEN_*, ERR_CERTIFICATE_MALFORMED. */
enum status policy_source_read(const char *path, struct refusal *why, struct policy_source *source_out);

/* The same of bytes that are there. */
enum status policy_source_parse(struct slice given, struct refusal *why, struct policy_source *source_out);
