/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/session.h"

#include "base/secret.h"
#include "crypto/hash.h"
#include "inference/runtime_api.h"

#include <stdlib.h>
#include <string.h>

struct session {
    const struct runtime *runtime;
    OrtSession *ort;
    OrtMemoryInfo *memory;
    struct tensor_spec input;
    struct tensor_spec outputs[MODEL_MAX_OUTPUTS];
    size_t output_count;
};

#define CHECK_CALL(session, failure, field, why, member, ...)                                                          \
    TRY(runtime_check((session)->runtime, RUNTIME_CALL((session)->runtime, member)(__VA_ARGS__), failure, field, why))

/* ---- making ---- */

enum status session_check_digest(const struct model_package *package, struct slice model, struct refusal *why)
{
    uint8_t digest[SHA256_BYTES];
    TRY(sha256(model, digest));
    if (slice_equal(SLICE_ARRAY(digest), SLICE_ARRAY(package->sha256))) return OK;
    return refuse(why, ERR_MODEL_DIGEST, "model", refusal_hex(SLICE_ARRAY(package->sha256)).text, "%s",
                  refusal_hex(SLICE_ARRAY(digest)).text);
}

/* Without the arena, memory that held a picture goes back when a run ends, and the largest batch does not set the size
 * of the process for good. Threads that spin while they wait would take the processor from the machine's other
 * programs. */
static enum status set_options(const struct session *session, OrtSessionOptions *options, unsigned threads,
                               struct refusal *why)
{
    CHECK_CALL(session, ERR_INFERENCE, "threads", why, SetIntraOpNumThreads, options, (int)threads);
    CHECK_CALL(session, ERR_INFERENCE, "threads", why, SetInterOpNumThreads, options, 1);
    CHECK_CALL(session, ERR_INFERENCE, "mode", why, SetSessionExecutionMode, options, ORT_SEQUENTIAL);
    CHECK_CALL(session, ERR_INFERENCE, "level", why, SetSessionGraphOptimizationLevel, options, ORT_ENABLE_ALL);
    CHECK_CALL(session, ERR_INFERENCE, "arena", why, DisableCpuMemArena, options);
    CHECK_CALL(session, ERR_INFERENCE, "spinning", why, AddSessionConfigEntry, options,
               "session.intra_op.allow_spinning", "0");
    return OK;
}

static enum status open_model(struct session *session, struct slice model, unsigned threads, struct refusal *why)
{
    OrtSessionOptions *options = NULL;
    CHECK_CALL(session, ERR_INFERENCE, "options", why, CreateSessionOptions, &options);
    enum status status = set_options(session, options, threads, why);
    if (status == OK)
        status = runtime_check(session->runtime,
                               RUNTIME_CALL(session->runtime, CreateSessionFromArray)(
                                   session->runtime->environment, model.bytes, model.size, options, &session->ort),
                               ERR_MODEL, "model", why);
    RUNTIME_CALL(session->runtime, ReleaseSessionOptions)(options);
    TRY(status);
    CHECK_CALL(session, ERR_INFERENCE, "memory", why, CreateCpuMemoryInfo, OrtDeviceAllocator, OrtMemTypeDefault,
               &session->memory);
    return OK;
}

static enum status refuse_shape(const struct tensor_spec *spec, struct refusal *why)
{
    return refuse(why, ERR_MODEL, spec->name, "FP32 of the shape that the package says", "another");
}

/* Dimensions that the model leaves open come as -1. */
static enum status check_shape(const struct session *session, const OrtTypeInfo *type, const struct tensor_spec *spec,
                               struct refusal *why)
{
    const OrtTensorTypeAndShapeInfo *tensor = NULL;
    ONNXTensorElementDataType datatype = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t rank = 0;
    int64_t shape[TENSOR_MAX_RANK];
    CHECK_CALL(session, ERR_MODEL, spec->name, why, CastTypeInfoToTensorInfo, type, &tensor);
    if (tensor == NULL) return refuse_shape(spec, why);
    CHECK_CALL(session, ERR_MODEL, spec->name, why, GetTensorElementType, tensor, &datatype);
    CHECK_CALL(session, ERR_MODEL, spec->name, why, GetDimensionsCount, tensor, &rank);
    if (datatype != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || rank != spec->rank) return refuse_shape(spec, why);
    CHECK_CALL(session, ERR_MODEL, spec->name, why, GetDimensions, tensor, shape, rank);
    for (size_t i = 0; i < rank; i++) {
        if (shape[i] != (i == 0 ? -1 : (int64_t)spec->shape[i])) return refuse_shape(spec, why);
    }
    return OK;
}

