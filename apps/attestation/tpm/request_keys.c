/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/request.h"
#include "token/jwk.h"

#include <stdlib.h>
#include <string.h>

void tpm_named_key_done(struct tpm_named_key *named)
{
    json_done(&named->jwk);
    key_cleanup(&named->key);
    buffer_done(&named->area);
    buffer_done(&named->attest);
    buffer_done(&named->signature);
}

enum status tpm_jwk_read(const struct json_node *object, const char *path, const char *name, struct slice payload,
                         struct refusal *why, struct tpm_named_key *named)
{
    const struct json_node *node;
    TRY(json_node_get_object(object, path, name, why, &node));
    named->text = json_node_text(node, payload);
    TRY(json_parse(named->text, TPM_JWK_MAX_BYTES, why, &named->jwk));
    return jwk_to_key(named->jwk, json_path(path, name).text, why, &named->key);
}

/* ---- how a key is bound ---- */

static enum status read_hash(const struct json_node *quote, const char *path, struct refusal *why,
                             struct tpm_named_key *named)
{
    static const struct {
        const char *name;
        enum hash hash;
    } hashes[] = {{"sha-256", HASH_SHA256}, {"sha-384", HASH_SHA384}, {"sha-512", HASH_SHA512}};
    struct slice name;
    TRY(json_node_get_string(quote, path, "hash_alg", 16, why, &name));
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (!slice_equal_text(name, hashes[i].name)) continue;
        named->binding = TPM_BINDING_QUOTE;
        named->hash = hashes[i].hash;
        named->hash_name = hashes[i].name;
        return OK;
    }
    return refuse(why, ERR_UNSUPPORTED, json_path(path, "hash_alg").text, "sha-256, sha-384 or sha-512", "%.*s",
                  (int)name.size, name.bytes);
}

static enum status read_certify(const struct json_node *certify, const char *path, struct refusal *why,
                                struct tpm_named_key *named)
{
    named->binding = TPM_BINDING_CERTIFY;
    TRY(tpm_required_bytes(certify, path, "public", TPM_PUBLIC_MAX_BYTES, why, &named->area));
    TRY(tpm_required_bytes(certify, path, "certification", TPM_ATTEST_MAX_BYTES, why, &named->attest));
    return tpm_required_bytes(certify, path, "signature", TPM_SIGNATURE_MAX_BYTES, why, &named->signature);
}

static bool is_there(const struct json_node *node)
{
    return node != NULL && node->type != JSON_NULL;
}

static enum status read_info(const struct json_node *object, const char *path, struct refusal *why,
                             struct tpm_named_key *named)
{
    const struct json_node *info = json_node_member(object, "info"), *part;
    if (!is_there(info)) return OK;
    TRY(json_node_get_object(object, path, "info", why, &info));
    const struct json_path inner = json_path(path, "info");
    const bool has_quote = is_there(json_node_member(info, "tpm_quote"));
    const bool has_certify = is_there(json_node_member(info, "tpm_certify"));
    if (has_quote && has_certify)
        return refuse(why, ERR_FIELD_VALUE, inner.text, "either tpm_quote or tpm_certify", "both");
    if (has_quote) {
        TRY(json_node_get_object(info, inner.text, "tpm_quote", why, &part));
        return read_hash(part, json_path(inner.text, "tpm_quote").text, why, named);
    }
    if (!has_certify) return OK;
    TRY(json_node_get_object(info, inner.text, "tpm_certify", why, &part));
    return read_certify(part, json_path(inner.text, "tpm_certify").text, why, named);
}

static enum status read_key_object(const struct json_node *object, const char *path, struct slice payload,
                                   struct refusal *why, struct tpm_named_key *named)
{
    TRY(tpm_jwk_read(object, path, "jwk", payload, why, named));
    return read_info(object, path, why, named);
}

/* ---- the keys of a request ---- */

