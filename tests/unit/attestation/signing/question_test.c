/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/question.h"

#include "crypto/x509.h"
#include "testing.h"
#include "token/runtime_data.h"

static struct buffer written(const struct signer_ask *ask)
{
    struct buffer bytes = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    assert_ok(signer_ask_write(ask, &bytes));
    return bytes;
}

static const struct slice two[] = {SLICE_LITERAL("one certificate"), SLICE_LITERAL("another")};

static const struct signer_ask asks[] = {
    {.deed = SIGNER_MAKE_KEY, .now_s = 5},
    {.deed = SIGNER_USE_KEY, .certificate = SLICE_LITERAL("certificate"), .sealed = SLICE_LITERAL("sealed")},
    {.deed = SIGNER_TOKEN,
     .now_s = 6,
     .token =
         {.request = SLICE_LITERAL("request"), .outgoing = SLICE_LITERAL("claims"), .generation = 7, .policy = {8}}},
    {.deed = SIGNER_POLICY_RESULT, .now_s = 9, .result = {.kind = RESULT_POLICY, .jws = SLICE_LITERAL("a.b.c")}},
    {.deed = SIGNER_POLICY_RESULT,
     .result = {.kind = RESULT_POLICY_UPDATED, .token_hash = {1}, .certificates = two, .certificate_count = 2}},
    {.deed = SIGNER_POLICY_RESULT, .result = {.kind = RESULT_POLICY_REMOVED}},
    {.deed = SIGNER_POLICY_RESULT,
     .result = {.kind = RESULT_CERTIFICATES, .certificates = two, .certificate_count = 2}},
    {.deed = SIGNER_POLICY_RESULT, .result = {.kind = RESULT_CERTIFICATE_PRESENT, .thumbprint = {3}}},
    {.deed = SIGNER_POLICY_RESULT, .result = {.kind = RESULT_CERTIFICATE_ABSENT, .thumbprint = {4}}},
    {.deed = SIGNER_CHALLENGE, .now_s = 10},
    {.deed = SIGNER_QUOTE, .data = SLICE_LITERAL("{\"keys\":[]}")},
};
enum { ASK_COUNT = sizeof(asks) / sizeof(asks[0]) };

static void test_every_question_reads_as_it_was_written(void **)
{
    for (size_t i = 0; i < ASK_COUNT; i++) {
        CLEANUP(buffer_done) struct buffer bytes = written(&asks[i]);
        struct signer_ask read = {};
        assert_ok(signer_ask_read(buffer_slice(&bytes), &read));
        assert_int_equal(read.deed, asks[i].deed);
        assert_int_equal(read.now_s, asks[i].now_s);
        assert_slice_equal(read.certificate, asks[i].certificate);
        assert_slice_equal(read.sealed, asks[i].sealed);
        assert_slice_equal(read.data, asks[i].data);
        assert_slice_equal(read.token.request, asks[i].token.request);
        assert_slice_equal(read.token.outgoing, asks[i].token.outgoing);
        assert_int_equal(read.token.generation, asks[i].token.generation);
        assert_memory_equal(read.token.policy, asks[i].token.policy, 32);
        assert_int_equal(read.result.kind, asks[i].result.kind);
        assert_slice_equal(read.result.jws, asks[i].result.jws);
        assert_int_equal(read.result.certificate_count, asks[i].result.certificate_count);
        for (size_t j = 0; j < read.result.certificate_count; j++)
            assert_slice_equal(read.result.certificates[j], two[j]);
        CLEANUP(buffer_done) struct buffer again = written(&read);
        assert_slice_equal(buffer_slice(&again), buffer_slice(&bytes));
    }
}

/* What a deed takes to the end may be shorter; everything else may not. */
static bool takes_the_rest(enum signer_deed deed)
{
    return deed == SIGNER_USE_KEY || deed == SIGNER_TOKEN || deed == SIGNER_QUOTE;
}

static void test_shorter_and_longer_ones_are_none(void **)
{
    for (size_t i = 0; i < ASK_COUNT; i++) {
        if (takes_the_rest(asks[i].deed)) continue;
        CLEANUP(buffer_done) struct buffer bytes = written(&asks[i]);
        struct signer_ask read;
        for (size_t size = 0; size < bytes.size; size++)
            assert_true(signer_ask_read(slice_of(bytes.bytes, size), &read) != OK);
        assert_ok(buffer_append_u8(&bytes, 0));
        assert_status(signer_ask_read(buffer_slice(&bytes), &read), ERR_TRAILING_BYTES);
    }
}

static void test_what_is_not_in_the_table_is_none(void **)
{
    for (unsigned deed = 0; deed < 256; deed++) {
        const uint8_t bytes[] = {(uint8_t)deed, 0, 0, 0, 0, 0, 0, 0, 0};
        struct signer_ask read;
        if (deed < SIGNER_MAKE_KEY || deed > SIGNER_QUOTE)
            assert_status(signer_ask_read(SLICE_ARRAY(bytes), &read), ERR_UNSUPPORTED);
    }
    struct signer_ask read;
    assert_status(signer_ask_read((struct slice){}, &read), ERR_TRUNCATED);
}

