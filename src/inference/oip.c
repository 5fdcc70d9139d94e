/* SPDX-License-Identifier: Apache-2.0 */
#include "inference/oip.h"

#include "base/encoding.h"
#include "inference/oip_tensor.h"

#include <string.h>

/* What may follow the JSON in an answer, and what the JSON itself may hold there. */
enum { ANSWER_BINARY_MAX_BYTES = MODEL_MAX_OUTPUTS * MODEL_MAX_BATCH * TENSOR_ITEM_MAX_BYTES };

void oip_request_done(struct oip_request *request)
{
    buffer_done(&request->input);
    *request = (struct oip_request){};
}

void oip_answer_done(struct oip_answer *answer)
{
    json_done(&answer->parameters);
    for (size_t i = 0; i < MODEL_MAX_OUTPUTS; i++) buffer_done(&answer->values[i]);
    *answer = (struct oip_answer){};
}

/* ---- requests, read ---- */

/* The id comes back in the answer and may be written to a trace, so it holds no control characters. */
static enum status read_id(const json_t *root, struct oip_request *request, struct refusal *why)
{
    struct slice id;
    if (!json_has(root, "id")) return OK;
    TRY(json_get_string(root, "", "id", OIP_ID_MAX_BYTES, why, &id));
    for (size_t i = 0; i < id.size; i++) {
        if (id.bytes[i] < ' ' || id.bytes[i] > '~')
            return refuse(why, ERR_FIELD_VALUE, "id", "printable ASCII", "other characters");
        request->id[i] = (char)id.bytes[i];
    }
    return OK;
}

static bool is_same_shape(const struct tensor_spec *a, const struct tensor_spec *b)
{
    for (size_t i = 1; i < TENSOR_MAX_RANK; i++) {
        if (i < b->rank && a->shape[i] != b->shape[i]) return false;
    }
    return a->rank == b->rank;
}

static enum status check_tensor_head(const json_t *tensor, const char *path, const char *name, struct refusal *why)
{
    struct slice seen_name, datatype;
    TRY(json_get_string(tensor, path, "name", TENSOR_NAME_MAX_BYTES, why, &seen_name));
    TRY(json_get_string(tensor, path, "datatype", 16, why, &datatype));
    if (!slice_equal_text(seen_name, name)) return refuse(why, ERR_TENSOR, path, name, "another name");
    if (!slice_equal_text(datatype, "FP32")) return refuse(why, ERR_TENSOR, path, "datatype FP32", "another");
    return OK;
}

static enum status read_input(const json_t *root, const struct model_package *package, struct reader *binary,
                              struct refusal *why, struct oip_request *request)
{
    json_t *inputs;
    struct tensor_spec spec = {};
    TRY(json_get_array(root, "", "inputs", 1, why, &inputs));
    const json_t *const tensor = json_array_get(inputs, 0);
    if (!json_is_object(tensor)) return refuse(why, ERR_TENSOR, "inputs", "one tensor", "none");
    TRY(check_tensor_head(tensor, "inputs", package->input.name, why));
    TRY(oip_read_shape(tensor, "inputs", why, &spec, &request->batch));
    if (!is_same_shape(&spec, &package->input))
        return refuse(why, ERR_TENSOR, "inputs", "the shape that the model's metadata names", "another shape");
    request->input = buffer_of_maximum(request->batch * tensor_item_bytes(&spec));
    TRY(oip_read_values(tensor, "inputs", &spec, request->batch, binary, why, &request->input));
    if (!tensor_is_within(buffer_slice(&request->input), OIP_MINIMUM_GREY, OIP_MAXIMUM_GREY))
        return refuse(why, ERR_TENSOR, "inputs", "greys from 0 to 255", "other values");
    return OK;
}

