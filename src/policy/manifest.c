/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/manifest.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/password.h"
#include "token/jws.h"

#include <string.h>

void manifest_done(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->relying_party.issuer_count; i++)
        jwk_set_done(&manifest->relying_party.issuers[i].keys);
    manifest->relying_party.issuer_count = 0;
    for (size_t i = 0; i < manifest->simulated_root_count; i++) key_free(manifest->simulated_roots[i]);
    manifest->simulated_root_count = 0;
    key_cleanup(&manifest->recovery);
    json_done(&manifest->payload);
}

/* ---- small readers ---- */

static enum status read_text(const json_t *object, const char *path, const char *name, size_t max_size,
                             struct refusal *why, char *text_out)
{
    struct slice text;
    TRY(json_get_string(object, path, name, max_size, why, &text));
    if (!utf8_is_valid(text, false))
        return refuse(why, ERR_FIELD_VALUE, json_path(path, name).text, "printable text", "control characters");
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

static enum status check_digest_text(struct slice text, const char *field, struct refusal *why)
{
    uint8_t bytes[32];
    if (base64url_decode_exact(text, sizeof(bytes), bytes) == OK) return OK;
    return refuse(why, ERR_FIELD_VALUE, field, "32 bytes as base64url", "%.*s", (int)text.size, text.bytes);
}

/* A thumbprint or policy hash: kept as text, but it must stand for 32 bytes, or it could never match. */
static enum status read_digest_text(const json_t *object, const char *path, const char *name, struct refusal *why,
                                    char text_out[static THUMBPRINT_TEXT_BYTES + 1])
{
    struct slice text;
    TRY(json_get_string(object, path, name, THUMBPRINT_TEXT_BYTES, why, &text));
    TRY(check_digest_text(text, json_path(path, name).text, why));
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

static enum status read_u16(const json_t *object, const char *path, const char *name, struct refusal *why,
                            uint16_t *number_out)
{
    int64_t number;
    TRY(json_get_integer(object, path, name, 0, UINT16_MAX, why, &number));
    *number_out = (uint16_t)number;
    return OK;
}

static enum status read_key(const json_t *jwk, const char *path, enum key_kind kind, const char *expected,
                            struct refusal *why, struct key **key_out)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    TRY(jwk_to_key(jwk, path, why, &key));
    if (key_kind(key) != kind) return refuse(why, ERR_FIELD_VALUE, path, expected, "a key of another kind");
    *key_out = key_share(key);
    return OK;
}

/* ---- roles ---- */

static enum status read_measurements(const json_t *object, const char *path, struct refusal *why,
                                     struct identity *identity)
{
    if (json_has(object, "mrenclave")) {
        TRY(json_get_hex(object, path, "mrenclave", sizeof(identity->mrenclave), why, identity->mrenclave));
        identity->has_mrenclave = true;
    }
    if (json_has(object, "mrsigner")) {
        TRY(json_get_hex(object, path, "mrsigner", sizeof(identity->mrsigner), why, identity->mrsigner));
        TRY(read_u16(object, path, "product_id", why, &identity->product_id));
        TRY(read_u16(object, path, "minimum_svn", why, &identity->minimum_svn));
        identity->has_mrsigner = true;
    }
    if (!identity->has_mrenclave && !identity->has_mrsigner)
        return refuse(why, ERR_FIELD_MISSING, path, "mrenclave or mrsigner", "neither");
    if (!identity->has_mrsigner && (json_has(object, "product_id") || json_has(object, "minimum_svn")))
        return refuse(why, ERR_FIELD_VALUE, path, "product_id and minimum_svn only beside mrsigner", "no mrsigner");
    return OK;
}

static enum status read_identity(const json_t *object, const char *path, struct refusal *why,
                                 struct identity *identity_out)
{
    static const char *const names[] = {"tee", "mrenclave", "mrsigner", "product_id", "minimum_svn", "debug", NULL};
    if (!json_is_object(object)) return refuse(why, ERR_FIELD_TYPE, path, "an object", "another type");
    TRY(json_only(object, path, names, why));
    struct identity identity = {.tee = TEE_SGX};
    struct slice tee;
    TRY(json_get_string(object, path, "tee", SERVICE_NAME_MAX_BYTES, why, &tee));
    if (!slice_equal_text(tee, "sgx"))
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "tee").text, "sgx", "%.*s", (int)tee.size, tee.bytes);
    TRY(read_measurements(object, path, why, &identity));
    if (json_object_get(object, "debug") != NULL) TRY(json_get_bool(object, path, "debug", why, &identity.debug));
    *identity_out = identity;
    return OK;
}

