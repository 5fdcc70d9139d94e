/* SPDX-License-Identifier: Apache-2.0
 *
 * The attestation report of an enclave of Windows' virtualization-based security (Windows SDK, ntenclv.h:
 * VBS_ENCLAVE_REPORT_PKG_HEADER, VBS_ENCLAVE_REPORT, ENCLAVE_IDENTITY), as EnclaveGetAttestationReport gives it. Little
 * endian. Private to this room.
 */
#pragma once

#include "base/refusal.h"
#include "crypto/key.h"

enum { ENCLAVE_DATA_BYTES = 64 };

struct enclave_report {
    uint8_t data[ENCLAVE_DATA_BYTES]; /* what the enclave had signed */
    uint8_t owner_id[32], unique_id[32], author_id[32], family_id[16], image_id[16];
    uint32_t svn, secure_kernel_svn, platform_svn, flags, signing_level;
};

/* Signed with RSASSA-PSS and SHA-256 by one of the keys, which the machine's boot measured. ERR_QUOTE_MALFORMED,
 * ERR_QUOTE_UNSUPPORTED, ERR_QUOTE_SIGNATURE. */
enum status enclave_report_verify(struct slice bytes, struct key *const *keys, size_t key_count, struct refusal *why,
                                  struct enclave_report *report_out);
