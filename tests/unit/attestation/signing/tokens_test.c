/* SPDX-License-Identifier: Apache-2.0
 *
 * From a parser's answer to a signed token: what a signer finds again, and what it does not believe.
 */
#include "attestation/parser/parser.h"
#include "attestation/signing/signers.h"
#include "base/json.h"
#include "crypto/x509.h"
#include "launcher_thread.h"
#include "parts.h"
#include "token/jws.h"

#include <malloc.h>
#include <signal.h>

#define ISSUER "https://localhost:7443"
#define DEPLOYMENT "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDE"
#define RUNTIME "{\"keys\":[],\"purpose\":\"test\"}"

struct scene {
    struct parts parts;
    struct launcher_thread launcher;
    struct parsers *parsers;
    struct signers *signers;
    struct signing_key key;
    struct parser_answer answer; /* to a body with RUNTIME and a nonce */
    struct signer_question question;
};

static void ask_parser(struct scene *scene, const char *extra)
{
    struct parser_question question = {.type = ATTESTATION_SGX_ENCLAVE, .now_s = PARTS_NOW, .generation = 1};
    memcpy(question.policy, scene->parts.view.policies[ATTESTATION_SGX_ENCLAVE].digest, sizeof(question.policy));
    CLEANUP(buffer_done) struct buffer body = parts_body(&scene->parts, RUNTIME, "a nonce", extra);
    question.body = buffer_slice(&body);
    struct refusal why = {};
    enum appraisal_step step;
    parser_answer_done(&scene->answer);
    const enum status status =
        parsers_ask(scene->parsers, &question, supply_need, &scene->parts.supply, &why, &step, &scene->answer);
    if (status != OK) fail_msg("%s: %s: seen %s", status_name(status), why.field, why.seen);
    scene->question = (struct signer_question){.request = buffer_slice(&scene->answer.request),
                                               .outgoing = buffer_slice(&scene->answer.outgoing),
                                               .generation = question.generation,
                                               .now_s = PARTS_NOW};
    memcpy(scene->question.policy, question.policy, sizeof(question.policy));
}

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    parts_open(&scene->parts);
    launcher_thread_start(&scene->launcher, scene->parts.machine, &parts_program);
    const struct appraiser appraiser = {.roots = &scene->parts.source.roots, .issuer = ISSUER};
    const struct parser_options parsers = {.appraiser = appraiser, .count = 1};
    const struct signer_options signers = {
        .appraiser = appraiser, .tee = scene->launcher.tee, .deployment = DEPLOYMENT, .count = 1};
    assert_ok(signers_start(&signers, NULL, &scene->signers));
    assert_ok(parsers_start(&parsers, NULL, &scene->parsers));
    scene->launcher.tee = NULL;
    assert_ok(signers_make_key(scene->signers, PARTS_NOW, NULL, &scene->key));
    assert_ok(signers_use_key(scene->signers, &scene->key, NULL));
    ask_parser(scene, "");
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *const scene = *state;
    parser_answer_done(&scene->answer);
    signing_key_done(&scene->key);
    signers_free(scene->signers);
    parsers_free(scene->parsers);
    launcher_thread_stop(&scene->launcher);
    parts_close(&scene->parts);
    free(scene);
    return 0;
}

static enum status ask(struct scene *scene, struct refusal *why, enum appraisal_step *step, struct buffer *token)
{
    return signers_token(scene->signers, &scene->question, supply_need, &scene->parts.supply, why, step, token);
}

static json_t *payload_of(struct scene *scene)
{
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    CLEANUP(certificate_cleanup) struct certificate *certificate = NULL;
    CLEANUP(jws_done) struct jws jws = {};
    struct refusal why = {};
    enum appraisal_step step;
    const enum status status = ask(scene, &why, &step, &token);
    if (status != OK) fail_msg("%s: %s: seen %s", status_name(status), why.field, why.seen);
    assert_ok(certificate_from_der(buffer_slice(&scene->key.certificate), &certificate));
    assert_ok(jws_parse(buffer_slice(&token), NULL, &jws));
    assert_ok(jws_verify(&jws, JWS_TYP_TOKEN, certificate_key(certificate), NULL));
    assert_true(slice_equal_text(jws.kid, scene->key.kid));
    return json_incref(jws.payload);
}

static void test_what_a_parser_found_is_found_again_and_signed(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(json_done) json_t *first = payload_of(scene);
    CLEANUP(json_done) json_t *second = payload_of(scene);
    assert_string_equal(json_string_value(json_object_get(first, "iss")), ISSUER);
    assert_string_equal(json_string_value(json_object_get(first, "nonce")), "a nonce");
    assert_int_equal(json_integer_value(json_object_get(first, "iat")), PARTS_NOW);
    assert_int_equal(json_integer_value(json_object_get(first, "product-id")), parts_program.product_id);
    assert_string_equal(json_string_value(json_object_get(json_object_get(first, "x-ms-runtime"), "purpose")), "test");
    const char *const ids[] = {json_string_value(json_object_get(first, "jti")),
                               json_string_value(json_object_get(second, "jti"))};
    assert_int_equal(strlen(ids[0]), 64);
    assert_int_equal(strspn(ids[0], "0123456789abcdef"), 64);
    assert_string_not_equal(ids[0], ids[1]);
    json_object_del(first, "jti");
    json_object_del(second, "jti");
    assert_true(json_equal(first, second));
}

