/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/intel/quote.h"

#include "base/reader.h"

#include <stdio.h>

enum { VERSION_3 = 3, VERSION_4 = 4, VERSION_5 = 5, KEY_TYPE_ECDSA_P256 = 2, TEE_TYPE_SGX = 0, TEE_TYPE_TDX = 0x81 };

/* Version 5 says in front of the body what it is. */
enum body_type { BODY_SGX = 1, BODY_TD_10 = 2, BODY_TD_15 = 3 };

/* Intel's quoting enclave. */
static const uint8_t intel_vendor_id[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                            0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static enum status refuse_short(struct refusal *why, const char *field, const struct reader *reader)
{
    return refuse(why, ERR_QUOTE_MALFORMED, field, "all bytes that the format has here", "%zu bytes left",
                  reader_left(reader));
}

/* ---- header ---- */

static enum status check_kind(uint16_t version, uint16_t key_type, uint32_t tee_type, struct refusal *why)
{
    if (version < VERSION_3 || version > VERSION_5)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.version", "3, 4 or 5, ECDSA quotes", "%u", version);
    if (key_type != KEY_TYPE_ECDSA_P256)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.attestation_key_type", "2, ECDSA P-256", "%u", key_type);
    if (version == VERSION_3 && tee_type != TEE_TYPE_SGX)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.reserved", "0, SGX", "%u", (unsigned)tee_type);
    if (tee_type != TEE_TYPE_SGX && tee_type != TEE_TYPE_TDX)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.tee_type", "0, SGX, or 129, TDX", "%u", (unsigned)tee_type);
    return OK;
}

/* Bytes 8 to 11 are SVNs of the quoting enclaves in version 3 and mean nothing later; the signed reports have the ones
 * that count. */
static enum status read_header(struct reader *reader, struct refusal *why, struct quote *quote)
{
    struct reader header;
    uint16_t key_type;
    uint32_t tee_type;
    struct slice vendor_id;
    if (reader_sub(reader, QUOTE_HEADER_BYTES, &header) != OK) return refuse_short(why, "header", reader);
    TRY(reader_u16_le(&header, &quote->version));
    TRY(reader_u16_le(&header, &key_type));
    TRY(reader_u32_le(&header, &tee_type));
    TRY(check_kind(quote->version, key_type, tee_type, why));
    quote->tee = tee_type == TEE_TYPE_TDX ? INTEL_TDX : INTEL_SGX;
    TRY(reader_skip(&header, 4));
    TRY(reader_slice(&header, sizeof(intel_vendor_id), &vendor_id));
    if (!slice_equal(vendor_id, SLICE_ARRAY(intel_vendor_id)))
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "header.qe_vendor_id", refusal_hex(SLICE_ARRAY(intel_vendor_id)).text,
                      "%s", refusal_hex(vendor_id).text);
    return reader_slice(&header, QUOTE_USER_DATA_BYTES, &quote->user_data);
}

/* A length field and the bytes that it counts; what is `exact` must fill the reader. */
static enum status check_length(const char *field, uint64_t seen, uint64_t left, bool exact, struct refusal *why)
{
    char expected[64];
    (void)snprintf(expected, sizeof(expected), "%s%llu", exact ? "" : "at most ", (unsigned long long)left);
    if (seen > left) return refuse(why, ERR_QUOTE_MALFORMED, field, expected, "%llu", (unsigned long long)seen);
    if (exact && seen != left)
        return refuse(why, ERR_TRAILING_BYTES, field, expected, "%llu", (unsigned long long)seen);
    return OK;
}

/* ---- body ---- */

static enum status check_body_type(enum intel_tee tee, uint16_t type, uint32_t size, struct refusal *why)
{
    static const uint32_t sizes[] = {
        [BODY_SGX] = REPORT_BODY_BYTES, [BODY_TD_10] = TD_REPORT_10_BYTES, [BODY_TD_15] = TD_REPORT_15_BYTES};
    if (type < BODY_SGX || type > BODY_TD_15)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "body.type", "1, SGX, 2, TD 1.0, or 3, TD 1.5", "%u", type);
    if ((type == BODY_SGX) != (tee == INTEL_SGX))
        return refuse(why, ERR_QUOTE_MALFORMED, "body.type",
                      tee == INTEL_SGX ? "1, as the header says SGX" : "2 or 3, as the header says TDX", "%u", type);
    char expected[16];
    (void)snprintf(expected, sizeof(expected), "%u", (unsigned)sizes[type]);
    if (size != sizes[type]) return refuse(why, ERR_QUOTE_MALFORMED, "body.size", expected, "%u", (unsigned)size);
    return OK;
}

static enum status read_body_type(struct reader *reader, struct refusal *why, const struct quote *quote,
                                  uint16_t *type_out)
{
    uint32_t size;
    *type_out = quote->tee == INTEL_SGX ? BODY_SGX : BODY_TD_10;
    if (quote->version < VERSION_5) return OK;
    if (reader_u16_le(reader, type_out) != OK) return refuse_short(why, "body.type", reader);
    if (reader_u32_le(reader, &size) != OK) return refuse_short(why, "body.size", reader);
    return check_body_type(quote->tee, *type_out, size, why);
}

