/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/session.h"

#include "tiny_model.h"

struct bench {
    struct runtime *runtime;
    struct model_package package;
    struct buffer model;
};

static int set_up(void **state)
{
    static struct bench bench;
    uint8_t digest[SHA256_BYTES];
    int image;
    runtime_digest(digest);
    if (runtime_image_open(runtime_path(), digest, NULL, &image) != OK) return -1;
    if (runtime_load(image, NULL, &bench.runtime) != OK) return -1;
    (void)close(image);
    bench.package = tiny_package("tiny.json");
    bench.model = read_whole(tiny_path("tiny.onnx"));
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *const bench = *state;
    buffer_done(&bench->model);
    runtime_free(bench->runtime);
    return 0;
}

static struct session *new_session(struct bench *bench, unsigned threads)
{
    struct session *session = NULL;
    assert_ok(session_new(bench->runtime, &bench->package, buffer_slice(&bench->model), threads, NULL, &session));
    return session;
}

static void pictures_give_the_answers_that_can_be_worked_out(void **state)
{
    static const float greys[] = {0, 51, 255};
    for (unsigned threads = 1; threads <= 2; threads++) {
        CLEANUP(session_cleanup) struct session *session = new_session(*state, threads);
        CLEANUP(buffer_done) struct buffer pictures = tiny_pictures(3, greys);
        CLEANUP(inference_result_done) struct inference_result result = {};
        assert_ok(session_run(session, 3, buffer_slice(&pictures), NULL, &result));
        assert_int_equal(result.batch, 3);
        assert_int_equal(result.output_count, 3);
        assert_int_equal(result.outputs[1].size, 3 * 4 * sizeof(float));
        for (size_t i = 0; i < 3; i++) {
            assert_near(float_at(&result.outputs[0], i), greys[i] / 255);
            assert_near(float_at(&result.outputs[1], 4 * i + 3), greys[i] / 255);
            assert_near(float_at(&result.outputs[2], 2 * i), greys[i] / 100);
            assert_near(float_at(&result.outputs[2], 2 * i + 1), greys[i] / 200);
        }
    }
}

static void pictures_of_another_size_are_refused(void **state)
{
    static const uint8_t bytes[9 * TINY_ITEM_BYTES] = {};
    CLEANUP(session_cleanup) struct session *session = new_session(*state, 1);
    struct inference_result result = {};
    assert_status(session_run(session, 1, slice_of(bytes, TINY_ITEM_BYTES - 1), NULL, &result), ERR_TENSOR);
    assert_status(session_run(session, 2, slice_of(bytes, TINY_ITEM_BYTES), NULL, &result), ERR_TENSOR);
    assert_status(session_run(session, 0, (struct slice){}, NULL, &result), ERR_TENSOR);
    assert_status(session_run(session, 9, slice_of(bytes, 9 * TINY_ITEM_BYTES), NULL, &result), ERR_TENSOR);
}

static void a_result_that_is_no_number_is_an_error(void **state)
{
    struct bench *const bench = *state;
    static const float greys[] = {7};
    const struct model_package package = tiny_package("broken.json");
    CLEANUP(buffer_done) struct buffer model = read_whole(tiny_path("broken.onnx"));
    CLEANUP(buffer_done) struct buffer pictures = tiny_pictures(1, greys);
    CLEANUP(session_cleanup) struct session *session = NULL;
    struct inference_result result = {};
    struct refusal why = {};
    assert_ok(session_new(bench->runtime, &package, buffer_slice(&model), 1, NULL, &session));
    assert_status(session_run(session, 1, buffer_slice(&pictures), &why, &result), ERR_INFERENCE);
    assert_string_equal(why.field, "pneumonia");
}

static void a_model_with_another_digest_is_refused(void **state)
{
    struct bench *const bench = *state;
    struct session *session = NULL;
    bench->model.bytes[100] ^= 1;
    assert_status(session_new(bench->runtime, &bench->package, buffer_slice(&bench->model), 1, NULL, &session),
                  ERR_MODEL_DIGEST);
    bench->model.bytes[100] ^= 1;
    assert_null(session);
}

static enum status new_with(struct bench *bench, const struct model_package *package, struct slice model)
{
    struct model_package claimed = *package;
    struct session *session = NULL;
    assert_ok(sha256(model, claimed.sha256));
    const enum status status = session_new(bench->runtime, &claimed, model, 1, NULL, &session);
    session_free(session);
    return status;
}

static void what_is_no_model_is_refused(void **state)
{
    struct bench *const bench = *state;
    assert_status(new_with(bench, &bench->package, SLICE_LITERAL("not a model")), ERR_MODEL);
    assert_status(new_with(bench, &bench->package, slice_of(bench->model.bytes, bench->model.size / 2)), ERR_MODEL);
}

static void a_model_that_is_not_what_its_package_says_is_refused(void **state)
{
    struct bench *const bench = *state;
    const struct slice model = buffer_slice(&bench->model);
    struct model_package package = bench->package;
    package.input.shape[3] = 5;
    assert_status(new_with(bench, &package, model), ERR_MODEL);
    package = bench->package;
    package.input.name[0] = 'I';
    assert_status(new_with(bench, &package, model), ERR_MODEL);
    package = bench->package;
    package.outputs[1].rank = 3;
    assert_status(new_with(bench, &package, model), ERR_MODEL);
    package = bench->package;
    package.outputs[2].name[0] = 'S';
    assert_status(new_with(bench, &package, model), ERR_MODEL);
    package = bench->package;
    package.output_count = 2;
    assert_status(new_with(bench, &package, model), ERR_MODEL);
}

static void thread_counts_out_of_bounds_are_refused(void **state)
{
    struct bench *const bench = *state;
    struct session *session = NULL;
    const struct slice model = buffer_slice(&bench->model);
    assert_status(session_new(bench->runtime, &bench->package, model, 0, NULL, &session), ERR_CONFIG);
    assert_status(session_new(bench->runtime, &bench->package, model, 65, NULL, &session), ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_give_the_answers_that_can_be_worked_out),
        cmocka_unit_test(pictures_of_another_size_are_refused),
        cmocka_unit_test(a_result_that_is_no_number_is_an_error),
        cmocka_unit_test(a_model_with_another_digest_is_refused),
        cmocka_unit_test(what_is_no_model_is_refused),
        cmocka_unit_test(a_model_that_is_not_what_its_package_says_is_refused),
        cmocka_unit_test(thread_counts_out_of_bounds_are_refused),
    };
    return cmocka_run_group_tests_name("inference/session", tests, set_up, tear_down);
}
