/* SPDX-License-Identifier: Apache-2.0 */
#include "diagnosis/routes.h"

#include "base/log.h"
#include "diagnosis/verdict.h"
#include "inference/oip.h"

#include <stdio.h>
#include <string.h>

enum {
    INFER_BODY_MAX_BYTES = OIP_JSON_MAX_BYTES + 2 * 1024 * 1024, /* eight pictures in binary are 1.6 MiB */
    ANSWER_MAX_BYTES = 32 * 1024 * 1024,
    METADATA_MAX_BYTES = 256 * 1024,
};

/* ---- answers ---- */

static void respond_json(struct http_response *response, unsigned status, struct slice body)
{
    http_respond(response, status, "application/json", body);
}

/* The problem document that every service gives, with the member "error" that the protocol asks for. */
static enum status write_problem(unsigned status, const struct refusal *why, struct buffer *body)
{
    char line[1024];
    refusal_text(why, line, sizeof(line));
    CLEANUP(json_done)
    json_t *problem =
        json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "type", "about:blank", "title",
                  status_text(why->status), "status", (int)status, "code", status_name(why->status), "field",
                  why->field, "seen", why->seen, "expected", why->expected, "fix", why->fix, "error", line);
    return problem == NULL ? ERR_NO_MEMORY : json_write(problem, body);
}

static unsigned http_status_of(enum status status)
{
    switch (status) {
    case ERR_NOT_FOUND: return 404;
    case ERR_FORBIDDEN: return 403;
    case ERR_TOO_LARGE: return 413;
    case ERR_CHILD_DIED:
    case ERR_TIMEOUT:
    case ERR_TOKEN_MISSING:
    case ERR_FEED_STALE: return 503;
    case ERR_INFERENCE:
    case ERR_INTERNAL:
    case ERR_NO_MEMORY:
    case ERR_CRYPTO: return 500;
    default: return 400;
    }
}

static void respond_refusal(struct http_response *response, enum status status, struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(METADATA_MAX_BYTES);
    if (why->status != status) (void)refuse(why, status, "", "", "%s", "");
    const unsigned http_status = http_status_of(status);
    if (write_problem(http_status, why, &body) == OK)
        http_respond(response, http_status, "application/problem+json", buffer_slice(&body));
    else
        http_respond(response, 500, NULL, (struct slice){});
}

static void respond_written(struct http_response *response, enum status written, const struct buffer *body)
{
    struct refusal why = {};
    if (written == OK)
        respond_json(response, 200, buffer_slice(body));
    else
        respond_refusal(response, written, &why);
}

/* ---- metadata and health ---- */

static void handle_server(void *, const struct http_request *, struct http_response *response)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(METADATA_MAX_BYTES);
    respond_written(response, oip_write_server("lazaret-diagnosis", LAZARET_VERSION, &body), &body);
}

static void handle_live(void *, const struct http_request *, struct http_response *response)
{
    respond_json(response, 200, SLICE_LITERAL("{\"live\":true}"));
}

bool diagnosis_is_ready(const struct diagnosis *diagnosis, struct refusal *why)
{
    if (!inference_child_is_ready(diagnosis->child)) {
        (void)refuse(why, ERR_CHILD_DIED, "model", "a process that has it loaded", "none yet");
        return false;
    }
    if (receipt_book_has_token(diagnosis->receipts)) return true;
    (void)refuse(why, ERR_TOKEN_MISSING, "attestation token", "a token for receipts", "none yet");
    return false;
}

static void handle_ready(void *context, const struct http_request *, struct http_response *response)
{
    struct refusal why = {};
    if (diagnosis_is_ready(context, &why))
        respond_json(response, 200, SLICE_LITERAL("{\"ready\":true}"));
    else
        respond_refusal(response, why.status, &why);
}

/* One model in one version: anything else is not here. */
static enum status check_model(const struct diagnosis *diagnosis, const struct http_request *request,
                               struct refusal *why)
{
    const char *const model = http_request_segment(request, "model");
    const char *const version = http_request_segment(request, "version");
    if (model == NULL || strcmp(model, diagnosis->package->name) != 0)
        return refuse(why, ERR_NOT_FOUND, "model", diagnosis->package->name, "another name");
    if (version != NULL && strcmp(version, diagnosis->package->version) != 0)
        return refuse(why, ERR_NOT_FOUND, "version", diagnosis->package->version, "another version");
    return OK;
}

