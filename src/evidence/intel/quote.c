/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/quote.h"

#include "base/reader.h"
#include "evidence/intel.h"

#include <stdio.h>

enum { VERSION_SGX = 3, KEY_TYPE_ECDSA_P256 = 2, TEE_TYPE_SGX = 0 };

/* Intel's quoting enclave. */
static const uint8_t intel_vendor_id[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                            0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static enum status refuse_short(struct refusal *why, const char *field, const struct reader *reader)
{
    return refuse(why, ERR_QUOTE_MALFORMED, field, "all bytes that the format has here", "%zu bytes left",
                  reader_left(reader));
}

static enum status read_report(struct reader *reader, struct report_body *report_out)
{
    struct report_body r = {};
    struct reader body;
    TRY(reader_slice(reader, REPORT_BODY_BYTES, &r.whole));
    body = reader_over(r.whole);
    TRY(reader_slice(&body, 16, &r.cpu_svn));
    TRY(reader_u32_le(&body, &r.misc_select));
    TRY(reader_skip(&body, 12));
    TRY(reader_slice(&body, 16, &r.extended_product_id));
    TRY(reader_slice(&body, 16, &r.attributes));
    TRY(reader_slice(&body, 32, &r.mrenclave));
    TRY(reader_skip(&body, 32));
    TRY(reader_slice(&body, 32, &r.mrsigner));
    TRY(reader_skip(&body, 32));
    TRY(reader_slice(&body, 64, &r.config_id));
    TRY(reader_u16_le(&body, &r.product_id));
    TRY(reader_u16_le(&body, &r.svn));
    TRY(reader_u16_le(&body, &r.config_svn));
    TRY(reader_skip(&body, 42));
    TRY(reader_slice(&body, 16, &r.family_id));
    TRY(reader_slice(&body, REPORT_DATA_BYTES, &r.report_data));
    struct reader attributes = reader_over(r.attributes);
    TRY(reader_u64_le(&attributes, &r.attribute_flags));
    TRY(reader_u64_le(&attributes, &r.attribute_xfrm));
    *report_out = r;
    return reader_end(&body);
}

static enum status check_kind(uint16_t version, uint16_t key_type, uint32_t tee_type, struct refusal *why)
{
    if (version != VERSION_SGX)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.version", "3, an SGX ECDSA quote", "%u", version);
    if (key_type != KEY_TYPE_ECDSA_P256)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.attestation_key_type", "2, ECDSA P-256", "%u", key_type);
    if (tee_type != TEE_TYPE_SGX)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.reserved", "0, SGX", "%u", (unsigned)tee_type);
    return OK;
}

static enum status read_header(struct reader *reader, struct refusal *why, struct quote *quote)
{
    struct reader header;
    uint16_t version, key_type;
    uint32_t tee_type;
    struct slice vendor_id;
    if (reader_sub(reader, QUOTE_HEADER_BYTES, &header) != OK) return refuse_short(why, "header", reader);
    TRY(reader_u16_le(&header, &version));
    TRY(reader_u16_le(&header, &key_type));
    TRY(reader_u32_le(&header, &tee_type));
    TRY(check_kind(version, key_type, tee_type, why));
    TRY(reader_u16_le(&header, &quote->qe_svn));
    TRY(reader_u16_le(&header, &quote->pce_svn));
    TRY(reader_slice(&header, sizeof(intel_vendor_id), &vendor_id));
    if (!slice_equal(vendor_id, SLICE_ARRAY(intel_vendor_id)))
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.qe_vendor_id", refusal_hex(SLICE_ARRAY(intel_vendor_id)).text,
                      "%s", refusal_hex(vendor_id).text);
    TRY(reader_slice(&header, 20, &quote->user_data));
    return reader_end(&header);
}

/* A length field and the bytes that it counts; what is `exact` must fill the reader. */
static enum status check_length(const char *field, uint64_t seen, uint64_t left, bool exact, struct refusal *why)
{
    if (seen == left || (!exact && seen < left)) return OK;
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%s%llu", exact ? "" : "at most ", (unsigned long long)left);
    const enum status status = exact && seen < left ? ERR_TRAILING_BYTES : ERR_QUOTE_MALFORMED;
    return refuse(why, status, field, expected, "%llu", (unsigned long long)seen);
}

