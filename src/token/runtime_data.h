/* SPDX-License-Identifier: Apache-2.0
 *
 * What an enclave binds into its quote: its public keys by purpose, its service role, version and deployment
 * (architecture 5.1). report_data is SHA-256 of the exact bytes, followed by 32 zero bytes.
 *
 *     {"keys":[JWK,...],"lazaret":{"deployment":T,"ohttp":B64U,"service":S,"use":{"hpke":T,"sign":T,"tls":T},"version":V}}
 *
 * T are base64url SHA-256 JWK thumbprints (RFC 7638). "ohttp" is an RFC 9458 key configuration and only there if the
 * service takes sealed requests.
 */
#pragma once

#include "base/json.h"
#include "crypto/key.h"

enum {
    RUNTIME_DATA_MAX_BYTES = 16 * 1024,
    RUNTIME_DATA_MAX_KEYS = 8,
    SERVICE_NAME_MAX_BYTES = 32,
    SERVICE_VERSION_MAX_BYTES = 32,
    THUMBPRINT_TEXT_BYTES = 43,
    OHTTP_KEY_CONFIG_MAX_BYTES = 256,
    REPORT_DATA_BYTES = 64,
};

enum key_use { KEY_USE_TLS, KEY_USE_SIGN, KEY_USE_HPKE, KEY_USE_COUNT };
const char *key_use_name(enum key_use use); /* "tls", "sign", "hpke" */

struct runtime_data {
    char service[SERVICE_NAME_MAX_BYTES + 1]; /* "platform", "diagnosis", "gate", "attestation", "keys" */
    char version[SERVICE_VERSION_MAX_BYTES + 1];
    char deployment[THUMBPRINT_TEXT_BYTES + 1]; /* thumbprint of the deployment key */
    struct key *keys[KEY_USE_COUNT];            /* owned; NULL where the service has no key for that use */
    struct buffer ohttp;                        /* RFC 9458 key configuration, or empty */
};

void runtime_data_done(struct runtime_data *data);

/* The bytes to hash: compact, members sorted. */
enum status runtime_data_write(const struct runtime_data *data, struct buffer *bytes);

/* From the JSON object (as in a token's "x-ms-runtime"). Refuses: a `use` that names no key in `keys`, a key of the
 * wrong kind for its use, missing service, version or deployment, `ohttp` without an HPKE key. ERR_FIELD_*,
 * ERR_KEY_INVALID. Keys of other kinds and members that are not known here are passed over, so that newer services can
 * add to theirs. */
enum status runtime_data_from_json(const json_t *object, const char *path, struct refusal *why,
                                   struct runtime_data *data_out);

/* SHA-256(bytes) || 32 zero bytes. */
enum status runtime_data_report_data(struct slice bytes, uint8_t report_data_out[static REPORT_DATA_BYTES]);
