/* SPDX-License-Identifier: Apache-2.0
 * Hits master_key_open, master_key_recover, master_key_check. */
#include "fuzz.h"
#include "records/master_key.h"

#include <stdlib.h>

/* The private half of the recovery key with which the corpus was made: a test key, of use to nobody. */
static const uint8_t recovery_bytes[X25519_BYTES] = {1, 2, 3};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice text = slice_of(bytes, size);
    CLEANUP(key_cleanup) struct key *recovery = NULL;
    CLEANUP(secret_done) struct secret sealing = {}, opened = {}, recovered = {};
    if (key_private_from_x25519(SLICE_ARRAY(recovery_bytes), &recovery) != OK) abort();
    if (secret_copy(SLICE_LITERAL("0123456789abcdef0123456789abcdef"), &sealing) != OK) abort();
    const struct master_key_wrapping to = {
        .deployment = SLICE_LITERAL("deployment"), .sealing_key = &sealing, .recovery = recovery};
    struct refusal why = {};
    const enum status status = master_key_open(text, &to, &why, &opened);
    if (status == OK && opened.size != MASTER_KEY_BYTES) abort();
    if (status != OK && status != ERR_STORE_LOCKED && status != ERR_STORE_CORRUPT) abort();
    const enum status by_recovery = master_key_recover(text, recovery, &why, &recovered);
    if (by_recovery != OK && by_recovery != ERR_STORE_LOCKED && by_recovery != ERR_STORE_CORRUPT) abort();
    if (by_recovery == OK && master_key_check(text, secret_slice(&recovered), &why) != OK) abort();
    return 0;
}
