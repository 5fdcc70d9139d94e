/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/management.h"

#include "attestation/appraise/shelf.h"
#include "attestation/management/body_jws.h"
#include "attestation/management/state_form.h"
#include "crypto/hash.h"

#include <string.h>

/* ---- whose word counts ---- */

/* The set of policy signers may change between a request and its change: it is judged within the change. */
static bool is_policy_signer(const struct state_view *view, const struct certificate *certificate, size_t *index_out)
{
    for (size_t i = 0; i < view->policy_signer_count; i++) {
        if (!slice_equal(buffer_slice(&view->policy_signers[i]), certificate_der(certificate))) continue;
        *index_out = i;
        return true;
    }
    return false;
}

static enum status check_signer(const struct management_options *management, const struct state_view *view,
                                const struct body_jws *body, struct refusal *why)
{
    size_t index;
    if (!management->is_isolated) return OK;
    if (!body->is_signed)
        return refuse(why, ERR_TOKEN_SIGNATURE, "jws", "a JWS signed by a policy signer",
                      "an unsigned JWS, while policy signing certificates are configured");
    if (is_policy_signer(view, body->chain[0], &index)) return OK;
    return refuse(why, ERR_TOKEN_SIGNATURE, "header.x5c", "the certificate of a policy signer", "another certificate");
}

/* ---- changes ---- */

/* What one call wants of the state. */
struct wish {
    const struct management_options *management;
    const struct body_jws *body;
    enum attestation_type type;
    struct slice jws;                      /* to be set as a policy */
    const struct certificate *certificate; /* to be added or removed */
};

static enum status set_policy(void *context, struct state_view *view, struct refusal *why)
{
    const struct wish *const wish = context;
    TRY(check_signer(wish->management, view, wish->body, why));
    return state_policy_set(&view->policies[wish->type], wish->jws, false);
}

static enum status reset_policy(void *context, struct state_view *view, struct refusal *why)
{
    const struct wish *const wish = context;
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(STATE_POLICY_JWS_MAX_BYTES);
    TRY(check_signer(wish->management, view, wish->body, why));
    TRY(state_default_policy(wish->type, &jws));
    return state_policy_set(&view->policies[wish->type], buffer_slice(&jws), true);
}

static enum status add_certificate(void *context, struct state_view *view, struct refusal *why)
{
    const struct wish *const wish = context;
    size_t index;
    TRY(check_signer(wish->management, view, wish->body, why));
    if (is_policy_signer(view, wish->certificate, &index)) return OK;
    if (view->policy_signer_count == STATE_POLICY_SIGNER_MAX_COUNT)
        return refuse(why, ERR_CONFIG, "policyCertificate", "at most 64 policy signers", "one more");
    TRY(buffer_append(&view->policy_signers[view->policy_signer_count], certificate_der(wish->certificate)));
    view->policy_signer_count++;
    return OK;
}

static enum status remove_certificate(void *context, struct state_view *view, struct refusal *why)
{
    const struct wish *const wish = context;
    size_t index;
    TRY(check_signer(wish->management, view, wish->body, why));
    if (!is_policy_signer(view, wish->certificate, &index)) return OK;
    if (view->policy_signer_count == 1) {
        (void)!refuse(why, ERR_CONFIG, "policyCertificate", "a policy signer that is not the last",
                      "the last one: nobody could change policies afterwards");
        return refuse_fix(why, ERR_CONFIG, "add another first");
    }
    const size_t last = --view->policy_signer_count;
    buffer_done(&view->policy_signers[index]);
    for (size_t i = index; i < last; i++) view->policy_signers[i] = view->policy_signers[i + 1];
    view->policy_signers[last] = buffer_of_maximum(CERTIFICATE_MAX_BYTES);
    return OK;
}

/* ---- calls ---- */

static enum status read_type(const struct management_question *question, struct refusal *why,
                             enum attestation_type *type_out)
{
    if (attestation_type_from_name(question->type, type_out)) return OK;
    return refuse(why, ERR_FIELD_VALUE, "attestationType", "SgxEnclave, OpenEnclave, SevSnpVm, TdxVm or Tpm", "%.*s",
                  (int)question->type.size, (const char *)question->type.bytes);
}

