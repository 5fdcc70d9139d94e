/* SPDX-License-Identifier: Apache-2.0 */
#include "token/relying_party.h"

#include "tokens.h"

static struct key *issuer_key;

static int make_issuer(void **)
{
    return key_generate(KEY_RSA, 2048, &issuer_key) == OK ? 0 : -1;
}

static int drop_issuer(void **)
{
    key_cleanup(&issuer_key);
    return 0;
}

static int set_up(void **state)
{
    static struct token_fixture fixture;
    token_fixture_init(&fixture, issuer_key);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    token_fixture_done(*state);
    return 0;
}

static void set(struct token_fixture *fixture, const char *claim, json_t *value)
{
    assert_int_equal(json_object_set_new(fixture->payload, claim, value), 0);
}

static json_t *lazaret_of(struct token_fixture *fixture)
{
    return json_object_get(json_object_get(fixture->payload, "x-ms-runtime"), "lazaret");
}

static void assert_refused(struct token_fixture *fixture, enum status status, const char *field)
{
    struct refusal why = {};
    assert_status(token_fixture_check(fixture, &why), status);
    assert_int_equal(why.status, status);
    assert_string_equal(why.field, field);
    assert_string_not_equal(why.expected, "");
}

static void assert_accepted(struct token_fixture *fixture)
{
    struct refusal why = {};
    if (token_fixture_check(fixture, &why) != OK) fail_msg("%s: %s: %s", status_name(why.status), why.field, why.seen);
}

/* Signs the fixture's payload under a header of the test's making. */
static enum status check_with(struct token_fixture *fixture, const char *type, const char *kid, const json_t *header,
                              const struct key *key, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_ok(jws_sign(type, kid, header, fixture->payload, key, &token));
    return token_fixture_check_text(fixture, buffer_slice(&token), why);
}

static void test_a_good_token_gives_its_claims(void **state)
{
    struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer token = token_fixture_mint(fixture);
    CLEANUP(token_claims_done) struct token_claims claims = {};
    assert_ok(relying_party_check(buffer_slice(&token), &fixture->rules, &fixture->expected, NULL, &claims));
    assert_int_equal(claims.tee, TEE_SGX);
    assert_false(claims.simulated || claims.debug);
    assert_int_equal(claims.mrenclave[31], 0xee);
    assert_int_equal(claims.mrsigner[0], 0x55);
    assert_int_equal(claims.product_id, TOKEN_TEST_PRODUCT);
    assert_int_equal(claims.svn, TOKEN_TEST_SVN);
    assert_int_equal(claims.issued_s, TOKEN_TEST_NOW_S - 60);
    assert_int_equal(claims.expires_s, TOKEN_TEST_NOW_S - 60 + ATTESTATION_TOKEN_LIFE_S);
    assert_int_equal(claims.valid_until_s, TOKEN_TEST_NOW_S - 60 + TOKEN_DEFAULT_MAX_AGE_S);
    assert_string_equal(claims.issuer, TOKEN_TEST_ISSUER);
    assert_string_equal(claims.policy_hash, TOKEN_TEST_POLICY);
    assert_string_equal(claims.runtime.service, "platform");
    assert_true(key_equal(claims.runtime.keys[KEY_USE_HPKE], fixture->keys[KEY_USE_HPKE]));
}

static void test_valid_until_is_never_after_expiry(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "exp", json_integer(TOKEN_TEST_NOW_S + 10));
    CLEANUP(buffer_done) struct buffer token = token_fixture_mint(fixture);
    CLEANUP(token_claims_done) struct token_claims claims = {};
    assert_ok(relying_party_check(buffer_slice(&token), &fixture->rules, &fixture->expected, NULL, &claims));
    assert_int_equal(claims.valid_until_s, TOKEN_TEST_NOW_S + 10);
}

