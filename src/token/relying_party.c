/* SPDX-License-Identifier: Apache-2.0 */
#include "token/relying_party.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "token/jws.h"

#include <stdio.h>
#include <string.h>

enum { CLAIM_TEXT_MAX_BYTES = 64, NONCE_TEXT_MAX_BYTES = 512 };

void token_claims_done(struct token_claims *claims)
{
    runtime_data_done(&claims->runtime);
}

/* ---- header, issuer, key, signature ---- */

static enum status find_issuer(const json_t *payload, const struct relying_party_rules *rules, struct refusal *why,
                               const struct issuer_rule **rule_out)
{
    struct slice issuer;
    TRY(refuse_as(why, json_get_string(payload, "claims", "iss", ISSUER_NAME_MAX_BYTES, why, &issuer),
                  ERR_TOKEN_ISSUER));
    for (size_t i = 0; i < rules->issuer_count; i++) {
        if (!slice_equal_text(issuer, rules->issuers[i].issuer)) continue;
        *rule_out = &rules->issuers[i];
        return OK;
    }
    return refuse(why, ERR_TOKEN_ISSUER, "claims.iss",
                  rules->issuer_count == 0 ? "no issuer yet" : rules->issuers[0].issuer, "%.*s", (int)issuer.size,
                  issuer.bytes);
}

static enum status check_signature(const struct jws *jws, const struct issuer_rule *issuer, struct refusal *why)
{
    const struct key *const key = jwk_set_find(&issuer->keys, jws->kid);
    if (key == NULL) {
        (void)!refuse(why, ERR_TOKEN_KEY_UNKNOWN, "header.kid", "a key that the manifest lists for this issuer", "%.*s",
                      (int)jws->kid.size, jws->kid.size == 0 ? (const uint8_t *)"" : jws->kid.bytes);
        return refuse_fix(why, ERR_TOKEN_KEY_UNKNOWN,
                          "if the attestation service has a new key, sign a new manifest that lists it");
    }
    return jws_verify(jws, JWS_TYP_TOKEN, key, why);
}

/* ---- time ---- */

static enum status get_time(const json_t *payload, const char *name, struct refusal *why, int64_t *time_s_out)
{
    /* Up to the year 9999: sums with slack and age cannot overflow. */
    const int64_t latest_s = 253402300799;
    return refuse_as(why, json_get_integer(payload, "claims", name, 0, latest_s, why, time_s_out), ERR_TOKEN_CLAIM);
}

static enum status refuse_time(struct refusal *why, enum status status, const char *field, const char *relation,
                               int64_t limit_s, int64_t seen_s)
{
    char expected[96];
    (void)snprintf(expected, sizeof(expected), "%s %s", relation, time_iso8601(limit_s).text);
    return refuse(why, status, field, expected, "%s", time_iso8601(seen_s).text);
}

static enum status check_times(const json_t *payload, int64_t max_age_s, int64_t now_s, struct refusal *why,
                               struct token_claims *claims)
{
    int64_t not_before_s;
    TRY(get_time(payload, "nbf", why, &not_before_s));
    TRY(get_time(payload, "exp", why, &claims->expires_s));
    TRY(get_time(payload, "iat", why, &claims->issued_s));
    const int64_t latest_start_s = now_s + TOKEN_CLOCK_SLACK_S;
    if (not_before_s > latest_start_s)
        return refuse_time(why, ERR_TOKEN_NOT_YET_VALID, "claims.nbf", "at most", latest_start_s, not_before_s);
    if (claims->expires_s <= now_s)
        return refuse_time(why, ERR_TOKEN_EXPIRED, "claims.exp", "later than", now_s, claims->expires_s);
    if (claims->issued_s > latest_start_s)
        return refuse_time(why, ERR_TOKEN_NOT_YET_VALID, "claims.iat", "at most", latest_start_s, claims->issued_s);
    const int64_t oldest_end_s = claims->issued_s + max_age_s;
    if (oldest_end_s <= now_s)
        return refuse_time(why, ERR_TOKEN_EXPIRED, "claims.iat", "later than", now_s - max_age_s, claims->issued_s);
    claims->valid_until_s = claims->expires_s < oldest_end_s ? claims->expires_s : oldest_end_s;
    return OK;
}

static enum status check_nonce(const json_t *payload, struct slice expected, struct refusal *why)
{
    if (expected.size == 0) return OK;
    struct slice seen;
    TRY(refuse_as(why, json_get_string(payload, "claims", "nonce", NONCE_TEXT_MAX_BYTES, why, &seen), ERR_TOKEN_NONCE));
    if (slice_equal(seen, expected)) return OK;
    return refuse(why, ERR_TOKEN_NONCE, "claims.nonce", "the nonce that was asked for", "another");
}

/* ---- claims ---- */

