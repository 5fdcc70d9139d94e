/* SPDX-License-Identifier: Apache-2.0 */
#include "platform/diagnosis_client.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "imaging/tensor.h"
#include "inference/oip.h"
#include "token/jws.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REQUEST_MAX_BYTES = FILM_TENSOR_BYTES + 4096, SALT_BYTES = 32, JSON_SIZE_TEXT_MAX_BYTES = 32 };

#define MODEL_PATH "/v2/models/chest-xray/infer"

/* What is sent: one picture at the model's input size. */
static const struct tensor_spec film_spec = {
    .name = "image", .rank = 4, .shape = {0, 1, FILM_TENSOR_SIDE, FILM_TENSOR_SIDE}};

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

void diagnosis_client_interrupt(struct diagnosis_client *client)
{
    if (client != NULL) http_client_interrupt(client->peer.http);
}

void diagnosis_client_token_arrived(struct diagnosis_client *client, struct slice token)
{
    /* On failure the old token is shown on: it is valid for a while, and the next one comes before that ends. */
    (void)!attested_client_show(&client->peer, client->service, token);
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

/* One exchange at a time. What is left of the time is the exchange's own. */
static enum status take_turn(struct diagnosis_client *client, struct refusal *why, int *left_ms_out)
{
    const int64_t until_ms = clock_monotonic_ms() + DIAGNOSIS_TIMEOUT_MS;
    const struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    if (pthread_mutex_clocklock(&client->mutex, CLOCK_MONOTONIC, &until) != 0)
        return refuse(why, ERR_TIMEOUT, "diagnosis service", "an answer to those who came before", "none");
    const int64_t left_ms = until_ms - clock_monotonic_ms();
    *left_ms_out = left_ms > 1 ? (int)left_ms : 1;
    return OK;
}

static enum status exchange(struct diagnosis_client *client, const char *pinned_key, struct slice tensor,
                            struct refusal *why, struct http_answer *answer_out)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(REQUEST_MAX_BYTES);
    size_t json_size;
    TRY(oip_request_write(&film_spec, 1, tensor, "1", &body, &json_size));
    char head_field[64];
    (void)snprintf(head_field, sizeof(head_field), OIP_JSON_SIZE_HEADER ": %zu", json_size);
    const char *const headers[] = {head_field, NULL};
    struct http_exchange infer = {
        .method = "POST",
        .path = MODEL_PATH,
        .content_type = "application/octet-stream",
        .headers = headers,
        .body = buffer_slice(&body),
        .max_answer = DIAGNOSIS_ANSWER_MAX_BYTES,
    };
    TRY(take_turn(client, why, &infer.timeout_ms));
    pin(client, pinned_key);
    const enum status status = http_client_exchange(client->peer.http, &infer, why, answer_out);
    (void)pthread_mutex_unlock(&client->mutex);
    return status;
}

static enum status refuse_answer(struct refusal *why, const char *field, const char *expected)
{
    return refuse(why, ERR_TENSOR, field, expected, "another form");
}

/* The values of the output `name`, FP32, little endian. */
static enum status find_output(const struct oip_answer *answer, const char *name, struct refusal *why,
                               struct slice *values_out)
{
    for (size_t i = 0; i < answer->output_count; i++) {
        if (strcmp(answer->specs[i].name, name) != 0) continue;
        *values_out = buffer_slice(&answer->values[i]);
        return OK;
    }
    return refuse(why, ERR_TENSOR, name, "an output of this name", "none");
}

static enum status read_score(const struct oip_answer *answer, struct refusal *why, struct diagnosis_result *result)
{
    struct slice values;
    TRY(find_output(answer, "pneumonia", why, &values));
    float score;
    if (values.size != sizeof(score)) return refuse_answer(why, "pneumonia", "one number");
    memcpy(&score, values.bytes, sizeof(score));
    result->score = (double)score;
    return tensor_is_within(values, 0, 1) ? OK : refuse_answer(why, "pneumonia", "0 to 1");
}

static enum status read_heatmap(const struct oip_answer *answer, struct refusal *why, struct diagnosis_result *result)
{
    struct slice values;
    TRY(find_output(answer, "heatmap", why, &values));
    const size_t count = values.size / sizeof(float);
    uint32_t side = 1;
    while (side < DIAGNOSIS_HEATMAP_MAX_SIDE && (size_t)side * side < count) side++;
    if ((size_t)side * side != count) return refuse_answer(why, "heatmap", "a square of at most 64 by 64");
    result->heatmap_side = side;
    result->heatmap = buffer_of_maximum(values.size);
    return buffer_append(&result->heatmap, values);
}

