/* SPDX-License-Identifier: Apache-2.0
 *
 * The deployment's manifest (architecture 5.0): everything that decides trust, signed by the deployment key. Compact
 * JWS, `typ` lazaret-manifest+jwt, ES256, the deployment key as `jwk` in the header. Each program is given the
 * deployment key's thumbprint, and starts only with a manifest that this key signed.
 *
 * Payload members, all required unless marked: see docs/protocols.md, "Manifest".
 */
#pragma once

#include "base/json.h"
#include "crypto/key.h"
#include "token/relying_party.h"

enum {
    MANIFEST_MAX_BYTES = 256 * 1024,
    MANIFEST_ROLE_MAX_COUNT = 8,
    MANIFEST_NAME_MAX_BYTES = 128,
    MANIFEST_ROOT_MAX_COUNT = 4,
    MANIFEST_USER_MAX_BYTES = 64,
    MANIFEST_PASSWORD_HASH_MAX_BYTES = 256,
    MANIFEST_TOKEN_AGE_MIN_S = 60,
    MANIFEST_TOKEN_AGE_MAX_S = 28800, /* an attestation token's whole life */
};

struct manifest {
    int64_t version; /* grows with each issue; an older one than the newest seen is refused */
    int64_t issued_s;
    char name[MANIFEST_NAME_MAX_BYTES + 1];     /* the hospital's name, for people */
    char deployment[THUMBPRINT_TEXT_BYTES + 1]; /* thumbprint of the key that signed it */
    uint8_t digest[32];                         /* SHA-256 of the JWS text */
    struct role_rule roles[MANIFEST_ROLE_MAX_COUNT];
    size_t role_count;
    struct role_rule predecessors;            /* of the platform: from whom it takes records over; often none */
    struct relying_party_rules relying_party; /* issuers may be empty in a first manifest */
    struct key *simulated_roots[MANIFEST_ROOT_MAX_COUNT]; /* P-256 keys; only in a simulation build */
    size_t simulated_root_count;
    int64_t minimum_tcb_evaluation; /* tcbEvaluationDataNumber; 0: any */
    struct {
        char user[MANIFEST_USER_MAX_BYTES + 1];
        char password_hash[MANIFEST_PASSWORD_HASH_MAX_BYTES + 1]; /* argon2id, PHC form */
    } administrator;
    struct key *recovery; /* X25519: the store's master key is wrapped to it */
    json_t *payload;      /* as it was signed */
};

void manifest_done(struct manifest *manifest);

/* Verifies and reads. `deployment` is the thumbprint that the host's configuration names; the payload must name it too.
 * Unknown members are refused: a misspelt rule must not be passed over. ERR_MANIFEST, ERR_MANIFEST_SIGNATURE,
 * ERR_MANIFEST_SIMULATION. */
enum status manifest_verify(struct slice jws, struct slice deployment, struct refusal *why,
                            struct manifest *manifest_out);

/* Signs a payload after checking that it would be accepted. Appends the JWS. Errors as manifest_verify's. */
enum status manifest_sign(const json_t *payload, const struct key *deployment_key, struct refusal *why,
                          struct buffer *jws);

/* The role's rule, or NULL: then nobody is accepted for it. */
const struct role_rule *manifest_role(const struct manifest *manifest, const char *service);
