/* SPDX-License-Identifier: Apache-2.0
 *
 * What the public HTTPS listener answers: health, evidence, sealed requests, recovery, a successor's
 * manifest; nothing else.
 */
#include "platform/platform.h"
#include "records/key_parcel.h"

#include <string.h>

enum {
    SEALED_MESSAGE_MAX_BYTES = INNER_BODY_MAX_BYTES + 128 * 1024,
    SEALED_ANSWER_MAX_BYTES = INNER_ANSWER_MAX_BYTES + 128 * 1024
};

static void handle_health(void *, const struct http_request *, struct http_response *response)
{
    service_respond_health(response);
}

static void handle_ready(void *context, const struct http_request *, struct http_response *response)
{
    const struct platform *const platform = context;
    service_respond_ready(platform->service, response);
}

static void handle_evidence(void *context, const struct http_request *request, struct http_response *response)
{
    const struct platform *const platform = context;
    CLEANUP(buffer_done) struct buffer statement = buffer_of_maximum(STATEMENT_MAX_BYTES);
    /* Before the first check of the chain there is no statement: the evidence is shown all the same. */
    if (chain_statement(platform->chain, &statement) != OK) buffer_clear(&statement);
    service_respond_evidence(platform->service, request, buffer_slice(&statement), response);
}

/* Only what is wrong before the seal is opened is told in clear. */
static unsigned plain_status(enum status status)
{
    switch (status) {
    case ERR_TOO_LARGE: return 413;
    case ERR_HTTP_TYPE: return 415;
    case ERR_INTERNAL:
    case ERR_NO_MEMORY: return 500;
    default: return 400;
    }
}

static void handle_sealed(void *context, const struct http_request *request, struct http_response *response)
{
    struct platform *const platform = context;
    struct refusal why = {};
    CLEANUP(buffer_done) struct buffer answer = buffer_of_maximum(SEALED_ANSWER_MAX_BYTES);
    const char *const type = http_request_header(request, "content-type");
    enum status status = OK;
    if (type == NULL || strcmp(type, "message/ohttp-req") != 0)
        status =
            refuse(&why, ERR_HTTP_TYPE, "content-type", "message/ohttp-req", "%s", type == NULL ? "none" : "another");
    if (status == OK)
        status = sealed_exchange(platform, slice_of_text(http_request_segment(request, "key")), request->body, &why,
                                 &answer);
    if (status == OK) {
        http_respond(response, 200, "message/ohttp-res", buffer_slice(&answer));
        return;
    }
    if (why.status == OK) (void)!refuse(&why, status, "body", "an encapsulated request for this key", "something else");
    const char *const problem =
        status == ERR_OHTTP_KEY ? "https://iana.org/assignments/http-problem-types#ohttp-key" : NULL;
    http_respond_problem(response, plain_status(status), problem, &why);
}

static unsigned manifest_status(enum status status)
{
    switch (status) {
    case ERR_NOT_FOUND: return 404;
    case ERR_MANIFEST_OLD: return 409;
    case ERR_BUSY: return 429;
    case ERR_NO_MEMORY: return 500;
    default: return 400;
    }
}

static void handle_manifest(void *context, const struct http_request *request, struct http_response *response)
{
    struct platform *const platform = context;
    struct refusal why = {};
    const enum status status =
        platform->hand_over == NULL
            ? refuse(&why, ERR_NOT_FOUND, "hand_over", "a listener for a successor", "none in the configuration")
            : hand_over_take_manifest(platform->hand_over, request->body, &why);
    if (status == OK)
        http_respond(response, 204, NULL, (struct slice){});
    else
        http_respond_problem(response, manifest_status(status), NULL, &why);
}

const struct http_route public_routes[] = {
    {"GET", "/healthz", 0, handle_health},
    {"GET", "/readyz", 0, handle_ready},
    {"GET", EVIDENCE_ENDPOINT_PATH, 0, handle_evidence},
    {"POST", "/sealed/{key}", SEALED_MESSAGE_MAX_BYTES, handle_sealed},
    {"POST", "/recovery", KEY_PARCEL_MAX_BYTES, handle_recovery, "application/json"},
    {"POST", "/hand-over/manifest", MANIFEST_MAX_BYTES, handle_manifest, "application/jose"},
};
const size_t public_route_count = sizeof(public_routes) / sizeof(public_routes[0]);
