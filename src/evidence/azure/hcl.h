/* SPDX-License-Identifier: Apache-2.0
 *
 * The HCL report, as the paravisor keeps it in NV index 0x01400001 of the vTPM: a header, the hardware's report and the
 * runtime data that it binds. Little endian (offsets: Azure's confidential VM guest attestation, struct
 * AttestationReport).
 */
#pragma once

#include "base/refusal.h"
#include "crypto/hash.h"
#include "evidence/azure.h"

/* Borrowed from the report. */
struct hcl_report {
    enum azure_isolation isolation;
    struct slice hardware_report; /* AMD's report (1184 bytes), or Intel's TDREPORT (1024) */
    enum hash hash;               /* of the runtime data, in the hardware report's data */
    struct slice runtime_data;    /* JSON */
};

/* Bytes behind the report are the rest of the NV index and must be zeros. ERR_AZURE_REPORT, ERR_TRAILING_BYTES,
 * ERR_TOO_LARGE. */
enum status hcl_report_parse(struct slice bytes, struct refusal *why, struct hcl_report *report_out);

/* Whether report data (64 bytes) are the digest of the runtime data and zeros. ERR_REPORT_DATA. */
enum status hcl_check_binding(const struct hcl_report *report, struct slice report_data, struct refusal *why);
