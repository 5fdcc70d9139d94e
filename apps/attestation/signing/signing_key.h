/* SPDX-License-Identifier: Apache-2.0
 *
 * A signing key, as the first signer makes and every signer opens it: RSA-2048 or P-256, made here, certified by the
 * service's own quote over it, and sealed for the service's state. Private to signers.
 *
 * Sealed form: u8 version, 8 bytes that name the sealing key, 12 bytes nonce, AEAD of the private key's PEM text with
 * the issuer's name as associated data.
 */
#pragma once

#include "attestation/signing/signers.h"
#include "crypto/key.h"

/* What a signer needs for it. Borrowed. */
struct signing_place {
    struct tee *tee; /* NULL: this process has none, and makes no keys */
    struct slice sealing_key;
    const char *issuer;
    enum signing_algorithm algorithm;
};

/* ERR_TEE_PROTOCOL, ERR_TIMEOUT: the TEE gave no quote; ERR_CRYPTO, ERR_NO_MEMORY. */
enum status signing_key_make(const struct signing_place *place, int64_t now_s, struct signing_key *key_out);

/* ERR_AUTHENTICATION: sealed by another measurement, machine or deployment, for another issuer, or altered.
 * ERR_UNSUPPORTED: of another version. ERR_TRUNCATED. */
enum status signing_key_open(const struct signing_place *place, struct slice sealed, struct key **key_out);

/* Names a sealing key without telling it: the bytes in front of what it sealed. */
enum { SIGNING_TAG_BYTES = 8 };
enum status signing_key_tag(struct slice sealing_key, uint8_t tag_out[static SIGNING_TAG_BYTES]);
/* Whether what was sealed names this tag. */
bool signing_key_is_tagged(struct slice sealed, const uint8_t tag[static SIGNING_TAG_BYTES]);
