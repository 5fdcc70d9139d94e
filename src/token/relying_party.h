/* SPDX-License-Identifier: Apache-2.0
 *
 * The relying party's checks of an attestation token: one routine for every hop (architecture 5.3). Used by gate,
 * diagnosis, platform and the command line; the portal has its twin in TypeScript and both pass the same cases.
 *
 * Order: form, type, algorithm, issuer, key, signature, nbf/exp, age, nonce, claims, simulated, debug, policy hash,
 * service, deployment, identity, TCB, key binding. The first failure is the answer.
 *
 * Time: `nbf` and `iat` may lie TOKEN_CLOCK_SLACK_S ahead, because clocks differ; `exp` and the age have no slack,
 * because a connection ends at `valid_until_s` and must not be opened after it.
 * TCB: Azure's default tokens carry no TCB status; the pinned policy hash stands for it. Where a token carries
 * `x-lazaret-tcb-status`, "Revoked" is refused.
 */
#pragma once

#include "token/jwk.h"
#include "token/runtime_data.h"

enum {
    TOKEN_MAX_BYTES = 64 * 1024,
    IDENTITY_MAX_COUNT = 16,
    ISSUER_MAX_COUNT = 4,
    ISSUER_NAME_MAX_BYTES = 512,
    POLICY_HASH_MAX_COUNT = 8,
    TOKEN_CLOCK_SLACK_S = 300,
    TOKEN_DEFAULT_MAX_AGE_S = 3600,
};

enum tee_kind { TEE_SGX, TEE_TDX, TEE_SEV_SNP };

/* One accepted SGX identity: MRENCLAVE, or MRSIGNER with product id and minimum SVN, or all of them. */
struct identity {
    enum tee_kind tee;
    bool has_mrenclave, has_mrsigner;
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, minimum_svn; /* with has_mrsigner */
    bool debug;                       /* accept debug enclaves: false unless the manifest says so */
};

/* What is accepted for one service role. At least one identity, or every token is refused. */
struct role_rule {
    char service[SERVICE_NAME_MAX_BYTES + 1];
    char deployment[THUMBPRINT_TEXT_BYTES + 1];
    struct identity identities[IDENTITY_MAX_COUNT];
    size_t identity_count;
};

struct issuer_rule {
    char issuer[ISSUER_NAME_MAX_BYTES + 1]; /* compared exactly */
    struct jwk_set keys;
    char policy_hashes[POLICY_HASH_MAX_COUNT][THUMBPRINT_TEXT_BYTES + 1]; /* x-ms-policy-hash; at least one */
    size_t policy_hash_count;
};

struct relying_party_rules {
    struct issuer_rule issuers[ISSUER_MAX_COUNT];
    size_t issuer_count;
    bool accept_simulated; /* only ever true in a simulation build, by the manifest's word */
    int64_t max_age_s;
};

/* What to require of one presentation. */
struct token_expectation {
    const struct role_rule *role; /* NULL, as manifest_role gives it for an unknown role: nobody is accepted */
    enum key_use use;             /* the purpose for which the presenter shows its key */
    const struct key *presented;  /* the key shown (TLS leaf, proof signer), or NULL when no presenter is at hand */
    struct slice nonce;           /* empty: none asked for */
    int64_t now_s;
};

/* Claims of a verified token. */
struct token_claims {
    enum tee_kind tee;
    bool simulated, debug;
    uint8_t mrenclave[32], mrsigner[32];
    uint16_t product_id, svn;
    int64_t issued_s, expires_s;
    int64_t valid_until_s; /* min(expires, issued + max age): a connection ends then */
    char issuer[ISSUER_NAME_MAX_BYTES + 1];
    char policy_hash[THUMBPRINT_TEXT_BYTES + 1];
    struct runtime_data runtime; /* owned: token_claims_done */
};
void token_claims_done(struct token_claims *claims);

/* Verifies `token` (compact JWS). Errors: ERR_TOKEN_*. On OK the caller owns `claims_out`. */
enum status relying_party_check(struct slice token, const struct relying_party_rules *rules,
                                const struct token_expectation *expected, struct refusal *why,
                                struct token_claims *claims_out);
