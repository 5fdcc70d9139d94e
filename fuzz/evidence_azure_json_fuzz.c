/* SPDX-License-Identifier: Apache-2.0
 * Hits azure_evidence_json, tpm_evidence_json. */
#include "evidence/azure.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = (size_t)FUZZ_JSON_GROWTH * AZURE_EVIDENCE_JSON_MAX_BYTES;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice input = slice_of(bytes, size);
    struct azure_evidence_text azure = {};
    struct tpm_evidence tpm = {};
    struct refusal why = {};
    if (azure_evidence_json(input, &why, &azure) != OK && why.field[0] == '\0') abort();
    if (azure.evidence.tpm.key != NULL || azure.hcl_report.size > HCL_REPORT_MAX_BYTES) abort();
    azure_evidence_text_done(&azure);
    if (tpm_evidence_json(input, &why, &tpm) != OK && why.field[0] == '\0') abort();
    if (tpm.quote.key != NULL) abort();
    tpm_evidence_done(&tpm);
    return 0;
}
