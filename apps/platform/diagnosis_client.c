/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/diagnosis_client.h"

#include "base/encoding.h"
#include "imaging/tensor.h"
#include "token/jws.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAX_BYTES = FILM_TENSOR_BYTES + 4096, SALT_BYTES = 32, SUITABILITY_MAX_COUNT = 32 };

#define MODEL_PATH "/v2/models/chest-xray/infer"

struct diagnosis_client {
    struct service *service;
    struct attested_client peer;
    char pinned_key[THUMBPRINT_TEXT_BYTES + 1];
    pthread_mutex_t mutex; /* over the pin and the exchange that it is for */
};

void diagnosis_result_done(struct diagnosis_result *result)
{
    buffer_done(&result->heatmap);
    buffer_done(&result->receipt);
}

enum status diagnosis_client_new(struct service *service, const char *address, struct refusal *why,
                                 struct diagnosis_client **client_out)
{
    struct diagnosis_client *const client = calloc(1, sizeof(*client));
    if (client == NULL) return ERR_NO_MEMORY;
    client->service = service;
    const enum status status = attested_client_new(service, address, "diagnosis", why, &client->peer);
    if (status != OK) {
        free(client);
        return status;
    }
    (void)pthread_mutex_init(&client->mutex, NULL);
    *client_out = client;
    return OK;
}

void diagnosis_client_free(struct diagnosis_client *client)
{
    if (client == NULL) return;
    attested_client_done(&client->peer);
    (void)pthread_mutex_destroy(&client->mutex);
    free(client);
}

void diagnosis_client_token_arrived(struct diagnosis_client *client, struct slice token)
{
    /* On failure the old token is shown on: it is valid for a while, and the next one comes before that ends. */
    (void)!attested_client_show(&client->peer, client->service, token);
}

/* The input as a binary tensor (the protocol's binary data extension), outputs as JSON. */
static enum status write_request(struct slice tensor, struct buffer *body, size_t *head_size_out)
{
    TRY(buffer_append_format(
        body,
        "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,1,%d,%d],\"datatype\":\"FP32\",\"parameters\":"
        "{\"binary_data_size\":%zu}}],\"outputs\":[{\"name\":\"pneumonia\"},{\"name\":\"heatmap\"},"
        "{\"name\":\"suitability\"}]}",
        FILM_TENSOR_SIDE, FILM_TENSOR_SIDE, tensor.size));
    *head_size_out = body->size;
    return buffer_append(body, tensor);
}

/* Connections that are kept alive were checked against the pin of their time, so a new pin closes them. */
static void pin(struct diagnosis_client *client, const char *pinned_key)
{
    if (strcmp(client->pinned_key, pinned_key) == 0) return;
    (void)snprintf(client->pinned_key, sizeof(client->pinned_key), "%s", pinned_key);
    struct tunnel_peer_rule rule = {
        .rules = &client->service->manifest->relying_party,
        .roles = {manifest_role(client->service->manifest, "diagnosis")},
        .role_count = 1,
    };
    memcpy(rule.pinned_key, client->pinned_key, sizeof(rule.pinned_key));
    tunnel_endpoint_set_rule(client->peer.endpoint, &rule);
    http_client_forget_connections(client->peer.http);
}

static enum status exchange(struct diagnosis_client *client, const char *pinned_key, struct slice tensor,
                            struct refusal *why, struct http_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(REQUEST_MAX_BYTES);
    size_t head_size;
    TRY(write_request(tensor, &body, &head_size));
    char head_field[64];
    (void)snprintf(head_field, sizeof(head_field), "Inference-Header-Content-Length: %zu", head_size);
    const char *const headers[] = {head_field, NULL};
    const struct http_exchange infer = {
        .method = "POST",
        .path = MODEL_PATH,
        .content_type = "application/octet-stream",
        .headers = headers,
        .body = buffer_slice(&body),
        .max_answer = DIAGNOSIS_ANSWER_MAX_BYTES,
        .timeout_ms = DIAGNOSIS_TIMEOUT_MS,
    };
    (void)pthread_mutex_lock(&client->mutex);
    pin(client, pinned_key);
    const enum status status = http_client_exchange(client->peer.http, &infer, why, answer_out);
    (void)pthread_mutex_unlock(&client->mutex);
    return status;
}