static void test_es256_is_accepted(void **state)
{
    struct token_fixture *const fixture = *state;
    CLEANUP(key_cleanup) struct key *key = NULL;
    assert_ok(key_generate(KEY_P256, 0, &key));
    jwk_set_done(&fixture->rules.issuers[0].keys);
    assert_ok(jwk_set_add(&fixture->rules.issuers[0].keys, TOKEN_TEST_KID, key));
    assert_ok(check_with(fixture, JWS_TYP_TOKEN, TOKEN_TEST_KID, NULL, key, NULL));
}

static void test_no_token(void **state)
{
    assert_status(token_fixture_check_text(*state, (struct slice){}, NULL), ERR_TOKEN_MISSING);
}

static void test_no_form(void **state)
{
    const char *const texts[] = {"x",          "a.b",       "a.b.c.d", "e30.e30.", "W10.e30.AA",
                                 "e30.W10.AA", "e30.e30.A", "..",      "!.!.!"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_status(token_fixture_check_text(*state, slice_of_text(texts[i]), NULL), ERR_TOKEN_MALFORMED);
}

static void test_too_large(void **state)
{
    struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(TOKEN_MAX_BYTES);
    uint8_t *bytes;
    assert_ok(buffer_extend(&text, TOKEN_MAX_BYTES, &bytes));
    memset(bytes, 'a', TOKEN_MAX_BYTES);
    set(fixture, "padding", json_stringn((const char *)bytes, TOKEN_MAX_BYTES));
    assert_refused(fixture, ERR_TOKEN_MALFORMED, "token");
}

static void test_every_shorter_prefix_is_refused(void **state)
{
    CLEANUP(buffer_done) struct buffer token = token_fixture_mint(*state);
    for (size_t size = 0; size < token.size; size++) {
        const enum status status = token_fixture_check_text(*state, slice_of(token.bytes, size), NULL);
        assert_true(status != OK);
    }
}

static void test_another_type(void **state)
{
    struct refusal why = {};
    assert_status(check_with(*state, JWS_TYP_STATEMENT, TOKEN_TEST_KID, NULL, issuer_key, &why), ERR_TOKEN_TYPE);
    assert_string_equal(why.field, "header.typ");
    assert_string_equal(why.seen, JWS_TYP_STATEMENT);
}

/* Replaces the header and keeps payload and signature: what an attacker can do without a key. */
static enum status check_with_header(struct token_fixture *fixture, const char *header, bool keep_signature)
{
    CLEANUP(buffer_done) struct buffer good = token_fixture_mint(fixture);
    CLEANUP(buffer_done) struct buffer forged = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    struct slice old, rest, payload, signature;
    assert_true(slice_split(buffer_slice(&good), '.', &old, &rest));
    assert_true(slice_split(rest, '.', &payload, &signature));
    assert_ok(base64url_encode(slice_of_text(header), &forged));
    assert_ok(buffer_append_u8(&forged, '.'));
    assert_ok(buffer_append(&forged, payload));
    assert_ok(buffer_append_u8(&forged, '.'));
    if (keep_signature) assert_ok(buffer_append(&forged, signature));
    return token_fixture_check_text(fixture, buffer_slice(&forged), NULL);
}

static void test_algorithm_none(void **state)
{
    const char *const spellings[] = {"none", "None", "NONE", "nOnE"};
    for (size_t i = 0; i < 4; i++) {
        char header[100];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"test-key\",\"typ\":\"JWT\"}", spellings[i]);
        assert_status(check_with_header(*state, header, false), ERR_TOKEN_ALGORITHM);
        assert_status(check_with_header(*state, header, true), ERR_TOKEN_ALGORITHM);
    }
}

static void test_algorithms_that_are_not_allowed(void **state)
{
    const char *const names[] = {"HS256", "RS384", "RS512", "PS256", "ES384", "EdDSA", "RSA256", "rs256"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char header[100];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"kid\":\"test-key\",\"typ\":\"JWT\"}", names[i]);
        assert_status(check_with_header(*state, header, true), ERR_TOKEN_ALGORITHM);
    }
}

static void test_algorithm_of_another_key_kind(void **state)
{
    assert_status(check_with_header(*state, "{\"alg\":\"ES256\",\"kid\":\"test-key\",\"typ\":\"JWT\"}", true),
                  ERR_TOKEN_ALGORITHM);
}

