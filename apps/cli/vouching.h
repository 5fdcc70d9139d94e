/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing keys of an attestation service, each taken only if the quote in its certificate vouches for it: genuine, over
 * that key, and, where there is a manifest, of an identity that it names for the role attestation. Key sets are
 * transport and prove nothing.
 */
#pragma once

#include "base/json.h"
#include "evidence/intel.h"
#include "http/client.h"
#include "policy/manifest.h"

enum { VOUCHING_SET_MAX_BYTES = 8 * 1024 * 1024 };

/* All borrowed. */
struct vouching {
    const char *folder;              /* of collateral, or NULL: */
    struct http_client *source;      /* of collateral */
    const struct trust_roots *roots; /* NULL: Intel's alone */
    const struct manifest *manifest; /* NULL: any genuine enclave */
    int64_t now_s;                   /* at which collateral and certificates are to be current */
};

struct vouched_key {
    char kid[128 + 1];
    struct key *key;
    struct sgx_claims claims; /* of the enclave that vouches */
};
void vouched_key_done(struct vouched_key *key);

/* One JWK of a key set: its `kid`, and the first certificate in its `x5c`. */
enum status vouching_check(const struct vouching *vouching, const json_t *jwk, struct refusal *why,
                           struct vouched_key *key_out);
