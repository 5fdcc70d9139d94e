/* SPDX-License-Identifier: Apache-2.0 */
#include "service/evidence_endpoint.h"

#include "base/encoding.h"
#include "base/json.h"
#include "evidence/intel.h"
#include "token/jws.h"

#include <string.h>

enum { ANSWER_MAX_BYTES = 512 * 1024, PROOF_MAX_BYTES = 4096 };

static enum status read_nonce(const struct http_request *request, struct refusal *why, struct buffer *nonce)
{
    const char *const text = http_request_query(request, "nonce");
    if (text == NULL) return OK;
    const enum status status = base64url_decode(slice_of_text(text), nonce);
    if (status == OK && nonce->size >= EVIDENCE_NONCE_MIN_BYTES) return OK;
    return refuse(why, ERR_FIELD_VALUE, "nonce", "16 to 64 bytes as base64url", "%zu characters", strlen(text));
}

static enum status set_text(json_t *object, const char *name, struct slice text)
{
    return json_object_set_new(object, name, json_stringn((const char *)text.bytes, text.size)) == 0 ? OK
                                                                                                     : ERR_NO_MEMORY;
}

static enum status set_base64url(json_t *object, const char *name, struct slice bytes)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(bytes.size * 2 + 4);
    TRY(base64url_encode(bytes, &text));
    return set_text(object, name, buffer_slice(&text));
}

static enum status set_hash(json_t *object, const char *name, struct slice jws)
{
    uint8_t digest[32];
    TRY(jws_hash(jws, digest));
    return set_text(object, name, slice_of_text(base64url_of_32(digest).text));
}

static enum status write_proof(const struct service *service, struct slice nonce, struct slice token,
                               struct slice statement, struct buffer *proof)
{
    CLEANUP(json_done) json_t *payload = json_object();
    if (json_object_set_new(payload, "iat", json_integer(clock_now_s(service->clock))) != 0) return ERR_NO_MEMORY;
    TRY(set_base64url(payload, "nonce", nonce));
    TRY(set_hash(payload, "token_hash", token));
    if (statement.size > 0) TRY(set_hash(payload, "statement_hash", statement));
    return jws_sign(JWS_TYP_EVIDENCE_PROOF, NULL, NULL, payload, enclave_key(service->enclave, KEY_USE_SIGN), proof);
}

struct parts {
    struct buffer nonce, token, quote, runtime_data, proof;
};

static void parts_done(struct parts *parts)
{
    buffer_done(&parts->nonce);
    buffer_done(&parts->token);
    buffer_done(&parts->quote);
    buffer_done(&parts->runtime_data);
    buffer_done(&parts->proof);
}

static enum status gather(struct service *service, struct slice statement, struct refusal *why, struct parts *parts)
{
    TRY(own_token_get(service->token, why, &parts->token, &parts->quote, &parts->runtime_data));
    if (parts->nonce.size == 0) return OK;
    return write_proof(service, buffer_slice(&parts->nonce), buffer_slice(&parts->token), statement, &parts->proof);
}

static enum status write_answer(const struct service *service, const struct parts *parts, struct slice statement,
                                struct buffer *text)
{
    CLEANUP(json_done) json_t *answer = json_object();
    TRY(set_text(answer, "tee", SLICE_LITERAL("sgx")));
    TRY(set_base64url(answer, "evidence", buffer_slice(&parts->quote)));
    TRY(set_base64url(answer, "runtimeData", buffer_slice(&parts->runtime_data)));
    TRY(set_text(answer, "token", buffer_slice(&parts->token)));
    if (service->configuration->attestation_url[0] != '\0')
        TRY(set_text(answer, "issuer", slice_of_text(service->configuration->attestation_url)));
    if (statement.size > 0) TRY(set_text(answer, "statement", statement));
    if (parts->proof.size > 0) TRY(set_text(answer, "proof", buffer_slice(&parts->proof)));
    return json_write(answer, text);
}

void service_respond_evidence(struct service *service, const struct http_request *request, struct slice statement,
                              struct http_response *response)
{
    CLEANUP(parts_done)
    struct parts parts = {
        .nonce = buffer_of_maximum(EVIDENCE_NONCE_MAX_BYTES),
        .token = buffer_of_maximum(TOKEN_MAX_BYTES),
        .quote = buffer_of_maximum(QUOTE_MAX_BYTES),
        .runtime_data = buffer_of_maximum(RUNTIME_DATA_MAX_BYTES),
        .proof = buffer_of_maximum(PROOF_MAX_BYTES),
    };
    struct refusal why = {};
    if (read_nonce(request, &why, &parts.nonce) != OK) {
        http_respond_problem(response, 400, NULL, &why);
        return;
    }
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ANSWER_MAX_BYTES);
    enum status status = gather(service, statement, &why, &parts);
    if (status == OK) status = write_answer(service, &parts, statement, &text);
    if (status == OK) {
        http_respond(response, 200, "application/json", buffer_slice(&text));
        return;
    }
    if (why.status == OK) (void)!refuse(&why, status, "token", "a fresh token of this program", "none");
    http_respond_problem(response, 503, NULL, &why);
}