static void test_critical_header(void **state)
{
    assert_status(
        check_with_header(*state, "{\"alg\":\"RS256\",\"crit\":[\"b64\"],\"kid\":\"test-key\",\"typ\":\"JWT\"}", true),
        ERR_TOKEN_MALFORMED);
}

static void test_another_issuer(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "iss", json_string(TOKEN_TEST_ISSUER "/"));
    assert_refused(fixture, ERR_TOKEN_ISSUER, "claims.iss");
    assert_int_equal(json_object_del(fixture->payload, "iss"), 0);
    assert_status(check_with(fixture, JWS_TYP_TOKEN, TOKEN_TEST_KID, NULL, issuer_key, NULL), ERR_TOKEN_ISSUER);
}

static void test_no_issuer_in_the_manifest(void **state)
{
    struct token_fixture *const fixture = *state;
    jwk_set_done(&fixture->rules.issuers[0].keys);
    fixture->rules.issuer_count = 0;
    assert_refused(fixture, ERR_TOKEN_ISSUER, "claims.iss");
}

static void test_unknown_key(void **state)
{
    struct refusal why = {};
    assert_status(check_with(*state, JWS_TYP_TOKEN, "another", NULL, issuer_key, &why), ERR_TOKEN_KEY_UNKNOWN);
    assert_string_equal(why.seen, "another");
    assert_string_not_equal(why.fix, "");
    assert_status(check_with(*state, JWS_TYP_TOKEN, NULL, NULL, issuer_key, &why), ERR_TOKEN_KEY_UNKNOWN);
}

/* A key in the token's own header is never used, whatever it verifies. */
static void test_a_key_in_the_header_is_not_trusted(void **state)
{
    CLEANUP(key_cleanup) struct key *own = NULL;
    CLEANUP(json_done) json_t *header = json_object(), *jwk = NULL;
    assert_ok(key_generate(KEY_P256, 0, &own));
    assert_ok(jwk_from_key(own, &jwk));
    assert_int_equal(json_object_set(header, "jwk", jwk), 0);
    assert_status(check_with(*state, JWS_TYP_TOKEN, "own", header, own, NULL), ERR_TOKEN_KEY_UNKNOWN);
    assert_status(check_with(*state, JWS_TYP_TOKEN, TOKEN_TEST_KID, header, own, NULL), ERR_TOKEN_ALGORITHM);
}

static void test_key_of_another_issuer(void **state)
{
    struct token_fixture *const fixture = *state;
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_P256, 0, &other));
    struct issuer_rule *const second = &fixture->rules.issuers[fixture->rules.issuer_count++];
    (void)snprintf(second->issuer, sizeof(second->issuer), "https://other.example");
    assert_ok(jwk_set_add(&second->keys, "other-key", other));
    assert_status(check_with(fixture, JWS_TYP_TOKEN, "other-key", NULL, other, NULL), ERR_TOKEN_KEY_UNKNOWN);
}

static void test_bad_signature(void **state)
{
    struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer token = token_fixture_mint(fixture);
    token.bytes[token.size - 10] = token.bytes[token.size - 10] == 'A' ? 'B' : 'A';
    assert_status(token_fixture_check_text(fixture, buffer_slice(&token), NULL), ERR_TOKEN_SIGNATURE);
}

static void test_altered_payload(void **state)
{
    struct token_fixture *const fixture = *state;
    CLEANUP(buffer_done) struct buffer good = token_fixture_mint(fixture);
    set(fixture, "x-ms-sgx-svn", json_integer(9));
    CLEANUP(buffer_done) struct buffer other = token_fixture_mint(fixture);
    const char *good_text, *other_text;
    assert_ok(buffer_text(&good, &good_text));
    assert_ok(buffer_text(&other, &other_text));
    CLEANUP(buffer_done) struct buffer mixed = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_ok(buffer_append(&mixed, slice_of(other_text, (size_t)(strrchr(other_text, '.') - other_text))));
    assert_ok(buffer_append_text(&mixed, strrchr(good_text, '.')));
    assert_status(token_fixture_check_text(fixture, buffer_slice(&mixed), NULL), ERR_TOKEN_SIGNATURE);
}

