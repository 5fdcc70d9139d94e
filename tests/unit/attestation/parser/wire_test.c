/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/parser/wire.h"

#include "testing.h"

static void test_a_question_comes_back_as_it_was(void **)
{
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(PARSER_QUESTION_MAX_BYTES);
    const struct parser_question question = {.type = ATTESTATION_TDX_VM,
                                             .body = SLICE_LITERAL("{}"),
                                             .generation = 7,
                                             .policy = {1, [31] = 2},
                                             .now_s = 1800000000};
    struct parser_question back;
    assert_ok(parser_question_write(&question, &bytes));
    assert_ok(parser_question_read(buffer_slice(&bytes), &back));
    assert_int_equal(back.type, ATTESTATION_TDX_VM);
    assert_slice_equal(back.body, question.body);
    assert_true(back.generation == 7 && back.now_s == 1800000000);
    assert_memory_equal(back.policy, question.policy, sizeof(back.policy));
    for (size_t size = 0; size < bytes.size - question.body.size; size++)
        assert_status(parser_question_read(slice_of(bytes.bytes, size), &back), ERR_TRUNCATED);
    bytes.bytes[0] = ATTESTATION_TYPE_COUNT;
    assert_status(parser_question_read(buffer_slice(&bytes), &back), ERR_FIELD_VALUE);
}

static struct buffer filled(const char *text)
{
    struct buffer buffer = buffer_of_maximum(4096);
    assert_ok(buffer_append_text(&buffer, text));
    return buffer;
}

static struct parser_answer example(enum parser_answer_kind kind)
{
    struct parser_answer answer = {.kind = kind};
    if (kind == PARSER_ANSWER_DRAFT) answer.token = filled("e30.e30.");
    if (kind != PARSER_ANSWER_REQUEST) return answer;
    answer.request = filled("request");
    answer.outgoing = filled("claims");
    answer.has_attested = true;
    answer.attested = (struct attested){.time_s = 1800000000,
                                        .numbers = {.tee = INTEL_TDX,
                                                    .fmspc = {1},
                                                    .pce_id = {2},
                                                    .components = {3},
                                                    .pce_svn = 4,
                                                    .qe_svn = 5,
                                                    .is_td15 = true,
                                                    .tee_tcb_svn = {6},
                                                    .tee_tcb_svn2 = {7}},
                                        .has_platform = true,
                                        .platform = {8},
                                        .status = TCB_OUT_OF_DATE,
                                        .tcb_evaluation = 9};
    return answer;
}

static struct buffer written(enum parser_answer_kind kind)
{
    CLEANUP(parser_answer_done) struct parser_answer answer = example(kind);
    struct buffer bytes = buffer_of_maximum(PARSER_ANSWER_MAX_BYTES);
    assert_ok(parser_answer_write(&answer, &bytes));
    return bytes;
}

static void test_answers_come_back_as_they_were(void **)
{
    for (unsigned kind = 0; kind <= PARSER_ANSWER_CHALLENGE; kind++) {
        CLEANUP(parser_answer_done) struct parser_answer answer = example((enum parser_answer_kind)kind);
        CLEANUP(parser_answer_done) struct parser_answer back = {};
        CLEANUP(buffer_done) struct buffer bytes = written((enum parser_answer_kind)kind);
        assert_ok(parser_answer_read(buffer_slice(&bytes), &back));
        assert_int_equal(back.kind, kind);
        assert_slice_equal(buffer_slice(&back.token), buffer_slice(&answer.token));
        assert_slice_equal(buffer_slice(&back.request), buffer_slice(&answer.request));
        assert_slice_equal(buffer_slice(&back.outgoing), buffer_slice(&answer.outgoing));
        assert_int_equal(back.has_attested, answer.has_attested);
        assert_memory_equal(&back.attested.numbers, &answer.attested.numbers, sizeof(back.attested.numbers));
        assert_true(back.attested.time_s == answer.attested.time_s);
        assert_int_equal(back.attested.status, answer.attested.status);
        assert_true(back.attested.tcb_evaluation == answer.attested.tcb_evaluation);
        assert_memory_equal(back.attested.platform, answer.attested.platform, sizeof(back.attested.platform));
    }
}

static void test_what_breaks_the_form_is_refused(void **)
{
    enum { KIND = 0, HAS_ATTESTED = 1, TEE = 10, IS_TD15 = 39, HAS_PLATFORM = 72, STATUS = 89, SIZE = 98 };
    static const struct {
        size_t at;
        uint8_t value;
        enum status status;
    } cases[] = {
        {KIND, 3, ERR_FIELD_VALUE},    {HAS_ATTESTED, 2, ERR_FIELD_VALUE}, {TEE, 2, ERR_FIELD_VALUE},
        {IS_TD15, 2, ERR_FIELD_VALUE}, {HAS_PLATFORM, 2, ERR_FIELD_VALUE}, {STATUS, 8, ERR_FIELD_VALUE},
        {SIZE, 1, ERR_TRUNCATED},
    };
    struct parser_answer answer = {};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buffer_done) struct buffer bytes = written(PARSER_ANSWER_REQUEST);
        bytes.bytes[cases[i].at] = cases[i].value;
        assert_status(parser_answer_read(buffer_slice(&bytes), &answer), cases[i].status);
    }
    CLEANUP(buffer_done) struct buffer whole = written(PARSER_ANSWER_REQUEST);
    for (size_t size = 0; size < whole.size - strlen("claims"); size++)
        assert_status(parser_answer_read(slice_of(whole.bytes, size), &answer), ERR_TRUNCATED);
    CLEANUP(buffer_done) struct buffer challenge = written(PARSER_ANSWER_CHALLENGE);
    assert_ok(buffer_append_u8(&challenge, 0));
    assert_status(parser_answer_read(buffer_slice(&challenge), &answer), ERR_TRAILING_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_question_comes_back_as_it_was),
        cmocka_unit_test(test_answers_come_back_as_they_were),
        cmocka_unit_test(test_what_breaks_the_form_is_refused),
    };
    return cmocka_run_group_tests_name("attestation/parser/wire", tests, NULL, NULL);
}
