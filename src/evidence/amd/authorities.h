/* SPDX-License-Identifier: Apache-2.0
 *
 * AMD's published authorities: of each product the root (ARK), the one that signs chips' keys (ASK, "SEV-Milan") and
 * the one that signs clouds' keys (ASVK, "SEV-VLEK-Milan"). Pinned: the keys of the roots are what all trust in reports
 * begins with.
 */
#pragma once

#include "crypto/x509.h"
#include "evidence/amd/product.h"

enum amd_role { AMD_ARK, AMD_ASK, AMD_ASVK };
enum { AMD_ROLE_COUNT = AMD_ASVK + 1, AMD_MODULUS_BYTES = 512 };

/* Facts of the certificate that AMD publishes (https://kdsintf.amd.com/vcek/v1/Milan/cert_chain and its like). */
struct amd_authority {
    int64_t not_before_s, not_after_s;
    uint8_t serial[3];
    uint8_t fingerprint[32];            /* SHA-256 of the DER */
    uint8_t modulus[AMD_MODULUS_BYTES]; /* RSA, exponent 65537 */
};

const struct amd_authority *amd_authority(enum snp_product product, enum amd_role role);
enum status amd_authority_key(const struct amd_authority *authority, struct key **key_out);

/* The Name, DER, that AMD's certificates give to this common name, such as "ARK-Milan"; at most 64 characters. */
enum { AMD_NAME_MAX_BYTES = 192 };
struct amd_name {
    uint8_t bytes[AMD_NAME_MAX_BYTES];
    size_t size;
};
struct amd_name amd_name(const char *common_name);
bool amd_name_is(const struct amd_name *name, struct slice der);
