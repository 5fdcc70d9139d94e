/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates and revocation lists as AMD's key distribution service issues them, written byte by byte so that a test
 * can make any part wrong: names with a leading unit, serial number 0, RSASSA-PSS with SHA-384. For tests and fuzz
 * targets; nothing in it is AMD's.
 */
#pragma once

#include "crypto/der_write.h"
#include "crypto/key_openssl.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MINT_MAX_BYTES = 64 * 1024 };

/* Tags that der_write.h has no need of. */
enum {
    MINT_BIT_STRING = 0x03,
    MINT_UTF8_STRING = 0x0c,
    MINT_PRINTABLE_STRING = 0x13,
    MINT_IA5_STRING = 0x16,
    MINT_UTC_TIME = 0x17,
    MINT_SET = 0x31,
};

/* AlgorithmIdentifier of RSASSA-PSS with SHA-384, and where its parameters stand. */
static const uint8_t mint_pss[] = {0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30,
                                   0x34, 0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                                   0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                   0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65,
                                   0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x30};
enum { MINT_PSS_HASH_AT = 29, MINT_PSS_MASK_HASH_AT = 59, MINT_PSS_SALT_AT = 66 };

/* The same with the default trailer spelt out, as AMD's authorities have it. */
static inline enum status mint_pss_with_trailer(struct buffer *algorithm)
{
    static const uint8_t trailer[] = {0xa3, 0x03, 0x02, 0x01, 0x01};
    TRY(buffer_append(algorithm, SLICE_ARRAY(mint_pss)));
    TRY(buffer_append(algorithm, SLICE_ARRAY(trailer)));
    algorithm->bytes[1] = (uint8_t)(algorithm->bytes[1] + sizeof(trailer));
    algorithm->bytes[14] = (uint8_t)(algorithm->bytes[14] + sizeof(trailer));
    return OK;
}

static inline enum status mint_value(struct buffer *der, unsigned tag, struct slice content)
{
    return der_append(der, (enum der_tag)tag, content);
}

/* One relative distinguished name of one attribute. */
static inline enum status mint_attribute(struct buffer *name, const char *oid, unsigned tag, const char *text)
{
    CLEANUP(buffer_done) struct buffer pair = buffer_of_maximum(MINT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer set = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(der_append_oid(&pair, oid));
    TRY(mint_value(&pair, tag, slice_of_text(text)));
    TRY(mint_value(&set, DER_SEQUENCE, buffer_slice(&pair)));
    return mint_value(name, MINT_SET, buffer_slice(&set));
}

static inline enum status mint_name(struct buffer *der, const char *common_name)
{
    CLEANUP(buffer_done) struct buffer name = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(mint_attribute(&name, "2.5.4.11", MINT_UTF8_STRING, "Engineering"));
    TRY(mint_attribute(&name, "2.5.4.6", MINT_PRINTABLE_STRING, "US"));
    TRY(mint_attribute(&name, "2.5.4.7", MINT_UTF8_STRING, "Santa Clara"));
    TRY(mint_attribute(&name, "2.5.4.8", MINT_UTF8_STRING, "CA"));
    TRY(mint_attribute(&name, "2.5.4.10", MINT_UTF8_STRING, "Advanced Micro Devices"));
    TRY(mint_attribute(&name, "2.5.4.3", MINT_UTF8_STRING, common_name));
    return mint_value(der, DER_SEQUENCE, buffer_slice(&name));
}

static inline enum status mint_time(struct buffer *der, int64_t time_s)
{
    const time_t at = (time_t)time_s;
    struct tm parts;
    char text[20];
    if (gmtime_r(&at, &parts) == NULL || strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &parts) == 0)
        return ERR_INTERNAL;
    return mint_value(der, MINT_UTC_TIME, slice_of_text(text + 2)); /* without the century */
}

static inline enum status mint_extension(struct buffer *list, const char *oid, bool critical, struct slice value)
{
    CLEANUP(buffer_done) struct buffer parts = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(der_append_oid(&parts, oid));
    if (critical) TRY(der_append_boolean(&parts, true));
    TRY(mint_value(&parts, DER_OCTET_STRING, value));
    return mint_value(list, DER_SEQUENCE, buffer_slice(&parts));
}

/* basicConstraints and keyUsage of an authority; `usage` as the last byte of the bit string has it: 4 keyCertSign, 6
 * with cRLSign. */
static inline enum status mint_authority_extensions(struct buffer *list, bool is_ca, int path_length, uint8_t usage)
{
    const uint8_t with_length[] = {0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, (uint8_t)path_length};
    const uint8_t without[] = {0x30, 0x03, 0x01, 0x01, 0xff}, none[] = {0x30, 0x00};
    const uint8_t usages[] = {0x03, 0x02, usage == 4 ? 2 : 1, usage};
    const struct slice constraints = !is_ca             ? SLICE_ARRAY(none)
                                     : path_length >= 0 ? SLICE_ARRAY(with_length)
                                                        : SLICE_ARRAY(without);
    TRY(mint_extension(list, "2.5.29.19", true, constraints));
    return mint_extension(list, "2.5.29.15", true, SLICE_ARRAY(usages));
}

