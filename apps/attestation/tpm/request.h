/* SPDX-License-Identifier: Apache-2.0
 *
 * A TPM's request as it was sent: read, not believed. Both forms of the protocol (JWS types attReq and attReqV2) come
 * out the same. Private to this room.
 */
#pragma once

#include "attestation/tpm/tpm.h"
#include "base/json_tree.h"
#include "evidence/tpm.h"

enum {
    TPM_HEADER_MAX_BYTES = 4 * 1024,
    TPM_PAYLOAD_MAX_BYTES = TPM_REQUEST_MAX_BYTES / 4 * 3,
    TPM_JWK_MAX_BYTES = 8 * 1024,
    TPM_CHALLENGE_MAX_BYTES = 64,
    TPM_RP_DATA_MAX_BYTES = 4 * 1024, /* as text */
    TPM_ENCLAVE_REPORT_MAX_BYTES = 16 * 1024,
    TPM_CUSTOM_NAME_MAX_BYTES = 128,
    TPM_CUSTOM_VALUE_MAX_BYTES = 4 * 1024,
};

/* A quote with what leads to it. */
struct tpm_side {
    struct key *aik;        /* "aik_pub" */
    struct buffer aik_cert; /* DER or PEM; empty: none was sent */
    struct buffer attest, signature;
    struct tpm_banks pcrs;
    struct buffer logs[TPM_LOG_MAX_COUNT];
    size_t log_count;
};
void tpm_side_done(struct tpm_side *side);

/* How a key is said to be bound to the TPM. */
enum tpm_binding { TPM_BINDING_NONE, TPM_BINDING_QUOTE, TPM_BINDING_CERTIFY };

struct tpm_named_key {
    struct slice text; /* the JWK exactly as sent */
    json_t *jwk;
    struct key *key;
    enum tpm_binding binding;
    enum hash hash;                        /* of TPM_BINDING_QUOTE */
    const char *hash_name;                 /* "sha-256", ... */
    struct buffer area, attest, signature; /* of TPM_BINDING_CERTIFY */
};
void tpm_named_key_done(struct tpm_named_key *named);

struct tpm_custom_claim {
    struct slice name;
    struct claim_value value;
};

struct tpm_request {
    struct slice signing_input; /* borrowed from the JWS */
    struct buffer jws_signature;
    struct buffer payload; /* JSON text, which everything below borrows from */
    struct json_tree tree;
    bool is_v2, is_vbs;
    struct slice signed_text;     /* vbs: the text of report_signed */
    struct buffer enclave_report; /* vbs */
    struct buffer challenge, context;
    struct slice rp_data; /* base64url, as sent; or empty */
    struct tpm_side current, boot;
    bool has_boot;
    struct tpm_named_key key; /* attest_key or request_key */
    struct tpm_named_key others[TPM_OTHER_KEY_MAX_COUNT];
    size_t other_count;
    struct tpm_custom_claim custom[TPM_CUSTOM_CLAIM_MAX_COUNT];
    size_t custom_count;
};
void tpm_request_done(struct tpm_request *request);

/* Reads a JWS into a request at the place where it will stay; the JWS must outlive it. On failure the caller still ends
 * it with tpm_request_done. ERR_TOKEN_MALFORMED, ERR_TOKEN_TYPE, ERR_TOKEN_ALGORITHM, ERR_FIELD_*, ERR_JSON_SYNTAX,
 * ERR_KEY_INVALID, ERR_TPM_*, ERR_UNSUPPORTED, ERR_TOO_LARGE. */
enum status tpm_request_read(struct slice jws, struct refusal *why, struct tpm_request *request);

/* ---- its parts ---- */

/* A member's base64, if it is there and not empty. */
enum status tpm_optional_bytes(const struct json_node *object, const char *path, const char *name, size_t max_size,
                               struct refusal *why, struct buffer *bytes);
enum status tpm_required_bytes(const struct json_node *object, const char *path, const char *name, size_t max_size,
                               struct refusal *why, struct buffer *bytes);

/* tpm_att_data of either form, into current and boot. */
enum status tpm_sides_read(const struct json_node *data, bool is_v2, struct slice payload, struct refusal *why,
                           struct tpm_request *request);

/* A member that is a JWK. */
enum status tpm_jwk_read(const struct json_node *object, const char *path, const char *name, struct slice payload,
                         struct refusal *why, struct tpm_named_key *named);

/* attest_key; or request_key and other_keys. */
enum status tpm_keys_read(const struct json_node *data, bool is_v2, struct slice payload, struct refusal *why,
                          struct tpm_request *request);

/* custom_claims. */
enum status tpm_custom_claims_read(const struct json_node *data, struct refusal *why, struct tpm_request *request);
