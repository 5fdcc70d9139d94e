/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of the Open Inference Protocol v2 over REST, both sides of them: JSON, and the binary tensor extension,
 * where the body is JSON followed by raw little-endian values and the header field Inference-Header-Content-Length says
 * how long the JSON is. Pure: bytes in, bytes out.
 */
#pragma once

#include "inference/model_package.h"

enum {
    OIP_JSON_MAX_BYTES = 16 * 1024 * 1024, /* of a request or answer; eight pictures written as numbers take 8 MiB */
    OIP_ID_MAX_BYTES = 128,
    OIP_MINIMUM_GREY = 0,
    OIP_MAXIMUM_GREY = 255,
};

#define OIP_JSON_SIZE_HEADER "Inference-Header-Content-Length"

/* ---- the service's side ---- */

struct oip_request {
    char id[OIP_ID_MAX_BYTES + 1]; /* as the caller named it; empty if it did not */
    size_t batch;
    struct buffer input; /* batch pictures, FP32, every value a grey from 0 to 255 */
    size_t output_count; /* asked for, in this order */
    struct {
        size_t index; /* in the package's outputs */
        bool is_binary;
    } outputs[MODEL_MAX_OUTPUTS];
};
void oip_request_done(struct oip_request *request);

/* `json_size` is the value of OIP_JSON_SIZE_HEADER, or NULL: the whole body is JSON. Errors: ERR_TOO_LARGE,
 * ERR_JSON_SYNTAX, ERR_FIELD_*, ERR_TENSOR (not what the model takes), ERR_TRUNCATED, ERR_TRAILING_BYTES. */
enum status oip_request_parse(struct slice body, const char *json_size, const struct model_package *package,
                              struct refusal *why, struct oip_request *request_out);

/* Appends the answer. `parameters` (an object, borrowed, or NULL) goes in as it is. `json_size_out` is 0 if the answer
 * is JSON alone, otherwise what OIP_JSON_SIZE_HEADER must say. */
enum status oip_answer_write(const struct oip_request *request, const struct model_package *package,
                             const struct inference_result *result, json_t *parameters, struct buffer *body,
                             size_t *json_size_out);

/* GET /v2 and GET /v2/models/{m}. The model's `parameters` hold what the protocol has no place for: the file's digest,
 * the finding with its threshold, the reasons of the suitability output in their order. */
enum status oip_write_server(const char *name, const char *version, struct buffer *body);
enum status oip_write_model(const struct model_package *package, struct buffer *body);

/* ---- the caller's side ---- */

/* A request for all outputs in binary form; `input` is `batch` pictures. `json_size_out` as above. */
enum status oip_request_write(const struct tensor_spec *spec, size_t batch, struct slice input, const char *id,
                              struct buffer *body, size_t *json_size_out);

struct oip_answer {
    char model_name[MODEL_NAME_MAX_BYTES + 1];
    char model_version[MODEL_VERSION_MAX_BYTES + 1];
    json_t *parameters; /* an object, or NULL */
    size_t batch, output_count;
    struct tensor_spec specs[MODEL_MAX_OUTPUTS];
    struct buffer values[MODEL_MAX_OUTPUTS];
};
void oip_answer_done(struct oip_answer *answer);

/* An answer whose outputs all are binary, each of `batch` pictures and finite. Errors as oip_request_parse. */
enum status oip_answer_parse(struct slice body, const char *json_size, size_t batch, struct refusal *why,
                             struct oip_answer *answer_out);