static enum status add_output(const json_t *entry, const struct model_package *package, bool binary_by_default,
                              struct refusal *why, struct oip_request *request)
{
    struct slice name;
    size_t index;
    json_t *parameters;
    bool is_binary = binary_by_default;
    TRY(json_get_string(entry, "outputs", "name", TENSOR_NAME_MAX_BYTES, why, &name));
    if (model_package_output(package, name, &index) == NULL)
        return refuse(why, ERR_TENSOR, "outputs", "an output that the model's metadata names", "another name");
    for (size_t i = 0; i < request->output_count; i++) {
        if (request->outputs[i].index == index)
            return refuse(why, ERR_FIELD_VALUE, "outputs", "each output once", "one twice");
    }
    if (json_has(entry, "parameters")) {
        TRY(json_get_object(entry, "outputs", "parameters", why, &parameters));
        if (json_has(parameters, "classification"))
            return refuse(why, ERR_UNSUPPORTED, "outputs.parameters", "no classification", "classification");
        if (json_has(parameters, "binary_data"))
            TRY(json_get_bool(parameters, "outputs.parameters", "binary_data", why, &is_binary));
    }
    request->outputs[request->output_count].index = index;
    request->outputs[request->output_count++].is_binary = is_binary;
    return OK;
}

static enum status read_outputs(const json_t *root, const struct model_package *package, struct refusal *why,
                                struct oip_request *request)
{
    bool binary_by_default;
    json_t *outputs = NULL;
    TRY(oip_read_flag(root, "parameters", "binary_data_output", why, &binary_by_default));
    if (json_has(root, "outputs")) TRY(json_get_array(root, "", "outputs", MODEL_MAX_OUTPUTS, why, &outputs));
    for (size_t i = 0; i < json_array_size(outputs); i++)
        TRY(add_output(json_array_get(outputs, i), package, binary_by_default, why, request));
    if (request->output_count > 0) return OK;
    /* None named: all of them. */
    request->output_count = package->output_count;
    for (size_t i = 0; i < package->output_count; i++) {
        request->outputs[i].index = i;
        request->outputs[i].is_binary = binary_by_default;
    }
    return OK;
}

static enum status end_of_binary(const struct reader *binary, struct refusal *why)
{
    if (reader_end(binary) == OK) return OK;
    return refuse(why, ERR_TRAILING_BYTES, "body", "nothing after the last tensor", "%zu bytes", reader_left(binary));
}

static enum status read_request(const json_t *root, const struct model_package *package, struct reader *binary,
                                struct refusal *why, struct oip_request *request)
{
    if (!json_is_object(root)) return refuse(why, ERR_FIELD_TYPE, "body", "an object", "an array");
    TRY(read_id(root, request, why));
    TRY(read_input(root, package, binary, why, request));
    TRY(read_outputs(root, package, why, request));
    return end_of_binary(binary, why);
}

enum status oip_request_parse(struct slice body, const char *json_size, const struct model_package *package,
                              struct refusal *why, struct oip_request *request_out)
{
    struct slice json;
    struct reader binary;
    CLEANUP(json_done) json_t *root = NULL;
    CLEANUP(oip_request_done) struct oip_request request = {};
    TRY(oip_split(body, json_size, why, &json, &binary));
    TRY(json_parse(json, OIP_JSON_MAX_BYTES, why, &root));
    TRY(read_request(root, package, &binary, why, &request));
    *request_out = request;
    request = (struct oip_request){};
    return OK;
}

/* ---- answers, written ---- */

static enum status add_outputs(json_t *root, const struct oip_request *request, const struct model_package *package,
                               const struct inference_result *result, struct buffer *binary)
{
    json_t *const outputs = json_array();
    TRY(oip_set(root, "outputs", outputs));
    for (size_t i = 0; i < request->output_count; i++) {
        const size_t index = request->outputs[i].index;
        CLEANUP(json_done) json_t *tensor = NULL;
        if (index >= result->output_count) return ERR_INTERNAL;
        TRY(oip_new_tensor(&package->outputs[index], (int64_t)result->batch, &tensor));
        TRY(oip_add_values(tensor, buffer_slice(&result->outputs[index]), request->outputs[i].is_binary, binary));
        if (json_array_append(outputs, tensor) != 0) return ERR_NO_MEMORY;
    }
    return OK;
}