/* Reads up to the signature data and leaves the reader there. */
static enum status read_signed_part(struct reader *reader, struct refusal *why, struct quote *quote)
{
    const struct slice wire = reader->rest;
    uint16_t type;
    TRY(read_header(reader, why, quote));
    TRY(read_body_type(reader, why, quote, &type));
    const enum status status = type == BODY_SGX ? report_body_read(reader, &quote->report)
                                                : td_report_read(reader, type == BODY_TD_15, &quote->td_report);
    if (status != OK) return refuse_short(why, "report", reader);
    quote->signed_part = slice_part(wire, 0, wire.size - reader_left(reader));
    return OK;
}

/* ---- signature data ---- */

static enum status read_authentication_data(struct reader *reader, struct refusal *why, struct quote *quote)
{
    uint16_t size;
    if (reader_u16_le(reader, &size) != OK) return refuse_short(why, "qe_authentication_data.length", reader);
    TRY(check_length("qe_authentication_data.length", size, reader_left(reader), false, why));
    return reader_slice(reader, size, &quote->qe_authentication_data);
}

/* Type and length of certification data that fills the reader. */
static enum status read_certification_head(struct reader *reader, struct refusal *why, uint16_t *type_out)
{
    uint32_t size;
    if (reader_u16_le(reader, type_out) != OK) return refuse_short(why, "certification_data.type", reader);
    if (reader_u32_le(reader, &size) != OK) return refuse_short(why, "certification_data.length", reader);
    return check_length("certification_data.length", size, reader_left(reader), true, why);
}

static enum status read_qe_part(struct reader *reader, struct refusal *why, struct quote *quote)
{
    uint16_t type;
    if (report_body_read(reader, &quote->qe_report) != OK) return refuse_short(why, "qe_report", reader);
    if (reader_slice(reader, QUOTE_SIGNATURE_BYTES, &quote->qe_report_signature) != OK)
        return refuse_short(why, "qe_report_signature", reader);
    TRY(read_authentication_data(reader, why, quote));
    TRY(read_certification_head(reader, why, &type));
    if (type < CERTIFICATION_PPID_PLAIN || type > CERTIFICATION_PCK_CHAIN)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "certification_data.type", "1 to 5", "%u", type);
    quote->certification_type = (enum certification_type)type;
    quote->certification_data = reader->rest;
    return OK;
}

static enum status read_signature_data(struct reader *reader, struct refusal *why, struct quote *quote)
{
    uint16_t type;
    if (reader_slice(reader, QUOTE_SIGNATURE_BYTES, &quote->signature) != OK)
        return refuse_short(why, "signature", reader);
    if (reader_slice(reader, ATTESTATION_KEY_BYTES, &quote->attestation_key) != OK)
        return refuse_short(why, "attestation_key", reader);
    if (quote->version == VERSION_3) return read_qe_part(reader, why, quote);
    TRY(read_certification_head(reader, why, &type));
    if (type != CERTIFICATION_QE_REPORT)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "certification_data.type",
                      "6, the quoting enclave's report, in versions 4 and 5", "%u", type);
    return read_qe_part(reader, why, quote);
}

/* ---- the whole ---- */

/* The signed part and the length behind it, which must be at most what is left, or all of it. */
static enum status read_to_signature_data(struct reader *reader, bool exact, struct refusal *why, struct quote *quote,
                                          uint32_t *size_out)
{
    if (reader_left(reader) > QUOTE_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "quote", "at most 65536 bytes", "%zu bytes", reader_left(reader));
    TRY(read_signed_part(reader, why, quote));
    if (reader_u32_le(reader, size_out) != OK) return refuse_short(why, "signature_data.length", reader);
    return check_length("signature_data.length", *size_out, reader_left(reader), exact, why);
}

enum status quote_parse(struct slice wire, struct refusal *why, struct quote *quote_out)
{
    struct quote quote = {};
    struct reader reader = reader_over(wire);
    uint32_t size;
    TRY(read_to_signature_data(&reader, true, why, &quote, &size));
    TRY(read_signature_data(&reader, why, &quote));
    *quote_out = quote;
    return OK;
}

enum status quote_split(struct slice wire, struct refusal *why, struct slice *quote_out, struct slice *rest_out)
{
    struct quote quote = {};
    struct reader reader = reader_over(wire);
    uint32_t size;
    TRY(read_to_signature_data(&reader, false, why, &quote, &size));
    TRY(reader_skip(&reader, size));
    *quote_out = slice_part(wire, 0, wire.size - reader_left(&reader));
    *rest_out = reader.rest;
    return OK;
}

enum status quote_without_padding(struct slice wire, struct refusal *why, struct slice *quote_out)
{
    struct slice quote, rest;
    TRY(quote_split(wire, why, &quote, &rest));
    if (!slice_is_zero(rest))
        return refuse(why, ERR_TRAILING_BYTES, "quote", "only zeros behind the signature data", "%zu other bytes",
                      rest.size);
    *quote_out = quote;
    return OK;
}