static void assert_refused(struct scene *scene, enum status status, enum appraisal_step step)
{
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    enum appraisal_step seen;
    assert_status(ask(scene, NULL, &seen, &token), status);
    assert_int_equal(seen, step);
    assert_int_equal(token.size, 0);
    ask_parser(scene, "");
    json_decref(payload_of(scene)); /* the signer lives and goes on */
}

static void test_claims_that_the_policy_did_not_issue_are_not_signed(void **state)
{
    struct scene *const scene = *state;
    scene->answer.outgoing.bytes[scene->answer.outgoing.size - 1] ^= 1;
    assert_refused(scene, ERR_APPRAISAL_DIFFERS, APPRAISAL_SIGNING);
    scene->question.outgoing.size--;
    assert_refused(scene, ERR_APPRAISAL_DIFFERS, APPRAISAL_SIGNING);
    scene->question.outgoing = (struct slice){};
    assert_refused(scene, ERR_APPRAISAL_DIFFERS, APPRAISAL_SIGNING);
}

/* The evidence is verified again: an enclave that was never measured gets no token, whatever a parser says. */
static void test_evidence_that_does_not_hold_is_not_vouched_for(void **state)
{
    struct scene *const scene = *state;
    struct attest_request request = {};
    assert_ok(attest_request_read(scene->question.request, NULL, &request));
    request.evidence.bytes[48 + 64] ^= 1; /* MRENCLAVE */
    CLEANUP(buffer_done) struct buffer bytes = buffer_of_maximum(ATTEST_BODY_MAX_BYTES);
    assert_ok(attest_request_write(&request, &bytes));
    scene->question.request = buffer_slice(&bytes);
    assert_refused(scene, ERR_QUOTE_SIGNATURE, APPRAISAL_EVIDENCE);
    request.evidence.bytes[48 + 64] ^= 1;
    request.runtime.bytes.bytes[5] ^= 1; /* what the quote does not bind */
    buffer_clear(&bytes);
    assert_ok(attest_request_write(&request, &bytes));
    scene->question.request = buffer_slice(&bytes);
    assert_refused(scene, ERR_REPORT_DATA, APPRAISAL_EVIDENCE);
    attest_request_done(&request);
}

static void test_a_policy_that_the_service_does_not_have_is_not_evaluated(void **state)
{
    struct scene *const scene = *state;
    scene->question.policy[0] ^= 1;
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    enum appraisal_step step;
    assert_status(ask(scene, NULL, &step, &token), ERR_NOT_FOUND);
}

static void test_bytes_that_are_no_request_are_refused(void **state)
{
    struct scene *const scene = *state;
    scene->question.request.size /= 2;
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    enum appraisal_step step;
    assert_true(ask(scene, NULL, &step, &token) != OK);
    assert_int_equal(step, APPRAISAL_SIGNING);
    ask_parser(scene, "");
    json_decref(payload_of(scene));
}

static void test_a_certificate_of_another_key_is_not_used(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(signing_key_done) struct signing_key other = {};
    assert_ok(signers_make_key(scene->signers, PARTS_NOW, NULL, &other));
    const struct buffer certificate = other.certificate;
    other.certificate = scene->key.certificate;
    struct refusal why;
    assert_status(signers_use_key(scene->signers, &other, &why), ERR_AUTHENTICATION);
    assert_string_equal(why.field, "signing key's certificate");
    other.certificate = certificate;
    json_decref(payload_of(scene)); /* the key before is used as before */
}

static void test_challenges_differ_and_name_nobody(void **state)
{
    struct scene *const scene = *state;
    struct buffer parts[4];
    for (int i = 0; i < 4; i++) parts[i] = buffer_of_maximum(1024);
    assert_ok(signers_challenge(scene->signers, PARTS_NOW, NULL, &parts[0], &parts[1]));
    assert_ok(signers_challenge(scene->signers, PARTS_NOW, NULL, &parts[2], &parts[3]));
    assert_int_equal(parts[0].size, 32);
    assert_false(slice_equal(buffer_slice(&parts[0]), buffer_slice(&parts[2])));
    assert_false(slice_equal(buffer_slice(&parts[1]), buffer_slice(&parts[3])));
    for (int i = 0; i < 4; i++) buffer_done(&parts[i]);
}

#define with_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    /* The threads' own arenas reserve more address space than signers may have; programs fork before there are any. */
    (void)mallopt(M_ARENA_MAX, 1);
    const struct CMUnitTest tests[] = {
        with_scene(test_what_a_parser_found_is_found_again_and_signed),
        with_scene(test_claims_that_the_policy_did_not_issue_are_not_signed),
        with_scene(test_evidence_that_does_not_hold_is_not_vouched_for),
        with_scene(test_a_policy_that_the_service_does_not_have_is_not_evaluated),
        with_scene(test_bytes_that_are_no_request_are_refused),
        with_scene(test_a_certificate_of_another_key_is_not_used),
        with_scene(test_challenges_differ_and_name_nobody),
    };
    return cmocka_run_group_tests_name("attestation/signing/tokens", tests, NULL, NULL);
}
