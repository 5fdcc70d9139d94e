/* SPDX-License-Identifier: Apache-2.0
 * Hits snp_report_parse, snp_report_facts. */
#include "evidence/amd/report.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = 0;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice input = slice_of(bytes, size);
    struct refusal why = {};
    struct snp_report report;
    struct snp_report_facts facts;
    const enum status status = snp_report_parse(input, &why, &report);
    if (status != snp_report_facts(input, NULL, &facts)) abort();
    if (status != OK) {
        if (why.status != status || why.field[0] == '\0' || why.expected[0] == '\0') abort();
        return 0;
    }
    if (report.measurement.bytes != bytes + 0x90 || report.signed_part.size != SNP_SIGNED_BYTES) abort();
    if (facts.has_chip_id && facts.chip_id_size != SNP_CHIP_ID_BYTES && facts.product != SNP_TURIN) abort();
    return 0;
}
