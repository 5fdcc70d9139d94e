/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_signed.h"

#include "base/encoding.h"

#include <string.h>

/* AlgorithmIdentifiers, whole. RFC 5758 section 3.2: ECDSA has no parameters; RFC 4055 section 5: RSA has NULL. */
static const uint8_t ecdsa_with_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t rsa_with_sha256[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                          0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};

/* RFC 4055 section 3.1: SHA-384 for the message and for MGF1, 48 bytes of salt. AMD's authorities spell the default
 * trailer out, its endorsement keys' certificates and lists leave it away as DER demands: two spellings of the same. */
static const uint8_t pss_with_sha384[] = {
    0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x34, 0xa0, 0x0f,
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c,
    0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09,
    0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x30};
static const uint8_t pss_with_sha384_and_trailer[] = {
    0x30, 0x46, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x39, 0xa0, 0x0f, 0x30,
    0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa1, 0x1c, 0x30, 0x1a,
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
    0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0xa2, 0x03, 0x02, 0x01, 0x30, 0xa3, 0x03, 0x02, 0x01, 0x01};

enum status signed_object_parse(struct slice der, struct signed_object *object_out)
{
    struct signed_object object = {};
    struct reader outer = reader_over(der), parts;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &parts));
    TRY(reader_end(&outer));
    TRY(der_whole(&parts, DER_TAG_SEQUENCE, &object.content));
    TRY(der_whole(&parts, DER_TAG_SEQUENCE, &object.algorithm));
    TRY(der_bit_string(&parts, &object.signature));
    TRY(reader_end(&parts));
    *object_out = object;
    return OK;
}

static enum status read_coordinate(struct reader *reader, uint8_t *padded_out)
{
    struct slice number;
    TRY(der_big_number(reader, P256_COORDINATE_BYTES, &number));
    if (number.size > 0) memcpy(padded_out + P256_COORDINATE_BYTES - number.size, number.bytes, number.size);
    return OK;
}

/* Ecdsa-Sig-Value (RFC 3279 section 2.2.3) as r || s. */
static enum status raw_of_ecdsa(struct slice der, uint8_t raw_out[static P256_SIGNATURE_BYTES])
{
    struct reader outer = reader_over(der), pair;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &pair));
    TRY(reader_end(&outer));
    TRY(read_coordinate(&pair, raw_out));
    TRY(read_coordinate(&pair, raw_out + P256_COORDINATE_BYTES));
    return reader_end(&pair);
}

static bool is_pss(struct slice algorithm)
{
    return slice_equal(algorithm, SLICE_ARRAY(pss_with_sha384)) ||
           slice_equal(algorithm, SLICE_ARRAY(pss_with_sha384_and_trailer));
}

enum status signed_object_verify(const struct signed_object *object, const struct key *issuer)
{
    if (slice_equal(object->algorithm, SLICE_ARRAY(rsa_with_sha256)))
        return key_kind(issuer) == KEY_RSA ? key_verify(issuer, object->content, object->signature) : ERR_SIGNATURE;
    if (is_pss(object->algorithm))
        return key_kind(issuer) == KEY_RSA
                   ? key_verify_with(issuer, HASH_SHA384, KEY_PSS, object->content, object->signature)
                   : ERR_SIGNATURE;
    if (!slice_equal(object->algorithm, SLICE_ARRAY(ecdsa_with_sha256))) return ERR_UNSUPPORTED;
    uint8_t raw[P256_SIGNATURE_BYTES] = {};
    if (key_kind(issuer) != KEY_P256 || raw_of_ecdsa(object->signature, raw) != OK) return ERR_SIGNATURE;
    return key_verify(issuer, object->content, SLICE_ARRAY(raw));
}

enum status extension_read(struct reader *extensions, struct extension *extension_out)
{
    struct extension extension = {};
    struct reader parts;
    TRY(der_enter(extensions, DER_TAG_SEQUENCE, &parts));
    TRY(der_content(&parts, DER_TAG_OID, &extension.oid));
    if (der_is_next(&parts, DER_TAG_BOOLEAN)) {
        TRY(der_boolean(&parts, &extension.critical));
        if (!extension.critical) return ERR_ENCODING; /* DER leaves a DEFAULT out (X.690 section 11.5) */
    }
    TRY(der_content(&parts, DER_TAG_OCTET_STRING, &extension.value));
    TRY(reader_end(&parts));
    *extension_out = extension;
    return OK;
}

/* The next AttributeTypeAndValue of a relative distinguished name. */
static enum status read_attribute(struct reader *relative, struct slice *type_out, struct der_value *value_out)
{
    struct reader parts;
    TRY(der_enter(relative, DER_TAG_SEQUENCE, &parts));
    TRY(der_content(&parts, DER_TAG_OID, type_out));
    TRY(der_read(&parts, value_out));
    return reader_end(&parts);
}

enum status name_read(struct reader *reader, struct slice *name_out)
{
    struct reader ahead = *reader, names, relative;
    struct slice whole, type;
    struct der_value value;
    TRY(der_whole(&ahead, DER_TAG_SEQUENCE, &whole));
    TRY(der_enter(reader, DER_TAG_SEQUENCE, &names));
    while (reader_left(&names) > 0) {
        TRY(der_enter(&names, DER_TAG_SET, &relative));
        do {
            TRY(read_attribute(&relative, &type, &value));
        } while (reader_left(&relative) > 0);
    }
    *name_out = whole;
    return OK;
}

static bool is_common_name(struct slice type)
{
    static const uint8_t common_name[] = {0x55, 0x04, 0x03}; /* 2.5.4.3 */
    return slice_equal(type, SLICE_ARRAY(common_name));
}

enum status name_common_name(struct slice name, struct slice *text_out)
{
    struct reader outer = reader_over(name), names, relative;
    struct slice found = {}, type;
    struct der_value value;
    TRY(der_enter(&outer, DER_TAG_SEQUENCE, &names));
    while (reader_left(&names) > 0) {
        TRY(der_enter(&names, DER_TAG_SET, &relative));
        while (reader_left(&relative) > 0) {
            TRY(read_attribute(&relative, &type, &value));
            if (!is_common_name(type)) continue;
            const bool is_text = value.tag == DER_TAG_UTF8_STRING || value.tag == DER_TAG_PRINTABLE_STRING;
            if (found.size > 0 || value.content.size == 0 || !is_text || !utf8_is_valid(value.content, false))
                return ERR_ENCODING;
            found = value.content;
        }
    }
    *text_out = found;
    return OK;
}
