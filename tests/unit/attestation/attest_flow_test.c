/* SPDX-License-Identifier: Apache-2.0
 *
 * From a body to a token through both kinds of processes. What stands in tokens is shown in appraise/ and signing/.
 */
#include "attestation/attest_flow.h"

#include "scene.h"

static int set_up(void **state)
{
    struct scene *const scene = calloc(1, sizeof(*scene));
    scene_open(scene);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    scene_close(*state);
    free(*state);
    return 0;
}

static enum status ask(const struct scene *scene, enum attestation_type type, struct slice body, int wait_ms,
                       struct refusal *why, enum appraisal_step *step_out, struct attest_answer *answer_out)
{
    const struct attest_question question = {.type = type, .body = body, .wait_ms = wait_ms};
    return attest_flow_ask(&scene->flow, &question, why, step_out, answer_out);
}

static enum status ask_with(const struct scene *scene, const char *extra, struct refusal *why,
                            enum appraisal_step *step_out, struct attest_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer body = parts_body(&scene->parts, "{\"a\":1}", "n 1", extra);
    return ask(scene, ATTESTATION_SGX_ENCLAVE, buffer_slice(&body), PARTS_PATIENCE_MS, why, step_out, answer_out);
}

static void test_a_token_is_signed_for_what_a_parser_read(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(attest_answer_done) struct attest_answer answer = {};
    enum appraisal_step step;
    assert_ok(ask_with(scene, "", NULL, &step, &answer));
    CLEANUP(json_done) json_t *payload = scene_payload(scene, buffer_slice(&answer.token));
    assert_string_equal(json_string_value(json_object_get(payload, "nonce")), "n 1");
    assert_string_equal(json_string_value(json_object_get(payload, "iss")), SCENE_ISSUER);
    assert_string_equal(json_string_value(json_object_get(payload, "tee")), "sgx");
    assert_int_equal(json_integer_value(json_object_get(payload, "iat")), PARTS_NOW);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(payload, "x-ms-runtime"), "a")), 1);
    assert_false(answer.is_challenge);
}

static void test_the_token_of_a_draft_has_no_signature(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(attest_answer_done) struct attest_answer answer = {};
    struct slice header, rest, payload, signature;
    enum appraisal_step step;
    assert_ok(ask_with(scene,
                       ",\"draftPolicyForAttestation\":\"version= 1.0;authorizationrules{=> permit();};issuancerules{"
                       "=> issue(type=\\\"mine\\\", value=5);};\"",
                       NULL, &step, &answer));
    CLEANUP(buffer_done) struct buffer claims = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    assert_true(slice_split(buffer_slice(&answer.token), '.', &header, &rest));
    assert_true(slice_split(rest, '.', &payload, &signature));
    assert_int_equal(signature.size, 0);
    assert_ok(base64url_decode(payload, &claims));
    assert_non_null(memmem(claims.bytes, claims.size, "\"mine\":5", 8));
}

static void test_a_type_without_a_policy_is_refused_unread(void **state)
{
    const struct scene *const scene = *state;
    struct attest_answer answer = {};
    struct refusal why = {};
    enum appraisal_step step;
    assert_status(ask(scene, ATTESTATION_TPM, SLICE_LITERAL("{"), 0, &why, &step, &answer), ERR_NOT_FOUND);
    assert_int_equal(step, APPRAISAL_POLICY);
    assert_string_equal(why.field, "policy");
}

static enum status set_tpm_policy(void *context, struct state_view *view, struct refusal *)
{
    const struct scene *const scene = context;
    const struct buffer *const jws = &scene->parts.view.policies[ATTESTATION_SEV_SNP_VM].jws;
    return state_policy_set(&view->policies[ATTESTATION_TPM], buffer_slice(jws), false);
}

static void test_a_tpm_is_given_a_challenge(void **state)
{
    struct scene *const scene = *state;
    CLEANUP(attest_answer_done) struct attest_answer answer = {};
    enum appraisal_step step;
    assert_ok(state_apply(scene->state, set_tpm_policy, scene, NULL));
    /* {"payload":{"type":"aikcert"}} */
    assert_ok(ask(scene, ATTESTATION_TPM, SLICE_LITERAL("{\"data\":\"eyJwYXlsb2FkIjp7InR5cGUiOiJhaWtjZXJ0In19\"}"), 0,
                  NULL, &step, &answer));
    assert_true(answer.is_challenge);
    assert_true(answer.challenge.size > 0 && answer.context.size > 0);
    assert_int_equal(answer.token.size, 0);
}

