/* SPDX-License-Identifier: Apache-2.0 */
#include "http/server_internal.h"

#include "base/json.h"

#include <string.h>
#include <strings.h>

void response_done(struct http_response *response)
{
    buffer_done(&response->body);
    buffer_done(&response->texts);
}

static void reset(struct http_response *response, unsigned status)
{
    response_done(response);
    *response = (struct http_response){.status = status};
    response->body = buffer_of_maximum(HTTP_RESPONSE_MAX_BYTES);
    response->texts = buffer_of_maximum(RESPONSE_HEADER_MAX_BYTES);
}

static enum status append_pair(struct buffer *texts, const char *name, const char *value)
{
    TRY(buffer_append_text(texts, name));
    TRY(buffer_append_u8(texts, 0));
    TRY(buffer_append_text(texts, value));
    return buffer_append_u8(texts, 0);
}

void http_respond_header(struct http_response *response, const char *name, const char *value)
{
    const bool is_field = http_is_token(slice_of_text(name)) && http_is_field_value(slice_of_text(value));
    if (!is_field || response->header_count == RESPONSE_HEADER_MAX_COUNT) return;
    if (response->texts.maximum == 0) response->texts = buffer_of_maximum(RESPONSE_HEADER_MAX_BYTES);
    const size_t before = response->texts.size;
    if (append_pair(&response->texts, name, value) != OK) {
        buffer_truncate(&response->texts, before);
        return;
    }
    response->header_count++;
    if (strcasecmp(name, "content-type") == 0) response->has_content_type = true;
    if (strcasecmp(name, "cache-control") == 0) response->has_cache_control = true;
}

void http_respond(struct http_response *response, unsigned status, const char *content_type, struct slice body)
{
    response->status = status;
    buffer_done(&response->body);
    response->body = buffer_of_maximum(HTTP_RESPONSE_MAX_BYTES);
    if (buffer_append(&response->body, body) != OK) {
        reset(response, MHD_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    if (content_type != NULL && !response->has_content_type)
        http_respond_header(response, "content-type", content_type);
}

static bool set_text(json_t *object, const char *name, const char *text)
{
    return text[0] == '\0' || json_object_set_new(object, name, json_string(text)) == 0;
}

static bool describe(json_t *problem, const struct refusal *why)
{
    return set_text(problem, "detail", status_text(why->status)) &&
           set_text(problem, "code", status_name(why->status)) && set_text(problem, "field", why->field) &&
           set_text(problem, "seen", why->seen) && set_text(problem, "expected", why->expected) &&
           set_text(problem, "fix", why->fix);
}

static enum status write_problem(unsigned status, const char *type, const struct refusal *why, struct buffer *text)
{
    CLEANUP(json_done) json_t *problem = json_object();
    const char *const reason = MHD_get_reason_phrase_for(status);
    if (!set_text(problem, "type", type != NULL ? type : "about:blank") ||
        !set_text(problem, "title", reason != NULL ? reason : "Error") ||
        json_object_set_new(problem, "status", json_integer(status)) != 0)
        return ERR_NO_MEMORY;
    if (why != NULL && why->status != OK && !describe(problem, why)) return ERR_NO_MEMORY;
    return json_write(problem, text);
}

void http_respond_problem(struct http_response *response, unsigned status, const char *type, const struct refusal *why)
{
    enum { PROBLEM_MAX_BYTES = 8192 };
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(PROBLEM_MAX_BYTES);
    if (write_problem(status, type, why, &text) != OK) {
        reset(response, MHD_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }
    http_respond(response, status, "application/problem+json", buffer_slice(&text));
}

void exchange_refuse_for_now(struct exchange *exchange, int64_t wait_ms, const char *seen)
{
    enum { MS_PER_S = 1000 };
    const struct http_server_options *const options = &exchange->server->options;
    struct refusal why = {};
    char text[24];
    (void)!refuse(&why, ERR_BUSY, "requests", "fewer requests from this client's address", "%s", seen);
    exchange_refuse(exchange, MHD_HTTP_TOO_MANY_REQUESTS, &why);
    (void)snprintf(text, sizeof(text), "%lld", (long long)((wait_ms + MS_PER_S - 1) / MS_PER_S));
    http_respond_header(&exchange->response, "retry-after", text);
    if (options->retry_after_header == NULL) return;
    (void)snprintf(text, sizeof(text), "%lld", (long long)wait_ms);
    http_respond_header(&exchange->response, options->retry_after_header, text);
}

void exchange_refuse(struct exchange *exchange, unsigned status, const struct refusal *why)
{
    const struct http_server_options *const options = &exchange->server->options;
    reset(&exchange->response, status);
    if (options->respond_refusal != NULL)
        options->respond_refusal(options->context, &exchange->request, &exchange->response, status, why);
    else
        http_respond_problem(&exchange->response, status, NULL, why);
}