static void test_expired(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "exp", json_integer(TOKEN_TEST_NOW_S));
    assert_refused(fixture, ERR_TOKEN_EXPIRED, "claims.exp");
    set(fixture, "exp", json_integer(TOKEN_TEST_NOW_S + 1));
    assert_accepted(fixture);
}

static void test_not_yet_valid(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "nbf", json_integer(TOKEN_TEST_NOW_S + TOKEN_CLOCK_SLACK_S + 1));
    assert_refused(fixture, ERR_TOKEN_NOT_YET_VALID, "claims.nbf");
    set(fixture, "nbf", json_integer(TOKEN_TEST_NOW_S + TOKEN_CLOCK_SLACK_S));
    assert_accepted(fixture);
    set(fixture, "iat", json_integer(TOKEN_TEST_NOW_S + TOKEN_CLOCK_SLACK_S + 1));
    assert_refused(fixture, ERR_TOKEN_NOT_YET_VALID, "claims.iat");
}

static void test_too_old(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "iat", json_integer(TOKEN_TEST_NOW_S - TOKEN_DEFAULT_MAX_AGE_S));
    assert_refused(fixture, ERR_TOKEN_EXPIRED, "claims.iat");
    set(fixture, "iat", json_integer(TOKEN_TEST_NOW_S - TOKEN_DEFAULT_MAX_AGE_S + 1));
    assert_accepted(fixture);
}

static void test_missing_and_mistyped_times(void **state)
{
    struct token_fixture *const fixture = *state;
    const char *const names[] = {"nbf", "exp", "iat"};
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(json_done) json_t *kept = json_deep_copy(json_object_get(fixture->payload, names[i]));
        char field[32];
        (void)snprintf(field, sizeof(field), "claims.%s", names[i]);
        assert_int_equal(json_object_del(fixture->payload, names[i]), 0);
        assert_refused(fixture, ERR_TOKEN_CLAIM, field);
        set(fixture, names[i], json_string("1764000000"));
        assert_refused(fixture, ERR_TOKEN_CLAIM, field);
        set(fixture, names[i], json_integer(INT64_MAX));
        assert_refused(fixture, ERR_TOKEN_CLAIM, field);
        set(fixture, names[i], json_integer(-1));
        assert_refused(fixture, ERR_TOKEN_CLAIM, field);
        set(fixture, names[i], json_incref(kept));
    }
}

static void test_nonce(void **state)
{
    struct token_fixture *const fixture = *state;
    fixture->expected.nonce = SLICE_LITERAL("nonce of the test");
    assert_accepted(fixture);
    fixture->expected.nonce = SLICE_LITERAL("nonce of another");
    assert_refused(fixture, ERR_TOKEN_NONCE, "claims.nonce");
    assert_int_equal(json_object_del(fixture->payload, "nonce"), 0);
    assert_refused(fixture, ERR_TOKEN_NONCE, "claims.nonce");
}

static void test_debug(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "x-ms-sgx-is-debuggable", json_true());
    assert_refused(fixture, ERR_TOKEN_DEBUG, "claims.x-ms-sgx-is-debuggable");
}

static void test_debug_is_accepted_only_by_the_identity_that_says_so(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "x-ms-sgx-is-debuggable", json_true());
    fixture->role.identities[1] = fixture->role.identities[0];
    fixture->role.identities[1].mrenclave[0] = 0;
    fixture->role.identities[1].debug = true;
    fixture->role.identity_count = 2;
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
    fixture->role.identities[0].debug = true;
    assert_accepted(fixture);
}

