/* SPDX-License-Identifier: Apache-2.0 */
#include "channel/attested_certificate.h"

#include "crypto/key_openssl.h"
#include "crypto/random.h"
#include "token/jws.h"

#include <openssl/x509.h>
#include <stdio.h>

enum { SERIAL_BYTES = 16, X509_VERSION_VALUE_3 = 2 };

/* The year 9999, where X.509's times end. */
static const int64_t latest_s = 253402300799;

static void certificate_cleanup(X509 **certificate)
{
    X509_free(*certificate);
}

static void name_cleanup(X509_NAME **name)
{
    X509_NAME_free(*name);
}

static void object_cleanup(ASN1_OBJECT **object)
{
    ASN1_OBJECT_free(*object);
}

static void octets_cleanup(ASN1_OCTET_STRING **octets)
{
    ASN1_OCTET_STRING_free(*octets);
}

static void extension_cleanup(X509_EXTENSION **extension)
{
    X509_EXTENSION_free(*extension);
}

static void number_cleanup(BIGNUM **number)
{
    BN_free(*number);
}

/* What the certificate repeats of the token, for people who look at it. */
struct token_summary {
    char service[SERVICE_NAME_MAX_BYTES + 1];
    int64_t not_before_s, not_after_s;
};

static enum status summarize(struct slice token, struct token_summary *summary_out)
{
    CLEANUP(jws_done) struct jws jws = {};
    TRY(jws_parse(token, NULL, &jws));
    json_t *runtime, *lazaret;
    struct slice service;
    struct token_summary summary = {};
    if (json_get_integer(jws.payload, "", "exp", 0, latest_s, NULL, &summary.not_after_s) != OK ||
        json_get_integer(jws.payload, "", json_has(jws.payload, "nbf") ? "nbf" : "iat", 0, latest_s, NULL,
                         &summary.not_before_s) != OK ||
        json_get_object(jws.payload, "", "x-ms-runtime", NULL, &runtime) != OK ||
        json_get_object(runtime, "", "lazaret", NULL, &lazaret) != OK ||
        json_get_string(lazaret, "", "service", SERVICE_NAME_MAX_BYTES, NULL, &service) != OK)
        return ERR_TOKEN_CLAIM;
    (void)snprintf(summary.service, sizeof(summary.service), "%.*s", (int)service.size, (const char *)service.bytes);
    *summary_out = summary;
    return OK;
}

static enum status set_serial(X509 *certificate)
{
    uint8_t bytes[SERIAL_BYTES];
    TRY(random_bytes(sizeof(bytes), bytes));
    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, of constant length */
    CLEANUP(number_cleanup) BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    if (number == NULL || BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) == NULL) return ERR_CRYPTO;
    return OK;
}

static enum status set_names(X509 *certificate, const struct token_summary *summary)
{
    CLEANUP(name_cleanup) X509_NAME *name = X509_NAME_new();
    if (name == NULL ||
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)summary->service, -1, -1, 0) !=
            1 ||
        X509_set_subject_name(certificate, name) != 1 || X509_set_issuer_name(certificate, name) != 1)
        return ERR_CRYPTO;
    return OK;
}

static enum status set_times(X509 *certificate, const struct token_summary *summary)
{
    if (ASN1_TIME_set(X509_getm_notBefore(certificate), summary->not_before_s) == NULL ||
        ASN1_TIME_set(X509_getm_notAfter(certificate), summary->not_after_s) == NULL)
        return ERR_CRYPTO;
    return OK;
}

static enum status add_token(X509 *certificate, struct slice token)
{
    CLEANUP(object_cleanup) ASN1_OBJECT *oid = OBJ_txt2obj(ATTESTED_CERTIFICATE_TOKEN_OID, 1);
    CLEANUP(octets_cleanup) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    if (oid == NULL || octets == NULL || ASN1_OCTET_STRING_set(octets, token.bytes, (int)token.size) != 1)
        return ERR_CRYPTO;
    CLEANUP(extension_cleanup) X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, octets);
    return extension != NULL && X509_add_ext(certificate, extension, -1) == 1 ? OK : ERR_CRYPTO;
}

static enum status fill(X509 *certificate, const struct key *tls_key, struct slice token,
                        const struct token_summary *summary)
{
    if (X509_set_version(certificate, X509_VERSION_VALUE_3) != 1) return ERR_CRYPTO;
    TRY(set_serial(certificate));
    TRY(set_names(certificate, summary));
    TRY(set_times(certificate, summary));
    TRY(add_token(certificate, token));
    EVP_PKEY *const key = key_openssl(tls_key);
    if (X509_set_pubkey(certificate, key) != 1 || X509_sign(certificate, key, EVP_sha256()) <= 0) return ERR_CRYPTO;
    return OK;
}

