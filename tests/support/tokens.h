/* SPDX-License-Identifier: Apache-2.0
 *
 * Attestation tokens made with test keys, and rules that accept them: the good case from which each test departs.
 */
#pragma once

#include "base/encoding.h"
#include "test_token.h"
#include "testing.h"
#include "token/jws.h"
#include "token/relying_party.h"

#define TOKEN_TEST_ISSUER "https://attest.example"
#define TOKEN_TEST_DEPLOYMENT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define TOKEN_TEST_POLICY "bROrN897ZfWmWY2V0FLUlu3uwk5xatGnKYHn3zBbSlw"
#define TOKEN_TEST_KID "test-key"
enum { TOKEN_TEST_NOW_S = 1764000000, TOKEN_TEST_PRODUCT = 3, TOKEN_TEST_SVN = 5 };

struct token_fixture {
    struct key *issuer, *keys[KEY_USE_COUNT];
    struct relying_party_rules rules;
    struct role_rule role;
    struct token_expectation expected;
    json_t *payload;
};

static inline json_t *token_test_payload(const struct token_fixture *fixture)
{
    struct runtime_data data = {.service = "platform", .version = "1", .deployment = TOKEN_TEST_DEPLOYMENT};
    for (size_t use = 0; use < KEY_USE_COUNT; use++) data.keys[use] = fixture->keys[use];
    CLEANUP(buffer_done) struct buffer runtime = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    assert_ok(runtime_data_write(&data, &runtime));
    struct test_token token = {
        .issuer = TOKEN_TEST_ISSUER,
        .issued_s = TOKEN_TEST_NOW_S - 60,
        .nonce = SLICE_LITERAL("nonce of the test"),
        .runtime = buffer_slice(&runtime),
        .policy_hash = TOKEN_TEST_POLICY,
        .product_id = TOKEN_TEST_PRODUCT,
        .svn = TOKEN_TEST_SVN,
    };
    memset(token.mrenclave, 0xee, 32);
    memset(token.mrsigner, 0x55, 32);
    return test_token_payload(&token);
}

static inline void token_fixture_rules(struct token_fixture *fixture)
{
    fixture->role = (struct role_rule){
        .service = "platform",
        .deployment = TOKEN_TEST_DEPLOYMENT,
        .identities = {{.tee = TEE_SGX, .has_mrenclave = true}},
        .identity_count = 1,
    };
    memset(fixture->role.identities[0].mrenclave, 0xee, 32);
    struct issuer_rule *const issuer = &fixture->rules.issuers[0];
    (void)snprintf(issuer->issuer, sizeof(issuer->issuer), "%s", TOKEN_TEST_ISSUER);
    (void)snprintf(issuer->policy_hashes[0], sizeof(issuer->policy_hashes[0]), "%s", TOKEN_TEST_POLICY);
    issuer->policy_hash_count = 1;
    assert_ok(jwk_set_add(&issuer->keys, TOKEN_TEST_KID, fixture->issuer));
    fixture->rules.issuer_count = 1;
    fixture->rules.max_age_s = TOKEN_DEFAULT_MAX_AGE_S;
    fixture->expected = (struct token_expectation){
        .role = &fixture->role,
        .use = KEY_USE_TLS,
        .presented = fixture->keys[KEY_USE_TLS],
        .now_s = TOKEN_TEST_NOW_S,
    };
}

/* `issuer` is an RSA or P-256 key, which the fixture shares. */
static inline void token_fixture_init(struct token_fixture *fixture, const struct key *issuer)
{
    *fixture = (struct token_fixture){.issuer = key_share(issuer)};
    assert_ok(key_generate(KEY_P256, 0, &fixture->keys[KEY_USE_TLS]));
    assert_ok(key_generate(KEY_P256, 0, &fixture->keys[KEY_USE_SIGN]));
    assert_ok(key_generate(KEY_X25519, 0, &fixture->keys[KEY_USE_HPKE]));
    fixture->payload = token_test_payload(fixture);
    token_fixture_rules(fixture);
}

static inline void token_fixture_done(struct token_fixture *fixture)
{
    key_cleanup(&fixture->issuer);
    for (size_t use = 0; use < KEY_USE_COUNT; use++) key_cleanup(&fixture->keys[use]);
    for (size_t i = 0; i < fixture->rules.issuer_count; i++) jwk_set_done(&fixture->rules.issuers[i].keys);
    json_done(&fixture->payload);
}

/* The fixture's payload, signed. */
static inline struct buffer token_fixture_mint(const struct token_fixture *fixture)
{
    struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_ok(attestation_token_sign(fixture->payload, TOKEN_TEST_KID, fixture->issuer, &token));
    return token;
}

static inline enum status token_fixture_check_text(const struct token_fixture *fixture, struct slice token,
                                                   struct refusal *why)
{
    CLEANUP(token_claims_done) struct token_claims claims = {};
    return relying_party_check(token, &fixture->rules, &fixture->expected, why, &claims);
}

static inline enum status token_fixture_check(const struct token_fixture *fixture, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer token = token_fixture_mint(fixture);
    return token_fixture_check_text(fixture, buffer_slice(&token), why);
}
