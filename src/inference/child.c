/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/child.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/nursery.h"
#include "inference/session.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* When a child has the model loaded it says so with a verdict. Then, for each request: the number of pictures and their
 * values; a verdict and, on OK, each output's values in the package's order. All sizes follow from the package. */

/* What the child needs; it gets a copy of it by being forked. */
struct workshop {
    struct model_package package;
    struct buffer model;
    int runtime_image;
    unsigned threads;
};

struct inference_child {
    struct workshop workshop;
    struct nursery *nursery;
    pthread_mutex_t lock;
    int socket;            /* of the present process, or -1; under the lock */
    _Atomic bool is_ready; /* the present process has loaded the model */
};

/* ---- in the child ---- */

static enum status load(const struct workshop *workshop, struct refusal *why, struct runtime **runtime_out,
                        struct session **session_out)
{
    TRY(runtime_load(workshop->runtime_image, why, runtime_out));
    return session_new(*runtime_out, &workshop->package, buffer_slice(&workshop->model), workshop->threads, why,
                       session_out);
}

static enum status receive_pictures(const struct workshop *workshop, int socket, uint32_t *batch_out,
                                    struct buffer *pictures)
{
    uint8_t *place;
    TRY(nursery_receive(socket, sizeof(*batch_out), NURSERY_NO_DEADLINE, (uint8_t *)batch_out));
    if (*batch_out < 1 || *batch_out > MODEL_MAX_BATCH) return ERR_TENSOR;
    const size_t size = *batch_out * tensor_item_bytes(&workshop->package.input);
    TRY(buffer_extend(pictures, size, &place));
    return nursery_receive(socket, size, NURSERY_NO_DEADLINE, place);
}

static enum status answer_one(const struct workshop *workshop, struct session *session, int socket)
{
    CLEANUP(buffer_done)
    struct buffer pictures = buffer_of_maximum(MODEL_MAX_BATCH * tensor_item_bytes(&workshop->package.input));
    CLEANUP(inference_result_done) struct inference_result result = {};
    struct refusal why = {};
    uint32_t batch;
    TRY(receive_pictures(workshop, socket, &batch, &pictures));
    /* A run that does not end must not outlive the program's patience: the alarm kills the process. */
    (void)alarm(INFERENCE_RUN_TIMEOUT_MS / 1000);
    const enum status verdict = session_run(session, batch, buffer_slice(&pictures), &why, &result);
    (void)alarm(0);
    TRY(nursery_send_verdict(socket, verdict, &why));
    for (size_t i = 0; i < result.output_count; i++)
        TRY(nursery_send(socket, buffer_slice(&result.outputs[i]), NURSERY_NO_DEADLINE));
    return OK;
}

static void run_model(const void *context, int socket)
{
    const struct workshop *const workshop = context;
    struct runtime *runtime = NULL;
    struct session *session = NULL;
    struct refusal why = {};
    const enum status verdict = load(workshop, &why, &runtime, &session);
    if (nursery_send_verdict(socket, verdict, &why) != OK || verdict != OK) return;
    while (answer_one(workshop, session, socket) == OK) {}
    /* The process ends here, and with it the library's threads and memory. */
}

/* ---- in the program, under the lock ---- */

static void drop_process(struct inference_child *child)
{
    if (child->socket >= 0) (void)close(child->socket);
    child->socket = -1;
    atomic_store(&child->is_ready, false);
}

/* The new process loads the model by itself; nobody waits for it here. */
static void start_process(struct inference_child *child)
{
    if (nursery_open(child->nursery, &child->socket) != OK) child->socket = -1;
}

static enum status wait_until_loaded(struct inference_child *child, int64_t time_ms, struct refusal *why)
{
    if (atomic_load(&child->is_ready)) return OK;
    if (child->socket < 0) start_process(child);
    if (child->socket < 0) return ERR_CHILD_DIED;
    const enum status status = nursery_receive_verdict(child->socket, clock_monotonic_ms() + time_ms, why);
    if (status == OK) atomic_store(&child->is_ready, true);
    if (status != OK && status != ERR_TIMEOUT) drop_process(child);
    return status;
}

static enum status receive_outputs(const struct inference_child *child, size_t batch, int64_t deadline_ms,
                                   struct inference_result *result)
{
    const struct model_package *const package = &child->workshop.package;
    result->batch = batch;
    result->output_count = package->output_count;
    for (size_t i = 0; i < package->output_count; i++) {
        const size_t size = batch * tensor_item_bytes(&package->outputs[i]);
        uint8_t *place;
        result->outputs[i] = buffer_of_maximum(size);
        TRY(buffer_extend(&result->outputs[i], size, &place));
        TRY(nursery_receive(child->socket, size, deadline_ms, place));
        if (!tensor_is_finite(buffer_slice(&result->outputs[i]))) return ERR_CHILD_DIED;
    }
    return OK;
}

static enum status exchange(const struct inference_child *child, size_t batch, struct slice input, struct refusal *why,
                            struct inference_result *result)
{
    const int64_t deadline_ms = clock_monotonic_ms() + INFERENCE_RUN_TIMEOUT_MS;
    const uint32_t count = (uint32_t)batch;
    TRY(nursery_send(child->socket, slice_of(&count, sizeof(count)), deadline_ms));
    TRY(nursery_send(child->socket, input, deadline_ms));
    TRY(nursery_receive_verdict(child->socket, deadline_ms, why));
    return receive_outputs(child, batch, deadline_ms, result);
}