static enum status check_name(const struct session *session, char *name, const struct tensor_spec *spec,
                              OrtAllocator *allocator, struct refusal *why)
{
    if (name == NULL) return refuse(why, ERR_MODEL, spec->name, "a tensor with a name", "none");
    const bool is_same = strcmp(name, spec->name) == 0;
    CHECK_CALL(session, ERR_INFERENCE, "name", why, AllocatorFree, allocator, name);
    return is_same ? OK : refuse(why, ERR_MODEL, spec->name, "a tensor of that name at its place", "another");
}

static enum status check_input(const struct session *session, OrtAllocator *allocator, struct refusal *why)
{
    char *name = NULL;
    OrtTypeInfo *type = NULL;
    CHECK_CALL(session, ERR_MODEL, "input", why, SessionGetInputName, session->ort, 0, allocator, &name);
    TRY(check_name(session, name, &session->input, allocator, why));
    CHECK_CALL(session, ERR_MODEL, "input", why, SessionGetInputTypeInfo, session->ort, 0, &type);
    const enum status status = check_shape(session, type, &session->input, why);
    RUNTIME_CALL(session->runtime, ReleaseTypeInfo)(type);
    return status;
}

static enum status check_output(const struct session *session, size_t index, OrtAllocator *allocator,
                                struct refusal *why)
{
    char *name = NULL;
    OrtTypeInfo *type = NULL;
    CHECK_CALL(session, ERR_MODEL, "output", why, SessionGetOutputName, session->ort, index, allocator, &name);
    TRY(check_name(session, name, &session->outputs[index], allocator, why));
    CHECK_CALL(session, ERR_MODEL, "output", why, SessionGetOutputTypeInfo, session->ort, index, &type);
    const enum status status = check_shape(session, type, &session->outputs[index], why);
    RUNTIME_CALL(session->runtime, ReleaseTypeInfo)(type);
    return status;
}

static enum status check_interface(const struct session *session, struct refusal *why)
{
    OrtAllocator *allocator = NULL; /* the library's own; not released */
    size_t inputs = 0, outputs = 0;
    CHECK_CALL(session, ERR_INFERENCE, "allocator", why, GetAllocatorWithDefaultOptions, &allocator);
    CHECK_CALL(session, ERR_MODEL, "inputs", why, SessionGetInputCount, session->ort, &inputs);
    CHECK_CALL(session, ERR_MODEL, "outputs", why, SessionGetOutputCount, session->ort, &outputs);
    if (inputs != 1 || outputs != session->output_count)
        return refuse(why, ERR_MODEL, "model", "one input and the package's outputs", "%zu and %zu", inputs, outputs);
    TRY(check_input(session, allocator, why));
    for (size_t i = 0; i < outputs; i++) TRY(check_output(session, i, allocator, why));
    return OK;
}

enum status session_new(struct runtime *runtime, const struct model_package *package, struct slice model,
                        unsigned threads, struct refusal *why, struct session **session_out)
{
    TRY(session_check_digest(package, model, why));
    if (threads < 1 || threads > SESSION_MAX_THREADS)
        return refuse(why, ERR_CONFIG, "threads", "1 to 64", "%u", threads);
    CLEANUP(session_cleanup) struct session *session = calloc(1, sizeof(*session));
    if (session == NULL) return ERR_NO_MEMORY;
    session->runtime = runtime;
    session->input = package->input;
    session->output_count = package->output_count;
    memcpy(session->outputs, package->outputs, sizeof(session->outputs));
    TRY(open_model(session, model, threads, why));
    TRY(check_interface(session, why));
    *session_out = session;
    session = NULL;
    return OK;
}