static enum status copy_parameter(const json_t *object, const char *path, const char *name, size_t size,
                                  struct refusal *why, char *text_out)
{
    struct slice text;
    TRY(json_get_string(object, path, name, size - 1, why, &text));
    (void)snprintf(text_out, size, "%.*s", (int)text.size, (const char *)text.bytes);
    return OK;
}

static enum status read_parameters(const struct oip_answer *answer, struct refusal *why,
                                   struct diagnosis_result *result)
{
    const json_t *const parameters = answer->parameters;
    if (parameters == NULL) return refuse(why, ERR_FIELD_MISSING, "answer.parameters", "an object", "none");
    (void)snprintf(result->model_name, sizeof(result->model_name), "%s", answer->model_name);
    (void)snprintf(result->model_version, sizeof(result->model_version), "%s", answer->model_version);
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

/* The receipt commits to input and output by HMAC under salts that travel beside it. */
static enum status check_commitment(const json_t *receipt, const json_t *parameters, const char *hmac_name,
                                    const char *salt_name, struct slice bytes, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer salt = buffer_of_maximum(SALT_BYTES), claimed = buffer_of_maximum(SHA256_BYTES);
    TRY(json_get_base64url(parameters, "parameters", salt_name, SALT_BYTES, why, &salt));
    TRY(json_get_base64url(receipt, "receipt", hmac_name, SHA256_BYTES, why, &claimed));
    uint8_t computed[SHA256_BYTES];
    TRY(hmac_sha256(buffer_slice(&salt), bytes, computed));
    if (slice_equal_secret(buffer_slice(&claimed), SLICE_ARRAY(computed))) return OK;
    return refuse(why, ERR_SIGNATURE, hmac_name, "a commitment to what was sent and answered", "another");
}

static enum status check_output_commitment(const json_t *receipt, const struct oip_answer *answer, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer outputs = buffer_of_maximum(DIAGNOSIS_ANSWER_MAX_BYTES);
    for (size_t i = 0; i < answer->output_count; i++) TRY(buffer_append(&outputs, buffer_slice(&answer->values[i])));
    return check_commitment(receipt, answer->parameters, "output_hmac", "receipt_output_salt", buffer_slice(&outputs),
                            why);
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

static enum status check_receipt(struct diagnosis_client *client, const struct oip_answer *answer, struct slice token,
                                 struct slice tensor, struct refusal *why, struct diagnosis_result *result)
{
    struct slice text;
    TRY(json_get_string(answer->parameters, "parameters", "receipt", DIAGNOSIS_RECEIPT_MAX_BYTES, why, &text));
    CLEANUP(token_claims_done) struct token_claims claims = {};
    TRY(hop_signing_claims(client, token, why, &claims));
    CLEANUP(jws_done) struct jws receipt = {};
    TRY(jws_parse(text, why, &receipt));
    TRY(jws_verify(&receipt, JWS_TYP_RECEIPT, claims.runtime.keys[KEY_USE_SIGN], why));
    TRY(check_commitment(receipt.payload, answer->parameters, "input_hmac", "receipt_input_salt", tensor, why));
    TRY(check_output_commitment(receipt.payload, answer, why));
    result->receipt = buffer_of_maximum(DIAGNOSIS_RECEIPT_MAX_BYTES);
    return buffer_append(&result->receipt, text);
}

static enum status read_answer(struct diagnosis_client *client, const struct http_answer *http, struct slice token,
                               struct slice tensor, struct refusal *why, struct diagnosis_result *result)
{
    if (http->status != 200) return refuse(why, ERR_INFERENCE, "diagnosis service", "200", "%u", http->status);
    CLEANUP(buffer_done) struct buffer header = buffer_of_maximum(JSON_SIZE_TEXT_MAX_BYTES);
    TRY(http_answer_header(http, OIP_JSON_SIZE_HEADER, &header));
    const char *json_size;
    TRY(buffer_text(&header, &json_size));
    CLEANUP(oip_answer_done) struct oip_answer answer = {};
    TRY(oip_answer_parse(buffer_slice(&http->body), json_size, 1, why, &answer));
    TRY(read_parameters(&answer, why, result));
    TRY(read_score(&answer, why, result));
    TRY(read_heatmap(&answer, why, result));
    return check_receipt(client, &answer, token, tensor, why, result);
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
