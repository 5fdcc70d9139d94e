/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/child.h"

#include "tiny_model.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>

static struct inference_options options_for(const struct model_package *package, const char *model)
{
    static char model_path[PATH_MAX];
    (void)snprintf(model_path, sizeof(model_path), "%s", tiny_path(model));
    struct inference_options options = {
        .runtime_path = runtime_path(), .model_path = model_path, .package = package, .threads = 2};
    runtime_digest(options.runtime_sha256);
    return options;
}

static int set_up(void **state)
{
    const struct model_package package = tiny_package("tiny.json");
    const struct inference_options options = options_for(&package, "tiny.onnx");
    struct refusal why = {};
    struct inference_child *child = NULL;
    const enum status status = inference_child_start(&options, &why, &child);
    if (status != OK) print_error("%s: %s\n", status_name(status), why.seen);
    *state = child;
    return status == OK ? 0 : -1;
}

static int tear_down(void **state)
{
    inference_child_stop(*state);
    return 0;
}

static enum status run_grey(struct inference_child *child, float grey, double *score_out)
{
    CLEANUP(buffer_done) struct buffer pictures = tiny_pictures(1, &grey);
    CLEANUP(inference_result_done) struct inference_result result = {};
    TRY(inference_child_run(child, 1, buffer_slice(&pictures), NULL, &result));
    *score_out = (double)float_at(&result.outputs[0], 0);
    return OK;
}

static void the_child_runs_the_model(void **state)
{
    static const float greys[] = {255, 51};
    CLEANUP(buffer_done) struct buffer pictures = tiny_pictures(2, greys);
    CLEANUP(inference_result_done) struct inference_result result = {};
    assert_ok(inference_child_run(*state, 2, buffer_slice(&pictures), NULL, &result));
    assert_int_equal(result.batch, 2);
    assert_int_equal(result.output_count, 3);
    assert_near(float_at(&result.outputs[0], 0), 1);
    assert_near(float_at(&result.outputs[0], 1), 0.2);
    assert_near(float_at(&result.outputs[1], 7), 0.2);
    assert_near(float_at(&result.outputs[2], 0), 2.55);
    assert_true(inference_child_is_ready(*state));
}

static void pictures_of_another_size_are_refused_and_nothing_ends(void **state)
{
    static const uint8_t bytes[9 * TINY_ITEM_BYTES] = {};
    struct inference_result result = {};
    double score;
    assert_status(inference_child_run(*state, 1, slice_of(bytes, 7), NULL, &result), ERR_TENSOR);
    assert_status(inference_child_run(*state, 0, (struct slice){}, NULL, &result), ERR_TENSOR);
    assert_status(inference_child_run(*state, 9, SLICE_ARRAY(bytes), NULL, &result), ERR_TENSOR);
    assert_ok(run_grey(*state, 0, &score));
}

static void *run_some(void *child)
{
    bool all = true;
    for (int i = 0; i < 20; i++) {
        double score = -1;
        all = run_grey(child, (float)(i * 5), &score) == OK && score > i * 5 / 255.0 - 1e-5 &&
              score < i * 5 / 255.0 + 1e-5 && all;
    }
    return all ? child : NULL;
}

static void several_threads_may_ask_at_once(void **state)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, run_some, *state), 0);
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, *state);
    }
}

/* The process whose parent is `parent`; 0 if there is none. */
static pid_t child_of(pid_t parent)
{
    pid_t found = 0;
    DIR *const folder = opendir("/proc");
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[300], line[256] = "";
        int pid = 0, of = 0;
        (void)snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        FILE *const file = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        if (file == NULL) continue;
        if (fgets(line, sizeof(line), file) != NULL && sscanf(line, "%d (lazaret-model) %*c %d", &pid, &of) == 2 &&
            of == parent)
            found = pid;
        (void)fclose(file);
    }
    (void)closedir(folder);
    return found;
}

static void a_dead_process_is_replaced(void **state)
{
    const pid_t process = child_of(child_of(getpid()));
    double score = -1;
    assert_true(process > 0);
    assert_int_equal(kill(process, SIGKILL), 0);
    /* Nobody but the process notices. */
    assert_ok(run_grey(*state, 51, &score));
    assert_near(score, 0.2);
    assert_int_not_equal(child_of(child_of(getpid())), process);
}

static _Atomic bool is_killing;

/* Kills every process that comes up, until it is told to end. */
static void *kill_all(void *nursery)
{
    while (is_killing) {
        const pid_t process = child_of((pid_t)(intptr_t)nursery);
        if (process > 0) (void)kill(process, SIGKILL);
    }
    return NULL;
}

static void two_processes_that_die_of_it_are_told(void **state)
{
    pthread_t killer;
    double score;
    is_killing = true;
    assert_int_equal(pthread_create(&killer, NULL, kill_all, (void *)(intptr_t)child_of(getpid())), 0);
    enum status status = OK;
    for (int tries = 0; tries < 100 && status == OK; tries++) status = run_grey(*state, 51, &score);
    is_killing = false;
    assert_int_equal(pthread_join(killer, NULL), 0);
    assert_status(status, ERR_CHILD_DIED);
    assert_ok(run_grey(*state, 51, &score));
    assert_near(score, 0.2);
}

