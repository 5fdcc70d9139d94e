/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509.h"

#include "crypto/algorithms.h"
#include "crypto/hash.h"
#include "crypto/key_openssl.h"
#include "crypto/pem.h"
#include "crypto/x509_signed.h"

#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXTENSION_MAX_COUNT = 32,
    VERSION_3 = 2,
    PATH_LENGTH_MAX = 32,
    NO_PATH_LENGTH = -1,
};

/* KeyUsage bits (RFC 5280 section 4.2.1.3). */
enum { USAGE_DIGITAL_SIGNATURE = 1 << 0, USAGE_KEY_CERT_SIGN = 1 << 5, USAGE_CRL_SIGN = 1 << 6 };

struct certificate {
    atomic_uint owners;
    struct buffer der;
    struct signed_object object; /* this and every slice below borrow from `der` */
    struct slice serial, issuer, subject;
    int64_t not_before_s, not_after_s;
    char common_name[CERTIFICATE_NAME_MAX_BYTES + 1];
    struct key *key;
    bool is_ca;
    int path_length;
    uint32_t usage;
    struct extension extensions[EXTENSION_MAX_COUNT];
    size_t extension_count;
    bool has_unknown_critical_extension;
    uint8_t digest[SHA256_BYTES];
};

void certificate_free(struct certificate *certificate)
{
    if (certificate == NULL || atomic_fetch_sub(&certificate->owners, 1) != 1) return;
    key_free(certificate->key);
    buffer_done(&certificate->der);
    free(certificate);
}

void certificate_cleanup(struct certificate **certificate)
{
    certificate_free(*certificate);
    *certificate = NULL;
}

struct certificate *certificate_share(const struct certificate *certificate)
{
    struct certificate *const shared = (struct certificate *)certificate; /* only the count of owners changes */
    if (shared != NULL) atomic_fetch_add(&shared->owners, 1);
    return shared;
}

/* ---- the key ---- */

/* SubjectPublicKeyInfo of an uncompressed point up to its coordinates (RFC 5480 section 2). */
static const uint8_t p256_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
static const uint8_t p384_prefix[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
                                      0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};

/* AlgorithmIdentifier of an RSA key for any purpose (RFC 8017 appendix A.1). */
static const uint8_t rsa_algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

static void object_cleanup(EVP_PKEY **object)
{
    EVP_PKEY_free(*object);
}

/* RSAPublicKey (RFC 8017 appendix A.1.1). */
static enum status read_rsa_numbers(struct slice bits, struct slice *modulus_out, struct slice *exponent_out)
{
    struct reader outer = reader_over(bits), parts;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &parts));
    TRY(reader_end(&outer));
    TRY(der_big_number(&parts, RSA_MAX_BYTES, modulus_out));
    TRY(der_big_number(&parts, RSA_MAX_BYTES, exponent_out));
    return reader_end(&parts);
}

/* ERR_UNSUPPORTED for a key of another kind. */
static enum status read_rsa(struct slice info, struct slice *modulus_out, struct slice *exponent_out)
{
    struct reader outer = reader_over(info), parts;
    struct slice algorithm, bits;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &parts));
    TRY(der_whole(&parts, DER_TAG_SEQUENCE, &algorithm));
    if (!slice_equal(algorithm, SLICE_ARRAY(rsa_algorithm))) return ERR_UNSUPPORTED;
    TRY(der_bit_string(&parts, &bits));
    TRY(reader_end(&parts));
    return read_rsa_numbers(bits, modulus_out, exponent_out);
}

/* The kinds that certificates mostly have take the short way: the library's general decoder costs more than a
 * signature. */
static enum status parse_key(struct slice info, struct key **key_out)
{
    if (slice_starts_with(info, SLICE_ARRAY(p256_prefix)))
        return key_from_p256_point(slice_part(info, sizeof(p256_prefix), info.size), key_out);
    if (slice_starts_with(info, SLICE_ARRAY(p384_prefix)))
        return key_from_p384_point(slice_part(info, sizeof(p384_prefix), info.size), key_out);
    struct slice modulus, exponent;
    const enum status status = read_rsa(info, &modulus, &exponent);
    if (status == OK) return key_from_rsa(modulus, exponent, key_out);
    if (status != ERR_UNSUPPORTED) return ERR_KEY_INVALID;
    const uint8_t *at = info.bytes;
    CLEANUP(object_cleanup) EVP_PKEY *object = d2i_PUBKEY(NULL, &at, (long)info.size);
    if (object == NULL || at != info.bytes + info.size) return crypto_failed(ERR_KEY_INVALID);
    return key_from_openssl(object, false, key_out);
}

/* ---- extensions ---- */

static bool is_extension(const struct extension *extension, uint8_t number)
{
    const uint8_t oid[] = {0x55, 0x1d, number}; /* 2.5.29.number */
    return slice_equal(extension->oid, SLICE_ARRAY(oid));
}

