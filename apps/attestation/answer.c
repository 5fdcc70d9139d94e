/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/answer.h"

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/random.h"
#include "feeds/collateral.h"
#include "token/attestation_token.h"

#include <stdio.h>
#include <string.h>

enum {
    TRACE_BYTES = 16,
    SPAN_BYTES = 8,
    TRACEPARENT_CHARACTERS = 55,
    MESSAGE_MAX_BYTES = 1024,
    ERROR_MAX_BYTES = 16 * 1024,
    TOKEN_ANSWER_MAX_BYTES = ATTESTATION_TOKEN_MAX_BYTES + 64,
};

/* "00-<32 hexadecimal digits>-<16>-<2>" (W3C Trace Context). */
static bool is_traceparent(const char *text)
{
    static const char form[] = "hh-hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh-hhhhhhhhhhhhhhhh-hh";
    if (text == NULL || strlen(text) != TRACEPARENT_CHARACTERS) return false;
    for (size_t i = 0; i < TRACEPARENT_CHARACTERS; i++) {
        const bool is_digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (form[i] == 'h' ? !is_digit : text[i] != '-') return false;
    }
    return true;
}

static enum status make_request_id(struct buffer *id)
{
    uint8_t random[TRACE_BYTES + SPAN_BYTES];
    TRY(random_bytes(sizeof(random), random));
    TRY(buffer_append_text(id, "00-"));
    TRY(hex_encode(slice_of(random, TRACE_BYTES), id));
    TRY(buffer_append_text(id, "-"));
    TRY(hex_encode(slice_of(random + TRACE_BYTES, SPAN_BYTES), id));
    return buffer_append_text(id, "-00");
}

void answer_headers(const struct http_request *request, struct http_response *response)
{
    const char *const given = http_request_header(request, "traceparent");
    http_respond_header(response, "x-ms-maa-service-version", LAZARET_VERSION);
    if (is_traceparent(given)) {
        http_respond_header(response, "x-ms-request-id", given);
        return;
    }
    CLEANUP(buffer_done) struct buffer id = buffer_of_maximum(TRACEPARENT_CHARACTERS + 1);
    const char *text;
    if (make_request_id(&id) == OK && buffer_text(&id, &text) == OK)
        http_respond_header(response, "x-ms-request-id", text);
}

void answer_token(struct http_response *response, struct slice token)
{
    CLEANUP(buffer_done) struct buffer body = buffer_of_maximum(TOKEN_ANSWER_MAX_BYTES);
    /* A token has only characters that JSON leaves as they are. */
    if (buffer_append_text(&body, "{\"token\":\"") == OK && buffer_append(&body, token) == OK &&
        buffer_append_text(&body, "\"}") == OK)
        http_respond(response, 200, ANSWER_CONTENT_TYPE, buffer_slice(&body));
    else
        answer_error(response, 500, "InternalError", NULL);
}

static bool set(json_t *object, const char *name, const char *text)
{
    return text[0] == '\0' || json_object_set_new(object, name, json_string(text)) == 0;
}

static bool describe(json_t *error, const struct refusal *why)
{
    json_t *const inner = json_object();
    return set(error, "target", why->field) && json_object_set_new(error, "innererror", inner) == 0 &&
           set(inner, "code", status_name(why->status)) && set(inner, "field", why->field) &&
           set(inner, "seen", why->seen) && set(inner, "expected", why->expected) && set(inner, "fix", why->fix);
}

static enum status write_error(const char *code, const char *message, const struct refusal *why, struct buffer *text)
{
    CLEANUP(json_done) json_t *body = json_object();
    json_t *const error = json_object();
    const bool is_known = why != NULL && why->status != OK;
    if (json_object_set_new(body, "error", error) != 0 || !set(error, "code", code) || !set(error, "message", message))
        return ERR_NO_MEMORY;
    if (is_known && !describe(error, why)) return ERR_NO_MEMORY;
    return json_write(body, text);
}

