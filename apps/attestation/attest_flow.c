/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/attest_flow.h"

#include <string.h>

void attest_answer_done(struct attest_answer *answer)
{
    buffer_done(&answer->token);
    buffer_done(&answer->challenge);
    buffer_done(&answer->context);
}

/* One view of the state for both, whatever changes meanwhile. */
struct visit {
    const struct attest_flow *flow;
    const struct attest_question *question;
    const struct state_view *view;
    uint64_t generation;
    int64_t now_s;
};

static const struct state_policy *policy_of(const struct visit *visit)
{
    return &visit->view->policies[visit->question->type];
}

static enum status parse(const struct visit *visit, struct supply *supply, struct refusal *why,
                         enum appraisal_step *step_out, struct parser_answer *parsed)
{
    struct parser_question question = {
        .type = visit->question->type,
        .body = visit->question->body,
        .generation = visit->generation,
        .now_s = visit->now_s,
        .supply_wait_ms = visit->question->wait_ms,
    };
    memcpy(question.policy, policy_of(visit)->digest, sizeof(question.policy));
    return parsers_ask(visit->flow->parsers, &question, supply_need, supply, why, step_out, parsed);
}

static enum status sign(const struct visit *visit, struct supply *supply, const struct parser_answer *parsed,
                        struct refusal *why, enum appraisal_step *step_out, struct attest_answer *answer)
{
    struct signer_question question = {
        .request = buffer_slice(&parsed->request),
        .outgoing = buffer_slice(&parsed->outgoing),
        .generation = visit->generation,
        .now_s = visit->now_s,
    };
    memcpy(question.policy, policy_of(visit)->digest, sizeof(question.policy));
    answer->token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(signers_token(visit->flow->signers, &question, supply_need, supply, why, step_out, &answer->token));
    if (parsed->has_attested) attested_log_note(visit->flow->attested_log, &parsed->attested, visit->now_s);
    return OK;
}

static enum status make_challenge(const struct visit *visit, struct refusal *why, enum appraisal_step *step_out,
                                  struct attest_answer *answer)
{
    answer->is_challenge = true;
    answer->challenge = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    answer->context = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    *step_out = APPRAISAL_SIGNING;
    return signers_challenge(visit->flow->signers, visit->now_s, why, &answer->challenge, &answer->context);
}

static enum status answer_visit(const struct visit *visit, struct refusal *why, enum appraisal_step *step_out,
                                struct attest_answer *answer)
{
    CLEANUP(parser_answer_done) struct parser_answer parsed = {};
    struct supply supply = {
        .supplies = &visit->flow->supplies, .view = visit->view, .wait_ms = visit->question->wait_ms};
    *step_out = APPRAISAL_POLICY;
    if (policy_of(visit)->jws.size == 0)
        return refuse(why, ERR_NOT_FOUND, "policy", "a policy for this type, which has no default", "none");
    TRY(parse(visit, &supply, why, step_out, &parsed));
    switch (parsed.kind) {
    case PARSER_ANSWER_REQUEST: return sign(visit, &supply, &parsed, why, step_out, answer);
    case PARSER_ANSWER_DRAFT: answer->token = buffer_take(&parsed.token); break;
    case PARSER_ANSWER_CHALLENGE: return make_challenge(visit, why, step_out, answer);
    }
    return OK;
}

enum status attest_flow_ask(const struct attest_flow *flow, const struct attest_question *question, struct refusal *why,
                            enum appraisal_step *step_out, struct attest_answer *answer_out)
{
    CLEANUP(attest_answer_done) struct attest_answer answer = {};
    const struct visit visit = {
        .flow = flow,
        .question = question,
        .view = state_view(flow->state),
        .generation = collateral_feed_generation(flow->supplies.collateral),
        .now_s = clock_now_s(flow->clock),
    };
    const enum status status = answer_visit(&visit, why, step_out, &answer);
    state_view_free(visit.view);
    TRY(status);
    *answer_out = answer;
    answer = (struct attest_answer){};
    return OK;
}
