/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/tpm/keys.h"

#include "attestation/tpm/text.h"

#include <stdio.h>
#include <string.h>

/* HASH(UTF8(jwk) || 0x00 || challenge), over the text exactly as it was sent. */
static enum status bind(const struct tpm_named_key *named, struct slice challenge,
                        uint8_t nonce_out[static HASH_MAX_BYTES], size_t *size_out)
{
    static const uint8_t zero = 0;
    const struct slice parts[] = {named->text, slice_of(&zero, 1), challenge};
    TRY(hash_parts(named->hash, parts, 3, nonce_out));
    *size_out = hash_bytes(named->hash);
    return OK;
}

enum status keys_quote_nonce(const struct tpm_request *request, struct refusal *why,
                             uint8_t nonce_out[static HASH_MAX_BYTES], size_t *size_out)
{
    const struct slice challenge = buffer_slice(&request->challenge);
    if (request->key.binding == TPM_BINDING_QUOTE) return bind(&request->key, challenge, nonce_out, size_out);
    if (request->is_v2 && request->key.binding == TPM_BINDING_NONE) {
        (void)refuse(why, ERR_TPM_KEY, "request_key.info", "tpm_quote or tpm_certify", "nothing");
        return refuse_fix(why, ERR_TPM_KEY, "bind the request key to the TPM, by the quote or by certifying it");
    }
    if (challenge.size == 0)
        return refuse(why, ERR_TPM_NONCE, "att_data.challenge", "the challenge of this service", "no bytes");
    memcpy(nonce_out, challenge.bytes, challenge.size);
    *size_out = challenge.size;
    return OK;
}

/* ---- certified keys ---- */

static enum status check_certified_key(const struct tpm_named_key *named, const struct tpm_certified *certified,
                                       const char *field, struct refusal *why)
{
    if (key_equal(certified->key, named->key)) return OK;
    return refuse(why, ERR_TPM_KEY, field, "the key in jwk", "another key");
}

/* {"name_alg", "obj_attr", "auth_policy"?}, for policies to weigh. */
static enum status describe(const struct tpm_certified *certified, json_t **json_out)
{
    CLEANUP(json_done) json_t *object = json_object();
    TRY(text_put(object, "name_alg", json_integer(certified->name_hash)));
    TRY(text_put(object, "obj_attr", json_integer((json_int_t)certified->attributes)));
    if (certified->policy_size > 0) {
        json_t *policy;
        TRY(text_of_base64url(slice_of(certified->policy, certified->policy_size), &policy));
        TRY(text_put(object, "auth_policy", policy));
    }
    *json_out = json_incref(object);
    return OK;
}

static enum status verify_certified(const struct tpm_request *request, const struct tpm_named_key *named,
                                    const char *path, struct refusal *why, json_t **json_out)
{
    CLEANUP(tpm_certified_done) struct tpm_certified certified = {};
    const struct tpm_certification certification = {
        .area = buffer_slice(&named->area),
        .attest = buffer_slice(&named->attest),
        .signature = buffer_slice(&named->signature),
        .key = request->current.aik,
        .nonce = buffer_slice(&request->challenge),
    };
    TRY(tpm_certification_verify(&certification, why, &certified));
    TRY(check_certified_key(named, &certified, json_path(path, "info.tpm_certify.public").text, why));
    return describe(&certified, json_out);
}

/* ---- as policies see them ---- */

static enum status put_info(json_t *object, const char *name, json_t *value)
{
    json_t *const info = json_object();
    if (text_put(info, name, value) != OK || text_put(object, "info", info) != OK) return ERR_NO_MEMORY;
    return OK;
}

static enum status json_of_key(const struct tpm_request *request, const struct tpm_named_key *named, const char *path,
                               struct refusal *why, json_t **json_out)
{
    CLEANUP(json_done) json_t *object = json_object();
    TRY(text_put(object, "jwk", json_incref(named->jwk)));
    if (named->binding == TPM_BINDING_QUOTE) {
        json_t *const quote = json_object();
        TRY(put_info(object, "tpm_quote", quote));
        TRY(text_put(quote, "hash_alg", json_string(named->hash_name)));
    } else if (named->binding == TPM_BINDING_CERTIFY) {
        json_t *certify;
        TRY(verify_certified(request, named, path, why, &certify));
        TRY(put_info(object, "tpm_certify", certify));
    }
    *json_out = json_incref(object);
    return OK;
}

static enum status write_others(const struct tpm_request *request, struct refusal *why, struct buffer *json)
{
    CLEANUP(json_done) json_t *list = json_array();
    for (size_t i = 0; i < request->other_count; i++) {
        json_t *object;
        TRY(json_of_key(request, &request->others[i], json_path_at("", "other_keys", i).text, why, &object));
        if (json_array_append_new(list, object) != 0) return ERR_NO_MEMORY;
    }
    return request->other_count == 0 ? OK : json_write(list, json);
}

/* In the first form nothing but the enclave's report ties the key to the machine, unless it is the AIK itself: a quote
 * over the bare challenge would vouch for whatever key asks. */
static bool is_bound(const struct tpm_request *request)
{
    return request->is_v2 || request->is_vbs || key_equal(request->key.key, request->current.aik);
}

static enum status write_confirmation(const struct tpm_request *request, struct buffer *json)
{
    CLEANUP(json_done) json_t *object = json_object();
    if (!is_bound(request)) return OK;
    TRY(text_put(object, "jwk", json_incref(request->key.jwk)));
    return json_write(object, json);
}

static enum status write_request_key(const struct tpm_request *request, struct refusal *why, struct buffer *json)
{
    CLEANUP(json_done) json_t *object = NULL;
    if (!request->is_v2) return OK;
    TRY(json_of_key(request, &request->key, "request_key", why, &object));
    return json_write(object, json);
}

enum status keys_verify(struct tpm_report *report, struct refusal *why)
{
    TRY(write_request_key(&report->request, why, &report->request_key));
    TRY(write_others(&report->request, why, &report->other_keys));
    return write_confirmation(&report->request, &report->confirmation);
}
