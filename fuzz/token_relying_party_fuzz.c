/* SPDX-License-Identifier: Apache-2.0
 * Hits relying_party_check with all its checks behind the signature: the input is a payload, which is signed here with
 * the key that the rules trust. */
#include "fuzz.h"
#include "token/jws.h"
#include "token/relying_party.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW_S = 1764000000 };

static struct key *make_issuer(void)
{
    static const uint8_t scalar[P256_COORDINATE_BYTES] = {[31] = 7};
    struct key *key = NULL;
    if (key_private_from_p256(SLICE_ARRAY(scalar), &key) != OK) abort();
    return key;
}

static struct relying_party_rules make_rules(const struct key *issuer)
{
    struct relying_party_rules rules = {.issuer_count = 1, .max_age_s = 3600, .accept_simulated = true};
    struct issuer_rule *const rule = &rules.issuers[0];
    (void)snprintf(rule->issuer, sizeof(rule->issuer), "https://a");
    (void)snprintf(rule->policy_hashes[0], sizeof(rule->policy_hashes[0]), "p");
    rule->policy_hash_count = 1;
    if (jwk_set_add(&rule->keys, "k", issuer) != OK) abort();
    return rules;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP(json_done) json_t *payload = NULL;
    struct refusal why;
    if (json_parse(slice_of(bytes, size), TOKEN_MAX_BYTES, &why, &payload) != OK) return 0;
    CLEANUP(key_cleanup) struct key *issuer = make_issuer();
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(JWS_MAX_BYTES);
    if (jws_sign(JWS_TYP_TOKEN, "k", NULL, payload, issuer, &token) != OK) return 0;
    struct relying_party_rules rules = make_rules(issuer);
    static const struct role_rule role = {.service = "platform",
                                          .deployment = "d",
                                          .identities = {{.tee = TEE_SGX, .has_mrenclave = true}},
                                          .identity_count = 1};
    const struct token_expectation expected = {.role = &role, .use = KEY_USE_TLS, .now_s = NOW_S};
    CLEANUP(token_claims_done) struct token_claims claims = {};
    const enum status status = relying_party_check(buffer_slice(&token), &rules, &expected, &why, &claims);
    /* Whatever the payload says, only the accepted measurement within its time gets through. */
    if (status == OK &&
        (!slice_is_zero(SLICE_ARRAY(claims.mrenclave)) || claims.debug || claims.valid_until_s <= NOW_S))
        abort();
    jwk_set_done(&rules.issuers[0].keys);
    return 0;
}
