/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_issue.h"

#include "crypto/algorithms.h"
#include "crypto/key_openssl.h"
#include "crypto/random.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

enum { RANDOM_SERIAL_BYTES = 16 };

static void cleanup_bio(BIO **bio)
{
    BIO_free_all(*bio);
}

static void cleanup_x509(X509 **certificate)
{
    X509_free(*certificate);
}

static void cleanup_crl(X509_CRL **crl)
{
    X509_CRL_free(*crl);
}

static void cleanup_name(X509_NAME **name)
{
    X509_NAME_free(*name);
}

static void cleanup_integer(ASN1_INTEGER **integer)
{
    ASN1_INTEGER_free(*integer);
}

static void cleanup_octets(ASN1_OCTET_STRING **octets)
{
    ASN1_OCTET_STRING_free(*octets);
}

static void cleanup_time(ASN1_TIME **time)
{
    ASN1_TIME_free(*time);
}

static void cleanup_extension(X509_EXTENSION **extension)
{
    X509_EXTENSION_free(*extension);
}

static enum status check(bool ok)
{
    return ok ? OK : crypto_failed(ERR_CRYPTO);
}

static enum status name_from_parts(const struct distinguished_name *parts, X509_NAME **name_out)
{
    const struct {
        const char *field, *text;
    } entries[] = {
        {"C", parts->country},      {"ST", parts->state},       {"L", parts->locality},
        {"O", parts->organization}, {"CN", parts->common_name},
    };
    CLEANUP(cleanup_name) X509_NAME *name = X509_NAME_new();
    if (name == NULL) return ERR_NO_MEMORY;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        if (entries[i].text == NULL) continue;
        if (X509_NAME_add_entry_by_txt(name, entries[i].field, MBSTRING_UTF8, (const unsigned char *)entries[i].text,
                                       -1, -1, 0) != 1)
            return crypto_failed(ERR_FIELD_VALUE);
    }
    *name_out = name;
    name = NULL;
    return OK;
}

static enum status name_from_der(struct slice der, X509_NAME **name_out)
{
    const unsigned char *at = der.bytes;
    CLEANUP(cleanup_name) X509_NAME *name = d2i_X509_NAME(NULL, &at, (long)der.size);
    if (name == NULL || at != der.bytes + der.size) return crypto_failed(ERR_FIELD_VALUE);
    *name_out = name;
    name = NULL;
    return OK;
}

static enum status integer_from_bytes(struct slice bytes, ASN1_INTEGER **integer_out)
{
    if (bytes.size == 0 || bytes.size > ISSUED_SERIAL_MAX_BYTES || slice_is_zero(bytes)) return ERR_FIELD_VALUE;
    BIGNUM *const number = BN_bin2bn(bytes.bytes, (int)bytes.size, NULL);
    ASN1_INTEGER *const integer = BN_to_ASN1_INTEGER(number, NULL);
    BN_free(number);
    if (integer == NULL) return ERR_NO_MEMORY;
    *integer_out = integer;
    return OK;
}

static enum status set_serial(X509 *certificate, struct slice serial)
{
    uint8_t random[RANDOM_SERIAL_BYTES];
    if (serial.size == 0) {
        TRY(random_bytes(sizeof(random), random));
        /* Positive and of full length: the top bits are 01. */
        random[0] = (uint8_t)((random[0] & 0x3f) | 0x40);
        serial = SLICE_ARRAY(random);
    }
    CLEANUP(cleanup_integer) ASN1_INTEGER *integer = NULL;
    TRY(integer_from_bytes(serial, &integer));
    return check(X509_set_serialNumber(certificate, integer) == 1);
}

static enum status set_validity(X509 *certificate, int64_t not_before_s, int64_t not_after_s)
{
    return check(ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)not_before_s) != NULL &&
                 ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)not_after_s) != NULL);
}

/* RFC 5280 section 4.2.1.2, method 1: SHA-1 of the key's bit string. It only helps to find a key. */
static enum status key_identifier(EVP_PKEY *key, ASN1_OCTET_STRING **identifier_out)
{
    CLEANUP(cleanup_x509) X509 *holder = X509_new();
    CLEANUP(cleanup_octets) ASN1_OCTET_STRING *identifier = ASN1_OCTET_STRING_new();
    if (holder == NULL || identifier == NULL) return ERR_NO_MEMORY;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    TRY(check(X509_set_pubkey(holder, key) == 1 && X509_pubkey_digest(holder, EVP_sha1(), digest, &size) == 1));
    TRY(check(ASN1_OCTET_STRING_set(identifier, digest, (int)size) == 1));
    *identifier_out = identifier;
    identifier = NULL;
    return OK;
}