static void test_simulated(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "lazaret-simulated", json_true());
    assert_refused(fixture, ERR_TOKEN_SIMULATED, "claims.lazaret-simulated");
    set(fixture, "lazaret-simulated", json_string("true"));
    assert_refused(fixture, ERR_TOKEN_CLAIM, "claims.lazaret-simulated");
    set(fixture, "lazaret-simulated", json_null());
    assert_refused(fixture, ERR_TOKEN_CLAIM, "claims.lazaret-simulated");
    set(fixture, "lazaret-simulated", json_false());
    assert_accepted(fixture);
}

static void test_simulated_by_the_manifests_word(void **state)
{
    struct token_fixture *const fixture = *state;
    fixture->rules.accept_simulated = true;
    assert_accepted(fixture); /* a token without the claim is of real evidence, and stays welcome */
    set(fixture, "lazaret-simulated", json_true());
#ifdef LAZARET_SIMULATION
    CLEANUP(buffer_done) struct buffer token = token_fixture_mint(fixture);
    CLEANUP(token_claims_done) struct token_claims claims = {};
    assert_ok(relying_party_check(buffer_slice(&token), &fixture->rules, &fixture->expected, NULL, &claims));
    assert_true(claims.simulated);
#else
    assert_refused(fixture, ERR_TOKEN_SIMULATED, "claims.lazaret-simulated");
#endif
}

static void test_policy_hash(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "x-ms-policy-hash", json_string("9NY0VnTQ-IiBriBplVUpFbczcDaEBUwsiFYAzHu_gco"));
    assert_refused(fixture, ERR_TOKEN_POLICY, "claims.x-ms-policy-hash");
    set(fixture, "x-ms-policy-hash", json_string(TOKEN_TEST_POLICY));
    fixture->rules.issuers[0].policy_hash_count = 0;
    assert_refused(fixture, ERR_TOKEN_POLICY, "claims.x-ms-policy-hash");
}

static void test_service(void **state)
{
    struct token_fixture *const fixture = *state;
    assert_int_equal(json_object_set_new(lazaret_of(fixture), "service", json_string("diagnosis")), 0);
    assert_refused(fixture, ERR_TOKEN_SERVICE, "claims.x-ms-runtime.lazaret.service");
}

static void test_role_that_the_manifest_does_not_name(void **state)
{
    struct token_fixture *const fixture = *state;
    fixture->expected.role = NULL;
    assert_refused(fixture, ERR_TOKEN_SERVICE, "claims.x-ms-runtime.lazaret.service");
}

