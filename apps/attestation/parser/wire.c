/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/parser/wire.h"

#include "base/reader.h"

#include <string.h>

/* ---- questions ---- */

enum status parser_question_write(const struct parser_question *question, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, (uint8_t)question->type));
    TRY(buffer_append_u64(bytes, question->generation));
    TRY(buffer_append(bytes, SLICE_ARRAY(question->policy)));
    TRY(buffer_append_u64(bytes, (uint64_t)question->now_s));
    return buffer_append(bytes, question->body);
}

enum status parser_question_read(struct slice bytes, struct parser_question *question_out)
{
    struct reader reader = reader_over(bytes);
    struct parser_question question = {};
    uint8_t type;
    uint64_t now_s;
    TRY(reader_u8(&reader, &type));
    if (type >= ATTESTATION_TYPE_COUNT) return ERR_FIELD_VALUE;
    question.type = (enum attestation_type)type;
    TRY(reader_u64(&reader, &question.generation));
    TRY(reader_copy(&reader, sizeof(question.policy), question.policy));
    TRY(reader_u64(&reader, &now_s));
    question.now_s = (int64_t)now_s;
    question.body = reader.rest;
    *question_out = question;
    return OK;
}

/* ---- which platform it was ---- */

static enum status write_numbers(const struct tcb_numbers *numbers, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, (uint8_t)numbers->tee));
    TRY(buffer_append(bytes, SLICE_ARRAY(numbers->fmspc)));
    TRY(buffer_append(bytes, SLICE_ARRAY(numbers->pce_id)));
    TRY(buffer_append(bytes, SLICE_ARRAY(numbers->components)));
    TRY(buffer_append_u16(bytes, numbers->pce_svn));
    TRY(buffer_append_u16(bytes, numbers->qe_svn));
    TRY(buffer_append_u8(bytes, numbers->is_td15));
    TRY(buffer_append(bytes, SLICE_ARRAY(numbers->tee_tcb_svn)));
    return buffer_append(bytes, SLICE_ARRAY(numbers->tee_tcb_svn2));
}

static enum status write_attested(const struct attested *attested, struct buffer *bytes)
{
    TRY(buffer_append_u64(bytes, (uint64_t)attested->time_s));
    TRY(write_numbers(&attested->numbers, bytes));
    TRY(buffer_append_u8(bytes, attested->has_platform));
    TRY(buffer_append(bytes, SLICE_ARRAY(attested->platform)));
    TRY(buffer_append_u8(bytes, (uint8_t)attested->status));
    return buffer_append_u64(bytes, (uint64_t)attested->tcb_evaluation);
}

static enum status read_up_to(struct reader *reader, uint8_t maximum, uint8_t *value_out)
{
    TRY(reader_u8(reader, value_out));
    return *value_out <= maximum ? OK : ERR_FIELD_VALUE;
}

static enum status read_bool(struct reader *reader, bool *value_out)
{
    uint8_t value;
    TRY(read_up_to(reader, 1, &value));
    *value_out = value == 1;
    return OK;
}

static enum status read_numbers(struct reader *reader, struct tcb_numbers *numbers)
{
    uint8_t tee;
    TRY(read_up_to(reader, INTEL_TDX, &tee));
    numbers->tee = (enum intel_tee)tee;
    TRY(reader_copy(reader, sizeof(numbers->fmspc), numbers->fmspc));
    TRY(reader_copy(reader, sizeof(numbers->pce_id), numbers->pce_id));
    TRY(reader_copy(reader, sizeof(numbers->components), numbers->components));
    TRY(reader_u16(reader, &numbers->pce_svn));
    TRY(reader_u16(reader, &numbers->qe_svn));
    TRY(read_bool(reader, &numbers->is_td15));
    TRY(reader_copy(reader, sizeof(numbers->tee_tcb_svn), numbers->tee_tcb_svn));
    return reader_copy(reader, sizeof(numbers->tee_tcb_svn2), numbers->tee_tcb_svn2);
}

static enum status read_attested(struct reader *reader, struct attested *attested)
{
    uint64_t time_s, evaluation;
    uint8_t status;
    TRY(reader_u64(reader, &time_s));
    TRY(read_numbers(reader, &attested->numbers));
    TRY(read_bool(reader, &attested->has_platform));
    TRY(reader_copy(reader, sizeof(attested->platform), attested->platform));
    TRY(read_up_to(reader, TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED, &status));
    TRY(reader_u64(reader, &evaluation));
    attested->time_s = (int64_t)time_s;
    attested->status = (enum tcb_status)status;
    attested->tcb_evaluation = (int64_t)evaluation;
    return OK;
}

/* ---- answers: the kind, and then by kind ---- */

void parser_answer_done(struct parser_answer *answer)
{
    buffer_done(&answer->token);
    buffer_done(&answer->request);
    buffer_done(&answer->outgoing);
}

/* Which platform, then the request with its size, and the claims as the rest. */
static enum status write_request(const struct parser_answer *answer, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, answer->has_attested));
    if (answer->has_attested) TRY(write_attested(&answer->attested, bytes));
    TRY(buffer_append_u32(bytes, (uint32_t)answer->request.size));
    TRY(buffer_append(bytes, buffer_slice(&answer->request)));
    return buffer_append(bytes, buffer_slice(&answer->outgoing));
}

enum status parser_answer_write(const struct parser_answer *answer, struct buffer *bytes)
{
    TRY(buffer_append_u8(bytes, (uint8_t)answer->kind));
    switch (answer->kind) {
    case PARSER_ANSWER_REQUEST: return write_request(answer, bytes);
    case PARSER_ANSWER_DRAFT: return buffer_append(bytes, buffer_slice(&answer->token));
    case PARSER_ANSWER_CHALLENGE: break;
    }
    return OK;
}

static enum status take(struct slice bytes, struct buffer *buffer)
{
    *buffer = buffer_of_maximum(PARSER_ANSWER_MAX_BYTES);
    return buffer_append(buffer, bytes);
}

static enum status read_request(struct reader *reader, struct parser_answer *answer)
{
    uint32_t size;
    struct slice request;
    TRY(read_bool(reader, &answer->has_attested));
    if (answer->has_attested) TRY(read_attested(reader, &answer->attested));
    TRY(reader_u32(reader, &size));
    TRY(reader_slice(reader, size, &request));
    TRY(take(request, &answer->request));
    return take(reader->rest, &answer->outgoing);
}

static enum status read_answer(struct slice bytes, struct parser_answer *answer)
{
    struct reader reader = reader_over(bytes);
    uint8_t kind;
    TRY(read_up_to(&reader, PARSER_ANSWER_CHALLENGE, &kind));
    answer->kind = (enum parser_answer_kind)kind;
    switch (answer->kind) {
    case PARSER_ANSWER_REQUEST: return read_request(&reader, answer);
    case PARSER_ANSWER_DRAFT: return take(reader.rest, &answer->token);
    case PARSER_ANSWER_CHALLENGE: break;
    }
    return reader_end(&reader);
}

enum status parser_answer_read(struct slice bytes, struct parser_answer *answer_out)
{
    CLEANUP(parser_answer_done) struct parser_answer answer = {};
    TRY(read_answer(bytes, &answer));
    *answer_out = answer;
    answer = (struct parser_answer){};
    return OK;
}