static enum status read_identities(const json_t *object, const char *path, const char *name, struct refusal *why,
                                   struct role_rule *role)
{
    json_t *identities;
    TRY(json_get_array(object, path, name, IDENTITY_MAX_COUNT, why, &identities));
    for (size_t i = 0; i < json_array_size(identities); i++) {
        TRY(read_identity(json_array_get(identities, i), json_path_at(path, name, i).text, why, &role->identities[i]));
        role->identity_count++;
    }
    return OK;
}

/* "predecessors" stands in the platform's role alone: the other programs have nothing to hand over. */
static const char *const *role_names(const char *service)
{
    static const char *const names[] = {"identities", "deployment", NULL};
    static const char *const platform_names[] = {"identities", "deployment", "predecessors", NULL};
    return strcmp(service, "platform") == 0 ? platform_names : names;
}

static enum status read_role(const json_t *object, const char *path, const char *service, const char *deployment,
                             struct refusal *why, struct role_rule *role)
{
    const size_t size = strlen(service);
    if (size == 0 || size > SERVICE_NAME_MAX_BYTES || !utf8_is_valid(slice_of_text(service), false))
        return refuse(why, ERR_FIELD_VALUE, path, "a role's name of 1 to 32 printable bytes", "%zu bytes", size);
    if (!json_is_object(object)) return refuse(why, ERR_FIELD_TYPE, path, "an object", "another type");
    TRY(json_only(object, path, role_names(service), why));
    memcpy(role->service, service, size + 1);
    memcpy(role->deployment, deployment, THUMBPRINT_TEXT_BYTES + 1);
    if (json_object_get(object, "deployment") != NULL)
        TRY(read_digest_text(object, path, "deployment", why, role->deployment));
    return read_identities(object, path, "identities", why, role);
}

/* A role like the platform's own, but for the identities: whoever is named here is no platform any more. */
static enum status read_predecessors(const json_t *object, const struct role_rule *role, const char *path,
                                     struct refusal *why, struct manifest *manifest)
{
    if (json_object_get(object, "predecessors") == NULL) return OK;
    memcpy(manifest->predecessors.service, role->service, sizeof(role->service));
    memcpy(manifest->predecessors.deployment, role->deployment, sizeof(role->deployment));
    return read_identities(object, path, "predecessors", why, &manifest->predecessors);
}

static enum status read_roles(const json_t *payload, struct refusal *why, struct manifest *manifest)
{
    json_t *roles, *role;
    const char *service;
    TRY(json_get_object(payload, "manifest", "roles", why, &roles));
    if (json_object_size(roles) > MANIFEST_ROLE_MAX_COUNT)
        return refuse(why, ERR_FIELD_VALUE, "manifest.roles", "at most 8 roles", "%zu", json_object_size(roles));
    json_object_foreach (roles, service, role) {
        struct role_rule *const rule = &manifest->roles[manifest->role_count];
        const struct json_path path = json_path("manifest.roles", service);
        TRY(read_role(role, path.text, service, manifest->deployment, why, rule));
        TRY(read_predecessors(role, rule, path.text, why, manifest));
        manifest->role_count++;
    }
    return OK;
}

