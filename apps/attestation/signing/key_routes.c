/* SPDX-License-Identifier: Apache-2.0 */
#include "attestation/signing/key_routes.h"

#include "attestation/answer.h"
#include "attestation/management/management.h"
#include "attestation/routes.h"
#include "attestation/signing/key_documents.h"
#include "attestation/signing/keys.h"

typedef enum status make_document(struct signing_keys *keys, struct buffer *text);

static void respond(void *context, make_document *make, size_t maximum, const struct http_request *request,
                    struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    CLEANUP(buffer_done) struct buffer text = buffer_of_maximum(maximum);
    answer_headers(request, response);
    if (make(routes->keys, &text) == OK)
        http_respond(response, 200, ANSWER_CONTENT_TYPE, buffer_slice(&text));
    else
        answer_error(response, 500, "InternalError", NULL);
}

void key_handle_certs(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, signing_keys_certs, KEY_CERTS_MAX_BYTES, request, response);
}

void key_handle_metadata(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, signing_keys_metadata, KEY_METADATA_MAX_BYTES, request, response);
}

void key_handle_history(void *context, const struct http_request *request, struct http_response *response)
{
    respond(context, signing_keys_history, KEY_HISTORY_MAX_BYTES, request, response);
}

static enum status rotate(const struct attestation_routes *routes, const struct http_request *request,
                          struct refusal *why)
{
    const struct management_options *const management = routes->management;
    const char *const authorization = http_request_header(request, "authorization");
    const enum status status = administrators_check(management->administrators, authorization, RIGHT_CHANGE,
                                                    clock_now_s(management->clock), why);
    TRY(refuse_as(why, status, ERR_FORBIDDEN));
    return signing_keys_rotate(routes->keys, why);
}

void key_handle_rotate(void *context, const struct http_request *request, struct http_response *response)
{
    const struct attestation_routes *const routes = context;
    struct refusal why = {};
    const enum status status = rotate(routes, request, &why);
    if (status == OK) {
        key_handle_certs(context, request, response);
        return;
    }
    if (why.status == OK) (void)!refuse(&why, status, "signing keys", "another key", "none could be made");
    const struct management_code code = management_code(status);
    answer_headers(request, response);
    if (code.http_status == 401) http_respond_header(response, "www-authenticate", routes->management->challenge);
    answer_error(response, code.http_status, code.code, code.http_status == 500 ? NULL : &why);
}