static inline enum status mint_key(struct buffer *der, const struct key *key)
{
    uint8_t *info = NULL;
    const int size = i2d_PUBKEY(key_openssl(key), &info);
    if (size <= 0) return ERR_CRYPTO;
    const enum status status = buffer_append(der, slice_of(info, (size_t)size));
    OPENSSL_free(info);
    return status;
}

/* SEQUENCE { content, algorithm, signature by `issuer` }. */
static inline enum status mint_signed(struct buffer *der, struct slice content, struct slice algorithm,
                                      const struct key *issuer)
{
    CLEANUP(buffer_done) struct buffer parts = buffer_of_maximum(MINT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer bits = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(buffer_append(&parts, content));
    TRY(buffer_append(&parts, algorithm));
    TRY(buffer_append_u8(&bits, 0));
    TRY(key_sign_with(issuer, HASH_SHA384, KEY_PSS, content, &bits));
    TRY(mint_value(&parts, MINT_BIT_STRING, buffer_slice(&bits)));
    return mint_value(der, DER_SEQUENCE, buffer_slice(&parts));
}

/* Borrowed during the call only. */
struct mint_certificate {
    const char *subject, *issuer; /* common names */
    const struct key *subject_key, *issuer_key;
    struct slice key_info;  /* instead of the subject key's; empty: that */
    struct slice algorithm; /* empty: mint_pss */
    uint64_t serial;
    int64_t not_before_s, not_after_s;
    struct slice extensions; /* one Extension after the other; empty: none */
};

static inline enum status mint_certificate_content(const struct mint_certificate *text, struct slice algorithm,
                                                   struct buffer *content)
{
    static const uint8_t version[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
    CLEANUP(buffer_done) struct buffer validity = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(buffer_append(content, SLICE_ARRAY(version)));
    TRY(der_append_number(content, DER_INTEGER, text->serial));
    TRY(buffer_append(content, algorithm));
    TRY(mint_name(content, text->issuer));
    TRY(mint_time(&validity, text->not_before_s));
    TRY(mint_time(&validity, text->not_after_s));
    TRY(mint_value(content, DER_SEQUENCE, buffer_slice(&validity)));
    TRY(mint_name(content, text->subject));
    TRY(text->key_info.size > 0 ? buffer_append(content, text->key_info) : mint_key(content, text->subject_key));
    if (text->extensions.size == 0) return OK;
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(mint_value(&list, DER_SEQUENCE, text->extensions));
    return mint_value(content, 0xa3, buffer_slice(&list));
}

/* Appends the DER. */
static inline enum status mint_certificate(const struct mint_certificate *text, struct buffer *der)
{
    const struct slice algorithm = text->algorithm.size > 0 ? text->algorithm : SLICE_ARRAY(mint_pss);
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(MINT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer whole = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(mint_certificate_content(text, algorithm, &content));
    TRY(mint_value(&whole, DER_SEQUENCE, buffer_slice(&content)));
    return mint_signed(der, buffer_slice(&whole), algorithm, text->issuer_key);
}

struct mint_crl {
    const char *issuer;
    const struct key *issuer_key;
    int64_t this_update_s, next_update_s;
    uint64_t revoked; /* a serial number; 0: none */
    bool is_critical; /* its number is */
};

static inline enum status mint_crl_entries(const struct mint_crl *text, struct buffer *content)
{
    CLEANUP(buffer_done) struct buffer entry = buffer_of_maximum(MINT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(der_append_number(&entry, DER_INTEGER, text->revoked));
    TRY(mint_time(&entry, text->this_update_s));
    TRY(mint_value(&list, DER_SEQUENCE, buffer_slice(&entry)));
    return mint_value(content, DER_SEQUENCE, buffer_slice(&list));
}

static inline enum status mint_crl_content(const struct mint_crl *text, struct buffer *content)
{
    static const uint8_t number[] = {0x02, 0x01, 0x04};
    CLEANUP(buffer_done) struct buffer extensions = buffer_of_maximum(MINT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer list = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(der_append_number(content, DER_INTEGER, 1));
    TRY(buffer_append(content, SLICE_ARRAY(mint_pss)));
    TRY(mint_name(content, text->issuer));
    TRY(mint_time(content, text->this_update_s));
    TRY(mint_time(content, text->next_update_s));
    if (text->revoked != 0) TRY(mint_crl_entries(text, content));
    TRY(mint_extension(&extensions, "2.5.29.20", text->is_critical, SLICE_ARRAY(number)));
    TRY(mint_value(&list, DER_SEQUENCE, buffer_slice(&extensions)));
    return mint_value(content, 0xa0, buffer_slice(&list));
}

/* Appends the DER. */
static inline enum status mint_crl(const struct mint_crl *text, struct buffer *der)
{
    CLEANUP(buffer_done) struct buffer content = buffer_of_maximum(MINT_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer whole = buffer_of_maximum(MINT_MAX_BYTES);
    TRY(mint_crl_content(text, &content));
    TRY(mint_value(&whole, DER_SEQUENCE, buffer_slice(&content)));
    return mint_signed(der, buffer_slice(&whole), SLICE_ARRAY(mint_pss), text->issuer_key);
}