static enum status parse_basic_constraints(struct slice value, struct certificate *certificate)
{
    struct reader outer = reader_over(value), parts;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &parts));
    TRY(reader_end(&outer));
    if (reader_left(&parts) == 0) return OK;
    TRY(der_boolean(&parts, &certificate->is_ca));
    if (!certificate->is_ca) return ERR_ENCODING;
    if (reader_left(&parts) == 0) return OK;
    uint32_t path_length;
    TRY(der_number(&parts, DER_TAG_INTEGER, PATH_LENGTH_MAX, &path_length));
    certificate->path_length = (int)path_length;
    return reader_end(&parts);
}

static enum status parse_key_usage(struct slice value, struct certificate *certificate)
{
    struct reader reader = reader_over(value);
    TRY(der_named_bits(&reader, &certificate->usage));
    return reader_end(&reader);
}

static enum status add_extension(struct certificate *certificate, const struct extension *extension)
{
    enum { BASIC_CONSTRAINTS = 19, KEY_USAGE = 15 };
    if (certificate->extension_count == EXTENSION_MAX_COUNT) return ERR_ENCODING;
    for (size_t i = 0; i < certificate->extension_count; i++) {
        if (slice_equal(certificate->extensions[i].oid, extension->oid)) return ERR_ENCODING;
    }
    certificate->extensions[certificate->extension_count++] = *extension;
    if (is_extension(extension, BASIC_CONSTRAINTS)) return parse_basic_constraints(extension->value, certificate);
    if (is_extension(extension, KEY_USAGE)) return parse_key_usage(extension->value, certificate);
    if (extension->critical) certificate->has_unknown_critical_extension = true;
    return OK;
}

static enum status parse_extensions(struct reader *content, struct certificate *certificate)
{
    struct reader outer, list;
    TRY(der_enter(content, der_context_tag(3), &outer));
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &list));
    TRY(reader_end(&outer));
    while (reader_left(&list) > 0) {
        struct extension extension;
        TRY(extension_read(&list, &extension));
        TRY(add_extension(certificate, &extension));
    }
    return OK;
}

/* ---- the certificate ---- */

static enum status parse_version(struct reader *content)
{
    struct reader outer;
    uint32_t version;
    TRY(der_enter(content, der_context_tag(0), &outer));
    TRY(der_number(&outer, DER_TAG_INTEGER, VERSION_3, &version));
    if (version != VERSION_3) return ERR_ENCODING;
    return reader_end(&outer);
}

static enum status parse_validity(struct reader *content, struct certificate *certificate)
{
    struct reader validity;
    TRY(der_enter(content, DER_TAG_SEQUENCE, &validity));
    TRY(der_time(&validity, &certificate->not_before_s));
    TRY(der_time(&validity, &certificate->not_after_s));
    return reader_end(&validity);
}

static enum status keep_common_name(struct certificate *certificate)
{
    struct slice name = {};
    TRY(name_common_name(certificate->subject, &name));
    if (name.size > CERTIFICATE_NAME_MAX_BYTES) return ERR_ENCODING;
    if (name.size > 0) memcpy(certificate->common_name, name.bytes, name.size);
    return OK;
}

/* TBSCertificate, RFC 5280 section 4.1. Unique identifiers are not taken: conforming issuers do not make them. */
static enum status parse_content(struct certificate *certificate, struct slice *key_info_out)
{
    struct reader outer = reader_over(certificate->object.content), content;
    struct slice algorithm;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &content));
    TRY(parse_version(&content));
    TRY(der_big_number(&content, CERTIFICATE_SERIAL_MAX_BYTES, &certificate->serial));
    TRY(der_whole(&content, DER_TAG_SEQUENCE, &algorithm));
    if (!slice_equal(algorithm, certificate->object.algorithm)) return ERR_ENCODING;
    TRY(name_read(&content, &certificate->issuer));
    TRY(parse_validity(&content, certificate));
    TRY(name_read(&content, &certificate->subject));
    TRY(keep_common_name(certificate));
    TRY(der_whole(&content, DER_TAG_SEQUENCE, key_info_out));
    if (reader_left(&content) > 0) TRY(parse_extensions(&content, certificate));
    return reader_end(&content);
}

static enum status parse(struct certificate *certificate, struct slice *key_info_out)
{
    TRY(signed_object_parse(buffer_slice(&certificate->der), &certificate->object));
    return parse_content(certificate, key_info_out);
}

enum status certificate_from_der(struct slice der, struct certificate **certificate_out)
{
    if (der.size > CERTIFICATE_MAX_BYTES) return ERR_TOO_LARGE;
    CLEANUP(certificate_cleanup) struct certificate *certificate = calloc(1, sizeof(*certificate));
    if (certificate == NULL) return ERR_NO_MEMORY;
    *certificate = (struct certificate){.owners = 1, .path_length = NO_PATH_LENGTH};
    certificate->der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    TRY(buffer_append(&certificate->der, der));
    struct slice key_info;
    if (parse(certificate, &key_info) != OK) return ERR_CERTIFICATE_MALFORMED;
    TRY(parse_key(key_info, &certificate->key));
    TRY(sha256(der, certificate->digest));
    *certificate_out = certificate;
    certificate = NULL;
    return OK;
}

