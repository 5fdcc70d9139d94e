/* SPDX-License-Identifier: Apache-2.0
 * Hits crl_from_der_or_pem, crl_lists. */
#include "crypto/x509.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    if (crl_from_der_or_pem(slice_of(bytes, size), &crl) != OK) return 0;
    (void)crl_lists(crl, slice_part(slice_of(bytes, size), 0, CERTIFICATE_SERIAL_MAX_BYTES));
    if (crl_der(crl).size > CRL_MAX_BYTES) abort();
    return 0;
}
