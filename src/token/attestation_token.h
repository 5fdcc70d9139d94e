/* SPDX-License-Identifier: Apache-2.0
 *
 * Issuing attestation tokens in Azure Attestation's form: the claims of a default SGX token and the header
 * {"alg","jku","kid","typ"} (reference: azure-attestation sections 2.1 to 2.6). The attestation service fills in what
 * verification found; a policy adds its own claims to the payload before it is signed.
 */
#pragma once

#include "base/json.h"
#include "crypto/key.h"

enum {
    ATTESTATION_TOKEN_LIFE_S = 28800, /* exp - iat of Azure's SGX tokens */
    ATTESTATION_TOKEN_MAX_BYTES = 256 * 1024,
    ATTESTATION_RUNTIME_MAX_BYTES =
        24 * 1024, /* so that the token stays below its maximum: Binary stands in it thrice */
    ATTESTATION_KEY_ID_BYTES = 44,
};

/* SHA-256 of each part of the evidence as it was used: members of x-ms-sgx-collateral. */
struct attestation_collateral_hashes {
    uint8_t quote[32];
    uint8_t qe_identity[32], qe_identity_certificates[32], qe_identity_crl[32];
    uint8_t tcb_info[32], tcb_info_certificates[32], tcb_info_crl[32];
};

/* What verification found in an SGX quote. */
struct attestation_sgx_claims {
    bool debug;
    bool simulated; /* adds "lazaret-simulated": true */
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, svn;
    uint8_t report_data[64];
    bool has_kss; /* adds the next four */
    uint8_t config_id[64], extended_product_id[16], family_id[16];
    uint16_t config_svn;
    struct attestation_collateral_hashes hashes;
};

/* Runtime or init time data as the client sent it. An empty slice: none was sent. */
struct attestation_data {
    struct slice bytes;
    bool is_json; /* dataType "JSON": the parsed object is embedded; otherwise "Binary" */
};

struct attestation_token {
    const char *issuer; /* AttestURI, without a trailing slash */
    int64_t issued_s;   /* iat and nbf */
    const char *id;     /* jti: 64 lower-case hexadecimal digits */
    struct slice nonce; /* UTF-8, or empty */
    struct attestation_data runtime, init_time;
    const char *policy_hash;
    struct attestation_sgx_claims sgx;
};

/* The payload without the policy's own claims; the caller owns `payload_out`. ERR_FIELD_VALUE, ERR_FIELD_TYPE,
 * ERR_JSON_SYNTAX for JSON data that is not one object; ERR_TOO_LARGE. */
enum status attestation_token_payload(const struct attestation_token *token, struct refusal *why, json_t **payload_out);

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