/* ---- several, from PEM ---- */

void certificate_list_done(struct certificate_list *list)
{
    for (size_t i = 0; i < list->count; i++) certificate_free(list->items[i]);
    *list = (struct certificate_list){};
}

static enum status append_certificate(struct slice *text, struct certificate_list *list)
{
    if (list->count == CERTIFICATE_CHAIN_MAX_COUNT) return ERR_TOO_LARGE;
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    const enum status status = pem_read(text, "CERTIFICATE", &der);
    if (status != OK) return status == ERR_ENCODING ? ERR_CERTIFICATE_MALFORMED : status;
    TRY(certificate_from_der(buffer_slice(&der), &list->items[list->count]));
    list->count++;
    return OK;
}

enum status certificate_list_from_pem(struct slice pem, struct certificate_list *list_out)
{
    if (pem.size > CERTIFICATE_PEM_MAX_BYTES) return ERR_TOO_LARGE;
    if (pem.size > 0 && pem.bytes[pem.size - 1] == '\0') pem.size--;
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    do {
        TRY(append_certificate(&pem, &list));
    } while (pem.size > 0);
    *list_out = list;
    list = (struct certificate_list){};
    return OK;
}

/* ---- what it says ---- */

struct slice certificate_der(const struct certificate *certificate)
{
    return buffer_slice(&certificate->der);
}

const struct key *certificate_key(const struct certificate *certificate)
{
    return certificate->key;
}

void certificate_digest(const struct certificate *certificate, uint8_t sha256_out[static 32])
{
    memcpy(sha256_out, certificate->digest, SHA256_BYTES);
}

int64_t certificate_not_before_s(const struct certificate *certificate)
{
    return certificate->not_before_s;
}

int64_t certificate_not_after_s(const struct certificate *certificate)
{
    return certificate->not_after_s;
}

struct slice certificate_serial(const struct certificate *certificate)
{
    return certificate->serial;
}

struct slice certificate_subject_der(const struct certificate *certificate)
{
    return certificate->subject;
}

struct slice certificate_issuer_der(const struct certificate *certificate)
{
    return certificate->issuer;
}

const char *certificate_subject_common_name(const struct certificate *certificate)
{
    return certificate->common_name;
}

struct slice certificate_issuer_common_name(const struct certificate *certificate)
{
    struct slice name = {};
    return name_common_name(certificate->issuer, &name) == OK ? name : (struct slice){};
}

bool certificate_is_ca(const struct certificate *certificate)
{
    return certificate->is_ca;
}

int certificate_path_length(const struct certificate *certificate)
{
    return certificate->path_length;
}

bool certificate_may_sign_certificates(const struct certificate *certificate)
{
    return (certificate->usage & USAGE_KEY_CERT_SIGN) != 0;
}

bool certificate_may_sign_crls(const struct certificate *certificate)
{
    return (certificate->usage & USAGE_CRL_SIGN) != 0;
}

bool certificate_may_sign_data(const struct certificate *certificate)
{
    return (certificate->usage & USAGE_DIGITAL_SIGNATURE) != 0;
}

bool certificate_has_unknown_critical_extension(const struct certificate *certificate)
{
    return certificate->has_unknown_critical_extension;
}

static bool is_among(struct slice oid, const char *const *oids)
{
    for (; *oids != NULL; oids++) {
        struct oid wanted;
        if (oid_from_text(*oids, &wanted) == OK && slice_equal(oid, slice_of(wanted.bytes, wanted.size))) return true;
    }
    return false;
}

bool certificate_understood(const struct certificate *certificate, const char *const *oids)
{
    static const char *const own[] = {"2.5.29.19", "2.5.29.15", NULL};
    for (size_t i = 0; i < certificate->extension_count; i++) {
        const struct extension *const extension = &certificate->extensions[i];
        if (extension->critical && !is_among(extension->oid, own) && !is_among(extension->oid, oids)) return false;
    }
    return true;
}

enum status certificate_extension(const struct certificate *certificate, const char *oid, struct slice *value_out)
{
    struct oid wanted;
    TRY(oid_from_text(oid, &wanted));
    for (size_t i = 0; i < certificate->extension_count; i++) {
        if (!slice_equal(certificate->extensions[i].oid, slice_of(wanted.bytes, wanted.size))) continue;
        *value_out = certificate->extensions[i].value;
        return OK;
    }
    return ERR_FIELD_MISSING;
}

enum status certificate_verify_signature(const struct certificate *certificate, const struct key *issuer)
{
    return signed_object_verify(&certificate->object, issuer);
}