static enum status make_authority_identifier(EVP_PKEY *issuer, X509_EXTENSION **extension_out)
{
    AUTHORITY_KEYID *const authority = AUTHORITY_KEYID_new();
    if (authority == NULL) return ERR_NO_MEMORY;
    const enum status status = key_identifier(issuer, &authority->keyid);
    X509_EXTENSION *const extension = status == OK ? X509V3_EXT_i2d(NID_authority_key_identifier, 0, authority) : NULL;
    AUTHORITY_KEYID_free(authority);
    TRY(status);
    if (extension == NULL) return crypto_failed(ERR_CRYPTO);
    *extension_out = extension;
    return OK;
}

static enum status add_key_identifiers(X509 *certificate, EVP_PKEY *subject, EVP_PKEY *issuer)
{
    CLEANUP(cleanup_octets) ASN1_OCTET_STRING *identifier = NULL;
    CLEANUP(cleanup_extension) X509_EXTENSION *authority = NULL;
    TRY(key_identifier(subject, &identifier));
    TRY(make_authority_identifier(issuer, &authority));
    return check(X509_add1_ext_i2d(certificate, NID_subject_key_identifier, identifier, 0, X509V3_ADD_DEFAULT) == 1 &&
                 X509_add_ext(certificate, authority, -1) == 1);
}

static enum status add_configured(X509 *certificate, int kind, const char *value)
{
    CLEANUP(cleanup_extension) X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    if (extension == NULL) return crypto_failed(ERR_FIELD_VALUE);
    return check(X509_add_ext(certificate, extension, -1) == 1);
}

static enum status add_constraints(X509 *certificate, bool is_ca, int path_length)
{
    if (!is_ca) return add_configured(certificate, NID_basic_constraints, "critical,CA:FALSE");
    if (path_length < 0) return add_configured(certificate, NID_basic_constraints, "critical,CA:TRUE");
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(64);
    TRY(buffer_append_format(&text, "critical,CA:TRUE,pathlen:%d", path_length));
    const char *value;
    TRY(buffer_text(&text, &value));
    return add_configured(certificate, NID_basic_constraints, value);
}

static enum status add_usage(X509 *certificate, unsigned usage)
{
    static const struct {
        enum certificate_usage usage;
        const char *name;
    } names[] = {
        {CERTIFICATE_USAGE_SIGN_DATA, ",digitalSignature"},
        {CERTIFICATE_USAGE_SIGN_CERTIFICATES, ",keyCertSign"},
        {CERTIFICATE_USAGE_SIGN_CRLS, ",cRLSign"},
    };
    if (usage == 0) return OK;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(128);
    TRY(buffer_append_text(&text, "critical"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((usage & names[i].usage) != 0) TRY(buffer_append_text(&text, names[i].name));
    }
    const char *value;
    TRY(buffer_text(&text, &value));
    return add_configured(certificate, NID_key_usage, value);
}

static enum status add_extension(X509 *certificate, const struct extension_text *text)
{
    ASN1_OBJECT *const kind = OBJ_txt2obj(text->oid, 1);
    if (kind == NULL) return crypto_failed(ERR_FIELD_VALUE);
    CLEANUP(cleanup_octets) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    const bool filled = value != NULL && ASN1_OCTET_STRING_set(value, text->value.bytes, (int)text->value.size) == 1;
    CLEANUP(cleanup_extension)
    X509_EXTENSION *extension = filled ? X509_EXTENSION_create_by_OBJ(NULL, kind, text->critical ? 1 : 0, value) : NULL;
    ASN1_OBJECT_free(kind);
    return check(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
}

static enum status set_names(X509 *certificate, const struct certificate_text *text)
{
    CLEANUP(cleanup_name) X509_NAME *subject = NULL;
    CLEANUP(cleanup_name) X509_NAME *issuer = NULL;
    TRY(name_from_parts(&text->subject, &subject));
    if (text->issuer_name.size > 0) TRY(name_from_der(text->issuer_name, &issuer));
    return check(X509_set_subject_name(certificate, subject) == 1 &&
                 X509_set_issuer_name(certificate, issuer != NULL ? issuer : subject) == 1);
}

static enum status add_extensions(X509 *certificate, const struct certificate_text *text)
{
    TRY(add_constraints(certificate, text->is_ca, text->path_length));
    TRY(add_usage(certificate, text->usage));
    if (text->alternative_names != NULL)
        TRY(add_configured(certificate, NID_subject_alt_name, text->alternative_names));
    for (size_t i = 0; i < text->extension_count; i++) TRY(add_extension(certificate, &text->extensions[i]));
    return OK;
}

static enum status append_certificate(X509 *certificate, struct buffer *der)
{
    const int size = i2d_X509(certificate, NULL);
    if (size <= 0) return crypto_failed(ERR_CRYPTO);
    uint8_t *at;
    TRY(buffer_extend(der, (size_t)size, &at));
    return check(i2d_X509(certificate, &at) == size);
}

enum status certificate_issue(const struct certificate_text *text, struct buffer *der)
{
    EVP_PKEY *const subject = key_openssl(text->subject_key);
    if (!key_is_private(text->issuer_key)) return ERR_KEY_INVALID;
    EVP_PKEY *const issuer = key_openssl(text->issuer_key);
    CLEANUP(cleanup_x509) X509 *certificate = X509_new();
    if (certificate == NULL) return ERR_NO_MEMORY;
    TRY(check(X509_set_version(certificate, X509_VERSION_3) == 1));
    TRY(set_serial(certificate, text->serial));
    TRY(set_names(certificate, text));
    TRY(set_validity(certificate, text->not_before_s, text->not_after_s));
    TRY(check(X509_set_pubkey(certificate, subject) == 1));
    TRY(add_key_identifiers(certificate, subject, issuer));
    TRY(add_extensions(certificate, text));
    TRY(check(X509_sign(certificate, issuer, EVP_sha256()) > 0));
    return append_certificate(certificate, der);
}

static enum status revoke(X509_CRL *crl, struct slice serial, ASN1_TIME *when)
{
    CLEANUP(cleanup_integer) ASN1_INTEGER *number = NULL;
    TRY(integer_from_bytes(serial, &number));
    X509_REVOKED *const entry = X509_REVOKED_new();
    const bool added = entry != NULL && X509_REVOKED_set_serialNumber(entry, number) == 1 &&
                       X509_REVOKED_set_revocationDate(entry, when) == 1 && X509_CRL_add0_revoked(crl, entry) == 1;
    if (!added) X509_REVOKED_free(entry);
    return check(added);
}

static enum status set_crl_times(X509_CRL *crl, const struct crl_text *text)
{
    CLEANUP(cleanup_time) ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)text->this_update_s);
    CLEANUP(cleanup_time) ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)text->next_update_s);
    if (from == NULL || to == NULL) return crypto_failed(ERR_CRYPTO);
    TRY(check(X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1));
    for (size_t i = 0; i < text->revoked_count; i++) TRY(revoke(crl, text->revoked[i], from));
    return check(X509_CRL_sort(crl) == 1);
}