static enum status append_der(X509 *certificate, struct buffer *der)
{
    const int size = i2d_X509(certificate, NULL);
    if (size <= 0) return ERR_CRYPTO;
    uint8_t *place;
    TRY(buffer_extend(der, (size_t)size, &place));
    return i2d_X509(certificate, &place) == size ? OK : ERR_CRYPTO;
}

enum status attested_certificate_make(const struct key *tls_key, struct slice token, int64_t now_s, struct buffer *der)
{
    if (key_kind(tls_key) != KEY_P256 || !key_is_private(tls_key)) return ERR_KEY_INVALID;
    if (token.size > TOKEN_MAX_BYTES) return ERR_TOO_LARGE;
    struct token_summary summary = {};
    TRY(summarize(token, &summary));
    if (summary.not_after_s <= now_s) return ERR_TOKEN_EXPIRED;
    CLEANUP(certificate_cleanup) X509 *certificate = X509_new();
    if (certificate == NULL) return ERR_NO_MEMORY;
    TRY(fill(certificate, tls_key, token, &summary));
    return append_der(certificate, der);
}

void attested_certificate_done(struct attested_certificate *certificate)
{
    key_free(certificate->key);
    buffer_done(&certificate->token);
    *certificate = (struct attested_certificate){};
}

static enum status refuse_certificate(struct refusal *why, enum status status, const char *field, const char *expected,
                                      const char *seen)
{
    return refuse(why, status, field, expected, "%s", seen);
}

static enum status parse(struct slice der, struct refusal *why, X509 **certificate_out)
{
    if (der.size > ATTESTED_CERTIFICATE_MAX_BYTES)
        return refuse_certificate(why, ERR_TOO_LARGE, "certificate", "at most 68 KiB", "more");
    const uint8_t *cursor = der.bytes;
    X509 *const certificate = d2i_X509(NULL, &cursor, (long)der.size);
    if (certificate == NULL || cursor != der.bytes + der.size) {
        X509_free(certificate);
        return refuse_certificate(why, ERR_CERTIFICATE_MALFORMED, "certificate", "one X.509 certificate", "another");
    }
    *certificate_out = certificate;
    return OK;
}

static enum status read_key(const X509 *certificate, struct refusal *why, struct key **key_out)
{
    EVP_PKEY *const object = X509_get0_pubkey(certificate);
    CLEANUP(key_cleanup) struct key *key = NULL;
    if (object == NULL || key_from_openssl(object, false, &key) != OK || key_kind(key) != KEY_P256)
        return refuse_certificate(why, ERR_KEY_INVALID, "certificate.key", "a P-256 key", "another");
    *key_out = key;
    key = NULL;
    return OK;
}

static enum status read_token(const X509 *certificate, struct refusal *why, struct buffer *token)
{
    CLEANUP(object_cleanup) ASN1_OBJECT *oid = OBJ_txt2obj(ATTESTED_CERTIFICATE_TOKEN_OID, 1);
    if (oid == NULL) return ERR_CRYPTO;
    const int place = X509_get_ext_by_OBJ(certificate, oid, -1);
    if (place < 0)
        return refuse_certificate(why, ERR_TOKEN_MISSING, "certificate.token", "an attestation token", "none");
    if (X509_get_ext_by_OBJ(certificate, oid, place) >= 0)
        return refuse_certificate(why, ERR_CERTIFICATE_MALFORMED, "certificate.token", "one", "two");
    const ASN1_OCTET_STRING *const octets = X509_EXTENSION_get_data(X509_get_ext(certificate, place));
    const struct slice text = slice_of(ASN1_STRING_get0_data(octets), (size_t)ASN1_STRING_length(octets));
    if (text.size == 0)
        return refuse_certificate(why, ERR_TOKEN_MISSING, "certificate.token", "an attestation token", "none");
    if (text.size > TOKEN_MAX_BYTES)
        return refuse_certificate(why, ERR_TOO_LARGE, "certificate.token", "at most 64 KiB", "more");
    return buffer_append(token, text);
}

enum status attested_certificate_read(struct slice der, struct refusal *why,
                                      struct attested_certificate *certificate_out)
{
    CLEANUP(certificate_cleanup) X509 *certificate = NULL;
    TRY(parse(der, why, &certificate));
    CLEANUP(attested_certificate_done)
    struct attested_certificate read = {.token = buffer_of_maximum(TOKEN_MAX_BYTES)};
    TRY(read_key(certificate, why, &read.key));
    TRY(read_token(certificate, why, &read.token));
    *certificate_out = read;
    read = (struct attested_certificate){};
    return OK;
}