/* The JSON, then what is binary. */
static enum status put_together(const json_t *root, const struct buffer *binary, struct buffer *body,
                                size_t *json_size_out)
{
    const size_t before = body->size;
    TRY(json_write(root, body));
    *json_size_out = binary->size > 0 ? body->size - before : 0;
    return buffer_append(body, buffer_slice(binary));
}

enum status oip_answer_write(const struct oip_request *request, const struct model_package *package,
                             const struct inference_result *result, json_t *parameters, struct buffer *body,
                             size_t *json_size_out)
{
    CLEANUP(json_done) json_t *root = json_object();
    CLEANUP(buffer_done) struct buffer binary = buffer_of_maximum(ANSWER_BINARY_MAX_BYTES);
    if (root == NULL) return ERR_NO_MEMORY;
    TRY(oip_set(root, "model_name", json_string(package->name)));
    TRY(oip_set(root, "model_version", json_string(package->version)));
    if (request->id[0] != '\0') TRY(oip_set(root, "id", json_string(request->id)));
    if (parameters != NULL) TRY(oip_set(root, "parameters", json_incref(parameters)));
    TRY(add_outputs(root, request, package, result, &binary));
    return put_together(root, &binary, body, json_size_out);
}

/* ---- metadata ---- */

enum status oip_write_server(const char *name, const char *version, struct buffer *body)
{
    CLEANUP(json_done)
    json_t *root = json_pack("{s:s, s:s, s:[s]}", "name", name, "version", version, "extensions", "binary_tensor_data");
    return root == NULL ? ERR_NO_MEMORY : json_write(root, body);
}

static enum status add_tensor(json_t *list, const struct tensor_spec *spec)
{
    enum { ANY_BATCH = -1 };
    CLEANUP(json_done) json_t *tensor = NULL;
    TRY(oip_new_tensor(spec, ANY_BATCH, &tensor));
    return json_array_append(list, tensor) == 0 ? OK : ERR_NO_MEMORY;
}

static enum status add_parameters(json_t *root, const struct model_package *package)
{
    CLEANUP(buffer_done) struct buffer digest = buffer_of_maximum(2 * MODEL_DIGEST_BYTES);
    const char *text;
    json_t *const reasons = json_array();
    json_t *const parameters = json_object();
    TRY(oip_set(root, "parameters", parameters));
    TRY(oip_set(parameters, "suitability", reasons));
    TRY(hex_encode(SLICE_ARRAY(package->sha256), &digest));
    TRY(buffer_text(&digest, &text));
    TRY(oip_set(parameters, "model_digest", json_string(text)));
    TRY(oip_set(parameters, "finding",
                json_pack("{s:s, s:s, s:f}", "code", package->finding.code, "display", package->finding.display,
                          "threshold", package->finding.threshold)));
    for (size_t i = 0; i < package->suitability_count; i++) {
        json_t *const reason =
            json_pack("{s:s, s:s}", "name", package->suitability[i].name, "reason", package->suitability[i].reason);
        if (json_array_append_new(reasons, reason) != 0) return ERR_NO_MEMORY;
    }
    return OK;
}

enum status oip_write_model(const struct model_package *package, struct buffer *body)
{
    CLEANUP(json_done)
    json_t *root = json_pack("{s:s, s:[s], s:s, s:[], s:[]}", "name", package->name, "versions", package->version,
                             "platform", "onnxruntime_onnx", "inputs", "outputs");
    if (root == NULL) return ERR_NO_MEMORY;
    TRY(add_tensor(json_object_get(root, "inputs"), &package->input));
    for (size_t i = 0; i < package->output_count; i++)
        TRY(add_tensor(json_object_get(root, "outputs"), &package->outputs[i]));
    TRY(add_parameters(root, package));
    return json_write(root, body);
}