void answer_error(struct http_response *response, unsigned http_status, const char *code, const struct refusal *why)
{
    char message[MESSAGE_MAX_BYTES] = "the request was refused";
    if (why != NULL && why->status != OK) refusal_text(why, message, sizeof(message));
    answer_text(response, http_status, code, message, why);
}

void answer_text(struct http_response *response, unsigned http_status, const char *code, const char *message,
                 const struct refusal *why)
{
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(ERROR_MAX_BYTES);
    http_respond_header(response, "x-ms-error-code", code);
    if (write_error(code, message, why, &text) != OK) {
        http_respond(response, 500, ANSWER_CONTENT_TYPE,
                     SLICE_LITERAL("{\"error\":{\"code\":\"InternalError\",\"message\":\"out of memory\"}}"));
        return;
    }
    http_respond(response, http_status, ANSWER_CONTENT_TYPE, buffer_slice(&text));
}

static void answer_later(struct http_response *response, unsigned http_status, int retry_s, const struct refusal *why)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%d", retry_s);
    http_respond_header(response, "retry-after", text);
    answer_error(response, http_status, http_status == 429 ? "TooManyRequests" : "ServiceUnavailable", why);
}

/* A source that knows no such platform has answered; anything else may pass. */
static void answer_collateral(struct http_response *response, const struct refusal *why)
{
    if (why->status == ERR_NOT_FOUND)
        answer_error(response, 400, "InvalidQuote", why);
    else
        answer_later(response, 503,
                     why->status == ERR_COLLATERAL_MISSING ? COLLATERAL_RETRY_AFTER_S : COLLATERAL_AWAY_RETRY_S, why);
}

static bool is_our_fault(enum status status)
{
    return status == ERR_NO_MEMORY || status == ERR_INTERNAL || status == ERR_CRYPTO;
}

/* Of a draft; the same code as for a policy that is to be set. */
static bool is_policy_text(enum status status)
{
    return status == ERR_POLICY_SYNTAX || status == ERR_POLICY_LIMIT || status == ERR_JMESPATH;
}

static const char *code_of_refusal(enum appraisal_step step, enum status status)
{
    if (step == APPRAISAL_REQUEST && is_policy_text(status)) return "PolicyParsingError";
    if (step == APPRAISAL_REQUEST && status == ERR_TOKEN_MALFORMED) return "InvalidOperation"; /* a draft's JWS */
    return step == APPRAISAL_POLICY ? "PolicyEvaluationError" : "InvalidParameter";
}

/* It may have been this request that a process died of, or an accident: other requests are not touched. */
static bool is_lost(enum status status)
{
    return status == ERR_CHILD_DIED || status == ERR_TIMEOUT;
}

void answer_refusal(struct http_response *response, enum appraisal_step step, const struct refusal *why)
{
    if (why->status == ERR_BUSY && step != APPRAISAL_COLLATERAL)
        answer_later(response, 429, BUSY_RETRY_S, why);
    else if (is_lost(why->status))
        answer_text(response, 500, "InternalError", "the process that read this request was lost", NULL);
    else if (is_our_fault(why->status) || step == APPRAISAL_SIGNING)
        answer_error(response, 500, "InternalError", NULL);
    else if (step == APPRAISAL_COLLATERAL)
        answer_collateral(response, why);
    else
        answer_error(response, 400, code_of_refusal(step, why->status), why);
}

static const char *code_of(unsigned http_status)
{
    switch (http_status) {
    case 404: return "NotFound";
    case 405: return "MethodNotAllowed";
    case 413: return "RequestTooLarge";
    case 415: return "UnsupportedMediaType";
    case 429: return "TooManyRequests";
    case 503: return "ServiceUnavailable";
    default: return http_status >= 500 ? "InternalError" : "InvalidRequest";
    }
}

void answer_unhandled(void *, const struct http_request *request, struct http_response *response, unsigned http_status,
                      const struct refusal *why)
{
    answer_headers(request, response);
    answer_error(response, http_status, code_of(http_status), why);
}
