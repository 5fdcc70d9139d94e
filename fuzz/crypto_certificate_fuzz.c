/* SPDX-License-Identifier: Apache-2.0
 * Hits certificate_from_der, certificate_list_from_pem, and everything that is asked of a certificate. */
#include "crypto/x509.h"
#include "fuzz.h"

#include <stdlib.h>

const size_t fuzz_allocation_max = CERTIFICATE_MAX_BYTES + 1; /* and the byte behind a text */

static bool is_inside(struct slice part, struct slice whole)
{
    return part.size == 0 || (part.bytes >= whole.bytes && part.bytes + part.size <= whole.bytes + whole.size);
}

static void ask(const struct certificate *certificate)
{
    const struct slice der = certificate_der(certificate);
    struct slice value = {};
    uint8_t digest[32];
    (void)!certificate_extension(certificate, "1.2.840.113741.1.13.1", &value);
    if (!is_inside(value, der) || !is_inside(certificate_serial(certificate), der) ||
        !is_inside(certificate_subject_der(certificate), der) || !is_inside(certificate_issuer_der(certificate), der))
        abort();
    if (certificate_serial(certificate).size > CERTIFICATE_SERIAL_MAX_BYTES) abort();
    if (certificate_path_length(certificate) < -1 || certificate_subject_common_name(certificate) == NULL) abort();
    if (certificate_path_length(certificate) >= 0 && !certificate_is_ca(certificate)) abort();
    (void)(certificate_not_after_s(certificate) < certificate_not_before_s(certificate));
    (void)certificate_has_unknown_critical_extension(certificate);
    (void)certificate_may_sign_certificates(certificate);
    (void)certificate_may_sign_crls(certificate);
    (void)certificate_may_sign_data(certificate);
    certificate_digest(certificate, digest);
    (void)!certificate_verify_signature(certificate, certificate_key(certificate));
}

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
    ask(certificate);
    return 0;
}