static enum status add_crl_extensions(X509_CRL *crl, uint64_t number, EVP_PKEY *issuer)
{
    CLEANUP(cleanup_integer) ASN1_INTEGER *integer = ASN1_INTEGER_new();
    CLEANUP(cleanup_extension) X509_EXTENSION *authority = NULL;
    TRY(make_authority_identifier(issuer, &authority));
    return check(integer != NULL && ASN1_INTEGER_set_uint64(integer, number) == 1 &&
                 X509_CRL_add_ext(crl, authority, -1) == 1 &&
                 X509_CRL_add1_ext_i2d(crl, NID_crl_number, integer, 0, X509V3_ADD_DEFAULT) == 1);
}

static enum status append_crl(X509_CRL *crl, struct buffer *der)
{
    const int size = i2d_X509_CRL(crl, NULL);
    if (size <= 0) return crypto_failed(ERR_CRYPTO);
    uint8_t *at;
    TRY(buffer_extend(der, (size_t)size, &at));
    return check(i2d_X509_CRL(crl, &at) == size);
}

enum status crl_issue(const struct crl_text *text, struct buffer *der)
{
    CLEANUP(cleanup_name) X509_NAME *name = NULL;
    if (!key_is_private(text->issuer_key)) return ERR_KEY_INVALID;
    EVP_PKEY *const issuer = key_openssl(text->issuer_key);
    TRY(name_from_der(text->issuer_name, &name));
    CLEANUP(cleanup_crl) X509_CRL *crl = X509_CRL_new();
    if (crl == NULL) return ERR_NO_MEMORY;
    TRY(check(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 && X509_CRL_set_issuer_name(crl, name) == 1));
    TRY(set_crl_times(crl, text));
    TRY(add_crl_extensions(crl, text->number, issuer));
    TRY(check(X509_CRL_sign(crl, issuer, EVP_sha256()) > 0));
    return append_crl(crl, der);
}

enum status certificate_pem(struct slice der, struct buffer *pem)
{
    CLEANUP(cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL) return ERR_NO_MEMORY;
    TRY(check(PEM_write_bio(bio, PEM_STRING_X509, "", der.bytes, (long)der.size) > 0));
    char *text = NULL;
    const long size = BIO_get_mem_data(bio, &text);
    return size > 0 ? buffer_append(pem, slice_of(text, (size_t)size)) : ERR_CRYPTO;
}
