/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing attestation tokens in Azure Attestation's form, with the header {"alg","jku","kid","typ"} (reference:
 * azure-attestation section 2.1). What a payload says is the attestation service's part (apps/attestation/appraise).
 */
#pragma once

#include "base/json.h"
#include "crypto/key.h"

enum {
    ATTESTATION_TOKEN_LIFE_S = 28800, /* exp - iat of Azure's SGX tokens */
    ATTESTATION_TOKEN_MAX_BYTES = 256 * 1024,
    ATTESTATION_PAYLOAD_MAX_BYTES = 184 * 1024, /* in base64 there is room for header and signature beside it */
    ATTESTATION_RUNTIME_MAX_BYTES = 24 * 1024,  /* so that the token stays below its maximum: Binary data stand in it
                                                   thrice */
    ATTESTATION_KEY_ID_BYTES = 44,
};

/* A fresh `jti`. */
struct attestation_token_id {
    char text[65];
};
enum status attestation_token_new_id(struct attestation_token_id *id_out);

/* Appends the token; `jku` is the payload's issuer with "/certs". RS256 or ES256, by the key. ERR_TOO_LARGE. */
enum status attestation_token_sign(const json_t *payload, const char *kid, const struct key *key, struct buffer *token);

/* The same for a payload that is written already, of this issuer. */
enum status attestation_token_sign_text(const char *issuer, struct slice payload, const char *kid,
                                        const struct key *key, struct buffer *token);

/* The extension of a signing certificate that holds the signer's own quote, with Open Enclave's header before it: since
 * 2021 Azure's form, and ours (reference: azure-attestation section 3.2; docs/protocols.md, section 4). */
#define ATTESTATION_REPORT_OID "1.3.6.1.4.1.311.105.1"

/* The extension of our older signing certificates: the bare quote. */
#define ATTESTATION_QUOTE_OID "2.25.255985462217562341571262384637716423731"

/* The `kid` of a signing key as Azure makes it: standard base64 of SHA-256 of the SubjectPublicKeyInfo's PEM text and a
 * NUL. The digest is the first half of report_data in the signer's own quote (section 3.2). */
struct attestation_key_id {
    uint8_t digest[32];
    char text[ATTESTATION_KEY_ID_BYTES + 1];
};
enum status attestation_key_id(const struct key *key, struct attestation_key_id *id_out);