void session_free(struct session *session)
{
    if (session == NULL) return;
    if (session->memory != NULL) RUNTIME_CALL(session->runtime, ReleaseMemoryInfo)(session->memory);
    if (session->ort != NULL) RUNTIME_CALL(session->runtime, ReleaseSession)(session->ort);
    free(session);
}

void session_cleanup(struct session **session)
{
    session_free(*session);
    *session = NULL;
}

/* ---- running ---- */

/* The library's own memory for a result; it is wiped before it goes back. */
static enum status take_output(const struct session *session, size_t index, size_t batch, OrtValue *value,
                               struct refusal *why, struct buffer *values)
{
    const struct tensor_spec *const spec = &session->outputs[index];
    const size_t size = batch * tensor_item_bytes(spec);
    OrtTensorTypeAndShapeInfo *shape = NULL;
    void *data = NULL;
    size_t count = 0;
    CHECK_CALL(session, ERR_INFERENCE, spec->name, why, GetTensorTypeAndShape, value, &shape);
    const OrtStatusPtr counted = RUNTIME_CALL(session->runtime, GetTensorShapeElementCount)(shape, &count);
    RUNTIME_CALL(session->runtime, ReleaseTensorTypeAndShapeInfo)(shape);
    TRY(runtime_check(session->runtime, counted, ERR_INFERENCE, spec->name, why));
    if (count * sizeof(float) != size)
        return refuse(why, ERR_INFERENCE, spec->name, "as many values as the package says", "%zu", count);
    CHECK_CALL(session, ERR_INFERENCE, spec->name, why, GetTensorMutableData, value, &data);
    *values = buffer_of_maximum(size);
    const enum status status = buffer_append(values, slice_of(data, size));
    secret_wipe(data, size);
    TRY(status);
    if (tensor_is_finite(buffer_slice(values))) return OK;
    return refuse(why, ERR_INFERENCE, spec->name, "numbers", "something else");
}

static enum status run_on(const struct session *session, size_t batch, const OrtValue *input, struct refusal *why,
                          struct inference_result *result)
{
    OrtValue *values[MODEL_MAX_OUTPUTS] = {};
    const char *names[MODEL_MAX_OUTPUTS];
    const char *const input_name = session->input.name;
    for (size_t i = 0; i < session->output_count; i++) names[i] = session->outputs[i].name;
    enum status status = runtime_check(session->runtime,
                                       RUNTIME_CALL(session->runtime, Run)(session->ort, NULL, &input_name, &input, 1,
                                                                           names, session->output_count, values),
                                       ERR_INFERENCE, "run", why);
    result->batch = batch;
    result->output_count = session->output_count;
    for (size_t i = 0; i < session->output_count && status == OK; i++)
        status = take_output(session, i, batch, values[i], why, &result->outputs[i]);
    for (size_t i = 0; i < session->output_count; i++) {
        if (values[i] != NULL) RUNTIME_CALL(session->runtime, ReleaseValue)(values[i]);
    }
    return status;
}

enum status session_run(struct session *session, size_t batch, struct slice input, struct refusal *why,
                        struct inference_result *result_out)
{
    if (batch < 1 || batch > MODEL_MAX_BATCH || input.size != batch * tensor_item_bytes(&session->input))
        return refuse(why, ERR_TENSOR, session->input.name, "1 to 8 pictures of the model's size", "%zu bytes",
                      input.size);
    /* The library takes a pointer that it may write through but does not; a copy also gives the alignment of a float.
     */
    CLEANUP(buffer_done) struct buffer copy = buffer_of_maximum(input.size);
    TRY(buffer_append(&copy, input));
    int64_t shape[TENSOR_MAX_RANK];
    for (size_t i = 0; i < session->input.rank; i++) shape[i] = i == 0 ? (int64_t)batch : session->input.shape[i];
    OrtValue *value = NULL;
    CHECK_CALL(session, ERR_INFERENCE, "input", why, CreateTensorWithDataAsOrtValue, session->memory, copy.bytes,
               copy.size, shape, session->input.rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value);
    CLEANUP(inference_result_done) struct inference_result result = {};
    const enum status status = run_on(session, batch, value, why, &result);
    RUNTIME_CALL(session->runtime, ReleaseValue)(value);
    TRY(status);
    *result_out = result;
    result = (struct inference_result){};
    return OK;
}