static enum status ask_signer(const struct management_options *management, struct policy_result_question *result,
                              struct refusal *why, struct buffer *token)
{
    result->now_s = clock_now_s(management->clock);
    const enum status status = management->sign(management->context, result, why, token);
    if (status == OK || status == ERR_BUSY || status == ERR_TIMEOUT || status == ERR_NO_MEMORY) return status;
    return refuse(why, ERR_INTERNAL, "signer", "a result token", "%s", status_name(status));
}

static enum status get_policy(const struct management_options *management, const struct management_question *question,
                              struct refusal *why, struct buffer *token)
{
    enum attestation_type type;
    TRY(read_type(question, why, &type));
    const struct state_view *const view = state_view(management->state);
    struct policy_result_question result = {.kind = RESULT_POLICY, .jws = buffer_slice(&view->policies[type].jws)};
    const enum status status = result.jws.size > 0 ? ask_signer(management, &result, why, token)
                                                   : refuse(why, ERR_CONFIG, "attestationType", "a type with a policy",
                                                            "one for which none has been set");
    state_view_free(view);
    return status;
}

/* As the parsers and signers will open it: what they could not use is not kept. */
static enum status check_policy(const struct management_question *question, const struct body_jws *body,
                                struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(POLICY_MAX_BYTES);
    CLEANUP(stored_policy_done) struct stored_policy policy = {};
    TRY(body_policy(body, why, &text));
    return stored_policy_open(question->body, why, &policy);
}

static enum status set(const struct management_options *management, const struct management_question *question,
                       struct refusal *why, struct buffer *token)
{
    CLEANUP(body_jws_done) struct body_jws body = {};
    struct wish wish = {.management = management, .body = &body, .jws = question->body};
    struct policy_result_question result = {.kind = RESULT_POLICY_UPDATED};
    struct slice chain[CERTIFICATE_CHAIN_MAX_COUNT];
    TRY(read_type(question, why, &wish.type));
    TRY(body_jws_open(question->body, why, &body));
    TRY(check_policy(question, &body, why));
    TRY(sha256(question->body, result.token_hash));
    TRY(state_apply(management->state, set_policy, &wish, why));
    for (size_t i = 0; i < body.chain_count; i++) chain[i] = certificate_der(body.chain[i]);
    result.certificates = chain;
    result.certificate_count = body.chain_count;
    return ask_signer(management, &result, why, token);
}

static enum status reset(const struct management_options *management, const struct management_question *question,
                         struct refusal *why, struct buffer *token)
{
    CLEANUP(body_jws_done) struct body_jws body = {};
    struct wish wish = {.management = management, .body = &body};
    struct policy_result_question result = {.kind = RESULT_POLICY_REMOVED};
    TRY(read_type(question, why, &wish.type));
    TRY(body_jws_open(question->body, why, &body));
    if (body.payload != NULL) return refuse(why, ERR_TOKEN_MALFORMED, "payload", "none, for a reset", "an object");
    TRY(state_apply(management->state, reset_policy, &wish, why));
    return ask_signer(management, &result, why, token);
}

static enum status get_certificates(const struct management_options *management, struct refusal *why,
                                    struct buffer *token)
{
    struct slice certificates[STATE_POLICY_SIGNER_MAX_COUNT];
    struct policy_result_question result = {.kind = RESULT_CERTIFICATES, .certificates = certificates};
    const struct state_view *const view = state_view(management->state);
    if (management->is_isolated) result.certificate_count = view->policy_signer_count;
    for (size_t i = 0; i < result.certificate_count; i++) certificates[i] = buffer_slice(&view->policy_signers[i]);
    const enum status status = ask_signer(management, &result, why, token);
    state_view_free(view);
    return status;
}

static enum status change_certificates(const struct management_options *management,
                                       const struct management_question *question, struct refusal *why,
                                       struct buffer *token)
{
    const bool adds = question->call == MANAGEMENT_CERTIFICATE_ADD;
    CLEANUP(buffer_done) struct buffer jws = buffer_of_maximum(BODY_MAX_BYTES);
    CLEANUP(body_jws_done) struct body_jws body = {};
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    struct policy_result_question result = {.kind = adds ? RESULT_CERTIFICATE_PRESENT : RESULT_CERTIFICATE_ABSENT};
    if (!management->is_isolated)
        return refuse(why, ERR_CONFIG, "trust", "isolated, where policies need signers",
                      "bearer, where there are no policy signers");
    TRY(body_of_certificates(question->body, adds ? "policyCertificateToAdd" : "policyCertificateToRemove", why, &jws));
    TRY(body_jws_open(buffer_slice(&jws), why, &body));
    TRY(body_certificate(&body, why, &certificate));
    struct wish wish = {.management = management, .body = &body, .certificate = certificate};
    const struct slice der = certificate_der(certificate);
    TRY(hash_parts(HASH_SHA1, &der, 1, result.thumbprint));
    TRY(state_apply(management->state, adds ? add_certificate : remove_certificate, &wish, why));
    return ask_signer(management, &result, why, token);
}

