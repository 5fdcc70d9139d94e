/* SPDX-License-Identifier: Apache-2.0 */
#include "token/attestation_token.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "token/jws.h"

#include <string.h>

/* jansson's setters take over the new value and fail on NULL, so one check covers both allocations. */
static enum status set(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status set_slice(json_t *object, const char *name, struct slice text)
{
    return set(object, name, json_stringn((const char *)text.bytes, text.size));
}

static enum status set_hex(json_t *object, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(bytes.size * 2);
    TRY(hex_encode(bytes, &text));
    return set_slice(object, name, buffer_slice(&text));
}

static enum status set_base64url(json_t *object, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(bytes.size * 2 + 4);
    TRY(base64url_encode(bytes, &text));
    return set_slice(object, name, buffer_slice(&text));
}

static enum status add_common(const struct attestation_token *token, struct refusal *why, json_t *payload)
{
    TRY(set(payload, "iss", json_string(token->issuer)));
    TRY(set(payload, "iat", json_integer(token->issued_s)));
    TRY(set(payload, "nbf", json_integer(token->issued_s)));
    TRY(set(payload, "exp", json_integer(token->issued_s + ATTESTATION_TOKEN_LIFE_S)));
    TRY(set(payload, "jti", json_string(token->id)));
    TRY(set(payload, "x-ms-ver", json_string("1.0")));
    TRY(set(payload, "x-ms-attestation-type", json_string("sgx")));
    TRY(set(payload, "x-ms-policy-hash", json_string(token->policy_hash)));
    if (token->nonce.size == 0) return OK;
    if (!utf8_is_valid(token->nonce, false))
        return refuse(why, ERR_FIELD_VALUE, "nonce", "text without control characters", "%zu bytes", token->nonce.size);
    return set_slice(payload, "nonce", token->nonce);
}

static enum status add_kss(const struct attestation_sgx_claims *sgx, json_t *payload)
{
    if (!sgx->has_kss) return OK;
    TRY(set_hex(payload, "x-ms-sgx-config-id", SLICE_ARRAY(sgx->config_id)));
    TRY(set(payload, "x-ms-sgx-config-svn", json_integer(sgx->config_svn)));
    TRY(set_hex(payload, "x-ms-sgx-isv-extended-product-id", SLICE_ARRAY(sgx->extended_product_id)));
    return set_hex(payload, "x-ms-sgx-isv-family-id", SLICE_ARRAY(sgx->family_id));
}

static enum status add_sgx(const struct attestation_sgx_claims *sgx, json_t *payload)
{
    TRY(set(payload, "x-ms-sgx-is-debuggable", json_boolean(sgx->debug)));
    TRY(set(payload, "x-ms-sgx-product-id", json_integer(sgx->product_id)));
    TRY(set(payload, "x-ms-sgx-svn", json_integer(sgx->svn)));
    TRY(set_hex(payload, "x-ms-sgx-mrenclave", SLICE_ARRAY(sgx->mrenclave)));
    TRY(set_hex(payload, "x-ms-sgx-mrsigner", SLICE_ARRAY(sgx->mrsigner)));
    TRY(set_hex(payload, "x-ms-sgx-report-data", SLICE_ARRAY(sgx->report_data)));
    if (sgx->simulated) TRY(set(payload, "lazaret-simulated", json_true()));
    return add_kss(sgx, payload);
}

/* The claim and its deprecated alias, which Azure still adds to every token. */
static enum status add_collateral(const struct attestation_collateral_hashes *hashes, json_t *payload)
{
    CLEANUP(json_done) json_t *collateral = json_object();
    TRY(set_hex(collateral, "qeidcertshash", SLICE_ARRAY(hashes->qe_identity_certificates)));
    TRY(set_hex(collateral, "qeidcrlhash", SLICE_ARRAY(hashes->qe_identity_crl)));
    TRY(set_hex(collateral, "qeidhash", SLICE_ARRAY(hashes->qe_identity)));
    TRY(set_hex(collateral, "quotehash", SLICE_ARRAY(hashes->quote)));
    TRY(set_hex(collateral, "tcbinfocertshash", SLICE_ARRAY(hashes->tcb_info_certificates)));
    TRY(set_hex(collateral, "tcbinfocrlhash", SLICE_ARRAY(hashes->tcb_info_crl)));
    TRY(set_hex(collateral, "tcbinfohash", SLICE_ARRAY(hashes->tcb_info)));
    TRY(set(payload, "x-ms-sgx-collateral", json_incref(collateral)));
    return set(payload, "maa-attestationcollateral", json_incref(collateral));
}

static enum status add_json(const char *name, const char *field, struct slice text, struct refusal *why,
                            json_t *payload)
{
    CLEANUP(json_done) json_t *value = NULL;
    TRY(json_parse(text, ATTESTATION_RUNTIME_MAX_BYTES, why, &value));
    if (!json_is_object(value)) return refuse(why, ERR_FIELD_TYPE, field, "a JSON object", "an array");
    return set(payload, name, json_incref(value));
}

static enum status check_size(const struct attestation_data *data, const char *field, struct refusal *why)
{
    if (data->bytes.size <= ATTESTATION_RUNTIME_MAX_BYTES) return OK;
    return refuse(why, ERR_TOO_LARGE, field, "at most 24576 bytes", "%zu bytes", data->bytes.size);
}

static enum status add_runtime(const struct attestation_data *data, struct refusal *why, json_t *payload)
{
    if (data->bytes.size == 0) return OK;
    TRY(check_size(data, "runtimeData.data", why));
    if (data->is_json) return add_json("x-ms-runtime", "runtimeData.data", data->bytes, why, payload);
    TRY(set_base64url(payload, "x-ms-sgx-ehd", data->bytes));
    TRY(set_base64url(payload, "aas-ehd", data->bytes));
    return set_base64url(payload, "maa-ehd", data->bytes);
}

/* Only JSON has a claim. */
static enum status add_init_time(const struct attestation_data *data, struct refusal *why, json_t *payload)
{
    if (data->bytes.size == 0) return OK;
    TRY(check_size(data, "initTimeData.data", why));
    return data->is_json ? add_json("x-ms-inittime", "initTimeData.data", data->bytes, why, payload) : OK;
}

enum status attestation_token_payload(const struct attestation_token *token, struct refusal *why, json_t **payload_out)
{
    CLEANUP(json_done) json_t *payload = json_object();
    TRY(add_common(token, why, payload));
    TRY(add_sgx(&token->sgx, payload));
    TRY(add_collateral(&token->sgx.hashes, payload));
    TRY(add_runtime(&token->runtime, why, payload));
    TRY(add_init_time(&token->init_time, why, payload));
    *payload_out = json_incref(payload);
    return OK;
}

enum status attestation_token_new_id(struct attestation_token_id *id_out)
{
    uint8_t bytes[32];
    TRY(random_bytes(sizeof(bytes), bytes));
    memcpy(id_out->text, hex_of_32(bytes).text, sizeof(id_out->text));
    return OK;
}

enum status attestation_token_sign_text(const char *issuer, struct slice payload, const char *kid,
                                        const struct key *key, struct buffer *token)
{
    CLEANUP(buffer_done) struct buffer key_set = buffer_of_maximum(JWS_HEADER_MAX_BYTES);
    TRY(buffer_append_text(&key_set, issuer));
    TRY(buffer_append_text(&key_set, "/certs"));
    CLEANUP(json_done) json_t *header = json_object();
    TRY(set_slice(header, "jku", buffer_slice(&key_set)));
    CLEANUP(buffer_done) struct buffer signed_token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(jws_sign_text(JWS_TYP_TOKEN, kid, header, payload, key, &signed_token));
    return buffer_append(token, buffer_slice(&signed_token));
}

enum status attestation_token_sign(const json_t *payload, const char *kid, const struct key *key, struct buffer *token)
{
    struct slice issuer;
    TRY(json_get_string(payload, "claims", "iss", JWS_HEADER_MAX_BYTES / 2, NULL, &issuer));
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(json_write(payload, &text));
    return attestation_token_sign_text((const char *)issuer.bytes, buffer_slice(&text), kid, key, token);
}

enum status attestation_key_id(const struct key *key, struct attestation_key_id *id_out)
{
    CLEANUP(buffer_done) struct buffer pem = buffer_of_maximum(KEY_PEM_MAX_BYTES);
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ATTESTATION_KEY_ID_BYTES);
    struct attestation_key_id id = {};
    TRY(key_public_pem(key, &pem));
    TRY(buffer_append_u8(&pem, 0));
    TRY(sha256(buffer_slice(&pem), id.digest));
    TRY(base64_encode(SLICE_ARRAY(id.digest), &text));
    memcpy(id.text, text.bytes, text.size);
    *id_out = id;
    return OK;
}
