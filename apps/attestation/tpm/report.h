/* SPDX-License-Identifier: Apache-2.0
 *
 * A request, verified. Private to this room.
 */
#pragma once

#include "attestation/tpm/enclave.h"
#include "attestation/tpm/events.h"

enum { AIK_HASH_TEXT_BYTES = 44 };

struct tpm_report {
    struct tpm_request request;
    struct tpm_platform_claims current, boot;
    bool is_aik_valid;
    struct buffer aik_hash;                              /* base64 of SHA-256 of the SubjectPublicKeyInfo */
    struct boot_facts facts;                             /* of the current logs alone */
    struct enclave_report enclave;                       /* vbs */
    struct buffer confirmation, request_key, other_keys; /* JSON; empty: none */
    struct buffer events, boot_events, pcrs;             /* JSON */
};
