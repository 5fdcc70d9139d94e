/* SPDX-License-Identifier: Apache-2.0
 * Hits crl_from_der_or_pem, and everything that is asked of a list. */
#include "crypto/x509.h"
#include "fuzz.h"
#include "parts.h"

const size_t fuzz_allocation_max = CRL_MAX_BYTES;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(crl_cleanup) struct crl *crl = NULL;
    if (crl_from_der_or_pem(slice_of(bytes, size), &crl) != OK) return 0;
    (void)crl_lists(crl, slice_part(slice_of(bytes, size), 0, CERTIFICATE_SERIAL_MAX_BYTES));
    const struct slice der = crl_der(crl), issuer = crl_issuer_der(crl);
    if (der.size > CRL_MAX_BYTES || issuer.bytes < der.bytes || issuer.bytes + issuer.size > der.bytes + der.size)
        abort();
    static struct key *key;
    if (key == NULL) key = fixed_p256(1);
    (void)(crl_next_update_s(crl) < crl_this_update_s(crl));
    (void)crl_has_unknown_critical_extension(crl);
    (void)!crl_verify_signature(crl, key);
    return 0;
}
