/* SPDX-License-Identifier: Apache-2.0
 * Hits certificate_from_der, certificate_list_from_pem, certificate_extension. */
#include "crypto/x509.h"
#include "fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct slice input = slice_of(bytes, size);
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    if (certificate_list_from_pem(input, &list) == OK && (list.count == 0 || list.count > CERTIFICATE_CHAIN_MAX_COUNT))
        abort();
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    if (certificate_from_der(input, &certificate) != OK) return 0;
    /* What was accepted is kept whole, and its parts lie inside. */
    if (!slice_equal(certificate_der(certificate), input)) abort();
    struct slice value;
    (void)certificate_extension(certificate, "1.2.840.113741.1.13.1", &value);
    if (certificate_serial(certificate).size > CERTIFICATE_SERIAL_MAX_BYTES) abort();
    (void)certificate_verify_signature(certificate, certificate_key(certificate));
    return 0;
}
