/* SPDX-License-Identifier: Apache-2.0
 * Hits tpm_event_log_replay. The first byte chooses the bank. */
#include "crypto/hash.h"
#include "evidence/tpm.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = 0; /* what is replayed is not kept */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const enum tpm_hash banks[] = {TPM_HASH_SHA1, TPM_HASH_SHA256, TPM_HASH_SHA384, TPM_HASH_SHA512};
    if (size == 0) return 0;
    struct tpm_pcrs pcrs;
    struct refusal why = {};
    const enum status status = tpm_event_log_replay(slice_of(bytes + 1, size - 1), banks[bytes[0] % 4], &why, &pcrs);
    if (status == OK && (pcrs.known >> TPM_PCR_COUNT != 0 || pcrs.hash != banks[bytes[0] % 4])) abort();
    if (status != OK && (status != ERR_TPM_EVENT_LOG || why.field[0] == '\0')) abort();
    return 0;
}
