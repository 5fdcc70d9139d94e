/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a simulated authority, for the two files that sign with its keys.
 */
#pragma once

#include "crypto/x509.h"
#include "tee/simulation/authority.h"

enum { COLLATERAL_TEXT_MAX_BYTES = 64 * 1024, COMPONENT_COUNT = 16 };

/* Who signs, in the order of their certificates: each but the root is certified by the root. */
enum role { ROOT, PLATFORM_CA, TCB_SIGNING, ROLE_COUNT };

struct signer {
    struct key *key;
    struct certificate *certificate;
};

struct simulated_authority {
    struct signer signers[ROLE_COUNT];
};

/* PEM of this signer's certificate and the root's. Appends. */
enum status simulated_authority_chain(const struct simulated_authority *authority, enum role first, struct buffer *pem);