const struct role_rule *manifest_role(const struct manifest *manifest, const char *service)
{
    for (size_t i = 0; i < manifest->role_count; i++) {
        if (strcmp(manifest->roles[i].service, service) == 0) return &manifest->roles[i];
    }
    return NULL;
}

/* ---- issuers ---- */

static enum status read_policy_hashes(const json_t *object, const char *path, struct refusal *why,
                                      struct issuer_rule *rule)
{
    json_t *hashes;
    TRY(json_get_array(object, path, "policy_hashes", POLICY_HASH_MAX_COUNT, why, &hashes));
    if (json_array_size(hashes) == 0)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "policy_hashes").text, "at least one", "none");
    for (size_t i = 0; i < json_array_size(hashes); i++) {
        const json_t *const hash = json_array_get(hashes, i);
        const struct json_path field = json_path_at(path, "policy_hashes", i);
        if (!json_is_string(hash)) return refuse(why, ERR_FIELD_TYPE, field.text, "a string", "another type");
        const struct slice text = slice_of(json_string_value(hash), json_string_length(hash));
        TRY(check_digest_text(text, field.text, why));
        memcpy(rule->policy_hashes[i], text.bytes, text.size);
    }
    rule->policy_hash_count = json_array_size(hashes);
    return OK;
}

static bool is_named_twice(const struct relying_party_rules *rules, const char *issuer)
{
    for (size_t i = 0; i + 1 < rules->issuer_count; i++) {
        if (strcmp(rules->issuers[i].issuer, issuer) == 0) return true;
    }
    return false;
}

static enum status read_issuer(const json_t *object, const char *path, struct refusal *why,
                               struct relying_party_rules *rules)
{
    static const char *const names[] = {"issuer", "keys", "policy_hashes", NULL};
    json_t *keys;
    if (!json_is_object(object)) return refuse(why, ERR_FIELD_TYPE, path, "an object", "another type");
    TRY(json_only(object, path, names, why));
    struct issuer_rule *const rule = &rules->issuers[rules->issuer_count++];
    TRY(read_text(object, path, "issuer", ISSUER_NAME_MAX_BYTES, why, rule->issuer));
    if (is_named_twice(rules, rule->issuer))
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "issuer").text, "each issuer once", "%s", rule->issuer);
    TRY(json_get_object(object, path, "keys", why, &keys));
    const struct json_path keys_path = json_path(path, "keys");
    TRY(jwk_set_from_json(keys, keys_path.text, why, &rule->keys));
    if (rule->keys.count == 0)
        return refuse(why, ERR_FIELD_VALUE, keys_path.text, "at least one RSA or P-256 key for signatures", "none");
    return read_policy_hashes(object, path, why, rule);
}

static enum status read_issuers(const json_t *payload, struct refusal *why, struct manifest *manifest)
{
    json_t *issuers;
    TRY(json_get_array(payload, "manifest", "issuers", ISSUER_MAX_COUNT, why, &issuers));
    for (size_t i = 0; i < json_array_size(issuers); i++)
        TRY(read_issuer(json_array_get(issuers, i), json_path_at("manifest", "issuers", i).text, why,
                        &manifest->relying_party));
    return json_get_integer(payload, "manifest", "token_max_age", MANIFEST_TOKEN_AGE_MIN_S, MANIFEST_TOKEN_AGE_MAX_S,
                            why, &manifest->relying_party.max_age_s);
}

/* ---- administrator, recovery, simulation ---- */

static enum status read_administrator(const json_t *payload, struct refusal *why, struct manifest *manifest)
{
    static const char *const names[] = {"user", "password_hash", NULL};
    const char *const path = "manifest.administrator";
    json_t *administrator;
    TRY(json_get_object(payload, "manifest", "administrator", why, &administrator));
    TRY(json_only(administrator, path, names, why));
    TRY(read_text(administrator, path, "user", MANIFEST_USER_MAX_BYTES, why, manifest->administrator.user));
    TRY(read_text(administrator, path, "password_hash", MANIFEST_PASSWORD_HASH_MAX_BYTES, why,
                  manifest->administrator.password_hash));
    if (password_hash_check(slice_of_text(manifest->administrator.password_hash)) == OK) return OK;
    (void)!refuse(why, ERR_FIELD_VALUE, "manifest.administrator.password_hash", "$argon2id$v=19$... of at most 256 MiB",
                  "another form");
    return refuse_fix(why, ERR_FIELD_VALUE, "make it with: lazaret key password");
}