static void test_deployment(void **state)
{
    struct token_fixture *const fixture = *state;
    assert_int_equal(json_object_set_new(lazaret_of(fixture), "deployment",
                                         json_string("BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
                     0);
    assert_refused(fixture, ERR_TOKEN_DEPLOYMENT, "claims.x-ms-runtime.lazaret.deployment");
}

static void test_mrenclave(void **state)
{
    struct token_fixture *const fixture = *state;
    fixture->role.identities[0].mrenclave[31] ^= 1;
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
}

static void accept_signer(struct token_fixture *fixture)
{
    fixture->role.identities[0] = (struct identity){
        .tee = TEE_SGX, .has_mrsigner = true, .product_id = TOKEN_TEST_PRODUCT, .minimum_svn = TOKEN_TEST_SVN};
    memset(fixture->role.identities[0].mrsigner, 0x55, 32);
}

static void test_mrsigner(void **state)
{
    struct token_fixture *const fixture = *state;
    accept_signer(fixture);
    assert_accepted(fixture);
    fixture->role.identities[0].mrsigner[0] ^= 1;
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
}

static void test_product_id(void **state)
{
    struct token_fixture *const fixture = *state;
    accept_signer(fixture);
    fixture->role.identities[0].product_id++;
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
}

static void test_svn(void **state)
{
    struct token_fixture *const fixture = *state;
    accept_signer(fixture);
    fixture->role.identities[0].minimum_svn--;
    assert_accepted(fixture);
    fixture->role.identities[0].minimum_svn += 2;
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
}

static void test_both_measurements_must_match(void **state)
{
    struct token_fixture *const fixture = *state;
    accept_signer(fixture);
    fixture->role.identities[0].has_mrenclave = true;
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
    memset(fixture->role.identities[0].mrenclave, 0xee, 32);
    assert_accepted(fixture);
}

static void test_no_identities(void **state)
{
    struct token_fixture *const fixture = *state;
    fixture->role.identity_count = 0;
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
}

static void test_an_identity_without_measurements_matches_nothing(void **state)
{
    struct token_fixture *const fixture = *state;
    fixture->role.identities[0] = (struct identity){.tee = TEE_SGX};
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
}

static void test_identity_of_another_tee(void **state)
{
    struct token_fixture *const fixture = *state;
    fixture->role.identities[0].tee = TEE_TDX;
    assert_refused(fixture, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave");
}

static void test_revoked_platform(void **state)
{
    struct token_fixture *const fixture = *state;
    set(fixture, "x-lazaret-tcb-status", json_string("UpToDate"));
    assert_accepted(fixture);
    set(fixture, "x-lazaret-tcb-status", json_string("Revoked"));
    assert_refused(fixture, ERR_TOKEN_TCB, "claims.x-lazaret-tcb-status");
    set(fixture, "x-lazaret-tcb-status", json_true());
    assert_refused(fixture, ERR_TOKEN_CLAIM, "claims.x-lazaret-tcb-status");
}

static void test_another_key(void **state)
{
    struct token_fixture *const fixture = *state;
    CLEANUP(key_cleanup) struct key *other = NULL;
    assert_ok(key_generate(KEY_P256, 0, &other));
    fixture->expected.presented = other;
    assert_refused(fixture, ERR_TOKEN_KEY_BINDING, "claims.x-ms-runtime.lazaret.use.tls");
}

static void test_the_key_of_another_use(void **state)
{
    struct token_fixture *const fixture = *state;
    fixture->expected.presented = fixture->keys[KEY_USE_SIGN];
    assert_refused(fixture, ERR_TOKEN_KEY_BINDING, "claims.x-ms-runtime.lazaret.use.tls");
    fixture->expected.use = KEY_USE_SIGN;
    assert_accepted(fixture);
}

static void test_no_key_for_the_use(void **state)
{
    struct token_fixture *const fixture = *state;
    assert_int_equal(json_object_del(json_object_get(lazaret_of(fixture), "use"), "tls"), 0);
    assert_refused(fixture, ERR_TOKEN_KEY_BINDING, "claims.x-ms-runtime.lazaret.use.tls");
    fixture->expected.presented = NULL;
    assert_accepted(fixture);
}

static const struct {
    const char *name;
    const char *wrong; /* a JSON value of the wrong type or out of range */
} required[] = {
    {"x-ms-attestation-type", "[7]"},   {"x-ms-attestation-type", "[\"tdxvm\"]"},
    {"x-ms-sgx-is-debuggable", "[0]"},  {"x-ms-sgx-is-debuggable", "[\"false\"]"},
    {"x-ms-sgx-mrenclave", "[\"ee\"]"}, {"x-ms-sgx-mrenclave", "[null]"},
    {"x-ms-sgx-mrsigner", "[\"\"]"},    {"x-ms-sgx-mrsigner", "[{}]"},
    {"x-ms-sgx-product-id", "[\"3\"]"}, {"x-ms-sgx-product-id", "[65536]"},
    {"x-ms-sgx-svn", "[5.0]"},          {"x-ms-sgx-svn", "[-1]"},
    {"x-ms-policy-hash", "[null]"},     {"x-ms-policy-hash", "[\"\"]"},
    {"x-ms-runtime", "[\"{}\"]"},       {"x-ms-runtime", "[null]"},
};

static void test_missing_and_mistyped_claims(void **state)
{
    struct token_fixture *const fixture = *state;
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        CLEANUP(json_done) json_t *kept = json_deep_copy(json_object_get(fixture->payload, required[i].name));
        CLEANUP(json_done) json_t *wrong = json_loads(required[i].wrong, 0, NULL);
        char field[64];
        (void)snprintf(field, sizeof(field), "claims.%s", required[i].name);
        assert_int_equal(json_object_del(fixture->payload, required[i].name), 0);
        assert_refused(fixture, ERR_TOKEN_CLAIM, field);
        set(fixture, required[i].name, json_incref(json_array_get(wrong, 0)));
        assert_refused(fixture, ERR_TOKEN_CLAIM, field);
        set(fixture, required[i].name, json_incref(kept));
    }
    assert_accepted(fixture);
}

/* The old names, which a policy can issue with any value, are not read. */
static void test_deprecated_aliases_are_not_read(void **state)
{
    struct token_fixture *const fixture = *state;
    assert_int_equal(json_object_del(fixture->payload, "x-ms-sgx-mrenclave"), 0);
    set(fixture, "sgx-mrenclave", json_string("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"));
    assert_refused(fixture, ERR_TOKEN_CLAIM, "claims.x-ms-sgx-mrenclave");
}

static void test_broken_runtime_data(void **state)
{
    struct token_fixture *const fixture = *state;
    assert_int_equal(json_object_del(lazaret_of(fixture), "deployment"), 0);
    assert_refused(fixture, ERR_TOKEN_CLAIM, "claims.x-ms-runtime.lazaret.deployment");
}

#define TOKEN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TOKEN_TEST(test_a_good_token_gives_its_claims),
        TOKEN_TEST(test_valid_until_is_never_after_expiry),
        TOKEN_TEST(test_es256_is_accepted),
        TOKEN_TEST(test_no_token),
        TOKEN_TEST(test_no_form),
        TOKEN_TEST(test_too_large),
        TOKEN_TEST(test_every_shorter_prefix_is_refused),
        TOKEN_TEST(test_another_type),
        TOKEN_TEST(test_algorithm_none),
        TOKEN_TEST(test_algorithms_that_are_not_allowed),
        TOKEN_TEST(test_algorithm_of_another_key_kind),
        TOKEN_TEST(test_critical_header),
        TOKEN_TEST(test_another_issuer),
        TOKEN_TEST(test_no_issuer_in_the_manifest),
        TOKEN_TEST(test_unknown_key),
        TOKEN_TEST(test_a_key_in_the_header_is_not_trusted),
        TOKEN_TEST(test_key_of_another_issuer),
        TOKEN_TEST(test_bad_signature),
        TOKEN_TEST(test_altered_payload),
        TOKEN_TEST(test_expired),
        TOKEN_TEST(test_not_yet_valid),
        TOKEN_TEST(test_too_old),
        TOKEN_TEST(test_missing_and_mistyped_times),
        TOKEN_TEST(test_nonce),
        TOKEN_TEST(test_debug),
        TOKEN_TEST(test_debug_is_accepted_only_by_the_identity_that_says_so),
        TOKEN_TEST(test_simulated),
        TOKEN_TEST(test_simulated_by_the_manifests_word),
        TOKEN_TEST(test_policy_hash),
        TOKEN_TEST(test_service),
        TOKEN_TEST(test_role_that_the_manifest_does_not_name),
        TOKEN_TEST(test_deployment),
        TOKEN_TEST(test_mrenclave),
        TOKEN_TEST(test_mrsigner),
        TOKEN_TEST(test_product_id),
        TOKEN_TEST(test_svn),
        TOKEN_TEST(test_both_measurements_must_match),
        TOKEN_TEST(test_no_identities),
        TOKEN_TEST(test_an_identity_without_measurements_matches_nothing),
        TOKEN_TEST(test_identity_of_another_tee),
        TOKEN_TEST(test_revoked_platform),
        TOKEN_TEST(test_another_key),
        TOKEN_TEST(test_the_key_of_another_use),
        TOKEN_TEST(test_no_key_for_the_use),
        TOKEN_TEST(test_missing_and_mistyped_claims),
        TOKEN_TEST(test_deprecated_aliases_are_not_read),
        TOKEN_TEST(test_broken_runtime_data),
    };
    return cmocka_run_group_tests_name("token/relying_party", tests, make_issuer, drop_issuer);
}