static enum status get_sgx_claims(const json_t *payload, struct refusal *why, struct token_claims *claims)
{
    const char *const path = "claims";
    int64_t product_id, svn;
    TRY(json_get_bool(payload, path, "x-ms-sgx-is-debuggable", why, &claims->debug));
    TRY(json_get_hex(payload, path, "x-ms-sgx-mrenclave", sizeof(claims->mrenclave), why, claims->mrenclave));
    TRY(json_get_hex(payload, path, "x-ms-sgx-mrsigner", sizeof(claims->mrsigner), why, claims->mrsigner));
    TRY(json_get_integer(payload, path, "x-ms-sgx-product-id", 0, UINT16_MAX, why, &product_id));
    TRY(json_get_integer(payload, path, "x-ms-sgx-svn", 0, UINT16_MAX, why, &svn));
    claims->product_id = (uint16_t)product_id;
    claims->svn = (uint16_t)svn;
    return OK;
}

static enum status copy_text(const json_t *payload, const char *name, size_t max_size, struct refusal *why,
                             char *text_out)
{
    struct slice text;
    TRY(json_get_string(payload, "claims", name, max_size, why, &text));
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

static enum status get_kind(const json_t *payload, struct refusal *why, enum tee_kind *kind_out)
{
    struct slice kind;
    TRY(json_get_string(payload, "claims", "x-ms-attestation-type", CLAIM_TEXT_MAX_BYTES, why, &kind));
    if (!slice_equal_text(kind, "sgx"))
        return refuse(why, ERR_UNSUPPORTED, "claims.x-ms-attestation-type", "sgx", "%.*s", (int)kind.size, kind.bytes);
    *kind_out = TEE_SGX;
    return OK;
}

static enum status get_claims(const json_t *payload, struct refusal *why, struct token_claims *claims)
{
    json_t *runtime;
    TRY(get_kind(payload, why, &claims->tee));
    TRY(get_sgx_claims(payload, why, claims));
    TRY(copy_text(payload, "iss", ISSUER_NAME_MAX_BYTES, why, claims->issuer));
    TRY(copy_text(payload, "x-ms-policy-hash", THUMBPRINT_TEXT_BYTES, why, claims->policy_hash));
    /* Left out by every issuer that knows no simulation, such as Azure. Of any other type than boolean it is refused,
     * so that no spelling of "true" is taken for "false". */
    if (json_object_get(payload, "lazaret-simulated") != NULL)
        TRY(json_get_bool(payload, "claims", "lazaret-simulated", why, &claims->simulated));
    TRY(json_get_object(payload, "claims", "x-ms-runtime", why, &runtime));
    return runtime_data_from_json(runtime, "claims.x-ms-runtime", why, &claims->runtime);
}

/* ---- the manifest's word ---- */

static enum status check_simulated(const struct relying_party_rules *rules, const struct token_claims *claims,
                                   struct refusal *why)
{
#ifdef LAZARET_SIMULATION
    const bool accepts = rules->accept_simulated;
#else
    const bool accepts = false;
    (void)rules;
#endif
    if (!claims->simulated || accepts) return OK;
    return refuse(why, ERR_TOKEN_SIMULATED, "claims.lazaret-simulated", "evidence from real hardware",
                  "simulated evidence");
}

static enum status check_debug(const struct role_rule *role, const struct token_claims *claims, struct refusal *why)
{
    if (!claims->debug) return OK;
    for (size_t i = 0; i < role->identity_count; i++) {
        if (role->identities[i].debug) return OK;
    }
    return refuse(why, ERR_TOKEN_DEBUG, "claims.x-ms-sgx-is-debuggable", "false", "true");
}

static enum status check_policy(const struct issuer_rule *issuer, const struct token_claims *claims,
                                struct refusal *why)
{
    for (size_t i = 0; i < issuer->policy_hash_count; i++) {
        if (strcmp(issuer->policy_hashes[i], claims->policy_hash) == 0) return OK;
    }
    return refuse(why, ERR_TOKEN_POLICY, "claims.x-ms-policy-hash",
                  issuer->policy_hash_count == 0 ? "no policy is accepted" : issuer->policy_hashes[0], "%s",
                  claims->policy_hash);
}

static enum status check_role(const struct role_rule *role, const struct token_claims *claims, struct refusal *why)
{
    if (strcmp(claims->runtime.service, role->service) != 0)
        return refuse(why, ERR_TOKEN_SERVICE, "claims.x-ms-runtime.lazaret.service", role->service, "%s",
                      claims->runtime.service);
    if (strcmp(claims->runtime.deployment, role->deployment) != 0)
        return refuse(why, ERR_TOKEN_DEPLOYMENT, "claims.x-ms-runtime.lazaret.deployment", role->deployment, "%s",
                      claims->runtime.deployment);
    return OK;
}

static bool matches(const struct identity *identity, const struct token_claims *claims)
{
    /* An identity without any measurement would match everything. */
    if (!identity->has_mrenclave && !identity->has_mrsigner) return false;
    if (identity->tee != claims->tee || (claims->debug && !identity->debug)) return false;
    if (identity->has_mrenclave && !slice_equal(SLICE_ARRAY(identity->mrenclave), SLICE_ARRAY(claims->mrenclave)))
        return false;
    if (!identity->has_mrsigner) return true;
    return slice_equal(SLICE_ARRAY(identity->mrsigner), SLICE_ARRAY(claims->mrsigner)) &&
           claims->product_id == identity->product_id && claims->svn >= identity->minimum_svn;
}

static enum status check_identity(const struct role_rule *role, const struct token_claims *claims, struct refusal *why)
{
    for (size_t i = 0; i < role->identity_count; i++) {
        if (matches(&role->identities[i], claims)) return OK;
    }
    char expected[REFUSAL_TEXT_BYTES];
    (void)snprintf(expected, sizeof(expected), "one of the %zu identities that the manifest accepts as %s",
                   role->identity_count, role->service);
    return refuse(why, ERR_TOKEN_IDENTITY, "claims.x-ms-sgx-mrenclave", expected,
                  "MRENCLAVE %s, MRSIGNER %s, product id %u, SVN %u", hex_of_32(claims->mrenclave).text,
                  hex_of_32(claims->mrsigner).text, claims->product_id, claims->svn);
}

static enum status check_tcb(const json_t *payload, struct refusal *why)
{
    if (json_object_get(payload, "x-lazaret-tcb-status") == NULL) return OK;
    struct slice status;
    TRY(refuse_as(why, json_get_string(payload, "claims", "x-lazaret-tcb-status", CLAIM_TEXT_MAX_BYTES, why, &status),
                  ERR_TOKEN_CLAIM));
    if (!slice_equal_text(status, "Revoked")) return OK;
    return refuse(why, ERR_TOKEN_TCB, "claims.x-lazaret-tcb-status", "a status that is not revoked", "Revoked");
}

static enum status check_key(const struct token_expectation *expected, const struct token_claims *claims,
                             struct refusal *why)
{
    if (expected->presented == NULL) return OK;
    const struct key *const attested = claims->runtime.keys[expected->use];
    const struct json_path field = json_path("claims.x-ms-runtime.lazaret.use", key_use_name(expected->use));
    if (attested == NULL)
        return refuse(why, ERR_TOKEN_KEY_BINDING, field.text, "an attested key for this purpose", "none");
    if (!key_equal(attested, expected->presented))
        return refuse(why, ERR_TOKEN_KEY_BINDING, field.text, "the key that the presenter shows", "another key");
    return OK;
}

static enum status check_rules(const json_t *payload, const struct relying_party_rules *rules,
                               const struct issuer_rule *issuer, const struct token_expectation *expected,
                               struct refusal *why, const struct token_claims *claims)
{
    if (expected->role == NULL)
        return refuse(why, ERR_TOKEN_SERVICE, "claims.x-ms-runtime.lazaret.service", "a role that the manifest names",
                      "%s", claims->runtime.service);
    TRY(check_simulated(rules, claims, why));
    TRY(check_debug(expected->role, claims, why));
    TRY(check_policy(issuer, claims, why));
    TRY(check_role(expected->role, claims, why));
    TRY(check_identity(expected->role, claims, why));
    TRY(check_tcb(payload, why));
    return check_key(expected, claims, why);
}

static enum status parse(struct slice token, struct refusal *why, struct jws *jws_out)
{
    if (token.size == 0) return refuse(why, ERR_TOKEN_MISSING, "token", "an attestation token", "none");
    if (token.size > TOKEN_MAX_BYTES)
        return refuse(why, ERR_TOKEN_MALFORMED, "token", "at most 65536 bytes", "%zu bytes", token.size);
    return jws_parse(token, why, jws_out);
}

enum status relying_party_check(struct slice token, const struct relying_party_rules *rules,
                                const struct token_expectation *expected, struct refusal *why,
                                struct token_claims *claims_out)
{
    CLEANUP(jws_done) struct jws jws = {};
    CLEANUP(token_claims_done) struct token_claims claims = {};
    const struct issuer_rule *issuer;
    TRY(parse(token, why, &jws));
    TRY(jws_check_header(&jws, JWS_TYP_TOKEN, why));
    TRY(find_issuer(jws.payload, rules, why, &issuer));
    TRY(check_signature(&jws, issuer, why));
    TRY(check_times(jws.payload, rules->max_age_s, expected->now_s, why, &claims));
    TRY(check_nonce(jws.payload, expected->nonce, why));
    TRY(refuse_as(why, get_claims(jws.payload, why, &claims), ERR_TOKEN_CLAIM));
    TRY(check_rules(jws.payload, rules, issuer, expected, why, &claims));
    *claims_out = claims;
    claims = (struct token_claims){};
    return OK;
}