static bool is_reading(enum management_call call)
{
    return call == MANAGEMENT_POLICY_GET || call == MANAGEMENT_CERTIFICATES_GET;
}

static enum status check_bearer(const struct management_options *management, const struct management_question *question,
                                struct refusal *why)
{
    const enum status status = administrators_check(management->administrators, question->authorization,
                                                    is_reading(question->call) ? RIGHT_READ : RIGHT_CHANGE,
                                                    clock_now_s(management->clock), why);
    /* Told by one status: what was wrong with a bearer token is in the refusal's other members. */
    return refuse_as(why, status, ERR_FORBIDDEN);
}

enum status management_answer(const struct management_options *management, const struct management_question *question,
                              struct refusal *why, struct buffer *token)
{
    TRY(check_bearer(management, question, why));
    switch (question->call) {
    case MANAGEMENT_POLICY_GET: return get_policy(management, question, why, token);
    case MANAGEMENT_POLICY_SET: return set(management, question, why, token);
    case MANAGEMENT_POLICY_RESET: return reset(management, question, why, token);
    case MANAGEMENT_CERTIFICATES_GET: return get_certificates(management, why, token);
    case MANAGEMENT_CERTIFICATE_ADD:
    case MANAGEMENT_CERTIFICATE_REMOVE: return change_certificates(management, question, why, token);
    }
    return ERR_INTERNAL;
}

struct management_code management_code(enum status status)
{
    switch (status) {
    case ERR_FORBIDDEN: return (struct management_code){401, "Unauthorized"};
    case ERR_POLICY_SYNTAX:
    case ERR_POLICY_LIMIT:
    case ERR_POLICY_VALUE:
    case ERR_JMESPATH: return (struct management_code){400, "PolicyParsingError"};
    case ERR_CERTIFICATE_MALFORMED:
    case ERR_CHAIN:
    case ERR_KEY_INVALID:
    case ERR_FIELD_VALUE: return (struct management_code){400, "InvalidParameter"};
    case ERR_BUSY:
    case ERR_TIMEOUT:
    case ERR_STORE:
    case ERR_STORE_FULL:
    case ERR_STORE_CORRUPT:
    case ERR_STORE_ROLLBACK:
    case ERR_CONFLICT: return (struct management_code){503, "ServiceUnavailable"};
    case ERR_NO_MEMORY:
    case ERR_CRYPTO:
    case ERR_INTERNAL: return (struct management_code){500, "InternalError"};
    default: return (struct management_code){400, "InvalidOperation"};
    }
}

/* ---- the beginning of an isolated service ---- */

static enum status put_first(void *context, struct state_view *view, struct refusal *)
{
    const struct certificate_list *const list = context;
    if (view->policy_signer_count > 0) return OK; /* another replica was faster */
    for (size_t i = 0; i < list->count; i++)
        TRY(buffer_append(&view->policy_signers[i], certificate_der(list->items[i])));
    view->policy_signer_count = list->count;
    return OK;
}

enum status management_begin_isolated(struct state *state, struct slice pem, struct refusal *why)
{
    const struct state_view *const view = state_view(state);
    const bool has_begun = view->policy_signer_count > 0;
    state_view_free(view);
    if (has_begun) return OK;
    CLEANUP(certificate_list_done) struct certificate_list list = {};
    const enum status status = certificate_list_from_pem(pem, &list);
    if (status == ERR_NO_MEMORY) return status;
    if (status != OK || list.count == 0)
        return refuse(why, ERR_CONFIG, "policy_signers", "1 to 8 certificates in PEM", "%s", status_name(status));
    return state_apply(state, put_first, &list, why);
}
