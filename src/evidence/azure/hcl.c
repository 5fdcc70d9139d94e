/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/azure/hcl.h"

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

static uint32_t number_at(struct slice bytes, size_t at)
{
    return (uint32_t)slice_number_le(slice_part(bytes, at, 4));
}

static enum status check_signature(struct slice bytes, struct refusal *why)
{
    static const char signature[4] = {'H', 'C', 'L', 'A'};
    if (slice_starts_with(bytes, SLICE_ARRAY(signature))) return OK;
    return refuse(why, ERR_AZURE_REPORT, "hcl_report.signature", "HCLA", "%s",
                  refusal_hex(slice_part(bytes, 0, sizeof(signature))).text);
}

/* 12 reserved bytes follow. */
static struct header header_of(struct slice bytes)
{
    return (struct header){.version = number_at(bytes, 4),
                           .report_size = number_at(bytes, 8),
                           .request_type = number_at(bytes, 12),
                           .status = number_at(bytes, 16)};
}

static struct runtime_header runtime_header_of(struct slice bytes)
{
    return (struct runtime_header){.data_size = number_at(bytes, RUNTIME_AT),
                                   .version = number_at(bytes, RUNTIME_AT + 4),
                                   .report_type = number_at(bytes, RUNTIME_AT + 8),
                                   .hash_type = number_at(bytes, RUNTIME_AT + 12),
                                   .size = number_at(bytes, RUNTIME_AT + 16)};
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
    const struct header header = header_of(bytes);
    const struct runtime_header runtime = runtime_header_of(bytes);
    const struct slice data = slice_part(bytes, RUNTIME_AT + RUNTIME_HEADER_BYTES, bytes.size);
    TRY(check_signature(bytes, why));
    TRY(check_header(&header, why));
    if (runtime.version != RUNTIME_VERSION)
        return refuse_number(why, "hcl_report.runtime_data.version", "1", runtime.version);
    TRY(check_sizes(&header, &runtime, data.size, why));
    TRY(take_hardware_report(runtime.report_type, slice_part(bytes, HEADER_BYTES, HARDWARE_AREA_BYTES), why, &report));
    TRY(take_hash(runtime.hash_type, why, &report));
    report.runtime_data = slice_part(data, 0, runtime.size);
    if (!slice_is_zero(slice_part(data, runtime.size, data.size)))
        return refuse(why, ERR_TRAILING_BYTES, "hcl_report", "zeros behind the report", "%zu bytes, not all zero",
                      data.size - runtime.size);
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
