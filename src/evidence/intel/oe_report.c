/* SPDX-License-Identifier: Apache-2.0 */
#include "base/reader.h"
#include "evidence/intel.h"

#include <stdio.h>

/* oe_report_header (reference: evidence-formats section 14.1). A bare quote begins with version 3, not 1. */
enum { OE_REPORT_VERSION = 1, OE_REPORT_LOCAL = 1, OE_REPORT_REMOTE = 2 };

bool oe_report_is_likely(struct slice bytes)
{
    static const uint8_t version[] = {OE_REPORT_VERSION, 0, 0, 0};
    return slice_starts_with(bytes, SLICE_ARRAY(version));
}

static enum status check_size(uint64_t size, size_t left, struct refusal *why)
{
    if (size == left) return OK;
    char expected[32];
    (void)snprintf(expected, sizeof(expected), "%zu", left);
    return refuse(why, size < left ? ERR_TRAILING_BYTES : ERR_QUOTE_MALFORMED, "oe_report.report_size", expected,
                  "%llu", (unsigned long long)size);
}

enum status oe_report_quote(struct slice report, struct refusal *why, struct slice *quote_out)
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
    TRY(check_size(size, reader_left(&reader), why));
    *quote_out = reader.rest;
    return OK;
}
