/* SPDX-License-Identifier: Apache-2.0
 * Hits tpm_pcrs_read, tpm_pcrs_read_quoted. Four bytes are the bank and the PCRs that a quote selects. */
#include "evidence/tpm.h"
#include "fuzz.h"
#include "parts.h"

const size_t fuzz_allocation_max = TPM_PCR_FILE_MAX_BYTES;

static const enum tpm_hash banks[] = {TPM_HASH_SHA1, TPM_HASH_SHA256, TPM_HASH_SHA384, TPM_HASH_SHA512};

/* TPMS_ATTEST without nonce and with a digest of nothing. */
static void write_attest(uint16_t bank, struct slice selection, struct buffer *attest)
{
    static const uint8_t name[34] = {0x00, 0x0b}, clock[25] = {};
    must(buffer_append(attest, slice_of("\xff\x54\x43\x47\x80\x18\x00\x22", 8)));
    must(buffer_append(attest, SLICE_ARRAY(name)));
    must(buffer_append_u16(attest, 0));
    must(buffer_append(attest, SLICE_ARRAY(clock)));
    must(buffer_append_u32(attest, 1));
    must(buffer_append_u16(attest, bank));
    must(buffer_append_u8(attest, 3));
    must(buffer_append(attest, selection));
    must(buffer_append_u16(attest, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 4) return 0;
    const enum tpm_hash bank = banks[bytes[0] % 4];
    const struct slice file = slice_of(bytes + 4, size - 4);
    CLEANUP(buffer_done) struct buffer attest = buffer_of_maximum(TPM_ATTEST_MAX_BYTES);
    struct tpm_pcrs pcrs, quoted;
    struct refusal why = {};
    write_attest((uint16_t)bank, slice_of(bytes + 1, 3), &attest);
    const enum status status = tpm_pcrs_read(file, bank, &why, &pcrs);
    if (status != OK && (status != ERR_TPM_PCR || why.field[0] == '\0')) abort();
    if (tpm_pcrs_read_quoted(file, buffer_slice(&attest), &why, &quoted) != OK) {
        /* What is read alone is also read for a quote, but for one of nothing. */
        if (status == OK && !slice_is_zero(slice_of(bytes + 1, 3))) abort();
        return 0;
    }
    /* A file may select no PCR: it is refused when the quoted ones are looked for in it. */
    if (quoted.hash != bank || quoted.known >> TPM_PCR_COUNT != 0) abort();
    return 0;
}
