/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/attest_routes.h"

#include "attestation/answer.h"
#include "attestation/api_version.h"
#include "attestation/tpm/tpm.h"

/* A TPM's answers stand in a message of its own protocol. */
static enum status write_tpm_body(const struct attest_answer *answer, struct buffer *body)
{
    if (!answer->is_challenge) return tpm_write_report(buffer_slice(&answer->token), body);
    return tpm_write_challenge(buffer_slice(&answer->challenge), buffer_slice(&answer->context), body);
}

static void respond_tpm(const struct attest_answer *answer, struct http_response *response)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(2 * ATTESTATION_TOKEN_MAX_BYTES);
    if (write_tpm_body(answer, &body) == OK)
        http_respond(response, 200, ANSWER_CONTENT_TYPE, buffer_slice(&body));
    else
        answer_error(response, 500, "InternalError", NULL);
}

/* In Azure's own words: its clients look for them. */
static void respond_no_policy(const struct refusal *why, struct http_response *response)
{
    answer_text(response, 400, TPM_NO_POLICY_CODE, TPM_NO_POLICY_TEXT, why);
}

void attest_respond(const struct attest_flow *flow, enum attestation_type type, const struct http_request *request,
                    struct http_response *response)
{
    CLEANUP(attest_answer_done) struct attest_answer answer = {};
    const struct attest_question question = {.type = type, .body = request->body};
    struct refusal why = {};
    enum appraisal_step step = APPRAISAL_REQUEST;
    answer_headers(request, response);
    enum status status = api_version_check(request, &why);
    if (status == OK) status = attest_flow_ask(flow, &question, &why, &step, &answer);
    if (status == OK && type == ATTESTATION_TPM) {
        respond_tpm(&answer, response);
    } else if (status == OK) {
        answer_token(response, buffer_slice(&answer.token));
    } else if (status == ERR_NOT_FOUND && step == APPRAISAL_POLICY) {
        respond_no_policy(&why, response);
    } else {
        if (why.status == OK) (void)!refuse(&why, status, "request", "appraisable evidence", "something else");
        answer_refusal(response, step, &why);
    }
}
