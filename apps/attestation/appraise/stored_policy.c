/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/appraise/shelf.h"
#include "base/encoding.h"
#include "crypto/x509.h"
#include "policy/default_policy.h"
#include "policy/policy_text.h"

#include <stdio.h>

void stored_policy_done(struct stored_policy *policy)
{
    policy_free(policy->policy);
    buffer_done(&policy->text);
    json_done(&policy->signer);
    *policy = (struct stored_policy){};
}

/* ---- who signed it ---- */

static enum status malformed(struct refusal *why, const char *field, const char *expected)
{
    return refuse(why, ERR_TOKEN_MALFORMED, field, expected, "something else");
}

/* The key type of the chain's first certificate, whose JWK need not tell it. */
static enum status type_of_certificate(const char *base64, struct refusal *why, const char **type_out)
{
    CLEANUP(buffer_done) struct buffer der = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    if (base64 == NULL || base64_decode_lenient(slice_of_text(base64), &der) != OK)
        return malformed(why, "header.x5c", "certificates in base64");
    const enum status status = certificate_from_der(buffer_slice(&der), &certificate);
    if (status == ERR_NO_MEMORY) return status;
    if (status != OK) return malformed(why, "header.x5c", "certificates of a known kind");
    *type_out = key_kind(certificate_key(certificate)) == KEY_RSA ? "RSA" : "EC";
    return OK;
}

static enum status make_signer(json_t *chain, struct refusal *why, json_t **signer_out)
{
    const char *type;
    if (!json_is_array(chain) || json_array_size(chain) == 0 || json_array_size(chain) > CERTIFICATE_CHAIN_MAX_COUNT)
        return malformed(why, "header.x5c", "1 to 8 certificates");
    TRY(type_of_certificate(json_string_value(json_array_get(chain, 0)), why, &type));
    json_t *const signer = json_pack("{sssO}", "kty", type, "x5c", chain);
    if (signer == NULL) return ERR_NO_MEMORY;
    *signer_out = signer;
    return OK;
}

/* A key without a certificate: its public numbers. */
static enum status copy_key(const json_t *jwk, struct refusal *why, json_t **signer_out)
{
    static const char *const names[] = {"kty", "n", "e", "crv", "x", "y"};
    CLEANUP(json_done) json_t *signer = json_object();
    if (!json_is_string(json_object_get(jwk, "kty"))) return malformed(why, "header.jwk", "a public key, or x5c");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *const member = json_object_get(jwk, names[i]);
        if (member != NULL && json_object_set(signer, names[i], member) != 0) return ERR_NO_MEMORY;
    }
    *signer_out = json_incref(signer);
    return OK;
}

/* A policy that was signed says by whom: in `x5c`, or in `jwk`, which holds that or the key itself. */
static enum status read_signer(const struct jws *jws, struct refusal *why, json_t **signer_out)
{
    *signer_out = NULL;
    if (slice_equal_text(jws->algorithm, "none")) return OK;
    const json_t *const jwk = json_object_get(jws->header, "jwk");
    json_t *chain = json_object_get(jws->header, "x5c");
    if (chain == NULL) chain = json_object_get(jwk, "x5c");
    return chain == NULL && jwk != NULL ? copy_key(jwk, why, signer_out) : make_signer(chain, why, signer_out);
}

/* ---- the whole ---- */

enum status stored_policy_compile(struct buffer *text, struct refusal *why, struct stored_policy *policy_out)
{
    CLEANUP(stored_policy_done) struct stored_policy policy = {.text = buffer_take(text)};
    struct base64url32 hash;
    TRY(policy_text_hash(buffer_slice(&policy.text), &hash));
    TRY(policy_compile(buffer_slice(&policy.text), why, &policy.policy));
    (void)snprintf(policy.hash, sizeof(policy.hash), "%s", hash.text);
    *policy_out = policy;
    policy = (struct stored_policy){};
    return OK;
}

enum status stored_policy_open(struct slice text, struct refusal *why, struct stored_policy *policy_out)
{
    CLEANUP(jws_done) struct jws jws = {};
    CLEANUP(buffer_done) struct buffer policy_text = buffer_of_maximum(POLICY_MAX_BYTES);
    CLEANUP(stored_policy_done) struct stored_policy policy = {};
    TRY(jws_parse(text, why, &jws));
    TRY(policy_text_of_jws(&jws, why, &policy_text));
    TRY(stored_policy_compile(&policy_text, why, &policy));
    TRY(read_signer(&jws, why, &policy.signer));
    *policy_out = policy;
    policy = (struct stored_policy){};
    return OK;
}
