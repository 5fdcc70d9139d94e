/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/parser/child.h"

#include "attestation/tpm/tpm.h"

#include <string.h>

/* What a child keeps from question to question. */
struct child {
    struct evidence_caches caches;
    struct appraiser appraiser;
    struct shelf *shelf;
    struct appraised *appraised;
};

/* The child ends after it: nothing needs to be freed. */
static enum status open_child(const struct parser_options *options, struct child *child)
{
    child->appraiser = options->appraiser;
    child->appraiser.caches = &child->caches;
    TRY(verification_cache_new(PARSER_CHAINS_KEPT, &child->caches.intel));
    TRY(snp_cache_new(PARSER_CHAINS_KEPT, &child->caches.snp));
    TRY(shelf_new(options->appraiser.roots, &child->shelf));
    return appraised_new(&child->appraised);
}

#ifdef LAZARET_SIMULATION
/* For tests: a request that kills the process that reads it, and one that it never answers. */
static void be_planted_fault(const struct attest_request *request)
{
    if (slice_equal_text(buffer_slice(&request->nonce), "insecure_crash")) __builtin_trap();
    if (!slice_equal_text(buffer_slice(&request->nonce), "insecure_hang")) return;
    for (volatile unsigned turns = 0;; turns++) {}
}
#endif

static enum status finish_draft(const struct child *child, const struct attest_request *request,
                                const struct appraisal_materials *materials, struct refusal *why,
                                struct parser_answer *answer)
{
    CLEANUP(buffer_done) struct buffer payload = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    struct attestation_token_id id;
    answer->kind = PARSER_ANSWER_DRAFT;
    answer->token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    TRY(attestation_token_new_id(&id));
    TRY(appraised_payload(&child->appraiser, request, materials, child->appraised, id.text, why, &payload));
    return unsecured_token(buffer_slice(&payload), &answer->token);
}

static enum status finish_request(const struct child *child, const struct attest_request *request,
                                  const struct appraisal_materials *materials, struct parser_answer *answer)
{
    answer->kind = PARSER_ANSWER_REQUEST;
    answer->request = buffer_of_maximum(PARSER_ANSWER_MAX_BYTES);
    answer->outgoing = buffer_of_maximum(PARSER_ANSWER_MAX_BYTES);
    answer->has_attested = request->type != ATTESTATION_TPM &&
                           attested_from_claims(&child->appraised->evidence, materials->now_s, &answer->attested) == OK;
    TRY(attest_request_write(request, &answer->request));
    return claim_set_write(child->appraised->outgoing, &answer->outgoing);
}

static enum status answer_request(const struct child *child, struct link *link, const struct parser_question *question,
                                  struct attest_request *request, struct refusal *why, enum appraisal_step *step_out,
                                  struct parser_answer *answer)
{
    struct appraisal_materials materials;
    TRY(shelf_take(child->shelf, link, request, question->generation, question->policy, question->now_s, why, step_out,
                   &materials));
    TRY(appraise(&child->appraiser, request, &materials, why, step_out, child->appraised));
    *step_out = APPRAISAL_REQUEST;
    return request->has_draft ? finish_draft(child, request, &materials, why, answer)
                              : finish_request(child, request, &materials, answer);
}

static enum status answer_question(const struct child *child, struct link *link, struct slice bytes,
                                   struct refusal *why, enum appraisal_step *step_out, struct parser_answer *answer)
{
    CLEANUP(attest_request_done) struct attest_request request = {};
    struct parser_question question;
    *step_out = APPRAISAL_SIGNING;
    TRY(parser_question_read(bytes, &question));
    *step_out = APPRAISAL_REQUEST;
    TRY(attest_request_parse(question.type, question.body, why, &request));
#ifdef LAZARET_SIMULATION
    be_planted_fault(&request);
#endif
    enum tpm_message_kind kind = TPM_MESSAGE_REQUEST;
    if (request.type == ATTESTATION_TPM) TRY(tpm_message_kind(buffer_slice(&request.evidence), why, &kind));
    if (kind == TPM_MESSAGE_INIT) {
        answer->kind = PARSER_ANSWER_CHALLENGE;
        return OK;
    }
    return answer_request(child, link, &question, &request, why, step_out, answer);
}

static enum status handle(void *context, struct link *link, struct slice question, struct refusal *why,
                          unsigned *step_out, struct buffer *bytes)
{
    CLEANUP(parser_answer_done) struct parser_answer answer = {};
    enum appraisal_step step;
    const enum status status = answer_question(context, link, question, why, &step, &answer);
    *step_out = (unsigned)step;
    return status != OK ? status : parser_answer_write(&answer, bytes);
}

void parser_child_work(const void *context, int socket)
{
    struct child child = {};
    if (open_child(context, &child) == OK) link_serve(socket, handle, &child);
}
