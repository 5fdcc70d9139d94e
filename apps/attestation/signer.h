/* SPDX-License-Identifier: Apache-2.0
 *
 * The service's signing key: RSA-2048, made inside the TEE, sealed to its measurement and deployment in the state
 * folder, with a self-signed certificate that carries the service's own quote. One key object serves for the life of
 * the process.
 */
#pragma once

#include "base/refusal.h"
#include "crypto/key.h"
#include "tee/tee.h"
#include "token/attestation_token.h"

enum { SIGNER_KEY_BITS = 2048, SIGNER_STATE_MAX_BYTES = 128 * 1024 };

struct signer {
    struct key *key;
    struct attestation_key_id id; /* kid */
    struct buffer certificate;    /* DER */
};
void signer_done(struct signer *signer);

struct signer_key_options {
    struct tee *tee;
    const char *path;       /* of the sealed file */
    const char *deployment; /* thumbprint, 43 characters: part of the sealing key's label */
    const char *issuer;     /* the certificate's subject */
    int64_t now_s;
};

/* Opens the sealed key, or makes one if there is none or if it was sealed by another measurement, issuer or deployment:
 * then relying parties need a manifest that names the new one. `is_new_out` tells. ERR_IO, ERR_TEE_PROTOCOL. */
enum status signer_open(const struct signer_key_options *options, struct refusal *why, struct signer *signer_out,
                        bool *is_new_out);