static enum status read_recovery(const json_t *payload, struct refusal *why, struct manifest *manifest)
{
    json_t *jwk;
    TRY(json_get_object(payload, "manifest", "recovery", why, &jwk));
    return read_key(jwk, "manifest.recovery", KEY_X25519, "an X25519 key", why, &manifest->recovery);
}

#ifdef LAZARET_SIMULATION
static enum status read_roots(const json_t *simulation, struct refusal *why, struct manifest *manifest)
{
    static const char *const names[] = {"roots", NULL};
    json_t *roots;
    TRY(json_only(simulation, "manifest.simulation", names, why));
    TRY(json_get_array(simulation, "manifest.simulation", "roots", MANIFEST_ROOT_MAX_COUNT, why, &roots));
    for (size_t i = 0; i < json_array_size(roots); i++) {
        TRY(read_key(json_array_get(roots, i), json_path_at("manifest.simulation", "roots", i).text, KEY_P256,
                     "an EC P-256 key", why, &manifest->simulated_roots[i]));
        manifest->simulated_root_count++;
    }
    return OK;
}
#endif

static enum status read_simulation(const json_t *payload, struct refusal *why, struct manifest *manifest)
{
    if (json_object_get(payload, "simulation") == NULL) return OK;
#ifndef LAZARET_SIMULATION
    (void)manifest;
    return refuse(why, ERR_MANIFEST_SIMULATION, "manifest.simulation", "nothing in a release build", "a member");
#else
    json_t *simulation;
    TRY(json_get_object(payload, "manifest", "simulation", why, &simulation));
    TRY(read_roots(simulation, why, manifest));
    manifest->relying_party.accept_simulated = manifest->simulated_root_count > 0;
    return OK;
#endif
}

/* ---- the whole ---- */

static enum status read_deployment(const json_t *payload, const char *signer, struct refusal *why,
                                   struct manifest *manifest)
{
    TRY(read_digest_text(payload, "manifest", "deployment", why, manifest->deployment));
    if (strcmp(manifest->deployment, signer) == 0) return OK;
    return refuse(why, ERR_FIELD_VALUE, "manifest.deployment", signer, "%s", manifest->deployment);
}

static enum status read_members(json_t *payload, const char *signer, struct refusal *why, struct manifest *manifest)
{
    static const char *const names[] = {
        "version",       "issued",   "name",          "deployment",
        "roles",         "issuers",  "token_max_age", "minimum_tcb_evaluation",
        "administrator", "recovery", "simulation",    NULL,
    };
    const int64_t latest_time_s = 253402300799; /* the end of the year 9999 */
    TRY(json_only(payload, "manifest", names, why));
    TRY(json_get_integer(payload, "manifest", "version", 1, INT32_MAX, why, &manifest->version));
    TRY(json_get_integer(payload, "manifest", "issued", 1, latest_time_s, why, &manifest->issued_s));
    TRY(read_text(payload, "manifest", "name", MANIFEST_NAME_MAX_BYTES, why, manifest->name));
    TRY(read_deployment(payload, signer, why, manifest));
    TRY(read_roles(payload, why, manifest));
    TRY(read_issuers(payload, why, manifest));
    TRY(json_get_integer(payload, "manifest", "minimum_tcb_evaluation", 0, INT32_MAX, why,
                         &manifest->minimum_tcb_evaluation));
    TRY(read_administrator(payload, why, manifest));
    return read_recovery(payload, why, manifest);
}