static enum status read_others(const struct json_node *data, struct slice payload, struct refusal *why,
                               struct tpm_request *request)
{
    const struct json_node *keys = json_node_member(data, "other_keys");
    if (!is_there(keys)) return OK;
    TRY(json_node_get_array(data, "att_data", "other_keys", TPM_OTHER_KEY_MAX_COUNT, why, &keys));
    const struct json_node *key = json_node_first(keys);
    for (uint32_t i = 0; i < keys->size; i++, key = json_node_next(key)) {
        const struct json_path path = json_path_at("att_data", "other_keys", i);
        struct tpm_named_key *const named = &request->others[request->other_count++];
        TRY(read_key_object(key, path.text, payload, why, named));
        if (named->binding == TPM_BINDING_QUOTE) /* there is one quote, and it names the request key */
            return refuse(why, ERR_FIELD_VALUE, json_path(path.text, "info").text, "tpm_certify, or nothing",
                          "tpm_quote");
    }
    return OK;
}

enum status tpm_keys_read(const struct json_node *data, bool is_v2, struct slice payload, struct refusal *why,
                          struct tpm_request *request)
{
    const struct json_node *key;
    if (!is_v2) return tpm_jwk_read(data, "att_data", "attest_key", payload, why, &request->key);
    TRY(json_node_get_object(data, "att_data", "request_key", why, &key));
    TRY(read_key_object(key, "request_key", payload, why, &request->key));
    return read_others(data, payload, why, request);
}

/* ---- what the client says of itself ---- */

static bool read_number(struct slice text, int64_t *number_out)
{
    enum { MAX_DIGITS = 18 };
    const bool is_negative = text.size > 0 && text.bytes[0] == '-';
    const struct slice digits = slice_part(text, is_negative ? 1 : 0, text.size);
    int64_t number = 0;
    if (digits.size == 0 || digits.size > MAX_DIGITS) return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.bytes[i] < '0' || digits.bytes[i] > '9') return false;
        number = number * 10 + (digits.bytes[i] - '0');
    }
    *number_out = is_negative ? -number : number;
    return true;
}

static bool read_value(struct slice type, struct slice text, struct claim_value *value_out)
{
    *value_out = (struct claim_value){};
    if (slice_equal_text(type, "String")) {
        *value_out = (struct claim_value){.type = CLAIM_STRING, .text = text};
        return true;
    }
    if (slice_equal_text(type, "Integer")) {
        value_out->type = CLAIM_INTEGER;
        return read_number(text, &value_out->integer);
    }
    value_out->type = CLAIM_BOOLEAN;
    value_out->boolean = slice_equal_text(text, "true");
    return slice_equal_text(type, "Boolean") && (value_out->boolean || slice_equal_text(text, "false"));
}

static enum status read_custom(const struct json_node *object, const char *path, struct refusal *why,
                               struct tpm_custom_claim *claim)
{
    struct slice type, text;
    TRY(json_node_get_string(object, path, "name", TPM_CUSTOM_NAME_MAX_BYTES, why, &claim->name));
    TRY(json_node_get_string(object, path, "value", TPM_CUSTOM_VALUE_MAX_BYTES, why, &text));
    TRY(json_node_get_string(object, path, "value_type", 16, why, &type));
    if (read_value(type, text, &claim->value)) return OK;
    return refuse(why, ERR_FIELD_VALUE, path, "value_type String, Integer or Boolean, and a value of it",
                  "a value of %zu characters for %.*s", text.size, (int)type.size, type.bytes);
}

enum status tpm_custom_claims_read(const struct json_node *data, struct refusal *why, struct tpm_request *request)
{
    const struct json_node *claims = json_node_member(data, "custom_claims");
    if (!is_there(claims)) return OK;
    TRY(json_node_get_array(data, "att_data", "custom_claims", TPM_CUSTOM_CLAIM_MAX_COUNT, why, &claims));
    const struct json_node *claim = json_node_first(claims);
    for (uint32_t i = 0; i < claims->size; i++, claim = json_node_next(claim))
        TRY(read_custom(claim, json_path_at("", "custom_claims", i).text, why,
                        &request->custom[request->custom_count++]));
    return OK;
}