/* After a failure of the exchange itself the socket's state is unknown: the process is given up and the next one
 * started at once, so that it has loaded the model when the next request comes. A refusal in order leaves it in place.
 */
static enum status run_once(struct inference_child *child, size_t batch, struct slice input, struct refusal *why,
                            struct inference_result *result)
{
    TRY(wait_until_loaded(child, INFERENCE_LOAD_TIMEOUT_MS, why));
    const enum status status = exchange(child, batch, input, why, result);
    if (status == OK || status == ERR_TENSOR || status == ERR_INFERENCE) return status;
    drop_process(child);
    start_process(child);
    return status;
}

/* A process may die of something else than this picture, so another one has a try; two that die are told. */
static enum status run(struct inference_child *child, size_t batch, struct slice input, struct refusal *why,
                       struct inference_result *result)
{
    enum status status = run_once(child, batch, input, why, result);
    if (status == ERR_CHILD_DIED) {
        inference_result_done(result);
        status = run_once(child, batch, input, why, result);
    }
    if (status != ERR_CHILD_DIED && status != ERR_TIMEOUT) return status;
    return refuse(why, status, "model", "a process that answers", "it ended or did not answer in time");
}

/* ---- in the program ---- */

static enum status read_model(struct workshop *workshop, const char *path, struct refusal *why)
{
    workshop->model = buffer_of_maximum(MODEL_FILE_MAX_BYTES);
    TRY(file_read(path, why, &workshop->model));
    return session_check_digest(&workshop->package, buffer_slice(&workshop->model), why);
}

static enum status start(struct inference_child *child, const struct inference_options *options, struct refusal *why)
{
    child->workshop.package = *options->package;
    child->workshop.threads = options->threads;
    TRY(read_model(&child->workshop, options->model_path, why));
    TRY(runtime_image_open(options->runtime_path, options->runtime_sha256, why, &child->workshop.runtime_image));
    const struct nursery_plan plan = {
        .name = "lazaret-model",
        .work = run_model,
        .context = &child->workshop,
        .containment = {.level = CONTAINED_LIBRARY, .memory_bytes = INFERENCE_MEMORY_BYTES},
        .keep_descriptor = child->workshop.runtime_image,
    };
    TRY(nursery_start(&plan, why, &child->nursery));
    /* The forked copy is the one that is used from here on. */
    buffer_done(&child->workshop.model);
    (void)close(child->workshop.runtime_image);
    child->workshop.runtime_image = -1;
    return wait_until_loaded(child, INFERENCE_LOAD_TIMEOUT_MS, why);
}

enum status inference_child_start(const struct inference_options *options, struct refusal *why,
                                  struct inference_child **child_out)
{
    struct inference_child *const child = calloc(1, sizeof(*child));
    if (child == NULL) return ERR_NO_MEMORY;
    child->socket = -1;
    child->workshop.runtime_image = -1;
    (void)pthread_mutex_init(&child->lock, NULL);
    const enum status status = start(child, options, why);
    if (status != OK) {
        inference_child_stop(child);
        return status;
    }
    *child_out = child;
    return OK;
}

void inference_child_stop(struct inference_child *child)
{
    if (child == NULL) return;
    drop_process(child);
    nursery_stop(child->nursery);
    buffer_done(&child->workshop.model);
    if (child->workshop.runtime_image >= 0) (void)close(child->workshop.runtime_image);
    (void)pthread_mutex_destroy(&child->lock);
    free(child);
}

enum status inference_child_run(struct inference_child *child, size_t batch, struct slice input, struct refusal *why,
                                struct inference_result *result_out)
{
    const struct tensor_spec *const spec = &child->workshop.package.input;
    if (batch < 1 || batch > MODEL_MAX_BATCH || input.size != batch * tensor_item_bytes(spec))
        return refuse(why, ERR_TENSOR, spec->name, "1 to 8 pictures of the model's size", "%zu bytes", input.size);
    CLEANUP(inference_result_done) struct inference_result result = {};
    (void)pthread_mutex_lock(&child->lock);
    const enum status status = run(child, batch, input, why, &result);
    (void)pthread_mutex_unlock(&child->lock);
    TRY(status);
    *result_out = result;
    result = (struct inference_result){};
    return OK;
}

static bool has_hung_up(int socket)
{
    struct pollfd waiting = {.fd = socket, .events = POLLIN};
    return poll(&waiting, 1, 0) > 0;
}

bool inference_child_is_ready(struct inference_child *child)
{
    enum { SHORT_WAIT_MS = 100 };
    if (pthread_mutex_trylock(&child->lock) != 0) return atomic_load(&child->is_ready); /* it is at work */
    if (atomic_load(&child->is_ready) && has_hung_up(child->socket)) drop_process(child);
    (void)wait_until_loaded(child, SHORT_WAIT_MS, NULL);
    const bool is_ready = atomic_load(&child->is_ready);
    (void)pthread_mutex_unlock(&child->lock);
    return is_ready;
}