static enum status refuse_answer(struct refusal *why, const char *field, const char *expected)
{
    return refuse(why, ERR_TENSOR, field, expected, "another form");
}

/* The numbers of the output `name`, at most `max_count`. */
static enum status read_output(const json_t *answer, const char *name, size_t max_count, struct refusal *why,
                               json_t **data_out)
{
    json_t *outputs;
    TRY(json_get_array(answer, "answer", "outputs", 16, why, &outputs));
    size_t index;
    json_t *output;
    json_array_foreach (outputs, index, output) {
        const char *const output_name = json_string_value(json_object_get(output, "name"));
        if (output_name == NULL || strcmp(output_name, name) != 0) continue;
        TRY(json_get_array(output, name, "data", max_count, why, data_out));
        for (size_t i = 0; i < json_array_size(*data_out); i++) {
            const json_t *const number = json_array_get(*data_out, i);
            if (!json_is_number(number) || !isfinite(json_number_value(number)))
                return refuse_answer(why, name, "finite numbers");
        }
        return OK;
    }
    return refuse(why, ERR_TENSOR, name, "an output of this name", "none");
}

static enum status read_score(const json_t *answer, struct refusal *why, struct diagnosis_result *result)
{
    json_t *data;
    TRY(read_output(answer, "pneumonia", 1, why, &data));
    if (json_array_size(data) != 1) return refuse_answer(why, "pneumonia", "one number");
    result->score = json_number_value(json_array_get(data, 0));
    return result->score >= 0 && result->score <= 1 ? OK : refuse_answer(why, "pneumonia", "0 to 1");
}

static enum status read_heatmap(const json_t *answer, struct refusal *why, struct diagnosis_result *result)
{
    json_t *data;
    TRY(read_output(answer, "heatmap", DIAGNOSIS_HEATMAP_MAX_SIDE * DIAGNOSIS_HEATMAP_MAX_SIDE, why, &data));
    const size_t count = json_array_size(data);
    uint32_t side = 1;
    while ((size_t)side * side < count) side++;
    if ((size_t)side * side != count) return refuse_answer(why, "heatmap", "a square");
    result->heatmap_side = side;
    result->heatmap = buffer_of_maximum(count * sizeof(float));
    for (size_t i = 0; i < count; i++) {
        const float value = (float)json_number_value(json_array_get(data, i));
        uint32_t bits;
        memcpy(&bits, &value, sizeof(bits));
        TRY(buffer_append_u32_le(&result->heatmap, bits));
    }
    return OK;
}

static enum status copy_parameter(const json_t *object, const char *path, const char *name, size_t size,
                                  struct refusal *why, char *text_out)
{
    struct slice text;
    TRY(json_get_string(object, path, name, size - 1, why, &text));
    (void)snprintf(text_out, size, "%.*s", (int)text.size, (const char *)text.bytes);
    return OK;
}

static enum status read_parameters(const json_t *answer, struct refusal *why, struct diagnosis_result *result)
{
    TRY(copy_parameter(answer, "answer", "model_name", sizeof(result->model_name), why, result->model_name));
    TRY(copy_parameter(answer, "answer", "model_version", sizeof(result->model_version), why, result->model_version));
    json_t *parameters;
    TRY(json_get_object(answer, "answer", "parameters", why, &parameters));
    TRY(copy_parameter(parameters, "parameters", "model_digest", sizeof(result->model_digest), why,
                       result->model_digest));
    const json_t *const threshold = json_object_get(parameters, "threshold");
    if (!json_is_number(threshold)) return refuse(why, ERR_FIELD_MISSING, "parameters.threshold", "a number", "none");
    result->threshold = json_number_value(threshold);
    result->is_unsuitable = json_has(parameters, "unsuitable");
    if (!result->is_unsuitable) return OK;
    return copy_parameter(parameters, "parameters", "unsuitable", sizeof(result->unsuitable_reason), why,
                          result->unsuitable_reason);
}

