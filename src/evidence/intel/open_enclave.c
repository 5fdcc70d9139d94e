/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"
#include "evidence/intel/quote.h"

#include <stdio.h>
#include <string.h>

/* The first 32 bits of every wrapper. A bare quote has its version and key type there, 0x00020003 and so on. */
enum { OE_REPORT_VERSION = 1, OE_ATTESTATION_VERSION = 3 };
enum { OE_REPORT_LOCAL = 1, OE_REPORT_REMOTE = 2, OE_UUID_BYTES = 16 };

static const struct format {
    const char *uuid, *name;
    enum oe_form form; /* OE_BARE_QUOTE: not supported */
} formats[] = {
    {"a3a21e871b4d4014b70aa125d2fbcd8c", "SGX_ECDSA", OE_EVIDENCE_SGX_ECDSA},
    {"c8303454d9234c2ca691df7def450a76", "LEGACY_REPORT_REMOTE", OE_EVIDENCE_LEGACY_REPORT},
    {"1923d91e12d24c72b22025cd8dace871", "RAW_SGX_QUOTE_ECDSA", OE_EVIDENCE_SGX_QUOTE},
    {"8ba70286c1cf11edafa10242ac120002", "TDX_QUOTE_ECDSA", OE_EVIDENCE_TDX_QUOTE},
    {"09268c336e0b45e58a2715644d0ef89a", "SGX_LOCAL_ATTESTATION, which only its own machine can check", OE_BARE_QUOTE},
    {"f228aa3fde4d49d3884cb2aa87a50da6", "SGX_EPID_LINKABLE", OE_BARE_QUOTE},
    {"5c35d290a2c24c559e135ad732746c88", "SGX_EPID_UNLINKABLE", OE_BARE_QUOTE},
    {"170494a6ab2347988c38351cb0b6af0a", "SGX_EEID_ECDSA_P256", OE_BARE_QUOTE},
};

static uint32_t first_word(struct slice bytes)
{
    struct reader reader = reader_over(bytes);
    uint32_t word = 0;
    (void)reader_u32_le(&reader, &word); /* fewer bytes are no wrapper's */
    return word;
}

bool oe_evidence_is_wrapped(struct slice bytes)
{
    const uint32_t word = first_word(bytes);
    return word == OE_REPORT_VERSION || word == OE_ATTESTATION_VERSION;
}

static enum status check_size(const char *field, uint64_t size, size_t left, struct refusal *why)
{
    char expected[32];
    (void)snprintf(expected, sizeof(expected), "%zu", left);
    if (size > left) return refuse(why, ERR_QUOTE_MALFORMED, field, expected, "%llu", (unsigned long long)size);
    if (size != left) return refuse(why, ERR_TRAILING_BYTES, field, expected, "%llu", (unsigned long long)size);
    return OK;
}

/* ---- reports ---- */

static enum status open_report(struct slice report, struct refusal *why, struct slice *quote_out)
{
    struct reader reader = reader_over(report);
    uint32_t version, type;
    uint64_t size;
    if (reader_u32_le(&reader, &version) != OK || reader_u32_le(&reader, &type) != OK ||
        reader_u64_le(&reader, &size) != OK)
        return refuse(why, ERR_QUOTE_MALFORMED, "oe_report", "a header of 16 bytes", "%zu bytes", report.size);
    if (version != OE_REPORT_VERSION)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "oe_report.version", "1", "%u", (unsigned)version);
    if (type == OE_REPORT_LOCAL)
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "oe_report.type", "2, a remote report",
                      "1, a local report that only its own machine can check");
    if (type != OE_REPORT_REMOTE)
        return refuse(why, ERR_QUOTE_MALFORMED, "oe_report.type", "2, a remote report", "%u", (unsigned)type);
    TRY(check_size("oe_report.report_size", size, reader_left(&reader), why));
    *quote_out = reader.rest;
    return OK;
}

/* ---- evidence of plug-ins ---- */

static enum status find_form(struct slice uuid, struct refusal *why, enum oe_form *form_out)
{
    static const char expected[] = "SGX_ECDSA, LEGACY_REPORT_REMOTE, RAW_SGX_QUOTE_ECDSA or TDX_QUOTE_ECDSA";
    const struct refusal_hex seen = refusal_hex(uuid);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(formats[i].uuid, seen.text) != 0) continue;
        *form_out = formats[i].form;
        if (formats[i].form != OE_BARE_QUOTE) return OK;
        return refuse(why, ERR_QUOTE_UNSUPPORTED, "oe_evidence.format_id", expected, "%s", formats[i].name);
    }
    return refuse(why, ERR_QUOTE_UNSUPPORTED, "oe_evidence.format_id", expected, "%s", seen.text);
}

static enum status open_data(struct slice data, struct refusal *why, struct oe_evidence *evidence)
{
    switch (evidence->form) {
    case OE_EVIDENCE_LEGACY_REPORT: return open_report(data, why, &evidence->quote);
    case OE_EVIDENCE_SGX_ECDSA:
        evidence->has_claims = true;
        return quote_split(data, why, &evidence->quote, &evidence->claims);
    default: evidence->quote = data; return OK;
    }
}

static enum status open_attestation(struct slice bytes, struct refusal *why, struct oe_evidence *evidence)
{
    struct reader reader = reader_over(bytes);
    struct slice uuid;
    uint32_t version;
    uint64_t size;
    if (reader_u32_le(&reader, &version) != OK || reader_slice(&reader, OE_UUID_BYTES, &uuid) != OK ||
        reader_u64_le(&reader, &size) != OK)
        return refuse(why, ERR_QUOTE_MALFORMED, "oe_evidence", "a header of 28 bytes", "%zu bytes", bytes.size);
    TRY(find_form(uuid, why, &evidence->form));
    TRY(check_size("oe_evidence.data_size", size, reader_left(&reader), why));
    if (evidence->form == OE_EVIDENCE_TDX_QUOTE) evidence->tee = INTEL_TDX;
    return open_data(reader.rest, why, evidence);
}

enum status oe_evidence_open(struct slice bytes, struct refusal *why, struct oe_evidence *evidence_out)
{
    struct oe_evidence evidence = {.form = OE_BARE_QUOTE, .quote = bytes};
    switch (first_word(bytes)) {
    case OE_REPORT_VERSION:
        evidence.form = OE_REPORT;
        TRY(open_report(bytes, why, &evidence.quote));
        break;
    case OE_ATTESTATION_VERSION: TRY(open_attestation(bytes, why, &evidence)); break;
    default: break;
    }
    *evidence_out = evidence;
    return OK;
}

enum status oe_claims_check(const struct oe_evidence *evidence, const uint8_t report_data[static REPORT_DATA_BYTES],
                            struct refusal *why)
{
    const struct slice seen = slice_of(report_data, REPORT_DATA_BYTES);
    uint8_t expected[REPORT_DATA_BYTES] = {};
    if (!evidence->has_claims) return OK;
    TRY(sha256(evidence->claims, expected));
    if (slice_equal(seen, SLICE_ARRAY(expected))) return OK;
    return refuse(why, ERR_REPORT_DATA, "oe_evidence.custom_claims", refusal_hex(SLICE_ARRAY(expected)).text, "%s",
                  refusal_hex(seen).text);
}
