/* SPDX-License-Identifier: Apache-2.0
 *
 * The quote by which an attestation service vouches for a signing key of its own: it stands in the key's certificate,
 * and its report data is SHA-256 of the key's PEM text and a NUL, followed by 32 zeros (reference: azure-attestation
 * section 3.2). Read are our form, which is Azure's since 2021; our older one; and those of Azure before:
 *
 *     1.3.6.1.4.1.311.105.1     Open Enclave report: a header and the quote
 *     1.3.6.1.4.1.311.105.2     Open Enclave evidence
 *     1.2.840.113556.10.1.1     Open Enclave report; in mid 2020 a further OCTET STRING with the bare quote
 *     1.2.840.113556.10.1.2     Open Enclave evidence (in mid 2020 a number, which is passed over)
 *     2.25.2559...              the bare quote (ours, until this form)
 *
 * Pure. Whether the quote is genuine is for evidence/intel.h to say.
 */
#pragma once

#include "base/refusal.h"

/* Borrowed from the certificate. */
struct key_evidence {
    struct slice public_key; /* SubjectPublicKeyInfo, DER; of any kind and size: it is not used, only named */
    struct slice quote;
};

/* ERR_CERTIFICATE_MALFORMED; ERR_FIELD_MISSING: there is no quote in it; ERR_QUOTE_MALFORMED, ERR_QUOTE_UNSUPPORTED for
 * one that cannot be unwrapped. */
enum status key_evidence_read(struct slice certificate, struct refusal *why, struct key_evidence *evidence_out);

/* Whether a quote with this report data vouches for the key: ERR_REPORT_DATA. */
enum status key_evidence_check(const struct key_evidence *evidence, const uint8_t report_data[static 64],
                               struct refusal *why);