static void assert_refused(const struct signer_ask *ask, enum status expected)
{
    CLEANUP(buffer_done) struct buffer bytes = written(ask);
    struct signer_ask read;
    assert_status(signer_ask_read(buffer_slice(&bytes), &read), expected);
}

static void test_results_have_the_parts_of_their_kind_alone(void **)
{
    struct signer_ask ask = {.deed = SIGNER_POLICY_RESULT, .result = {.kind = RESULT_POLICY}};
    assert_refused(&ask, ERR_FIELD_VALUE);
    ask.result = (struct policy_result_question){.kind = RESULT_POLICY_REMOVED, .jws = SLICE_LITERAL("a.b.c")};
    assert_refused(&ask, ERR_FIELD_VALUE);
    ask.result = (struct policy_result_question){
        .kind = RESULT_CERTIFICATE_PRESENT, .certificates = two, .certificate_count = 1};
    assert_refused(&ask, ERR_FIELD_VALUE);
    ask.result = (struct policy_result_question){.kind = (enum policy_result_kind)(RESULT_CERTIFICATE_ABSENT + 1)};
    assert_refused(&ask, ERR_FIELD_VALUE);
}

static void test_parts_have_their_maximum(void **)
{
    static uint8_t many[ATTESTATION_TOKEN_MAX_BYTES + 1];
    struct slice large = slice_of(many, CERTIFICATE_MAX_BYTES + 1);
    assert_refused(
        &(struct signer_ask){.deed = SIGNER_POLICY_RESULT,
                             .result = {.kind = RESULT_CERTIFICATES, .certificates = &large, .certificate_count = 1}},
        ERR_TOO_LARGE);
    assert_refused(
        &(struct signer_ask){.deed = SIGNER_POLICY_RESULT, .result = {.kind = RESULT_POLICY, .jws = SLICE_ARRAY(many)}},
        ERR_TOO_LARGE);
    assert_refused(&(struct signer_ask){.deed = SIGNER_USE_KEY, .sealed = slice_of(many, SIGNING_KEY_MAX_BYTES + 1)},
                   ERR_TOO_LARGE);
    assert_refused(
        &(struct signer_ask){.deed = SIGNER_USE_KEY, .certificate = slice_of(many, SIGNING_KEY_MAX_BYTES + 1)},
        ERR_TOO_LARGE);
    assert_refused(&(struct signer_ask){.deed = SIGNER_QUOTE, .data = slice_of(many, RUNTIME_DATA_MAX_BYTES + 1)},
                   ERR_TOO_LARGE);
    assert_refused(&(struct signer_ask){.deed = SIGNER_MAKE_KEY, .now_s = INT64_MAX}, ERR_FIELD_VALUE);
    assert_refused(&(struct signer_ask){.deed = SIGNER_MAKE_KEY, .now_s = -1}, ERR_FIELD_VALUE);
    static struct slice certificates[RESULT_CERTIFICATE_MAX_COUNT + 1];
    struct signer_ask ask = {.deed = SIGNER_POLICY_RESULT,
                             .result = {.kind = RESULT_CERTIFICATES,
                                        .certificates = certificates,
                                        .certificate_count = RESULT_CERTIFICATE_MAX_COUNT + 1}};
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(LINK_FRAME_MAX_BYTES);
    assert_status(signer_ask_write(&ask, &bytes), ERR_TOO_LARGE);
    buffer_clear(&bytes);
    ask.result.certificate_count = RESULT_CERTIFICATE_MAX_COUNT;
    assert_ok(signer_ask_write(&ask, &bytes));
    struct signer_ask read;
    assert_ok(signer_ask_read(buffer_slice(&bytes), &read));
    bytes.bytes[1 + 8 + 1 + 32 + 20 + 4] = RESULT_CERTIFICATE_MAX_COUNT + 1;
    assert_status(signer_ask_read(buffer_slice(&bytes), &read), ERR_TOO_LARGE);
}

/* A quote over a PEM text and a NUL would vouch for a signing key. */
static void test_quotes_are_over_runtime_data_alone(void **)
{
    assert_true(signer_may_quote(SLICE_LITERAL("{\"keys\":[{}]}")));
    static const char *const others[] = {"", "{\"keys\":", "-----BEGIN PUBLIC KEY-----\n", " {\"keys\":[]}", "{}"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(signer_may_quote(slice_of_text(others[i])));
        assert_refused(&(struct signer_ask){.deed = SIGNER_QUOTE, .data = slice_of_text(others[i])}, ERR_FIELD_VALUE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_question_reads_as_it_was_written),
        cmocka_unit_test(test_shorter_and_longer_ones_are_none),
        cmocka_unit_test(test_what_is_not_in_the_table_is_none),
        cmocka_unit_test(test_results_have_the_parts_of_their_kind_alone),
        cmocka_unit_test(test_parts_have_their_maximum),
        cmocka_unit_test(test_quotes_are_over_runtime_data_alone),
    };
    return cmocka_run_group_tests_name("attestation/signing/question", tests, NULL, NULL);
}
