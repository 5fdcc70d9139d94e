/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/azure/hcl.h"

#include "base/reader.h"
#include "evidence/azure/td_report.h"

enum {
    HEADER_BYTES = 32,
    HARDWARE_AREA_BYTES = SNP_REPORT_BYTES, /* the larger of the two; a TDREPORT is filled up with zeros */
    RUNTIME_HEADER_BYTES = 20,
    RUNTIME_AT = HEADER_BYTES + HARDWARE_AREA_BYTES,
    REQUEST_REPORT = 2,
    RUNTIME_VERSION = 1,
    REPORT_SNP = 2,
    REPORT_TDX = 4,
    REPORT_DATA_BYTES = 64,
};

struct header {
    uint32_t version, report_size, request_type, status;
};

struct runtime_header {
    uint32_t data_size, version, report_type, hash_type, size;
};

static enum status refuse_number(struct refusal *why, const char *field, const char *expected, uint32_t seen)
{
    return refuse(why, ERR_AZURE_REPORT, field, expected, "%u", (unsigned)seen);
}

static enum status check_header(const struct header *header, struct refusal *why)
{
    if (header->version != 1 && header->version != 2)
        return refuse_number(why, "hcl_report.version", "1 or 2", header->version);
    if (header->request_type != REQUEST_REPORT)
        return refuse_number(why, "hcl_report.request_type", "2, a report", header->request_type);
    if (header->status != 0) return refuse_number(why, "hcl_report.status", "0, success", header->status);
    return OK;
}

static enum status read_header(struct reader *reader, struct refusal *why, struct header *header)
{
    static const char signature[4] = {'H', 'C', 'L', 'A'};
    struct slice seen;
    TRY(reader_slice(reader, sizeof(signature), &seen));
    if (!slice_equal(seen, SLICE_ARRAY(signature)))
        return refuse(why, ERR_AZURE_REPORT, "hcl_report.signature", "HCLA", "%s", refusal_hex(seen).text);
    TRY(reader_u32_le(reader, &header->version));
    TRY(reader_u32_le(reader, &header->report_size));
    TRY(reader_u32_le(reader, &header->request_type));
    TRY(reader_u32_le(reader, &header->status));
    TRY(reader_skip(reader, 12)); /* reserved */
    return check_header(header, why);
}

static enum status read_runtime_header(struct reader *reader, struct refusal *why, struct runtime_header *header)
{
    TRY(reader_u32_le(reader, &header->data_size));
    TRY(reader_u32_le(reader, &header->version));
    TRY(reader_u32_le(reader, &header->report_type));
    TRY(reader_u32_le(reader, &header->hash_type));
    TRY(reader_u32_le(reader, &header->size));
    if (header->version != RUNTIME_VERSION)
        return refuse_number(why, "hcl_report.runtime_data.version", "1", header->version);
    return OK;
}

/* Three lengths say the same thing, and the file must hold it. */
static enum status check_sizes(const struct header *header, const struct runtime_header *runtime, size_t left,
                               struct refusal *why)
{
    if (runtime->size > HCL_RUNTIME_DATA_MAX_BYTES)
        return refuse_number(why, "hcl_report.runtime_data.length", "at most 32768", runtime->size);
    if (runtime->data_size != RUNTIME_HEADER_BYTES + runtime->size)
        return refuse_number(why, "hcl_report.runtime_data.size", "its header and the length of the data",
                             runtime->data_size);
    if (header->report_size != RUNTIME_AT + runtime->data_size)
        return refuse_number(why, "hcl_report.report_size", "all parts together", header->report_size);
    if (runtime->size > left)
        return refuse(why, ERR_AZURE_REPORT, "hcl_report.runtime_data.length", "at most the bytes that are left",
                      "%u, and %zu bytes", (unsigned)runtime->size, left);
    return OK;
}

static enum status take_hardware_report(uint32_t type, struct slice area, struct refusal *why,
                                        struct hcl_report *report)
{
    if (type == REPORT_SNP) {
        report->isolation = AZURE_SNP;
        report->hardware_report = area;
        return OK;
    }
    if (type != REPORT_TDX) return refuse_number(why, "hcl_report.report_type", "2 (SEV-SNP) or 4 (TDX)", type);
    report->isolation = AZURE_TDX;
    report->hardware_report = slice_part(area, 0, TD_REPORT_BYTES);
    if (slice_is_zero(slice_part(area, TD_REPORT_BYTES, area.size))) return OK;
    return refuse(why, ERR_TRAILING_BYTES, "hcl_report.hardware_report", "zeros behind the TDREPORT", "other bytes");
}

static enum status take_hash(uint32_t type, struct refusal *why, struct hcl_report *report)
{
    static const enum hash hashes[] = {HASH_SHA256, HASH_SHA384, HASH_SHA512};
    if (type < 1 || type > 3)
        return refuse_number(why, "hcl_report.hash_type", "1 (SHA-256), 2 (SHA-384) or 3 (SHA-512)", type);
    report->hash = hashes[type - 1];
    return OK;
}

static enum status check_bounds(struct slice bytes, struct refusal *why)
{
    if (bytes.size > HCL_REPORT_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "hcl_report", "at most 65536 bytes", "%zu bytes", bytes.size);
    if (bytes.size < RUNTIME_AT + RUNTIME_HEADER_BYTES)
        return refuse(why, ERR_AZURE_REPORT, "hcl_report", "at least 1236 bytes", "%zu bytes", bytes.size);
    return OK;
}

enum status hcl_report_parse(struct slice bytes, struct refusal *why, struct hcl_report *report_out)
{
    TRY(check_bounds(bytes, why));
    struct hcl_report report = {};
    struct reader reader = reader_over(bytes);
    struct header header;
    struct runtime_header runtime;
    struct slice area;
    TRY(read_header(&reader, why, &header));
    TRY(reader_slice(&reader, HARDWARE_AREA_BYTES, &area));
    TRY(read_runtime_header(&reader, why, &runtime));
    TRY(check_sizes(&header, &runtime, reader_left(&reader), why));
    TRY(take_hardware_report(runtime.report_type, area, why, &report));
    TRY(take_hash(runtime.hash_type, why, &report));
    TRY(reader_slice(&reader, runtime.size, &report.runtime_data));
    if (!slice_is_zero(reader.rest))
        return refuse(why, ERR_TRAILING_BYTES, "hcl_report", "zeros behind the report", "%zu other bytes",
                      reader_left(&reader));
    *report_out = report;
    return OK;
}

enum status hcl_check_binding(const struct hcl_report *report, struct slice report_data, struct refusal *why)
{
    uint8_t expected[REPORT_DATA_BYTES] = {};
    TRY(hash_parts(report->hash, &report->runtime_data, 1, expected));
    if (slice_equal(report_data, SLICE_ARRAY(expected))) return OK;
    return refuse(why, ERR_REPORT_DATA, "hcl_report.runtime_data", refusal_hex(SLICE_ARRAY(expected)).text, "%s",
                  refusal_hex(report_data).text);
}
