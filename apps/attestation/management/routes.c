/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/management/routes.h"

#include "attestation/answer.h"
#include "attestation/api_version.h"
#include "attestation/management/management.h"
#include "attestation/routes.h"

#include <strings.h>

static void answer_refused(const struct management_options *management, const struct refusal *why,
                           struct http_response *response)
{
    const struct management_code code = management_code(why->status);
    if (code.http_status == 401) http_respond_header(response, "www-authenticate", management->challenge);
    if (code.http_status == 503) http_respond_header(response, "retry-after", "2");
    answer_error(response, code.http_status, code.code, code.http_status == 500 ? NULL : why);
}

static enum status ask(const struct management_options *management, struct management_question *question,
                       const struct http_request *request, struct refusal *why, struct buffer *token)
{
    TRY(api_version_check(request, why));
    question->authorization = http_request_header(request, "authorization");
    question->body = request->body;
    return management_answer(management, question, why, token);
}

static void respond(void *context, struct management_question question, const struct http_request *request,
                    struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    CLEANUP(buffer_done) struct buffer token = buffer_of_maximum(ATTESTATION_TOKEN_MAX_BYTES);
    struct refusal why = {};
    answer_headers(request, response);
    const enum status status = ask(routes->management, &question, request, &why, &token);
    if (status == OK) {
        answer_token(response, buffer_slice(&token));
        return;
    }
    if (why.status == OK) (void)!refuse(&why, status, "request", "one that can be served", "another");
    answer_refused(routes->management, &why, response);
}

static struct slice type_of(const struct http_request *request)
{
    return slice_of_text(http_request_segment(request, "type"));
}

void management_handle_policy_get(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, (struct management_question){.call = MANAGEMENT_POLICY_GET, .type = type_of(request)}, request,
            response);
}

void management_handle_policy_set(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, (struct management_question){.call = MANAGEMENT_POLICY_SET, .type = type_of(request)}, request,
            response);
}

void management_handle_policy_reset(void *context, const struct http_request *request, struct http_response *response)
{
    static const char action[] = ":reset";
    const struct slice segment = type_of(request);
    const size_t size = sizeof(action) - 1;
    if (segment.size < size || strncasecmp((const char *)segment.bytes + segment.size - size, action, size) != 0) {
        struct refusal why = {};
        (void)!refuse(&why, ERR_NOT_FOUND, "request.path", "/policies/{type}:reset", "%.*s", (int)segment.size,
                      (const char *)segment.bytes);
        answer_unhandled(NULL, request, response, 404, &why);
        return;
    }
    const struct slice type = slice_part(segment, 0, segment.size - size);
    respond(context, (struct management_question){.call = MANAGEMENT_POLICY_RESET, .type = type}, request, response);
}

void management_handle_certificates(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, (struct management_question){.call = MANAGEMENT_CERTIFICATES_GET}, request, response);
}

void management_handle_certificate_add(void *context, const struct http_request *request,
                                       struct http_response *response)
{
    respond(context, (struct management_question){.call = MANAGEMENT_CERTIFICATE_ADD}, request, response);
}

void management_handle_certificate_remove(void *context, const struct http_request *request,
                                          struct http_response *response)
{
    respond(context, (struct management_question){.call = MANAGEMENT_CERTIFICATE_REMOVE}, request, response);
}