/* The receipt commits to the input by HMAC under a salt that travels beside it. */
static enum status check_commitment(const json_t *receipt, const json_t *parameters, struct slice tensor,
                                    struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer salt = buffer_of_maximum(SALT_BYTES), claimed = buffer_of_maximum(SHA256_BYTES);
    TRY(json_get_base64url(parameters, "parameters", "receipt_input_salt", SALT_BYTES, why, &salt));
    TRY(json_get_base64url(receipt, "receipt", "input_hmac", SHA256_BYTES, why, &claimed));
    uint8_t computed[SHA256_BYTES];
    TRY(hmac_sha256(buffer_slice(&salt), tensor, computed));
    if (slice_equal_secret(buffer_slice(&claimed), SLICE_ARRAY(computed))) return OK;
    return refuse(why, ERR_SIGNATURE, "receipt.input_hmac", "a commitment to the film that was sent", "another");
}

static enum status hop_signing_claims(struct diagnosis_client *client, struct slice token, struct refusal *why,
                                      struct token_claims *claims_out)
{
    const struct token_expectation expected = {
        .role = manifest_role(client->service->manifest, "diagnosis"),
        .use = KEY_USE_SIGN,
        .now_s = clock_now_s(client->service->clock),
    };
    return relying_party_check(token, &client->service->manifest->relying_party, &expected, why, claims_out);
}

static enum status check_receipt(struct diagnosis_client *client, const json_t *answer, struct slice token,
                                 struct slice tensor, struct refusal *why, struct diagnosis_result *result)
{
    const json_t *const parameters = json_object_get(answer, "parameters");
    struct slice text;
    TRY(json_get_string(parameters, "parameters", "receipt", DIAGNOSIS_RECEIPT_MAX_BYTES, why, &text));
    CLEANUP(token_claims_done) struct token_claims claims = {};
    TRY(hop_signing_claims(client, token, why, &claims));
    CLEANUP(jws_done) struct jws receipt = {};
    TRY(jws_parse(text, why, &receipt));
    TRY(jws_verify(&receipt, JWS_TYP_RECEIPT, claims.runtime.keys[KEY_USE_SIGN], why));
    TRY(check_commitment(receipt.payload, parameters, tensor, why));
    result->receipt = buffer_of_maximum(DIAGNOSIS_RECEIPT_MAX_BYTES);
    return buffer_append(&result->receipt, text);
}

static enum status read_answer(struct diagnosis_client *client, const struct http_answer *http, struct slice token,
                               struct slice tensor, struct refusal *why, struct diagnosis_result *result)
{
    CLEANUP(json_done) json_t *answer = NULL;
    TRY(json_parse(buffer_slice(&http->body), DIAGNOSIS_ANSWER_MAX_BYTES, why, &answer));
    if (http->status != 200) return refuse(why, ERR_INFERENCE, "diagnosis service", "200", "%u", http->status);
    TRY(read_parameters(answer, why, result));
    TRY(read_score(answer, why, result));
    TRY(read_heatmap(answer, why, result));
    return check_receipt(client, answer, token, tensor, why, result);
}

enum status diagnosis_client_run(struct diagnosis_client *client, const char *pinned_key, struct slice token,
                                 struct slice tensor, struct refusal *why, struct diagnosis_result *result_out)
{
    CLEANUP(http_answer_done) struct http_answer http = {};
    TRY(exchange(client, pinned_key, tensor, why, &http));
    CLEANUP(diagnosis_result_done) struct diagnosis_result result = {};
    TRY(read_answer(client, &http, token, tensor, why, &result));
    *result_out = result;
    result = (struct diagnosis_result){};
    return OK;
}
