/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "crypto/x509_signed.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION_2 = 1 };

struct crl {
    struct buffer der;
    struct signed_object object; /* this and every slice below borrow from `der` */
    struct slice issuer;
    int64_t this_update_s, next_update_s;
    bool has_unknown_critical_extension;
    struct slice number;
    struct slice *serials; /* sorted by compare_serials */
    size_t serial_count;
};

void crl_free(struct crl *crl)
{
    if (crl == NULL) return;
    free(crl->serials);
    buffer_done(&crl->der);
    free(crl);
}

void crl_cleanup(struct crl **crl)
{
    crl_free(*crl);
    *crl = NULL;
}

/* Any total order does; this one compares sizes first. */
static int compare_serials(const void *left, const void *right)
{
    const struct slice *const a = left, *const b = right;
    if (a->size != b->size) return a->size < b->size ? -1 : 1;
    return a->size == 0 ? 0 : memcmp(a->bytes, b->bytes, a->size);
}

/* Only cRLNumber and the issuer's key identifier are understood, and neither is ever critical. A critical one, such as
 * issuingDistributionPoint, deltaCRLIndicator or an entry's certificateIssuer, changes what the list means. */
static enum status note_extensions(struct reader *list, bool *has_critical, struct slice *number_out)
{
    static const uint8_t crl_number_oid[] = {0x55, 0x1d, 0x14}; /* 2.5.29.20 */
    struct extension extension;
    do {
        TRY(extension_read(list, &extension));
        if (extension.critical) *has_critical = true;
        if (number_out == NULL || !slice_equal(extension.oid, SLICE_ARRAY(crl_number_oid))) continue;
        struct reader value = reader_over(extension.value);
        TRY(der_big_number(&value, CRL_NUMBER_BYTES, number_out));
        TRY(reader_end(&value));
    } while (reader_left(list) > 0);
    return OK;
}

static enum status parse_entry(struct reader *entries, struct crl *crl, struct slice *serial_out)
{
    struct reader entry, extensions;
    int64_t revoked_s;
    TRY(der_enter(entries, DER_TAG_SEQUENCE, &entry));
    TRY(der_big_number(&entry, CERTIFICATE_SERIAL_MAX_BYTES, serial_out));
    TRY(der_time(&entry, &revoked_s));
    if (reader_left(&entry) == 0) return OK;
    TRY(der_enter(&entry, DER_TAG_SEQUENCE, &extensions));
    TRY(note_extensions(&extensions, &crl->has_unknown_critical_extension, NULL));
    return reader_end(&entry);
}

static enum status parse_entries(struct slice list, struct crl *crl)
{
    struct reader entries = reader_over(list);
    size_t count = 0;
    for (struct slice serial; reader_left(&entries) > 0; count++) TRY(parse_entry(&entries, crl, &serial));
    if (count == 0) return ERR_ENCODING; /* RFC 5280 section 5.1.2.6: absent rather than empty */
    crl->serials = calloc(count, sizeof(*crl->serials));
    if (crl->serials == NULL) return ERR_NO_MEMORY;
    entries = reader_over(list);
    while (crl->serial_count < count) TRY(parse_entry(&entries, crl, &crl->serials[crl->serial_count++]));
    qsort(crl->serials, count, sizeof(*crl->serials), compare_serials);
    return OK;
}

static enum status parse_crl_extensions(struct reader *content, struct crl *crl)
{
    struct reader outer, list;
    TRY(der_enter(content, der_context_tag(0), &outer));
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &list));
    TRY(reader_end(&outer));
    return note_extensions(&list, &crl->has_unknown_critical_extension, &crl->number);
}

static bool is_time_next(const struct reader *reader)
{
    return der_is_next(reader, DER_TAG_UTC_TIME) || der_is_next(reader, DER_TAG_GENERALIZED_TIME);
}

/* TBSCertList, RFC 5280 section 5.1. */
static enum status parse(struct crl *crl)
{
    TRY(signed_object_parse(buffer_slice(&crl->der), &crl->object));
    struct reader outer = reader_over(crl->object.content), content;
    struct slice algorithm, entries;
    uint32_t version;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &content));
    TRY(der_number(&content, DER_TAG_INTEGER, VERSION_2, &version));
    if (version != VERSION_2) return ERR_ENCODING;
    TRY(der_whole(&content, DER_TAG_SEQUENCE, &algorithm));
    if (!slice_equal(algorithm, crl->object.algorithm)) return ERR_ENCODING;
    TRY(name_read(&content, &crl->issuer));
    TRY(der_time(&content, &crl->this_update_s));
    if (is_time_next(&content)) TRY(der_time(&content, &crl->next_update_s));
    if (der_is_next(&content, DER_TAG_SEQUENCE)) {
        TRY(der_content(&content, DER_TAG_SEQUENCE, &entries));
        TRY(parse_entries(entries, crl));
    }
    if (reader_left(&content) > 0) TRY(parse_crl_extensions(&content, crl));
    return reader_end(&content);
}

enum status crl_from_der(struct slice der, struct crl **crl_out)
{
    if (der.size > CRL_MAX_BYTES) return ERR_TOO_LARGE;
    CLEANUP(crl_cleanup) struct crl *crl = calloc(1, sizeof(*crl));
    if (crl == NULL) return ERR_NO_MEMORY;
    crl->der = buffer_of_maximum(CRL_MAX_BYTES);
    TRY(buffer_append(&crl->der, der));
    const enum status status = parse(crl);
    if (status != OK) return status == ERR_NO_MEMORY ? status : ERR_CRL_MALFORMED;
    *crl_out = crl;
    crl = NULL;
    return OK;
}

enum status crl_from_der_or_pem(struct slice text, struct crl **crl_out)
{
    if (!pem_is_likely(text)) return crl_from_der(text, crl_out);
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CRL_MAX_BYTES);
    if (text.size > 2 * CRL_MAX_BYTES) return ERR_TOO_LARGE;
    if (text.bytes[text.size - 1] == '\0') text.size--;
    const enum status status = pem_read(&text, "X509 CRL", &der);
    if (status != OK) return status == ERR_ENCODING ? ERR_CRL_MALFORMED : status;
    if (text.size > 0) return ERR_CRL_MALFORMED;
    return crl_from_der(buffer_slice(&der), crl_out);
}

struct slice crl_der(const struct crl *crl)
{
    return buffer_slice(&crl->der);
}

struct slice crl_issuer_der(const struct crl *crl)
{
    return crl->issuer;
}

int64_t crl_this_update_s(const struct crl *crl)
{
    return crl->this_update_s;
}

int64_t crl_next_update_s(const struct crl *crl)
{
    return crl->next_update_s;
}

void crl_number(const struct crl *crl, uint8_t number_out[static CRL_NUMBER_BYTES])
{
    memset(number_out, 0, CRL_NUMBER_BYTES);
    if (crl->number.size == 0) return;
    memcpy(number_out + CRL_NUMBER_BYTES - crl->number.size, crl->number.bytes, crl->number.size);
}

bool crl_has_unknown_critical_extension(const struct crl *crl)
{
    return crl->has_unknown_critical_extension;
}

bool crl_lists(const struct crl *crl, struct slice serial)
{
    if (crl->serial_count == 0) return false;
    return bsearch(&serial, crl->serials, crl->serial_count, sizeof(serial), compare_serials) != NULL;
}

enum status crl_verify_signature(const struct crl *crl, const struct key *issuer)
{
    return signed_object_verify(&crl->object, issuer);
}
