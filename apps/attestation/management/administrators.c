/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/administrators.h"

#include "base/encoding.h"
#include "token/jws.h"

#include <string.h>
#include <strings.h>

void administrators_done(struct administrators *administrators)
{
    for (size_t i = 0; i < administrators->count; i++) key_free(administrators->items[i].key);
    *administrators = (struct administrators){};
}

/* ---- configuration ---- */

static enum status read_local(const json_t *json, const char *path, struct refusal *why,
                              struct administrator *administrator)
{
    static const char *const names[] = {"key", "right", NULL};
    json_t *jwk;
    struct slice right = SLICE_LITERAL("contributor");
    TRY(json_only(json, path, names, why));
    TRY(json_get_object(json, path, "key", why, &jwk));
    TRY(jwk_to_key(jwk, json_path(path, "key").text, why, &administrator->key));
    const enum key_kind kind = key_kind(administrator->key);
    if (kind != KEY_P256 && kind != KEY_RSA)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "key").text, "a key of P-256 or RSA", "another kind");
    if (json_has(json, "right")) TRY(json_get_string(json, path, "right", ADMINISTRATOR_NAME_MAX_BYTES, why, &right));
    administrator->is_reader_only = slice_equal_text(right, "reader");
    if (administrator->is_reader_only || slice_equal_text(right, "contributor")) return OK;
    return refuse(why, ERR_FIELD_VALUE, json_path(path, "right").text, "reader or contributor", "%.*s", (int)right.size,
                  (const char *)right.bytes);
}

static enum status check_texts(const json_t *accepted, const char *path, const char *name, struct refusal *why)
{
    if (!json_has(accepted, name)) return OK;
    json_t *texts;
    TRY(json_get_array(accepted, path, name, ADMINISTRATOR_ACCEPTED_MAX_COUNT, why, &texts));
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *const text = json_array_get(texts, i);
        if (!json_is_string(text) || json_string_length(text) == 0)
            return refuse(why, ERR_FIELD_VALUE, json_path_at(path, name, i).text, "a text", "something else");
    }
    return OK;
}

static enum status read_accepted(const json_t *json, const char *path, const char *name, struct refusal *why,
                                 const json_t **accepted_out)
{
    static const char *const names[] = {"subjects", "roles", NULL};
    if (!json_has(json, name)) return OK;
    json_t *accepted;
    const struct json_path at = json_path(path, name);
    TRY(json_get_object(json, path, name, why, &accepted));
    TRY(json_only(accepted, at.text, names, why));
    TRY(check_texts(accepted, at.text, "subjects", why));
    TRY(check_texts(accepted, at.text, "roles", why));
    *accepted_out = accepted;
    return OK;
}

static enum status read_keys(const struct configuration *configuration, const json_t *json, const char *path,
                             struct refusal *why, struct administrator *administrator)
{
    if (json_has(json, "keys") == json_has(json, "keys_url"))
        return refuse(why, ERR_FIELD_MISSING, json_path(path, "keys").text,
                      "either keys, a file with a key set, or keys_url", "%s",
                      json_has(json, "keys") ? "both" : "neither");
    if (json_has(json, "keys")) return configuration_path(configuration, json, path, "keys", why, administrator->keys);
    TRY(configuration_text(json, path, "keys_url", URL_MAX_BYTES, why, administrator->url));
    struct source_url url;
    TRY(source_url_split(administrator->url, json_path(path, "keys_url").text, why, &url));
    if (!url.is_tls)
        return refuse(why, ERR_FIELD_VALUE, json_path(path, "keys_url").text, "an address with https", "http");
    return json_has(json, "ca") ? configuration_path(configuration, json, path, "ca", why, administrator->ca) : OK;
}

static enum status read_provider(const struct configuration *configuration, const json_t *json, const char *path,
                                 struct refusal *why, struct administrator *administrator)
{
    static const char *const names[] = {"issuer", "audience", "keys",         "keys_url",
                                        "ca",     "readers",  "contributors", NULL};
    TRY(json_only(json, path, names, why));
    TRY(configuration_text(json, path, "issuer", ADMINISTRATOR_NAME_MAX_BYTES, why, administrator->issuer));
    TRY(configuration_text(json, path, "audience", ADMINISTRATOR_NAME_MAX_BYTES, why, administrator->audience));
    TRY(read_keys(configuration, json, path, why, administrator));
    TRY(read_accepted(json, path, "readers", why, &administrator->readers));
    return read_accepted(json, path, "contributors", why, &administrator->contributors);
}

