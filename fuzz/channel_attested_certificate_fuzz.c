/* SPDX-License-Identifier: Apache-2.0
 * Hits attested_certificate_read. */
#include "channel/attested_certificate.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(attested_certificate_done) struct attested_certificate certificate = {};
    if (attested_certificate_read(slice_of(bytes, size), NULL, &certificate) != OK) return 0;
    if (certificate.key == NULL || key_kind(certificate.key) != KEY_P256 || key_is_private(certificate.key)) abort();
    if (certificate.token.size == 0 || certificate.token.size > TOKEN_MAX_BYTES) abort();
    return 0;
}