/* `signer` is the thumbprint of the key whose signature was checked, or that is about to sign. */
static enum status read_payload(json_t *payload, const char *signer, struct refusal *why, struct manifest *manifest)
{
    TRY(refuse_as(why, read_members(payload, signer, why, manifest), ERR_MANIFEST));
    const enum status status = read_simulation(payload, why, manifest);
    if (status == ERR_MANIFEST_SIMULATION) return status;
    TRY(refuse_as(why, status, ERR_MANIFEST));
    manifest->payload = json_incref(payload);
    return OK;
}

static enum status thumbprint_of(const struct key *key, struct base64url32 *text_out)
{
    uint8_t thumbprint[KEY_THUMBPRINT_BYTES];
    TRY(key_thumbprint(key, thumbprint));
    *text_out = base64url_of_32(thumbprint);
    return OK;
}

/* The key travels in the header, so that the configuration need hold no more than its thumbprint. */
static enum status check_signer(const struct jws *jws, struct slice deployment, struct refusal *why,
                                struct base64url32 *signer_out)
{
    CLEANUP(key_cleanup) struct key *key = NULL;
    TRY(jwk_to_key(json_object_get(jws->header, "jwk"), "header.jwk", why, &key));
    if (key_kind(key) != KEY_P256)
        return refuse(why, ERR_MANIFEST_SIGNATURE, "header.jwk", "an EC P-256 key", "a key of another kind");
    TRY(thumbprint_of(key, signer_out));
    if (!slice_equal_text(deployment, signer_out->text)) {
        (void)!refuse(why, ERR_MANIFEST_SIGNATURE, "header.jwk", "the key whose thumbprint the configuration names",
                      "%s", signer_out->text);
        return refuse_fix(why, ERR_MANIFEST_SIGNATURE,
                          "compare `deployment` in the configuration with the output of: lazaret manifest show");
    }
    return jws_verify(jws, JWS_TYP_MANIFEST, key, why);
}

enum status manifest_verify(struct slice jws_text, struct slice deployment, struct refusal *why,
                            struct manifest *manifest_out)
{
    if (jws_text.size > MANIFEST_MAX_BYTES)
        return refuse(why, ERR_MANIFEST, "manifest", "at most 262144 bytes", "%zu bytes", jws_text.size);
    CLEANUP(jws_done) struct jws jws = {};
    CLEANUP(manifest_done) struct manifest manifest = {};
    struct base64url32 signer;
    TRY(refuse_as(why, jws_parse(jws_text, why, &jws), ERR_MANIFEST));
    TRY(refuse_as(why, check_signer(&jws, deployment, why, &signer), ERR_MANIFEST_SIGNATURE));
    TRY(read_payload(jws.payload, signer.text, why, &manifest));
    TRY(jws_hash(jws_text, manifest.digest));
    *manifest_out = manifest;
    manifest = (struct manifest){};
    return OK;
}

enum status manifest_sign(const json_t *payload, const struct key *deployment_key, struct refusal *why,
                          struct buffer *jws)
{
    if (key_kind(deployment_key) != KEY_P256 || !key_is_private(deployment_key))
        return refuse(why, ERR_MANIFEST_SIGNATURE, "deployment key", "a private EC P-256 key", "another");
    CLEANUP(manifest_done) struct manifest manifest = {};
    CLEANUP(json_done) json_t *header = json_object(), *jwk = NULL;
    struct base64url32 signer;
    if (!json_is_object(payload)) return refuse(why, ERR_MANIFEST, "manifest", "a JSON object", "another type");
    TRY(thumbprint_of(deployment_key, &signer));
    TRY(read_payload((json_t *)payload, signer.text, why, &manifest));
    TRY(jwk_from_key(deployment_key, &jwk));
    if (json_object_set(header, "jwk", jwk) != 0) return ERR_NO_MEMORY;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(MANIFEST_MAX_BYTES);
    TRY(jws_sign(JWS_TYP_MANIFEST, NULL, header, payload, deployment_key, &text));
    return buffer_append(jws, buffer_slice(&text));
}