enum status administrators_configure(const struct configuration *configuration, const json_t *object,
                                     struct refusal *why, struct administrators *administrators)
{
    if (!json_has(object, "administrators")) return OK;
    json_t *items;
    TRY(json_get_array(object, "management", "administrators", ADMINISTRATOR_MAX_COUNT, why, &items));
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *const json = json_array_get(items, i);
        const struct json_path path = json_path_at("management", "administrators", i);
        if (!json_is_object(json)) return refuse(why, ERR_FIELD_TYPE, path.text, "an object", "something else");
        struct administrator *const administrator = &administrators->items[administrators->count++];
        TRY(json_has(json, "key") ? read_local(json, path.text, why, administrator)
                                  : read_provider(configuration, json, path.text, why, administrator));
    }
    return OK;
}

/* ---- tokens ---- */

struct bearer {
    struct slice text, signing_input;
    struct buffer signature;
    enum administrator_right right;
    int64_t now_s;
};

static void bearer_done(struct bearer *bearer)
{
    buffer_done(&bearer->signature);
}

static enum status malformed(struct refusal *why, const char *field, const char *expected)
{
    return refuse(why, ERR_TOKEN_MALFORMED, field, expected, "something else");
}

static enum status split(const char *authorization, struct refusal *why, struct bearer *bearer)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL) return refuse(why, ERR_TOKEN_MISSING, "authorization", "Bearer and a token", "nothing");
    if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
        return refuse(why, ERR_TOKEN_MISSING, "authorization", "Bearer and a token", "another scheme");
    bearer->text = slice_of_text(authorization + sizeof(scheme) - 1);
    if (bearer->text.size > BEARER_MAX_BYTES)
        return refuse(why, ERR_TOO_LARGE, "authorization", "at most 12288 bytes", "%zu bytes", bearer->text.size);
    struct slice header, rest, payload, signature, more;
    if (!slice_split(bearer->text, '.', &header, &rest) || !slice_split(rest, '.', &payload, &signature) ||
        slice_split(signature, '.', &more, &rest))
        return malformed(why, "authorization", "a token of three parts");
    bearer->signing_input = slice_part(bearer->text, 0, header.size + 1 + payload.size);
    const enum status decoded = base64url_decode(signature, &bearer->signature);
    if (decoded == ERR_NO_MEMORY) return decoded;
    return decoded == OK ? OK : malformed(why, "authorization", "a signature in base64url of at most 512 bytes");
}

static bool is_text(const json_t *json, const char *text)
{
    return json_is_string(json) && json_string_length(json) == strlen(text) &&
           strcmp(json_string_value(json), text) == 0;
}

/* A text, or a list that has it. */
static bool holds(const json_t *claim, const char *text)
{
    if (is_text(claim, text)) return true;
    for (size_t i = 0; i < json_array_size(claim); i++) {
        if (is_text(json_array_get(claim, i), text)) return true;
    }
    return false;
}

static bool holds_any(const json_t *claim, const json_t *texts)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        if (holds(claim, json_string_value(json_array_get(texts, i)))) return true;
    }
    return false;
}

static bool is_accepted(const json_t *payload, const json_t *accepted)
{
    const json_t *const subjects = json_object_get(accepted, "subjects");
    return holds_any(json_object_get(payload, "sub"), subjects) ||
           holds_any(json_object_get(payload, "oid"), subjects) ||
           holds_any(json_object_get(payload, "roles"), json_object_get(accepted, "roles"));
}

static enum status check_times(const json_t *payload, const struct bearer *bearer, struct refusal *why,
                               int64_t *expires_s_out)
{
    int64_t expires_s, not_before_s = 0;
    TRY(refuse_as(why, json_get_integer(payload, "", "exp", 0, INT64_MAX / 2, why, &expires_s), ERR_TOKEN_CLAIM));
    if (json_has(payload, "nbf"))
        TRY(refuse_as(why, json_get_integer(payload, "", "nbf", 0, INT64_MAX / 2, why, &not_before_s),
                      ERR_TOKEN_CLAIM));
    if (bearer->now_s >= expires_s + BEARER_SLACK_S)
        return refuse(why, ERR_TOKEN_EXPIRED, "exp", "a time to come", "%lld", (long long)expires_s);
    if (bearer->now_s < not_before_s - BEARER_SLACK_S)
        return refuse(why, ERR_TOKEN_NOT_YET_VALID, "nbf", "a time that has come", "%lld", (long long)not_before_s);
    *expires_s_out = expires_s;
    return OK;
}

static enum status check_audience(const json_t *payload, const char *audience, struct refusal *why)
{
    if (holds(json_object_get(payload, "aud"), audience)) return OK;
    return refuse(why, ERR_TOKEN_CLAIM, "aud", audience, "another");
}

static enum status refuse_right(struct refusal *why)
{
    return refuse(why, ERR_FORBIDDEN, "authorization", "an administrator who may do this", "one who may not");
}