static enum status read_authentication_data(struct reader *reader, struct refusal *why, struct quote *quote)
{
    uint16_t size;
    if (reader_u16_le(reader, &size) != OK) return refuse_short(why, "qe_authentication_data.length", reader);
    TRY(check_length("qe_authentication_data.length", size, reader_left(reader), false, why));
    return reader_slice(reader, size, &quote->qe_authentication_data);
}

static enum status read_certification_data(struct reader *reader, struct refusal *why, struct quote *quote)
{
    uint16_t type;
    uint32_t size;
    if (reader_u16_le(reader, &type) != OK) return refuse_short(why, "certification_data.type", reader);
    if (reader_u32_le(reader, &size) != OK) return refuse_short(why, "certification_data.length", reader);
    if (type < CERTIFICATION_PPID_PLAIN || type > CERTIFICATION_PLATFORM_MANIFEST)
        return refuse(why, ERR_QUOTE_MALFORMED, "certification_data.type", "1 to 7", "%u", type);
    TRY(check_length("certification_data.length", size, reader_left(reader), true, why));
    quote->certification_type = (enum certification_type)type;
    return reader_slice(reader, size, &quote->certification_data);
}

static enum status read_signature_data(struct reader *reader, struct refusal *why, struct quote *quote)
{
    if (reader_slice(reader, QUOTE_SIGNATURE_BYTES, &quote->signature) != OK)
        return refuse_short(why, "signature", reader);
    if (reader_slice(reader, ATTESTATION_KEY_BYTES, &quote->attestation_key) != OK)
        return refuse_short(why, "attestation_key", reader);
    if (read_report(reader, &quote->qe_report) != OK) return refuse_short(why, "qe_report", reader);
    if (reader_slice(reader, QUOTE_SIGNATURE_BYTES, &quote->qe_report_signature) != OK)
        return refuse_short(why, "qe_report_signature", reader);
    TRY(read_authentication_data(reader, why, quote));
    return read_certification_data(reader, why, quote);
}

/* Reads up to the signature data and leaves the reader there. */
static enum status read_signed_part(struct reader *reader, struct refusal *why, struct quote *quote)
{
    const struct slice wire = reader->rest;
    TRY(read_header(reader, why, quote));
    if (read_report(reader, &quote->report) != OK) return refuse_short(why, "report", reader);
    quote->signed_part = slice_part(wire, 0, QUOTE_HEADER_BYTES + REPORT_BODY_BYTES);
    return OK;
}

static enum status check_size(struct slice wire, struct refusal *why)
{
    if (wire.size <= QUOTE_MAX_BYTES) return OK;
    return refuse(why, ERR_TOO_LARGE, "quote", "at most 65536 bytes", "%zu bytes", wire.size);
}

enum status quote_parse(struct slice wire, struct refusal *why, struct quote *quote_out)
{
    TRY(check_size(wire, why));
    struct quote quote = {};
    struct reader reader = reader_over(wire);
    uint32_t size;
    TRY(read_signed_part(&reader, why, &quote));
    if (reader_u32_le(&reader, &size) != OK) return refuse_short(why, "signature_data.length", &reader);
    TRY(check_length("signature_data.length", size, reader_left(&reader), true, why));
    TRY(read_signature_data(&reader, why, &quote));
    *quote_out = quote;
    return OK;
}

enum status quote_without_padding(struct slice wire, struct refusal *why, struct slice *quote_out)
{
    TRY(check_size(wire, why));
    struct quote quote = {};
    struct reader reader = reader_over(wire);
    uint32_t size;
    TRY(read_signed_part(&reader, why, &quote));
    if (reader_u32_le(&reader, &size) != OK) return refuse_short(why, "signature_data.length", &reader);
    TRY(check_length("signature_data.length", size, reader_left(&reader), false, why));
    TRY(reader_skip(&reader, size));
    if (!slice_is_zero(reader.rest))
        return refuse(why, ERR_TRAILING_BYTES, "quote", "only zeros behind the signature data", "%zu other bytes",
                      reader_left(&reader));
    *quote_out = slice_part(wire, 0, wire.size - reader_left(&reader));
    return OK;
}
