/* SPDX-License-Identifier: Apache-2.0
 *
 * Making X.509 version 3 certificates and version 2 revocation lists (RFC 5280), signed with SHA-256: for the software
 * TEE, the attestation service's signing certificate and tests. Reading them is crypto/x509.h.
 * Errors: ERR_CRYPTO, ERR_KEY_INVALID, ERR_FIELD_VALUE, and those of buffer_append.
 */
#pragma once

#include "base/buffer.h"
#include "crypto/key.h"

enum certificate_usage {
    CERTIFICATE_USAGE_SIGN_DATA = 1,         /* digitalSignature */
    CERTIFICATE_USAGE_SIGN_CERTIFICATES = 2, /* keyCertSign */
    CERTIFICATE_USAGE_SIGN_CRLS = 4,         /* cRLSign */
};

enum { CERTIFICATE_NO_PATH_LIMIT = -1, ISSUED_SERIAL_MAX_BYTES = 20 };

/* Parts of a distinguished name, in the order in which they are written; NULL leaves one out. */
struct distinguished_name {
    const char *country, *state, *locality, *organization, *common_name;
};

struct extension_text {
    const char *oid; /* dotted */
    bool critical;
    struct slice value; /* content of the extension's OCTET STRING */
};

/* Borrowed during the call only. A subject key identifier and an authority key identifier are always written. */
struct certificate_text {
    struct distinguished_name subject;
    const struct key *subject_key; /* its public half is enough */
    struct slice issuer_name;      /* DER, as certificate_subject_der gives it; empty: the subject itself */
    const struct key *issuer_key;  /* private */
    struct slice serial;           /* big endian, at most ISSUED_SERIAL_MAX_BYTES; empty: 16 random bytes */
    int64_t not_before_s, not_after_s;
    bool is_ca;
    int path_length;               /* of a CA; CERTIFICATE_NO_PATH_LIMIT */
    unsigned usage;                /* certificate_usage, or-ed; 0 leaves the extension out */
    const char *alternative_names; /* "DNS:localhost,IP:127.0.0.1", or NULL */
    const struct extension_text *extensions;
    size_t extension_count;
};

/* Appends the DER. */
enum status certificate_issue(const struct certificate_text *text, struct buffer *der);

/* Borrowed during the call only. */
struct crl_text {
    struct slice issuer_name; /* DER, as certificate_subject_der gives it */
    const struct key *issuer_key;
    int64_t this_update_s, next_update_s;
    uint64_t number;             /* cRLNumber: must grow with each issue */
    const struct slice *revoked; /* serials, big endian */
    size_t revoked_count;
};

/* Appends the DER. */
enum status crl_issue(const struct crl_text *text, struct buffer *der);

/* Appends "-----BEGIN CERTIFICATE-----" and the rest, with 64-column lines and a final line feed. */
enum status certificate_pem(struct slice der, struct buffer *pem);