static enum status judge_local(const struct administrator *administrator, const char *own_name, const json_t *payload,
                               const struct bearer *bearer, struct refusal *why)
{
    int64_t expires_s;
    TRY(check_audience(payload, own_name, why));
    TRY(check_times(payload, bearer, why, &expires_s));
    if (expires_s > bearer->now_s + BEARER_LOCAL_MAX_S + BEARER_SLACK_S)
        return refuse(why, ERR_TOKEN_CLAIM, "exp", "within an hour", "%lld", (long long)expires_s);
    return administrator->is_reader_only && bearer->right == RIGHT_CHANGE ? refuse_right(why) : OK;
}

static enum status judge_provider(const struct administrator *administrator, const json_t *payload,
                                  const struct bearer *bearer, struct refusal *why)
{
    int64_t expires_s;
    if (!is_text(json_object_get(payload, "iss"), administrator->issuer))
        return refuse(why, ERR_TOKEN_ISSUER, "iss", administrator->issuer, "another");
    TRY(check_audience(payload, administrator->audience, why));
    TRY(check_times(payload, bearer, why, &expires_s));
    if (is_accepted(payload, administrator->contributors)) return OK;
    if (bearer->right == RIGHT_READ && is_accepted(payload, administrator->readers)) return OK;
    return refuse_right(why);
}

/* From here on the bytes are those of somebody whom the configuration trusts. */
static enum status judge(const struct administrators *administrators, const struct administrator *administrator,
                         const struct key *key, const struct bearer *bearer, struct refusal *why)
{
    CLEANUP(jws_done) struct jws jws = {};
    TRY(jws_parse(bearer->text, why, &jws));
    if (!slice_equal_text(jws.algorithm, key_kind(key) == KEY_RSA ? "RS256" : "ES256"))
        return refuse(why, ERR_TOKEN_ALGORITHM, "header.alg", "RS256 or ES256", "another");
    return administrator->key != NULL ? judge_local(administrator, administrators->issuer, jws.payload, bearer, why)
                                      : judge_provider(administrator, jws.payload, bearer, why);
}

/* Each kind has its own sizes, so that most keys need not be tried. */
static bool is_signed_by(const struct bearer *bearer, const struct key *key)
{
    const bool is_ecdsa = bearer->signature.size == P256_SIGNATURE_BYTES;
    if ((key_kind(key) == KEY_P256) != is_ecdsa) return false;
    return key_verify(key, bearer->signing_input, buffer_slice(&bearer->signature)) == OK;
}

/* ERR_TOKEN_SIGNATURE: none of this administrator's keys signed it. */
static enum status try_one(const struct administrators *administrators, size_t number, const struct bearer *bearer,
                           struct refusal *why)
{
    const struct administrator *const administrator = &administrators->items[number];
    if (administrator->key != NULL)
        return is_signed_by(bearer, administrator->key)
                   ? judge(administrators, administrator, administrator->key, bearer, why)
                   : ERR_TOKEN_SIGNATURE;
    CLEANUP(key_set_cleanup) struct key_set *set = NULL;
    struct refusal away = {};
    if (administrators->feed == NULL || key_set_feed_get(administrators->feed, number, &away, &set) != OK)
        return ERR_TOKEN_SIGNATURE;
    const struct jwk_set *const keys = key_set_keys(set);
    for (size_t i = 0; i < keys->count; i++) {
        if (is_signed_by(bearer, keys->items[i].key))
            return judge(administrators, administrator, keys->items[i].key, bearer, why);
    }
    return ERR_TOKEN_SIGNATURE;
}

static enum status check(const struct administrators *administrators, const struct bearer *bearer, struct refusal *why)
{
    enum status result = ERR_TOKEN_SIGNATURE;
    (void)!refuse(why, result, "authorization", "a token by a key of a configured administrator", "another");
    /* A provider may stand there several times, with an audience each: the last one's reason is told. */
    for (size_t i = 0; i < administrators->count; i++) {
        struct refusal own = {};
        const enum status status = try_one(administrators, i, bearer, &own);
        if (status == OK || status == ERR_NO_MEMORY) return status;
        if (status == ERR_TOKEN_SIGNATURE) continue;
        result = status;
        if (why != NULL) *why = own;
    }
    return result;
}

enum status administrators_check(const struct administrators *administrators, const char *authorization,
                                 enum administrator_right right, int64_t now_s, struct refusal *why)
{
    CLEANUP(bearer_done)
    struct bearer bearer = {.signature = buffer_of_maximum(JWS_SIGNATURE_MAX_BYTES), .right = right, .now_s = now_s};
    TRY(split(authorization, why, &bearer));
    return check(administrators, &bearer, why);
}
