/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading X.509 certificates and revocation lists (RFC 5280). Pure: time is passed in. Objects are immutable and may be
 * shared between threads.
 */
#pragma once

#include "base/buffer.h"
#include "base/refusal.h"
#include "crypto/key.h"

enum {
    CERTIFICATE_MAX_BYTES = 16 * 1024, /* DER */
    CERTIFICATE_CHAIN_MAX_COUNT = 8,
    CERTIFICATE_PEM_MAX_BYTES = 64 * 1024, /* a whole chain */
    CRL_MAX_BYTES = 1024 * 1024,           /* DER */
    CERTIFICATE_SERIAL_MAX_BYTES = 20,
    CERTIFICATE_NAME_MAX_BYTES = 256,
};

struct certificate;
struct crl;

/* Version 3, strict DER, every extension at most once, nothing behind the end. The bytes are copied.
 * ERR_CERTIFICATE_MALFORMED; ERR_KEY_INVALID for a key of another kind than crypto/key.h has or off its curve;
 * ERR_TOO_LARGE. */
enum status certificate_from_der(struct slice der, struct certificate **certificate_out);
void certificate_free(struct certificate *certificate);
void certificate_cleanup(struct certificate **certificate);
struct certificate *certificate_share(const struct certificate *certificate);

/* Every certificate in PEM text (one trailing NUL is allowed, nothing but blank space between the blocks), in order of
 * appearance, at most CERTIFICATE_CHAIN_MAX_COUNT. The caller owns each. Errors: those of certificate_from_der. */
struct certificate_list {
    struct certificate *items[CERTIFICATE_CHAIN_MAX_COUNT];
    size_t count;
};
enum status certificate_list_from_pem(struct slice pem, struct certificate_list *list_out);
void certificate_list_done(struct certificate_list *list);

/* Borrowed from the certificate. */
struct slice certificate_der(const struct certificate *certificate);
const struct key *certificate_key(const struct certificate *certificate);
void certificate_digest(const struct certificate *certificate, uint8_t sha256_out[static 32]);

int64_t certificate_not_before_s(const struct certificate *certificate);
int64_t certificate_not_after_s(const struct certificate *certificate);
struct slice certificate_serial(const struct certificate *certificate); /* big endian, no leading zeros */
struct slice certificate_subject_der(const struct certificate *certificate);
struct slice certificate_issuer_der(const struct certificate *certificate);
const char *certificate_subject_common_name(const struct certificate *certificate); /* "" if none */
struct slice certificate_issuer_common_name(const struct certificate *certificate); /* empty if none */
bool certificate_is_ca(const struct certificate *certificate);
int certificate_path_length(const struct certificate *certificate);            /* -1: no limit given */
bool certificate_may_sign_certificates(const struct certificate *certificate); /* keyUsage keyCertSign */
bool certificate_may_sign_crls(const struct certificate *certificate);
bool certificate_may_sign_data(const struct certificate *certificate); /* keyUsage digitalSignature */
bool certificate_has_unknown_critical_extension(const struct certificate *certificate);

/* Whether every critical extension is basicConstraints, keyUsage or one of `oids` (dotted text, NULL-terminated), which
 * the caller looks at. */
bool certificate_understood(const struct certificate *certificate, const char *const *oids);

/* The content of the extension's OCTET STRING, borrowed. `oid` in dotted text. ERR_FIELD_MISSING. */
enum status certificate_extension(const struct certificate *certificate, const char *oid, struct slice *value_out);

/* The signature alone, made by `issuer`: ECDSA P-256 or RSA (PKCS #1 v1.5) with SHA-256, or RSASSA-PSS with SHA-384 and
 * a salt of 48 bytes. ERR_SIGNATURE; ERR_UNSUPPORTED for another algorithm. */
enum status certificate_verify_signature(const struct certificate *certificate, const struct key *issuer);

/* Version 2, strict DER. The bytes are copied. ERR_CRL_MALFORMED, ERR_TOO_LARGE. A critical extension of the list or of
 * an entry is never understood. `serial` as certificate_serial gives it. */
enum status crl_from_der(struct slice der, struct crl **crl_out);
enum status crl_from_der_or_pem(struct slice text, struct crl **crl_out);
void crl_free(struct crl *crl);
void crl_cleanup(struct crl **crl);
struct slice crl_der(const struct crl *crl);
struct slice crl_issuer_der(const struct crl *crl);
int64_t crl_this_update_s(const struct crl *crl);
int64_t crl_next_update_s(const struct crl *crl); /* 0: absent */
/* cRLNumber, which grows with each issue (RFC 5280 section 5.2.3): big endian, zeros before it; zero if absent. */
enum { CRL_NUMBER_BYTES = 20 };
void crl_number(const struct crl *crl, uint8_t number_out[static CRL_NUMBER_BYTES]);
bool crl_has_unknown_critical_extension(const struct crl *crl);
bool crl_lists(const struct crl *crl, struct slice serial);
enum status crl_verify_signature(const struct crl *crl, const struct key *issuer);