static void handle_model(void *context, const struct http_request *request, struct http_response *response)
{
    const struct diagnosis *const diagnosis = context;
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(METADATA_MAX_BYTES);
    const enum status status = check_model(diagnosis, request, &why);
    if (status != OK)
        respond_refusal(response, status, &why);
    else
        respond_written(response, oip_write_model(diagnosis->package, &body), &body);
}

static void handle_model_ready(void *context, const struct http_request *request, struct http_response *response)
{
    struct refusal why = {};
    const enum status status = check_model(context, request, &why);
    if (status != OK)
        respond_refusal(response, status, &why);
    else
        handle_ready(context, request, response);
}

/* ---- inference ---- */

/* The tunnel lets in the platform alone. That is asked for again, because a picture is at stake. */
static enum status check_caller(const struct http_request *request, struct refusal *why)
{
    if (request->peer != NULL && strcmp(request->peer->service, "platform") == 0) return OK;
    return refuse(why, ERR_FORBIDDEN, "caller", "an attested platform", "%s",
                  request->peer == NULL ? "no attestation" : request->peer->service);
}

static enum status write_answer(const struct diagnosis *diagnosis, const struct oip_request *oip, const char *caller,
                                const struct inference_result *result, struct buffer *body, size_t *json_size_out)
{
    CLEANUP(receipt_done) struct receipt receipt = {};
    CLEANUP(json_done) json_t *parameters = NULL;
    TRY(receipt_issue(diagnosis->receipts, buffer_slice(&oip->input), result, caller, &receipt));
    TRY(verdict_parameters(diagnosis->package, result, &receipt, &parameters));
    return oip_answer_write(oip, diagnosis->package, result, parameters, body, json_size_out);
}

static enum status infer(const struct diagnosis *diagnosis, const struct http_request *request, struct refusal *why,
                         struct buffer *body, size_t *json_size_out)
{
    CLEANUP(oip_request_done) struct oip_request oip = {};
    CLEANUP(inference_result_done) struct inference_result result = {};
    TRY(check_caller(request, why));
    TRY(check_model(diagnosis, request, why));
    TRY(oip_request_parse(request->body, http_request_header(request, OIP_JSON_SIZE_HEADER), diagnosis->package, why,
                          &oip));
    TRY(inference_child_run(diagnosis->child, oip.batch, buffer_slice(&oip.input), why, &result));
    return write_answer(diagnosis, &oip, request->peer->token_hash, &result, body, json_size_out);
}

static void respond_answer(struct http_response *response, const struct buffer *body, size_t json_size)
{
    char text[32];
    if (json_size == 0) {
        respond_json(response, 200, buffer_slice(body));
        return;
    }
    (void)snprintf(text, sizeof(text), "%zu", json_size);
    http_respond_header(response, OIP_JSON_SIZE_HEADER, text);
    http_respond(response, 200, "application/octet-stream", buffer_slice(body));
}

static void handle_infer(void *context, const struct http_request *request, struct http_response *response)
{
    struct refusal why = {};
    size_t json_size = 0;
    const int64_t start_ms = clock_monotonic_ms();
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(ANSWER_MAX_BYTES);
    const enum status status = infer(context, request, &why, &body, &json_size);
    if (status == OK)
        respond_answer(response, &body, json_size);
    else
        respond_refusal(response, status, &why);
    log_event(status == OK ? LOG_INFO : LOG_WARNING, "diagnosis.infer", log_status(status),
              log_number(LOG_DURATION_US, (clock_monotonic_ms() - start_ms) * 1000));
}

const struct http_route diagnosis_routes[] = {
    {.method = "GET", .pattern = "/v2", .handle = handle_server},
    {.method = "GET", .pattern = "/v2/health/live", .handle = handle_live},
    {.method = "GET", .pattern = "/v2/health/ready", .handle = handle_ready},
    {.method = "GET", .pattern = "/v2/models/{model}", .handle = handle_model},
    {.method = "GET", .pattern = "/v2/models/{model}/ready", .handle = handle_model_ready},
    {.method = "GET", .pattern = "/v2/models/{model}/versions/{version}", .handle = handle_model},
    {.method = "GET", .pattern = "/v2/models/{model}/versions/{version}/ready", .handle = handle_model_ready},
    {.method = "POST", .pattern = "/v2/models/{model}/infer", .max_body = INFER_BODY_MAX_BYTES, .handle = handle_infer},
    {.method = "POST",
     .pattern = "/v2/models/{model}/versions/{version}/infer",
     .max_body = INFER_BODY_MAX_BYTES,
     .handle = handle_infer},
};
const size_t diagnosis_route_count = sizeof(diagnosis_routes) / sizeof(diagnosis_routes[0]);
