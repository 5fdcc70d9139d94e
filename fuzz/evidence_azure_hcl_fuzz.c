/* SPDX-License-Identifier: Apache-2.0
 * Hits azure_report_facts, runtime_data_read, hcl_check_binding, td_report_check. */
#include "evidence/azure/hcl.h"
#include "evidence/azure/runtime_data.h"
#include "evidence/azure/td_report.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

const size_t fuzz_allocation_max = (size_t)FUZZ_JSON_GROWTH * HCL_RUNTIME_DATA_MAX_BYTES;

static void look_inside(const struct hcl_report *report)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    struct azure_claims claims = {};
    struct refusal why = {};
    uint8_t data[64] = {};
    const enum status status = runtime_data_read(report->runtime_data, &why, &claims, &key);
    if (status != OK && status != ERR_NO_MEMORY && (status != ERR_AZURE_REPORT || why.field[0] == '\0')) abort();
    if (status == OK && (key_kind(key) != KEY_RSA || strlen(claims.vm_id) > AZURE_VM_ID_MAX_BYTES)) abort();
    if (hcl_check_binding(report, SLICE_ARRAY(data), &why) == OK) abort();
    static const struct tdx_claims zeros;
    if (report->isolation == AZURE_TDX) (void)td_report_check(report->hardware_report, &zeros, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct hcl_report report;
    struct refusal why = {};
    const enum status status = hcl_report_parse(slice_of(bytes, size), &why, &report);
    if (status != OK && why.field[0] == '\0') abort();
    if (status == OK) look_inside(&report);
    /* The runtime data alone, without a report around them. */
    report = (struct hcl_report){.hash = HASH_SHA256, .runtime_data = slice_of(bytes, size)};
    if (size > 0 && bytes[0] == '{') look_inside(&report);
    return 0;
}
