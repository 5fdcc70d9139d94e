/* SPDX-License-Identifier: Apache-2.0
 * Hits key_parcel_open: what strangers may post to a locked platform. */
#include "fuzz.h"
#include "records/key_parcel.h"
#include "records/sealed.h"

#include <stdlib.h>

/* Test keys, of use to nobody. */
static const uint8_t enclave_bytes[X25519_BYTES] = {1, 2, 3}, recovery_bytes[X25519_BYTES] = {4, 5, 6};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(key_cleanup) struct key *enclave = NULL, *recovery = NULL;
    CLEANUP(json_done) json_t *parcel = NULL;
    CLEANUP(secret_done) struct secret master = {};
    if (key_private_from_x25519(SLICE_ARRAY(enclave_bytes), &enclave) != OK) abort();
    if (key_private_from_x25519(SLICE_ARRAY(recovery_bytes), &recovery) != OK) abort();
    if (json_parse(slice_of(bytes, size), KEY_PARCEL_MAX_BYTES, NULL, &parcel) != OK) return 0;
    const struct key_parcel_route route = {.purpose = KEY_PARCEL_RECOVERY,
                                           .deployment = SLICE_LITERAL("deployment"),
                                           .recipient = enclave,
                                           .author = recovery};
    struct refusal why = {};
    const enum status status = key_parcel_open(&route, parcel, &why, &master);
    if (status == OK && master.size != MASTER_KEY_BYTES) abort();
    if (status != OK && why.status != status) abort();
    return 0;
}