static void readiness_starts_a_new_process(void **state)
{
    const pid_t process = child_of(child_of(getpid()));
    assert_true(process > 0);
    assert_int_equal(kill(process, SIGKILL), 0);
    bool is_ready = false;
    for (int tries = 0; tries < 1000 && !is_ready; tries++) {
        (void)usleep(20000);
        /* Until the signal has done its work, it is the old process that is ready. */
        is_ready = inference_child_is_ready(*state) && child_of(child_of(getpid())) != process;
    }
    assert_true(is_ready);
}

static void a_dead_nursery_is_told(void **state)
{
    (void)state;
    void *another = NULL;
    double score;
    assert_int_equal(set_up(&another), 0);
    /* The newest of the two nurseries. */
    const pid_t nursery = child_of(getpid());
    assert_int_equal(kill(nursery, SIGKILL), 0);
    enum status status = OK;
    /* It takes its time to die on a busy machine. */
    for (int tries = 0; tries < 1000 && status == OK; tries++) {
        (void)usleep(10000);
        status = run_grey(another, 1, &score);
    }
    if (status == OK) inference_child_stop(another);
    assert_status(status, ERR_CHILD_DIED);
    assert_false(inference_child_is_ready(another));
    inference_child_stop(another);
}

static enum status start_with(const struct inference_options *options, struct refusal *why)
{
    struct inference_child *child = NULL;
    const enum status status = inference_child_start(options, why, &child);
    if (status == OK) inference_child_stop(child);
    return status;
}

static void files_with_other_digests_are_refused(void **state)
{
    (void)state;
    struct model_package package = tiny_package("tiny.json");
    struct inference_options options = options_for(&package, "tiny.onnx");
    options.runtime_sha256[0] ^= 1;
    assert_status(start_with(&options, NULL), ERR_MODEL_DIGEST);
    options = options_for(&package, "broken.onnx");
    assert_status(start_with(&options, NULL), ERR_MODEL_DIGEST);
}

static void missing_files_are_refused(void **state)
{
    (void)state;
    const struct model_package package = tiny_package("tiny.json");
    struct inference_options options = options_for(&package, "absent.onnx");
    assert_status(start_with(&options, NULL), ERR_IO);
    options = options_for(&package, "tiny.onnx");
    options.runtime_path = "/nowhere/libonnxruntime.so.1";
    assert_status(start_with(&options, NULL), ERR_IO);
}

static void a_model_that_does_not_load_is_refused_with_the_reason(void **state)
{
    (void)state;
    struct refusal why = {};
    struct model_package package = tiny_package("tiny.json");
    package.outputs[0].name[0] = 'P';
    const struct inference_options options = options_for(&package, "tiny.onnx");
    assert_status(start_with(&options, &why), ERR_MODEL);
    assert_string_equal(why.field, "Pneumonia");
}

static void a_result_that_is_no_number_is_an_error_and_nothing_ends(void **state)
{
    (void)state;
    static const float grey = 3;
    const struct model_package package = tiny_package("broken.json");
    const struct inference_options options = options_for(&package, "broken.onnx");
    struct inference_child *child = NULL;
    struct inference_result result = {};
    CLEANUP(buffer_done) struct buffer pictures = tiny_pictures(1, &grey);
    assert_ok(inference_child_start(&options, NULL, &child));
    const pid_t process = child_of(child_of(getpid()));
    assert_status(inference_child_run(child, 1, buffer_slice(&pictures), NULL, &result), ERR_INFERENCE);
    assert_int_equal(child_of(child_of(getpid())), process);
    inference_child_stop(child);
}

int main(void)
{
    const struct CMUnitTest with_child[] = {
        cmocka_unit_test(the_child_runs_the_model),
        cmocka_unit_test(pictures_of_another_size_are_refused_and_nothing_ends),
        cmocka_unit_test(several_threads_may_ask_at_once),
        cmocka_unit_test(a_dead_process_is_replaced),
        cmocka_unit_test(two_processes_that_die_of_it_are_told),
        cmocka_unit_test(readiness_starts_a_new_process),
    };
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(a_dead_nursery_is_told),
        cmocka_unit_test(files_with_other_digests_are_refused),
        cmocka_unit_test(missing_files_are_refused),
        cmocka_unit_test(a_model_that_does_not_load_is_refused_with_the_reason),
        cmocka_unit_test(a_result_that_is_no_number_is_an_error_and_nothing_ends),
    };
    const int failed = cmocka_run_group_tests_name("inference/child_with_a_child", with_child, set_up, tear_down);
    return failed + cmocka_run_group_tests_name("inference/child", alone, NULL, NULL);
}
