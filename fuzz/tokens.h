/* SPDX-License-Identifier: Apache-2.0
 *
 * For targets that reach behind tokens: keys of an issuer and of a service that are the same in each run, payloads that
 * are accepted, and signing. An input then changes a payload, which is signed as if its issuer had said so.
 */
#pragma once

#include "../tests/support/test_token.h"
#include "base/json.h"
#include "parts.h"
#include "token/jws.h"
#include "token/relying_party.h"

#include <string.h>

enum { FUZZ_NOW_S = 1764000000, ISSUER_SCALAR = 7, TLS_SCALAR = 8, SIGN_SCALAR = 9, HPKE_FIRST = 10 };

#define FUZZ_ISSUER "https://a"
#define FUZZ_KID "k"
#define FUZZ_POLICY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* The payload of a token of `service`; `hpke` may be empty: an OHTTP key configuration. */
static inline json_t *fuzz_payload(const char *service, const char *deployment, struct slice ohttp)
{
    struct runtime_data data = {.version = "1",
                                .keys = {[KEY_USE_TLS] = fixed_p256(TLS_SCALAR),
                                         [KEY_USE_SIGN] = fixed_p256(SIGN_SCALAR),
                                         [KEY_USE_HPKE] = fixed_x25519(HPKE_FIRST)},
                                .ohttp = buffer_of_maximum(OHTTP_KEY_CONFIG_MAX_BYTES)};
    (void)snprintf(data.service, sizeof(data.service), "%s", service);
    (void)snprintf(data.deployment, sizeof(data.deployment), "%s", deployment);
    must(buffer_append(&data.ohttp, ohttp));
    CLEANUP(buffer_done) struct buffer runtime = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES);
    must(runtime_data_write(&data, &runtime));
    const struct test_token token = {
        .issuer = FUZZ_ISSUER,
        .issued_s = FUZZ_NOW_S - 60,
        .runtime = buffer_slice(&runtime),
        .policy_hash = FUZZ_POLICY,
        .product_id = 3,
        .svn = 5,
    };
    runtime_data_done(&data);
    return test_token_payload(&token);
}

static inline struct role_rule fuzz_role(const char *service, const char *deployment)
{
    struct role_rule role = {.identities = {{.tee = TEE_SGX, .has_mrenclave = true}}, .identity_count = 1};
    (void)snprintf(role.service, sizeof(role.service), "%s", service);
    (void)snprintf(role.deployment, sizeof(role.deployment), "%s", deployment);
    return role;
}

static inline void fuzz_rules(struct relying_party_rules *rules)
{
    CLEANUP(key_cleanup) struct key *issuer = fixed_p256(ISSUER_SCALAR);
    struct issuer_rule *const rule = &rules->issuers[0];
    *rules = (struct relying_party_rules){.issuer_count = 1, .max_age_s = TOKEN_DEFAULT_MAX_AGE_S};
    (void)snprintf(rule->issuer, sizeof(rule->issuer), FUZZ_ISSUER);
    (void)snprintf(rule->policy_hashes[0], sizeof(rule->policy_hashes[0]), FUZZ_POLICY);
    rule->policy_hash_count = 1;
    must(jwk_set_add(&rule->keys, FUZZ_KID, issuer));
}

/* Appends the payload as a JWS of this type and key; false if it cannot be one. */
static inline bool fuzz_sign(const char *type, uint8_t scalar, const json_t *payload, struct buffer *text)
{
    static struct key *keys[SIGN_SCALAR + 1];
    if (keys[scalar] == NULL) keys[scalar] = fixed_p256(scalar);
    return json_is_object(payload) &&
           jws_sign(type, scalar == ISSUER_SCALAR ? FUZZ_KID : NULL, NULL, payload, keys[scalar], text) == OK;
}

/* Replaces a member that is an object by its JWS. */
static inline void fuzz_sign_member(json_t *object, const char *name, const char *type, uint8_t scalar)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(JWS_MAX_BYTES);
    const json_t *const payload = json_object_get(object, name);
    if (!fuzz_sign(type, scalar, payload, &text)) return;
    if (json_object_set_new(object, name, json_stringn((const char *)text.bytes, text.size)) != 0) abort();
}