static void test_collateral_that_is_away_is_another_matter(void **state)
{
    struct scene *const scene = *state;
    (void)pthread_mutex_lock(&scene->parts.source.mutex);
    scene->parts.source.fails_with = ERR_CONNECT;
    (void)pthread_mutex_unlock(&scene->parts.source.mutex);
    CLEANUP(buffer_done) struct buffer body = parts_body(&scene->parts, "{}", "n", "");
    struct attest_answer answer = {};
    enum appraisal_step step;
    /* On a slow machine the attempt has failed by now. */
    const enum status at_once = ask(scene, ATTESTATION_SGX_ENCLAVE, buffer_slice(&body), 0, NULL, &step, &answer);
    if (at_once != ERR_CONNECT) assert_status(at_once, ERR_COLLATERAL_MISSING);
    assert_int_equal(step, APPRAISAL_COLLATERAL);
    assert_status(ask_with(scene, "", NULL, &step, &answer), ERR_CONNECT);
    assert_int_equal(step, APPRAISAL_COLLATERAL);
}

static void test_a_lost_parser_is_told_and_the_next_request_served(void **state)
{
    const struct scene *const scene = *state;
    CLEANUP(buffer_done) struct buffer body = parts_body(&scene->parts, "{}", "insecure_crash", "");
    CLEANUP(attest_answer_done) struct attest_answer answer = {};
    enum appraisal_step step;
    assert_status(ask(scene, ATTESTATION_SGX_ENCLAVE, buffer_slice(&body), 0, NULL, &step, &answer), ERR_CHILD_DIED);
    assert_ok(ask_with(scene, "", NULL, &step, &answer));
}

static void test_an_accepted_platform_is_noted_and_a_draft_is_not(void **state)
{
    struct scene *const scene = *state;
    char path[] = "/tmp/lazaret-attested-XXXXXX";
    const int file = mkstemp(path);
    struct attested_log *log = NULL;
    enum appraisal_step step;
    assert_int_equal(close(file), 0);
    assert_ok(attested_log_open(path, NULL, &log));
    scene->flow.attested_log = log;
    CLEANUP(attest_answer_done) struct attest_answer draft = {};
    CLEANUP(attest_answer_done) struct attest_answer answer = {};
    assert_ok(ask_with(scene,
                       ",\"draftPolicyForAttestation\":\"version= 1.0;authorizationrules{=> permit();};"
                       "issuancerules{};\"",
                       NULL, &step, &draft));
    CLEANUP(buffer_done) struct buffer before = read_whole(path);
    assert_int_equal(before.size, 0);
    assert_ok(ask_with(scene, "", NULL, &step, &answer));
    CLEANUP(buffer_done) struct buffer after = read_whole(path);
    struct attested attested;
    assert_true(after.size > 0);
    assert_ok(attested_read(slice_of(after.bytes, after.size - 1), NULL, &attested));
    assert_int_equal(attested.time_s, PARTS_NOW);
    assert_int_equal(attested.status, TCB_UP_TO_DATE);
    attested_log_free(log);
    assert_int_equal(unlink(path), 0);
}

#define flow_unit_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        flow_unit_test(test_a_token_is_signed_for_what_a_parser_read),
        flow_unit_test(test_the_token_of_a_draft_has_no_signature),
        flow_unit_test(test_a_type_without_a_policy_is_refused_unread),
        flow_unit_test(test_a_tpm_is_given_a_challenge),
        flow_unit_test(test_collateral_that_is_away_is_another_matter),
        flow_unit_test(test_a_lost_parser_is_told_and_the_next_request_served),
        flow_unit_test(test_an_accepted_platform_is_noted_and_a_draft_is_not),
    };
    return cmocka_run_group_tests_name("attestation/attest_flow", tests, NULL, NULL);
}
