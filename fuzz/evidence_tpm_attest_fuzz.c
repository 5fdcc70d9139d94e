/* SPDX-License-Identifier: Apache-2.0
 * Hits tpm_attest_parse and what tpm_quote_verify does behind a good signature: every input is signed. */
#include "evidence/tpm.h"
#include "evidence/tpm/attest.h"
#include "fuzz.h"
#include "parts.h"

const size_t fuzz_allocation_max = TPM_ATTEST_MAX_BYTES;

static void sign(const struct key *key, struct slice message, struct buffer *signature)
{
    CLEANUP(buffer_done) struct buffer raw = buffer_of_maximum(P256_SIGNATURE_BYTES);
    const struct slice bytes = slice_of("\x00\x18\x00\x0b\x00\x20", 6);
    must(key_sign(key, message, &raw));
    must(buffer_append(signature, bytes));
    must(buffer_append(signature, slice_part(buffer_slice(&raw), 0, 32)));
    must(buffer_append_u16(signature, 32));
    must(buffer_append(signature, slice_part(buffer_slice(&raw), 32, 32)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct key *key;
    if (key == NULL) key = fixed_p256(7);
    const struct slice input = slice_of(bytes, size);
    struct tpm_attest attest;
    struct refusal why = {};
    if (tpm_attest_parse(input, &why, &attest) != OK) {
        if (why.field[0] == '\0' || why.expected[0] == '\0') abort();
        return 0;
    }
    if (attest.selection == 0 || attest.selection >> TPM_PCR_COUNT != 0) abort();
    CLEANUP(buffer_done) struct buffer signature = buffer_of_maximum(TPM_SIGNATURE_MAX_BYTES);
    sign(key, attest.whole, &signature);
    const struct tpm_quote quote = {.attest = input, .signature = buffer_slice(&signature), .key = key};
    struct tpm_claims claims;
    const enum status status = tpm_quote_verify(&quote, &why, &claims);
    /* Only the digest's size is left to be wrong. */
    if ((status == OK) != (attest.pcr_digest.size == SHA256_BYTES)) abort();
    if (status == OK && !slice_equal(attest.extra_data, slice_of(claims.extra_data, claims.extra_data_size))) abort();
    return 0;
}
