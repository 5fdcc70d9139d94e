/* SPDX-License-Identifier: Apache-2.0
 *
 * The certificate that an attested endpoint shows in a TLS handshake (docs/protocols.md, section 11): self-signed by
 * the enclave's attested TLS key, with the attestation token in an extension. Nothing in it is trusted but the token,
 * which names the key; the handshake proves that the peer owns the key. So the certificate's own signature, names and
 * dates are not checked: they say nothing that the token does not say with more right.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "crypto/key.h"
#include "token/relying_party.h"

#define ATTESTED_CERTIFICATE_TOKEN_OID "2.25.301404226436124357468426421487465723904"

enum { ATTESTED_CERTIFICATE_MAX_BYTES = TOKEN_MAX_BYTES + 4096 };

/* Appends the certificate's DER. Subject and validity are the token's: it must name a service and its times, and not be
 * expired at `now_s`. The token is not verified: peers do that. ERR_KEY_INVALID (not a private P-256 key),
 * ERR_TOKEN_MALFORMED, ERR_TOKEN_CLAIM, ERR_TOKEN_EXPIRED, ERR_TOO_LARGE, ERR_CRYPTO. */
enum status attested_certificate_make(const struct key *tls_key, struct slice token, int64_t now_s, struct buffer *der);

struct attested_certificate {
    struct key *key;     /* owned: the P-256 key that the peer showed */
    struct buffer token; /* not verified */
};
void attested_certificate_done(struct attested_certificate *certificate);

/* ERR_CERTIFICATE_MALFORMED, ERR_KEY_INVALID (not P-256), ERR_TOKEN_MISSING, ERR_TOO_LARGE. */
enum status attested_certificate_read(struct slice der, struct refusal *why,
                                      struct attested_certificate *certificate_out);