/* ---- the caller's side ---- */

enum status oip_request_write(const struct tensor_spec *spec, size_t batch, struct slice input, const char *id,
                              struct buffer *body, size_t *json_size_out)
{
    CLEANUP(json_done) json_t *tensor = NULL;
    CLEANUP(buffer_done) struct buffer binary = buffer_of_maximum(input.size);
    if (batch < 1 || batch > MODEL_MAX_BATCH || input.size != batch * tensor_item_bytes(spec)) return ERR_TENSOR;
    TRY(oip_new_tensor(spec, (int64_t)batch, &tensor));
    TRY(oip_add_values(tensor, input, true, &binary));
    CLEANUP(json_done)
    json_t *root =
        json_pack("{s:s, s:[O], s:{s:b}}", "id", id, "inputs", tensor, "parameters", "binary_data_output", 1);
    return root == NULL ? ERR_NO_MEMORY : put_together(root, &binary, body, json_size_out);
}

static enum status copy_text(const json_t *root, const char *name, size_t size, char *text_out, struct refusal *why)
{
    struct slice text;
    TRY(json_get_string(root, "", name, size - 1, why, &text));
    memcpy(text_out, text.bytes, text.size);
    text_out[text.size] = '\0';
    return OK;
}

static enum status read_answer_output(const json_t *tensor, struct reader *binary, struct refusal *why,
                                      struct oip_answer *answer)
{
    const size_t index = answer->output_count;
    struct tensor_spec *const spec = &answer->specs[index];
    size_t batch;
    TRY(copy_text(tensor, "name", sizeof(spec->name), spec->name, why));
    TRY(check_tensor_head(tensor, "outputs", spec->name, why));
    TRY(oip_read_shape(tensor, "outputs", why, spec, &batch));
    if (batch != answer->batch || json_has(tensor, "data"))
        return refuse(why, ERR_TENSOR, "outputs", "binary values for each picture that was sent", "something else");
    answer->values[index] = buffer_of_maximum(batch * tensor_item_bytes(spec));
    TRY(oip_read_values(tensor, "outputs", spec, batch, binary, why, &answer->values[index]));
    if (!tensor_is_finite(buffer_slice(&answer->values[index])))
        return refuse(why, ERR_TENSOR, "outputs", "numbers", "something else");
    answer->output_count++;
    return OK;
}

static enum status read_answer(const json_t *root, struct reader *binary, struct refusal *why,
                               struct oip_answer *answer)
{
    json_t *outputs, *parameters;
    if (!json_is_object(root)) return refuse(why, ERR_FIELD_TYPE, "body", "an object", "an array");
    TRY(copy_text(root, "model_name", sizeof(answer->model_name), answer->model_name, why));
    TRY(copy_text(root, "model_version", sizeof(answer->model_version), answer->model_version, why));
    TRY(json_get_array(root, "", "outputs", MODEL_MAX_OUTPUTS, why, &outputs));
    for (size_t i = 0; i < json_array_size(outputs); i++)
        TRY(read_answer_output(json_array_get(outputs, i), binary, why, answer));
    TRY(end_of_binary(binary, why));
    if (!json_has(root, "parameters")) return OK;
    TRY(json_get_object(root, "", "parameters", why, &parameters));
    answer->parameters = json_incref(parameters);
    return OK;
}

enum status oip_answer_parse(struct slice body, const char *json_size, size_t batch, struct refusal *why,
                             struct oip_answer *answer_out)
{
    struct slice json;
    struct reader binary;
    CLEANUP(json_done) json_t *root = NULL;
    CLEANUP(oip_answer_done) struct oip_answer answer = {.batch = batch};
    TRY(oip_split(body, json_size, why, &json, &binary));
    TRY(json_parse(json, OIP_JSON_MAX_BYTES, why, &root));
    TRY(read_answer(root, &binary, why, &answer));
    *answer_out = answer;
    answer = (struct oip_answer){};
    return OK;
}
